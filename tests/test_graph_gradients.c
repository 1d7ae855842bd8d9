/* SPDX-License-Identifier: BSD-3-Clause */
/* Gradients of random graphs against a tape in double precision: fan-out,
 * unused branches, views, phases with sums over slices, several losses, blocks
 * that are recomputed, weights that several nodes use, weights that do not train. */
#include "core.h"
#include "gradient.h"
#include "graph_tape.h"

#include <math.h>

#include "kernels.h"
#include "model/model.h"
#include "plan/plan_build.h"
#include "exec/run.h"

enum { MAX_NODES = 30, MAX_BATCH = 48, CLASSES = 5, GRAPHS = 120, MAX_SLICES = 5, MAX_RUNS = 3 };

static struct hsgd_context *ctx;
static struct hsgd_model *model;
static struct store store;
static int batch;
static float *fields[3]; /* x, z, label */

/* ------------------------------------------------------------ random numbers */

static uint64_t state;

static int draw(int low, int high)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return low + (int)((state >> 33) % (uint64_t)(high - low + 1));
}

static float draw_float(void) { return (float)draw(-1000, 1000) / 1000; }

/* ------------------------------------------------------------- random graphs */

struct pool {
    int n;
    struct hsgd_value *value[MAX_NODES + 8];
};

static struct hsgd_type type_of(struct hsgd_value *v)
{
    struct hsgd_type t;
    REQUIRE(!hsgd_type_of(v, &t));
    return t;
}

static bool is_image(struct hsgd_value *v) { return type_of(v).rank == 3; }

static struct hsgd_value *pick(const struct pool *p) { return p->value[draw(0, p->n - 1)]; }

/* One of the same type, perhaps the same; NULL: none was found. */
static struct hsgd_value *pick_like(const struct pool *p, struct hsgd_value *like)
{
    struct hsgd_type want = type_of(like);
    for (int i = 0; i < 12; i++) {
        struct hsgd_value *v = pick(p);
        struct hsgd_type t = type_of(v);
        if (t.rank == want.rank && !memcmp(t.dim, want.dim, sizeof(int) * (size_t)t.rank)) return v;
    }
    return draw(0, 3) ? NULL : like;
}

static struct hsgd_value *smooth(struct hsgd_value *v)
{
    if (draw(0, 3) == 0) return HSGD_OP(v, gelu, NULL);
    return HSGD_OP(v, activate, NULL, .activation = draw(0, 1) ? HSGD_TANH : HSGD_SIGMOID);
}

/* Of few channels layer_norm keeps little more than their order: it is ill-conditioned. */
static struct hsgd_value *normalise(struct hsgd_value *v)
{
    struct hsgd_type t = type_of(v);
    if (hsgd_type_channels(&t) >= 6 && draw(0, 1)) return HSGD_OP(v, layer_norm, NULL);
    return HSGD_OP(v, batch_norm, NULL);
}

/* Its channels in two parts, which go into the pool one by one; NULL: it has but one. */
static struct hsgd_value *parts_of(struct hsgd_value *v)
{
    struct hsgd_type t = type_of(v);
    int channels = hsgd_type_channels(&t), first = draw(1, channels);
    if (first == channels) return NULL;
    return HSGD_OP(v, split, NULL, .sizes = { 2, { first, channels - first } });
}

static struct hsgd_value *on_image(struct hsgd_value *v)
{
    struct hsgd_type t = type_of(v);
    int k = draw(1, t.dim[0] < 3 ? 1 : 3);
    if (draw(0, 3) == 0) return HSGD_OP(v, flatten, NULL);
    if (draw(0, 3) == 0 && t.dim[0] > 1 && t.dim[1] > 1)
        return HSGD_OP(v, avg_pool, NULL, .kernel = 2, .stride = draw(1, 2));
    return HSGD_OP(v, conv2d, NULL, .out_channels = draw(1, 9), .kernel = k, .stride = draw(1, 2), .padding = k / 2,
                   .activation = draw(0, 1) ? HSGD_TANH : HSGD_NO_ACTIVATION);
}

static struct hsgd_value *on_two(const struct pool *p, struct hsgd_value *v)
{
    struct hsgd_value *w = pick_like(p, v);
    if (!w) return smooth(v);
    if (draw(0, 2)) return HSGD_JOIN(HSGD_OF(v, w), add, NULL);
    return smooth(HSGD_JOIN(HSGD_OF(v, w), mul, NULL));
}

