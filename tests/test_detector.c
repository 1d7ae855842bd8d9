/* SPDX-License-Identifier: BSD-3-Clause */
/* Detectors: terms of losses that operations make of the batch, the mean average precision of data in any batches, a
 * short training on scenes, and what is refused. */
#include "core.h"

#include <errno.h>
#include <math.h>

enum { SIDE = 24, STRIDE = 8, GRID = SIDE / STRIDE, CELLS = GRID * GRID, BOXES = 4, BOX = 5, SAMPLES = 21, FOUND = 6 };
enum { PIXELS = SIDE * SIDE * 3 };

static struct hsgd_context *ctx;
static float x[SAMPLES * PIXELS], boxes[SAMPLES * BOXES * BOX], offsets[SAMPLES * CELLS * 4];
static int32_t classes[SAMPLES * CELLS];
static const struct hsgd_type box_type = { HSGD_F32, 2, { BOXES, BOX } };

/* ------------------------------------------------------------ counted terms */

static uint64_t state;

static float draw(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (float)(state >> 40) / (1 << 24);
}

/* Samples with no box at all to BOXES, and what their cells are to find: at most one centre in a cell. */
static void draw_samples(void)
{
    for (int i = 0; i < SAMPLES * PIXELS; i++) x[i] = 2 * draw() - 1;
    memset(classes, 0, sizeof classes);
    memset(offsets, 0, sizeof offsets);
    for (int i = 0; i < SAMPLES; i++)
        for (int k = 0; k < BOXES; k++) {
            int row = 2 * k / 3 % GRID, column = 2 * k % 3, cell = (i * GRID + row) * GRID + column;
            bool there = draw() < (i % 4 ? 0.6f : 0);
            float *b = boxes + (i * BOXES + k) * BOX, *o = offsets + cell * 4;
            b[0] = there ? (float)(k % 2) : -1;
            b[1] = ((float)column + 0.1f + 0.8f * draw()) / GRID;
            b[2] = ((float)row + 0.1f + 0.8f * draw()) / GRID;
            b[3] = 0.1f + 0.5f * draw();
            b[4] = 0.1f + 0.5f * draw();
            if (!there) continue;
            classes[cell] = k % 2 + 1;
            o[0] = b[1] * GRID - (float)column - 0.5f;
            o[1] = b[2] * GRID - (float)row - 0.5f;
            o[2] = logf(b[3] * GRID);
            o[3] = logf(b[4] * GRID);
        }
}

static const struct hsgd_type class_type = { HSGD_I32, 2, { GRID, GRID } };
static const struct hsgd_type offset_type = { HSGD_F32, 3, { GRID, GRID, 4 } };

/* given: classes and offsets are fields, in place of boxes. */
static struct hsgd_model *make_model(bool given)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "boxes");
    struct hsgd_value *v = hsgd_input(m, "x", hsgd_image(SIDE, SIDE, 3)), *image = v, *class, *offset;
    v = HSGD_OP(v, conv2d, "conv", .out_channels = 6, .kernel = STRIDE, .stride = STRIDE, .activation = HSGD_TANH);
    struct hsgd_value *z = HSGD_OP(v, conv2d, "scores", .out_channels = 3, .kernel = 1);
    struct hsgd_value *o = HSGD_OP(v, conv2d, "offset", .out_channels = 4, .kernel = 1);
    if (given) {
        class = hsgd_target(m, "classes", class_type);
        offset = hsgd_target(m, "offsets", offset_type);
    } else {
        struct hsgd_value *box = hsgd_target(m, "boxes", box_type);
        class = HSGD_JOIN(HSGD_OF(box, image), assign_boxes, "assigned", .stride = STRIDE);
        offset = hsgd_output(class, 1);
    }
    hsgd_loss(HSGD_JOIN(HSGD_OF(z, class), focal, "loss_class", .has_background = true, .per_positive = true));
    hsgd_weighted_loss(HSGD_JOIN(HSGD_OF(o, offset, class), smooth_l1, "loss_box", .per_positive = true), 2);
    REQUIRE(!hsgd_model_finish(m) && !hsgd_model_initialise(m, 3));
    return m;
}

