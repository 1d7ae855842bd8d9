/* SPDX-License-Identifier: BSD-3-Clause */
/* Sums in a fixed order, and gradients that are 0. */
#include "kernels.h"

void emit_sum(struct hsgd_emit *e, int64_t floats, int parts, const struct hsgd_part *part, struct hsgd_ref out)
{
    struct copy_args copy = { (int)floats };
    struct add_args add = { (int)floats };
    if (parts) HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, floats, &copy, part[0].sums, out);
    for (int i = 1; i < parts; i++) HSGD_LAUNCH(e, HSGD_KERNEL(add), HSGD_ITEMS, floats, &add, part[i].sums, out);
}

void emit_no_gradients(struct hsgd_emit *e)
{
    for (int i = 0; i < e->node->inputs; i++) {
        struct zero_args zero = { hsgd_stored_rows(e) * sample_size(&e->node->in[i]) };
        if (hsgd_wanted(e->dx[i])) HSGD_LAUNCH(e, HSGD_KERNEL(zero), HSGD_ITEMS, zero.n, &zero, e->dx[i]);
    }
}
