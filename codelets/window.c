/* SPDX-License-Identifier: BSD-3-Clause */
#include "window.h"

#include <stdio.h>

#include "kernels.h"
#include "type_text.h"
#include "types.h"

enum { MAX_WINDOW = 1 << 15, MAX_OUTPUT = 1 << 26 }; /* so that no product of sizes overflows */

void window_resolve(struct window *w, int rank)
{
    int sides = rank == 3 ? 4 : 2, first = 2 - sides / 2;
    if (w->is_resolved) return;
    w->is_resolved = true;
    w->differs =
        rank == 2 && (w->kernel[0] != w->kernel[1] || w->stride[0] != w->stride[1] || w->dilation[0] != w->dilation[1]);
    if (rank == 2) w->kernel[0] = w->stride[0] = w->dilation[0] = 1;
    for (int i = 0; i < 2; i++) w->begin[i] = w->end[i] = i < first ? 0 : w->padding;
    for (int i = first; i < 2 && w->pads.count == sides; i++) {
        w->begin[i] = w->pads.value[i - first];
        w->end[i] = w->pads.value[i - first + sides / 2];
    }
}

/* ----------------------------------------------------------------- messages */

struct text {
    char text[60];
};

/* "3", or "3x5" where they differ; of a sequence only columns count. */
static struct text pair(const int of[2], int rank)
{
    struct text t;
    if (rank == 2 || of[0] == of[1]) snprintf(t.text, sizeof t.text, "%d", of[rank == 2]);
    else snprintf(t.text, sizeof t.text, "%dx%d", of[0], of[1]);
    return t;
}

static struct text padding_text(const struct window *w)
{
    struct text t;
    const int *pads = w->pads.value;
    if (w->pads.count == 4) snprintf(t.text, sizeof t.text, "[%d, %d, %d, %d]", pads[0], pads[1], pads[2], pads[3]);
    else if (w->pads.count == 2) snprintf(t.text, sizeof t.text, "[%d, %d]", pads[0], pads[1]);
    else snprintf(t.text, sizeof t.text, "%d", w->padding);
    return t;
}

/* ------------------------------------------------------------------- checks */

/* Rows or columns from the first to the last of the window. */
static int extent(const struct window *w, int i) { return (w->kernel[i] - 1) * w->dilation[i] + 1; }

static bool is_possible(const struct window *w, int i)
{
    return w->kernel[i] >= 1 && w->stride[i] >= 1 && w->dilation[i] >= 1 && w->begin[i] >= 0 && w->end[i] >= 0;
}

static bool is_large(const struct window *w, int i)
{
    return w->kernel[i] > MAX_WINDOW || w->stride[i] > MAX_WINDOW || w->dilation[i] > MAX_WINDOW ||
           (double)(w->kernel[i] - 1) * w->dilation[i] > MAX_WINDOW;
}

static bool pads_fit(const struct window *w, int i) { return w->begin[i] < extent(w, i) && w->end[i] < extent(w, i); }

/* What is open is looked at when it is known. */
static bool too_small(int in, const struct window *w, int i)
{
    return in != HSGD_ANY && (int64_t)in + w->begin[i] + w->end[i] < extent(w, i);
}

static int out_size(int in, const struct window *w, int i)
{
    if (in == HSGD_ANY) return HSGD_ANY;
    int64_t room = (int64_t)in + w->begin[i] + w->end[i] - extent(w, i), stride = w->stride[i];
    int64_t out = (room + (w->ceil_mode ? stride - 1 : 0)) / stride + 1;
    return (int)out - (w->ceil_mode && (out - 1) * stride >= in + w->begin[i]); /* it must begin in the image */
}

/* Kernel, stride, dilation and padding alone. */
static int check_window(const struct window *w, int rank, char *why, size_t size)
{
    struct text kernel = pair(w->kernel, rank), stride = pair(w->stride, rank), dilation = pair(w->dilation, rank);
    bool dilated = w->dilation[0] != 1 || w->dilation[1] != 1, possible = is_possible(w, 0) && is_possible(w, 1);
    bool large = possible && (is_large(w, 0) || is_large(w, 1));
    if (possible && !large && pads_fit(w, 0) && pads_fit(w, 1)) return 0;
    int n = snprintf(why, size, "kernel %s, stride %s%s%s", kernel.text, stride.text, dilated ? ", dilation " : "",
                     dilated ? dilation.text : "");
    if (large) snprintf(why + n, size - (size_t)n, ": the maximum is %d", MAX_WINDOW);
    else
        snprintf(why + n, size - (size_t)n, ", padding %s: needs kernel >= 1, stride >= 1%s, 0 <= padding < %skernel",
                 padding_text(w).text, dilated ? ", dilation >= 1" : "", dilated ? "dilated " : "");
    return -1;
}

