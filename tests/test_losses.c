/* SPDX-License-Identifier: BSD-3-Clause */
/* Several losses, and losses whose number of terms only the targets tell:
 * gradients against the formulas in double precision, however the batch is
 * divided; and what a trainer makes of them. */
#include "core.h"
#include "gradient.h"

#include <math.h>

#include "exec/run.h"
#include "kernels.h"
#include "model/metrics.h"
#include "plan/plan_build.h"

enum { IN = 6, HIDDEN = 8, PLACES = 3, CLASSES = 4, VALUES = PLACES, IGNORED = -100, MAX_BATCH = 48, MAX_SLICES = 5 };
enum { SCORES = PLACES * CLASSES };

static struct hsgd_context *ctx;
static struct hsgd_model *model;
static struct store store;
static int batch;

/* What the model minimises: classes at positions, some of them ignored, and
 * values; each with its weight, 0: it is not there. */
static const struct {
    float classes, values, again, positives; /* positives: values at places whose class is above 0 */
    bool ignores, weighs;
} losses[] = {
    { 1, 0, 0, 0, true, false },        { 0.5f, 0, 0, 0, false, false }, { 0.7f, 2, 0, 0, false, false },
    { 1.5f, 0.25f, 0, 0, true, false }, { 1, 3, 0.5f, 0, true, false },  { 1, 0, 0, 0, false, true },
    { 0.5f, 2, 1, 0, true, true },      { 1, 0, 0, 2, true, false },     { 1, 1, 0, 0.5f, false, false },
};
static const struct hsgd_floats class_weights = { CLASSES, { 0.5f, 2, 0, 1.25f } };
enum { KINDS = sizeof losses / sizeof *losses };
static int kind;

static float x[MAX_BATCH * IN], t[MAX_BATCH * VALUES];
static int32_t label[MAX_BATCH * PLACES];

/* ------------------------------------------------------------ random numbers */

static uint64_t state;

static int draw(int low, int high)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return low + (int)((state >> 33) % (uint64_t)(high - low + 1));
}

static float draw_float(void) { return (float)draw(-1000, 1000) / 1000; }

/* ----------------------------------------------------------------- the model */

static struct hsgd_value *cross_entropy(struct hsgd_value *z, struct hsgd_value *labels, const char *name)
{
    return HSGD_JOIN(HSGD_OF(z, labels), softmax_cross_entropy, name, .has_ignore = losses[kind].ignores,
                     .ignore = IGNORED,
                     .class_weights = losses[kind].weighs ? class_weights : (struct hsgd_floats){ 0 });
}

static void make_model(void)
{
    model = hsgd_model_create(ctx, "losses");
    struct hsgd_value *v = hsgd_input(model, "x", hsgd_vector(IN));
    struct hsgd_value *labels = hsgd_target(model, "label", (struct hsgd_type){ HSGD_I32, 1, { PLACES } });
    struct hsgd_value *values = hsgd_target(model, "t", hsgd_vector(VALUES));
    v = HSGD_OP(v, dense, "hidden", .units = HIDDEN, .activation = HSGD_TANH);
    struct hsgd_value *z = HSGD_OP(v, dense, "scores", .units = SCORES), *y = HSGD_OP(v, dense, "y", .units = VALUES);
    z = HSGD_OP(z, reshape, NULL, .dims = { 2, { PLACES, CLASSES } });
    hsgd_weighted_loss(cross_entropy(z, labels, "of_classes"), losses[kind].classes);
    hsgd_weighted_loss(HSGD_JOIN(HSGD_OF(y, values), mse, "of_values"), losses[kind].values);
    if (losses[kind].again > 0) hsgd_weighted_loss(cross_entropy(z, labels, "again"), losses[kind].again);
    if (losses[kind].positives > 0) {
        struct hsgd_value *each = HSGD_OP(y, reshape, NULL, .dims = { 2, { PLACES, 1 } });
        struct hsgd_value *want = HSGD_OP(values, reshape, NULL, .dims = { 2, { PLACES, 1 } });
        hsgd_weighted_loss(HSGD_JOIN(HSGD_OF(each, want, labels), smooth_l1, "positives", .per_positive = true),
                           losses[kind].positives);
    }
    HSGD_JOIN(HSGD_OF(y, values), rmse, "rmse");
    HSGD_JOIN(HSGD_OF(z, labels), top_k, "top_2", .k = 2, .has_ignore = losses[kind].ignores, .ignore = IGNORED);
    if (!CHECK_MSG(!hsgd_model_finish(model), "%s", hsgd_error(ctx))) core_end();
}

