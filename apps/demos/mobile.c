/* SPDX-License-Identifier: BSD-3-Clause */
/* Depthwise separable convolutions (MobileNets, Howard et al. 2017) on small images, from a table of layers.
 * It is the network of models/mobile-cnn.yaml.
 *
 *     cc -O2 mobile.c $(pkg-config --cflags --libs hsgd) -o mobile
 *     ./mobile [DATA [EPOCHS [WEIGHTS]]]
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

/* Kernels of 3x3 or 1x1 in each group of channels, batch norm, ReLU. */
static struct hsgd_value *conv(struct hsgd_value *x, const char *name, const char *norm, int channels, int kernel,
                               int stride, int groups)
{
    x = HSGD_OP(x, conv2d, name, .out_channels = channels, .kernel = kernel, .stride = stride, .padding = kernel / 2,
                .groups = groups, .no_bias = true);
    x = HSGD_OP(x, batch_norm, norm);
    return HSGD_OP(x, relu, NULL);
}

/* Calls pass errors on, up to hsgd_trainer_create(). */
static struct hsgd_model *build(struct hsgd_context *ctx, const struct hsgd_data *data)
{
    static const struct {
        int channels, stride;
    } layer[] = { { 64, 1 }, { 128, 2 }, { 128, 1 }, { 256, 2 }, { 256, 1 } };
    struct hsgd_model *m = hsgd_model_create(ctx, "mobile-cnn");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_data_type(data, "x"));
    struct hsgd_value *label = hsgd_target(m, "label", hsgd_data_type(data, "label"));
    int before = 32;
    x = conv(x, "conv1", "bn1", before, 3, 1, 1);
    for (int i = 0; i < 5; i++) {
        hsgd_enter(m, "layer%d", i + 1);
        x = conv(x, "conv1", "bn1", before, 3, layer[i].stride, before); /* each channel by itself, */
        x = conv(x, "conv2", "bn2", layer[i].channels, 1, 1, 1);         /* then each pixel by itself */
        before = layer[i].channels;
        hsgd_leave(m);
    }
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
    if (argc > 4 || epochs < 1) return fputs("usage: mobile [DATA [EPOCHS [WEIGHTS]]]\n", stderr), 2;

    int err = hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = getenv("DEVICES")));
    if (!err) err = hsgd_data_read(ctx, argc > 1 ? argv[1] : "digits", NULL, &train, &test);
    struct hsgd_model *model = err ? NULL : build(ctx, train);
    hsgd_train_defaults(&o, sizeof o);
    o.epochs = epochs;
    o.learning_rate = 3e-3f;
    o.schedule = HSGD_COSINE;
    o.progress = progress;
    struct hsgd_trainer *trainer = hsgd_trainer_create(model, &o);
    if (!err) err = hsgd_fit(trainer, train, NULL, NULL, 0);
    if (!err && test) err = hsgd_trainer_evaluate(trainer, test, &loss, &accuracy);
    if (!err && test) printf("test accuracy %.2f %%, loss %.4f\n", 100 * accuracy, loss);
    if (!err && argc > 3) err = hsgd_model_save(model, argv[3]);
    if (err) fprintf(stderr, "mobile: %s\n", hsgd_error(ctx));
    hsgd_trainer_destroy(&trainer);
    hsgd_model_destroy(&model);
    hsgd_data_destroy(&train);
    hsgd_data_destroy(&test);
    hsgd_destroy(&ctx);
    return err != 0;
}
