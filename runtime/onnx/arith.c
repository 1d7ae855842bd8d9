/* SPDX-License-Identifier: BSD-3-Clause */
/* Arithmetic of values: functions of elements, broadcast to one another. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "onnx/rows.h"

/* ------------------------------------------------------------ kinds of numbers */

static bool is_integer(const struct hsgd_value *v)
{
    struct hsgd_type t;
    return !hsgd_type_of(v, &t) && t.dtype == HSGD_I32;
}

/* The same numbers as integers or as floats. */
static int convert(struct step *s, struct onnx_value *x, bool integers)
{
    if (!x->v) return -EINVAL;
    if (is_integer(x->v) == integers) return 0;
    x->v = step_apply_one(s, "pointwise", x->v, "function=%s", integers ? "to_int" : "to_float");
    return x->v ? 0 : -EINVAL;
}

/* Bits of integers that have fewer than here, or of those that differ in their sign: 0: as many as here. */
static int narrow_bits(int dtype)
{
    if (dtype == ONNX_UINT8 || dtype == ONNX_INT8) return 8;
    if (dtype == ONNX_UINT16 || dtype == ONNX_INT16) return 16;
    return dtype == ONNX_UINT32 || dtype == ONNX_UINT64 ? 32 : 0;
}

/* Functions whose result can leave the range of their operands. */
static bool grows(const char *f)
{
    static const char *const names[] = { "add", "sub", "mul",  "neg", "abs",        "square",
                                         "pow", "sum", "prod", "l1",  "sum_square", "cumsum" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(names[i], f)) return true;
    return false;
}

int value_wrap(struct step *s, const char *f, int dtype, struct onnx_value *y)
{
    int bits = grows(f) ? narrow_bits(dtype) : 0;
    bool is_signed = dtype == ONNX_INT8 || dtype == ONNX_INT16;
    if (!bits) return 0;
    if (bits == 32) return step_refuse(s, "arithmetic of %s is not supported", onnx_dtype_name(dtype));
    for (int i = 0; y->v && i < 3; i++) {
        const char *function = (const char *[]){ "add", "mod", "sub" }[i];
        int number = i == 1 ? 1 << bits : 1 << (bits - 1);
        if (i == 1 || is_signed) y->v = step_apply_one(s, "pointwise", y->v, "function=%s value=%d", function, number);
    }
    return y->v ? 0 : -EINVAL;
}

/* ----------------------------------------------------------------------- unary */

int value_unary(struct step *s, const char *f, const struct onnx_value *x, struct onnx_value *y)
{
    struct onnx_value made;
    int err = x->known ? step_constant(s, x, &made) : 0;
    if (err) return err;
    *y = x->known ? made : *x;
    y->v = step_apply_one(s, "pointwise", y->v, "function=%s", f);
    return y->v ? value_wrap(s, f, x->dtype, y) : -EINVAL;
}

/* Functions that integers do not have. */
static bool of_floats(const char *f) { return !strcmp(f, "pow"); }

/* A number as an attribute, which is finite. */
static double bounded(double v)
{
    double most = (double)FLT_MAX;
    return v > most ? most : v < -most ? -most : v;
}

/* f(x, number), or f(number, x). */
static int with_number(struct step *s, const char *f, const struct onnx_value *x, double number, bool first,
                       struct onnx_value *y)
{
    int err = 0;
    *y = *x;
    if (isnan(number)) err = step_refuse(s, "a constant is not a number");
    if (!err && (number != floor(number) || of_floats(f))) err = convert(s, y, false);
    if (err) return err;
    y->v = step_apply_one(s, "pointwise", y->v, "function=%s value=%.9g value_first=%s", f, bounded(number),
                          first ? "true" : "false");
    return y->v ? value_wrap(s, f, x->dtype, y) : -EINVAL;
}

int value_scalar(struct step *s, const char *f, const struct onnx_value *x, double number, struct onnx_value *y)
{
    struct onnx_value made;
    int err = x->known ? step_constant(s, x, &made) : 0;
    return err ? err : with_number(s, f, x->known ? &made : x, number, false, y);
}

/* ---------------------------------------------------------------------- binary */

