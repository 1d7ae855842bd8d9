/* SPDX-License-Identifier: BSD-3-Clause */
/* Boxes of objects in small images: each cell of a grid of 8 x 8 pixels has the class of the object whose centre it
 * contains, or of the background, and the place of its box (Redmon et al. 2016).  It is the network of
 * models/detector.yaml.
 *
 *     cc -O2 detector.c $(pkg-config --cflags --libs hsgd) -o detector
 *     ./detector [SCENES [EPOCHS [WEIGHTS]]]
 *
 * It trains on so many generated scenes of seed 0, and is measured on others, of seed 1; hsgd_data_read() reads a folder
 * of images with boxes.  WEIGHTS, a safetensors file, is written at the end.  DEVICES=cpu or DEVICES=cpu,cuda in the
 * environment selects devices; without it all are used. */
#include <hsgd/hsgd.h>

#include <stdio.h>
#include <stdlib.h>

enum { LOSS, LOSS_CLASS, LOSS_BOX, MAP, FIGURES }; /* as hsgd_model_metric_name() has them */
enum { FOUND = 32, SIDE = 64 };

static bool progress(void *user, const struct hsgd_progress *p)
{
    (void)user;
    if (p->epoch_end)
        printf("epoch %d of %d: loss %.4f, %.0f samples/s\n", p->epoch, p->epochs, p->loss, p->samples_per_second);
    return true;
}

/* 3x3 kernels, batch norm, ReLU. */
static struct hsgd_value *conv(struct hsgd_value *x, int channels, int stride)
{
    x = HSGD_OP(x, conv2d, "conv", .out_channels = channels, .kernel = 3, .stride = stride, .padding = 1,
                .no_bias = true);
    x = HSGD_OP(x, batch_norm, "bn");
    return HSGD_OP(x, relu, NULL);
}

/* Calls pass errors on, up to hsgd_trainer_create(). */
static struct hsgd_model *build(struct hsgd_context *ctx, const struct hsgd_data *data)
{
    static const struct {
        int channels, stride;
    } layer[] = { { 16, 2 }, { 32, 2 }, { 32, 1 }, { 64, 2 }, { 64, 1 }, { 64, 1 } };
    struct hsgd_model *m = hsgd_model_create(ctx, "detector");
    struct hsgd_value *image = hsgd_input(m, "x", hsgd_data_type(data, "x")), *x = image;
    struct hsgd_value *boxes = hsgd_target(m, "boxes", (struct hsgd_type){ HSGD_F32, 2, { HSGD_ANY, 5 } });
    for (int i = 0; i < 6; i++) {
        hsgd_enter(m, "conv%d", i + 1);
        x = conv(x, layer[i].channels, layer[i].stride);
        hsgd_leave(m);
    }
    struct hsgd_value *background = HSGD_OP(x, conv2d, "background", .out_channels = 1, .kernel = 1);
    struct hsgd_value *objects = HSGD_OP(x, conv2d, "objects", .out_channels = hsgd_data_classes(data), .kernel = 1);
    struct hsgd_value *scores = HSGD_JOIN(HSGD_OF(background, objects), concat, "scores");
    struct hsgd_value *offsets = HSGD_OP(x, conv2d, "offsets", .out_channels = 4, .kernel = 1);

    /* what each cell is to find: class + 1, or 0, and offsets */
    struct hsgd_value *assigned = HSGD_JOIN(HSGD_OF(boxes, image), assign_boxes, "assigned", .stride = 8);
    hsgd_loss(HSGD_JOIN(HSGD_OF(scores, assigned), softmax_cross_entropy, "loss_class"));
    hsgd_loss(HSGD_JOIN(HSGD_OF(offsets, hsgd_output(assigned, 1), assigned), smooth_l1, "loss_box", .beta = 0.1f,
                        .per_positive = true));

    struct hsgd_value *probabilities = HSGD_OP(scores, softmax, "probabilities");
    struct hsgd_value *found = HSGD_JOIN(HSGD_OF(probabilities, offsets), detections, "found", .has_background = true);
    HSGD_JOIN(HSGD_OF(found, boxes), mean_average_precision, "map", .classes = hsgd_data_classes(data));
    hsgd_result(found, "detections");
    hsgd_model_finish(m);
    return m;
}

/* What the model finds in a sample; x is normalised as in the training. */
static int show(struct hsgd_model *model, const struct hsgd_data *train, const struct hsgd_data *d, int64_t sample)
{
    static float x[SIDE * SIDE * 3], found[FOUND][6]; /* class, x, y, w, h, score, from the best on */
    struct hsgd_normalisation *norm = hsgd_data_statistics(train);
    struct hsgd_session *session = hsgd_session_create(model, NULL);
    int err = norm && session ? 0 : -1;
    if (!err) hsgd_data_gather_field(d, 0, &sample, 1, norm, x);
    if (!err) err = hsgd_session_run(session, 1, HSGD_FIELDS(x), HSGD_RESULTS(found));
    for (int i = 0; !err && i < FOUND && found[i][5] >= 0.5f; i++)
        printf("%-9s %.2f at %.2f, %.2f, size %.2f x %.2f\n", hsgd_data_class_name(d, (int)found[i][0]),
               (double)found[i][5], (double)found[i][1], (double)found[i][2], (double)found[i][3], (double)found[i][4]);
    hsgd_session_destroy(&session);
    hsgd_normalisation_destroy(&norm);
    return err;
}

int main(int argc, char **argv)
{
    struct hsgd_context *ctx;
    struct hsgd_train_options o;
    double figure[FIGURES];
    int scenes = argc > 1 ? atoi(argv[1]) : 8000, epochs = argc > 2 ? atoi(argv[2]) : 12;
    if (argc > 4 || scenes < 1 || epochs < 1) return fputs("usage: detector [SCENES [EPOCHS [WEIGHTS]]]\n", stderr), 2;

    int err = hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = getenv("DEVICES")));
    struct hsgd_data *train = err ? NULL : hsgd_data_shapes(ctx, 0, 0, scenes);
    struct hsgd_data *test = train ? hsgd_data_shapes(ctx, 1, 0, scenes < 1000 ? scenes : 1000) : NULL;
    struct hsgd_model *model = test ? build(ctx, train) : NULL;
    hsgd_train_defaults(&o, sizeof o);
    o.batch_size = 64;
    o.epochs = epochs;
    o.learning_rate = 3e-3f;
    o.schedule = HSGD_COSINE;
    o.progress = progress;
    struct hsgd_trainer *trainer = hsgd_trainer_create(model, &o);
    if (!trainer) err = -1;
    if (!err) err = hsgd_fit(trainer, train, NULL, NULL, 0);
    if (!err) err = hsgd_trainer_measure(trainer, test, figure, FIGURES);
    if (!err) printf("test loss %.4f, mean average precision %.4f\n", figure[LOSS], figure[MAP]);
    if (!err) err = show(model, train, test, 0);
    if (!err && argc > 3) err = hsgd_model_save(model, argv[3]);
    if (err) fprintf(stderr, "detector: %s\n", hsgd_error(ctx));
    hsgd_trainer_destroy(&trainer);
    hsgd_model_destroy(&model);
    hsgd_data_destroy(&train);
    hsgd_data_destroy(&test);
    hsgd_destroy(&ctx);
    return err != 0;
}
