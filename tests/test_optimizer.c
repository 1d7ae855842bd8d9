/* The optimizers' updates: the kernels over several steps with gradients in
 * parts and clipped, and a trainer's steps. */
#include <string.h>

#include "reference/check.h"
#include "kernels.h"
#include "test_ops.h"
#include "train/state.h"

/* x and y are the weights and up to two floats of state each; params 0..2
 * parts of the gradient (clipped: the second is the factor), 3 a row of the
 * step table. */
struct update { struct hsgd_train_options o; int n, parts; bool clipped; };

static int prepare(struct hsgd_layer *l, char *why, size_t n)
{
    const struct update *a = l->attributes;
    (void)why, (void)n;
    l->out = l->in;
    l->params = 4;
    for (int i = 0; i < 4; i++)
        l->param[i] = (struct hsgd_param_spec){ "p", 1, { i < 3 ? a->n : HSGD_STEP_WORDS }, HSGD_INIT_ZERO, 1, 1, 0 };
    return 0;
}

static void forward(struct hsgd_emit *e)
{
    const struct update *a = e->layer->attributes;
    struct copy_args copy = { 3 * a->n };
    struct hsgd_ref part[3];
    HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, copy.n, &copy, e->x, e->y);
    for (int i = 0; i < 3; i++) part[i] = e->weight[i].piece[0].ref;
    optimizer_emit(e, &a->o, a->n, a->n, e->y, hsgd_at(e->y, a->n), e->weight[3].piece[0].ref, a->parts, part,
                   a->clipped);
}

static const struct hsgd_op op = { .name = "update", .attributes_size = sizeof(struct update),
                                   .layouts = 1u << HSGD_NHWC, .prepare = prepare, .forward = forward };

/* One weight after step t (from 1) with the mean gradient g, as hsgd/train.h
 * says it; s is its state. */
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
}

static struct hsgd_train_options draw(int turn)
{
    struct hsgd_train_options o;
    hsgd_train_defaults(&o);
    o.optimizer = (enum hsgd_optimizer)(turn % HSGD_OPTIMIZERS);
    o.learning_rate = 0.05f;
    o.weight_decay = turn / 5 % 2 ? 0.1f : 0;
    o.momentum = 0.8f;
    o.beta1 = 0.7f;
    o.beta2 = turn / 5 % 3 ? 0.95f : 0.999f;
    o.epsilon = turn / 5 % 4 ? 1e-8f : 1e-3f;
    return o;
}

static void step_row(const struct hsgd_train_options *o, int t, float scale, float row[HSGD_STEP_WORDS])
{
    row[HSGD_STEP_RATE] = o->learning_rate;
    row[HSGD_STEP_CORRECT1] = (float)(1 / (1 - pow(o->beta1, t)));
    row[HSGD_STEP_CORRECT2] = (float)(1 / (1 - pow(o->beta2, t)));
    row[HSGD_STEP_SCALE] = scale;
}

/* Bound: three steps, each of a few roundings of the weight and of an update
 * of about rate: 60 u (|w| + 10 rate); (1 - beta2) in single precision is
 * good to u / (1 - beta2) only.  States alike. */
static void one(int turn)
{
    struct update a = { draw(turn), turn % 2 ? check_size(200) : check_int(257, 3000), turn / 5 % 3 + 1, turn / 5 % 5 == 4 };
    int n = a.n, states = optimizer_state_floats(a.o.optimizer);
    float scale = 1.0f / (float)check_int(1, 8), factor = check_float() * 0.4f + 0.6f;
    check_shape("shape %d: %s, %d weights, %d parts, clipped %d, decay %g", turn, hsgd_optimizer_name(a.o.optimizer), n,
                a.parts, a.clipped, a.o.weight_decay);
    float *start = check_floats(3 * n), *got = check_floats(3 * n), *part[3][3], step[3][HSGD_STEP_WORDS] = { { 0 } };
    struct approx *want = check_approx(3 * n);
    for (int i = 0; i < 2 * n; i++) start[n + i] = 0;
    for (int t = 0; t < 3; t++) {
        for (int k = 0; k < 3; k++) part[t][k] = check_floats(n);
        if (a.clipped) part[t][1][0] = factor;
        step_row(&a.o, t + 1, scale, step[t]);
    }
    double loss = CHECK_U * (60 + 4 / (1 - (double)a.o.beta2));
    for (int i = 0; i < n; i++) {
        double w = start[i], s[2] = { 0 };
        for (int t = 0; t < 3; t++) {
            double g = part[t][0][i];
            for (int k = 1; k < a.parts && !a.clipped; k++) g += part[t][k][i];
            rule(&a.o, g * scale * (a.clipped ? factor : 1), t + 1, &w, s);
        }
        want[i] = (struct approx){ w, loss * (fabs(w) + 10 * a.o.learning_rate) };
        want[n + i] = (struct approx){ s[0], loss * (fabs(s[0]) + 3) };
        want[2 * n + i] = (struct approx){ s[1], loss * (fabs(s[1]) + 3 * (1 - a.o.beta2)) };
    }
    for (int d = 0; d < check_devices() && check_going(); d++) {
        memcpy(got, start, (size_t)(3 * n) * sizeof *got);
        for (int t = 0; t < 3; t++) {
            float *from = check_floats(3 * n);
            memcpy(from, got, (size_t)(3 * n) * sizeof *got);
            struct hsgd_op_run run = { .rows = 1, .in = { 1, 1, 3 * n }, .x = from, .y = got,
                                       .params = { part[t][0], part[t][1], part[t][2], step[t] } };
            check_run(d, &op, &a, &run, t ? UNCOUNTED : n);
            free(from);
        }
        check_near("w and state", got, want, (1 + states) * n);
    }
    for (int t = 0; t < 3; t++)
        for (int k = 0; k < 3; k++) free(part[t][k]);
    free(start), free(got), free(want);
}

