/* SPDX-License-Identifier: BSD-3-Clause */
/* The optimizers' updates over several steps, with gradients in parts and
 * clipped. */
#include <string.h>

#include "check.h"
#include "reference.h"

static void rule(const struct hsgd_train_options *o, double g, int64_t t, double *w, double s[2])
{
    double decay = o->weight_decay, rate = o->learning_rate, b1 = o->beta1, b2 = o->beta2, mu = o->momentum, old = *w;
    if (o->optimizer != HSGD_ADAMW) g += decay * old;
    if (o->optimizer == HSGD_SGD) *w -= rate * g;
    if (o->optimizer == HSGD_MOMENTUM || o->optimizer == HSGD_NESTEROV) {
        s[0] = mu * s[0] + g;
        *w -= rate * (o->optimizer == HSGD_NESTEROV ? g + mu * s[0] : s[0]);
    }
    if (o->optimizer == HSGD_ADAM || o->optimizer == HSGD_ADAMW) {
        s[0] = b1 * s[0] + (1 - b1) * g;
        s[1] = b2 * s[1] + (1 - b2) * g * g;
        double m = s[0] / (1 - pow(b1, (double)t)), v = s[1] / (1 - pow(b2, (double)t));
        if (o->optimizer == HSGD_ADAMW) *w -= rate * decay * old;
        *w -= rate * m / (sqrt(v) + o->epsilon);
    }
    if (o->optimizer == HSGD_ADAGRAD) {
        s[0] += g * g;
        *w -= rate * g / (sqrt(s[0]) + o->epsilon);
    }
    if (o->optimizer == HSGD_RMSPROP || o->optimizer == HSGD_RMSPROP_MOMENTUM) {
        s[0] = o->alpha * s[0] + (1 - (double)o->alpha) * g * g;
        double u = g / (sqrt(s[0]) + o->epsilon);
        if (o->optimizer == HSGD_RMSPROP_MOMENTUM) u = s[1] = mu * s[1] + u;
        *w -= rate * u;
    }
}

/* The direction, and its rate from the norms. */
static void lamb(const struct hsgd_train_options *o, int n, const double *g, int64_t t, double *w, double (*s)[2])
{
    double b1 = o->beta1, b2 = o->beta2, of_w = 0, of_u = 0, rate = o->learning_rate, *u = check_doubles(NULL, n);
    for (int i = 0; i < n; i++) {
        s[i][0] = b1 * s[i][0] + (1 - b1) * g[i];
        s[i][1] = b2 * s[i][1] + (1 - b2) * g[i] * g[i];
        double m = s[i][0] / (1 - pow(b1, (double)t)), v = s[i][1] / (1 - pow(b2, (double)t));
        u[i] = m / (sqrt(v) + o->epsilon) + o->weight_decay * w[i];
        of_w += w[i] * w[i];
        of_u += u[i] * u[i];
    }
    if (of_w > 0 && of_u > 0) rate *= sqrt(of_w / of_u);
    for (int i = 0; i < n; i++) w[i] -= rate * u[i];
    free(u);
}

void reference_rule(const struct hsgd_train_options *o, int n, const double *g, int64_t t, double *w, double (*s)[2])
{
    if (o->optimizer == HSGD_LAMB) lamb(o, n, g, t, w, s);
    for (int i = 0; i < n && o->optimizer != HSGD_LAMB; i++) rule(o, g[i], t, &w[i], s[i]);
}

struct hsgd_train_options reference_options(int turn)
{
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    o.optimizer = (enum hsgd_optimizer)(turn % HSGD_OPTIMIZERS);
    o.learning_rate = 0.05f;
    o.weight_decay = turn / HSGD_OPTIMIZERS % 2 ? 0.1f : 0;
    o.momentum = 0.8f;
    o.beta1 = 0.7f;
    o.beta2 = turn / HSGD_OPTIMIZERS % 3 ? 0.95f : 0.999f;
    o.epsilon = turn / HSGD_OPTIMIZERS % 4 ? 1e-8f : 1e-3f;
    o.alpha = turn / HSGD_OPTIMIZERS % 3 ? 0.9f : 0.99f;
    return o;
}

static void step_row(const struct hsgd_train_options *o, int t, float scale, float row[HSGD_STEP_WORDS])
{
    row[HSGD_STEP_RATE] = o->learning_rate;
    row[HSGD_STEP_CORRECT1] = (float)(1 / (1 - pow(o->beta1, t)));
    row[HSGD_STEP_CORRECT2] = (float)(1 / (1 - pow(o->beta2, t)));
    row[HSGD_STEP_SCALE] = scale;
}

