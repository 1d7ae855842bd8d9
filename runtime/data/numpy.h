/* SPDX-License-Identifier: BSD-3-Clause */
/* Data sets from NumPy arrays: those of an .npz, or .npy files side by side. */
#ifndef HSGD_DATA_NUMPY_H
#define HSGD_DATA_NUMPY_H

#include "format.h"
#include "labels.h"
#include "npy.h"

/* The bytes of one array.  `name` is for messages, `key` its name in the
 * archive. */
struct array {
    char *key, *name;
    uint8_t *bytes;
    size_t size;
};

/* Which arrays are what: {samples, labels or targets, test samples, test labels}. */
enum { ARRAY_X, ARRAY_Y, ARRAY_TEST_X, ARRAY_TEST_Y, ARRAY_ROLES };
extern const char *const numpy_names[][ARRAY_ROLES];
enum { NUMPY_ROWS = 6 };

/* Samples without labels; takes over the bytes of x.  record: of the training data, or NULL: where
 * that had tokens, integers are tokens.  *out is freed by the caller, also after an error. */
int numpy_samples(struct hsgd_context *ctx, struct array *x, int features, const struct hsgd_record *record,
                  struct hsgd_data **out);

/* A split from its two arrays, y with labels or, where `labels` is NULL, with numeric
 * targets; takes over the bytes of x.  *out is freed by the caller, also after an
 * error. */
int numpy_split(struct hsgd_context *ctx, struct array *x, const struct array *y, int features,
                const struct hsgd_record *record, struct labels *labels, struct hsgd_data **out);
/* Both splits; array[ARRAY_TEST_X] without bytes: no test split. */
int numpy_splits(struct hsgd_context *ctx, const char *what, struct array array[ARRAY_ROLES],
                 const struct hsgd_data_options *options, struct data_splits *out);
void array_free(struct array *a);

/* A field by --fields: its array, that of the test split, and its type; HSGD_DTYPES: the
 * one that the array has. */
enum { MAX_NPZ_FIELDS = 8 };
struct npz_fields {
    int count;
    struct npz_field {
        char name[FIELD_NAME], array[64], test[72];
        enum hsgd_dtype dtype;
    } field[MAX_NPZ_FIELDS];
};
/* list NULL: none. */
int npz_fields_read(struct hsgd_context *ctx, const char *what, const char *list, struct npz_fields *out);
const struct npz_field *npz_field_named(const struct npz_fields *f, const char *name);
/* Fills in a field from an array; f->classes: those of the training split, 0: not known. */
int numpy_field(struct hsgd_context *ctx, const struct array *x, const struct npz_field *of, struct hsgd_data *d,
                struct data_field *f);
/* The values of a field whose type is set. */
int numpy_floats(struct hsgd_context *ctx, const struct array *x, const struct npy *a, struct data_field *f);

/* An archive in memory; `size` bytes at `bytes`. */
int npz_parse(struct hsgd_context *ctx, const char *name, const void *bytes, size_t size,
              const struct hsgd_data_options *options, struct data_splits *out);

/* The array of samples in an archive: the first of the known names.  *out is
 * freed by the caller, also after an error. */
int npz_samples(struct hsgd_context *ctx, const char *name, const void *bytes, size_t size, struct array *out);

#endif
