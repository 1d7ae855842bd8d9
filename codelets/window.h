/* SPDX-License-Identifier: BSD-3-Clause */
/* Windows of convolution and pooling. */
#ifndef HSGD_CODELETS_WINDOW_H
#define HSGD_CODELETS_WINDOW_H

#include <hsgd/ops.h>

/* kernel x kernel positions. */
struct window {
    int kernel, stride, padding;
};

/* Checks a window (`what` names it in messages) and sets the output's type.  Returns
 * 0, or -1 with a reason in why. */
int window_infer(struct hsgd_node *n, const struct window *window, int out_channels, const char *what, char *why,
                 size_t size);

#endif
