/* SPDX-License-Identifier: BSD-3-Clause */
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct table *table_new(int count)
{
    struct table *t = calloc(1, sizeof *t + (size_t)count * sizeof *t->column);
    if (t) t->users = 1, t->count = count;
    return t;
}

struct table *table_share(struct table *t)
{
    if (t) t->users++;
    return t;
}

void table_free(struct table *t)
{
    if (!t || --t->users > 0) return;
    for (int i = 0; i < t->count; i++) {
        free(t->column[i].name);
        hsgd_names_free(t->column[i].category);
    }
    free(t);
}

int table_width(const struct table_column *c) { return c->category ? c->category->count + 1 : 1 + c->indicator; }

void table_settle(struct table *t)
{
    t->features = 0;
    for (int i = 0; i < t->count; i++) t->features += table_width(&t->column[i]);
}

static char *feature_name(const struct table_column *c, int i)
{
    const char *category = !c->category ? NULL : i < c->category->count ? c->category->name[i] : "?";
    size_t size = strlen(c->name) + (category ? strlen(category) : 0) + 10;
    char *name = malloc(size);
    if (name) snprintf(name, size, "%s%s%s", c->name, category ? "=" : i ? " missing" : "", category ? category : "");
    return name;
}

struct hsgd_names *table_names(const struct table *t)
{
    char **name = calloc((size_t)t->features + 1, sizeof *name);
    int n = 0;
    bool ok = name;
    for (int i = 0; ok && i < t->count; i++)
        for (int k = 0; ok && k < table_width(&t->column[i]); k++) {
            name[n] = feature_name(&t->column[i], k);
            ok = name[n++];
        }
    if (ok) return hsgd_names_new(name, n);
    while (n > 0) free(name[--n]);
    free(name);
    return NULL;
}

struct hsgd_names *table_columns(const struct table *t)
{
    const char **name = calloc((size_t)t->count + 1, sizeof *name);
    for (int i = 0; name && i < t->count; i++) name[i] = t->column[i].name;
    struct hsgd_names *names = name ? hsgd_names_copy(name, t->count) : NULL;
    free(name);
    return names;
}

int table_find(const struct table *t, const char *name)
{
    for (int i = 0; i < t->count; i++)
        if (!strcmp(t->column[i].name, name)) return i;
    return -1;
}