/* That only measures. */
static struct hsgd_trainer *trainer_of(struct hsgd_model *m, int batch, int slices)
{
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    o.batch_size = batch, o.slices = slices, o.optimizer = HSGD_SGD;
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    REQUIRE(t);
    return t;
}

static float *gradients(bool given, int slices, int n, int64_t *count)
{
    struct hsgd_model *m = make_model(given);
    struct hsgd_trainer *t = trainer_of(m, n, slices);
    *count = hsgd_model_parameters(m);
    float *g = calloc((size_t)*count, sizeof *g);
    CHECK(!hsgd_trainer_gradients(t, n, given ? HSGD_FIELDS(x, classes, offsets) : HSGD_FIELDS(x, boxes), g, *count));
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    return g;
}

/* The number of terms of a batch is the same, whether its classes are fields or made of boxes. */
static void counts_on(const char *devices)
{
    static const int slices[] = { 0, 1, 3 }, rows[] = { SAMPLES, 5, 1 };
    ctx = core_context(devices, 2, true);
    draw_samples();
    for (int i = 0; i < 9; i++) {
        int64_t n;
        float *made = gradients(false, slices[i % 3], rows[i / 3], &n);
        float *given = gradients(true, slices[i % 3], rows[i / 3], &n);
        if (rows[i / 3] > 1) CHECK(core_norm(given, n) > 1e-3);
        double apart = rows[i / 3] > 1 ? core_distance(made, given, n) : core_norm(made, n); /* sample 0 has no box */
        CHECK_MSG(apart < 1e-6, "%d samples, %d slices: %g apart", rows[i / 3], slices[i % 3], apart);
        free(made);
        free(given);
    }
    hsgd_destroy(&ctx);
}

static void counts_on_cpu(void) { counts_on("cpu"); }
static void counts_on_opencl(void) { counts_on("opencl"); }

/* ---------------------------------------------------- mean average precision */

/* Detections that are there, as inputs. */
static struct hsgd_model *measured_model(void)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "measured");
    struct hsgd_value *found = hsgd_input(m, "x", (struct hsgd_type){ HSGD_F32, 2, { 2, FOUND } });
    struct hsgd_value *box = hsgd_target(m, "boxes", (struct hsgd_type){ HSGD_F32, 2, { HSGD_ANY, BOX } });
    struct hsgd_value *other = hsgd_target(m, "other", hsgd_number(HSGD_F32));
    HSGD_JOIN(HSGD_OF(found, box), mean_average_precision, "map", .classes = 2);
    struct hsgd_value *v = HSGD_OP(HSGD_OP(found, flatten, NULL), dense, "y", .units = 1);
    hsgd_loss(HSGD_JOIN(HSGD_OF(v, other), mse, NULL));
    REQUIRE(!hsgd_model_finish(m));
    return m;
}

/* By hand.  Class 0 has three boxes; from the best score on its detections are right, wrong, right: 1/3 (1 + 2/3).
 * Class 1 has one box, which is found behind a wrong one: 1/2. */