/* How many of the labels of these samples are ignored: none, some, or all. */
static void ignore_some(int first, int rows, int how)
{
    for (int i = first * PLACES; losses[kind].ignores && i < (first + rows) * PLACES; i++)
        if (how == 2 || (how == 1 && draw(0, 1))) label[i] = IGNORED;
}

static void make_batch(int rows)
{
    batch = rows;
    for (int i = 0; i < rows * IN; i++) x[i] = draw_float();
    for (int i = 0; i < rows * VALUES; i++) t[i] = draw_float();
    for (int i = 0; i < rows * PLACES; i++) label[i] = draw(0, CLASSES - 1);
}

/* ----------------------------------------------------------------- the formulas */

static struct exact {
    double *gradient; /* of all weights, in order */
    double loss, classes, values, terms, square, positives, positive_terms;
    int hits, correct, places; /* labels among the two largest scores, and the largest, of so many */
} exact;

static const float *weight(const char *layer, int p)
{
    for (int i = 0; i < model->nnodes; i++)
        if (!strcmp(model->node[i].name, layer)) return model->weights + model->node[i].param_offset[p];
    core_end();
}

static double *gradient_of(const char *layer, int p)
{
    int64_t at = 0;
    for (int i = 0; i < model->nnodes; i++)
        for (int k = 0; k < model->node[i].info.params; k++) {
            if (!strcmp(model->node[i].name, layer) && k == p) return exact.gradient + at;
            at += spec_size(&model->node[i].info.param[k]);
        }
    core_end();
}

/* z = b + W a, and back from dz: gradients of W and b, da added to. */
static void linear(const char *layer, int in, int out, const double *a, double *z)
{
    const float *w = weight(layer, 0), *b = weight(layer, 1);
    for (int o = 0; o < out; o++) {
        z[o] = (double)b[o];
        for (int i = 0; i < in; i++) z[o] += a[i] * (double)w[i * out + o];
    }
}

static void linear_back(const char *layer, int in, int out, const double *a, const double *dz, double *da)
{
    const float *w = weight(layer, 0);
    double *dw = gradient_of(layer, 0), *db = gradient_of(layer, 1);
    for (int o = 0; o < out; o++) {
        db[o] += dz[o];
        for (int i = 0; i < in; i++) {
            dw[i * out + o] += a[i] * dz[o];
            da[i] += dz[o] * (double)w[i * out + o];
        }
    }
}

/* Of the scores at one place; the factor of its gradient. */
static double place_loss(const double *z, int class, double factor, double *dz)
{
    double sum = 0;
    int above = 0;
    for (int c = 0; c < CLASSES; c++) sum += exp(z[c]);
    for (int c = 0; c < CLASSES; c++) {
        dz[c] = factor * (exp(z[c]) / sum - (c == class));
        above += z[c] > z[class];
    }
    exact.hits += above < 2;
    exact.correct += !above;
    return log(sum) - z[class];
}

static double weight_of(int class)
{
    if (class == IGNORED) return 0;
    return losses[kind].weighs ? (double)class_weights.value[class] : 1;
}

static void sample(int r, double of_class, double of_value, double of_positive)
{
    double in[IN], h[HIDDEN], z[SCORES], y[VALUES], dz[SCORES] = { 0 }, dy[VALUES], dh[HIDDEN] = { 0 }, dx[IN] = { 0 };
    for (int i = 0; i < IN; i++) in[i] = (double)x[r * IN + i];
    linear("hidden", IN, HIDDEN, in, h);
    for (int i = 0; i < HIDDEN; i++) h[i] = tanh(h[i]);
    linear("scores", HIDDEN, SCORES, h, z);
    linear("y", HIDDEN, VALUES, h, y);
    for (int p = 0; p < PLACES; p++) {
        int class = label[r * PLACES + p];
        double w = weight_of(class);
        if (class != IGNORED) exact.classes += w * place_loss(z + p * CLASSES, class, of_class * w, dz + p * CLASSES);
    }
    for (int i = 0; i < VALUES; i++) {
        double d = y[i] - (double)t[r * VALUES + i];
        exact.square += d * d;
        dy[i] = of_value * 2 * d / VALUES;
        if (label[r * PLACES + i] <= 0) continue;
        exact.positives += fabs(d) <= 1 ? d * d / 2 : fabs(d) - 0.5;
        dy[i] += of_positive * fmax(-1, fmin(d, 1));
    }
    linear_back("scores", HIDDEN, SCORES, h, dz, dh);
    linear_back("y", HIDDEN, VALUES, h, dy, dh);
    for (int i = 0; i < HIDDEN; i++) dh[i] *= 1 - h[i] * h[i];
    linear_back("hidden", IN, HIDDEN, in, dh, dx);
}

