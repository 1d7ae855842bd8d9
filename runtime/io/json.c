/* SPDX-License-Identifier: BSD-3-Clause */
#include "json.h"

#include <hsgd/file.h>
#include <stdlib.h>

json_t *hsgd_json_text(const char *bytes)
{
    char *text = hsgd_text_encode(bytes);
    json_t *string = text ? json_string(text) : NULL;
    free(text);
    return string;
}

char *hsgd_json_bytes(const json_t *string) { return hsgd_text_decode(json_string_value(string)); }

/* code: of a call that has taken a value into *to. */
static void keep(json_t **to, int code)
{
    if (!code) return;
    json_decref(*to);
    *to = NULL;
}

void hsgd_json_append(json_t **list, json_t *value) { keep(list, json_array_append_new(*list, value)); }

void hsgd_json_set(json_t **object, const char *key, json_t *value)
{
    keep(object, json_object_set_new(*object, key, value));
}
