/* LeNet with oneDNN 2.x.  A replica is the list of primitives for its part of
 * the batch, with its own activations and gradients; all replicas read the same
 * weights.  Either one replica runs on an OpenMP team, or every thread runs one
 * and then, after a barrier, sums the gradients of its part of the parameters
 * and updates them. */
#include "floor_impl.h"

#ifndef HAVE_DNNL

struct floor *floor_lenet_create(int batch, int threads, enum lenet_split split, enum lenet_layout layout)
{
    (void)batch, (void)threads, (void)split, (void)layout;
    return 0;
}

#else

#include "floor_team.h"
#include "triad.h"

#include <math.h>
#include <omp.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    IMAGE = 28,
    LAYERS = 5,
    LINE_FLOATS = 16,
    MAX_CALLS = 48,
    MAX_MEMORIES = 128,
    MAX_ARGS = 6,
    MAX_PARAMETERS = 96 << 10 /* 61,706 and the padding of blocked layouts */
};

static const struct layer_shape {
    int kernel; /* 0: fully connected; a convolution is followed by 2x2 max pooling */
    int in, out, padding;
    bool relu;
} shapes[LAYERS] = {
    {.kernel = 5, .in = 1, .out = 6, .padding = 2, .relu = true},
    {.kernel = 5, .in = 6, .out = 16, .relu = true},
    {.in = 400, .out = 120, .relu = true},
    {.in = 120, .out = 84, .relu = true},
    {.in = 84, .out = FLOOR_CLASSES},
};

struct call {
    dnnl_primitive_t primitive;
    int args;
    dnnl_exec_arg_t arg[MAX_ARGS];
    dnnl_stream_t stream;
};

/* What the backward pass of a layer needs of its forward pass. */
struct layer {
    dnnl_primitive_desc_t compute, pool;
    dnnl_memory_t source, weights, bias, output;
    dnnl_memory_t pooled, workspace;
    size_t weights_offset, bias_offset; /* in the flat parameters */
};

struct replica {
    struct lenet *net;
    int first, batch; /* its rows of the whole batch */
    bool failed;      /* set by the first error; building goes on without effect */
    dnnl_stream_t stream;
    struct layer layer[LAYERS];
    struct call call[MAX_CALLS]; /* forward, then backward */
    int calls, forward_calls;
    dnnl_memory_t memory[MAX_MEMORIES];
    int memories;
    dnnl_memory_t image;
    float *logits, *dlogits;
    float *gradient; /* flat, as the parameters */
    double loss;
};

struct lenet {
    struct floor floor;
    enum lenet_split split;
    dnnl_format_tag_t tag;
    int batch, replicas;
    dnnl_engine_t engine;
    struct replica *replica;
    struct team *team; /* one member per replica */
    size_t parameters;
    float *parameter, *m, *v;
    int *label;
    struct adam adam;
    int steps;
    double seconds;
};

/* ---- Building blocks: each does nothing once the replica has failed */

static void check(struct replica *r, dnnl_status_t status)
{
    if (status != dnnl_success)
        r->failed = true;
}

static const dnnl_memory_desc_t *desc_of(dnnl_memory_t memory)
{
    const dnnl_memory_desc_t *desc = NULL;
    if (memory)
        dnnl_memory_get_memory_desc(memory, &desc);
    return desc;
}

static float *data_of(dnnl_memory_t memory)
{
    void *data = NULL;
    if (memory)
        dnnl_memory_get_data_handle(memory, &data);
    return data;
}

/* Where `data` is DNNL_MEMORY_ALLOCATE the memory is zeroed. */
static dnnl_memory_t new_memory(struct replica *r, const dnnl_memory_desc_t *desc, void *data)
{
    dnnl_memory_t memory = NULL;
    if (r->failed || !desc || r->memories == MAX_MEMORIES) {
        r->failed = true;
        return NULL;
    }
    check(r, dnnl_memory_create(&memory, desc, r->net->engine, data));
    if (memory)
        r->memory[r->memories++] = memory;
    if (memory && data == DNNL_MEMORY_ALLOCATE && data_of(memory))
        memset(data_of(memory), 0, dnnl_memory_desc_get_size(desc));
    return memory;
}

static dnnl_memory_t allocate(struct replica *r, const dnnl_memory_desc_t *desc)
{
    return new_memory(r, desc, DNNL_MEMORY_ALLOCATE);
}

