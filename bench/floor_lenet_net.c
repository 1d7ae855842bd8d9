/* SPDX-License-Identifier: BSD-3-Clause */
/* LeNet as a list of oneDNN primitives: layers forward, and backward. */
#include "floor_impl.h"

#ifdef HAVE_DNNL

#include "floor_lenet.h"

#include <stdlib.h>

const struct layer_shape lenet_shapes[LAYERS] = {
    { .kernel = 5, .in = 1, .out = 6, .padding = 2, .relu = true },
    { .kernel = 5, .in = 6, .out = 16, .relu = true },
    { .in = 400, .out = 120, .relu = true },
    { .in = 120, .out = 84, .relu = true },
    { .in = 84, .out = FLOOR_CLASSES },
};

static const dnnl_dims_t unit_stride = { 1, 1 }, pool_size = { 2, 2 }, no_padding = { 0, 0 };

/* Allocates the next range of the flat parameters. */
static size_t take_parameters(struct replica *r, size_t *used, const dnnl_memory_desc_t *desc)
{
    size_t offset = *used, n = desc ? dnnl_memory_desc_get_size(desc) / sizeof(float) : 0;
    *used += (n + LINE_FLOATS - 1) / LINE_FLOATS * LINE_FLOATS;
    if (*used > MAX_PARAMETERS) {
        r->failed = true;
        return 0;
    }
    return offset;
}

static dnnl_primitive_desc_t describe_convolution(struct replica *r, const struct layer_shape *s,
                                                  const dnnl_memory_desc_t *x, const dnnl_memory_desc_t *w,
                                                  const dnnl_memory_desc_t *b, const dnnl_memory_desc_t *y)
{
    dnnl_convolution_desc_t op;
    dnnl_dims_t padding = { s->padding, s->padding };
    lenet_check(r, dnnl_convolution_forward_desc_init(&op, dnnl_forward_training, dnnl_convolution_direct, x, w, b, y,
                                                      unit_stride, padding, padding));
    return lenet_describe_primitive(r, &op, s->relu, NULL);
}

static dnnl_primitive_desc_t describe_inner_product(struct replica *r, const struct layer_shape *s,
                                                    const dnnl_memory_desc_t *x, const dnnl_memory_desc_t *w,
                                                    const dnnl_memory_desc_t *b, const dnnl_memory_desc_t *y)
{
    dnnl_inner_product_desc_t op;
    lenet_check(r, dnnl_inner_product_forward_desc_init(&op, dnnl_forward_training, x, w, b, y));
    return lenet_describe_primitive(r, &op, s->relu, NULL);
}

static dnnl_memory_t pool_forward(struct replica *r, struct layer *l)
{
    if (r->failed) return NULL;
    const dnnl_memory_desc_t *x = lenet_desc_of(l->output);
    dnnl_dims_t dim = { x->dims[0], x->dims[1], x->dims[2] / 2, x->dims[3] / 2 };
    dnnl_memory_desc_t y = lenet_describe(r, 4, dim, dnnl_format_tag_any);
    dnnl_pooling_desc_t op;
    lenet_check(r, dnnl_pooling_forward_desc_init(&op, dnnl_forward_training, dnnl_pooling_max, x, &y, pool_size,
                                                  pool_size, no_padding, no_padding));
    l->pool = lenet_describe_primitive(r, &op, false, NULL);
    l->pooled = lenet_allocate(r, lenet_query(r, l->pool, dnnl_query_dst_md));
    l->workspace = lenet_allocate(r, lenet_query(r, l->pool, dnnl_query_workspace_md));
    lenet_add_call(r, l->pool);
    lenet_add_arg(r, DNNL_ARG_SRC, l->output);
    lenet_add_arg(r, DNNL_ARG_DST, l->pooled);
    lenet_add_arg(r, DNNL_ARG_WORKSPACE, l->workspace);
    return l->pooled;
}

