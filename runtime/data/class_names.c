/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of classes as a JSON array of strings, as caches and checkpoints store
 * them.  They may be any bytes: hsgd_json_text(). */
#include "dataset.h"

#include "../io/json.h"

#include <limits.h>
#include <stdlib.h>

char *class_names_text(const struct hsgd_data *d)
{
    json_t *list = json_array();
    for (int i = 0; list && i < hsgd_data_classes(d); i++)
        hsgd_json_append(&list, hsgd_json_text(hsgd_data_class_name(d, i)));
    char *text = list ? json_dumps(list, JSON_COMPACT) : NULL;
    json_decref(list);
    return text;
}

static char **read_list(const json_t *list, int *n)
{
    size_t size = json_array_size(list);
    char **name = json_is_array(list) && size < INT_MAX ? calloc(size + 1, sizeof *name) : NULL;
    for (*n = 0; name && (size_t)*n < size; ++*n) {
        name[*n] = hsgd_json_bytes(json_array_get(list, (size_t)*n));
        if (name[*n]) continue;
        for (int i = 0; i < *n; i++) free(name[i]);
        free(name);
        return NULL;
    }
    return name;
}

char **class_names_read(const char *text, int *n)
{
    json_t *list = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    char **name = read_list(list, n);
    json_decref(list);
    return name;
}