static dnnl_memory_desc_t describe(struct replica *r, int dims, const dnnl_dims_t dim, dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t desc;
    memset(&desc, 0, sizeof desc);
    check(r, dnnl_memory_desc_init_by_tag(&desc, dims, dim, dnnl_f32, tag));
    return desc;
}

/* The same dimensions in another layout. */
static dnnl_memory_desc_t relayout(struct replica *r, const dnnl_memory_desc_t *desc, dnnl_format_tag_t tag)
{
    if (desc)
        return describe(r, desc->ndims, desc->dims, tag);
    r->failed = true;
    dnnl_memory_desc_t none;
    memset(&none, 0, sizeof none);
    return none;
}

/* The scratch memory is ours, since oneDNN's own belongs to the thread that creates the primitive. */
static dnnl_primitive_desc_t describe_primitive(struct replica *r, const void *op, bool relu,
                                                dnnl_primitive_desc_t hint)
{
    dnnl_primitive_desc_t desc = NULL;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_post_ops_t ops = NULL;
    if (r->failed)
        return NULL;
    check(r, dnnl_primitive_attr_create(&attr));
    check(r, dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user));
    if (relu) {
        check(r, dnnl_post_ops_create(&ops));
        check(r, dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_relu, 0, 0));
        check(r, dnnl_primitive_attr_set_post_ops(attr, ops));
        dnnl_post_ops_destroy(ops);
    }
    check(r, dnnl_primitive_desc_create(&desc, op, attr, r->net->engine, hint));
    dnnl_primitive_attr_destroy(attr);
    return desc;
}

static const dnnl_memory_desc_t *query(struct replica *r, dnnl_primitive_desc_t desc, dnnl_query_t what)
{
    return r->failed ? NULL : dnnl_primitive_desc_query_md(desc, what, 0);
}

static void add_arg(struct replica *r, int arg, dnnl_memory_t memory)
{
    struct call *call = &r->call[r->calls - 1];
    if (!r->failed)
        call->arg[call->args++] = (dnnl_exec_arg_t){arg, memory};
}

static void add_call(struct replica *r, dnnl_primitive_desc_t desc)
{
    const dnnl_memory_desc_t *scratchpad = query(r, desc, dnnl_query_scratchpad_md);
    if (r->failed || r->calls == MAX_CALLS) {
        r->failed = true;
        return;
    }
    struct call *call = &r->call[r->calls++];
    *call = (struct call){.stream = r->stream};
    check(r, dnnl_primitive_create(&call->primitive, desc));
    if (scratchpad && dnnl_memory_desc_get_size(scratchpad) > 0)
        add_arg(r, DNNL_ARG_SCRATCHPAD, allocate(r, scratchpad));
}

static void add_reorder(struct replica *r, dnnl_memory_t from, dnnl_memory_t to)
{
    dnnl_primitive_desc_t desc = NULL;
    if (r->failed)
        return;
    check(r, dnnl_reorder_primitive_desc_create(&desc, desc_of(from), r->net->engine, desc_of(to), r->net->engine,
                                                NULL));
    add_call(r, desc);
    add_arg(r, DNNL_ARG_FROM, from);
    add_arg(r, DNNL_ARG_TO, to);
    dnnl_primitive_desc_destroy(desc);
}

/* `memory` in the layout that a primitive wants: a copy made by a reorder unless it has it already. */
static dnnl_memory_t in_layout(struct replica *r, dnnl_memory_t memory, const dnnl_memory_desc_t *want)
{
    if (r->failed || dnnl_memory_desc_equal(desc_of(memory), want))
        return memory;
    dnnl_memory_t copy = allocate(r, want);
    add_reorder(r, memory, copy);
    return copy;
}

static void execute(void *arg)
{
    const struct call *call = arg;
    dnnl_primitive_execute(call->primitive, call->stream, call->args, call->arg);
    dnnl_stream_wait(call->stream);
}

/* ---- Operations */

static const dnnl_dims_t unit_stride = {1, 1}, pool_size = {2, 2}, no_padding = {0, 0};

/* Takes the next part of the flat parameters. */
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
    dnnl_dims_t padding = {s->padding, s->padding};
    check(r, dnnl_convolution_forward_desc_init(&op, dnnl_forward_training, dnnl_convolution_direct, x, w, b, y,
                                                unit_stride, padding, padding));
    return describe_primitive(r, &op, s->relu, NULL);
}