static void averages_over_batches(void)
{
    static const float found[3][2][FOUND] = {
        { { 0, .3f, .3f, .2f, .2f, .9f }, { 1, .7f, .3f, .2f, .2f, .8f } },
        { { 0, .1f, .1f, .2f, .2f, .6f }, { 0, .5f, .5f, .2f, .2f, .3f } },
        { { 1, .4f, .4f, .4f, .4f, .2f }, { -1, 0, 0, 0, 0, 0 } },
    };
    static const float box[3][2][BOX] = {
        { { 0, .3f, .3f, .2f, .2f }, { -1, 0, 0, 0, 0 } },
        { { 0, .5f, .5f, .2f, .2f }, { 0, .8f, .8f, .1f, .1f } },
        { { 1, .4f, .4f, .4f, .4f }, { -1, 0, 0, 0, 0 } },
    };
    static const float other[3];
    ctx = core_context("cpu", 2, false);
    const struct hsgd_data_field field[] = {
        { sizeof(struct hsgd_data_field), "x", { HSGD_F32, 2, { 2, FOUND } }, 0, NULL, NULL },
        { sizeof(struct hsgd_data_field), "boxes", { HSGD_F32, 2, { 2, BOX } }, 0, NULL, NULL },
        { sizeof(struct hsgd_data_field), "other", hsgd_number(HSGD_F32), 0, NULL, NULL }
    };
    struct hsgd_data *d = hsgd_data_arrays(ctx, 3, 3, field, HSGD_FIELDS(found, box, other), HSGD_BORROW);
    REQUIRE(d);
    for (int batch = 1; batch <= 3; batch++) {
        double figure[2];
        struct hsgd_model *m = measured_model();
        struct hsgd_trainer *t = trainer_of(m, batch, 0);
        CHECK_STR(hsgd_model_metric_name(m, 1), "map");
        CHECK(!hsgd_trainer_measure(t, d, figure, 2));
        double want = (5.0 / 9 + 1.0 / 2) / 2;
        CHECK_MSG(fabs(figure[1] - want) < 1e-12, "batches of %d: %g, not %g", batch, figure[1], want);
        hsgd_trainer_destroy(&t);
        hsgd_model_destroy(&m);
    }
    hsgd_data_destroy(&d);
    hsgd_destroy(&ctx);
}

/* ------------------------------------------------------------------ training */

static char lines[4000];

static void keep_line(void *user, enum hsgd_log_level level, const char *line)
{
    (void)user, (void)level;
    snprintf(lines + strlen(lines), sizeof lines - strlen(lines), "%s\n", line);
}

/* The figures of other scenes, in batches and slices of any size, do not depend on these. */
static void measure_again(struct hsgd_model *m, const struct hsgd_normalisation *norm, const struct hsgd_data *d,
                          const double *want)
{
    static const int batch[] = { 7, 64, 200 };
    for (int i = 0; i < 3; i++) {
        double figure[4];
        struct hsgd_trainer *t = trainer_of(m, batch[i], i);
        CHECK(t && !hsgd_trainer_set_normalisation(t, norm) && !hsgd_trainer_measure(t, d, figure, 4));
        CHECK_MSG(fabs(figure[3] - want[3]) < 0.002 && fabs(figure[0] - want[0]) < 1e-4,
                  "batches of %d: loss %g and map %g, not %g and %g", batch[i], figure[0], figure[3], want[0], want[3]);
        hsgd_trainer_destroy(&t);
    }
}

static void learns_scenes(void)
{
    struct hsgd_fit_result r;
    struct hsgd_train_options how;
    struct hsgd_context_options o = { .size = sizeof o, .devices = "cpu", .threads = 2, .log = keep_line };
    REQUIRE(!hsgd_create(&ctx, &o));
    struct hsgd_data *d = hsgd_data_shapes(ctx, 5, 0, 1024), *others = hsgd_data_shapes(ctx, 6, 0, 200);
    struct hsgd_model *m = hsgd_model_by_name(ctx, "detector", hsgd_data_shape(d), hsgd_data_classes(d));
    REQUIRE(m && !hsgd_model_initialise(m, 1));
    CHECK(!hsgd_data_augment(ctx, d, HSGD_OPTIONS(augment, .flip = true), 0, 0, 1));
    CHECK_STR(hsgd_error(ctx), "data \"shapes\" has boxes, which crop, resized_crop, flip and rotate do not move");
    static const char *const names[] = { "loss", "loss_class", "loss_box", "map" };
    for (int i = 0; i < 4; i++) CHECK_STR(hsgd_model_metric_name(m, i), names[i]);
    CHECK(!hsgd_model_metric_name(m, 4));
    hsgd_train_defaults(&how, sizeof how);
    how.batch_size = 32, how.epochs = 4, how.learning_rate = 0.003f, how.seed = 1, how.best = "map";
    struct hsgd_trainer *t = hsgd_trainer_create(m, &how);
    REQUIRE(t && !hsgd_fit(t, d, others, &r, sizeof r));
    CHECK_MSG(r.train[0] < 0.6 * r.loss[0], "the loss is %g, from %g", r.train[0], r.loss[0]);
    CHECK_MSG(r.validation[3] > 0.1, "the mean average precision is %g", r.validation[3]);
    CHECK_MSG(strstr(lines, "\"boxes\" is not normalised"), "\"%s\"", lines);
    struct hsgd_normalisation *norm = hsgd_data_statistics(d);
    hsgd_trainer_destroy(&t);
    measure_again(m, norm, others, r.validation);
    hsgd_normalisation_destroy(&norm);
    hsgd_model_destroy(&m);
    hsgd_data_destroy(&others);
    hsgd_data_destroy(&d);
    hsgd_destroy(&ctx);
}