/* Appends layer i and returns its output; `used` counts the flat parameters. */
static dnnl_memory_t layer_forward(struct replica *r, int i, dnnl_memory_t x, size_t *used)
{
    const struct layer_shape *s = &lenet_shapes[i];
    struct layer *l = &r->layer[i];
    const dnnl_memory_desc_t *from = lenet_desc_of(x);
    if (r->failed) return NULL;
    int side = s->kernel ? (int)from->dims[2] + 2 * s->padding - s->kernel + 1 : 0, y_dims = s->kernel ? 4 : 2;
    dnnl_dims_t y_dim = { r->batch, s->out, side, side }, b_dim = { s->out };
    dnnl_dims_t w_dim = { s->out, from->dims[1], from->dims[2], from->dims[3] };
    if (s->kernel) w_dim[2] = w_dim[3] = s->kernel;
    dnnl_memory_desc_t w = lenet_describe(r, from->ndims, w_dim, dnnl_format_tag_any);
    dnnl_memory_desc_t b = lenet_describe(r, 1, b_dim, dnnl_a);
    dnnl_memory_desc_t y = lenet_describe(r, y_dims, y_dim, s->kernel ? r->net->tag : dnnl_ab);
    if (s->kernel) {
        dnnl_memory_desc_t conv_x = lenet_relayout(r, from, r->net->tag);
        l->compute = describe_convolution(r, s, &conv_x, &w, &b, &y);
    } else {
        l->compute = describe_inner_product(r, s, from, &w, &b, &y);
    }
    const dnnl_memory_desc_t *w_chosen = lenet_query(r, l->compute, dnnl_query_weights_md);
    l->weights_offset = take_parameters(r, used, w_chosen);
    l->bias_offset = take_parameters(r, used, &b);
    l->source = lenet_in_layout(r, x, lenet_query(r, l->compute, dnnl_query_src_md));
    l->weights = lenet_new_memory(r, w_chosen, r->net->parameter + l->weights_offset);
    l->bias = lenet_new_memory(r, &b, r->net->parameter + l->bias_offset);
    l->output = lenet_allocate(r, lenet_query(r, l->compute, dnnl_query_dst_md));
    lenet_add_call(r, l->compute);
    lenet_add_arg(r, DNNL_ARG_SRC, l->source);
    lenet_add_arg(r, DNNL_ARG_WEIGHTS, l->weights);
    lenet_add_arg(r, DNNL_ARG_BIAS, l->bias);
    lenet_add_arg(r, DNNL_ARG_DST, l->output);
    return s->kernel ? pool_forward(r, l) : l->output;
}

/* In place where the layouts agree.  After pooling, which commutes with ReLU and leaves a quarter of the values. */
static dnnl_memory_t relu_backward_call(struct replica *r, dnnl_memory_t y, dnnl_memory_t dy)
{
    dnnl_eltwise_desc_t op;
    if (r->failed) return NULL;
    dy = lenet_in_layout(r, dy, lenet_desc_of(y));
    lenet_check(r, dnnl_eltwise_forward_desc_init(&op, dnnl_forward_training, dnnl_eltwise_relu_use_dst_for_bwd,
                                                  lenet_desc_of(y), 0, 0));
    dnnl_primitive_desc_t hint = lenet_describe_primitive(r, &op, false, NULL);
    lenet_check(r, dnnl_eltwise_backward_desc_init(&op, dnnl_eltwise_relu_use_dst_for_bwd, lenet_desc_of(y),
                                                   lenet_desc_of(y), 0, 0));
    dnnl_primitive_desc_t desc = lenet_describe_primitive(r, &op, false, hint);
    lenet_add_call(r, desc);
    lenet_add_arg(r, DNNL_ARG_DST, y);
    lenet_add_arg(r, DNNL_ARG_DIFF_DST, dy);
    lenet_add_arg(r, DNNL_ARG_DIFF_SRC, dy);
    dnnl_primitive_desc_destroy(desc);
    dnnl_primitive_desc_destroy(hint);
    return dy;
}

