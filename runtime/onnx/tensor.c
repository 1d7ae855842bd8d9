/* SPDX-License-Identifier: BSD-3-Clause */
#include "tensor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/core.h"

#define MAX_NUMBERS ((int64_t)1 << 31)
#define MAX_COMPUTED ((int64_t)1 << 22) /* a small file can describe a large constant */

/* ------------------------------------------------------------ kinds of numbers */

struct kind {
    const char *name;
    int bytes; /* 0: it cannot be read */
    bool is_integer;
};

static const struct kind kinds[ONNX_DTYPES] = {
    [ONNX_UNDEFINED] = { "no type", 0, false },   [ONNX_FLOAT] = { "float", 4, false },
    [ONNX_UINT8] = { "uint8", 1, true },          [ONNX_INT8] = { "int8", 1, true },
    [ONNX_UINT16] = { "uint16", 2, true },        [ONNX_INT16] = { "int16", 2, true },
    [ONNX_INT32] = { "int32", 4, true },          [ONNX_INT64] = { "int64", 8, true },
    [ONNX_STRING] = { "string", 0, false },       [ONNX_BOOL] = { "bool", 1, false },
    [ONNX_FLOAT16] = { "float16", 2, false },     [ONNX_DOUBLE] = { "double", 8, false },
    [ONNX_UINT32] = { "uint32", 4, true },        [ONNX_UINT64] = { "uint64", 8, true },
    [ONNX_COMPLEX64] = { "complex64", 0, false }, [ONNX_COMPLEX128] = { "complex128", 0, false },
    [ONNX_BFLOAT16] = { "bfloat16", 2, false },
};

static const struct kind *kind_of(int dtype) { return dtype > 0 && dtype < ONNX_DTYPES ? &kinds[dtype] : kinds; }
const char *onnx_dtype_name(int dtype) { return kind_of(dtype)->name; }
bool onnx_dtype_is_integer(int dtype) { return kind_of(dtype)->is_integer; }

/* IEEE 754 half precision: sign, 5 bits of exponent, 10 of fraction. */
static double half_number(uint16_t h)
{
    int exponent = h >> 10 & 31, fraction = h & 1023;
    double v = exponent == 31 ? (fraction ? NAN : INFINITY)
               : exponent     ? ldexp(1024 + fraction, exponent - 25)
                              : ldexp(fraction, -24);
    return h >> 15 ? -v : v;
}

/* The upper half of a float. */
static double bfloat_number(uint16_t h)
{
    uint32_t bits = (uint32_t)h << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return (double)f;
}

/* Number of these bytes, which are little-endian, as this machine is. */
static double raw_number(int dtype, const uint8_t *bytes)
{
    union {
        float f;
        double d;
        int8_t i8;
        int16_t i16;
        uint16_t u16;
        int32_t i32;
        uint32_t u32;
        int64_t i64;
        uint64_t u64;
    } v = { 0 };
    memcpy(&v, bytes, (size_t)kind_of(dtype)->bytes);
    switch (dtype) {
    case ONNX_FLOAT: return (double)v.f;
    case ONNX_DOUBLE: return v.d;
    case ONNX_INT8: return v.i8;
    case ONNX_INT16: return v.i16;
    case ONNX_INT32: return v.i32;
    case ONNX_INT64: return (double)v.i64;
    case ONNX_UINT32: return v.u32;
    case ONNX_UINT64: return (double)v.u64;
    case ONNX_UINT16: return v.u16;
    case ONNX_FLOAT16: return half_number(v.u16);
    case ONNX_BFLOAT16: return bfloat_number(v.u16);
    default: return bytes[0]; /* uint8, bool */
    }
}

/* ----------------------------------------------------------------- dimensions */

bool dims_valid(const struct dims *d)
{
    int64_t n = 1;
    for (int i = 0; i < d->rank; i++)
        if (d->dim[i] < 0 || __builtin_mul_overflow(n, d->dim[i] ? d->dim[i] : 1, &n)) return false;
    return n < (int64_t)1 << 60;
}

bool dims_equal(const struct dims *a, const struct dims *b)
{
    return a->rank == b->rank && !memcmp(a->dim, b->dim, (size_t)a->rank * sizeof *a->dim);
}

struct dims_text dims_text(const struct dims *d)
{
    struct dims_text t = { "" };
    for (int i = 0, used = 0; i < d->rank && used < 80; i++)
        used += snprintf(t.text + used, sizeof t.text - (size_t)used, "%s%lld", i ? "x" : "", (long long)d->dim[i]);
    if (!d->rank) snprintf(t.text, sizeof t.text, "a number");
    return t;
}

bool dims_broadcast(const struct dims *a, const struct dims *b, struct dims *out)
{
    struct dims to = { .rank = a->rank > b->rank ? a->rank : b->rank };
    for (int i = 1; i <= to.rank; i++) {
        int64_t x = i <= a->rank ? a->dim[a->rank - i] : 1, y = i <= b->rank ? b->dim[b->rank - i] : 1;
        if (x != y && x != 1 && y != 1) return false;
        to.dim[to.rank - i] = x == 1 ? y : x;
    }
    *out = to;
    return true;
}

int64_t dims_broadcast_index(const struct dims *of, int64_t i, const struct dims *dims)
{
    int64_t index = 0, stride = 1;
    for (int k = 1; k <= of->rank; k++) {
        int64_t at = i % of->dim[of->rank - k];
        i /= of->dim[of->rank - k];
        if (k > dims->rank) continue;
        int64_t n = dims->dim[dims->rank - k];
        if (n > 1) index += at * stride;
        stride *= n;
    }
    return index;
}

/* -------------------------------------------------------------------- tensors */

