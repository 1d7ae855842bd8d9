/* SPDX-License-Identifier: BSD-3-Clause */
/* Gradients of random graphs against a tape in double precision: fan-out,
 * unused branches, views, phases with sums over slices, several losses, blocks
 * that are recomputed. */
#include "core.h"

#include <math.h>

#include "kernels.h"
#include "model/model.h"
#include "plan/plan_build.h"
#include "exec/run.h"

enum { MAX_NODES = 30, MAX_BATCH = 48, CLASSES = 5, GRAPHS = 80, MAX_SLICES = 5 };

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
    return HSGD_OP(v, activate, NULL, .activation = draw(0, 1) ? HSGD_TANH : HSGD_SIGMOID);
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

static struct hsgd_value *grow(const struct pool *p)
{
    struct hsgd_value *v = pick(p);
    switch (draw(0, 6)) {
    case 0: return HSGD_OP(v, batch_norm, NULL);
    case 1: return smooth(v);
    case 2:
    case 3: return on_two(p, v);
    default: break;
    }
    if (is_image(v)) return on_image(v);
    if (draw(0, 2) == 0) {
        struct hsgd_value *w = pick(p);
        if (!is_image(w)) return HSGD_JOIN(HSGD_OF(v, w, v), concat, NULL);
    }
    return HSGD_OP(v, dense, NULL, .units = draw(1, 12), .activation = draw(0, 1) ? HSGD_TANH : HSGD_NO_ACTIVATION,
                   .no_bias = draw(0, 3) == 0);
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
        p.n++;
        if (losses && p.n > nodes / 2) add_loss(&p, label), losses--;
    }
    if (block) hsgd_leave(model);
    add_loss(&p, label);
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

/* ------------------------------------------------- a tape in double precision */

struct exact {
    double *v, *g;
};

static struct exact *exact;  /* of each value */
static double *weight_exact; /* gradient of the bucket */

static int64_t size_of(int value) { return hsgd_type_size(&model->value[value].type); }

static double *zeros(int64_t n)
{
    double *p = calloc((size_t)n + 1, sizeof *p);
    REQUIRE(p);
    return p;
}

static double act(double z, enum hsgd_activation f)
{
    return f == HSGD_TANH ? tanh(z) : f == HSGD_SIGMOID ? 1 / (1 + exp(-z)) : z;
}

static double slope(double y, enum hsgd_activation f)
{
    return f == HSGD_TANH ? 1 - y * y : f == HSGD_SIGMOID ? y * (1 - y) : 1;
}

static const float *weights_of(const struct node *n, int p) { return model->weights + n->param_offset[p]; }
static double *gradient_of(const struct node *n, int p) { return weight_exact + n->param_offset[p]; }

static void dense_exact(const struct node *n, bool back)
{
    const struct hsgd_dense *a = n->attributes;
    struct exact x = exact[n->in[0]], y = exact[n->out[0]];
    int64_t in = size_of(n->in[0]);
    const float *w = weights_of(n, 0), *b = a->no_bias ? NULL : weights_of(n, 1);
    for (int r = 0; r < batch; r++)
        for (int u = 0; u < a->units; u++) {
            double z = b ? b[u] : 0, *at = &y.v[r * a->units + u];
            if (!back) {
                for (int64_t i = 0; i < in; i++) z += x.v[r * in + i] * w[i * a->units + u];
                *at = act(z, a->activation);
                continue;
            }
            double dz = y.g[r * a->units + u] * slope(*at, a->activation);
            if (b) gradient_of(n, 1)[u] += dz;
            for (int64_t i = 0; i < in; i++) {
                gradient_of(n, 0)[i * a->units + u] += dz * x.v[r * in + i];
                x.g[r * in + i] += dz * w[i * a->units + u];
            }
        }
}

