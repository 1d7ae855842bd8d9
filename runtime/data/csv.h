/* SPDX-License-Identifier: BSD-3-Clause */
/* A CSV text being read: its records, its header, its rows. */
#ifndef HSGD_DATA_CSV_H
#define HSGD_DATA_CSV_H

#include "readers.h"
#include "text.h"

/* What a column is. */
/* EITHER: a feature, which has categories if some value is a text. */
enum csv_role { CSV_FEATURE, CSV_LABEL, CSV_TARGET, CSV_IGNORED, CSV_CATEGORY, CSV_EITHER };

static inline bool csv_is_feature(enum csv_role role)
{
    return role == CSV_FEATURE || role == CSV_CATEGORY || role == CSV_EITHER;
}

/* A record is one line, or several where a field in quotes holds line ends. */
struct csv {
    struct hsgd_context *ctx;
    struct hsgd_stream *s;
    const char *name;
    const struct hsgd_data_options *options;
    struct labels *labels; /* NULL: a label column is passed over */
    struct hsgd_data *d;
    char separator;         /* 0: not known yet */
    bool headless;          /* the first record is a row */
    int64_t line, record;   /* the last line; the one where the record began */
    int64_t point, comma;   /* first lines with a decimal point, a decimal comma; 0: none yet */
    char *text;             /* of the record, split into fields */
    char **field, **column; /* the record's, trimmed; names of the columns */
    enum csv_role *role;    /* of each column */
    int64_t fields, columns, features;
    int64_t label;                /* its column; -1: none */
    int64_t *target, targets;     /* their columns, in the order of the field "target"; with them there is no label */
    double *values, *goals;       /* of the features and of the targets */
    struct csv_values *values_of; /* of each column, if there are categories or filled values; else NULL */
    int64_t text_capacity, field_capacity, value_capacity, label_capacity, target_capacity, goal_capacity;
};

int csv_out_of_memory(const struct csv *r);

/* Whether text may be a CSV: the first line that is neither blank nor a comment
 * has a separator. */
bool csv_has_separator(char *text);

/* The next record that is not blank: 1, 0 at the end, or an error.  Before the
 * first one lines that begin with # are passed over, too; it settles the
 * separator. */
int csv_read_record(struct csv *r);

/* Without blanks around it; writes into it. */
char *csv_trim(char *field);

/* The kind of a field. */
enum csv_kind { CSV_TEXT, CSV_NUMBER, CSV_MISSING };
/* Reads a field as a number: *v, NAN where it is missing.  In files with
 * semicolons the decimal separator may be a comma. */
enum csv_kind csv_parse_number(const struct csv *r, const char *field, double *v);

/* 1 for true, 0 for false, as Python and R write them; false: it is neither. */
bool csv_read_truth(const char *field, double *v);

/* Calls use() for one column, whose name may have commas, or for those of a list. */
int csv_each_column(struct csv *r, const char *text, int (*use)(struct csv *r, int64_t column));

/* Categories and filled values (csv_table.c): their columns, once the header was read; a
 * field of a column of categories, *to being NAN where it is missing; a field of one that
 * may have them; the features, in place of the columns. */
int csv_settle_categories(struct csv *r);
int csv_read_category(struct csv *r, int64_t column, const char *field, double *to);
int csv_read_either(struct csv *r, int64_t column, const char *field, double *to);
int csv_finish_table(struct csv *r);
void csv_table_close(struct csv *r);

/* Reads the header and settles the role of each column. */
int csv_read_header(struct csv *r);

#endif
