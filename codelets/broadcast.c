/* SPDX-License-Identifier: BSD-3-Clause */
/* Values that appear several times: broadcast along axes of size 1, axes that are repeated as a whole, or index by
 * index. */
#include <stdio.h>

#include "strided.h"
#include "type_text.h"
#include "types.h"

/* The gradient of a number is the sum over all its places. */
static void emit_sums(struct hsgd_emit *e, struct strided forward)
{
    if (hsgd_wanted(e->dx[0])) emit_strided_sum(e, strided_reverse(forward), e->dy[0], e->dx[0], false);
}

/* --------------------------------------------------------------- broadcast */

/* The dimensions that are asked for: those of the attribute or, if there is one, of a second input. */
static struct hsgd_ints dims_of(const struct hsgd_node *n)
{
    struct hsgd_ints dims = ((const struct hsgd_broadcast *)n->attributes)->dims;
    if (n->inputs < 2) return dims;
    dims.count = n->in[1].rank;
    for (int i = 0; i < dims.count; i++) dims.value[i] = n->in[1].dim[i];
    return dims;
}

/* The size of an axis of the output; 0: it does not fit.  -1 stands for that of the input; in a second one it is
 * HSGD_ANY, and may become any size. */
static int broadcast_dim(int has, int want, bool is_open)
{
    if (want == HSGD_ANY) return is_open && has == 1 ? HSGD_ANY : has;
    return want >= 1 && (has == 1 || has == HSGD_ANY || has == want) ? want : 0;
}

static int broadcast_infer(struct hsgd_node *n, char *why, size_t size)
{
    struct hsgd_ints dims = dims_of(n);
    bool fits = dims.count >= n->in[0].rank && dims.count <= HSGD_MAX_RANK;
    int before = fits ? dims.count - n->in[0].rank : 0;
    bool given = ((const struct hsgd_broadcast *)n->attributes)->dims.count != 0;
    if (need_numbers(n, why, size)) return -1;
    if (given == (n->inputs > 1)) {
        snprintf(why, size, "either dims or a second input must be given");
        return -1;
    }
    n->outputs = 1;
    n->out[0] = (struct hsgd_type){ n->in[0].dtype, fits ? dims.count : 0, { 0 } };
    for (int i = 0; fits && i < dims.count; i++) {
        n->out[0].dim[i] = broadcast_dim(i < before ? 1 : n->in[0].dim[i - before], dims.value[i], n->inputs > 1);
        fits = n->out[0].dim[i] != 0;
    }
    if (fits) return need_room(&n->out[0], why, size);
    snprintf(why, size, "%s does not become %s: the last axes must be equal or of size 1, and at most %d",
             type_text(&n->in[0]).text, n->inputs > 1 ? type_text(&n->in[1]).text : "those dims", HSGD_MAX_RANK);
    return -1;
}

static struct strided broadcast_moves(const struct hsgd_emit *e)
{
    const struct hsgd_type *in = &e->node->in[0], *out = &e->node->out[0];
    int64_t from[HSGD_MAX_RANK], to[HSGD_MAX_RANK];
    struct strided s = strided_begin(e, hsgd_type_size(in), hsgd_type_size(out));
    int before = out->rank - in->rank;
    type_strides(in, from);
    type_strides(out, to);
    for (int i = 0; i < out->rank; i++) {
        bool moves = i >= before && in->dim[i - before] > 1;
        strided_add(&s, out->dim[i], moves ? from[i - before] : 0, to[i]);
    }
    return s;
}

static void broadcast_forward(struct hsgd_emit *e) { emit_strided_copy(e, broadcast_moves(e), e->x[0], e->y[0]); }

static void broadcast_backward(struct hsgd_emit *e)
{
    emit_sums(e, broadcast_moves(e));
    if (e->node->inputs > 1 && hsgd_wanted(e->dx[1])) emit_strided_zero(e, hsgd_type_size(&e->node->in[1]), e->dx[1]);
}

/* ------------------------------------------------------- tile and upsample */

