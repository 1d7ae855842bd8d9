/* SPDX-License-Identifier: BSD-3-Clause */
/* Steps of training: optimizers, schedules, clipping, gradients. */
#include "train.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* ------------------------------------------- optimizers and schedules */

/* A tensor of n weights. */
static void lamb(int n, const double *g, int t, double *w, double *m, double *v)
{
    const struct hsgd_train_options *o = &options;
    double u[PARAMETERS], of_w = 0, of_u = 0;
    for (int i = 0; i < n; i++) {
        m[i] = o->beta1 * m[i] + (1 - o->beta1) * g[i];
        v[i] = o->beta2 * v[i] + (1 - o->beta2) * g[i] * g[i];
        u[i] = m[i] / (1 - pow(o->beta1, t)) / (sqrt(v[i] / (1 - pow(o->beta2, t))) + o->epsilon);
        u[i] += o->weight_decay * w[i];
        of_w += w[i] * w[i];
        of_u += u[i] * u[i];
    }
    for (int i = 0; i < n; i++) w[i] -= o->learning_rate * (of_w > 0 ? sqrt(of_w / of_u) : 1) * u[i];
}

static void update(const double *g0, int t, double *w, double *m, double *v)
{
    const struct hsgd_train_options *o = &options;
    enum { BIAS = FEATURES * CLASSES };
    if (o->optimizer == HSGD_LAMB) {
        lamb(BIAS, g0, t, w, m, v);
        lamb(CLASSES, g0 + BIAS, t, w + BIAS, m + BIAS, v + BIAS);
        return;
    }
    for (int i = 0; i < PARAMETERS; i++) {
        double lr = o->learning_rate, g = g0[i] + (o->optimizer == HSGD_ADAMW ? 0 : o->weight_decay * w[i]);
        if (o->optimizer == HSGD_ADAMW) w[i] -= lr * o->weight_decay * w[i];
        if (o->optimizer == HSGD_SGD) w[i] -= lr * g;
        if (o->optimizer == HSGD_MOMENTUM || o->optimizer == HSGD_NESTEROV) {
            m[i] = o->momentum * m[i] + g;
            w[i] -= lr * (o->optimizer == HSGD_NESTEROV ? g + o->momentum * m[i] : m[i]);
        }
        if (o->optimizer == HSGD_ADAGRAD) w[i] -= lr * g / (sqrt(m[i] += g * g) + o->epsilon);
        if (o->optimizer == HSGD_RMSPROP || o->optimizer == HSGD_RMSPROP_MOMENTUM) {
            m[i] = o->alpha * m[i] + (1 - o->alpha) * g * g;
            v[i] = (o->optimizer == HSGD_RMSPROP ? 0 : o->momentum) * v[i] + g / (sqrt(m[i]) + o->epsilon);
            w[i] -= lr * v[i];
        }
        if (o->optimizer != HSGD_ADAM && o->optimizer != HSGD_ADAMW) continue;
        m[i] = o->beta1 * m[i] + (1 - o->beta1) * g;
        v[i] = o->beta2 * v[i] + (1 - o->beta2) * g * g;
        w[i] -= lr * m[i] / (1 - pow(o->beta1, t)) / (sqrt(v[i] / (1 - pow(o->beta2, t))) + o->epsilon);
    }
}

/* The update of every optimizer against its formula, from the gradients. */
static void optimizers(void)
{
    begin("linear", false);
    for (int k = 0; k < 2 * HSGD_OPTIMIZERS; k++) {
        double g[PARAMETERS], w[PARAMETERS], m[PARAMETERS] = { 0 }, v[PARAMETERS] = { 0 };
        float got[PARAMETERS], want[PARAMETERS];
        options.optimizer = (enum hsgd_optimizer)(k / 2);
        options.weight_decay = k % 2 ? 0.1f : 0;
        options.learning_rate = options.optimizer < HSGD_ADAM ? 0.1f : 0.01f;
        CHECK(!hsgd_model_initialise(model, 2));
        struct hsgd_trainer *t = trainer();
        float *start = core_weights(model, NULL);
        for (int i = 0; i < PARAMETERS; i++) w[i] = start[i];
        free(start);
        for (int s = 1; s <= 4; s++) {
            REQUIRE(!hsgd_trainer_gradients(t, 32, HSGD_FIELDS(x, labels), got, PARAMETERS));
            for (int i = 0; i < PARAMETERS; i++) g[i] = got[i];
            update(g, s, w, m, v);
            step(t, 0, 32);
            float *now = core_weights(model, NULL);
            for (int i = 0; i < PARAMETERS; i++) want[i] = (float)w[i];
            CHECK_MSG(core_distance(now, want, PARAMETERS) < 1e-5, "%s, decay %g, step %d: off by %g",
                      hsgd_optimizer_name(options.optimizer), options.weight_decay, s,
                      core_distance(now, want, PARAMETERS));
            free(now);
        }
        hsgd_trainer_destroy(&t);
    }
    end();
}

