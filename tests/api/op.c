/* SPDX-License-Identifier: BSD-3-Clause */
/* Random calls: operations, and what they describe their work with. */
#include "fuzz.h"

#include <errno.h>
#include <limits.h>

#define CTX(i) OR_NULL(i, world.ctx)

union attributes {
    struct hsgd_dense dense;
    struct hsgd_conv2d conv2d;
    struct hsgd_conv1d conv1d;
    struct hsgd_conv_transpose2d conv_transpose2d;
    struct hsgd_max_pool pool;
    struct hsgd_avg_pool avg_pool;
    struct hsgd_adaptive_avg_pool adaptive;
    struct hsgd_activate activate;
    struct hsgd_batch_norm batch_norm;
    struct hsgd_layer_norm layer_norm;
    struct hsgd_dropout dropout;
    struct hsgd_embedding embedding;
    struct hsgd_gelu gelu;
    struct hsgd_reshape reshape;
    struct hsgd_softmax_cross_entropy loss;
    struct hsgd_accuracy accuracy;
    struct hsgd_huber huber;
    struct hsgd_focal focal;
    struct hsgd_kl_divergence kl;
    struct hsgd_ctc ctc;
    struct hsgd_f1 f1;
    struct hsgd_auc auc;
    struct hsgd_r2 r2;
    struct hsgd_top_k top_k;
    struct hsgd_split split;
    struct hsgd_concat concat;
    struct hsgd_slice slice;
    struct hsgd_transpose transpose;
    struct hsgd_broadcast broadcast;
    struct hsgd_tile tile;
    struct hsgd_gather gather;
    struct hsgd_pad pad;
    struct hsgd_clip_factor clip;
    struct hsgd_update update;
};

static enum hsgd_activation some_activation(void) { return (enum hsgd_activation)wild_enum(4); }
static enum hsgd_init some_init(void) { return (enum hsgd_init)wild_enum(3); }

/* Wild where `low` allows, that is, where no buffer of ours has to hold the result. */
static int size_of(int right, bool low) { return low ? wild_low(right) : wild(right); }

static const struct hsgd_op *plain_op(void)
{
    static const struct hsgd_op *const ops[] = {
        &hsgd_op_add,  &hsgd_op_binary_cross_entropy,
        &hsgd_op_mae,  &hsgd_op_mean_absolute_error,
        &hsgd_op_rmse, &hsgd_op_flatten,
        &hsgd_op_mse,  &hsgd_op_mul,
        &hsgd_op_relu, &hsgd_op_sigmoid,
        &hsgd_op_tanh,
    };
    return ops[below(sizeof ops / sizeof *ops)];
}

static struct hsgd_ints some_ints(int right)
{
    struct hsgd_ints ints = { wild(2), { wild(right), wild(right) } };
    return ints;
}

static const struct hsgd_op *some_loss(union attributes *a)
{
    switch (below(6)) {
    case 0:
        a->huber = (struct hsgd_huber){ wild_float(1), one_in(4), one_in(4) };
        return one_in(2) ? &hsgd_op_huber : &hsgd_op_smooth_l1;
    case 1:
        a->focal = (struct hsgd_focal){ wild_float(0.25f), wild_float(2), one_in(2), one_in(4), one_in(4), wild(1) };
        return &hsgd_op_focal;
    case 2: a->kl.log_target = one_in(2); return &hsgd_op_kl_divergence;
    case 3: a->ctc = (struct hsgd_ctc){ wild(0), one_in(2) }; return &hsgd_op_ctc;
    default:
        a->loss.label_smoothing = wild_float(0.1f);
        a->loss.has_ignore = one_in(4), a->loss.ignore = wild(1);
        if (one_in(2))
            a->loss.class_weights =
                (struct hsgd_floats){ wild(CLASSES), { wild_float(1), wild_float(2), wild_float(3) } };
        return &hsgd_op_softmax_cross_entropy;
    }
}

static const struct hsgd_op *some_metric(union attributes *a)
{
    static const struct hsgd_op *const f1[] = { &hsgd_op_precision, &hsgd_op_recall, &hsgd_op_f1 };
    if (one_in(4)) {
        a->f1 = (struct hsgd_f1){ (enum hsgd_average)wild_enum(3), wild_float(0), one_in(2), wild(1) };
        return f1[below(3)];
    }
    if (one_in(4)) {
        a->auc = (struct hsgd_auc){ wild_float(0), wild_float(0), one_in(2), wild(1) };
        return &hsgd_op_auc;
    }
    if (one_in(4)) {
        a->r2.center = wild_float(0);
        return &hsgd_op_r2;
    }
    if (one_in(3)) {
        a->top_k = (struct hsgd_top_k){ wild(2), one_in(2), wild(1) };
        return &hsgd_op_top_k;
    }
    a->accuracy = (struct hsgd_accuracy){ one_in(2), wild(1) }; /* perplexity has the same fields */
    return one_in(2) ? &hsgd_op_accuracy : &hsgd_op_perplexity;
}

