/* SPDX-License-Identifier: BSD-3-Clause */
/* Training with batch_norm: on one core, on two, and on a CPU and an OpenCL
 * device that share each batch, losses and running statistics are the same, and
 * evaluation uses the latter. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* mkstemp */
#endif
#include "core.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char text[] = "name: norms\n"
                           "layers:\n"
                           "  - {op: conv2d, name: conv, out_channels: 6, kernel: 5, stride: 3}\n"
                           "  - {op: batch_norm, name: bn}\n"
                           "  - {op: activate, activation: relu}\n"
                           "  - {op: global_avg_pool}\n"
                           "  - {op: layer_norm}\n"
                           "  - {op: dense, units: classes}\n"
                           "  - {op: softmax_cross_entropy}\n";

enum { BATCH = 50, STEPS = 6, CHANNELS = 6 };

struct run {
    const char *devices;
    int threads;
    double loss[STEPS], evaluated;
    float mean[CHANNELS], variance[CHANNELS], batches;
};

static float x[BATCH * 784];
static int32_t labels[BATCH];

static void read_states(struct hsgd_model *m, struct run *r)
{
    CHECK(!hsgd_model_get_weight(m, "bn.running_mean", r->mean, CHANNELS));
    CHECK(!hsgd_model_get_weight(m, "bn.running_var", r->variance, CHANNELS));
    CHECK(!hsgd_model_get_weight(m, "bn.num_batches_tracked", &r->batches, 1));
}

/* The count is an integer in the file, as PyTorch's. */
static void states_in_files(struct hsgd_context *ctx, struct hsgd_model *m)
{
    char path[] = "/tmp/hsgd-norms-XXXXXX", header[4096] = "";
    float batches = -1;
    int fd = mkstemp(path);
    REQUIRE(fd >= 0 && !close(fd));
    CHECK_MSG(!hsgd_model_save(m, path), "%s", hsgd_error(ctx));
    FILE *f = fopen(path, "r");
    REQUIRE(f && fread(header, 1, sizeof header - 1, f) > 8);
    fclose(f);
    CHECK(strstr(header + 8, "\"bn.num_batches_tracked\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]}"));
    CHECK(!hsgd_model_set_weight(m, "bn.num_batches_tracked", &batches, 1));
    CHECK_MSG(!hsgd_model_load(m, path), "%s", hsgd_error(ctx));
    CHECK(!hsgd_model_get_weight(m, "bn.num_batches_tracked", &batches, 1));
    CHECK_MSG(batches == STEPS, "%g batches in the file", batches);
    unlink(path);
}

static void train(void *arg)
{
    struct run *r = arg;
    double accuracy;
    struct hsgd_context *ctx = core_context(r->devices, r->threads, true);
    struct hsgd_model *m = hsgd_model_from_text(ctx, text, (struct hsgd_shape){ 28, 28, 1 }, 10);
    struct hsgd_train_options o;
    if (!CHECK_MSG(m != NULL, "%s", hsgd_error(ctx))) core_end();
    hsgd_train_defaults(&o, sizeof o);
    o.optimizer = HSGD_SGD;
    o.learning_rate = 0.1f;
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    struct hsgd_data *d = hsgd_data_memory(NULL, x, labels, BATCH, (struct hsgd_shape){ 28, 28, 1 }, 10, HSGD_BORROW);
    REQUIRE(t && d);
    for (int i = 0; i < STEPS; i++)
        if (!CHECK_MSG(!hsgd_trainer_step(t, BATCH, HSGD_FIELDS(x, labels), &r->loss[i]), "%s", hsgd_error(ctx)))
            core_end();
    read_states(m, r);
    CHECK_MSG(!hsgd_trainer_evaluate(t, d, &r->evaluated, &accuracy), "%s", hsgd_error(ctx));
    hsgd_data_destroy(&d);
    hsgd_trainer_destroy(&t);
    states_in_files(ctx, m);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

static void slices_are_not_seen(void)
{
    static const struct run runs[] = { { .devices = "cpu", .threads = 1 },
                                       { .devices = "cpu", .threads = 2 },
                                       { .devices = "cpu,opencl", .threads = 1 } };
    struct run *r = core_shared(3 * sizeof *r);
    core_digits(0, BATCH, x, labels);
    for (int i = 0; i < 3; i++) {
        r[i] = runs[i];
        core_child(train, &r[i]);
        for (int s = 0; s < STEPS; s++)
            CHECK_MSG(fabs(r[i].loss[s] - r[0].loss[s]) <= 1e-4, "%s, %d: loss of step %d is %g, not %g", r[i].devices,
                      r[i].threads, s, r[i].loss[s], r[0].loss[s]);
        CHECK_MSG(fabs(r[i].evaluated - r[0].evaluated) <= 1e-4, "%g", r[i].evaluated);
        CHECK_MSG(core_distance(r[i].mean, r[0].mean, CHANNELS) < 1e-4, "running means");
        CHECK_MSG(core_distance(r[i].variance, r[0].variance, CHANNELS) < 1e-4, "running variances");
        CHECK_MSG(r[i].batches == STEPS, "%g batches", r[i].batches);
    }
    CHECK_MSG(r[0].loss[STEPS - 1] < r[0].loss[0], "the loss went from %g to %g", r[0].loss[0], r[0].loss[STEPS - 1]);
    CHECK_MSG(core_norm(r[0].mean, CHANNELS) > 1e-3, "the running means did not move");
    CHECK_MSG(fabs(r[0].evaluated - r[0].loss[STEPS - 1]) > 1e-3, "evaluation uses the statistics of the batch");
}

static const struct core_case cases[] = { { "slices_are_not_seen", slices_are_not_seen } };
CORE_MAIN(cases)