static dnnl_primitive_desc_t describe_inner_product(struct replica *r, const struct layer_shape *s,
                                                    const dnnl_memory_desc_t *x, const dnnl_memory_desc_t *w,
                                                    const dnnl_memory_desc_t *b, const dnnl_memory_desc_t *y)
{
    dnnl_inner_product_desc_t op;
    check(r, dnnl_inner_product_forward_desc_init(&op, dnnl_forward_training, x, w, b, y));
    return describe_primitive(r, &op, s->relu, NULL);
}

static dnnl_memory_t pool_forward(struct replica *r, struct layer *l)
{
    if (r->failed)
        return NULL;
    const dnnl_memory_desc_t *x = desc_of(l->output);
    dnnl_dims_t dim = {x->dims[0], x->dims[1], x->dims[2] / 2, x->dims[3] / 2};
    dnnl_memory_desc_t y = describe(r, 4, dim, dnnl_format_tag_any);
    dnnl_pooling_desc_t op;
    check(r, dnnl_pooling_forward_desc_init(&op, dnnl_forward_training, dnnl_pooling_max, x, &y, pool_size, pool_size,
                                            no_padding, no_padding));
    l->pool = describe_primitive(r, &op, false, NULL);
    l->pooled = allocate(r, query(r, l->pool, dnnl_query_dst_md));
    l->workspace = allocate(r, query(r, l->pool, dnnl_query_workspace_md));
    add_call(r, l->pool);
    add_arg(r, DNNL_ARG_SRC, l->output);
    add_arg(r, DNNL_ARG_DST, l->pooled);
    add_arg(r, DNNL_ARG_WORKSPACE, l->workspace);
    return l->pooled;
}

/* Appends layer i and returns its output; `used` counts the flat parameters. */
static dnnl_memory_t layer_forward(struct replica *r, int i, dnnl_memory_t x, size_t *used)
{
    const struct layer_shape *s = &shapes[i];
    struct layer *l = &r->layer[i];
    const dnnl_memory_desc_t *from = desc_of(x);
    if (r->failed)
        return NULL;
    int side = s->kernel ? (int)from->dims[2] + 2 * s->padding - s->kernel + 1 : 0, y_dims = s->kernel ? 4 : 2;
    dnnl_dims_t y_dim = {r->batch, s->out, side, side}, b_dim = {s->out};
    dnnl_dims_t w_dim = {s->out, from->dims[1], from->dims[2], from->dims[3]};
    if (s->kernel)
        w_dim[2] = w_dim[3] = s->kernel;
    dnnl_memory_desc_t w = describe(r, from->ndims, w_dim, dnnl_format_tag_any);
    dnnl_memory_desc_t b = describe(r, 1, b_dim, dnnl_a);
    dnnl_memory_desc_t y = describe(r, y_dims, y_dim, s->kernel ? r->net->tag : dnnl_ab);
    if (s->kernel) {
        dnnl_memory_desc_t conv_x = relayout(r, from, r->net->tag);
        l->compute = describe_convolution(r, s, &conv_x, &w, &b, &y);
    } else {
        l->compute = describe_inner_product(r, s, from, &w, &b, &y);
    }
    const dnnl_memory_desc_t *w_chosen = query(r, l->compute, dnnl_query_weights_md);
    l->weights_offset = take_parameters(r, used, w_chosen);
    l->bias_offset = take_parameters(r, used, &b);
    l->source = in_layout(r, x, query(r, l->compute, dnnl_query_src_md));
    l->weights = new_memory(r, w_chosen, r->net->parameter + l->weights_offset);
    l->bias = new_memory(r, &b, r->net->parameter + l->bias_offset);
    l->output = allocate(r, query(r, l->compute, dnnl_query_dst_md));
    add_call(r, l->compute);
    add_arg(r, DNNL_ARG_SRC, l->source);
    add_arg(r, DNNL_ARG_WEIGHTS, l->weights);
    add_arg(r, DNNL_ARG_BIAS, l->bias);
    add_arg(r, DNNL_ARG_DST, l->output);
    return s->kernel ? pool_forward(r, l) : l->output;
}

