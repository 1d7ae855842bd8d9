/* SPDX-License-Identifier: BSD-3-Clause */
/* Random changes of samples.  A picture whose numbers are its own places
 * shows where each number of the result came from. */
#include "core.h"

#include <errno.h>
#include <math.h>

enum { H = 12, W = 16, COUNT = 4000 };

/* Channels: place y, place x (the first pixel at 0.5), and 1. */
static struct hsgd_data *places(int count)
{
    float *x = malloc((size_t)count * H * W * 3 * sizeof *x), *to = x;
    int32_t *labels = calloc((size_t)count, sizeof *labels);
    for (int i = 0; i < count * H * W; i++, to += 3) {
        to[0] = (float)(i / W % H) + 0.5f;
        to[1] = (float)(i % W) + 0.5f;
        to[2] = 1;
    }
    for (int i = 0; i < count; i++) labels[i] = i % 7;
    struct hsgd_data *d = hsgd_data_memory(NULL, x, labels, count, (struct hsgd_shape){ H, W, 3 }, 7, HSGD_COPY);
    REQUIRE(d);
    free(x), free(labels);
    return d;
}

/* All numbers of the changed set. */
static float *changed(const struct hsgd_data *d, struct hsgd_augment_options how, uint64_t seed, int64_t epoch,
                      int count)
{
    struct hsgd_data *made = hsgd_data_augment(NULL, d, &how, seed, epoch, count);
    REQUIRE(made && hsgd_data_count(made) == count);
    float *x = malloc((size_t)count * H * W * 3 * sizeof *x);
    int64_t *index = malloc((size_t)count * sizeof *index);
    int32_t *labels = malloc((size_t)count * sizeof *labels);
    for (int i = 0; i < count; i++) index[i] = i;
    hsgd_data_gather(made, index, count, NULL, x, labels);
    for (int i = 0; i < count; i++) CHECK(labels[i] == i % 7);
    free(index), free(labels);
    hsgd_data_destroy(&made);
    return x;
}

static const float *at(const float *x, int i, int y, int c) { return x + ((i * H + y) * W + c) * 3; }

/* Are all numbers of sample i those of the place (y0 + y, x0 +- x), black outside? */
static bool is_shifted(const float *x, int i, int dy, int dx, bool flip)
{
    for (int y = 0; y < H; y++)
        for (int c = 0; c < W; c++) {
            const float *v = at(x, i, y, c);
            int py = y + dy, px = (flip ? W - 1 - c : c) + dx;
            bool inside = py >= 0 && py < H && px >= 0 && px < W;
            float fy = inside ? (float)py + 0.5f : 0, fx = inside ? (float)px + 0.5f : 0;
            if (v[0] != fy || v[1] != fx || v[2] != (float)inside) return false;
        }
    return true;
}

/* Every number is right to the bit, and all shifts are equally likely. */
static void crop_and_flip(void)
{
    struct hsgd_data *d = places(COUNT);
    int seen[2][5][5] = { 0 }, found = 0;
    float *x = changed(d, *HSGD_OPTIONS(augment, .crop = 2, .flip = true), 5, 0, COUNT);
    for (int i = 0; i < COUNT; i++)
        for (int k = 0; k < 50; k++)
            if (is_shifted(x, i, k / 5 % 5 - 2, k % 5 - 2, k / 25)) seen[k / 25][k / 5 % 5][k % 5]++, found++;
    CHECK_MSG(found == COUNT, "%d of %d samples are shifted", found, COUNT);
    for (int k = 0; k < 50; k++) { /* 80 expected, deviation 8.9 */
        int n = seen[k / 25][k / 5 % 5][k % 5];
        CHECK_MSG(n >= 40 && n <= 120, "shift %d: %d times", k, n);
    }
    free(x);
    x = changed(d, *HSGD_OPTIONS(augment, .flip = true), 5, 0, COUNT);
    int flipped = 0;
    for (int i = 0; i < COUNT; i++) {
        bool flip = is_shifted(x, i, 0, 0, true);
        CHECK(flip || is_shifted(x, i, 0, 0, false));
        flipped += flip;
    }
    CHECK_MSG(abs(flipped - COUNT / 2) < 160, "%d flipped", flipped); /* deviation 32 */
    free(x);
    hsgd_data_destroy(&d);
}