static void make_exact(void)
{
    double *gradient = calloc((size_t)hsgd_model_parameters(model), sizeof *gradient);
    REQUIRE(gradient);
    exact = (struct exact){ .gradient = gradient };
    for (int i = 0; i < batch * PLACES; i++) {
        exact.terms += weight_of(label[i]);
        exact.places += label[i] != IGNORED;
        exact.positive_terms += label[i] > 0;
    }
    double of_classes = (double)losses[kind].classes + (double)losses[kind].again,
           of_values = (double)losses[kind].values,
           of_positives = exact.positive_terms > 0 ? (double)losses[kind].positives / exact.positive_terms : 0;
    for (int r = 0; r < batch; r++)
        sample(r, exact.terms > 0 ? of_classes / exact.terms : 0, of_values / batch, of_positives);
    exact.values = exact.square / VALUES / batch;
    exact.classes /= exact.terms;
    exact.loss = (exact.terms > 0 ? of_classes * exact.classes : 0) + of_values * exact.values;
    exact.loss += of_positives * exact.positives;
}

/* -------------------------------------------------------------------- one step */

static void fill(void *user, int step, int first, int rows, void *const *field)
{
    (void)user, (void)step;
    memcpy(field[0], x + first * IN, (size_t)(rows * IN) * sizeof *x);
    memcpy(field[1], label + first * PLACES, (size_t)(rows * PLACES) * sizeof *label);
    memcpy(field[2], t + first * VALUES, (size_t)(rows * VALUES) * sizeof *t);
}

static void read_sums(double *sums)
{
    buffer_acquire(ctx, &store.metrics, STARPU_R);
    for (int i = 0; i < model->nsums; i++) sums[i] = (double)((const float *)store.metrics.memory)[i];
    starpu_data_release(store.metrics.handle);
}

static void run_step(const struct slice_spec *slice, int slices, int accumulate, enum hsgd_executor executor,
                     double *sums)
{
    const struct updater updater = { .emit = become_gradient, .accumulate = accumulate };
    const struct batch_source source = { fill, NULL };
    struct span span = { .end = 1 };
    struct plan_spec spec = { .mode = PLAN_TRAIN, .n = slices, .slice = slice, .updater = &updater };
    REQUIRE(!store_open(&store, model, STORE_TRAINS));
    context_begin(ctx);
    struct plan *p = plan_create(&store, &spec);
    if (!CHECK_MSG(p && !plan_run(p, &span, executor, &source), "%s", hsgd_error(ctx))) core_end();
    read_sums(sums);
    plan_destroy(p);
    store_close(&store);
    context_end(ctx);
}

static double distance(void)
{
    double off = 0, norm = 0, scale = (double)loss_scale(model, batch);
    const double *want = exact.gradient;
    for (int i = 0; i < model->nnodes; i++)
        for (int p = 0; p < model->node[i].info.params; p++) {
            const float *got = model->weights + model->node[i].param_offset[p];
            for (int64_t k = 0, n = spec_size(&model->node[i].info.param[p]); k < n; k++, want++) {
                off += (scale * (double)got[k] - *want) * (scale * (double)got[k] - *want);
                norm += *want * *want;
            }
        }
    return norm > 0 ? sqrt(off / norm) : sqrt(off);
}

static void near(const char *what, double got, double want)
{
    bool none = isnan(want) || isinf(want);
    CHECK_MSG(none ? isnan(got) : fabs(got - want) <= 1e-5 * (1 + fabs(want)), "%s of %s is %g, not %g", what,
              "the batch", got, want);
}

static double figure(const char *name, const double *sums)
{
    int i = metric_find(model, name);
    REQUIRE(i >= 0);
    return metric_value(model, i, sums);
}

static void check_figures(const double *sums)
{
    bool any = exact.terms > 0 || losses[kind].values > 0;
    near("loss", figure("loss", sums), any ? exact.loss : NAN);
    near("of_classes", figure("of_classes", sums), exact.classes);
    near("of_values", figure("of_values", sums), exact.values);
    near("rmse", figure("rmse", sums), sqrt(exact.values));
    near("top_2", figure("top_2", sums), (double)exact.hits / exact.places);
    near("accuracy", figure("accuracy", sums), (double)exact.correct / exact.places);
}