/* Every optimizer with every schedule lowers the loss. */
static void losses_fall(void)
{
    begin("mlp-small", false);
    struct hsgd_data *d = points(SAMPLES);
    for (int k = 0; k < HSGD_OPTIMIZERS * HSGD_SCHEDULES; k++) {
        struct hsgd_fit_result r;
        options.optimizer = (enum hsgd_optimizer)(k % HSGD_OPTIMIZERS);
        options.schedule = (enum hsgd_schedule)(k / HSGD_OPTIMIZERS);
        options.learning_rate = options.optimizer < HSGD_ADAM ? 0.02f : 0.002f;
        options.steps = 60;
        options.step_size = 40;
        options.batch_size = 50;
        CHECK(!hsgd_model_initialise(model, 1));
        fit(d, &r);
        CHECK_MSG(r.loss[59] < 0.8 * r.loss[0], "%s, %s: the loss went from %g to %g",
                  hsgd_optimizer_name(options.optimizer), hsgd_schedule_name(options.schedule), r.loss[0], r.loss[59]);
    }
    hsgd_data_destroy(&d);
    end();
}

/* The rate of an SGD step, by what it did. */
static double rate_of_step(struct hsgd_trainer *t)
{
    float g[PARAMETERS];
    double along = 0, length = 0;
    REQUIRE(!hsgd_trainer_gradients(t, 64, HSGD_FIELDS(x, labels), g, PARAMETERS));
    float *before = core_weights(model, NULL);
    step(t, 0, 64);
    float *after = core_weights(model, NULL);
    for (int i = 0; i < PARAMETERS; i++) {
        along += ((double)before[i] - after[i]) * g[i];
        length += (double)g[i] * g[i];
    }
    free(before), free(after);
    return along / length;
}

static double rate_by_formula(int s)
{
    const struct hsgd_train_options *o = &options;
    double lr = o->learning_rate, low = o->min_learning_rate, at = (double)(s - o->warmup_steps);
    double n = (double)(o->steps - o->warmup_steps);
    if (at < 0) return lr * (s + 1) / (double)o->warmup_steps;
    if (o->schedule == HSGD_STEP_DECAY) return fmax(low, lr * pow(o->step_gamma, floor(at / (double)o->step_size)));
    if (o->schedule == HSGD_COSINE) return low + (lr - low) * (1 + cos(acos(-1) * at / n)) / 2;
    if (o->schedule == HSGD_POLYNOMIAL) return low + (lr - low) * pow(1 - at / n, (double)o->power);
    if (o->schedule == HSGD_ONE_CYCLE) {
        double top = (double)o->pct_start * n - 1, up = (1 - cos(acos(-1) * at / top)) / 2;
        double down = (1 + cos(acos(-1) * (at - top) / (n - 1 - top))) / 2, first = lr / (double)o->div_factor;
        double last = first / (double)o->final_div_factor;
        return at <= top ? first + (lr - first) * up : last + (lr - last) * down;
    }
    return lr;
}

static void schedules(void)
{
    begin("linear", false);
    options.steps = 12;
    options.step_size = 3;
    options.step_gamma = 0.5f;
    options.min_learning_rate = 0.1f;
    for (int k = 0; k < 2 * HSGD_SCHEDULES; k++) {
        options.schedule = (enum hsgd_schedule)(k / 2);
        options.warmup_steps = k % 2 && options.schedule != HSGD_ONE_CYCLE ? 4 : 0;
        options.power = 1.5f;
        options.pct_start = 0.4f;
        options.div_factor = k % 2 ? 5 : 25;
        options.final_div_factor = 50;
        CHECK(!hsgd_model_initialise(model, 1));
        struct hsgd_trainer *t = trainer();
        for (int s = 0; s < 12; s++) {
            double got = rate_of_step(t), want = rate_by_formula(s);
            CHECK_MSG(fabs(got - want) <= 2e-4 * want, "%s, warm-up %d: rate of step %d is %g, not %g",
                      hsgd_schedule_name(options.schedule), (int)options.warmup_steps, s, got, want);
        }
        hsgd_trainer_destroy(&t);
    }
    end();
}

