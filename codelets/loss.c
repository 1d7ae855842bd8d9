/* SPDX-License-Identifier: BSD-3-Clause */
#include "loss.h"

#include <stdio.h>

#include "type_text.h"

int loss_infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_type *z = &n->in[0];
    if (hsgd_type_positions(z) != 1 || hsgd_type_channels(z) < 2) {
        snprintf(why, size, "the input must be C >= 2 scores per sample, not %s", type_text(z).text);
        return -1;
    }
    if (n->in[1].dtype != HSGD_I32 || n->in[1].rank) {
        snprintf(why, size, "the target must be one class per sample");
        return -1;
    }
    n->sums[HSGD_FORWARD][0] = 3;
    return 0;
}