/* Where the middle of the result came from, and how far its neighbours are. */
static void resized_crop(void)
{
    struct hsgd_data *d = places(COUNT);
    float *x = changed(d, *HSGD_OPTIONS(augment, .resized_crop = 0.25f), 9, 3, COUNT);
    double least = 1, most = 0, narrow = 9, wide = 0;
    for (int i = 0; i < COUNT; i++) {
        const float *v = at(x, i, H / 2, W / 2), *up = at(x, i, H / 2 - 1, W / 2), *left = at(x, i, H / 2, W / 2 - 1);
        double h = H * (double)(v[0] - up[0]), w = W * (double)(v[1] - left[1]);
        double top = (v[0] + up[0] - h) / 2, begin = (v[1] + left[1] - w) / 2;
        least = fmin(least, h * w / (H * W)), most = fmax(most, h * w / (H * W));
        narrow = fmin(narrow, w / h), wide = fmax(wide, w / h);
        CHECK_MSG(top > -1e-3 && begin > -1e-3 && top + h < H + 1e-3 && begin + w < W + 1e-3, "sample %d", i);
        CHECK(fabs(h - round(h)) < 1e-3 && fabs(w - round(w)) < 1e-3 && fabs(top - round(top)) < 1e-3);
        for (int k = 0; k < H * W; k++) { /* clamped at the edges of the picture, never black */
            const float *u = at(x, i, k / W, k % W);
            double py = fmin(fmax(top + (k / W + 0.5) * h / H, 0.5), H - 0.5);
            double px = fmin(fmax(begin + (k % W + 0.5) * w / W, 0.5), W - 0.5);
            CHECK_MSG(fabs(u[0] - py) < 1e-4 && fabs(u[1] - px) < 1e-4 && fabs(u[2] - 1) < 1e-6, "sample %d at %d", i,
                      k);
        }
    }
    /* sides are whole pixels: shares and ratios may be a little outside of what was asked for */
    CHECK_MSG(least > 0.2 && least < 0.3 && most > 0.95 && most <= 1.0 + 1e-6, "shares %g to %g", least, most);
    CHECK_MSG(narrow > 0.65 && narrow < 0.82 && wide > 1.25 && wide < 1.52, "sides %g to %g", narrow, wide);
    free(x);
    hsgd_data_destroy(&d);
}

/* The angle follows from two places; then it holds for all. */
static void rotate(void)
{
    struct hsgd_data *d = places(COUNT);
    float *x = changed(d, *HSGD_OPTIONS(augment, .rotate = 30), 1, 0, COUNT);
    double least = 90, most = -90;
    int black = 0;
    for (int i = 0; i < COUNT; i++) {
        const float *v = at(x, i, H / 2, W / 2), *left = at(x, i, H / 2, W / 2 - 1);
        double angle = atan2(v[0] - left[0], v[1] - left[1]), c = cos(angle), s = sin(angle);
        least = fmin(least, angle * 180 / M_PI), most = fmax(most, angle * 180 / M_PI);
        for (int k = 0; k < H * W; k++) {
            const float *u = at(x, i, k / W, k % W);
            double dy = k / W + 0.5 - H / 2, dx = k % W + 0.5 - W / 2, py = H / 2 + c * dy + s * dx;
            double px = W / 2 - s * dy + c * dx;
            double beyond = fmax(fmax(-py, py - H), fmax(-px, px - W)); /* > 0: outside of the picture */
            if (fabs(beyond) < 1e-3) continue;
            py = beyond > 0 ? 0 : fmin(fmax(py, 0.5), H - 0.5);
            px = beyond > 0 ? 0 : fmin(fmax(px, 0.5), W - 0.5);
            CHECK_MSG(fabs(u[0] - py) < 1e-3 && fabs(u[1] - px) < 1e-3, "sample %d at %d: %g %g, not %g %g", i, k, u[0],
                      u[1], py, px);
            black += u[2] == 0;
        }
    }
    CHECK_MSG(least > -30.001 && least < -29 && most > 29 && most < 30.001, "angles %g to %g", least, most);
    CHECK_MSG(black > COUNT, "%d black", black);
    free(x);
    hsgd_data_destroy(&d);
}