/* For each output of a window: calls f with the input under each tap, or -1. */
static void conv_exact(const struct node *n, bool back)
{
    const struct hsgd_conv2d *a = n->attributes;
    const struct hsgd_type *ti = &n->info.in[0], *to = &n->info.out[0];
    struct exact x = exact[n->in[0]], y = exact[n->out[0]];
    const float *w = weights_of(n, 0), *b = weights_of(n, 1);
    int64_t at = 0;
    for (int r = 0; r < batch; r++)
        for (int oy = 0; oy < to->dim[0]; oy++)
            for (int ox = 0; ox < to->dim[1]; ox++)
                for (int o = 0; o < to->dim[2]; o++, at++) {
                    double z = b[o], dz = back ? y.g[at] * slope(y.v[at], a->activation) : 0;
                    if (back) gradient_of(n, 1)[o] += dz;
                    for (int t = 0; t < a->kernel * a->kernel * ti->dim[2]; t++) {
                        int c = t % ti->dim[2], kx = t / ti->dim[2] % a->kernel, ky = t / ti->dim[2] / a->kernel;
                        int iy = oy * a->stride - a->padding + ky, ix = ox * a->stride - a->padding + kx;
                        if (iy < 0 || ix < 0 || iy >= ti->dim[0] || ix >= ti->dim[1]) continue;
                        int64_t from = ((int64_t)(r * ti->dim[0] + iy) * ti->dim[1] + ix) * ti->dim[2] + c;
                        int64_t tap = (int64_t)o * a->kernel * a->kernel * ti->dim[2] + t;
                        z += x.v[from] * w[tap];
                        if (!back) continue;
                        gradient_of(n, 0)[tap] += dz * x.v[from];
                        x.g[from] += dz * w[tap];
                    }
                    if (!back) y.v[at] = act(z, a->activation);
                }
}

static void pool_exact(const struct node *n, bool back)
{
    const struct hsgd_avg_pool *a = n->attributes;
    const struct hsgd_type *ti = &n->info.in[0], *to = &n->info.out[0];
    struct exact x = exact[n->in[0]], y = exact[n->out[0]];
    int64_t at = 0;
    for (int r = 0; r < batch; r++)
        for (int oy = 0; oy < to->dim[0]; oy++)
            for (int ox = 0; ox < to->dim[1]; ox++)
                for (int c = 0; c < to->dim[2]; c++, at++)
                    for (int t = 0; t < 4; t++) {
                        int iy = oy * a->stride + t / 2, ix = ox * a->stride + t % 2;
                        int64_t from = ((int64_t)(r * ti->dim[0] + iy) * ti->dim[1] + ix) * ti->dim[2] + c;
                        if (back) x.g[from] += y.g[at] / 4;
                        else y.v[at] += x.v[from] / 4;
                    }
}

static void activate_exact(const struct node *n, bool back)
{
    const struct hsgd_activate *a = n->attributes;
    struct exact x = exact[n->in[0]], y = exact[n->out[0]];
    for (int64_t i = 0; i < batch * size_of(n->in[0]); i++) {
        if (back) x.g[i] += y.g[i] * slope(y.v[i], a->activation);
        else y.v[i] = act(x.v[i], a->activation);
    }
}

static void batch_norm_exact(const struct node *n, bool back)
{
    const struct hsgd_batch_norm *a = n->attributes;
    struct exact x = exact[n->in[0]], y = exact[n->out[0]];
    int c = hsgd_type_channels(&n->info.in[0]);
    int64_t count = batch * size_of(n->in[0]) / c;
    for (int k = 0; k < c; k++) {
        double mean = 0, m2 = 0, sg = 0, sgh = 0, w = weights_of(n, 0)[k], b = weights_of(n, 1)[k];
        for (int64_t i = 0; i < count; i++) mean += x.v[i * c + k] / (double)count;
        for (int64_t i = 0; i < count; i++) m2 += (x.v[i * c + k] - mean) * (x.v[i * c + k] - mean);
        double rstd = 1 / sqrt(m2 / (double)count + (double)a->epsilon);
        for (int64_t i = 0; i < count; i++) {
            double h = (x.v[i * c + k] - mean) * rstd;
            if (!back) y.v[i * c + k] = h * w + b;
            sg += back ? y.g[i * c + k] : 0;
            sgh += back ? y.g[i * c + k] * h : 0;
        }
        if (!back) continue;
        gradient_of(n, 0)[k] += sgh;
        gradient_of(n, 1)[k] += sg;
        for (int64_t i = 0; i < count; i++) {
            double h = (x.v[i * c + k] - mean) * rstd;
            x.g[i * c + k] += w * rstd * (y.g[i * c + k] - (sg + h * sgh) / (double)count);
        }
    }
}