static dnnl_memory_t pool_backward(struct replica *r, const struct layer *l, dnnl_memory_t dy)
{
    dnnl_pooling_desc_t op;
    if (r->failed) return NULL;
    dy = lenet_in_layout(r, dy, lenet_desc_of(l->pooled));
    lenet_check(r, dnnl_pooling_backward_desc_init(&op, dnnl_pooling_max, lenet_desc_of(l->output),
                                                   lenet_desc_of(l->pooled), pool_size, pool_size, no_padding,
                                                   no_padding));
    dnnl_primitive_desc_t desc = lenet_describe_primitive(r, &op, false, l->pool);
    dnnl_memory_t dx = lenet_allocate(r, lenet_desc_of(l->output));
    lenet_add_call(r, desc);
    lenet_add_arg(r, DNNL_ARG_DIFF_DST, dy);
    lenet_add_arg(r, DNNL_ARG_WORKSPACE, l->workspace);
    lenet_add_arg(r, DNNL_ARG_DIFF_SRC, dx);
    dnnl_primitive_desc_destroy(desc);
    return dx;
}

static dnnl_primitive_desc_t describe_weights_gradient(struct replica *r, int i)
{
    const struct layer_shape *s = &lenet_shapes[i];
    const struct layer *l = &r->layer[i];
    dnnl_dims_t padding = { s->padding, s->padding };
    dnnl_memory_desc_t dw = lenet_relayout(r, lenet_desc_of(l->weights), dnnl_format_tag_any);
    if (!s->kernel) {
        dnnl_inner_product_desc_t op;
        lenet_check(r, dnnl_inner_product_backward_weights_desc_init(&op, lenet_desc_of(l->source), &dw,
                                                                     lenet_desc_of(l->bias), lenet_desc_of(l->output)));
        return lenet_describe_primitive(r, &op, false, l->compute);
    }
    dnnl_convolution_desc_t op;
    dnnl_memory_desc_t x = lenet_relayout(r, lenet_desc_of(l->source), r->net->tag);
    dnnl_memory_desc_t dy = lenet_relayout(r, lenet_desc_of(l->output), r->net->tag);
    lenet_check(r, dnnl_convolution_backward_weights_desc_init(&op, dnnl_convolution_direct, &x, &dw,
                                                               lenet_desc_of(l->bias), &dy, unit_stride, padding,
                                                               padding));
    return lenet_describe_primitive(r, &op, false, l->compute);
}

static void weights_gradient(struct replica *r, int i, dnnl_memory_t dy)
{
    const struct layer *l = &r->layer[i];
    if (r->failed) return;
    dnnl_primitive_desc_t desc = describe_weights_gradient(r, i);
    dnnl_memory_t x = lenet_in_layout(r, l->source, lenet_query(r, desc, dnnl_query_src_md));
    dnnl_memory_t dy_wanted = lenet_in_layout(r, dy, lenet_query(r, desc, dnnl_query_diff_dst_md));
    const dnnl_memory_desc_t *dw_chosen = lenet_query(r, desc, dnnl_query_diff_weights_md);
    dnnl_memory_t flat = lenet_new_memory(r, lenet_desc_of(l->weights), r->gradient + l->weights_offset);
    dnnl_memory_t bias = lenet_new_memory(r, lenet_desc_of(l->bias), r->gradient + l->bias_offset);
    bool same = !r->failed && dnnl_memory_desc_equal(dw_chosen, lenet_desc_of(l->weights));
    dnnl_memory_t dw = same ? flat : lenet_allocate(r, dw_chosen);
    lenet_add_call(r, desc);
    lenet_add_arg(r, DNNL_ARG_SRC, x);
    lenet_add_arg(r, DNNL_ARG_DIFF_DST, dy_wanted);
    lenet_add_arg(r, DNNL_ARG_DIFF_WEIGHTS, dw);
    lenet_add_arg(r, DNNL_ARG_DIFF_BIAS, bias);
    if (!same) lenet_add_reorder(r, dw, flat);
    dnnl_primitive_desc_destroy(desc);
}

