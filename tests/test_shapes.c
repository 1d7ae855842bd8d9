/* SPDX-License-Identifier: BSD-3-Clause */
/* The built-in scenes: pure functions of the seed, whose boxes hold the objects. */
#include "core.h"

#include <errno.h>
#include <math.h>

enum { SIDE = 64, OBJECTS = 6, BOX = 5, SAMPLES = 300 };

static struct hsgd_context *ctx;

static void begin(void) { REQUIRE(!hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = "none"))); }

static void sample(const struct hsgd_data *d, int64_t i, float *pixels, float *box)
{
    REQUIRE(!hsgd_data_gather_field(d, 0, &i, 1, NULL, pixels));
    REQUIRE(!hsgd_data_gather_field(d, hsgd_data_find(d, "boxes"), &i, 1, NULL, box));
}

static void same_everywhere(void)
{
    static float x[SIDE * SIDE * 3], y[SIDE * SIDE * 3];
    float a[OBJECTS * BOX], b[OBJECTS * BOX];
    begin();
    struct hsgd_data *d = hsgd_data_shapes(ctx, 3, 0, 12), *e = hsgd_data_shapes(ctx, 3, 5, 3),
                     *f = hsgd_data_shapes(ctx, 4, 5, 3);
    REQUIRE(d && e && f);
    sample(d, 6, x, a);
    sample(e, 1, y, b);
    CHECK(!memcmp(x, y, sizeof x) && !memcmp(a, b, sizeof a));
    sample(f, 1, y, b);
    CHECK(memcmp(x, y, sizeof x) && memcmp(a, b, sizeof a));
    hsgd_data_destroy(&d), hsgd_data_destroy(&e), hsgd_data_destroy(&f);
    CHECK(!hsgd_data_shapes(ctx, 0, -1, 1) && !hsgd_data_shapes(ctx, 0, 0, 0));
    CHECK_STR(hsgd_error(ctx), "shapes: cannot generate 0 samples from sample 0 on");
    hsgd_destroy(&ctx);
}

/* Boxes are inside of the image, and what is outside of all of them is the background. */
static void check_scene(const float *x, const float *box, int n)
{
    float low[3] = { 2, 2, 2 }, high[3] = { -1, -1, -1 };
    for (int p = 0; p < SIDE * SIDE; p++) {
        bool covered = false;
        float px = ((float)(p % SIDE) + 0.5f) / SIDE, py = ((float)(p / SIDE) + 0.5f) / SIDE;
        for (int i = 0; i < n; i++) {
            const float *b = box + i * BOX;
            covered = covered || (fabsf(px - b[1]) < b[3] / 2 && fabsf(py - b[2]) < b[4] / 2);
        }
        for (int c = 0; !covered && c < 3; c++) {
            low[c] = fminf(low[c], x[3 * p + c]);
            high[c] = fmaxf(high[c], x[3 * p + c]);
        }
    }
    for (int c = 0; c < 3; c++) CHECK(high[c] - low[c] < 16.0f / 255);
}

static void scenes(void)
{
    static float x[SIDE * SIDE * 3];
    float box[OBJECTS * BOX];
    int kinds[3] = { 0 }, counts[OBJECTS + 1] = { 0 };
    begin();
    struct hsgd_data *d = hsgd_data_shapes(ctx, 1, 0, SAMPLES);
    REQUIRE(d && hsgd_data_classes(d) == 3);
    CHECK_STR(hsgd_data_class_name(d, 1), "disc");
    for (int64_t i = 0; i < SAMPLES; i++) {
        int n = 0;
        sample(d, i, x, box);
        while (n < OBJECTS && box[n * BOX] >= 0) {
            const float *b = box + n++ * BOX;
            REQUIRE((int)b[0] >= 0 && (int)b[0] < 3);
            kinds[(int)b[0]]++;
            CHECK(b[1] - b[3] / 2 >= -1e-6f && b[1] + b[3] / 2 <= 1 + 1e-6f && b[2] - b[4] / 2 >= -1e-6f);
            CHECK(b[3] * SIDE >= 10 && b[4] * SIDE <= 26 && ((int)b[0] != 1 || b[3] == b[4]));
        }
        for (int k = n; k < OBJECTS; k++) CHECK(box[k * BOX] == -1 && box[k * BOX + 3] == 0);
        counts[n]++;
        check_scene(x, box, n);
    }
    CHECK(!counts[0] && counts[1] > 20 && counts[4] > 20 && kinds[0] > 200 && kinds[1] > 200 && kinds[2] > 200);
    hsgd_data_destroy(&d);
    hsgd_destroy(&ctx);
}

static void built_in(void)
{
    struct hsgd_data *train, *test;
    char text[200];
    begin();
    REQUIRE(!hsgd_data_read(ctx, "shapes", NULL, &train, &test));
    CHECK(hsgd_data_count(train) == 8000 && hsgd_data_count(test) == 1000);
    hsgd_data_summary(train, text, sizeof text);
    CHECK_STR(text, "shapes, 8000 samples of 64x64x3, boxes 6x5, 3 classes (rectangle, disc, triangle)");
    struct hsgd_record *r = hsgd_record_create(ctx, test);
    CHECK(!hsgd_record_check(ctx, r, test) && hsgd_record_check(ctx, r, train) == -EINVAL);
    hsgd_record_destroy(&r);
    hsgd_data_destroy(&train);
    hsgd_data_destroy(&test);
    hsgd_destroy(&ctx);
}

static const struct core_case cases[] = { { "same_everywhere", same_everywhere },
                                          { "scenes", scenes },
                                          { "built_in", built_in } };
CORE_MAIN(cases)