/* Slices of any size, with none to all of their labels ignored. */
static void one(int turn)
{
    double sums[MAX_SUMS];
    struct slice_spec slice[MAX_SLICES];
    state = (uint64_t)turn * 104729 + 3;
    kind = turn % KINDS;
    make_model();
    make_batch(draw(MAX_SLICES * 2, MAX_BATCH));
    int slices = 1 + turn / KINDS % MAX_SLICES, accumulate = draw(0, 1) ? draw(2, 4) : 1, first = 0;
    bool all = draw(0, 9) == 0;
    for (int i = 0; i < slices; first += slice[i++].rows) {
        int left = batch - first, most = left - (slices - 1 - i);
        slice[i] = (struct slice_spec){ &ctx->device[i % ctx->ndevices], i == slices - 1 ? left : draw(1, most) };
        ignore_some(first, slice[i].rows, all ? 2 : draw(0, 2));
    }
    REQUIRE(!hsgd_model_initialise(model, (uint64_t)turn));
    make_exact();
    run_step(slice, slices, accumulate, turn % 2 ? HSGD_INSERT : HSGD_REPLAY, sums);
    double d = distance();
    CHECK_MSG(d < 1e-5, "turn %d, losses %d, %d samples in %d slices and %d parts: %g from the exact gradient", turn,
              kind, batch, slices, accumulate, d);
    check_figures(sums);
    free(exact.gradient);
    hsgd_model_destroy(&model);
}

static void steps_on(const char *devices, int first)
{
    ctx = core_context(devices, 0, false);
    for (int i = first; i < first + 75; i++) one(i);
    hsgd_destroy(&ctx);
}

static void on_cpu(void) { steps_on("cpu", 0); }
static void on_opencl(void) { steps_on("opencl", 75); }
static void on_both(void) { steps_on("cpu,opencl", 150); }

static void placed_by_starpu(void)
{
    setenv("HSGD_PLACEMENT", "starpu", 1);
    steps_on("cpu,opencl", 225);
}

/* -------------------------------------------------------------------- trainers */

static void trained(enum hsgd_algorithm algorithm, int accumulate, float *out, int64_t n)
{
    struct hsgd_train_options o;
    double loss;
    hsgd_train_defaults(&o, sizeof o);
    o.optimizer = HSGD_SGD;
    o.learning_rate = 0.5f;
    o.algorithm = algorithm;
    o.accumulate = accumulate;
    o.batch_size = o.min_batch = o.max_batch = batch;
    REQUIRE(!hsgd_model_initialise(model, 5));
    struct hsgd_trainer *trainer = hsgd_trainer_create(model, &o);
    if (!CHECK_MSG(trainer, "%s", hsgd_error(ctx))) core_end();
    for (int i = 0; i < 3; i++)
        CHECK_MSG(!hsgd_trainer_step(trainer, batch, HSGD_FIELDS(x, label, t), &loss), "%s", hsgd_error(ctx));
    hsgd_trainer_destroy(&trainer);
    float *w = core_weights(model, &n);
    memcpy(out, w, (size_t)n * sizeof *out);
    free(w);
}

/* A replica divides by the terms of its batch; the only one makes the steps that all make together. */
static void algorithms(void)
{
    static const enum hsgd_algorithm alike[] = { HSGD_DATA_PARALLEL, HSGD_LOCAL, HSGD_STALE, HSGD_HOGBATCH,
                                                 HSGD_ADAPTIVE };
    ctx = core_context("cpu", 1, false);
    for (kind = 0; kind < KINDS; kind++) {
        state = (uint64_t)kind + 11;
        make_model();
        make_batch(24);
        ignore_some(0, 12, 1);
        int64_t n = hsgd_model_parameters(model);
        float want[n], got[n];
        trained(HSGD_SYNC, 1, want, n);
        trained(HSGD_SYNC, 4, got, n);
        CHECK_MSG(core_distance(got, want, n) < 1e-5, "4 parts: %g", core_distance(got, want, n));
        for (size_t i = 0; i < sizeof alike / sizeof *alike; i++) {
            trained(alike[i], 1, got, n);
            CHECK_MSG(core_distance(got, want, n) < 1e-5, "losses %d, %s: %g", kind, hsgd_algorithm_name(alike[i]),
                      core_distance(got, want, n));
        }
        hsgd_model_destroy(&model);
    }
    hsgd_destroy(&ctx);
}

static const struct core_case cases[] = { { "on_cpu", on_cpu },
                                          { "on_opencl", on_opencl },
                                          { "on_both", on_both },
                                          { "placed_by_starpu", placed_by_starpu },
                                          { "algorithms", algorithms } };
CORE_MAIN(cases)