/* In place where the layouts agree.  After pooling, as it commutes with ReLU and a quarter is left. */
static dnnl_memory_t relu_backward_call(struct replica *r, dnnl_memory_t y, dnnl_memory_t dy)
{
    dnnl_eltwise_desc_t op;
    if (r->failed)
        return NULL;
    dy = in_layout(r, dy, desc_of(y));
    check(r, dnnl_eltwise_forward_desc_init(&op, dnnl_forward_training, dnnl_eltwise_relu_use_dst_for_bwd, desc_of(y),
                                            0, 0));
    dnnl_primitive_desc_t hint = describe_primitive(r, &op, false, NULL);
    check(r, dnnl_eltwise_backward_desc_init(&op, dnnl_eltwise_relu_use_dst_for_bwd, desc_of(y), desc_of(y), 0, 0));
    dnnl_primitive_desc_t desc = describe_primitive(r, &op, false, hint);
    add_call(r, desc);
    add_arg(r, DNNL_ARG_DST, y);
    add_arg(r, DNNL_ARG_DIFF_DST, dy);
    add_arg(r, DNNL_ARG_DIFF_SRC, dy);
    dnnl_primitive_desc_destroy(desc);
    dnnl_primitive_desc_destroy(hint);
    return dy;
}

static dnnl_memory_t pool_backward(struct replica *r, const struct layer *l, dnnl_memory_t dy)
{
    dnnl_pooling_desc_t op;
    if (r->failed)
        return NULL;
    dy = in_layout(r, dy, desc_of(l->pooled));
    check(r, dnnl_pooling_backward_desc_init(&op, dnnl_pooling_max, desc_of(l->output), desc_of(l->pooled), pool_size,
                                             pool_size, no_padding, no_padding));
    dnnl_primitive_desc_t desc = describe_primitive(r, &op, false, l->pool);
    dnnl_memory_t dx = allocate(r, desc_of(l->output));
    add_call(r, desc);
    add_arg(r, DNNL_ARG_DIFF_DST, dy);
    add_arg(r, DNNL_ARG_WORKSPACE, l->workspace);
    add_arg(r, DNNL_ARG_DIFF_SRC, dx);
    dnnl_primitive_desc_destroy(desc);
    return dx;
}

static dnnl_primitive_desc_t describe_weights_gradient(struct replica *r, int i)
{
    const struct layer_shape *s = &shapes[i];
    const struct layer *l = &r->layer[i];
    dnnl_dims_t padding = {s->padding, s->padding};
    dnnl_memory_desc_t dw = relayout(r, desc_of(l->weights), dnnl_format_tag_any);
    if (!s->kernel) {
        dnnl_inner_product_desc_t op;
        check(r, dnnl_inner_product_backward_weights_desc_init(&op, desc_of(l->source), &dw, desc_of(l->bias),
                                                               desc_of(l->output)));
        return describe_primitive(r, &op, false, l->compute);
    }
    dnnl_convolution_desc_t op;
    dnnl_memory_desc_t x = relayout(r, desc_of(l->source), r->net->tag);
    dnnl_memory_desc_t dy = relayout(r, desc_of(l->output), r->net->tag);
    check(r, dnnl_convolution_backward_weights_desc_init(&op, dnnl_convolution_direct, &x, &dw, desc_of(l->bias), &dy,
                                                         unit_stride, padding, padding));
    return describe_primitive(r, &op, false, l->compute);
}

static void weights_gradient(struct replica *r, int i, dnnl_memory_t dy)
{
    const struct layer *l = &r->layer[i];
    if (r->failed)
        return;
    dnnl_primitive_desc_t desc = describe_weights_gradient(r, i);
    dnnl_memory_t x = in_layout(r, l->source, query(r, desc, dnnl_query_src_md));
    dnnl_memory_t dy_wanted = in_layout(r, dy, query(r, desc, dnnl_query_diff_dst_md));
    const dnnl_memory_desc_t *dw_chosen = query(r, desc, dnnl_query_diff_weights_md);
    dnnl_memory_t flat = new_memory(r, desc_of(l->weights), r->gradient + l->weights_offset);
    dnnl_memory_t bias = new_memory(r, desc_of(l->bias), r->gradient + l->bias_offset);
    bool same = !r->failed && dnnl_memory_desc_equal(dw_chosen, desc_of(l->weights));
    dnnl_memory_t dw = same ? flat : allocate(r, dw_chosen);
    add_call(r, desc);
    add_arg(r, DNNL_ARG_SRC, x);
    add_arg(r, DNNL_ARG_DIFF_DST, dy_wanted);
    add_arg(r, DNNL_ARG_DIFF_WEIGHTS, dw);
    add_arg(r, DNNL_ARG_DIFF_BIAS, bias);
    if (!same)
        add_reorder(r, dw, flat);
    dnnl_primitive_desc_destroy(desc);
}

