/* SPDX-License-Identifier: BSD-3-Clause */
/* Types: what one sample of a tensor or a data set's field is. */
#ifndef HSGD_TYPE_H
#define HSGD_TYPE_H

#include <stdint.h>

/* Kinds of numbers.  New ones are added before HSGD_DTYPES, which counts them. */
enum hsgd_dtype { HSGD_F32, HSGD_I32, HSGD_U8, HSGD_DTYPES };

/* Bytes of a number. */
static inline int hsgd_dtype_bytes(enum hsgd_dtype d) { return d == HSGD_U8 ? 1 : 4; }

/* HSGD_ANY: a dimension that is left open, until a plan is made. */
enum { HSGD_MAX_RANK = 6, HSGD_ANY = -1 };

/* What one sample is.  The batch has no axis: a tensor holds samples one after
 * the other.  dim[0..rank) are its dimensions, row-major: the last axis is the
 * channels, and runs fastest; dimensions from rank on are 0.  Rank 0 is one
 * number, for example a class. */
struct hsgd_type {
    enum hsgd_dtype dtype;
    int rank, dim[HSGD_MAX_RANK];
};

/* Whether one of the first n dimensions is HSGD_ANY. */
static inline int hsgd_type_is_open(const struct hsgd_type *t, int n)
{
    for (int i = 0; i < n; i++)
        if (t->dim[i] == HSGD_ANY) return 1;
    return 0;
}

/* Numbers in a sample: the product of its dimensions; 1 for rank 0; HSGD_ANY where
 * one of them is. */
static inline int64_t hsgd_type_size(const struct hsgd_type *t)
{
    int64_t n = 1;
    for (int i = 0; i < t->rank; i++) n *= t->dim[i];
    if (hsgd_type_is_open(t, t->rank)) return HSGD_ANY;
    return n;
}

/* The last dimension, which may be HSGD_ANY; 1 for rank 0. */
static inline int hsgd_type_channels(const struct hsgd_type *t) { return t->rank > 0 ? t->dim[t->rank - 1] : 1; }

/* Vectors of channels in a sample: the product of all dimensions but the last;
 * HSGD_ANY where one of these is. */
static inline int64_t hsgd_type_positions(const struct hsgd_type *t)
{
    int64_t n = 1;
    for (int i = 0; i + 1 < t->rank; i++) n *= t->dim[i];
    if (hsgd_type_is_open(t, t->rank - 1)) return HSGD_ANY;
    return n;
}

/* Bytes of a sample; HSGD_ANY where a dimension is. */
static inline int64_t hsgd_type_bytes(const struct hsgd_type *t)
{
    int64_t n = hsgd_type_size(t);
    if (n == HSGD_ANY) return HSGD_ANY;
    return n * hsgd_dtype_bytes(t->dtype);
}

/* One number: rank 0. */
static inline struct hsgd_type hsgd_number(enum hsgd_dtype d)
{
    struct hsgd_type t = { d, 0, { 0 } };
    return t;
}

/* {n}: n plain features. */
static inline struct hsgd_type hsgd_vector(int n)
{
    struct hsgd_type t = { HSGD_F32, 1, { n } };
    return t;
}

/* {h, w, c}: an image of h rows, w columns and c channels. */
static inline struct hsgd_type hsgd_image(int h, int w, int c)
{
    struct hsgd_type t = { HSGD_F32, 3, { h, w, c } };
    return t;
}

/* {length}: a sequence of indices. */
static inline struct hsgd_type hsgd_tokens(int length)
{
    struct hsgd_type t = { HSGD_I32, 1, { length } };
    return t;
}

#endif
