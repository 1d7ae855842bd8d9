/* SPDX-License-Identifier: BSD-3-Clause */
/* A convolutional network on CIFAR-10:  cnn [DATA [EPOCHS [WEIGHTS]]]
 *
 * DATA is CIFAR-10 in any form that hsgd_data_read() reads (its binary files,
 * a folder or an archive of images); without it the built-in digits are
 * used.  The trained weights are written to WEIGHTS, a safetensors file. */
#include <hsgd/hsgd.h>

#include <stdio.h>
#include <stdlib.h>

struct demo {
    struct hsgd_context *ctx;
    struct hsgd_data *train, *test;
    struct hsgd_model *model;
    struct hsgd_trainer *trainer;
};

static int failed(const struct demo *d)
{
    fprintf(stderr, "cnn: %s\n", hsgd_error(d->ctx));
    return 1;
}

static bool progress(void *user, const struct hsgd_progress *p)
{
    const struct demo *d = user;
    struct hsgd_device device;
    if (!p->epoch_end) return true;
    printf("epoch %d of %d: loss %.4f, accuracy %.2f %%, %.0f samples/s", p->epoch, p->epochs, p->loss,
           100 * p->train_accuracy, p->samples_per_second);
    for (int i = 0; !hsgd_device_get(d->ctx, i, &device, sizeof device); i++)
        printf(", %s %llu samples", device.id, device.samples);
    putchar('\n');
    return true;
}

static struct hsgd_value *conv(struct hsgd_value *x, const char *name, int channels)
{
    return HSGD_OP(x, conv2d, name, .out_channels = channels, .kernel = 3, .padding = 1, .activation = HSGD_RELU);
}

/* Two convolutions and a pooling; in block 1 they are called "block1.conv1" and so on. */
static struct hsgd_value *block(struct hsgd_model *m, struct hsgd_value *x, int number, int channels)
{
    hsgd_enter(m, "block%d", number);
    x = conv(x, "conv1", channels);
    x = conv(x, "conv2", channels);
    x = HSGD_OP(x, max_pool, "pool", .kernel = 2);
    hsgd_leave(m);
    return x;
}

/* Calls pass errors on, so that one check at the end is enough. */
static int build(struct demo *d)
{
    struct hsgd_model *m = d->model = hsgd_model_create(d->ctx, "cnn-demo");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_data_type(d->train, "x"));
    struct hsgd_value *label = hsgd_target(m, "label", hsgd_data_type(d->train, "label"));
    x = block(m, x, 1, 16);
    x = block(m, x, 2, 32);
    x = HSGD_OP(x, flatten, NULL);
    x = HSGD_OP(x, dense, "fc1", .units = 128, .activation = HSGD_RELU);
    x = HSGD_OP(x, dropout, NULL, .p = 0.3f);
    x = HSGD_OP(x, dense, "fc2", .units = hsgd_data_classes(d->train));
    hsgd_loss(HSGD_JOIN(HSGD_OF(x, label), softmax_cross_entropy, NULL));
    return hsgd_model_finish(m) ? failed(d) : 0;
}

static int train(struct demo *d, int epochs)
{
    struct hsgd_train_options o;
    struct hsgd_fit_result r;
    double loss, accuracy;
    hsgd_train_defaults(&o, sizeof o);
    o.epochs = epochs;
    o.schedule = HSGD_COSINE;
    o.warmup_steps = 50;
    o.progress = progress;
    o.progress_user = d;
    d->trainer = hsgd_trainer_create(d->model, &o);
    if (!d->trainer || hsgd_fit(d->trainer, d->train, NULL, &r, sizeof r)) return failed(d);
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
    hsgd_data_destroy(&d->test);
    hsgd_destroy(&d->ctx);
}

int main(int argc, char **argv)
{
    struct demo d = { 0 };
    const char *data = argc > 1 ? argv[1] : "digits";
    int epochs = argc > 2 ? atoi(argv[2]) : 10;
    if (argc > 4 || epochs < 1) {
        fputs("usage: cnn [DATA [EPOCHS [WEIGHTS]]]\n", stderr);
        return 2;
    }
    bool opened = !hsgd_create(&d.ctx, NULL) && !hsgd_data_read(d.ctx, data, NULL, &d.train, &d.test);
    int code = opened ? build(&d) : failed(&d);
    if (!code) code = train(&d, epochs);
    if (!code && argc > 3 && hsgd_model_save(d.model, argv[3])) code = failed(&d);
    close_all(&d);
    return code;
}
