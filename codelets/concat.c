/* SPDX-License-Identifier: BSD-3-Clause */
/* Concatenation along an axis, and its inverse.  The part is one of the values that
 * have some of the axis's indices of the whole, here called its channels. */
#include <stdio.h>

#include "strided.h"
#include "type_text.h"
#include "types.h"

/* Describes work on the columns of the whole in which a part is. */
struct columns {
    int rows;          /* vectors of channels, of 16 samples in lanes */
    int factor, whole; /* numbers per channel of a vector, and of a vector of the whole */
};

static struct columns columns_of(const struct hsgd_emit *e, const struct hsgd_type *whole, int axis)
{
    int lanes = e->node->layout == HSGD_LANES ? 16 : 1, inner = 1;
    for (int i = axis + 1; i < whole->rank; i++) inner *= whole->dim[i];
    return (struct columns){ hsgd_stored_rows(e) / lanes * (sample_size(whole) / inner / whole->dim[axis]),
                             lanes * inner, lanes * inner * whole->dim[axis] };
}

/* part = columns of the whole from channel `first` on; absent parts are not wanted. */
static void take(struct hsgd_emit *e, struct columns k, struct hsgd_ref whole, int first, struct hsgd_ref part,
                 int channels)
{
    struct copy_columns_args a = { k.rows, k.factor * channels, k.whole, k.factor * channels };
    struct hsgd_ref from = hsgd_at(whole, (int64_t)first * k.factor);
    if (hsgd_wanted(part)) HSGD_LAUNCH(e, HSGD_KERNEL(copy_columns), HSGD_WARPS, a.rows, &a, from, part);
}

/* Columns of the whole from channel `first` on = part; 0 where it is absent. */
static void put(struct hsgd_emit *e, struct columns k, struct hsgd_ref whole, int first, struct hsgd_ref part,
                int channels)
{
    struct copy_columns_args a = { k.rows, k.factor * channels, k.factor * channels, k.whole };
    struct hsgd_ref to = hsgd_at(whole, (int64_t)first * k.factor);
    if (hsgd_wanted(part)) HSGD_LAUNCH(e, HSGD_KERNEL(copy_columns), HSGD_WARPS, a.rows, &a, part, to);
    else HSGD_LAUNCH(e, HSGD_KERNEL(zero_columns), HSGD_WARPS, a.rows, &a, to);
}

/* ------------------------------------------------------------------ concat */

static int concat_axis(const struct hsgd_node *n)
{
    return axis_place(((const struct hsgd_concat *)n->attributes)->axis, n->in[0].rank);
}

static int refuse_types(const struct hsgd_node *n, int i, int axis, char *why, size_t size)
{
    char where[32] = "their last dimension";
    if (axis >= 0 && axis < n->in[0].rank - 1) snprintf(where, sizeof where, "axis %d", axis + 1);
    snprintf(why, size, "the inputs must differ in %s only, unlike %s and %s", where, type_text(&n->in[0]).text,
             type_text(&n->in[i]).text);
    return -1;
}

static int concat_infer(struct hsgd_node *n, char *why, size_t size)
{
    struct hsgd_type sum = n->in[0];
    int axis = concat_axis(n);
    if (need_numbers(n, why, size)) return -1;
    if (axis < 0 && sum.rank) return no_axis(((const struct hsgd_concat *)n->attributes)->axis, &sum, why, size);
    for (int i = 1; i < n->inputs; i++) {
        struct hsgd_type t = n->in[i];
        if (axis < 0 || t.rank != sum.rank || t.dtype != sum.dtype) return refuse_types(n, i, axis, why, size);
        int more = t.dim[axis], *whole = &sum.dim[axis];
        t.dim[axis] = *whole;
        if (!same_dims(&sum, &t)) return refuse_types(n, i, axis, why, size);
        if ((int64_t)more + *whole > INT32_MAX) {
            snprintf(why, size, "the inputs have too many channels together");
            return -1;
        }
        *whole = more == HSGD_ANY || *whole == HSGD_ANY ? HSGD_ANY : *whole + more;
    }
    n->outputs = 1;
    n->out[0] = sum;
    return 0;
}

static void concat_forward(struct hsgd_emit *e)
{
    int axis = concat_axis(e->node);
    struct columns k = columns_of(e, &e->node->out[0], axis);
    for (int i = 0, at = 0; i < e->node->inputs; i++) {
        int channels = e->node->in[i].dim[axis];
        put(e, k, e->y[0], at, e->x[i], channels);
        at += channels;
    }
}

static void concat_backward(struct hsgd_emit *e)
{
    int axis = concat_axis(e->node);
    struct columns k = columns_of(e, &e->node->out[0], axis);
    for (int i = 0, at = 0; i < e->node->inputs; i++) {
        int channels = e->node->in[i].dim[axis];
        take(e, k, e->dy[0], at, e->dx[i], channels);
        at += channels;
    }
}

