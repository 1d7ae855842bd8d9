/* SPDX-License-Identifier: BSD-3-Clause */
/* Trainings: their losses against a reference in double precision, and
 * CUDA graphs against plain launches. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/message.h"
#include "reference/check.h"
#include "reference/network.h"
#include "selftest.h"

#define STEPS 5
#define BATCH 64
#define CLASSES 10
#define AGREE 1e-4     /* relative error of a loss by rounding in STEPS steps */
#define DEVICE_ROWS 16 /* minimum rows for a slice per device */

#define DENSE(units, f) \
    { \
        &hsgd_op_dense, &(const struct hsgd_dense) { units, f, false, HSGD_INIT_GLOROT, false } \
    }
#define CONV(channels, size, pad) \
    { \
        &hsgd_op_conv2d, &(const struct hsgd_conv2d) \
        { \
            .out_channels = channels, .kernel = size, .stride = 1, .padding = pad, .activation = HSGD_RELU \
        } \
    }
#define POOL \
    { \
        &hsgd_op_max_pool, &(const struct hsgd_max_pool) { .kernel = 2, .stride = 2 } \
    }
#define END \
    { &hsgd_op_softmax_cross_entropy, &(const struct hsgd_softmax_cross_entropy){ 0 } }, { NULL, NULL }

static const struct reference_layer mlp[] = {
    { &hsgd_op_flatten, NULL }, DENSE(128, HSGD_RELU), DENSE(64, HSGD_TANH), DENSE(CLASSES, HSGD_NO_ACTIVATION), END
};
static const struct reference_layer lenet[] = { CONV(6, 5, 2),
                                                POOL,
                                                CONV(16, 5, 0),
                                                POOL,
                                                { &hsgd_op_flatten, NULL },
                                                DENSE(120, HSGD_RELU),
                                                DENSE(84, HSGD_RELU),
                                                DENSE(CLASSES, HSGD_NO_ACTIVATION),
                                                END };
static const struct reference_layer cifar_cnn[] = { CONV(32, 3, 1),
                                                    POOL,
                                                    CONV(64, 3, 1),
                                                    POOL,
                                                    CONV(64, 3, 1),
                                                    { &hsgd_op_flatten, NULL },
                                                    DENSE(64, HSGD_RELU),
                                                    DENSE(CLASSES, HSGD_NO_ACTIVATION),
                                                    END };

/* Rates small enough that rounding errors do not grow, and large enough that the
 * losses depend on the steps: a rate that is 2 % off is found. */
static const struct training {
    const char *name;
    struct hsgd_shape in;
    float rate;
    const struct reference_layer *layers;
} list[] = {
    { "mlp", { 28, 28, 1 }, 0.01f, mlp },
    { "lenet", { 28, 28, 1 }, 0.1f, lenet },
    { "cifar-cnn", { 32, 32, 3 }, 0.01f, cifar_cnn },
};
#define TRAININGS ((int)(sizeof list / sizeof *list))

struct trainings {
    int batch;
    double loss[TRAININGS][STEPS];
};

/* ------------------------------------------------------------------- steps */

static struct hsgd_model *make_model(struct hsgd_context *ctx, const struct training *w)
{
    struct hsgd_model *m = hsgd_model_create(ctx, w->name);
    struct hsgd_value *in[] = { hsgd_input(m, "x", hsgd_image(w->in.h, w->in.w, w->in.c)),
                                hsgd_target(m, "label", hsgd_number(HSGD_I32)) };
    for (const struct reference_layer *l = w->layers; l->op; l++)
        in[0] = hsgd_apply(l->op, NULL, l->attributes, l->op->is_loss ? 2 : 1, in);
    hsgd_loss(in[0]);
    if (hsgd_model_finish(m) || hsgd_model_initialise(m, 1)) hsgd_model_destroy(&m);
    return m;
}

/* Performs the steps: a trainer, or else the reference. */
struct stepper {
    struct hsgd_trainer *trainer;
    struct reference_network *reference;
};

