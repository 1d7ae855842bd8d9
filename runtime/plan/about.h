/* SPDX-License-Identifier: BSD-3-Clause */
/* What a cell is for, in words. */
#ifndef HSGD_RUNTIME_PLAN_ABOUT_H
#define HSGD_RUNTIME_PLAN_ABOUT_H

#include "plan.h"

/* The weights that a cell makes gradients of, or changes. */
struct about {
    char text[160]; /* "forward and backward of conv1 to fc2"; cut where it is longer */
    int weights;
    int64_t weight_bytes;
};

void about_cell(const struct plan *p, const struct cell *c, struct about *out);

#endif