/* ------------------------------------------------------------------- split */

/* Sizes of the outputs; false, with a sentence in why: the attributes are wrong. */
static bool sizes_of(const struct hsgd_split *a, int channels, struct hsgd_ints *out, char *why, size_t size)
{
    *out = a->sizes;
    if ((a->sizes.count != 0) == (a->parts != 0)) snprintf(why, size, "either sizes or parts must be given");
    else if (a->parts < 0 || a->parts > HSGD_MAX_OUTPUTS || a->sizes.count < 0 || a->sizes.count > HSGD_MAX_OUTPUTS)
        snprintf(why, size, "the number of outputs must be in 1..%d", HSGD_MAX_OUTPUTS);
    else if (a->parts && channels / a->parts * a->parts != channels)
        snprintf(why, size, "%d channels cannot be divided into %d equal parts", channels, a->parts);
    else {
        int64_t sum = 0;
        bool positive = true;
        if (a->parts) out->count = a->parts;
        for (int i = 0; i < out->count; i++) {
            if (a->parts) out->value[i] = channels / a->parts;
            positive = positive && out->value[i] > 0;
            sum += out->value[i];
        }
        if (positive && sum == channels) return true;
        snprintf(why, size, "sizes must be positive and add up to the %d channels of the input", channels);
    }
    return false;
}

static int split_axis(const struct hsgd_node *n)
{
    return axis_place(((const struct hsgd_split *)n->attributes)->axis, n->in[0].rank);
}

static int split_infer(struct hsgd_node *n, char *why, size_t size)
{
    struct hsgd_ints sizes;
    int axis = split_axis(n);
    if (need_numbers(n, why, size)) return -1;
    if (!n->in[0].rank) {
        snprintf(why, size, "the input must have channels, not be one number");
        return -1;
    }
    if (axis < 0) return no_axis(((const struct hsgd_split *)n->attributes)->axis, &n->in[0], why, size);
    if (n->in[0].dim[axis] == HSGD_ANY) {
        snprintf(why, size, "the channels, %s of %s, must be known",
                 axis + 1 < n->in[0].rank ? "an axis" : "the last axis", type_text(&n->in[0]).text);
        return -1;
    }
    if (!sizes_of(n->attributes, n->in[0].dim[axis], &sizes, why, size)) return -1;
    n->outputs = sizes.count;
    for (int i = 0; i < sizes.count; i++) {
        n->out[i] = n->in[0];
        n->out[i].dim[axis] = sizes.value[i];
    }
    return 0;
}

static void split_forward(struct hsgd_emit *e)
{
    int axis = split_axis(e->node);
    struct columns k = columns_of(e, &e->node->in[0], axis);
    for (int i = 0, at = 0; i < e->node->outputs; i++) {
        int channels = e->node->out[i].dim[axis];
        take(e, k, e->x[0], at, e->y[i], channels);
        at += channels;
    }
}

static void split_backward(struct hsgd_emit *e)
{
    int axis = split_axis(e->node);
    struct columns k = columns_of(e, &e->node->in[0], axis);
    for (int i = 0, at = 0; hsgd_wanted(e->dx[0]) && i < e->node->outputs; i++) {
        int channels = e->node->out[i].dim[axis];
        put(e, k, e->dx[0], at, e->dy[i], channels);
        at += channels;
    }
}

static const struct hsgd_attribute concat_fields[] = {
    { "axis", HSGD_INT, offsetof(struct hsgd_concat, axis), false, -1, NULL }, { 0 }
};
#define AT(field) offsetof(struct hsgd_split, field)
static const struct hsgd_attribute split_fields[] = { { "sizes", HSGD_INTS, AT(sizes), false, 0, NULL },
                                                      { "parts", HSGD_INT, AT(parts), false, 0, NULL },
                                                      { "axis", HSGD_INT, AT(axis), false, -1, NULL },
                                                      { 0 } };

const struct hsgd_op hsgd_op_concat = { .name = "concat",
                                        .attributes_size = sizeof(struct hsgd_concat),
                                        .fields = concat_fields,
                                        .inputs = 2,
                                        .max_inputs = HSGD_MAX_INPUTS,
                                        .layouts = 1u << HSGD_NHWC | 1u << HSGD_LANES,
                                        .infer = concat_infer,
                                        .forward = { { concat_forward } },
                                        .backward = { { concat_backward } } };
const struct hsgd_op hsgd_op_split = { .name = "split",
                                       .attributes_size = sizeof(struct hsgd_split),
                                       .fields = split_fields,
                                       .layouts = 1u << HSGD_NHWC | 1u << HSGD_LANES,
                                       .infer = split_infer,
                                       .forward = { { split_forward } },
                                       .backward = { { split_backward } } };
