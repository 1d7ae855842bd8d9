/* SPDX-License-Identifier: BSD-3-Clause */
/* A trainer's steps: the optimizers' rules, with its own gradients. */
#include "reference/reference.h"
#include "test_ops.h"

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
    double state[WEIGHTS][2] = { { 0 } }, exact[WEIGHTS], mean[WEIGHTS];
    struct approx want[WEIGHTS];
    get_weights(m, w);
    for (int i = 0; i < WEIGHTS; i++) exact[i] = w[i];
    for (int i = 0; i < WEIGHTS; i++) want[i] = (struct approx){ w[i], 1e-5 };
    for (int s = 1; s <= STEPS; s++) {
        double norm = 0;
        for (int i = 0; i < BATCH; i++) labels[i] = check_int(0, CLASSES - 1);
        int err = hsgd_trainer_gradients(t, BATCH, HSGD_FIELDS(x, labels), g, WEIGHTS);
        for (int i = 0; i < WEIGHTS; i++) norm += (double)g[i] * g[i];
        norm = sqrt(norm);
        double factor = o->clip_norm > 0 && norm > o->clip_norm ? o->clip_norm / norm : 1;
        check_that(o->clip_norm == 0 || factor < 1, "the gradient is not clipped");
        for (int i = 0; i < WEIGHTS; i++) mean[i] = factor * g[i];
        reference_rule(o, IN * CLASSES, mean, s, exact, state);
        reference_rule(o, CLASSES, mean + IN * CLASSES, s, exact + IN * CLASSES, state + IN * CLASSES);
        for (int i = 0; i < WEIGHTS; i++) want[i].v = exact[i];
        if (!err) err = hsgd_trainer_step(t, BATCH, HSGD_FIELDS(x, labels), NULL);
        check_that(!err, "%s", hsgd_error(check_context()));
        get_weights(m, w);
        check_near("w", w, want, WEIGHTS);
    }
    free(x);
}

static struct hsgd_model *make_model(void)
{
    struct hsgd_model *m = hsgd_model_create(check_context(), "update");
    struct hsgd_value *x = HSGD_OP(hsgd_input(m, "x", hsgd_vector(IN)), dense, NULL, .units = CLASSES);
    struct hsgd_value *label = hsgd_target(m, "label", hsgd_number(HSGD_I32));
    hsgd_loss(HSGD_JOIN(HSGD_OF(x, label), softmax_cross_entropy, NULL));
    check_that(!hsgd_model_finish(m), "%s", hsgd_error(check_context()));
    return m;
}

void test_trainer_update(void)
{
    for (int turn = 0; turn < 4 * HSGD_OPTIMIZERS && check_going(); turn++) {
        struct hsgd_train_options o = reference_options(turn);
        struct hsgd_model *m = make_model();
        o.clip_norm = turn % 2 ? 0.01f : 0;
        check_shape("trainer, %s, clip %g", hsgd_optimizer_name(o.optimizer), o.clip_norm);
        hsgd_model_initialise(m, 5);
        struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
        check_that(t != NULL, "%s", hsgd_error(check_context()));
        if (t) train(t, m, &o);
        hsgd_trainer_destroy(&t);
        hsgd_model_destroy(&m);
    }
}