/* One or two, so that our buffers hold what is made by them where `low`. */
static struct hsgd_ints some_sizes(int right, bool low)
{
    struct hsgd_ints ints = { low ? 1 + one_in(2) : wild(2), { size_of(right, low), size_of(right, low) } };
    return ints;
}

/* That move values. */
static const struct hsgd_op *some_move(union attributes *a, bool low)
{
    switch (below(8)) {
    case 0: a->concat.axis = wild(1); return &hsgd_op_concat;
    case 1:
        a->slice = (struct hsgd_slice){ some_ints(0), some_ints(3), { one_in(2), { wild(1) } }, { 0 } };
        return &hsgd_op_slice;
    case 2: a->transpose.permutation = some_ints(1); return &hsgd_op_transpose;
    case 3: a->broadcast.dims = some_sizes(4, low); return &hsgd_op_broadcast;
    case 4: a->tile.repeats = some_sizes(2, low); return one_in(2) ? &hsgd_op_tile : &hsgd_op_upsample;
    case 5: a->gather = (struct hsgd_gather){ some_sizes(1, low), wild(1) }; return &hsgd_op_gather;
    case 6:
        if (one_in(2)) a->split.parts = wild(2);
        else a->split.sizes = some_ints(3);
        a->split.axis = wild(1);
        return &hsgd_op_split;
    default:
        a->pad = (struct hsgd_pad){
            some_sizes(1, low), some_sizes(1, low), { 0 }, (enum hsgd_pad_mode)wild_enum(4), wild_float(0)
        };
        return &hsgd_op_pad;
    }
}

static const struct hsgd_op *some_conv(union attributes *a, bool low)
{
    int channels = size_of(3, low);
    memset(a, 0, sizeof *a);
    if (one_in(2)) {
        a->conv1d = (struct hsgd_conv1d){ .out_channels = channels, .kernel = wild(2), .padding = wild(1) };
        return &hsgd_op_conv1d;
    }
    a->conv_transpose2d = (struct hsgd_conv_transpose2d){ .out_channels = channels,
                                                          .kernel = wild_low(2),
                                                          .stride = wild_low(2),
                                                          .groups = one_in(2) ? wild(2) : 1,
                                                          .output_padding = wild(0) };
    return &hsgd_op_conv_transpose2d;
}

static const struct hsgd_op *some_pool(union attributes *a)
{
    if (one_in(4)) {
        a->adaptive = (struct hsgd_adaptive_avg_pool){ wild_low(3), wild_low(2) };
        return one_in(2) ? &hsgd_op_adaptive_avg_pool : &hsgd_op_adaptive_max_pool;
    }
    if (one_in(2)) {
        a->avg_pool = (struct hsgd_avg_pool){
            .kernel = wild(2), .stride = wild(2), .padding = wild(0), .count_include_pad = one_in(2)
        };
        return &hsgd_op_avg_pool;
    }
    a->pool =
        (struct hsgd_max_pool){ .kernel = wild(2), .stride = wild(2), .padding = wild(0), .ceil_mode = one_in(2) };
    if (one_in(3)) a->pool.dilation = wild(1), a->pool.pads = some_ints(1);
    return &hsgd_op_max_pool;
}

