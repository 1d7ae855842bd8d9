/* SPDX-License-Identifier: BSD-3-Clause */
/* Concatenation along the channels, and its inverse.  The part is one of the
 * values that have some of the channels of the whole. */
#include <stdio.h>

#include "kernels.h"
#include "type_text.h"
#include "types.h"

/* Describes work on the columns of the whole in which a part is. */
struct columns {
    int rows;          /* vectors of channels, of 16 samples in lanes */
    int factor, whole; /* floats per channel of a vector, and of a vector of the whole */
};

static struct columns columns_of(const struct hsgd_emit *e, const struct hsgd_type *whole)
{
    int factor = e->node->layout == HSGD_LANES ? 16 : 1, channels = hsgd_type_channels(whole);
    return (struct columns){ hsgd_stored_rows(e) / factor * (sample_size(whole) / channels), factor,
                             factor * channels };
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

static int concat_infer(struct hsgd_node *n, char *why, size_t size)
{
    if (need_floats(n, why, size)) return -1;
    struct hsgd_type sum = n->in[0];
    for (int i = 1; i < n->inputs; i++) {
        struct hsgd_type t = n->in[i];
        int channels = hsgd_type_channels(&t);
        if (t.rank && t.rank == sum.rank) t.dim[t.rank - 1] = sum.dim[t.rank - 1];
        if (!t.rank || !same_dims(&sum, &t)) {
            snprintf(why, size, "the inputs must differ in their last dimension only, unlike %s and %s",
                     type_text(&n->in[0]).text, type_text(&n->in[i]).text);
            return -1;
        }
        int *whole = &sum.dim[sum.rank - 1];
        if ((int64_t)channels + *whole > INT32_MAX) {
            snprintf(why, size, "the inputs have too many channels together");
            return -1;
        }
        *whole = channels == HSGD_ANY || *whole == HSGD_ANY ? HSGD_ANY : *whole + channels;
    }
    n->outputs = 1;
    n->out[0] = sum;
    return 0;
}

static void concat_forward(struct hsgd_emit *e)
{
    struct columns k = columns_of(e, &e->node->out[0]);
    for (int i = 0, at = 0; i < e->node->inputs; i++) {
        int channels = hsgd_type_channels(&e->node->in[i]);
        put(e, k, e->y[0], at, e->x[i], channels);
        at += channels;
    }
}

static void concat_backward(struct hsgd_emit *e)
{
    struct columns k = columns_of(e, &e->node->out[0]);
    for (int i = 0, at = 0; i < e->node->inputs; i++) {
        int channels = hsgd_type_channels(&e->node->in[i]);
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

static int split_infer(struct hsgd_node *n, char *why, size_t size)
{
    struct hsgd_ints sizes;
    if (need_floats(n, why, size)) return -1;
    if (!n->in[0].rank) {
        snprintf(why, size, "the input must have channels, not be one number");
        return -1;
    }
    if (hsgd_type_channels(&n->in[0]) == HSGD_ANY) {
        snprintf(why, size, "the channels, the last axis of %s, must be known", type_text(&n->in[0]).text);
        return -1;
    }
    if (!sizes_of(n->attributes, hsgd_type_channels(&n->in[0]), &sizes, why, size)) return -1;
    n->outputs = sizes.count;
    for (int i = 0; i < sizes.count; i++) {
        n->out[i] = n->in[0];
        n->out[i].dim[n->in[0].rank - 1] = sizes.value[i];
    }
    return 0;
}

static void split_forward(struct hsgd_emit *e)
{
    struct columns k = columns_of(e, &e->node->in[0]);
    for (int i = 0, at = 0; i < e->node->outputs; i++) {
        int channels = hsgd_type_channels(&e->node->out[i]);
        take(e, k, e->x[0], at, e->y[i], channels);
        at += channels;
    }
}

static void split_backward(struct hsgd_emit *e)
{
    struct columns k = columns_of(e, &e->node->in[0]);
    for (int i = 0, at = 0; hsgd_wanted(e->dx[0]) && i < e->node->outputs; i++) {
        int channels = hsgd_type_channels(&e->node->out[i]);
        put(e, k, e->dx[0], at, e->dy[i], channels);
        at += channels;
    }
}

#define AT(field) offsetof(struct hsgd_split, field)
static const struct hsgd_attribute split_fields[] = { { "sizes", HSGD_INTS, AT(sizes), false, 0, NULL },
                                                      { "parts", HSGD_INT, AT(parts), false, 0, NULL },
                                                      { 0 } };

const struct hsgd_op hsgd_op_concat = { .name = "concat",
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
