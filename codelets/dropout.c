/* SPDX-License-Identifier: BSD-3-Clause */
/* Dropout: in training each element is zero with probability p, else divided
 * by 1 - p. */
#include <stdio.h>

#include "c_locale.h"
#include "kernels.h"

static int prepare(struct hsgd_layer *l, char *why, size_t n)
{
    const struct hsgd_dropout *a = l->attributes;
    if (!(a->p >= 0 && a->p < 1)) {
        c_snprintf(why, n, "p must be in [0, 1), not %g", a->p);
        return -1;
    }
    l->out = l->in;
    l->forward_flops = l->backward_flops = 40.0 * hsgd_size(l->in);
    return 0;
}

static void mask(struct hsgd_emit *e, struct hsgd_ref from, struct hsgd_ref to)
{
    const struct hsgd_dropout *a = e->layer->attributes;
    int size = hsgd_size(e->layer->in);
    float p = e->training ? a->p : 0;
    struct dropout_args d = { hsgd_stored_rows(e) * size,
                              size,
                              e->layer->layout == HSGD_LANES,
                              e->first_row,
                              e->layer_index,
                              (int)(p * 0x1p31f),
                              1.0f / (1.0f - p) };
    HSGD_LAUNCH(e, HSGD_KERNEL(dropout), HSGD_ITEMS, d.n, &d, from, e->step, to);
}

static void forward(struct hsgd_emit *e) { mask(e, e->x, e->y); }

static void backward(struct hsgd_emit *e)
{
    if (e->dx.buffer >= 0) mask(e, e->dy, e->dx);
}

#define AT(field) offsetof(struct hsgd_dropout, field)
static const struct hsgd_attribute fields[] = { { "p", HSGD_FLOAT, AT(p), true, 0, NULL }, { 0 } };

const struct hsgd_op hsgd_op_dropout = { .name = "dropout",
                                         .attributes_size = sizeof(struct hsgd_dropout),
                                         .fields = fields,
                                         .layouts = 1u << HSGD_NHWC | 1u << HSGD_LANES,
                                         .prepare = prepare,
                                         .forward = forward,
                                         .backward = backward };
