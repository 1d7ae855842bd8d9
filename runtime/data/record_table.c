/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables as JSON, in records. */
#include "record_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../io/json.h"
#include "table.h"

/* ------------------------------------------------------------------ writing */

static json_t *json_column(const struct table_column *c)
{
    json_t *o = json_object();
    hsgd_json_set(&o, "name", hsgd_json_text(c->name));
    if (!c->category) {
        hsgd_json_set(&o, "fill", json_real(c->fill));
        hsgd_json_set(&o, "indicator", json_boolean(c->indicator));
        return o;
    }
    json_t *list = json_array();
    for (int i = 0; i < c->category->count; i++) hsgd_json_append(&list, hsgd_json_text(c->category->name[i]));
    hsgd_json_set(&o, "categories", list);
    return o;
}

json_t *table_to_json(const struct table *t)
{
    json_t *list = json_array();
    for (int i = 0; i < t->count; i++) hsgd_json_append(&list, json_column(&t->column[i]));
    return list;
}

/* ------------------------------------------------------------------ reading */

static struct hsgd_names *read_categories(const json_t *list)
{
    size_t n = json_array_size(list), i;
    json_t *name;
    bool good = n && n <= TABLE_CATEGORIES;
    char **text = good ? calloc(n, sizeof *text) : NULL;
    json_array_foreach(list, i, name) good = good && text && (text[i] = hsgd_json_bytes(name));
    if (good) return hsgd_names_new(text, (int)n);
    for (i = 0; text && i < n; i++) free(text[i]);
    free(text);
    return NULL;
}

static bool read_column(const json_t *o, struct table_column *c)
{
    const json_t *list = json_object_get(o, "categories"), *fill = json_object_get(o, "fill");
    c->name = hsgd_json_bytes(json_object_get(o, "name"));
    if (json_is_array(list)) c->category = read_categories(list);
    else c->fill = json_number_value(fill);
    c->indicator = json_is_true(json_object_get(o, "indicator"));
    return c->name && (c->category || (json_is_number(fill) && isfinite(c->fill)));
}

struct table *table_from_json(const json_t *list)
{
    size_t n = json_array_size(list);
    struct table *t = n && n < TABLE_COLUMNS ? table_new((int)n) : NULL;
    bool good = t;
    for (size_t i = 0; good && i < n; i++) good = read_column(json_array_get(list, i), &t->column[i]);
    for (int i = 0; good && i < t->count; i++) good = table_find(t, t->column[i].name) == i;
    if (good) {
        table_settle(t);
        return t;
    }
    table_free(t);
    return NULL;
}
