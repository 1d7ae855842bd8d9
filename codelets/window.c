/* SPDX-License-Identifier: BSD-3-Clause */
#include "window.h"

#include <stdio.h>

#include "kernels.h"

enum { MAX_WINDOW = 1 << 15, MAX_OUTPUT = 1 << 26 }; /* so that no product of sizes overflows */

static int fits(const struct hsgd_layer *l, const struct hsgd_pool *w, const char *what, char *why, size_t n)
{
    if (w->kernel < 1 || w->stride < 1 || w->padding < 0 || w->padding >= w->kernel)
        snprintf(why, n, "kernel %d, stride %d, padding %d: needs kernel >= 1, stride >= 1, 0 <= padding < kernel",
                 w->kernel, w->stride, w->padding);
    else if (w->kernel > MAX_WINDOW || w->stride > MAX_WINDOW)
        snprintf(why, n, "kernel %d, stride %d: the maximum is %d", w->kernel, w->stride, MAX_WINDOW);
    else if (l->in.h + 2 * w->padding < w->kernel || l->in.w + 2 * w->padding < w->kernel)
        snprintf(why, n, "%s does not fit into %dx%d with padding %d", what, l->in.h, l->in.w, w->padding);
    else return 0;
    return -1;
}

int window_prepare(struct hsgd_layer *l, const struct hsgd_pool *w, int out_channels, const char *what, char *why,
                   size_t n)
{
    if (fits(l, w, what, why, n)) return -1;
    l->out = (struct hsgd_shape){ conv2d_out_size(l->in.h, w->kernel, w->stride, w->padding),
                                  conv2d_out_size(l->in.w, w->kernel, w->stride, w->padding), out_channels };
    if ((double)l->out.h * l->out.w * l->out.c <= MAX_OUTPUT) return 0;
    snprintf(why, n, "an output of %dx%dx%d is too large", l->out.h, l->out.w, l->out.c);
    return -1;
}