static int fits(const struct hsgd_type *t, const struct window *w, const char *what, char *why, size_t size)
{
    struct hsgd_shape in = window_shape(t);
    struct hsgd_type area = { HSGD_F32, t->rank - 1, { t->dim[0], t->rank == 3 ? t->dim[1] : 0 } };
    struct text dilation = pair(w->dilation, t->rank);
    bool dilated = w->dilation[0] != 1 || w->dilation[1] != 1;
    if (check_window(w, t->rank, why, size)) return -1;
    if (!too_small(in.h, w, 0) && !too_small(in.w, w, 1)) return 0;
    snprintf(why, size, "%s%s%s%s does not fit into %s with padding %s", what, dilated ? ", dilation " : "",
             dilated ? dilation.text : "", dilated ? "," : "", type_text(&area).text, padding_text(w).text);
    return -1;
}

static int check_rank(const struct hsgd_node *n, unsigned ranks, char *why, size_t size)
{
    int rank = n->in[0].rank;
    if ((rank == 2 || rank == 3) && ranks >> rank & 1) return 0;
    snprintf(why, size, "the input must be %s%s%s, not of rank %d",
             ranks & 8 ? "an image (height, width, channels)" : "", ranks == 12 ? " or " : "",
             ranks & 4 ? "a sequence (positions, channels)" : "", rank);
    return -1;
}

/* The pads as a list, and what only images have. */
static int check_sides(const struct window *w, int rank, char *why, size_t size)
{
    int sides = 2 * (rank - 1);
    const char *names = rank == 3 ? "top, left, bottom, right" : "left, right";
    if (w->differs) snprintf(why, size, "kernel_w, stride_w and dilation_w are for images");
    else if (w->pads.count && w->pads.count != sides)
        snprintf(why, size, "pads must be %d integers: %s; not %d", sides, names, w->pads.count);
    else if (w->pads.count && w->padding) snprintf(why, size, "padding %d and pads exclude each other", w->padding);
    else return 0;
    return -1;
}

int window_set_output(struct hsgd_node *n, int h, int width, int channels, char *why, size_t size)
{
    n->outputs = 1;
    n->out[0] =
        n->in[0].rank == 3 ? hsgd_image(h, width, channels) : (struct hsgd_type){ HSGD_F32, 2, { width, channels } };
    if ((double)h * width * channels <= MAX_OUTPUT) return 0;
    snprintf(why, size, "an output of %s is too large", type_text(&n->out[0]).text);
    return -1;
}

int window_infer(struct hsgd_node *n, struct window *w, unsigned ranks, int out_channels, const char *what, char *why,
                 size_t size)
{
    int rank = n->in[0].rank;
    window_resolve(w, rank);
    if (check_rank(n, ranks, why, size) || need_floats(n, why, size) || check_sides(w, rank, why, size)) return -1;
    struct hsgd_shape in = window_shape(&n->in[0]);
    if (fits(&n->in[0], w, what, why, size)) return -1;
    return window_set_output(n, out_size(in.h, w, 0), out_size(in.w, w, 1), out_channels, why, size);
}

/* Rows or columns that the window makes `in` of. */
static int transposed_size(int in, const struct window *w, int i, int extra)
{
    if (in == HSGD_ANY) return HSGD_ANY;
    int64_t out = ((int64_t)in - 1) * w->stride[i] - w->begin[i] - w->end[i] + extent(w, i) + extra;
    return out < 1 ? 0 : out > MAX_OUTPUT ? MAX_OUTPUT : (int)out;
}

int window_infer_transposed(struct hsgd_node *n, struct window *w, int extra, int out_channels, char *why, size_t size)
{
    window_resolve(w, 3);
    if (check_rank(n, 1u << 3, why, size) || need_floats(n, why, size) || check_sides(w, 3, why, size)) return -1;
    struct hsgd_shape in = window_shape(&n->in[0]);
    if (check_window(w, 3, why, size)) return -1;
    int h = transposed_size(in.h, w, 0, extra), width = transposed_size(in.w, w, 1, extra);
    if (h && width) return window_set_output(n, h, width, out_channels, why, size);
    snprintf(why, size, "padding %s leaves nothing of the output", padding_text(w).text);
    return -1;
}
