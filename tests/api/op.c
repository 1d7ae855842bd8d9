/* SPDX-License-Identifier: BSD-3-Clause */
/* Random calls: operations, and what they describe their work with. */
#include "fuzz.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>

/* Of any operation. */
union attributes {
    max_align_t aligned;
    char bytes[4096];
    struct hsgd_clip_factor clip;
    struct hsgd_update update;
};

/* Wild where `low` allows, that is, where no buffer of ours has to hold the result. */
static int size_of(int right, bool low) { return low ? wild_low(right) : wild(right); }

static int words_in(const char *words)
{
    int n = 1;
    for (; *words; words++) n += *words == ' ';
    return n;
}

static struct hsgd_ints some_ints(bool low)
{
    struct hsgd_ints ints = { size_of(below(4), low), { size_of(below(4), low), size_of(1, low), size_of(2, low) } };
    return ints;
}

static struct hsgd_floats some_numbers(void)
{
    struct hsgd_floats numbers = { wild(CLASSES), { wild_float(1), wild_float(2), wild_float(3) } };
    return numbers;
}

static void draw_attribute(const struct hsgd_attribute *a, char *at, bool low)
{
    switch (a->kind) {
    case HSGD_ACTIVATION: *(int *)at = wild_enum(4); break;
    case HSGD_INIT: *(int *)at = wild_enum(4); break;
    case HSGD_WORD: *(int *)at = wild_enum(words_in(a->text)); break;
    case HSGD_BOOL: *(bool *)at = one_in(3); break;
    case HSGD_FLOAT: *(float *)at = wild_float(0.5f); break;
    case HSGD_FLOATS: *(struct hsgd_floats *)at = some_numbers(); break;
    case HSGD_INTS: *(struct hsgd_ints *)at = some_ints(low); break;
    default: *(int *)at = size_of(1 + below(3), low); break;
    }
}

/* Of the library, with some of their attributes drawn; what is not required often keeps its default. */
static const struct hsgd_op *listed_op(union attributes *a, bool low)
{
    int n = 0;
    while (hsgd_op_at(n)) n++;
    const struct hsgd_op *op = hsgd_op_at(below(n));
    if (op->attributes_size > sizeof *a) return NULL;
    for (const struct hsgd_attribute *f = op->fields; f && f->name; f++)
        if (f->required || one_in(3)) draw_attribute(f, a->bytes + f->offset, low);
    return op;
}

static const struct hsgd_op *some_op(union attributes *a, bool low)
{
    memset(a, 0, sizeof *a);
    switch (below(20)) {
    case 0: return &hsgd_op_ema;
    case 1: a->clip = (struct hsgd_clip_factor){ wild(2), wild_float(1) }; return &hsgd_op_clip_factor;
    case 2:
        hsgd_train_defaults(&a->update.options, sizeof a->update.options);
        a->update.options.optimizer = (enum hsgd_optimizer)wild_enum(HSGD_OPTIMIZERS);
        a->update.parts = wild(1);
        return &hsgd_op_update;
    default: return listed_op(a, low);
    }
}

static bool op_at(void) { return hsgd_op_at(wild(below(90))); }
static bool op_by_name(void) { return hsgd_op_by_name(OR_NULL(0, any_text("dense"))); }

static bool add_param(void)
{
    struct hsgd_node n = { 0 };
    struct hsgd_param_spec spec = { .name = "weight", .rank = 1, .dim = { 2 } };
    for (int i = 0; i < 2 * HSGD_MAX_PARAMS; i++) hsgd_node_add_param(OR_NULL(0, &n), OR_NULL(1, &spec));
    return n.params > 0;
}

/* Operations are many: a call of these functions is one with a NULL here and there, and more without. */
enum { WHOLE_CALLS = 12 };
static bool whole;
#define MAYBE_NULL(i, p) (whole ? (void *)(uintptr_t)(p) : OR_NULL(i, p))

static bool many(bool (*one)(void))
{
    bool good = false;
    for (int i = 0; i <= WHOLE_CALLS; i++) {
        whole = i > 0;
        good = one() || good;
    }
    return good;
}

/* As it needs, or one to three. */
static int inputs_of(const struct hsgd_op *op)
{
    return one_in(2) && op->inputs >= 1 && op->inputs <= 3 ? op->inputs : 1 + below(3);
}

