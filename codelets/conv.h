/* SPDX-License-Identifier: BSD-3-Clause */
/* What the operations of convolution share: their attributes, and the launches of
 * the kernels that fit a device. */
#ifndef HSGD_CODELETS_CONV_H
#define HSGD_CODELETS_CONV_H

#include "kernels.h"
#include "window.h"

/* The attributes of any of them. */
struct conv {
    struct window window;
    int out_channels, groups;
    enum hsgd_activation activation;
    enum hsgd_init init;
    bool no_bias;
};

/* 0, or -1 with a reason in why: whether groups of channels come out even. */
int conv_check(const struct conv *c, int in_channels, char *why, size_t size);
/* Adds a weight of these dimensions, and the bias.  0, or -1: the weight is too large. */
int conv_add_params(struct hsgd_node *n, const struct conv *c, int in_channels, struct hsgd_param_spec weight,
                    char *why, size_t size);
/* Arguments of the kernels for `rows` samples of x, which become y. */
struct conv2d_args conv_args(const struct conv *c, int rows, const struct hsgd_type *x, const struct hsgd_type *y);

/* So many zeros, in scratch memory. */
struct hsgd_ref conv_zeros(struct hsgd_emit *e, int n);
/* The bias; zeros where there is none. */
struct hsgd_ref conv_bias(struct hsgd_emit *e, const struct conv *c);
/* Where the gradient of the bias goes: to scratch memory where it is not wanted. */
struct hsgd_ref conv_bias_gradient(struct hsgd_emit *e, const struct conv *c);

/* y of x; dx of dy, plus bias and activated unless bias is absent; dw and db of x and dy. */
void conv_emit_forward(struct hsgd_emit *e, struct conv2d_args a, struct hsgd_ref x, struct hsgd_ref w,
                       struct hsgd_ref bias, struct hsgd_ref y);
void conv_emit_input(struct hsgd_emit *e, struct conv2d_args a, struct hsgd_ref dy, struct hsgd_ref w,
                     struct hsgd_ref bias, struct hsgd_ref dx);
void conv_emit_weights(struct hsgd_emit *e, struct conv2d_args a, struct hsgd_ref x, struct hsgd_ref dy,
                       struct hsgd_ref dw, struct hsgd_ref db);

/* Attributes of all convolutions, and those of images behind them; AT(field) is the offset in their struct. */
#define CONV_FIELDS \
    { "out_channels", HSGD_UNITS, AT(out_channels), true, 0, NULL }, \
        { "kernel", HSGD_INT, AT(kernel), true, 0, NULL }, { "stride", HSGD_INT, AT(stride), false, 1, NULL }, \
        { "padding", HSGD_PADDING, AT(padding), false, 0, NULL }, \
        { "activation", HSGD_ACTIVATION, AT(activation), false, 0, NULL }, \
        { "no_bias", HSGD_BOOL, AT(no_bias), false, 0, NULL }, { "init", HSGD_INIT, AT(init), false, 0, NULL }, \
        { "groups", HSGD_INT, AT(groups), false, 1, NULL }, \
    { \
        "dilation", HSGD_INT, AT(dilation), false, 1, NULL \
    }
#define CONV_IMAGE_FIELDS \
    { "kernel_w", HSGD_INT, AT(kernel_w), false, 0, "kernel" }, \
        { "stride_w", HSGD_INT, AT(stride_w), false, 0, "stride" }, \
        { "dilation_w", HSGD_INT, AT(dilation_w), false, 0, "dilation" }, \
    { \
        "pads", HSGD_INTS, AT(pads), false, 0, NULL \
    }

#endif
