/* SPDX-License-Identifier: BSD-3-Clause */
/* Dropout: in training each element is zero with probability p, else divided
 * by 1 - p. */
#include <stdio.h>

#include "base/c_locale.h"
#include "kernels.h"
#include "types.h"

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_dropout *a = n->attributes;
    if (need_floats(n, why, size)) return -1;
    if (!(a->p >= 0 && a->p < 1)) {
        c_snprintf(why, size, "p must be in [0, 1), not %g", a->p);
        return -1;
    }
    n->outputs = 1;
    n->out[0] = n->in[0];
    n->forward_flops = n->backward_flops = 40.0 * sample_size(&n->in[0]);
    return 0;
}

enum { GROUP_WIDTH = 1024 }; /* elements of a group on devices that have groups */

static void launch(struct hsgd_emit *e, struct dropout_args a, int layer, float p, struct hsgd_ref from,
                   struct hsgd_ref to)
{
    a.rows = hsgd_stored_rows(e);
    a.first_row = e->first_row;
    a.layer = layer;
    a.threshold = (int)(p * 0x1p31f);
    a.scale = 1.0f / (1.0f - p);
    HSGD_LAUNCH(e, HSGD_KERNEL(dropout), HSGD_ROWS, (a.lanes ? a.rows / 16 : a.rows) * (int64_t)a.parts, &a, from,
                e->step, to);
}

void emit_dropout(struct hsgd_emit *e, int size, int layer, float p, struct hsgd_ref from, struct hsgd_ref to)
{
    bool lanes = e->node->layout == HSGD_LANES;
    int whole = lanes ? 16 * size : size, width = e->kind == HSGD_CPU || whole < GROUP_WIDTH ? whole : GROUP_WIDTH;
    struct dropout_args a = { .size = size,
                              .lanes = lanes,
                              .width = width,
                              .parts = (whole + width - 1) / width,
                              .row_stride = whole,
                              .part_stride = width };
    launch(e, a, layer, p, from, to);
}

void emit_dropout_steps(struct hsgd_emit *e, int steps, int width, int layer, float p, struct hsgd_ref from,
                        struct hsgd_ref to)
{
    struct dropout_args a = { .size = steps * width,
                              .width = width,
                              .parts = steps,
                              .row_stride = width,
                              .part_stride = hsgd_stored_rows(e) * width };
    launch(e, a, layer, p, from, to);
}

static void mask(struct hsgd_emit *e, struct hsgd_ref from, struct hsgd_ref to)
{
    const struct hsgd_dropout *a = e->node->attributes;
    emit_dropout(e, sample_size(&e->node->in[0]), e->number, a->p, from, to);
}

static void forward(struct hsgd_emit *e) { mask(e, e->x[0], e->y[0]); }

static void backward(struct hsgd_emit *e)
{
    if (hsgd_wanted(e->dx[0])) mask(e, e->dy[0], e->dx[0]);
}

static void evaluate(struct hsgd_emit *e)
{
    struct copy_args a = { hsgd_stored_rows(e) * sample_size(&e->node->in[0]) };
    HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, a.n, &a, e->x[0], e->y[0]);
}

static void evaluate_backward(struct hsgd_emit *e)
{
    struct copy_args a = { hsgd_stored_rows(e) * sample_size(&e->node->in[0]) };
    if (hsgd_wanted(e->dx[0])) HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, a.n, &a, e->dy[0], e->dx[0]);
}

#define AT(field) offsetof(struct hsgd_dropout, field)
static const struct hsgd_attribute fields[] = { { "p", HSGD_FLOAT, AT(p), true, 0, NULL }, { 0 } };

const struct hsgd_op hsgd_op_dropout = { .name = "dropout",
                                         .attributes_size = sizeof(struct hsgd_dropout),
                                         .fields = fields,
                                         .layouts = 1u << HSGD_NHWC | 1u << HSGD_LANES,
                                         .infer = infer,
                                         .forward = { { forward } },
                                         .backward = { { backward } },
                                         .evaluate = evaluate,
                                         .evaluate_backward = evaluate_backward };