/* The product; -1: it is more than max. */
static int64_t count_of(const struct dims *dims, int64_t max)
{
    int64_t count = 1;
    for (int i = 0; i < dims->rank; i++) {
        if (dims->dim[i] < 0 || (count && dims->dim[i] > max / count)) return -1;
        count *= dims->dim[i];
    }
    return count;
}

static struct tensor *allocate(int dtype, const struct dims *dims, int64_t count)
{
    if (count < 0) return NULL;
    struct tensor *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    *t = (struct tensor){ dtype, *dims, count, calloc((size_t)count + 1, sizeof *t->number) };
    if (t->number) return t;
    free(t);
    return NULL;
}

struct tensor *tensor_create(int dtype, const struct dims *dims)
{
    return allocate(dtype, dims, count_of(dims, MAX_COMPUTED));
}

int64_t tensor_integer(const struct tensor *t, int64_t i)
{
    double v = t->number[i];
    if (isnan(v)) return 0;
    return v >= 0x1p62 ? INT64_MAX / 2 : v <= -0x1p62 ? INT64_MIN / 2 : (int64_t)v;
}

void tensor_free(struct tensor *t)
{
    if (t) free(t->number);
    free(t);
}

struct tensor *tensor_copy(const struct tensor *t, int dtype, const struct dims *dims)
{
    struct tensor *copy = allocate(dtype, dims, t->count);
    if (copy) memcpy(copy->number, t->number, (size_t)t->count * sizeof *t->number);
    return copy;
}

struct tensor *tensor_transpose(const struct tensor *t, const int *axis)
{
    struct dims to = { .rank = t->dims.rank };
    int64_t stride[ONNX_RANK], n = 1;
    for (int i = t->dims.rank - 1; i >= 0; i--) {
        stride[i] = n;
        n *= t->dims.dim[i];
    }
    for (int i = 0; i < to.rank; i++) to.dim[i] = t->dims.dim[axis[i]];
    struct tensor *out = allocate(t->dtype, &to, t->count);
    for (int64_t i = 0; out && i < out->count; i++) {
        int64_t left = i, at = 0;
        for (int k = to.rank - 1; k >= 0; k--) {
            at += left % to.dim[k] * stride[axis[k]];
            left /= to.dim[k];
        }
        out->number[i] = t->number[at];
    }
    return out;
}

struct tensor *tensor_expand(const struct tensor *t, const struct dims *to)
{
    struct tensor *out = tensor_create(t->dtype, to);
    for (int64_t i = 0; out && i < out->count; i++) out->number[i] = t->number[dims_broadcast_index(to, i, &t->dims)];
    return out;
}

/* -------------------------------------------------------------------- reading */

/* How many numbers the list has in which this type is, where there are no raw bytes. */
static size_t listed(const Onnx__TensorProto *from)
{
    switch (from->data_type) {
    case ONNX_FLOAT: return from->n_float_data;
    case ONNX_DOUBLE: return from->n_double_data;
    case ONNX_INT64: return from->n_int64_data;
    case ONNX_UINT32:
    case ONNX_UINT64: return from->n_uint64_data;
    default: return from->n_int32_data;
    }
}

static double listed_number(const Onnx__TensorProto *from, int64_t i)
{
    switch (from->data_type) {
    case ONNX_FLOAT: return (double)from->float_data[i];
    case ONNX_DOUBLE: return from->double_data[i];
    case ONNX_INT64: return (double)from->int64_data[i];
    case ONNX_UINT32:
    case ONNX_UINT64: return (double)from->uint64_data[i];
    case ONNX_FLOAT16: return half_number((uint16_t)from->int32_data[i]);
    case ONNX_BFLOAT16: return bfloat_number((uint16_t)from->int32_data[i]);
    default: return from->int32_data[i];
    }
}

/* What is wrong with it; NULL: nothing.  dims and the number of numbers are filled in. */
static const char *check(const Onnx__TensorProto *from, struct dims *dims, int64_t *count)
{
    *dims = (struct dims){ .rank = (int)from->n_dims };
    if (from->n_dims > ONNX_RANK) return "it has more than 8 dimensions";
    if (from->data_location == 1 || from->n_external_data) return "its numbers are in another file, which is refused";
    if (!kind_of(from->data_type)->bytes) return "it has numbers of a type that cannot be read";
    for (size_t i = 0; i < from->n_dims; i++) dims->dim[i] = from->dims[i];
    *count = count_of(dims, MAX_NUMBERS);
    if (*count < 0) return "its dimensions are not valid";
    size_t bytes = (size_t)*count * (size_t)kind_of(from->data_type)->bytes;
    bool raw = from->raw_data.len > 0;
    if (raw ? from->raw_data.len != bytes : listed(from) != (size_t)*count)
        return "its numbers are not as many as its dimensions say";
    return NULL;
}

struct tensor *tensor_read(struct hsgd_context *ctx, const char *path, const char *what, const Onnx__TensorProto *from)
{
    struct dims dims;
    int64_t count;
    const char *wrong = check(from, &dims, &count);
    struct tensor *t = wrong ? NULL : allocate(from->data_type, &dims, count);
    if (wrong) hsgd_fail(ctx, EINVAL, "%s: tensor \"%s\": %s", path, hsgd_show(what).text, wrong);
    else if (!t) hsgd_fail(ctx, ENOMEM, "%s: tensor \"%s\": out of memory", path, hsgd_show(what).text);
    bool raw = from->raw_data.len > 0;
    size_t bytes = (size_t)kind_of(from->data_type)->bytes;
    for (int64_t i = 0; t && i < count; i++)
        t->number[i] =
            raw ? raw_number(from->data_type, from->raw_data.data + (size_t)i * bytes) : listed_number(from, i);
    return t;
}