void test_optimizer(void)
{
    for (int i = 0; i < 200 && check_going(); i++) one(i);
}

/* --------------------------------------------------------------- trainer */

enum { IN = 11, CLASSES = 4, WEIGHTS = IN * CLASSES + CLASSES, BATCH = 64, STEPS = 4 };

static void get_weights(struct hsgd_model *m, float *w)
{
    for (int i = 0; i < hsgd_model_weight_count(m); i++) {
        const char *name = hsgd_model_weight_name(m, i);
        int64_t size = hsgd_model_weight_size(m, name);
        check_that(!hsgd_model_get_weight(m, name, w, size), "%s", hsgd_error(check_context()));
        w += size;
    }
}

/* Gradients as the trainer gives them, then its step: the weights are those
 * of the rule to 1e-5. */
static void train(struct hsgd_trainer *t, struct hsgd_model *m, const struct hsgd_train_options *o)
{
    float *x = check_floats(BATCH * IN), w[WEIGHTS], g[WEIGHTS];
    int32_t labels[BATCH];
    double state[WEIGHTS][2] = { { 0 } };
    struct approx want[WEIGHTS];
    get_weights(m, w);
    for (int i = 0; i < WEIGHTS; i++) want[i] = (struct approx){ w[i], 1e-5 };
    for (int s = 1; s <= STEPS; s++) {
        double norm = 0;
        for (int i = 0; i < BATCH; i++) labels[i] = check_int(0, CLASSES - 1);
        int err = hsgd_trainer_gradients(t, x, labels, BATCH, g, WEIGHTS);
        for (int i = 0; i < WEIGHTS; i++) norm += (double)g[i] * g[i];
        norm = sqrt(norm);
        double factor = o->clip_norm > 0 && norm > o->clip_norm ? o->clip_norm / norm : 1;
        check_that(o->clip_norm == 0 || factor < 1, "the gradient is not clipped");
        for (int i = 0; i < WEIGHTS; i++) rule(o, factor * g[i], s, &want[i].v, state[i]);
        if (!err) err = hsgd_trainer_step(t, x, labels, BATCH, NULL);
        check_that(!err, "%s", hsgd_error(check_context()));
        get_weights(m, w);
        check_near("w", w, want, WEIGHTS);
    }
    free(x);
}

void test_trainer_update(void)
{
    for (int turn = 0; turn < 4 * HSGD_OPTIMIZERS && check_going(); turn++) {
        struct hsgd_train_options o = draw(5 * (turn / HSGD_OPTIMIZERS) + turn % HSGD_OPTIMIZERS);
        struct hsgd_model *m = hsgd_model_create(check_context(), "update", (struct hsgd_shape){ 1, 1, IN });
        m = hsgd_add_softmax_cross_entropy(hsgd_add_dense(m, CLASSES, HSGD_NO_ACTIVATION));
        o.clip_norm = turn % 2 ? 0.01f : 0;
        check_shape("trainer, %s, clip %g", hsgd_optimizer_name(o.optimizer), o.clip_norm);
        if (m) hsgd_model_initialise(m, 5);
        struct hsgd_trainer *t = m ? hsgd_trainer_create(m, &o) : NULL;
        check_that(t != NULL, "%s", hsgd_error(check_context()));
        if (t) train(t, m, &o);
        hsgd_trainer_destroy(&t);
        hsgd_model_destroy(&m);
    }
}
