/* SPDX-License-Identifier: BSD-3-Clause */
/* ResNet-20 (He et al. 2016) on small images: a residual block is a C function, loops repeat it, and scopes name
 * its weights as torchvision does ("layer2.0.conv1.weight").  It is the network of models/resnet20.yaml.
 *
 *     cc -O2 resnet.c $(pkg-config --cflags --libs hsgd) -o resnet
 *     ./resnet [DATA [EPOCHS [WEIGHTS]]]
 *
 * DATA is CIFAR-10 or any images that hsgd_data_read() reads: binary files, a folder, an archive; without it the
 * built-in digits.  WEIGHTS, a safetensors file, is written at the end.  DEVICES=cpu or DEVICES=cpu,cuda in the
 * environment selects devices; without it all are used. */
#include <hsgd/hsgd.h>

#include <stdio.h>
#include <stdlib.h>

static bool progress(void *user, const struct hsgd_progress *p)
{
    (void)user;
    if (p->epoch_end)
        printf("epoch %d of %d: loss %.4f, accuracy %.2f %%, %.0f samples/s\n", p->epoch, p->epochs, p->loss,
               100 * p->train_accuracy, p->samples_per_second);
    return true;
}

/* A convolution without bias, and batch norm. */
static struct hsgd_value *conv(struct hsgd_value *x, const char *name, const char *norm, int channels, int kernel,
                               int stride)
{
    x = HSGD_OP(x, conv2d, name, .out_channels = channels, .kernel = kernel, .stride = stride, .padding = kernel / 2,
                .no_bias = true);
    return HSGD_OP(x, batch_norm, norm);
}

/* y = relu(f(x) + x); where f halves the image, x comes by a convolution of 1x1. */
static struct hsgd_value *block(struct hsgd_model *m, struct hsgd_value *x, int stage, int i)
{
    int channels = 8 << stage, stride = stage > 1 && i == 0 ? 2 : 1;
    hsgd_enter(m, "layer%d.%d", stage, i);
    struct hsgd_value *y = conv(x, "conv1", "bn1", channels, 3, stride);
    y = HSGD_OP(y, relu, NULL);
    y = conv(y, "conv2", "bn2", channels, 3, 1);
    if (stride > 1) x = conv(x, "downsample.0", "downsample.1", channels, 1, stride);
    y = HSGD_JOIN(HSGD_OF(y, x), add, NULL);
    y = HSGD_OP(y, relu, NULL);
    hsgd_leave(m);
    return y;
}

/* Calls pass errors on, up to hsgd_trainer_create(). */
static struct hsgd_model *build(struct hsgd_context *ctx, const struct hsgd_data *data)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "resnet20");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_data_type(data, "x"));
    struct hsgd_value *label = hsgd_target(m, "label", hsgd_data_type(data, "label"));
    x = conv(x, "conv1", "bn1", 16, 3, 1);
    x = HSGD_OP(x, relu, NULL);
    for (int stage = 1; stage <= 3; stage++)
        for (int i = 0; i < 3; i++) x = block(m, x, stage, i);
    x = HSGD_OP(x, global_avg_pool, NULL);
    x = HSGD_OP(x, dense, "fc", .units = hsgd_data_classes(data));
    hsgd_loss(HSGD_JOIN(HSGD_OF(x, label), softmax_cross_entropy, NULL));
    hsgd_result(x, "logits");
    hsgd_model_finish(m);
    return m;
}

int main(int argc, char **argv)
{
    struct hsgd_context *ctx;
    struct hsgd_data *train = NULL, *test = NULL;
    struct hsgd_train_options o;
    double loss, accuracy;
    int epochs = argc > 2 ? atoi(argv[2]) : 2;
    if (argc > 4 || epochs < 1) return fputs("usage: resnet [DATA [EPOCHS [WEIGHTS]]]\n", stderr), 2;

    int err = hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = getenv("DEVICES")));
    if (!err) err = hsgd_data_read(ctx, argc > 1 ? argv[1] : "digits", NULL, &train, &test);
    struct hsgd_model *model = err ? NULL : build(ctx, train);
    hsgd_train_defaults(&o, sizeof o);
    o.epochs = epochs;
    o.optimizer = HSGD_NESTEROV;
    o.learning_rate = 0.1f;
    o.weight_decay = 5e-4f;
    o.schedule = HSGD_ONE_CYCLE;
    o.progress = progress;
    if (hsgd_data_shape(train).c == 3) o.augment = HSGD_OPTIONS(augment, .crop = 4, .flip = true); /* not of digits */
    struct hsgd_trainer *trainer = hsgd_trainer_create(model, &o);
    if (!err) err = hsgd_fit(trainer, train, NULL, NULL, 0);
    if (!err && test) err = hsgd_trainer_evaluate(trainer, test, &loss, &accuracy);
    if (!err && test) printf("test accuracy %.2f %%, loss %.4f\n", 100 * accuracy, loss);
    if (!err && argc > 3) err = hsgd_model_save(model, argv[3]);
    if (err) fprintf(stderr, "resnet: %s\n", hsgd_error(ctx));
    hsgd_trainer_destroy(&trainer);
    hsgd_model_destroy(&model);
    hsgd_data_destroy(&train);
    hsgd_data_destroy(&test);
    hsgd_destroy(&ctx);
    return err != 0;
}
