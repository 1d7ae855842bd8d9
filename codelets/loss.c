/* SPDX-License-Identifier: BSD-3-Clause */
#include "loss.h"

#include <stdio.h>

#include "type_text.h"
#include "types.h"

int class_infer(const struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_type *z = &n->in[0], *t = &n->in[1];
    bool alone = !t->rank && hsgd_type_positions(z) == 1;
    bool each = t->rank == z->rank - 1 && dims_fit(z, t, t->rank);
    if (z->dtype != HSGD_F32 || hsgd_type_channels(z) < 2 || (!t->rank && !alone))
        snprintf(why, size, "the input must be C >= 2 scores per sample, not %s", type_text(z).text);
    else if (t->dtype != HSGD_I32 || (!alone && !each))
        snprintf(why, size,
                 t->rank ? "the target must be one class per position of %s, not %s"
                         : "the target must be one class per sample",
                 type_text(z).text, type_text(t).text);
    else return 0;
    return -1;
}

int class_loss_infer(struct hsgd_node *n, char *why, size_t size)
{
    if (class_infer(n, why, size)) return -1;
    n->sums[HSGD_FORWARD][0] = 3;
    n->terms = hsgd_type_positions(&n->in[0]);
    return 0;
}

/* A vector may be {n} or an image of one pixel, and a number a vector of one. */
static bool both_vectors(const struct hsgd_type *a, const struct hsgd_type *b)
{
    bool one = hsgd_type_positions(a) == 1 && hsgd_type_positions(b) == 1;
    return one && hsgd_type_channels(a) == hsgd_type_channels(b);
}

int value_infer(const struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_type *z = &n->in[0], *t = &n->in[1];
    if (z->dtype == HSGD_F32 && t->dtype == HSGD_F32 && (same_dims(z, t) || both_vectors(z, t))) return 0;
    snprintf(why, size, "input and target must be floats of one type, not %s and %s", type_text(&n->in[0]).text,
             type_text(&n->in[1]).text);
    return -1;
}

/* A vector stands for as many numbers of another shape, in their order. */
static bool vector_for(const struct hsgd_type *z, const struct hsgd_type *t)
{
    bool floats = z->dtype == HSGD_F32 && t->dtype == HSGD_F32;
    bool open = hsgd_type_is_open(z, z->rank) || hsgd_type_is_open(t, t->rank);
    return floats && hsgd_type_positions(z) == 1 && (open || hsgd_type_size(z) == hsgd_type_size(t));
}

int value_loss_infer(struct hsgd_node *n, char *why, size_t size)
{
    if (!vector_for(&n->in[0], &n->in[1]) && value_infer(n, why, size)) return -1;
    n->sums[HSGD_FORWARD][0] = 3;
    n->terms = 1;
    return 0;
}

void emit_value_loss(struct hsgd_emit *e, const struct hsgd_kernel *kernel)
{
    int cols = sample_size(&e->node->in[0]);
    struct value_loss_args a = { e->rows, cols, hsgd_wanted(e->dx[0]), 1.0f / (float)cols };
    struct hsgd_ref stats = hsgd_scratch(e, e->rows);
    HSGD_LAUNCH(e, kernel, HSGD_WARPS, a.rows, &a, e->x[0], e->x[1], a.want_gradient ? e->dx[0] : e->x[0], stats);
    emit_row_sums(e, e->rows, 1, 3, (float)e->rows, stats);
}

struct hsgd_ref emit_floats(struct hsgd_emit *e, const struct hsgd_floats *floats)
{
    struct hsgd_ref to = hsgd_scratch(e, floats->count);
    for (int at = 0; at < floats->count; at += PUT_FLOATS) {
        struct put_floats_args a = { floats->count - at < PUT_FLOATS ? floats->count - at : PUT_FLOATS, at, { 0 } };
        for (int i = 0; i < a.n; i++) a.value[i] = floats->value[at + i];
        HSGD_LAUNCH(e, HSGD_KERNEL(put_floats), HSGD_ITEMS, a.n, &a, to);
    }
    return to;
}

void emit_row_sums(struct hsgd_emit *e, int rows, int columns, int sums, float last, struct hsgd_ref stats)
{
    struct row_sums_args a = { rows, columns, sums, last };
    HSGD_LAUNCH(e, HSGD_KERNEL(row_sums), HSGD_WARPS, sums, &a, stats, e->sums);
}