static const struct hsgd_op *some_op(union attributes *a, bool low)
{
    memset(a, 0, sizeof *a);
    switch (below(16)) {
    case 0:
        a->dense = (struct hsgd_dense){ size_of(4, low), some_activation(), one_in(2), some_init(), one_in(2) };
        return &hsgd_op_dense;
    case 1:
        a->conv2d = (struct hsgd_conv2d){ .out_channels = size_of(3, low),
                                          .kernel = wild(3),
                                          .stride = wild(1),
                                          .padding = wild(1),
                                          .activation = some_activation(),
                                          .init = some_init(),
                                          .no_bias = one_in(4),
                                          .groups = one_in(2) ? wild(2) : 1 };
        if (one_in(3)) a->conv2d.dilation = wild(1), a->conv2d.kernel_w = wild(2), a->conv2d.stride_w = wild(1);
        if (one_in(4)) a->conv2d.pads = some_ints(1);
        if (one_in(4)) return some_conv(a, low);
        return &hsgd_op_conv2d;
    case 2: return some_pool(a);
    case 3: a->activate.activation = some_activation(); return &hsgd_op_activate;
    case 4: a->dropout.p = wild_float(0.5f); return &hsgd_op_dropout;
    case 5: return some_loss(a);
    case 6: return plain_op();
    case 7:
        if (one_in(3)) return &hsgd_op_ema;
        a->clip = (struct hsgd_clip_factor){ wild(2), wild_float(1) };
        return &hsgd_op_clip_factor;
    case 8: a->batch_norm = (struct hsgd_batch_norm){ wild_float(0), wild_float(0) }; return &hsgd_op_batch_norm;
    case 9: a->gelu.tanh = one_in(2); return &hsgd_op_gelu;
    case 10: a->reshape.dims = some_ints(3); return &hsgd_op_reshape;
    case 11: return some_move(a, low);
    case 12: a->layer_norm.epsilon = wild_float(0); return one_in(2) ? &hsgd_op_layer_norm : &hsgd_op_global_avg_pool;
    case 13:
        a->embedding = (struct hsgd_embedding){ size_of(4, low), size_of(3, low), some_init() };
        return &hsgd_op_embedding;
    case 14: return some_metric(a);
    default:
        hsgd_train_defaults(&a->update.options, sizeof a->update.options);
        a->update.options.optimizer = (enum hsgd_optimizer)wild_enum(HSGD_OPTIMIZERS);
        a->update.parts = wild(1);
        return &hsgd_op_update;
    }
}

static bool op_at(void) { return hsgd_op_at(wild(below(9))); }
static bool op_by_name(void) { return hsgd_op_by_name(OR_NULL(0, any_text("dense"))); }

static bool add_param(void)
{
    struct hsgd_node n = { 0 };
    struct hsgd_param_spec spec = { .name = "weight", .rank = 1, .dim = { 2 } };
    for (int i = 0; i < 2 * HSGD_MAX_PARAMS; i++) hsgd_node_add_param(OR_NULL(0, &n), OR_NULL(1, &spec));
    return n.params > 0;
}

/* Any operation on the model's fields; what there is of the model is kept. */
static bool apply(void)
{
    union attributes a;
    static const struct hsgd_op nothing;
    const struct hsgd_op *op = one_in(20) ? &nothing : some_op(&a, false);
    struct hsgd_model *m = hsgd_model_create(world.ctx, "new");
    struct hsgd_value *x = hsgd_input(m, "x", one_in(2) ? hsgd_vector(FEATURES) : hsgd_image(6, 6, 2));
    struct hsgd_value *label = hsgd_target(m, "label", hsgd_number(HSGD_I32)), *in[] = { x, one_in(2) ? x : label };
    if (one_in(8)) in[below(2)] = NULL;
    struct hsgd_value *y = hsgd_apply(OR_NULL(0, op), OR_NULL(1, any_text("layer")), OR_NULL(2, &a),
                                      wild_low(1 + one_in(2)), OR_NULL(3, in));
    if (one_in(2)) hsgd_loss(y);
    else hsgd_loss(HSGD_JOIN(HSGD_OF(HSGD_OP(y, dense, NULL, .units = CLASSES), label), softmax_cross_entropy, NULL));
    if (!hsgd_model_finish(m) && one_in(8)) hsgd_apply(op, NULL, NULL, 1, in);
    keep_model(m);
    return y;
}

/* ----------------------------------------------------------------- describing */

static void times_two(void *const *buffers, const void *args)
{
    int n = *(const int *)args;
    for (int i = 0; i < n; i++) ((float *)buffers[1])[i] = 2 * ((const float *)buffers[0])[i];
}

static const struct hsgd_kernel kernel = {
    .name = "times_two", .buffers = 2, .args_size = sizeof(int), .cpu = times_two
};
static int wanted;     /* the function that forward() calls with anything, */
static bool went_well; /* and how that went */
enum { LAUNCH, PREPARED, SCRATCH, MATMUL };
/* What it gives to hsgd_emit_matmul(): every time the same, since a product that the first time asks for no scratch
 * memory has none. */
static struct hsgd_matmul product = { .m = 1, .n = 1, .k = 1, .lda = 1, .ldb = 1, .ldc = 1 };
static const struct hsgd_matmul *given_product;
static bool given_emit;

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    (void)why, (void)size;
    n->outputs = 1;
    n->out[0] = n->in[0];
    return 0;
}