/* Of seed, epoch and index, and of nothing else. */
static void pure(void)
{
    struct hsgd_augment_options all = { .size = sizeof all, .rotate = 10, .resized_crop = 0.5f, .flip = true };
    struct hsgd_data *d = places(50), *part, *rest;
    size_t size = H * W * 3 * sizeof(float);
    float *a = changed(d, all, 1, 2, 50), *b = changed(d, all, 1, 2, 20);
    CHECK(!memcmp(a, b, 20 * size));
    float *epoch = changed(d, all, 1, 3, 50), *seed = changed(d, all, 2, 2, 50);
    for (int i = 0; i < 50; i++) {
        CHECK(memcmp(at(a, i, 0, 0), at(epoch, i, 0, 0), size) && memcmp(at(a, i, 0, 0), at(seed, i, 0, 0), size));
        if (i) CHECK(memcmp(at(a, i, 0, 0), at(a, i - 1, 0, 0), size));
    }
    REQUIRE(!hsgd_data_split(NULL, d, 10, 1, &part, &rest));
    struct hsgd_data *made = hsgd_data_augment(NULL, part, &all, 1, 2, 100);
    CHECK(made && hsgd_data_count(made) == 10);
    hsgd_data_destroy(&made), hsgd_data_destroy(&part), hsgd_data_destroy(&rest), hsgd_data_destroy(&d);
    free(a), free(b), free(epoch), free(seed);
}

/* 8-bit samples stay what they are. */
static void bytes_stay(void)
{
    struct hsgd_data *d = hsgd_data_digits(NULL, 0, 0, 20);
    struct hsgd_augment_options none = { .size = sizeof none, .crop = 0 }, crop = { .size = sizeof crop, .crop = 3 };
    struct hsgd_data *same = hsgd_data_augment(NULL, d, &none, 1, 0, 20);
    struct hsgd_data *moved = hsgd_data_augment(NULL, d, &crop, 1, 0, 20);
    float x[784], y[784], z[784];
    double before = 0, after = 0;
    int32_t labels[2];
    REQUIRE(same && moved);
    for (int64_t i = 0; i < 20; i++) {
        hsgd_data_gather(d, &i, 1, NULL, x, labels);
        hsgd_data_gather(same, &i, 1, NULL, y, labels + 1);
        hsgd_data_gather(moved, &i, 1, NULL, z, NULL);
        CHECK(labels[0] == labels[1] && !memcmp(x, y, sizeof x));
        for (int k = 0; k < 784; k++)
            before += x[k], after += z[k], CHECK(fabsf(z[k] * 255 - roundf(z[k] * 255)) < 1e-3f);
    }
    CHECK(fabs(after / before - 1) < 0.05 && after != before); /* digits have wide margins */
    hsgd_data_destroy(&d), hsgd_data_destroy(&same), hsgd_data_destroy(&moved);
}

/* A target of the image's size moves with it; other fields stay what they are. */
static void targets_follow(void)
{
    enum { COUNT = 12, SIDE = 6, PIXELS = SIDE * SIDE };
    static float x[COUNT * PIXELS], twice[COUNT * PIXELS * 2], small[COUNT * 4];
    static int32_t label[COUNT];
    const struct hsgd_data_field f[] = {
        { .size = sizeof *f, .name = "x", .type = hsgd_image(SIDE, SIDE, 1) },
        { .size = sizeof *f, .name = "target", .type = hsgd_image(SIDE, SIDE, 2) },
        { .size = sizeof *f, .name = "small", .type = hsgd_image(2, 2, 1) },
        { .size = sizeof *f, .name = "label", .type = hsgd_number(HSGD_I32), .classes = COUNT },
    };
    const struct hsgd_augment_options how = { .size = sizeof how, .flip = true, .crop = 2, .rotate = 20 };
    for (int i = 0; i < COUNT * PIXELS; i++)
        x[i] = (float)(i * 7 % 23), twice[2 * i] = x[i], twice[2 * i + 1] = 2 * x[i];
    for (int i = 0; i < COUNT; i++) label[i] = i, small[4 * i] = (float)i;
    struct hsgd_data *d =
        hsgd_data_arrays(NULL, COUNT, 4, f, (const void *const[]){ x, twice, small, label }, HSGD_BORROW);
    struct hsgd_data *made = hsgd_data_augment(NULL, d, &how, 1, 0, COUNT);
    int moved = 0;
    REQUIRE(made);
    for (int64_t i = 0; i < COUNT; i++) {
        float a[PIXELS], b[2 * PIXELS], c[4];
        int32_t l;
        REQUIRE(!hsgd_data_gather(made, &i, 1, NULL, a, &l) && !hsgd_data_gather_field(made, 1, &i, 1, NULL, b));
        REQUIRE(!hsgd_data_gather_field(made, 2, &i, 1, NULL, c));
        for (int k = 0; k < PIXELS; k++) CHECK(b[2 * k] == a[k] && fabsf(b[2 * k + 1] - 2 * a[k]) < 1e-4f);
        CHECK(l == i && c[0] == (float)i && c[1] == 0);
        moved += memcmp(a, x + i * PIXELS, sizeof a) != 0;
    }
    CHECK(moved == COUNT);
    hsgd_data_destroy(&made);
    hsgd_data_destroy(&d);
}