/* ------------------------------------------------------------------- refusals */

static struct hsgd_model *refused;

static struct hsgd_value *field(const char *name, struct hsgd_type type) { return hsgd_target(refused, name, type); }

static void refuses(const char *want)
{
    CHECK(hsgd_model_finish(refused) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), want);
    hsgd_model_destroy(&refused);
}

static struct hsgd_value *begin(void)
{
    refused = hsgd_model_create(ctx, "m");
    return hsgd_input(refused, "x", hsgd_image(SIDE, SIDE, 3));
}

static void refuses_models(void)
{
    ctx = core_context("cpu", 1, false);
    struct hsgd_value *v = begin();
    HSGD_JOIN(HSGD_OF(field("boxes", (struct hsgd_type){ HSGD_F32, 2, { 6, 4 } }), v), assign_boxes, NULL, .stride = 8);
    refuses("model \"m\", layer 1 (assign_boxes): the first input must be boxes, N x 5 floats, not 6x4");
    v = begin();
    HSGD_JOIN(HSGD_OF(field("boxes", box_type), HSGD_OP(v, flatten, NULL)), assign_boxes, NULL, .stride = 8);
    refuses("model \"m\", layer 2 (assign_boxes): the second input must be the image, height x width x channels, not "
            "1728");
    v = begin();
    HSGD_JOIN(HSGD_OF(field("boxes", box_type), v), assign_boxes, NULL, .stride = -2);
    refuses("model \"m\", layer 1 (assign_boxes): stride must be 1 or more, not -2");
    v = begin();
    HSGD_JOIN(HSGD_OF(v, v), detections, NULL, .score_threshold = 0.1f);
    refuses("model \"m\", layer 1 (detections): the second input must be 4 offsets for each position of 24x24x3, not "
            "24x24x3");
    v = begin();
    HSGD_JOIN(HSGD_OF(v, v), mean_average_precision, NULL, .classes = 2);
    refuses("model \"m\", layer 1 (mean_average_precision): the inputs must be detections, N x 6, and boxes, N x 5 "
            "floats, not 24x24x3 and 24x24x3");
    /* a number of terms that weights tell */
    v = begin();
    v = HSGD_OP(v, conv2d, "conv", .out_channels = 4, .kernel = STRIDE, .stride = STRIDE);
    hsgd_loss(HSGD_JOIN(HSGD_OF(v, field("t", offset_type), HSGD_OP(v, arg_max, NULL)), smooth_l1, NULL,
                        .per_positive = true));
    refuses("layer \"smooth_l11\": its number of terms depends on what the model computes");
    hsgd_destroy(&ctx);
}

/* More sums than a model has. */
static void limits_classes(void)
{
    ctx = core_context("cpu", 1, false);
    for (int classes_of = 15; classes_of < 17; classes_of++) {
        struct hsgd_model *m = hsgd_model_by_name(ctx, "detector", (struct hsgd_shape){ 64, 64, 3 }, classes_of);
        CHECK((m != NULL) == (classes_of == 15));
        if (!m)
            CHECK_STR(hsgd_error(ctx),
                      "model \"detector\": its losses and metrics have more than 32768 sums (\"map\")");
        hsgd_model_destroy(&m);
    }
    hsgd_destroy(&ctx);
}

static const struct core_case cases[] = { { "counts_on_cpu", counts_on_cpu },
                                          { "counts_on_opencl", counts_on_opencl },
                                          { "averages_over_batches", averages_over_batches },
                                          { "learns_scenes", learns_scenes },
                                          { "refuses_models", refuses_models },
                                          { "limits_classes", limits_classes } };
CORE_MAIN(cases)