/* ---------------------------------------------------------- weight decay */

/* The weights after a step from random ones. */
static float *after_step(float decay, bool no_bias_decay, int64_t *n)
{
    options.weight_decay = decay;
    options.no_bias_decay = no_bias_decay;
    CHECK(!hsgd_model_initialise(model, 1));
    float *w = core_weights(model, n);
    for (int64_t i = 0; i < *n; i++) w[i] += 0.1f * (float)(i % 7 + 1);
    core_set_weights(model, w);
    free(w);
    struct hsgd_trainer *t = trainer();
    step(t, 0, 64);
    hsgd_trainer_destroy(&t);
    return core_weights(model, n);
}

/* Weights as with decay, biases and what norms have as without, to the bit. */
static void check_no_bias_decay(void)
{
    int64_t n, at = 0;
    float *with = after_step(0.1f, false, &n), *without = after_step(0, false, &n), *got = after_step(0.1f, true, &n);
    for (int i = 0; i < hsgd_model_weight_count(model); i++) {
        const char *name = hsgd_model_weight_name(model, i);
        bool decays = !strstr(name, ".bias") && !strstr(name, "norm");
        size_t bytes = (size_t)hsgd_model_weight_size(model, name) * sizeof *got;
        CHECK_MSG(memcmp(with + at, without + at, bytes) != 0, "%s does not decay at all", name);
        CHECK_MSG(!memcmp(got + at, (decays ? with : without) + at, bytes), "%s, %s, clip_norm %g: %s", name,
                  hsgd_optimizer_name(options.optimizer), options.clip_norm, decays ? "no decay" : "decay");
        at += hsgd_model_weight_size(model, name);
    }
    free(with), free(without), free(got);
}

static void biases_without_decay(void)
{
    begin("linear", true);
    hsgd_model_destroy(&model);
    model = hsgd_model_create(ctx, "norm");
    struct hsgd_value *x = HSGD_OP(hsgd_input(model, "x", hsgd_image(shape.h, shape.w, shape.c)), flatten, NULL);
    x = HSGD_OP(x, dense, NULL, .units = 320, .activation = HSGD_RELU);
    x = HSGD_OP(x, layer_norm, "norm");
    x = HSGD_OP(x, dense, NULL, .units = 320, .activation = HSGD_RELU); /* its gradient is deferred */
    model = core_classifier(model, HSGD_OP(x, dense, NULL, .units = CLASSES));
    REQUIRE(model);
    for (int k = 0; k < 4; k++) {
        options.optimizer = k % 2 ? HSGD_ADAMW : HSGD_SGD;
        options.learning_rate = 0.1f;
        options.clip_norm = k / 2 ? 0.5f : 0;
        check_no_bias_decay();
    }
    end();
}

/* -------------------------------------------------------------- clipping */

static void check_clipping(const char *name)
{
    int64_t n;
    begin(name, true);
    for (int k = 0; k < 3; k++) {
        options.clip_norm = k == 0 ? 1e-2f : k == 1 ? 1e20f : 0;
        CHECK(!hsgd_model_initialise(model, 1));
        struct hsgd_trainer *t = trainer();
        float *before = core_weights(model, &n), *g = malloc((size_t)n * sizeof *g);
        REQUIRE(!hsgd_trainer_gradients(t, 128, HSGD_FIELDS(x, labels), g, n));
        step(t, 0, 128);
        float *after = core_weights(model, NULL);
        for (int64_t i = 0; i < n; i++) after[i] = before[i] - after[i];
        double length = core_norm(after, n), want = options.learning_rate * (k == 0 ? 1e-2 : core_norm(g, n));
        CHECK_MSG(fabs(length - want) <= 2e-3 * want, "%s, clip_norm %g: an update of norm %g, expected %g", name,
                  options.clip_norm, length, want);
        free(before), free(after), free(g);
        hsgd_trainer_destroy(&t);
    }
    end();
}