static void describe_one(struct hsgd_emit *e, int n)
{
    struct hsgd_ref refs[] = { e->x[0], e->y[0] }, none = { .buffer = -1 };
    if (wanted == LAUNCH)
        hsgd_launch(OR_NULL(0, e), OR_NULL(1, &kernel), HSGD_ITEMS, n, OR_NULL(2, &n), OR_NULL(3, refs));
    else if (wanted == PREPARED)
        went_well = !hsgd_prepared(OR_NULL(0, e), OR_NULL(1, &kernel), OR_NULL(2, &n), OR_NULL(3, refs));
    else if (wanted == SCRATCH)
        went_well =
            hsgd_scratch(OR_NULL(0, e), one_in(6) ? (int64_t[]){ 0, -1, INT64_MIN, 1 }[below(4)] : 100).buffer >= 0;
    else hsgd_emit_matmul(given_emit ? e : NULL, given_product, e->x[0], e->x[0], e->y[0], none);
}

static void forward(struct hsgd_emit *e)
{
    struct hsgd_ref refs[] = { e->x[0], e->y[0] };
    int n = e->rows * hsgd_type_size(&e->node->in[0]);
    hsgd_launch(e, &kernel, HSGD_ITEMS, n, &n, refs);
    describe_one(e, n);
}

static const struct hsgd_op op = {
    .name = "fuzzed", .layouts = 1u << HSGD_NHWC, .infer = infer, .forward = { { forward } }
};

static bool describe(int function)
{
    struct hsgd_op_call call = { .rows = 2, .in = { hsgd_vector(FEATURES) }, .x = { floats }, .y = { results } };
    wanted = function;
    went_well = true;
    if (wanted == MATMUL) given_emit = OR_NULL(0, &product), given_product = OR_NULL(1, &product);
    return !hsgd_op_run(world.ctx, 0, &op, NULL, &call) && went_well;
}

static bool launch(void) { return describe(LAUNCH); }
static bool prepared(void) { return describe(PREPARED); }
static bool scratch(void) { return describe(SCRATCH); }
static bool matmul(void) { return describe(MATMUL); }

/* -------------------------------------------------------------------- running */

static bool run(void)
{
    static float y[FLOATS], dx[FLOATS], sums[FLOATS];
    int slices[3] = { 1, 1, wild_low(1) };
    union attributes a;
    const struct hsgd_op *o = some_op(&a, true);
    struct hsgd_op_call call = { .rows = wild_low(2) };
    call.in[0] = one_in(2) ? hsgd_image(6, 6, 2) : hsgd_vector(FEATURES);
    call.in[1] = hsgd_number(HSGD_I32);
    if (one_in(8)) call.in[0] = hsgd_image(wild_low(2), wild_low(2), wild_low(2));
    if (one_in(4)) call.in[1] = call.in[0];
    if (one_in(4)) call.in[0].dtype = HSGD_I32;
    if (one_in(8)) call.in[below(2)].rank = wild(1);
    if (one_in(8)) call.inputs = wild_low(2);
    for (int i = 0; i < HSGD_MAX_PARAMS; i++) call.params[i] = i < 4 ? OR_NULL(4 + i, floats) : floats;
    call.x[0] = OR_NULL(8, floats);
    call.dy[0] = one_in(2) ? OR_NULL(9, floats) : NULL;
    call.x[1] = call.in[1].dtype == HSGD_F32 ? OR_NULL(10, floats) : OR_NULL(10, some_labels());
    call.y[0] = OR_NULL(11, y);
    call.dx[0] = one_in(2) ? OR_NULL(12, dx) : NULL;
    call.sums = OR_NULL(13, sums);
    call.training = one_in(2);
    call.repeats = wild_low(1);
    call.slices = one_in(4) ? slices : NULL;
    call.nslices = wild_low(2);
    if (one_in(8)) call.adds = (unsigned)wild(1);
    return !hsgd_op_run(CTX(0), wild(below(hsgd_device_count(world.ctx))), OR_NULL(1, o), OR_NULL(2, &a),
                        OR_NULL(3, &call));
}

const struct call op_calls[] = { { "hsgd_op_at", op_at, 0, false },     { "hsgd_op_by_name", op_by_name, 1, false },
                                 { "hsgd_apply", apply, 4, false },     { "hsgd_node_add_param", add_param, 2, false },
                                 { "hsgd_launch", launch, 4, false },   { "hsgd_prepared", prepared, 4, false },
                                 { "hsgd_scratch", scratch, 1, false }, { "hsgd_emit_matmul", matmul, 2, false },
                                 { "hsgd_op_run", run, 14, false },     { NULL, NULL, 0, false } };