static dnnl_primitive_desc_t describe_data_gradient(struct replica *r, int i)
{
    const struct layer_shape *s = &shapes[i];
    const struct layer *l = &r->layer[i];
    dnnl_dims_t padding = {s->padding, s->padding};
    dnnl_memory_desc_t w = relayout(r, desc_of(l->weights), dnnl_format_tag_any);
    if (!s->kernel) {
        dnnl_inner_product_desc_t op;
        check(r, dnnl_inner_product_backward_data_desc_init(&op, desc_of(l->source), &w, desc_of(l->output)));
        return describe_primitive(r, &op, false, l->compute);
    }
    dnnl_convolution_desc_t op;
    dnnl_memory_desc_t dx = relayout(r, desc_of(l->source), r->net->tag);
    dnnl_memory_desc_t dy = relayout(r, desc_of(l->output), r->net->tag);
    check(r, dnnl_convolution_backward_data_desc_init(&op, dnnl_convolution_direct, &dx, &w, &dy, unit_stride, padding,
                                                      padding));
    return describe_primitive(r, &op, false, l->compute);
}

static dnnl_memory_t data_gradient(struct replica *r, int i, dnnl_memory_t dy)
{
    if (r->failed)
        return NULL;
    dnnl_primitive_desc_t desc = describe_data_gradient(r, i);
    dnnl_memory_t w = in_layout(r, r->layer[i].weights, query(r, desc, dnnl_query_weights_md));
    dnnl_memory_t dy_wanted = in_layout(r, dy, query(r, desc, dnnl_query_diff_dst_md));
    dnnl_memory_t dx = allocate(r, query(r, desc, dnnl_query_diff_src_md));
    add_call(r, desc);
    add_arg(r, DNNL_ARG_DIFF_DST, dy_wanted);
    add_arg(r, DNNL_ARG_WEIGHTS, w);
    add_arg(r, DNNL_ARG_DIFF_SRC, dx);
    dnnl_primitive_desc_destroy(desc);
    return dx;
}

/* Appends the backward pass of layer i; returns the gradient of its input (NULL for the first). */
static dnnl_memory_t layer_backward(struct replica *r, int i, dnnl_memory_t dy)
{
    const struct layer *l = &r->layer[i];
    if (shapes[i].relu)
        dy = relu_backward_call(r, shapes[i].kernel ? l->pooled : l->output, dy);
    if (shapes[i].kernel)
        dy = pool_backward(r, l, dy);
    weights_gradient(r, i, dy);
    return i > 0 ? data_gradient(r, i, dy) : NULL;
}

static void replica_build(struct replica *r)
{
    size_t used = 0;
    dnnl_dims_t x_dim = {r->batch, 1, IMAGE, IMAGE};
    dnnl_memory_desc_t x = describe(r, 4, x_dim, dnnl_nchw);
    if (!(r->gradient = floor_floats(MAX_PARAMETERS)))
        r->failed = true;
    check(r, dnnl_stream_create(&r->stream, r->net->engine, dnnl_stream_default_flags));
    r->image = allocate(r, &x);
    dnnl_memory_t y = r->image;
    for (int i = 0; i < LAYERS; i++)
        y = layer_forward(r, i, y, &used);
    r->forward_calls = r->calls;
    dnnl_memory_t dy = allocate(r, desc_of(y));
    r->logits = data_of(y);
    r->dlogits = data_of(dy);
    for (int i = LAYERS - 1; i >= 0; i--)
        dy = layer_backward(r, i, dy);
    r->net->parameters = used;
}

static void replica_destroy(struct replica *r)
{
    for (int i = 0; i < r->calls; i++)
        dnnl_primitive_destroy(r->call[i].primitive);
    for (int i = 0; i < LAYERS; i++) {
        dnnl_primitive_desc_destroy(r->layer[i].compute);
        dnnl_primitive_desc_destroy(r->layer[i].pool);
    }
    for (int i = 0; i < r->memories; i++)
        dnnl_memory_destroy(r->memory[i]);
    dnnl_stream_destroy(r->stream);
    free(r->gradient);
}

/* ---- Running */

