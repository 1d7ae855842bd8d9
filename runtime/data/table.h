/* SPDX-License-Identifier: BSD-3-Clause */
/* How the columns of a table become features: categories one-hot, missing values filled. */
#ifndef HSGD_DATA_TABLE_H
#define HSGD_DATA_TABLE_H

#include "dataset.h"

/* A column of the file.  Of categories a feature each, in this order, and one more for
 * missing values and categories that the training data lacked; of numbers one, and
 * perhaps one more that is 1 where the number is missing. */
struct table_column {
    char *name;
    struct hsgd_names *category; /* NULL: numbers */
    double fill;                 /* of missing numbers */
    bool indicator;
};

/* Shared by the splits of a data set, their views and records, as names are. */
struct table {
    int users, count, features;
    struct table_column column[];
};

/* `count` columns without names; NULL: out of memory. */
struct table *table_new(int count);
/* NULL-safe, both. */
struct table *table_share(struct table *t);
void table_free(struct table *t);

/* Sets the number of features, once the columns are complete. */
void table_settle(struct table *t);
/* Features of a column. */
int table_width(const struct table_column *c);
/* Names of the features, "size", "size missing", "colour=red", "colour=?"; NULL: out of
 * memory. */
struct hsgd_names *table_names(const struct table *t);
/* Names of the columns; NULL: out of memory. */
struct hsgd_names *table_columns(const struct table *t);
/* Column of this name; -1: there is none. */
int table_find(const struct table *t, const char *name);

#endif
