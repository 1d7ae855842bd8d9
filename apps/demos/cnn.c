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

/* Two convolutions and a pooling, twice. */
static struct hsgd_model *add_block(struct hsgd_model *m, int channels)
{
    m = hsgd_add_conv2d(m, channels, 3, 1, HSGD_RELU);
    m = hsgd_add_conv2d(m, channels, 3, 1, HSGD_RELU);
    return hsgd_add_max_pool(m, 2);
}

static int build(struct demo *d)
{
    struct hsgd_model *m = hsgd_chain_create(d->ctx, "cnn-demo", hsgd_data_shape(d->train));
    m = add_block(m, 16);
    m = add_block(m, 32);
    m = hsgd_add_flatten(m);
    m = hsgd_add_dense(m, 128, HSGD_RELU);
    m = hsgd_add_dropout(m, 0.3f);
    m = hsgd_add_dense(m, hsgd_data_classes(d->train), HSGD_NO_ACTIVATION);
    d->model = hsgd_add_softmax_cross_entropy(m);
    return d->model ? 0 : failed(d);
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
