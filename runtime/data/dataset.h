/* SPDX-License-Identifier: BSD-3-Clause */
/* Data sets inside the library: what hsgd_data is, and how readers make one. */
#ifndef HSGD_DATA_DATASET_H
#define HSGD_DATA_DATASET_H

#include "../error.h"
#include "passed.h"
#include <hsgd/data.h>

/* Rows of which only some numbers are not zero: those of sample i are
 * value[k] at column[k] (ascending) for k from start[i] to start[i+1]. */
struct hsgd_sparse {
    int64_t *start;
    int32_t *column;
    float *value;
};

/* Of a channel, or plain feature, whose values a 32-bit float would round too
 * much: value = offset + unit * the number that is stored. */
struct hsgd_origin { double offset, unit; };

/* Samples are 8-bit (bytes), float (values; NaN is a missing one) or sparse,
 * only one of these.  A view (a split) borrows them and picks samples through
 * index; index NULL is every sample in order.  What begins with `owned` is freed
 * with the set.  Class names are counted references (hsgd_names). */
struct hsgd_data {
    char *name;
    const char *format;          /* NULL: was not read */
    int64_t count;
    struct hsgd_shape shape;
    int classes;
    const uint8_t *bytes;
    const float *values;
    const struct hsgd_origin *origin;    /* one for each channel of values; NULL: {0, 1} for all */
    struct hsgd_sparse sparse;
    bool missing;                /* some values are */
    const int32_t *labels;
    void *owned;
    int32_t *owned_labels;
    struct hsgd_origin *owned_origin;
    bool owned_sparse;
    struct hsgd_names *names;
    struct hsgd_names *columns;  /* names of the plain features, in their order; NULL: the format has none */
    struct hsgd_names *label;    /* one name: the column (or array, where it was given) of the labels; NULL: none */
    struct hsgd_names *ignored;  /* columns of the file that are neither; NULL: there are none */
    struct passed *passed;       /* files that were passed over; NULL: none */
    bool integers;               /* the values have an integer type in the file */
    int64_t *index;
};

/* An empty set called `name`; NULL with a sentence when memory is exhausted. */
struct hsgd_data *hsgd_data_new(struct hsgd_context *ctx, const char *name);

/* Gives d zeroed 8-bit samples and labels of its own; count and shape are
 * set.  Returns 0 or -ENOMEM with a sentence. */
int hsgd_data_allocate(struct hsgd_context *ctx, struct hsgd_data *d);

/* Names of classes or columns, shared by the parts of a data set and their views. */
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

/* What both have in common that the samples do not show: format, classes and
 * all names, shared. */
void hsgd_data_describe(struct hsgd_data *d, const struct hsgd_data *as);

/* The names of d's classes as JSON text, to be freed; NULL: out of memory. */
char *class_names_text(const struct hsgd_data *d);
/* Reads such a text: *n names, each and the array to be freed.  NULL: it is
 * none, or memory is exhausted. */
char **class_names_read(const char *text, int *n);

/* Numbers in one sample. */
static inline int64_t hsgd_data_size(const struct hsgd_data *d)
{
    return (int64_t)d->shape.h * d->shape.w * d->shape.c;
}

/* Place in memory of sample i. */
static inline int64_t hsgd_data_place(const struct hsgd_data *d, int64_t i)
{
    return d->index ? d->index[i] : i;
}

/* How many channels have a mean of their own. */
static inline int hsgd_data_channels(const struct hsgd_data *d)
{
    bool plain = d->shape.h == 1 && d->shape.w == 1;
    return d->sparse.start || (plain && d->bytes) ? 1 : d->shape.c;
}

#endif