/* Where a value of these dimensions lies that both are broadcast to. */
int value_common(struct step *s, const struct onnx_value *a, const struct onnx_value *b, const struct dims *to,
                 int place[ONNX_RANK])
{
    bool first = !a->known && (b->known || a->dims.rank >= b->dims.rank);
    if (!a->known && !b->known && a->dims.rank == b->dims.rank && dims_equal(&b->dims, to))
        first = dims_equal(&a->dims, to);
    const struct onnx_value *like = first ? a : b;
    if (like->known) return step_refuse(s, "none of its inputs is computed by the model");
    int shift = to->rank - like->dims.rank, at = 0, batch = value_batch_axis(like);
    for (int i = 0; i < to->rank; i++) {
        if (!shift) place[i] = like->place[i];
        else place[i] = batch != NO_BATCH && i == batch + shift ? BATCH : at++;
    }
    return shift && batch != NO_BATCH ? step_refuse_batch(s, "its inputs have their batch in other axes") : 0;
}

static bool is_number(const struct onnx_value *x, const struct onnx_value *other)
{
    return x->known && x->known->count == 1 && !other->known && x->dims.rank <= other->dims.rank;
}

/* Both as values of the model with the same dimensions and one kind of numbers. */
static int join(struct step *s, const char *f, const struct onnx_value *a, const struct onnx_value *b,
                struct onnx_value in[2])
{
    struct dims to;
    int place[ONNX_RANK];
    if (!dims_broadcast(&a->dims, &b->dims, &to) || !dims_valid(&to))
        return step_refuse(s, "%s and %s do not fit", dims_text(&a->dims).text, dims_text(&b->dims).text);
    int err = value_common(s, a, b, &to, place);
    if (!err) err = step_like(s, a, &to, place, &in[0]);
    if (!err) err = step_like(s, b, &to, place, &in[1]);
    if (err) return err;
    bool integers = !of_floats(f) && is_integer(in[0].v) && is_integer(in[1].v);
    err = convert(s, &in[0], integers);
    return err ? err : convert(s, &in[1], integers);
}

int value_binary(struct step *s, const char *f, const struct onnx_value *a, const struct onnx_value *b,
                 struct onnx_value *y)
{
    struct onnx_value in[2];
    if (is_number(b, a)) return with_number(s, f, a, b->known->number[0], false, y);
    if (is_number(a, b)) return with_number(s, f, b, a->known->number[0], true, y);
    int err = join(s, f, a, b, in), dtype = a->dtype;
    if (err) return err;
    *y = in[0];
    bool own = (!strcmp(f, "add") || !strcmp(f, "mul")) && !is_integer(in[0].v); /* an operation of its own */
    struct hsgd_value *v[] = { in[0].v, in[1].v };
    y->v = own ? step_apply(s, f, NULL, 2, v, "%s", "") : step_apply(s, "pointwise", NULL, 2, v, "function=%s", f);
    return y->v ? value_wrap(s, f, dtype, y) : -EINVAL;
}

int value_where(struct step *s, const struct onnx_value *c, const struct onnx_value *a, const struct onnx_value *b,
                struct onnx_value *y)
{
    struct onnx_value in[3], both[2], with[2];
    bool first = is_number(a, b) || (is_number(a, c) && !b->known),
         second = is_number(b, a) || (is_number(b, c) && !a->known);
    const struct onnx_value *x = first ? b : a;
    int err = 0;
    if (!first && !second) { /* all three are broadcast to one another */
        err = join(s, "where", a, b, both);
        if (!err) err = join(s, "where", c, &both[0], with);
        if (!err) in[0] = with[0], in[1] = with[1];
        if (!err) err = join(s, "where", &both[1], &in[1], with);
        if (!err) in[2] = with[0];
    } else {
        err = join(s, "where", c, x, with);
        if (!err) in[0] = with[0], in[1] = with[1];
    }
    bool integers = !err && is_integer(in[1].v) && (first || second || is_integer(in[2].v));
    for (int i = 0; !err && i < (first || second ? 2 : 3); i++) err = convert(s, &in[i], integers);
    if (err) return err;
    *y = in[1];
    y->dtype = x->dtype;
    struct hsgd_value *v[] = { in[0].v, in[1].v, first || second ? NULL : in[2].v };
    if (!first && !second) y->v = step_apply(s, "pointwise", NULL, 3, v, "function=where");
    else
        y->v = step_apply(s, "pointwise", NULL, 2, v, "function=where value=%.9g value_first=%s",
                          bounded((first ? a : b)->known->number[0]), first ? "true" : "false");
    return y->v ? 0 : -EINVAL;
}

/* ------------------------------------------------------------------------ casts */

