/* SPDX-License-Identifier: BSD-3-Clause */
#include "window.h"

#include <stdio.h>

#include "kernels.h"
#include "type_text.h"
#include "types.h"

enum { MAX_WINDOW = 1 << 15, MAX_OUTPUT = 1 << 26 }; /* so that no product of sizes overflows */

/* What is open is looked at when it is known. */
static bool too_small(int in, const struct window *w) { return in != HSGD_ANY && in + 2 * w->padding < w->kernel; }

static int out_size(int in, const struct window *w)
{
    return in == HSGD_ANY ? HSGD_ANY : conv2d_out_size(in, w->kernel, w->stride, w->padding);
}

static int fits(struct hsgd_shape in, const struct window *w, const char *what, char *why, size_t size)
{
    const struct hsgd_type area = { HSGD_F32, 2, { in.h, in.w } };
    if (w->kernel < 1 || w->stride < 1 || w->padding < 0 || w->padding >= w->kernel)
        snprintf(why, size, "kernel %d, stride %d, padding %d: needs kernel >= 1, stride >= 1, 0 <= padding < kernel",
                 w->kernel, w->stride, w->padding);
    else if (w->kernel > MAX_WINDOW || w->stride > MAX_WINDOW)
        snprintf(why, size, "kernel %d, stride %d: the maximum is %d", w->kernel, w->stride, MAX_WINDOW);
    else if (too_small(in.h, w) || too_small(in.w, w))
        snprintf(why, size, "%s does not fit into %s with padding %d", what, type_text(&area).text, w->padding);
    else return 0;
    return -1;
}

int window_infer(struct hsgd_node *n, const struct window *w, int out_channels, const char *what, char *why,
                 size_t size)
{
    if (n->in[0].rank != 3) {
        snprintf(why, size, "the input must be an image (height, width, channels), not of rank %d", n->in[0].rank);
        return -1;
    }
    if (need_floats(n, why, size)) return -1;
    struct hsgd_shape in = image_of(&n->in[0]);
    if (fits(in, w, what, why, size)) return -1;
    int h = out_size(in.h, w), width = out_size(in.w, w);
    n->outputs = 1;
    n->out[0] = hsgd_image(h, width, out_channels);
    if ((double)h * width * out_channels <= MAX_OUTPUT) return 0;
    snprintf(why, size, "an output of %dx%dx%d is too large", h, width, out_channels);
    return -1;
}