/* Any operation on the model's fields; what there is of the model is kept. */
static bool apply_one(void)
{
    union attributes a;
    static const struct hsgd_op nothing;
    const struct hsgd_op *op = one_in(20) ? &nothing : some_op(&a, false);
    struct hsgd_model *m = hsgd_model_create(world.ctx, "new");
    struct hsgd_value *x = hsgd_input(m, "x", one_in(2) ? hsgd_vector(FEATURES) : hsgd_image(6, 6, 2));
    struct hsgd_value *label = hsgd_target(m, "label", hsgd_number(HSGD_I32)), *in[] = { x, one_in(2) ? x : label, x };
    if (one_in(8)) in[below(3)] = NULL;
    struct hsgd_value *y = hsgd_apply(MAYBE_NULL(0, op), MAYBE_NULL(1, any_text("layer")), MAYBE_NULL(2, &a),
                                      wild_low(inputs_of(op)), MAYBE_NULL(3, in));
    if (one_in(2)) hsgd_loss(y);
    else hsgd_loss(HSGD_JOIN(HSGD_OF(HSGD_OP(y, dense, NULL, .units = CLASSES), label), softmax_cross_entropy, NULL));
    if (!hsgd_model_finish(m) && one_in(8)) hsgd_apply(op, NULL, NULL, 1, in);
    keep_model(m);
    return y;
}

static bool apply(void) { return many(apply_one); }

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

static bool run_one(void)
{
    static float y[HSGD_MAX_OUTPUTS][FLOATS], dx[3][FLOATS], sums[FLOATS];
    static int32_t integers[FLOATS];
    int slices[3] = { 1, 1, wild_low(1) };
    union attributes a;
    const struct hsgd_op *o = some_op(&a, true);
    struct hsgd_op_call call = { .rows = wild_low(2) };
    call.in[0] = one_in(2) ? hsgd_image(6, 6, 2) : hsgd_vector(FEATURES);
    call.in[1] = hsgd_number(HSGD_I32);
    if (one_in(8)) call.in[0] = hsgd_image(wild_low(2), wild_low(2), wild_low(2));
    if (one_in(2)) call.in[1] = call.in[0];
    call.in[2] = call.in[below(2)];
    if (one_in(4)) call.in[below(3)].dtype = HSGD_I32;
    if (one_in(8)) call.in[below(3)].rank = wild(1);
    call.inputs = one_in(8) ? wild_low(3) : inputs_of(o);
    for (int i = 0; i < HSGD_MAX_PARAMS; i++) call.params[i] = i < 4 ? MAYBE_NULL(4 + i, floats) : floats;
    for (int i = 0; i < FLOATS; i++) integers[i] = i % CLASSES;
    if (one_in(10)) integers[below(4)] = wild(0);
    for (int i = 0; i < 3; i++)
        call.x[i] = MAYBE_NULL(8 + i, call.in[i].dtype == HSGD_F32 ? (const void *)floats : integers);
    call.dy[0] = one_in(2) ? MAYBE_NULL(11, floats) : NULL;
    for (int i = 0; i < HSGD_MAX_OUTPUTS; i++) call.y[i] = i < 2 ? MAYBE_NULL(12 + i, y[i]) : y[i];
    for (int i = 0; i < 3; i++) call.dx[i] = one_in(2) ? MAYBE_NULL(14 + i, dx[i]) : NULL;
    call.sums = MAYBE_NULL(17, sums);
    call.training = one_in(2);
    call.repeats = wild_low(1);
    call.slices = one_in(4) ? slices : NULL;
    call.nslices = wild_low(2);
    if (one_in(8)) call.adds = (unsigned)wild(1);
    return !hsgd_op_run(MAYBE_NULL(0, world.ctx), wild(below(hsgd_device_count(world.ctx))), MAYBE_NULL(1, o),
                        MAYBE_NULL(2, &a), MAYBE_NULL(3, &call));
}

static bool run(void) { return many(run_one); }

const struct call op_calls[] = { { "hsgd_op_at", op_at, 0, false },     { "hsgd_op_by_name", op_by_name, 1, false },
                                 { "hsgd_apply", apply, 4, false },     { "hsgd_node_add_param", add_param, 2, false },
                                 { "hsgd_launch", launch, 4, false },   { "hsgd_prepared", prepared, 4, false },
                                 { "hsgd_scratch", scratch, 1, false }, { "hsgd_emit_matmul", matmul, 2, false },
                                 { "hsgd_op_run", run, 18, false },     { NULL, NULL, 0, false } };