/* On synthetic samples, the same for both. */
static int take_steps(const struct training *w, int batch, struct stepper by, double *loss)
{
    int64_t size = hsgd_size(w->in);
    float *x = malloc((size_t)(size * batch) * sizeof *x);
    int32_t *labels = malloc((size_t)batch * sizeof *labels);
    int err = x && labels ? 0 : -1;
    check_seed(7);
    for (int s = 0; !err && s < STEPS; s++) {
        for (int i = 0; i < batch; i++) labels[i] = check_int(0, CLASSES - 1);
        for (int64_t i = 0; i < batch * size; i++) x[i] = check_float() + 0.1f * (float)labels[i / size];
        if (by.trainer) err = hsgd_trainer_step(by.trainer, batch, HSGD_FIELDS(x, labels), &loss[s]);
        else loss[s] = reference_network_step(by.reference, x, labels, batch, w->rate);
    }
    free(x);
    free(labels);
    return err;
}

/* --------------------------------------------------------------- reference */

static bool reference_losses(struct hsgd_context *ctx, const struct training *w, int batch, double *loss)
{
    struct hsgd_model *m = make_model(ctx, w);
    struct reference_network *n = m ? reference_network_create(w->layers, m) : NULL;
    bool ok = n && !take_steps(w, batch, (struct stepper){ NULL, n }, loss);
    reference_network_destroy(n);
    hsgd_model_destroy(&m);
    return ok;
}

struct trainings *selftest_trainings_create(struct hsgd_context *ctx, const struct usage *devices)
{
    struct trainings *all = calloc(1, sizeof *all);
    bool ok = all != NULL;
    if (ok) all->batch = devices->n * DEVICE_ROWS > BATCH ? devices->n * DEVICE_ROWS : BATCH;
    for (int i = 0; ok && i < TRAININGS; i++) ok = reference_losses(ctx, &list[i], all->batch, all->loss[i]);
    if (ok) return all;
    report_error(FAILED, "no reference for trainings: %s", *hsgd_error(ctx) ? hsgd_error(ctx) : "out of memory");
    free(all);
    return NULL;
}

void selftest_trainings_destroy(struct trainings *all) { free(all); }

/* ----------------------------------------------------------------- devices */

struct trained {
    int err;
    char error[300];
    double loss[STEPS];
    struct usage used;
};

static int train(struct hsgd_context *ctx, const struct training *w, int batch, double *loss)
{
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    o.batch_size = batch;
    o.optimizer = HSGD_SGD;
    o.learning_rate = w->rate;
    o.algorithm = HSGD_DATA_PARALLEL; /* every device is used */
    struct hsgd_model *m = make_model(ctx, w);
    struct hsgd_trainer *t = m ? hsgd_trainer_create(m, &o) : NULL;
    int err = t ? take_steps(w, batch, (struct stepper){ t, NULL }, loss) : -1;
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    return err;
}

/* All trainings on a device list, in a context of their own. */
static void train_on(const struct selftest *t, const char *devices, int batch, struct trained *out)
{
    struct hsgd_context *ctx;
    struct hsgd_context_options o = { .size = sizeof o, .devices = devices, .threads = (int)t->s->threads };
    int err = hsgd_create(&ctx, &o);
    for (int i = 0; i < TRAININGS; i++) {
        struct usage before;
        usage_now(ctx, &before);
        out[i].err = err ? err : train(ctx, &list[i], batch, out[i].loss);
        snprintf(out[i].error, sizeof out[i].error, "%s", out[i].err ? hsgd_error(ctx) : "");
        usage_now(ctx, &out[i].used);
        usage_since(&before, &out[i].used);
    }
    hsgd_destroy(&ctx);
}

/* ----------------------------------------------------------------- verdicts */

/* The devices without samples; "": none. */
static void idle_devices(const struct usage *u, char *out, size_t size)
{
    snprintf(out, size, "no sample was computed on");
    size_t begin = strlen(out), used = begin;
    for (int k = 0; k < u->n && used < size; k++)
        if (!u->device[k].samples)
            used += (size_t)snprintf(out + used, size - used, "%s %s", used > begin ? "," : "", u->device[k].id);
    if (used == begin) *out = '\0';
}

