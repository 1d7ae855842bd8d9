/* SPDX-License-Identifier: BSD-3-Clause */
/* Windows of convolution and pooling. */
#ifndef HSGD_CODELETS_WINDOW_H
#define HSGD_CODELETS_WINDOW_H

#include <hsgd/ops.h>

/* A window over rows and columns of an image, or over the columns of a sequence,
 * which is an image of one row. */
struct window {
    int kernel[2], stride[2], dilation[2]; /* of rows, of columns; as given */
    int padding;                           /* on all sides, */
    struct hsgd_ints pads;     /* unless this is given: top, left, bottom, right; of a sequence left, right */
    bool ceil_mode;            /* a last window may begin in the image and end beyond it */
    bool is_resolved, differs; /* window_resolve(): done; a sequence got something else for rows than for columns */
    int begin[2], end[2];      /* padding, by window_resolve() */
};

/* An attribute, or what 0 stands for: infer() also sees what nobody has filled in. */
static inline int window_or(int value, int otherwise) { return value ? value : otherwise; }

/* Height, width and channels of an image or a sequence. */
static inline struct hsgd_shape window_shape(const struct hsgd_type *t)
{
    struct hsgd_shape s = { 1, t->dim[0], t->dim[1] };
    if (t->rank == 3) s = (struct hsgd_shape){ t->dim[0], t->dim[1], t->dim[2] };
    return s;
}

/* Fills in what follows from the rank of the input, 2 or 3. */
void window_resolve(struct window *w, int rank);

/* Resolves and checks a window (`what`: "kernel" or "window" in messages) over n->in[0], which must
 * have one of the ranks, bits 2 and 3; sets the output's type.  Returns 0, or -1 with a reason in why. */
int window_infer(struct hsgd_node *n, struct window *w, unsigned ranks, int out_channels, const char *what, char *why,
                 size_t size);
/* The same of a window over the output, of `extra` rows and columns more, that makes the image n->in[0] of it. */
int window_infer_transposed(struct hsgd_node *n, struct window *w, int extra, int out_channels, char *why, size_t size);

/* Sets the output, of the rank of n->in[0].  0, or -1: it is too large. */
int window_set_output(struct hsgd_node *n, int h, int width, int channels, char *why, size_t size);

#endif
