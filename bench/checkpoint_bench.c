/* SPDX-License-Identifier: BSD-3-Clause */
/* The cost of checkpoints at the default interval: the same training with and
 * without them, alternately in one process.
 *
 *   make checkpoint_bench && ./checkpoint_bench [MODEL [SECONDS]]
 *
 * Each run trains for SECONDS on the built-in digits and measures the time per
 * step until the last window, which excludes the final checkpoint.  The ratio
 * is the median over pairs of runs. */
#include <hsgd/hsgd.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PAIRS 9

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct run {
    double began, ended, seconds;
    int64_t steps;
};

static bool watch(void *user, const struct hsgd_progress *p)
{
    struct run *t = user;
    t->ended = now();
    t->steps = p->step;
    return t->ended - t->began < t->seconds;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Seconds per step. */
static double train(struct hsgd_context *ctx, const char *name, const struct hsgd_data *data, const char *folder,
                    double seconds)
{
    struct run run = { .seconds = seconds };
    struct hsgd_train_options o;
    struct hsgd_fit_result r;
    struct hsgd_model *m = hsgd_model_by_name(ctx, name, hsgd_data_shape(data), hsgd_data_classes(data));
    hsgd_train_defaults(&o, sizeof o);
    o.epochs = 1000000;
    o.checkpoints = folder;
    o.progress = watch;
    o.progress_user = &run;
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    if (!t || hsgd_trainer_plan(t, o.batch_size) < 0) goto failed;
    run.began = now();
    if (hsgd_fit(t, data, NULL, &r, sizeof r)) goto failed;
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    return (run.ended - run.began) / (double)run.steps;
failed:
    fprintf(stderr, "%s\n", hsgd_error(ctx));
    exit(1);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "mlp";
    double seconds = argc > 2 ? atof(argv[2]) : 2, ratio[PAIRS], plain = 0, kept;
    char folder[64];
    struct hsgd_context *ctx;
    if (hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = "cpu"))) return 1;
    struct hsgd_data *data = hsgd_data_open(ctx, "digits", HSGD_TRAIN);
    for (int i = 0; i < PAIRS; i++) {
        snprintf(folder, sizeof folder, "checkpoint-bench-%d-%d", (int)getpid(), i);
        if (i % 2) plain = train(ctx, name, data, NULL, seconds);
        kept = train(ctx, name, data, folder, seconds);
        if (i % 2 == 0) plain = train(ctx, name, data, NULL, seconds);
        ratio[i] = kept / plain;
        printf("%s: %.4f ms a step without, %.4f with checkpoints, ratio %.4f\n", name, 1e3 * plain, 1e3 * kept,
               ratio[i]);
        char command[100];
        snprintf(command, sizeof command, "rm -r %s", folder);
        if (system(command)) return 1;
    }
    qsort(ratio, PAIRS, sizeof *ratio, ascending);
    printf("%s: median ratio %.4f\n", name, ratio[PAIRS / 2]);
    hsgd_data_destroy(&data);
    hsgd_destroy(&ctx);
    return 0;
}
