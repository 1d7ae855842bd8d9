/* SPDX-License-Identifier: BSD-3-Clause */
/* Data sets inside the library: struct hsgd_data and how readers create one. */
#ifndef HSGD_DATA_DATASET_H
#define HSGD_DATA_DATASET_H

#include "../error.h"
#include "passed.h"
#include <hsgd/data.h>

/* Sparse rows (CSR): the non-zero values of sample i are value[k] at column[k]
 * (ascending) for start[i] <= k < start[i+1]. */
struct hsgd_sparse {
    int64_t *start;
    int32_t *column;
    float *value;
};

/* How a channel or feature is stored whose values a 32-bit float would round too
 * much: value = offset + unit * stored. */
struct hsgd_origin {
    double offset, unit;
};

/* Samples are 8-bit (bytes), float (values; NaN: missing) or sparse: exactly one
 * of these.  A view (a split) borrows them and selects samples by index; index
 * NULL: all, in order.  What begins with `owned` is freed with the set.  Class
 * names are reference-counted (hsgd_names). */
struct hsgd_data {
    char *name;
    const char *format; /* NULL: not read from a file */
    int64_t count;
    struct hsgd_shape shape;
    int classes;
    const uint8_t *bytes;
    const float *values;
    const struct hsgd_origin *origin; /* one for each channel of values; NULL: {0, 1} for all */
    struct hsgd_sparse sparse;
    bool missing; /* some values are missing */
    const int32_t *labels;
    void *owned;
    int32_t *owned_labels;
    struct hsgd_origin *owned_origin;
    bool owned_sparse;
    struct hsgd_names *names;
    struct hsgd_names *columns; /* names of the plain features, in their order; NULL: the format has none */
    struct hsgd_names *label;   /* one name: the column (or array, where it was given) of the labels; NULL: none */
    struct hsgd_names *ignored; /* columns of the file that are neither; NULL: there are none */
    struct passed *passed;      /* files that were passed over; NULL: none */
    bool integers;              /* the values have an integer type in the file */
    int64_t *index;
};

/* An empty set called `name`; NULL with a sentence when memory is exhausted. */
struct hsgd_data *hsgd_data_new(struct hsgd_context *ctx, const char *name);

/* Gives d zeroed 8-bit samples and labels of its own; count and shape are
 * set.  Returns 0 or -ENOMEM with a sentence. */
int hsgd_data_allocate(struct hsgd_context *ctx, struct hsgd_data *d);

/* Names of classes or columns, shared by the splits of a data set and their views. */
struct hsgd_names {
    int users, count;
    char *name[];
};

/* Takes n names over, each from malloc(), and frees the array; NULL (and all
 * freed) when memory is exhausted. */
struct hsgd_names *hsgd_names_new(char **name, int n);
/* Copies of n names; NULL when memory is exhausted. */
struct hsgd_names *hsgd_names_copy(const char *const *name, int n);
/* Another user of the same names; NULL for NULL. */
struct hsgd_names *hsgd_names_share(struct hsgd_names *names);
/* NULL-safe. */
void hsgd_names_free(struct hsgd_names *names);

/* Copies the description of `as` to d: format, classes and all names, which are
 * shared. */
void hsgd_data_describe(struct hsgd_data *d, const struct hsgd_data *as);

/* The names of d's classes as JSON text, to be freed; NULL: out of memory. */
char *class_names_text(const struct hsgd_data *d);
/* Reads such a text: *n names, each and the array to be freed.  NULL: it is not
 * such a text, or memory is exhausted. */
char **class_names_read(const char *text, int *n);

/* Values in one sample. */
static inline int64_t hsgd_data_size(const struct hsgd_data *d)
{
    return (int64_t)d->shape.h * d->shape.w * d->shape.c;
}

/* Index in memory of sample i. */
static inline int64_t hsgd_data_place(const struct hsgd_data *d, int64_t i) { return d->index ? d->index[i] : i; }

/* The number of channels that are normalised separately. */
static inline int hsgd_data_channels(const struct hsgd_data *d)
{
    bool plain = d->shape.h == 1 && d->shape.w == 1;
    return d->sparse.start || (plain && d->bytes) ? 1 : d->shape.c;
}

#endif