/* Compares losses with the expected ones; `bound` is relative. */
static void judge(struct selftest *t, const char *check, int training, const char *devices, const struct trained *got,
                  const double *want, double bound, const char *fault)
{
    char message[600];
    struct result r = { .runs = STEPS, .unit = "steps", .error = NAN, .bound = bound };
    snprintf(r.check, sizeof r.check, "%s %s", check, list[training].name);
    snprintf(r.device, sizeof r.device, "%s", devices);
    if (got->err) r.fault = *got->error ? got->error : "out of memory";
    for (int s = 0; !got->err && s < STEPS; s++) {
        double off = fabs(got->loss[s] - want[s]) / want[s];
        if (!(off <= r.error)) r.error = isnan(off) ? INFINITY : off;
    }
    if (!r.fault && r.error > bound) {
        snprintf(message, sizeof message, "the relative error of a loss is %.2g, above %.2g", r.error, bound);
        r.fault = message;
    }
    if (!r.fault) r.fault = fault;
    selftest_add(t, &r);
}

static void judge_all(struct selftest *t, const char *devices, const struct trained *got, const struct trainings *all)
{
    for (int i = 0; i < TRAININGS; i++) {
        char idle[600];
        idle_devices(&got[i].used, idle, sizeof idle);
        judge(t, "training", i, devices, &got[i], all->loss[i], AGREE, *idle ? idle : NULL);
    }
}

/* Why the counts of graphs are wrong; NULL: they are right. */
static const char *graphs_fault(const struct hsgd_device *graphs, const struct hsgd_device *plain)
{
    if (!graphs->graphs_captured) return "no graph was captured";
    if (!graphs->graphs_launched) return "no graph was launched";
    return plain->graphs_captured || plain->graphs_launched ? "graphs were launched although they are off" : NULL;
}

static void train_with_graphs(const struct selftest *t, const char *device, int batch, const char *graphs,
                              struct trained *out)
{
    const char *set = getenv("HSGD_CUDA_GRAPHS");
    char *before = set ? strdup(set) : NULL;
    setenv("HSGD_CUDA_GRAPHS", graphs, 1);
    train_on(t, device, batch, out);
    if (before) setenv("HSGD_CUDA_GRAPHS", before, 1);
    else unsetenv("HSGD_CUDA_GRAPHS");
    free(before);
}

/* Graphs and plain launches give bitwise equal losses. */
static void test_cuda_device(struct selftest *t, const char *device, const struct trainings *all)
{
    struct trained graphs[TRAININGS], plain[TRAININGS];
    train_with_graphs(t, device, all->batch, "1", graphs);
    judge_all(t, device, graphs, all);
    train_with_graphs(t, device, all->batch, "0", plain);
    for (int i = 0; i < TRAININGS; i++)
        judge(t, "plain launch", i, device, &plain[i], graphs[i].loss, 0,
              graphs[i].err ? graphs[i].error : graphs_fault(graphs[i].used.device, plain[i].used.device));
}

static void test_devices(struct selftest *t, const char *devices, const char *called, const struct trainings *all)
{
    struct trained got[TRAININGS];
    train_on(t, devices, all->batch, got);
    judge_all(t, called, got, all);
}

void selftest_trainings_run(struct selftest *t, const struct trainings *all, const struct usage *devices)
{
    char together[MAX_DEVICES * sizeof devices->device->id] = "";
    for (int k = 0; k < devices->n; k++) {
        const struct hsgd_device *d = &devices->device[k];
        size_t used = strlen(together);
        snprintf(together + used, sizeof together - used, "%s%s", k ? "," : "", d->id);
        if (d->kind == HSGD_CUDA) test_cuda_device(t, d->id, all);
        else test_devices(t, d->id, d->id, all);
    }
    if (devices->n > 1) test_devices(t, together, "together", all);
}