enum { STEPS = 3, PARTS = 3 };

struct update {
    struct hsgd_update a;
    int n;
    float scale, *part[STEPS][PARTS], step[STEPS][HSGD_STEP_WORDS];
};

static struct update draw(int turn)
{
    struct update u = { { reference_options(turn), turn / HSGD_OPTIMIZERS % PARTS + 1,
                          turn / HSGD_OPTIMIZERS % 5 == 4 },
                        0,
                        0,
                        { { NULL } },
                        { { 0 } } };
    u.n = turn % 2 ? check_size(200) : check_int(257, 3000);
    u.scale = 1.0f / (float)check_int(1, 8);
    for (int t = 0; t < STEPS; t++) {
        for (int k = 0; k < PARTS; k++) u.part[t][k] = check_floats(u.n);
        if (u.a.clipped) u.part[t][1][0] = check_float() * 0.4f + 0.6f;
        step_row(&u.a.options, t + 1, u.scale, u.step[t]);
    }
    check_shape("shape %d: %s, %d weights, %d parts, clipped %d, decay %g", turn,
                hsgd_optimizer_name(u.a.options.optimizer), u.n, u.a.parts, u.a.clipped, u.a.options.weight_decay);
    return u;
}

static double mean_gradient(const struct update *u, int t, int i)
{
    double g = u->part[t][0][i];
    for (int k = 1; k < u->a.parts && !u->a.clipped; k++) g += u->part[t][k][i];
    return g * u->scale * (u->a.clipped ? u->part[t][1][0] : 1);
}

/* Bound: three steps, each of a few roundings of the weight and of an update
 * of about rate: 60 u (|w| + 10 rate); (1 - beta2) in single precision has
 * a relative error of u / (1 - beta2).  The same bounds hold for the states.
 * RMSprop's first updates are up to 1 / sqrt(1 - alpha) rates; LAMB's norms are
 * sums of n terms, and its direction has a norm of its own. */
static void reference(const struct update *u, const float *start, struct approx *want)
{
    const struct hsgd_train_options *o = &u->a.options;
    bool rms = o->optimizer == HSGD_RMSPROP || o->optimizer == HSGD_RMSPROP_MOMENTUM;
    double mean = rms ? o->alpha : o->beta2, loss = CHECK_U * (60 + 4 / (1 - mean));
    double size = rms ? 1 / sqrt(1 - mean) : 1;
    double *w = check_doubles(start, u->n), *g = check_doubles(NULL, u->n), (*s)[2] = calloc((size_t)u->n, sizeof *s);
    if (o->optimizer == HSGD_LAMB) loss = 4 * loss + u->n * CHECK_U;
    for (int t = 0; t < STEPS; t++) {
        for (int i = 0; i < u->n; i++) g[i] = mean_gradient(u, t, i);
        reference_rule(o, u->n, g, t + 1, w, s);
    }
    for (int i = 0; i < u->n; i++) {
        want[i] = (struct approx){ w[i], loss * (fabs(w[i]) + 10 * size * o->learning_rate) };
        want[u->n + i] = (struct approx){ s[i][0], loss * (fabs(s[i][0]) + 3) };
        want[2 * u->n + i] = (struct approx){ s[i][1], loss * (fabs(s[i][1]) + 3 * (rms ? size : 1 - mean)) };
    }
    free(w), free(g), free(s);
}

static void one(int turn)
{
    struct update u = draw(turn);
    int all = 3 * u.n;
    float *start = check_floats(all), *from = check_floats(all), *got = check_floats(all);
    struct approx *want = check_approx(all);
    memset(start + u.n, 0, (size_t)(2 * u.n) * sizeof *start);
    reference(&u, start, want);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        memcpy(got, start, (size_t)all * sizeof *got);
        for (int t = 0; t < STEPS; t++) {
            memcpy(from, got, (size_t)all * sizeof *got);
            struct hsgd_op_call run = { .rows = 1,
                                        .in = { hsgd_vector(all) },
                                        .x = { from },
                                        .y = { got },
                                        .params = { u.part[t][0], u.part[t][1], u.part[t][2], u.step[t] } };
            check_run(d, &hsgd_op_update, &u.a, &run, t ? UNCOUNTED : u.n);
        }
        check_near("w and state", got, want, all);
    }
    for (int t = 0; t < STEPS; t++)
        for (int k = 0; k < PARTS; k++) free(u.part[t][k]);
    free(start), free(from), free(got), free(want);
}

void reference_optimizer(void)
{
    for (int i = 0; i < 30 * HSGD_OPTIMIZERS && check_going(); i++) one(i);
}