/* Another node of the kind that made `of`, on v, with its weights; of dense perhaps not its bias.
 * NULL: they do not fit. */
static struct hsgd_value *use_weights(struct hsgd_value *v, struct hsgd_value *of)
{
    const struct node *n = of->node < 0 ? NULL : &model->node[of->node];
    struct hsgd_value *made = NULL;
    struct hsgd_type t = type_of(v);
    if (!n || t.rank != n->info.in[0].rank || hsgd_type_channels(&t) != hsgd_type_channels(&n->info.in[0])) return NULL;
    if (n->op == &hsgd_op_dense)
        made = HSGD_OP(v, dense, NULL, .units = ((const struct hsgd_dense *)n->attributes)->units,
                       .activation = draw(0, 1) ? HSGD_TANH : HSGD_NO_ACTIVATION, .no_bias = draw(0, 3) == 0,
                       .transposed = ((const struct hsgd_dense *)n->attributes)->transposed);
    else if (n->op == &hsgd_op_conv2d) made = hsgd_apply(n->op, NULL, n->attributes, 1, &v);
    if (made) hsgd_share(made, of);
    return made;
}

static struct hsgd_value *grow(const struct pool *p)
{
    struct hsgd_value *v = pick(p), *used = NULL;
    for (int i = 0; !used && i < 2; i++) used = use_weights(v, pick(p));
    if (used) return used;
    switch (draw(0, 6)) {
    case 0: return normalise(v);
    case 1: return smooth(v);
    case 2:
    case 3: return on_two(p, v);
    default: break;
    }
    struct hsgd_value *part = draw(0, 3) ? NULL : parts_of(v);
    if (part) return part;
    if (is_image(v)) return on_image(v);
    if (draw(0, 2) == 0) {
        struct hsgd_value *w = pick(p);
        if (!is_image(w)) return HSGD_JOIN(HSGD_OF(v, w, v), concat, NULL);
    }
    return HSGD_OP(v, dense, NULL, .units = draw(1, 12), .activation = draw(0, 1) ? HSGD_TANH : HSGD_NO_ACTIVATION,
                   .no_bias = draw(0, 3) == 0, .transposed = draw(0, 3) == 0);
}

/* A loss sees some of the last values. */
static void add_loss(const struct pool *p, struct hsgd_value *label)
{
    struct hsgd_value *last[3];
    for (int i = 0; i < 3; i++) {
        last[i] = p->value[p->n - 1 - (i < p->n ? i : 0)];
        if (is_image(last[i])) last[i] = HSGD_OP(last[i], flatten, NULL);
    }
    struct hsgd_value *all = HSGD_JOIN(HSGD_OF(last[0], last[1], last[2]), concat, NULL);
    struct hsgd_value *z = HSGD_OP(all, dense, NULL, .units = CLASSES);
    hsgd_weighted_loss(HSGD_JOIN(HSGD_OF(z, label), softmax_cross_entropy, NULL), (float)draw(1, 4));
}

/* Every now and then a block that is recomputed begins or ends. */
static void next_block(int *block)
{
    static int number;
    if (draw(0, 4)) return;
    if (*block) hsgd_leave(model);
    else hsgd_enter(model, "block%d", number++);
    if (!*block) hsgd_recompute(model);
    *block = !*block;
}

/* Weights do not train: every fourth of them, or those of the first nodes; that of the last does. */
static void freeze(void)
{
    int kind = draw(0, 3), first = draw(1, model->nnodes);
    for (int i = 0; kind < 2 && i < model->nnodes - 2; i++)
        for (int p = 0; p < model->node[i].info.params; p++)
            if (kind ? i < first : draw(0, 3) == 0) model->node[i].frozen |= param_bit(p);
}

