/* SPDX-License-Identifier: BSD-3-Clause */
#include "steps.h"

#include <math.h>

struct hsgd_context *ctx;
struct hsgd_model *model;
struct hsgd_trainer *trainer;
float x[BATCH * FEATURES];
int32_t labels[BATCH];
char lines[LINES][300];
int nlines;
float least_share;
int batch = BATCH, slices;
enum hsgd_executor executor = HSGD_REPLAY;

static void note_line(void *user, enum hsgd_log_level level, const char *line)
{
    (void)user;
    if (level != HSGD_LOG_DEBUG && nlines < LINES) snprintf(lines[nlines++], sizeof lines[0], "%s", line);
}

bool said(const char *text)
{
    bool found = false;
    for (int i = 0; i < nlines; i++) found |= strstr(lines[i], text) != NULL;
    return found;
}

void begin(const char *devices, enum hsgd_algorithm algorithm)
{
    struct hsgd_context_options c = {
        .size = sizeof c, .devices = devices, .threads = strcmp(devices, "opencl") ? 1 : 0, .log = note_line
    };
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    o.batch_size = batch;
    o.optimizer = HSGD_SGD;
    o.algorithm = algorithm;
    o.min_share = least_share;
    o.slices = slices;
    o.executor = executor;
    o.steps = STEPS;
    int err = hsgd_create(&ctx, &c);
    if (!CHECK_MSG(!err, "%s", hsgd_error(ctx))) core_end();
    model = hsgd_model_by_name(ctx, "mlp", (struct hsgd_shape){ 28, 28, 1 }, 10);
    REQUIRE(model && !hsgd_model_initialise(model, 3));
    trainer = hsgd_trainer_create(model, &o);
    REQUIRE(trainer);
    core_digits(0, BATCH, x, labels);
}

void end(void)
{
    hsgd_trainer_destroy(&trainer);
    hsgd_model_destroy(&model);
    hsgd_destroy(&ctx);
}

void train(int steps, double *loss)
{
    for (int i = 0; i < steps; i++)
        if (!CHECK_MSG(!hsgd_trainer_step(trainer, batch, HSGD_FIELDS(x, labels), &loss[i]), "%s", hsgd_error(ctx)))
            core_end();
}

unsigned long long samples_of(const char *id)
{
    struct hsgd_device d;
    for (int i = 0; !hsgd_device_get(ctx, i, &d, sizeof d); i++)
        if (!strcmp(d.id, id)) return d.samples;
    return 0;
}

static void run_reference(void *loss)
{
    slices = 0;
    begin("cpu", HSGD_SYNC);
    train(STEPS, loss);
    end();
}

/* The losses on one device, in a process of its own. */
double *reference(void)
{
    double *loss = core_shared(STEPS * sizeof *loss);
    REQUIRE(core_child(run_reference, loss));
    return loss;
}

void check_losses(const double *got, const double *want)
{
    for (int i = 0; i < STEPS; i++)
        if (!CHECK_MSG(fabs(got[i] - want[i]) <= 1e-3 * want[i], "step %d: loss %g, on one device %g", i + 1, got[i],
                       want[i]))
            return;
}