static void enqueue(const struct replica *r, int begin, int end)
{
    for (int i = begin; i < end; i++)
        dnnl_primitive_execute(r->call[i].primitive, r->stream, r->call[i].args, r->call[i].arg);
    dnnl_stream_wait(r->stream);
}

static void forward_backward(struct replica *r)
{
    enqueue(r, 0, r->forward_calls);
    r->loss = softmax_cross_entropy(r->dlogits, r->logits, r->net->label + r->first, r->batch, r->net->batch);
    enqueue(r, r->forward_calls, r->calls);
}

/* Sums the replicas' gradients into the first one's and updates, for member `rank`'s part. */
static void update(struct lenet *net, const struct adam *adam, int rank)
{
    int begin, end;
    team_share((int)net->parameters, LINE_FLOATS, net->replicas, rank, &begin, &end);
    size_t n = (size_t)(end - begin);
    float *gradient = net->replica[0].gradient + begin;
    for (int i = 1; i < net->replicas; i++)
        add_to(gradient, net->replica[i].gradient + begin, n);
    adam_update(adam, net->parameter + begin, net->m + begin, net->v + begin, gradient, n);
}

static int openmp_threads(const struct lenet *net)
{
    return net->split == LENET_OPENMP ? net->floor.threads : 1;
}

static void steps(void *arg, int rank)
{
    struct lenet *net = arg;
    struct adam adam = net->adam;
    int openmp = omp_get_max_threads();
    omp_set_num_threads(openmp_threads(net));
    if (openmp_threads(net) > 1)
        forward_backward(&net->replica[rank]); /* starts OpenMP's threads */
    team_barrier(net->team);
    double start = floor_now();
    for (int i = 0; i < net->steps; i++) {
        adam_next(&adam);
        forward_backward(&net->replica[rank]);
        team_barrier(net->team);
        update(net, &adam, rank);
        team_barrier(net->team);
    }
    if (rank == 0) {
        net->seconds = floor_now() - start;
        net->adam = adam;
    }
    omp_set_num_threads(openmp);
}

/* OpenMP's threads spin for a while after their last work: end them, or they
 * would take the cores from what is timed next. */
static void release_openmp(const struct lenet *net)
{
#if _OPENMP >= 201811
    if (openmp_threads(net) > 1)
        omp_pause_resource_all(omp_pause_soft);
#else
    (void)net;
#endif
}

static double lenet_run(struct floor *f, int count)
{
    struct lenet *net = (struct lenet *)f;
    net->steps = count;
    team_run(net->team, steps, net);
    release_openmp(net);
    return net->seconds / count;
}

static double lenet_loss(const struct floor *f)
{
    const struct lenet *net = (const struct lenet *)f;
    double loss = 0;
    for (int i = 0; i < net->replicas; i++)
        loss += net->replica[i].loss;
    return loss;
}

/* ---- The lower bound */

struct bound {
    struct lenet *net;
    double call_seconds;
};

/* The first replica has the largest share up to rounding, and all run at once. */
static void bound_calls(void *arg, int rank)
{
    struct bound *bound = arg;
    struct replica *r = &bound->net->replica[rank];
    omp_set_num_threads(openmp_threads(bound->net));
    for (int i = 0; i < r->calls; i++)
        bound->call_seconds += floor_time_call(execute, &r->call[i]);
    omp_set_num_threads(1);
}

static double lenet_bound(struct floor *f)
{
    struct lenet *net = (struct lenet *)f;
    struct bound bound = {.net = net};
    struct team *alone = team_create(1);
    size_t working_set = 3 * sizeof(float) * net->parameters;
    double bandwidth = triad_bandwidth(net->replicas, working_set);
    double sums = 3.0 * sizeof(float) * (net->replicas - 1);
    double bytes = (FLOOR_ADAM_BYTES + sums) * (double)net->parameters;
    if (alone)
        team_run(alone, bound_calls, &bound);
    release_openmp(net);
    team_destroy(alone);
    return bound.call_seconds + (bandwidth > 0 ? bytes / bandwidth : 0);
}

/* ---- Building */

static void lenet_destroy(struct floor *f)
{
    struct lenet *net = (struct lenet *)f;
    team_destroy(net->team);
    for (int i = 0; net->replica && i < net->replicas; i++)
        replica_destroy(&net->replica[i]);
    free(net->replica);
    dnnl_engine_destroy(net->engine);
    free(net->parameter);
    free(net->m);
    free(net->v);
    free(net->label);
    free(net);
}