int value_cast(struct step *s, const struct onnx_value *x, int to, struct onnx_value *y)
{
    struct onnx_value made;
    int err = x->known ? step_constant(s, x, &made) : 0;
    if (!err && (to == ONNX_STRING || to == ONNX_BFLOAT16 || to <= 0 || to >= ONNX_DTYPES))
        err = step_refuse(s, "a cast to %s is not supported", onnx_dtype_name(to));
    if (err) return err;
    *y = x->known ? made : *x;
    if (to == ONNX_BOOL && x->dtype != ONNX_BOOL) { /* not (x == 0) */
        err = with_number(s, "equal", y, 0, false, y);
        if (!err) y->v = step_apply_one(s, "pointwise", y->v, "function=not");
    } else if (to != ONNX_BOOL) err = convert(s, y, onnx_dtype_is_integer(to));
    y->dtype = to;
    return err || !y->v ? -EINVAL : 0;
}

/* ------------------------------------------------------------------- reductions */

/* Whether all that is left is the axis that lies last. */
static bool leaves_channels(const struct onnx_value *x, unsigned axes)
{
    int last = value_sample_rank(x) - 1;
    for (int i = 0; i < x->dims.rank; i++)
        if (x->place[i] != BATCH && (axes >> i & 1) != (unsigned)(x->place[i] != last)) return false;
    return last > 0 && (value_batch_axis(x) == NO_BATCH || !(axes >> value_batch_axis(x) & 1));
}

/* The mean over all positions. */
static int mean_of_channels(struct step *s, struct onnx_value *y, unsigned axes)
{
    int64_t dim[ONNX_RANK];
    for (int i = 0; i < y->dims.rank; i++)
        if (axes >> i & 1) y->dims.dim[i] = 1;
    y->v = step_apply_one(s, "global_avg_pool", y->v, "%s", "");
    int rank = value_sample_dims(y, dim);
    y->v = y->v ? step_reshape(s, y->v, rank, dim) : NULL;
    return y->v ? 0 : -EINVAL;
}

/* Without these axes, which have size 1; the others stay in the order in which they lie. */
static int drop_axes(struct step *s, unsigned axes, struct onnx_value *y)
{
    struct onnx_value left = *y;
    int64_t dim[ONNX_RANK];
    int from[ONNX_RANK], place = 0;
    left.dims.rank = 0;
    for (int i = 0; i < y->dims.rank; i++) {
        if (axes >> i & 1) continue;
        left.dims.dim[left.dims.rank] = y->dims.dim[i];
        left.place[left.dims.rank++] = y->place[i];
    }
    memcpy(from, left.place, sizeof from);
    for (int p = 0; p < ONNX_RANK; p++)
        for (int i = 0; i < left.dims.rank; i++)
            if (from[i] == p) left.place[i] = place++;
    int rank = value_sample_dims(&left, dim);
    *y = left;
    y->v = axes ? step_reshape(s, y->v, rank, dim) : y->v;
    return y->v ? 0 : -EINVAL;
}

/* Reductions that integers have; others are those of floats. */
static bool of_integers(const char *f)
{
    static const char *const names[] = { "sum", "max", "min", "prod", "l1", "sum_square" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(names[i], f)) return true;
    return false;
}

static int reduce(struct step *s, const char *f, unsigned axes, struct onnx_value *y)
{
    int64_t axis[ONNX_RANK];
    int n = 0;
    bool integers = is_integer(y->v);
    int err = integers && of_integers(f) ? 0 : convert(s, y, false);
    for (int i = 0; !err && i < y->dims.rank; i++) {
        if (!(axes >> i & 1)) continue;
        if (y->place[i] == BATCH) return step_refuse_batch(s, "it works across the batch");
        axis[n++] = y->place[i] + 1;
        y->dims.dim[i] = 1;
    }
    if (err || !n) return err;
    y->v = step_apply_one(s, "reduce", y->v, "function=%s axes=%s keepdims=true", f, list_text(n, axis).text);
    y->flat_positions = 0; /* of all its numbers */
    err = convert(s, y, integers);
    return err || !integers ? err : value_wrap(s, f, y->dtype, y);
}

int value_reduce(struct step *s, const char *f, const struct onnx_value *x, unsigned axes, bool keeps,
                 struct onnx_value *y)
{
    struct onnx_value made;
    int err = x->known ? step_constant(s, x, &made) : 0;
    if (err) return err;
    *y = x->known ? made : *x;
    if (!strcmp(f, "mean") && leaves_channels(y, axes) && !y->flat_positions) err = mean_of_channels(s, y, axes);
    else err = reduce(s, f, axes, y);
    return err || keeps ? err : drop_axes(s, axes, y);
}