static void make_graph(int nodes)
{
    struct pool p = { 0 };
    model = hsgd_model_create(ctx, "random");
    p.value[p.n++] = hsgd_input(model, "x", hsgd_image(draw(3, 6), draw(3, 6), draw(1, 4)));
    p.value[p.n++] = hsgd_input(model, "z", hsgd_vector(draw(2, 9)));
    struct hsgd_value *label = hsgd_target(model, "label", hsgd_number(HSGD_I32));
    int block = 0, losses = draw(1, 3) / 2; /* of those before the last */
    while (p.n < nodes) {
        next_block(&block);
        p.value[p.n] = grow(&p);
        if (!CHECK_MSG(p.value[p.n], "%s", hsgd_error(ctx))) core_end();
        const struct node *made = &model->node[p.value[p.n++]->node];
        for (int i = 1; i < made->info.outputs; i++, p.n++) p.value[p.n] = hsgd_output(p.value[p.n - i], i);
        if (losses && p.n > nodes / 2) add_loss(&p, label), losses--;
    }
    if (block) hsgd_leave(model);
    add_loss(&p, label);
    freeze();
    if (!CHECK_MSG(!hsgd_model_finish(model), "%s", hsgd_error(ctx))) core_end();
}

static void make_batch(void)
{
    batch = draw(MAX_SLICES * 2, MAX_BATCH);
    for (int f = 0; f < 3; f++) {
        int64_t n = batch * hsgd_type_size(&model->value[model->field[f].value].type);
        fields[f] = malloc((size_t)n * sizeof(float));
        REQUIRE(fields[f]);
        for (int64_t i = 0; i < n; i++) {
            if (f < 2) fields[f][i] = draw_float();
            else ((int32_t *)fields[f])[i] = draw(0, CLASSES - 1);
        }
    }
}

/* -------------------------------------------------------------------- running */

static void fill(void *user, int step, int first_row, int rows, void *const *field)
{
    (void)user, (void)step;
    for (int f = 0; f < 3; f++) {
        size_t bytes = (size_t)hsgd_type_size(&model->value[model->field[f].value].type) * sizeof(float);
        memcpy(field[f], (char *)fields[f] + (size_t)first_row * bytes, (size_t)rows * bytes);
    }
}

/* Of all that trains, as a relative norm; the others are as before. */
static double distance(const float *before)
{
    double off = 0, norm = 0;
    struct weight_place w;
    for (int i = 0; model_weight(model, i, &w); i++) {
        const float *g = model->weights + w.offset;
        bool trains = model_weight_trains(model, &w);
        if (!trains && !w.spec->is_state)
            CHECK_MSG(!memcmp(g, before + w.offset, (size_t)spec_size(w.spec) * sizeof *g), "%s is not frozen",
                      hsgd_model_weight_name(model, i));
        for (int64_t k = 0; trains && k < spec_size(w.spec); k++) {
            double want = graph_tape_gradient(&model->node[w.node], w.param)[k];
            off += (g[k] - want) * (g[k] - want);
            norm += want * want;
        }
    }
    return sqrt(off / norm);
}

/* In turn: 1 to 5 slices of unequal size, from one device or the next on; both
 * executors; as planned or where StarPU wants. */
static struct plan *make_plan(int turn)
{
    const struct updater updater = { .emit = become_gradient };
    struct slice_spec slice[MAX_SLICES];
    int slices = 1 + turn % MAX_SLICES;
    for (int i = 0, left = batch; i < slices; left -= slice[i++].rows)
        slice[i] = (struct slice_spec){ &ctx->device[(turn / 2 + i) % ctx->ndevices],
                                        i == slices - 1 ? left : draw(1, left - (slices - 1 - i)) };
    struct plan_spec spec = { .mode = PLAN_TRAIN, .n = slices, .slice = slice, .updater = &updater };
    ctx->starpu_places = turn % 7 < 3;
    return plan_create(&store, &spec);
}

/* The distance; then the weights are again as before. */
static double run_step(struct plan *p, int step, enum hsgd_executor executor, const float *before)
{
    const struct batch_source source = { fill, NULL };
    struct span span = { .first = step, .end = step + 1 };
    if (!CHECK_MSG(p && !plan_run(p, &span, executor, &source), "%s", hsgd_error(ctx))) core_end();
    parameters_acquire(ctx, store.parameters, true);
    double d = distance(before);
    memcpy(model->weights, before, (size_t)model->floats * sizeof(float));
    parameters_release(store.parameters);
    return d;
}

/* The greatest distance of up to 3 runs, which have one input slot: what a run leaves
 * behind is none of the next one's business.  CUDA captures a graph in the second. */
static double run_steps(int turn, const float *before)
{
    double worst = 0;
    REQUIRE(!store_open(&store, model, STORE_TRAINS));
    context_begin(ctx);
    struct plan *p = make_plan(turn);
    for (int i = 0; i <= turn % MAX_RUNS; i++) {
        double d = run_step(p, i * PLAN_SLOTS, turn % 2 ? HSGD_INSERT : HSGD_REPLAY, before);
        worst = d <= worst ? worst : d;
    }
    plan_destroy(p);
    store_close(&store);
    context_end(ctx);
    return worst;
}

