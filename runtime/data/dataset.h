/* SPDX-License-Identifier: BSD-3-Clause */
/* Data sets inside the library: struct hsgd_data and how readers create one. */
#ifndef HSGD_DATA_DATASET_H
#define HSGD_DATA_DATASET_H

#include "base/error.h"
#include "passed.h"
#include "type_text.h"
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

enum { MAX_FIELDS = 16, FIELD_NAME = 32 /* bytes, with the zero */, MAX_BUCKETS = 32 };

/* What each sample has under one name.  It is stored as 8-bit numbers (bytes),
 * floats (values; NaN: missing), integers (numbers) or sparse floats: exactly one
 * of these.  8-bit numbers of a field of floats are treated as 0 to 1.  What
 * begins with `owned` is freed with the set; names are reference-counted. */
struct data_field {
    char name[FIELD_NAME];
    struct hsgd_type type; /* as a batch has it */
    const uint8_t *bytes;
    const float *values;
    const int32_t *numbers;
    int step; /* values from one sample to the next: windows of a stream; 0: as many as a sample has */
    struct hsgd_sparse sparse;
    const struct hsgd_origin *origin; /* one for each channel of values; NULL: {0, 1} for all */
    bool missing;                     /* some values are missing */
    bool integers;                    /* the values have an integer type in the file */
    struct hsgd_names *columns;       /* names of the channels (columns of the file, or its array); NULL: none */
    int classes;                      /* numbers are in [0, classes); 0: any */
    struct hsgd_names *names;         /* of the classes; NULL: "0", "1", ... */
    void *owned;
    struct hsgd_origin *owned_origin;
    bool owned_sparse;
};

/* A view (a split) borrows the memory of the fields and selects samples by index;
 * index NULL: all, in order.  Sets that are read have x and, at y, the labels or
 * the targets. */
struct hsgd_data {
    char *name;
    const char *format; /* NULL: not read from a file */
    int64_t count, *index;
    int fields;
    union {
        struct data_field field[MAX_FIELDS];
        struct {
            struct data_field x, y;
        };
    };
    struct table *table;              /* how columns of the file became features; NULL: each is one */
    struct hsgd_names *ignored;       /* columns of the file that are in no field; NULL: there are none */
    int buckets, bucket[MAX_BUCKETS]; /* bounds of lengths, ascending; none: powers of two */
    struct passed *passed;            /* files that were passed over; NULL: none */
};

/* An empty set called `name`, with a field x of floats; NULL with a sentence when
 * memory is exhausted. */
struct hsgd_data *hsgd_data_new(struct hsgd_context *ctx, const char *name);

/* Gives d the field "label", whose numbers are the y.owned that a reader filled. */
void hsgd_data_set_labels(struct hsgd_data *d);

/* Gives d the field "target" of this type, whose values a reader adds. */
void hsgd_data_set_targets(struct hsgd_data *d, struct hsgd_type type);

/* Gives d zeroed 8-bit samples and labels of its own; count and the type of x are
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

/* Copies the description of `as` to d: format, files, and the fields without their
 * values. */
void hsgd_data_describe(struct hsgd_data *d, const struct hsgd_data *as);

/* The names of d's classes as JSON text, to be freed; NULL: out of memory. */
char *class_names_text(const struct hsgd_data *d);
/* Reads such a text: *n names, each and the array to be freed.  NULL: it is not
 * such a text, or memory is exhausted. */
char **class_names_read(const char *text, int *n);

/* The field with this name; NULL: there is none. */
const struct data_field *data_field(const struct hsgd_data *d, const char *name);
/* The field "label", if it is one integer; else NULL. */
const struct data_field *data_labels(const struct hsgd_data *d);
/* The field "label", if it has integers, or "boxes", if they have classes; else NULL. */
const struct data_field *data_classes(const struct hsgd_data *d);

/* {n} of 1 x 1 x n, else {h, w, c}. */
struct hsgd_type shape_type(struct hsgd_shape s);
bool type_equal(const struct hsgd_type *a, const struct hsgd_type *b);

/* Values of x in one sample. */
static inline int64_t hsgd_data_size(const struct hsgd_data *d) { return hsgd_type_size(&d->x.type); }

/* Index in memory of sample i. */
static inline int64_t hsgd_data_place(const struct hsgd_data *d, int64_t i) { return d->index ? d->index[i] : i; }

/* The number of channels that are normalised separately. */
static inline int field_channels(const struct data_field *f)
{
    bool plain = hsgd_type_positions(&f->type) == 1;
    return f->sparse.start || (plain && f->bytes) ? 1 : hsgd_type_channels(&f->type);
}

/* Rows which[0..n) of a field as hsgd_data_gather_field() writes them; the rows of
 * a view are those at index[], NULL: at which[] itself. */
void field_gather(const struct data_field *f, const int64_t *index, const int64_t *which, int n,
                  const struct hsgd_normalisation *norm, void *to);

/* Memory of its own: bytes, values or numbers as its type has it, or as `like`, of
 * the same type, is stored.  false: out of memory. */
bool field_allocate(struct data_field *f, const struct data_field *like, int64_t count);

/* Its memory becomes `memory`, of bytes or floats. */
void field_own(struct data_field *f, void *memory, bool bytes);

/* Fills in a program's description of a field.  0 or -EINVAL. */
int field_give(const char *name, const struct hsgd_type *type, int classes, const struct hsgd_names *names,
               const struct hsgd_names *columns, struct hsgd_data_field *out, size_t size);

/* Frees what it owns. */
void field_free(struct data_field *f);

#endif
