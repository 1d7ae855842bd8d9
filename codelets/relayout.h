/* SPDX-License-Identifier: BSD-3-Clause */
/* The two operations that change the layout of images. */
#ifndef HSGD_CODELETS_RELAYOUT_H
#define HSGD_CODELETS_RELAYOUT_H

#include <hsgd/ops.h>

extern const struct hsgd_op hsgd_op_to_lanes, hsgd_op_to_nhwc;

static inline bool is_relayout(const struct hsgd_op *op) { return op == &hsgd_op_to_lanes || op == &hsgd_op_to_nhwc; }

#endif