/* Repeats the first axes so many times each. */
static int repeat_infer(struct hsgd_node *n, const struct hsgd_ints *times, const char *what, char *why, size_t size)
{
    if (need_numbers(n, why, size)) return -1;
    bool fits = times->count >= 1 && times->count <= n->in[0].rank;
    n->outputs = 1;
    n->out[0] = n->in[0];
    for (int i = 0; fits && i < times->count; i++) {
        int *dim = &n->out[0].dim[i];
        fits = times->value[i] >= 1 && (*dim == HSGD_ANY || (int64_t)*dim * times->value[i] <= INT32_MAX);
        if (fits && *dim != HSGD_ANY) *dim *= times->value[i];
    }
    if (fits) return need_room(&n->out[0], why, size);
    snprintf(why, size, "%s must be positive integers, at most one for each axis of %s", what,
             type_text(&n->in[0]).text);
    return -1;
}

/* each: every index so many times, else the whole axis. */
static struct strided repeat_moves(const struct hsgd_emit *e, const struct hsgd_ints *times, bool each)
{
    const struct hsgd_type *in = &e->node->in[0], *out = &e->node->out[0];
    int64_t from[HSGD_MAX_RANK], to[HSGD_MAX_RANK];
    struct strided s = strided_begin(e, hsgd_type_size(in), hsgd_type_size(out));
    type_strides(in, from);
    type_strides(out, to);
    for (int i = 0; i < in->rank; i++) {
        int n = i < times->count ? times->value[i] : 1;
        if (!each) strided_add(&s, n, 0, in->dim[i] * to[i]);
        strided_add(&s, in->dim[i], from[i], each ? n * to[i] : to[i]);
        if (each) strided_add(&s, n, 0, to[i]);
    }
    return s;
}

static const struct hsgd_ints *repeats(const struct hsgd_node *n)
{
    return &((const struct hsgd_tile *)n->attributes)->repeats;
}

static const struct hsgd_ints *scales(const struct hsgd_node *n)
{
    return &((const struct hsgd_upsample *)n->attributes)->scales;
}

static int tile_infer(struct hsgd_node *n, char *why, size_t size)
{
    return repeat_infer(n, repeats(n), "repeats", why, size);
}

static int upsample_infer(struct hsgd_node *n, char *why, size_t size)
{
    return repeat_infer(n, scales(n), "scales", why, size);
}

static void tile_forward(struct hsgd_emit *e)
{
    emit_strided_copy(e, repeat_moves(e, repeats(e->node), false), e->x[0], e->y[0]);
}

static void upsample_forward(struct hsgd_emit *e)
{
    emit_strided_copy(e, repeat_moves(e, scales(e->node), true), e->x[0], e->y[0]);
}

static void tile_backward(struct hsgd_emit *e) { emit_sums(e, repeat_moves(e, repeats(e->node), false)); }
static void upsample_backward(struct hsgd_emit *e) { emit_sums(e, repeat_moves(e, scales(e->node), true)); }

/* -------------------------------------------------------------- descriptors */

static const struct hsgd_attribute broadcast_fields[] = {
    { "dims", HSGD_INTS, offsetof(struct hsgd_broadcast, dims), false, 0, NULL }, { 0 }
};
static const struct hsgd_attribute tile_fields[] = {
    { "repeats", HSGD_INTS, offsetof(struct hsgd_tile, repeats), true, 0, NULL }, { 0 }
};
static const struct hsgd_attribute upsample_fields[] = {
    { "scales", HSGD_INTS, offsetof(struct hsgd_upsample, scales), true, 0, NULL }, { 0 }
};

const struct hsgd_op hsgd_op_broadcast = { .name = "broadcast",
                                           .attributes_size = sizeof(struct hsgd_broadcast),
                                           .fields = broadcast_fields,
                                           .max_inputs = 2,
                                           .layouts = 1u << HSGD_NHWC,
                                           .infer = broadcast_infer,
                                           .forward = { { broadcast_forward } },
                                           .backward = { { broadcast_backward } } };
const struct hsgd_op hsgd_op_tile = { .name = "tile",
                                      .attributes_size = sizeof(struct hsgd_tile),
                                      .fields = tile_fields,
                                      .layouts = 1u << HSGD_NHWC | 1u << HSGD_LANES,
                                      .infer = tile_infer,
                                      .forward = { { tile_forward } },
                                      .backward = { { tile_backward } } };
const struct hsgd_op hsgd_op_upsample = { .name = "upsample",
                                          .attributes_size = sizeof(struct hsgd_upsample),
                                          .fields = upsample_fields,
                                          .layouts = 1u << HSGD_NHWC | 1u << HSGD_LANES,
                                          .infer = upsample_infer,
                                          .forward = { { upsample_forward } },
                                          .backward = { { upsample_backward } } };