/* --------------------------------------------------------------- in training */

/* The first losses, and the weights' digest, of a training on digits. */
static void train(const char *devices, int threads, struct hsgd_augment_options how, struct hsgd_fit_result *r,
                  char digest[65])
{
    struct hsgd_context *ctx = core_context(devices, threads, true);
    struct hsgd_data *d = hsgd_data_digits(ctx, 0, 0, 600);
    struct hsgd_model *m = hsgd_model_by_name(ctx, "mlp-small", (struct hsgd_shape){ 28, 28, 1 }, 10);
    struct hsgd_train_options o;
    double loss;
    hsgd_train_defaults(&o, sizeof o);
    o.batch_size = 50, o.epochs = 2, o.seed = 3, o.augment = &how;
    REQUIRE(d && m && !hsgd_model_initialise(m, 1));
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    REQUIRE(t && !hsgd_fit(t, d, NULL, r, sizeof *r) && !hsgd_trainer_evaluate(t, d, &loss, NULL));
    CHECK_MSG(loss < 2.2, "%g", loss);
    CHECK(!hsgd_model_digest(m, digest));
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    hsgd_data_destroy(&d);
    hsgd_destroy(&ctx);
}

static void training(void)
{
    struct hsgd_augment_options none = { .size = sizeof none, .crop = 0 },
                                all = { .size = sizeof all, .crop = 3, .flip = true, .rotate = 10 };
    static struct hsgd_fit_result plain, one, two;
    char a[65], b[65], c[65];
    train("cpu", 1, none, &plain, a);
    train("cpu", 1, all, &one, b);
    train("cpu", 2, all, &two, c);
    CHECK(strcmp(a, b));
    CHECK_STR(c, b); /* whatever the number of threads */
    CHECK(one.losses == 24 && two.losses == 24);
    CHECK(one.loss[0] != plain.loss[0] && one.loss[12] != one.loss[0]);
}

static void refusals(void)
{
    const struct {
        struct hsgd_augment_options how;
        const char *sentence;
    } bad[] = {
        { *HSGD_OPTIONS(augment, .crop = -1), "crop must be from 0 to 16384, not -1" },
        { *HSGD_OPTIONS(augment, .crop = 20000), "crop must be from 0 to 16384, not 20000" },
        { *HSGD_OPTIONS(augment, .resized_crop = 1.5f), "resized_crop must be from 0 to 1, not 1.5" },
        { *HSGD_OPTIONS(augment, .resized_crop = -1), "resized_crop must be from 0 to 1, not -1" },
        { *HSGD_OPTIONS(augment, .rotate = 181), "rotate must be from 0 to 180, not 181" },
        { *HSGD_OPTIONS(augment, .rotate = NAN), "rotate must be from 0 to 180, not nan" },
        { *HSGD_OPTIONS(augment, .crop = 4, .resized_crop = 0.5f), "crop 4 and resized_crop 0.5 exclude each other" },
    };
    struct hsgd_context *ctx = core_context("cpu", 1, false);
    struct hsgd_data *d = places(2);
    struct hsgd_model *m = hsgd_model_by_name(ctx, "linear", (struct hsgd_shape){ 1, 1, 9 }, 2);
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        o.augment = &bad[i].how;
        CHECK(!hsgd_data_augment(ctx, d, &bad[i].how, 0, 0, 1));
        CHECK_STR(hsgd_error(ctx), bad[i].sentence);
        CHECK(!hsgd_trainer_create(m, &o));
        CHECK_STR(hsgd_error(ctx), bad[i].sentence);
    }
    o.augment = HSGD_OPTIONS(augment, .flip = true);
    CHECK(!hsgd_trainer_create(m, &o));
    CHECK_STR(hsgd_error(ctx), "crop, resized_crop, flip and rotate are for images, not for samples of 1x1x9");
    CHECK(!hsgd_data_augment(ctx, d, o.augment, 0, 0, 0));
    CHECK_STR(hsgd_error(ctx), "augment: count is below 1");
    hsgd_model_destroy(&m);
    hsgd_data_destroy(&d);
    hsgd_destroy(&ctx);
}

static const struct core_case cases[] = {
    { "crop_and_flip", crop_and_flip },
    { "resized_crop", resized_crop },
    { "rotate", rotate },
    { "pure", pure },
    { "bytes_stay", bytes_stay },
    { "targets_follow", targets_follow },
    { "training", training },
    { "refusals", refusals },
};
CORE_MAIN(cases)