/* How many graphs have them. */
struct kinds {
    int far, shared, frozen;
};

static void count_kinds(struct kinds *k)
{
    bool shared = false, frozen = false;
    for (const struct node *n = model->node; n < model->node + model->nnodes; n++) {
        shared |= n->shares >= 0;
        frozen |= n->frozen != 0;
    }
    k->shared += shared;
    k->frozen += frozen;
}

static void one(int turn, struct kinds *kinds)
{
    state = (uint64_t)turn * 7919 + 17;
    make_graph(draw(4, MAX_NODES));
    make_batch();
    REQUIRE(!hsgd_model_initialise(model, (uint64_t)turn));
    graph_tape_make(model, batch, fields);
    size_t bytes = (size_t)model->floats * sizeof(float);
    float *before = malloc(bytes);
    REQUIRE(before);
    memcpy(before, model->weights, bytes);
    count_kinds(kinds);
    double d = run_steps(turn, before), bound = fmax(1e-5, 20 * graph_tape_rounding());
    free(before);
    kinds->far += !(d < 1e-5);
    CHECK_MSG(d < bound, "graph %d of %d nodes, %d samples in %d slices: %g from the exact gradient, more than %g",
              turn, model->nnodes, batch, 1 + turn % MAX_SLICES, d, bound);
    graph_tape_free();
    for (int f = 0; f < 3; f++) free(fields[f]);
    hsgd_model_destroy(&model);
}

/* Runs of cells on a CUDA device, which has seen most of them before, are graphs. */
static void check_captured(int graphs)
{
    for (struct device *d = ctx->device; d < ctx->device + ctx->ndevices; d++)
        CHECK_MSG(d->info.kind != HSGD_CUDA || atomic_load(&d->graph_launches) > (unsigned)graphs,
                  "%s launched %llu captured graphs", d->info.name, atomic_load(&d->graph_launches));
}

/* Few graphs are so ill-conditioned that single precision is further away than 1e-5. */
static void graphs_on(const char *devices, int first, int graphs)
{
    struct kinds k = { 0 };
    ctx = core_context(devices, 1, false);
    for (int i = 0; i < graphs; i++) one(first + i, &k);
    CHECK_MSG(k.far <= graphs / 20, "%d of %d graphs are further than 1e-5 from the exact gradient", k.far, graphs);
    CHECK_MSG(k.shared >= graphs / 4 && k.frozen >= graphs / 4, "of %d graphs %d have shared weights, %d frozen ones",
              graphs, k.shared, k.frozen);
    check_captured(graphs);
    hsgd_destroy(&ctx);
}

static void on_cpu(void) { graphs_on("cpu", 0, 2 * GRAPHS); }
static void on_opencl(void) { graphs_on("opencl", 2 * GRAPHS, 2 * GRAPHS); }
static void on_both(void) { graphs_on("cpu,opencl", 4 * GRAPHS, GRAPHS); }

struct device_set {
    char devices[64];
    int number;
};

static void on_set(void *arg)
{
    const struct device_set *set = arg;
    graphs_on(set->devices, (5 + set->number) * GRAPHS, GRAPHS);
}

/* HSGD_TEST_DEVICES: sets of devices in place of these, with spaces between them. */
static void on_named(void)
{
    struct device_set set = { .number = 0 };
    const char *text = getenv("HSGD_TEST_DEVICES");
    for (int length; sscanf(text, "%63s%n", set.devices, &length) == 1; text += length, set.number++) {
        bool ok = core_child(on_set, &set);
        printf("  %s: %d graphs on %s\n", ok ? "ok" : "FAILED", GRAPHS, set.devices);
    }
    CHECK(set.number > 0);
}

static const struct core_case cases[] = { { "on_cpu", on_cpu }, { "on_opencl", on_opencl }, { "on_both", on_both } };
static const struct core_case named[] = { { "on_named", on_named } };

int main(int argc, char **argv)
{
    if (getenv("HSGD_TEST_DEVICES")) return core_main(argc, argv, named, 1);
    return core_main(argc, argv, cases, (int)(sizeof cases / sizeof *cases));
}