static dnnl_primitive_desc_t describe_data_gradient(struct replica *r, int i)
{
    const struct layer_shape *s = &lenet_shapes[i];
    const struct layer *l = &r->layer[i];
    dnnl_dims_t padding = { s->padding, s->padding };
    dnnl_memory_desc_t w = lenet_relayout(r, lenet_desc_of(l->weights), dnnl_format_tag_any);
    if (!s->kernel) {
        dnnl_inner_product_desc_t op;
        lenet_check(
            r, dnnl_inner_product_backward_data_desc_init(&op, lenet_desc_of(l->source), &w, lenet_desc_of(l->output)));
        return lenet_describe_primitive(r, &op, false, l->compute);
    }
    dnnl_convolution_desc_t op;
    dnnl_memory_desc_t dx = lenet_relayout(r, lenet_desc_of(l->source), r->net->tag);
    dnnl_memory_desc_t dy = lenet_relayout(r, lenet_desc_of(l->output), r->net->tag);
    lenet_check(r, dnnl_convolution_backward_data_desc_init(&op, dnnl_convolution_direct, &dx, &w, &dy, unit_stride,
                                                            padding, padding));
    return lenet_describe_primitive(r, &op, false, l->compute);
}

static dnnl_memory_t data_gradient(struct replica *r, int i, dnnl_memory_t dy)
{
    if (r->failed) return NULL;
    dnnl_primitive_desc_t desc = describe_data_gradient(r, i);
    dnnl_memory_t w = lenet_in_layout(r, r->layer[i].weights, lenet_query(r, desc, dnnl_query_weights_md));
    dnnl_memory_t dy_wanted = lenet_in_layout(r, dy, lenet_query(r, desc, dnnl_query_diff_dst_md));
    dnnl_memory_t dx = lenet_allocate(r, lenet_query(r, desc, dnnl_query_diff_src_md));
    lenet_add_call(r, desc);
    lenet_add_arg(r, DNNL_ARG_DIFF_DST, dy_wanted);
    lenet_add_arg(r, DNNL_ARG_WEIGHTS, w);
    lenet_add_arg(r, DNNL_ARG_DIFF_SRC, dx);
    dnnl_primitive_desc_destroy(desc);
    return dx;
}

/* Appends the backward pass of layer i; returns the gradient of its input (NULL for the first). */
static dnnl_memory_t layer_backward(struct replica *r, int i, dnnl_memory_t dy)
{
    const struct layer *l = &r->layer[i];
    if (lenet_shapes[i].relu) dy = relu_backward_call(r, lenet_shapes[i].kernel ? l->pooled : l->output, dy);
    if (lenet_shapes[i].kernel) dy = pool_backward(r, l, dy);
    weights_gradient(r, i, dy);
    return i > 0 ? data_gradient(r, i, dy) : NULL;
}

void lenet_replica_build(struct replica *r)
{
    size_t used = 0;
    dnnl_dims_t x_dim = { r->batch, 1, IMAGE, IMAGE };
    dnnl_memory_desc_t x = lenet_describe(r, 4, x_dim, dnnl_nchw);
    if (!(r->gradient = floor_floats(MAX_PARAMETERS))) r->failed = true;
    lenet_check(r, dnnl_stream_create(&r->stream, r->net->engine, dnnl_stream_default_flags));
    r->image = lenet_allocate(r, &x);
    dnnl_memory_t y = r->image;
    for (int i = 0; i < LAYERS; i++) y = layer_forward(r, i, y, &used);
    r->forward_calls = r->calls;
    dnnl_memory_t dy = lenet_allocate(r, lenet_desc_of(y));
    r->logits = lenet_data_of(y);
    r->dlogits = lenet_data_of(dy);
    for (int i = LAYERS - 1; i >= 0; i--) dy = layer_backward(r, i, dy);
    r->net->parameters = used;
}

void lenet_replica_destroy(struct replica *r)
{
    for (int i = 0; i < r->calls; i++) dnnl_primitive_destroy(r->call[i].primitive);
    for (int i = 0; i < LAYERS; i++) {
        dnnl_primitive_desc_destroy(r->layer[i].compute);
        dnnl_primitive_desc_destroy(r->layer[i].pool);
    }
    for (int i = 0; i < r->memories; i++) dnnl_memory_destroy(r->memory[i]);
    dnnl_stream_destroy(r->stream);
    free(r->gradient);
}

#endif
