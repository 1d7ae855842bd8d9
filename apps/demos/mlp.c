/* SPDX-License-Identifier: BSD-3-Clause */
/* An MLP on MNIST, with checkpoints:  mlp [DATA [EPOCHS [FOLDER]]]
 *
 * DATA is the folder with MNIST's IDX files, or anything else that
 * hsgd_data_read() reads; without it the built-in digits are used.  Called
 * again with the same FOLDER, it resumes from the last checkpoint there. */
#include <hsgd/hsgd.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct demo {
    struct hsgd_context *ctx;
    struct hsgd_data *whole, *train, *validation, *test;
    struct hsgd_model *model;
    struct hsgd_trainer *trainer;
};

/* The sentence of the last error. */
static int failed(const struct demo *d)
{
    fprintf(stderr, "mlp: %s\n", hsgd_error(d->ctx));
    return 1;
}

static bool progress(void *user, const struct hsgd_progress *p)
{
    (void)user;
    if (p->epoch_end)
        printf("epoch %d of %d: loss %.4f, validation accuracy %.2f %%\n", p->epoch, p->epochs, p->loss,
               100 * p->validation_accuracy);
    return true;
}

/* A tenth of the training samples is held out for validation. */
static int open_data(struct demo *d, const char *what)
{
    if (hsgd_data_read(d->ctx, what, NULL, &d->whole, &d->test)) return failed(d);
    int64_t n = hsgd_data_count(d->whole) / 10;
    return hsgd_data_split(d->ctx, d->whole, n, 1, &d->validation, &d->train) ? failed(d) : 0;
}

/* 128-64 with ReLU and dropout.  Calls pass errors on, so that one check at the
 * end is enough. */
static int build(struct demo *d)
{
    struct hsgd_model *m = d->model = hsgd_model_create(d->ctx, "mlp-demo");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_data_type(d->train, "x"));
    struct hsgd_value *label = hsgd_target(m, "label", hsgd_data_type(d->train, "label"));
    x = HSGD_OP(x, flatten, NULL);
    x = HSGD_OP(x, dense, "fc1", .units = 128, .activation = HSGD_RELU);
    x = HSGD_OP(x, dropout, NULL, .p = 0.1f);
    x = HSGD_OP(x, dense, "fc2", .units = 64, .activation = HSGD_RELU);
    x = HSGD_OP(x, dense, "fc3", .units = hsgd_data_classes(d->train));
    hsgd_loss(HSGD_JOIN(HSGD_OF(x, label), softmax_cross_entropy, NULL));
    return hsgd_model_finish(m) ? failed(d) : 0;
}

static int open_trainer(struct demo *d, int epochs, const char *folder)
{
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    o.epochs = epochs;
    o.optimizer = HSGD_ADAMW;
    o.weight_decay = 0.01f;
    o.schedule = HSGD_COSINE;
    o.checkpoints = folder;
    o.progress = progress;
    d->trainer = hsgd_trainer_create(d->model, &o);
    return d->trainer ? 0 : failed(d);
}

/* Resumes from the last checkpoint, if there is one. */
static int resume(struct demo *d, const char *folder)
{
    char last[4096];
    int64_t step = folder ? hsgd_checkpoint_latest(d->ctx, folder) : -ENOENT;
    if (step == -ENOENT) return 0;
    if (step < 0) return failed(d);
    snprintf(last, sizeof last, "%s/last", folder);
    printf("resuming after step %lld\n", (long long)step);
    return hsgd_checkpoint_load(d->trainer, last) ? failed(d) : 0;
}

static int train(struct demo *d)
{
    struct hsgd_fit_result r;
    double loss, accuracy;
    if (hsgd_fit(d->trainer, d->train, d->validation, &r, sizeof r)) return failed(d);
    printf("%lld steps in %.1f s\n", (long long)r.steps, r.seconds);
    if (!d->test) return 0;
    if (hsgd_trainer_evaluate(d->trainer, d->test, &loss, &accuracy)) return failed(d);
    printf("test accuracy %.2f %%, loss %.4f\n", 100 * accuracy, loss);
    return 0;
}

static void close_all(struct demo *d)
{
    hsgd_trainer_destroy(&d->trainer);
    hsgd_model_destroy(&d->model);
    hsgd_data_destroy(&d->train);
    hsgd_data_destroy(&d->validation);
    hsgd_data_destroy(&d->whole);
    hsgd_data_destroy(&d->test);
    hsgd_destroy(&d->ctx);
}

int main(int argc, char **argv)
{
    struct demo d = { 0 };
    const char *data = argc > 1 ? argv[1] : "digits", *folder = argc > 3 ? argv[3] : NULL;
    int epochs = argc > 2 ? atoi(argv[2]) : 5;
    if (argc > 4 || epochs < 1) {
        fputs("usage: mlp [DATA [EPOCHS [FOLDER]]]\n", stderr);
        return 2;
    }
    int code = hsgd_create(&d.ctx, NULL) ? failed(&d) : open_data(&d, data);
    if (!code) code = build(&d);
    if (!code) code = open_trainer(&d, epochs, folder);
    if (!code) code = resume(&d, folder);
    if (!code) code = train(&d);
    close_all(&d);
    return code;
}