static void add_exact(const struct node *n, bool back)
{
    struct exact a = exact[n->in[0]], b = exact[n->in[1]], y = exact[n->out[0]];
    for (int64_t i = 0; i < batch * size_of(n->in[0]); i++) {
        if (back) a.g[i] += y.g[i], b.g[i] += y.g[i];
        else y.v[i] = a.v[i] + b.v[i];
    }
}

static void mul_exact(const struct node *n, bool back)
{
    struct exact a = exact[n->in[0]], b = exact[n->in[1]], y = exact[n->out[0]];
    for (int64_t i = 0; i < batch * size_of(n->in[0]); i++) {
        if (back) a.g[i] += y.g[i] * b.v[i], b.g[i] += y.g[i] * a.v[i];
        else y.v[i] = a.v[i] * b.v[i];
    }
}

static void concat_exact(const struct node *n, bool back)
{
    struct exact y = exact[n->out[0]];
    int64_t all = size_of(n->out[0]), at = 0;
    for (int k = 0; k < n->info.inputs; at += size_of(n->in[k++]))
        for (int r = 0; r < batch; r++)
            for (int64_t i = 0, size = size_of(n->in[k]); i < size; i++) {
                struct exact x = exact[n->in[k]];
                if (back) x.g[r * size + i] += y.g[r * all + at + i];
                else y.v[r * all + at + i] = x.v[r * size + i];
            }
}

static void flatten_exact(const struct node *n, bool back)
{
    struct exact x = exact[n->in[0]], y = exact[n->out[0]];
    for (int64_t i = 0; i < batch * size_of(n->in[0]); i++) {
        if (back) x.g[i] += y.g[i];
        else y.v[i] = x.v[i];
    }
}

static void loss_exact(const struct node *n, bool back)
{
    struct exact z = exact[n->in[0]];
    double factor = (double)n->weight / model->node[model->loss].weight;
    for (int r = 0; back && r < batch; r++) {
        double sum = 0;
        for (int c = 0; c < CLASSES; c++) sum += exp(z.v[r * CLASSES + c]);
        for (int c = 0; c < CLASSES; c++)
            z.g[r * CLASSES + c] += factor * (exp(z.v[r * CLASSES + c]) / sum - (c == ((int32_t *)fields[2])[r]));
    }
}

static const struct {
    const struct hsgd_op *op;
    void (*run)(const struct node *n, bool back);
} exact_ops[] = { { &hsgd_op_dense, dense_exact },
                  { &hsgd_op_conv2d, conv_exact },
                  { &hsgd_op_avg_pool, pool_exact },
                  { &hsgd_op_activate, activate_exact },
                  { &hsgd_op_batch_norm, batch_norm_exact },
                  { &hsgd_op_add, add_exact },
                  { &hsgd_op_mul, mul_exact },
                  { &hsgd_op_concat, concat_exact },
                  { &hsgd_op_flatten, flatten_exact },
                  { &hsgd_op_softmax_cross_entropy, loss_exact } };

static void run_exact(const struct node *n, bool back)
{
    size_t i = 0;
    while (exact_ops[i].op != n->op) i++;
    exact_ops[i].run(n, back);
}

static void make_exact(void)
{
    exact = calloc((size_t)model->nvalues, sizeof *exact);
    weight_exact = zeros(model->floats);
    REQUIRE(exact);
    for (int v = 0; v < model->nvalues; v++)
        exact[v] = (struct exact){ zeros(batch * size_of(v)), zeros(batch * size_of(v)) };
    for (int f = 0; f < 2; f++)
        for (int64_t i = 0; i < batch * size_of(model->field[f].value); i++)
            exact[model->field[f].value].v[i] = fields[f][i];
    for (int i = 0; i < model->nnodes; i++) run_exact(&model->node[i], false);
    for (int i = model->nnodes - 1; i >= 0; i--) run_exact(&model->node[i], true);
}

static void free_exact(void)
{
    for (int v = 0; v < model->nvalues; v++) free(exact[v].v), free(exact[v].g);
    for (int f = 0; f < 3; f++) free(fields[f]);
    free(exact), free(weight_exact);
}

/* -------------------------------------------------------------------- running */