static void clipping_small(void) { check_clipping("mlp-small"); }
static void clipping_deferred(void) { check_clipping("mlp"); }

/* ------------------------------------------------------------- gradients */

static void gradients_are_what_a_step_subtracts(void)
{
    int64_t n;
    begin("mlp", false);
    struct hsgd_trainer *t = trainer();
    float *before = core_weights(model, &n), *g = malloc((size_t)n * sizeof *g);
    REQUIRE(!hsgd_trainer_gradients(t, SAMPLES, HSGD_FIELDS(x, labels), g, n));
    step(t, 0, SAMPLES);
    float *after = core_weights(model, NULL);
    for (int64_t i = 0; i < n; i++) after[i] = (before[i] - after[i]) / options.learning_rate;
    CHECK_MSG(core_distance(after, g, n) < 1e-4, "off by %g", core_distance(after, g, n));
    CHECK(hsgd_trainer_gradients(t, 8, HSGD_FIELDS(x, labels), g, 7) == -EINVAL);
    free(before), free(after), free(g);
    hsgd_trainer_destroy(&t);
    end();
}

/* ------------------------------------------------------ norms of tensors */

/* LAMB, whose norms are of weights that lie in several shards, against the formula. */
static void check_lamb(const char *devices, enum hsgd_executor executor, float clip)
{
    begin_on(devices, "mlp", true);
    options.optimizer = HSGD_LAMB;
    options.executor = executor;
    options.weight_decay = 0.1f;
    options.clip_norm = clip;
    options.learning_rate = 0.01f;
    CHECK(!hsgd_model_initialise(model, 3));
    struct hsgd_trainer *t = trainer();
    int64_t n, at = 0;
    float *before = core_weights(model, &n), *g = malloc((size_t)n * sizeof *g);
    double *w = malloc((size_t)n * sizeof *w), *u = malloc((size_t)n * sizeof *u);
    REQUIRE(!hsgd_trainer_gradients(t, 150, HSGD_FIELDS(x, labels), g, n));
    double factor = clip > 0 ? clip / core_norm(g, n) : 1;
    step(t, 0, 150);
    float *got = core_weights(model, NULL), *want = malloc((size_t)n * sizeof *want);
    for (int k = 0; k < hsgd_model_weight_count(model); k++) {
        int64_t size = hsgd_model_weight_size(model, hsgd_model_weight_name(model, k));
        double of_w = 0, of_u = 0;
        for (int64_t i = at; i < at + size; i++) {
            w[i] = before[i];
            u[i] = factor * g[i] / (fabs(factor * g[i]) + options.epsilon) + options.weight_decay * w[i];
            of_w += w[i] * w[i], of_u += u[i] * u[i];
        }
        double ratio = of_w > 0 && of_u > 0 ? sqrt(of_w / of_u) : 1;
        for (int64_t i = at; i < at + size; i++) want[i] = (float)(w[i] - options.learning_rate * ratio * u[i]);
        at += size;
    }
    CHECK_MSG(core_distance(got, want, n) < 2e-5, "%s, clip_norm %g: off by %g", devices, clip,
              core_distance(got, want, n));
    free(before), free(g), free(w), free(u), free(got), free(want);
    hsgd_trainer_destroy(&t);
    end();
}

static void lamb_on_cpu(void)
{
    check_lamb("cpu", HSGD_REPLAY, 0);
    check_lamb("cpu", HSGD_INSERT, 0.5f);
}
static void lamb_on_opencl(void) { check_lamb("opencl", HSGD_REPLAY, 0); }
static void lamb_on_both(void) { check_lamb("cpu,opencl", HSGD_REPLAY, 0.5f); }
static void lamb_inserted_on_both(void) { check_lamb("cpu,opencl", HSGD_INSERT, 0); }

static const struct core_case cases[] = {
    { "optimizers", optimizers },
    { "losses_fall", losses_fall },
    { "schedules", schedules },
    { "lamb_on_cpu", lamb_on_cpu },
    { "lamb_on_opencl", lamb_on_opencl },
    { "lamb_on_both", lamb_on_both },
    { "lamb_inserted_on_both", lamb_inserted_on_both },
    { "biases_without_decay", biases_without_decay },
    { "clipping_small", clipping_small },
    { "clipping_deferred", clipping_deferred },
    { "gradients_are_what_a_step_subtracts", gradients_are_what_a_step_subtracts },
};
CORE_MAIN(cases)
