/* SPDX-License-Identifier: BSD-3-Clause */
/* Convolution and pooling of images and sequences as operators of ONNX, with the channels first. */
#include <stdlib.h>
#include <string.h>

#include "onnx/writer.h"

static const struct hsgd_type *in_type(const struct writer *w) { return &w->node->info.in[0]; }
static bool is(const struct writer *w, const char *op) { return !strcmp(w->node->op->name, op); }

static int done(struct writer *w, enum form form, const char *name)
{
    write_output(w, 0, form, name);
    return 0;
}

/* a, positions, b to a, b, positions */
static const char *filters(struct writer *w)
{
    const struct hsgd_param_spec *s = &w->node->info.param[0];
    int64_t o = s->dim[0], k = 1, c = s->dim[s->rank - 1], dim[4] = { o, c };
    for (int i = 1; i < s->rank - 1; i++) k *= dim[1 + i] = s->dim[i];
    float *to = writer_memory(w, (size_t)(o * k * c) * sizeof *to + 1);
    const float *from = write_param(w, 0);
    for (int64_t i = 0; to && i < o * k * c; i++) {
        int64_t channel = i % c, at = i / c % k, out = i / c / k;
        to[(out * c + channel) * k + at] = from[i];
    }
    const char *name = write_param_name(w, 0);
    if (to && name) write_tensor(w, name, s->rank, dim, to);
    return name;
}

/* ---------------------------------------------------------------------- windows */

/* Of rows and columns, or of the positions of a sequence: how many axes, and their numbers. */
struct window {
    int axes;
    int64_t kernel[2], stride[2], dilation[2], pads[4];
};

/* The number of columns, or else that of rows. */
static int64_t columns(const struct writer *w, const char *name, int64_t rows)
{
    int n = write_int(w, name);
    return n ? n : rows;
}

static struct window window_of(const struct writer *w)
{
    struct window v = { .axes = in_type(w)->rank - 1,
                        .kernel = { write_int(w, "kernel") },
                        .stride = { write_int(w, "stride") },
                        .dilation = { write_int(w, "dilation") } };
    const struct hsgd_ints *pads = write_list(w, "pads");
    if (!v.stride[0]) v.stride[0] = is(w, "max_pool") || is(w, "avg_pool") ? v.kernel[0] : 1;
    if (!v.dilation[0]) v.dilation[0] = 1;
    v.kernel[1] = columns(w, "kernel_w", v.kernel[0]);
    v.stride[1] = columns(w, "stride_w", v.stride[0]);
    v.dilation[1] = columns(w, "dilation_w", v.dilation[0]);
    for (int i = 0; i < 2 * v.axes; i++) v.pads[i] = pads->count ? pads->value[i] : write_int(w, "padding");
    return v;
}

/* ------------------------------------------------------------------ convolution */

/* Also the transpose, whose weight has its input's channels first. */
static int write_conv(struct writer *w)
{
    struct window v = window_of(w);
    bool bias = w->node->info.params > 1, transposed = is(w, "conv_transpose2d");
    int groups = write_int(w, "groups");
    int64_t more[] = { write_int(w, "output_padding"), write_int(w, "output_padding") };
    const char *in[] = { write_input(w, 0, CHANNELS_FIRST), filters(w), bias ? write_vector(w, 1) : NULL };
    const char *y = write_op(w, transposed ? "ConvTranspose" : "Conv", bias ? 3 : 2, in,
                             ATTRIBUTES(INTS_("kernel_shape", v.axes, v.kernel), INTS_("strides", v.axes, v.stride),
                                        INTS_("dilations", v.axes, v.dilation), INTS_("pads", 2 * v.axes, v.pads),
                                        INT_("group", groups ? groups : 1),
                                        { more[0] ? "output_padding" : NULL, 7, 0, 0, NULL, 2, more }));
    return done(w, CHANNELS_FIRST, write_activated(w, y));
}

/* ---------------------------------------------------------------------- pooling */

static int write_pool(struct writer *w)
{
    struct window v = window_of(w);
    bool max = is(w, "max_pool");
    const struct attribute rounding = INT_("ceil_mode", write_int(w, "ceil_mode"));
    const struct attribute own = max ? (struct attribute)INTS_("dilations", v.axes, v.dilation)
                                     : (struct attribute)INT_("count_include_pad", write_int(w, "count_include_pad"));
    const struct attribute *a = ATTRIBUTES(INTS_("kernel_shape", v.axes, v.kernel), INTS_("strides", v.axes, v.stride),
                                           INTS_("pads", 2 * v.axes, v.pads), rounding, own);
    return done(w, CHANNELS_FIRST,
                write_op(w, max ? "MaxPool" : "AveragePool", INPUTS(write_input(w, 0, CHANNELS_FIRST)), a));
}

/* One window that is all of the input, or windows of one size beside each other. */
static int write_adaptive(struct writer *w)
{
    bool max = is(w, "adaptive_max_pool"), one = true;
    const struct hsgd_type *x = in_type(w), *y = &w->node->info.out[0];
    int64_t kernel[2];
    int axes = x->rank - 1;
    for (int i = 0; i < axes; i++) one = one && y->dim[i] == 1;
    for (int i = 0; i < axes && !one; i++) {
        if (x->dim[i] == HSGD_ANY || x->dim[i] % y->dim[i])
            return writer_refuse(w, "its windows differ in size, which those of ONNX do not");
        kernel[i] = x->dim[i] / y->dim[i];
    }
    const char *in = write_input(w, 0, CHANNELS_FIRST);
    const struct attribute *a = ATTRIBUTES(INTS_("kernel_shape", axes, kernel), INTS_("strides", axes, kernel));
    if (one) return done(w, CHANNELS_FIRST, write_op(w, max ? "GlobalMaxPool" : "GlobalAveragePool", INPUTS(in), NULL));
    return done(w, CHANNELS_FIRST, write_op(w, max ? "MaxPool" : "AveragePool", INPUTS(in), a));
}

/* The mean over all positions, {batch, channels}. */
static int write_global_avg_pool(struct writer *w)
{
    const int64_t shape[] = { 0, -1 };
    if (in_type(w)->rank < 2) return writer_refuse(w, "its input has no positions");
    const char *y = write_op(w, "GlobalAveragePool", INPUTS(write_input(w, 0, CHANNELS_FIRST)), NULL);
    return done(w, AS_HERE, write_op(w, "Reshape", INPUTS(y, write_ints(w, 2, shape)), NULL));
}

const struct write_row write_image_rows[] = {
    { "adaptive_avg_pool", write_adaptive },
    { "adaptive_max_pool", write_adaptive },
    { "avg_pool", write_pool },
    { "conv1d", write_conv },
    { "conv2d", write_conv },
    { "conv_transpose2d", write_conv },
    { "global_avg_pool", write_global_avg_pool },
    { "max_pool", write_pool },
    { 0 },
};