static void fill(void *user, int step, int first_row, int rows, void *const *field)
{
    (void)user, (void)step;
    for (int f = 0; f < 3; f++) {
        size_t bytes = (size_t)size_of(model->field[f].value) * sizeof(float);
        memcpy(field[f], (char *)fields[f] + (size_t)first_row * bytes, (size_t)rows * bytes);
    }
}

/* The parameters become the gradient. */
static void become_gradient(struct hsgd_emit *e, const void *user, const struct update *u)
{
    struct copy_args copy = { (int)u->n };
    struct add_args add = { (int)u->n };
    (void)user;
    HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, u->n, &copy, u->part[0], u->w);
    for (int i = 1; i < u->parts; i++) HSGD_LAUNCH(e, HSGD_KERNEL(add), HSGD_ITEMS, u->n, &add, u->part[i], u->w);
}

static void run_step(int slices, enum hsgd_executor executor)
{
    const struct updater updater = { .emit = become_gradient };
    const struct batch_source source = { fill, NULL };
    struct slice_spec slice[MAX_SLICES];
    struct span span = { .end = 1 };
    for (int i = 0, left = batch; i < slices; left -= slice[i++].rows)
        slice[i] = (struct slice_spec){ &ctx->device[i % ctx->ndevices],
                                        i == slices - 1 ? left : draw(1, left - (slices - 1 - i)) };
    struct plan_spec spec = { .mode = PLAN_TRAIN, .n = slices, .slice = slice, .updater = &updater };
    REQUIRE(!store_open(&store, model, STORE_TRAINS));
    context_begin(ctx);
    struct plan *p = plan_create(&store, &spec);
    if (!CHECK_MSG(p && !plan_run(p, &span, executor, &source), "%s", hsgd_error(ctx))) core_end();
    plan_destroy(p);
    store_close(&store);
    context_end(ctx);
}

/* Of all that trains, as a relative norm. */
static double distance(void)
{
    double off = 0, norm = 0;
    for (int i = 0; i < model->nnodes; i++)
        for (int p = 0; p < model->node[i].info.params; p++) {
            const struct hsgd_param_spec *s = &model->node[i].info.param[p];
            for (int64_t k = 0; !s->is_state && k < spec_size(s); k++) {
                double want = gradient_of(&model->node[i], p)[k], got = weights_of(&model->node[i], p)[k];
                off += (got - want) * (got - want);
                norm += want * want;
            }
        }
    return sqrt(off / norm);
}

static void one(int turn, int *far)
{
    state = (uint64_t)turn * 7919 + 17;
    make_graph(draw(4, MAX_NODES));
    make_batch();
    REQUIRE(!hsgd_model_initialise(model, (uint64_t)turn));
    make_exact();
    int slices = 1 + turn % MAX_SLICES;
    run_step(slices, turn % 2 ? HSGD_INSERT : HSGD_REPLAY);
    double d = distance();
    *far += !(d < 1e-5);
    CHECK_MSG(d < 2e-4, "graph %d of %d nodes, %d samples in %d slices: %g from the exact gradient", turn,
              model->nnodes, batch, slices, d);
    free_exact();
    hsgd_model_destroy(&model);
}

/* Few graphs are so ill-conditioned that single precision is further away. */
static void graphs_on(const char *devices, int first)
{
    int far = 0;
    ctx = core_context(devices, 1, false);
    for (int i = 0; i < GRAPHS; i++) one(first + i, &far);
    CHECK_MSG(far <= GRAPHS / 20, "%d of %d graphs are further than 1e-5 from the exact gradient", far, GRAPHS);
    hsgd_destroy(&ctx);
}

static void on_cpu(void) { graphs_on("cpu", 0); }
static void on_opencl(void) { graphs_on("opencl", GRAPHS); }
static void on_both(void) { graphs_on("cpu,opencl", 2 * GRAPHS); }

static void placed_by_starpu(void)
{
    setenv("HSGD_PLACEMENT", "starpu", 1);
    graphs_on("cpu,opencl", 3 * GRAPHS);
}

static const struct core_case cases[] = {
    { "on_cpu", on_cpu }, { "on_opencl", on_opencl }, { "on_both", on_both }, { "placed_by_starpu", placed_by_starpu }
};
CORE_MAIN(cases)
