/* SPDX-License-Identifier: BSD-3-Clause */
/* Tensors of ONNX files whose numbers are known: initializers, constants, and
 * what is computed of these while a file is read. */
#ifndef HSGD_ONNX_TENSOR_H
#define HSGD_ONNX_TENSOR_H

#include <hsgd/context.h>
#include <stdint.h>

#include "onnx/onnx.pb-c.h"

/* Kinds of numbers, as ONNX counts them. */
enum onnx_dtype {
    ONNX_UNDEFINED,
    ONNX_FLOAT,
    ONNX_UINT8,
    ONNX_INT8,
    ONNX_UINT16,
    ONNX_INT16,
    ONNX_INT32,
    ONNX_INT64,
    ONNX_STRING,
    ONNX_BOOL,
    ONNX_FLOAT16,
    ONNX_DOUBLE,
    ONNX_UINT32,
    ONNX_UINT64,
    ONNX_COMPLEX64,
    ONNX_COMPLEX128,
    ONNX_BFLOAT16,
    ONNX_DTYPES
};
/* "float", as ONNX writes it. */
const char *onnx_dtype_name(int dtype);
bool onnx_dtype_is_integer(int dtype);

enum { ONNX_RANK = 8 };

/* Dimensions, in ONNX's order. */
struct dims {
    int rank;
    int64_t dim[ONNX_RANK];
};
static inline int64_t dims_count(const struct dims *d)
{
    int64_t n = 1;
    for (int i = 0; i < d->rank; i++) n *= d->dim[i];
    return n;
}
/* Whether no product of them overflows. */
bool dims_valid(const struct dims *d);
bool dims_equal(const struct dims *a, const struct dims *b);
/* "2x3"; of one number "a number". */
struct dims_text {
    char text[100];
} dims_text(const struct dims *d);

/* Numbers are kept in double precision, which has every float, and integers to
 * 2^53; the few beyond are limits, which stay limits. */
struct tensor {
    int dtype;
    struct dims dims;
    int64_t count;
    double *number;
};

/* With count numbers that are 0; NULL: out of memory, or more than is allowed. */
struct tensor *tensor_create(int dtype, const struct dims *dims);
void tensor_free(struct tensor *t);
/* A copy of other dimensions, which have as many numbers. */
struct tensor *tensor_copy(const struct tensor *t, int dtype, const struct dims *dims);

/* The tensor of a file; `what` is what messages call it.  NULL after a sentence. */
struct tensor *tensor_read(struct hsgd_context *ctx, const char *path, const char *what, const Onnx__TensorProto *from);

/* Number i as an integer; what is beyond 2^62 is near the limits of 64 bits. */
int64_t tensor_integer(const struct tensor *t, int64_t i);

/* Position of number i of the dimensions `of` in `dims`, which are broadcast to them. */
int64_t dims_broadcast_index(const struct dims *of, int64_t i, const struct dims *dims);
/* The dimensions that both are broadcast to; false: they do not fit. */
bool dims_broadcast(const struct dims *a, const struct dims *b, struct dims *out);

/* Numbers in the order of other axes: axis i of the result is axis[i] of t. */
struct tensor *tensor_transpose(const struct tensor *t, const int *axis);
/* Broadcast to dimensions that fit. */
struct tensor *tensor_expand(const struct tensor *t, const struct dims *to);

#endif