/* Draws layer i's weights in the plain layout and stores them in that of its primitive. */
static void fill_weights(struct replica *r, int i)
{
    const struct layer *l = &r->layer[i];
    if (r->failed)
        return;
    const dnnl_memory_desc_t *desc = desc_of(l->weights);
    dnnl_memory_desc_t plain = relayout(r, desc, desc->ndims == 4 ? dnnl_oihw : dnnl_ab);
    dnnl_memory_t drawn = allocate(r, &plain);
    int first = r->calls;
    add_reorder(r, drawn, l->weights);
    if (r->failed)
        return;
    float fan_in = (float)(plain.ndims == 4 ? plain.dims[1] * plain.dims[2] * plain.dims[3] : plain.dims[1]);
    floor_random(data_of(drawn), dnnl_memory_desc_get_size(&plain) / sizeof(float), FLOOR_SEED_WEIGHTS + i, 0,
                 sqrtf(3 / fan_in));
    enqueue(r, first, r->calls);
    dnnl_primitive_destroy(r->call[--r->calls].primitive); /* not part of the step */
}

/* All replicas must have chosen the same layouts, as they share the weights. */
static bool same_weights(const struct replica *a, const struct replica *b)
{
    for (int i = 0; i < LAYERS; i++)
        if (!dnnl_memory_desc_equal(desc_of(a->layer[i].weights), desc_of(b->layer[i].weights)))
            return false;
    return true;
}

static bool build_replicas(struct lenet *net)
{
    static const size_t pixels = IMAGE * IMAGE;
    float *image = floor_floats((size_t)net->batch * pixels);
    bool ok = image;
    if (ok)
        floor_random(image, (size_t)net->batch * pixels, FLOOR_SEED_INPUT, 0.5f, 0.5f);
    for (int i = 0; ok && i < net->replicas; i++) {
        struct replica *r = &net->replica[i];
        int end;
        r->net = net;
        team_share(net->batch, 1, net->replicas, i, &r->first, &end);
        r->batch = end - r->first;
        replica_build(r);
        ok = !r->failed && same_weights(r, &net->replica[0]);
        if (ok)
            memcpy(data_of(r->image), image + (size_t)r->first * pixels, sizeof(float) * (size_t)r->batch * pixels);
    }
    for (int i = 0; ok && i < LAYERS; i++) {
        fill_weights(&net->replica[0], i);
        ok = !net->replica[0].failed;
    }
    free(image);
    return ok;
}

static bool build(struct lenet *net)
{
    bool ok = dnnl_engine_create(&net->engine, dnnl_cpu, 0) == dnnl_success &&
              (net->replica = calloc((size_t)net->replicas, sizeof *net->replica)) &&
              (net->parameter = floor_floats(MAX_PARAMETERS)) && (net->m = floor_floats(MAX_PARAMETERS)) &&
              (net->v = floor_floats(MAX_PARAMETERS)) && (net->label = calloc((size_t)net->batch, sizeof(int))) &&
              (net->team = team_create(net->replicas));
    if (!ok)
        return false;
    floor_random_labels(net->label, (size_t)net->batch);
    int before = omp_get_max_threads(); /* primitives keep the count they are created with */
    omp_set_num_threads(openmp_threads(net));
    ok = build_replicas(net);
    omp_set_num_threads(before);
    release_openmp(net);
    return ok;
}

struct floor *floor_lenet_create(int batch, int threads, enum lenet_split split, enum lenet_layout layout)
{
    struct lenet *net = calloc(1, sizeof *net);
    if (!net)
        return NULL;
    net->floor = (struct floor){.run = lenet_run, .bound = lenet_bound, .loss = lenet_loss, .destroy = lenet_destroy,
                                .threads = threads};
    snprintf(net->floor.variant, sizeof net->floor.variant, "%s, %d %s", layout == LENET_NHWC ? "nhwc" : "any", threads,
             split == LENET_REPLICAS ? "replicas" : threads > 1 ? "threads" : "thread");
    net->split = split;
    net->tag = layout == LENET_NHWC ? dnnl_nhwc : dnnl_format_tag_any;
    net->batch = batch;
    net->replicas = split == LENET_REPLICAS ? threads : 1;
    net->adam = adam_default();
    if (net->replicas > batch || !build(net)) {
        lenet_destroy(&net->floor);
        return NULL;
    }
    return &net->floor;
}

#endif
