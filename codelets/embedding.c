/* SPDX-License-Identifier: BSD-3-Clause */
/* Embedding: a row of a table for each token. */
#include <limits.h>
#include <stdio.h>

#include "kernels.h"
#include "type_text.h"

static const struct hsgd_embedding *attributes(const struct hsgd_node *n) { return n->attributes; }

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_embedding *a = attributes(n);
    const struct hsgd_type *in = &n->in[0];
    if (in->dtype != HSGD_I32 || in->rank >= HSGD_MAX_RANK)
        snprintf(why, size, "the input must be integers of rank 0 to %d, not %s", HSGD_MAX_RANK - 1,
                 type_text(in).text);
    else if (a->entries < 1 || a->channels < 1 || (double)a->entries * a->channels > INT_MAX)
        snprintf(why, size, "a table of %d entries with %d channels is not possible", a->entries, a->channels);
    else if ((double)hsgd_type_size(in) * a->channels > INT_MAX / 16)
        snprintf(why, size, "an output of %s with %d channels is too large", type_text(in).text, a->channels);
    else {
        n->outputs = 1;
        n->out[0] = *in;
        n->out[0].dtype = HSGD_F32;
        n->out[0].dim[n->out[0].rank++] = a->channels;
        add_param(n, .name = "weight", .rank = 2, .dim = { a->entries, a->channels }, .init = a->init,
                  .fan_in = a->channels, .fan_out = a->channels, .split_rows = a->entries, .in_order = true);
        n->backward_flops = sample_size(&n->out[0]);
        return 0;
    }
    return -1;
}

static int tokens_of(const struct hsgd_emit *e) { return e->rows * sample_size(&e->node->in[0]); }

/* Each piece of the table gives its own tokens' rows, the first one also the zeros. */
static void forward(struct hsgd_emit *e)
{
    const struct hsgd_weight *w = &e->weight[0];
    for (int i = 0; i < w->pieces; i++) {
        const struct hsgd_piece *p = &w->piece[i];
        struct embedding_args a = { tokens_of(e), p->row, p->rows, attributes(e->node)->channels, i == 0 };
        HSGD_LAUNCH(e, HSGD_KERNEL(embedding_fwd), HSGD_WARPS, a.tokens, &a, e->x[0], p->ref, e->y[0]);
    }
}

#define GROUP_WIDTH 128 /* columns of a group on devices that have groups */

/* The rows are divided so that a device with groups has four for each unit. */
static void weight_gradient(struct hsgd_emit *e, int row, int rows, struct hsgd_ref out, bool accumulate)
{
    int cols = attributes(e->node)->channels, parts = 1;
    int width = e->kind == HSGD_CPU || cols < GROUP_WIDTH ? cols : GROUP_WIDTH, blocks = (cols + width - 1) / width;
    if (e->kind != HSGD_CPU) parts = (4 * e->units + blocks - 1) / blocks;
    if (parts > rows) parts = rows;
    struct embedding_dw_args a = { tokens_of(e), row, rows, cols, width, blocks, parts, accumulate };
    HSGD_LAUNCH(e, HSGD_KERNEL(embedding_dw), HSGD_ROWS, blocks * parts, &a, e->x[0], e->dy[0], out);
}

static void backward(struct hsgd_emit *e)
{
    if (hsgd_wanted(e->gradient[0])) weight_gradient(e, 0, attributes(e->node)->entries, e->gradient[0], false);
}

#define AT(field) offsetof(struct hsgd_embedding, field)
static const struct hsgd_attribute fields[] = { { "entries", HSGD_UNITS, AT(entries), true, 0, NULL },
                                                { "channels", HSGD_INT, AT(channels), true, 0, NULL },
                                                { "init", HSGD_INIT, AT(init), false, 0, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_embedding = { .name = "embedding",
                                           .attributes_size = sizeof(struct hsgd_embedding),
                                           .fields = fields,
                                           .layouts = 1u << HSGD_NHWC,
                                           .keeps_in = 1,
                                           .infer = infer,
                                           .forward = { { forward } },
                                           .backward = { { backward } },
                                           .weight_gradient = weight_gradient };
