/* SPDX-License-Identifier: BSD-3-Clause */
/* Numeric targets in place of labels: tables, arrays, images. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "files.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct hsgd_context *ctx;

static void begin(void)
{
    pictures_begin();
    ctx = pictures_context();
}

#define OPTIONS(...) \
    &(struct hsgd_data_options) { .size = sizeof(struct hsgd_data_options), __VA_ARGS__ }

struct bad {
    const char *text, *sentence;
};

static struct set table(const char *text, const struct hsgd_data_options *o)
{
    put_text("set", text);
    return read_set(ctx, "set", o);
}

/* ------------------------------------------------------------------ tables */

static void expect_targets(const struct hsgd_data *d, const char *names, int64_t i, const double *want)
{
    struct hsgd_data_field f;
    char all[200] = "";
    REQUIRE(d && hsgd_data_field_get(d, 1, &f, sizeof f) && !hsgd_data_field_get(d, 2, &f, sizeof f));
    REQUIRE(hsgd_data_field_get(d, 1, &f, sizeof f));
    CHECK_STR(f.name, "target");
    CHECK(f.type.dtype == HSGD_F32 && f.type.rank == 1 && f.classes == 0 && hsgd_data_classes(d) == 0);
    for (int k = 0; k < f.type.dim[0]; k++) snprintf(all + strlen(all), 40, "%s%s", k ? " " : "", f.column[k]);
    CHECK_STR(all, names);
    struct hsgd_normalisation *n = hsgd_data_field_statistics(d, 1);
    float x[8];
    double v[8];
    REQUIRE(n && n->channels == f.type.dim[0] && n->channels <= 8);
    REQUIRE(!hsgd_data_gather_field(d, 1, &i, 1, n, x) &&
            !hsgd_normalisation_invert(n, x, n->channels, n->channels, v));
    for (int k = 0; k < n->channels; k++)
        CHECK_MSG(fabs(v[k] - want[k]) <= 1e-6 / n->inv_std[k], "target %d: %.17g, not %.17g", k, v[k], want[k]);
    hsgd_normalisation_destroy(&n);
}
#define TARGETS(d, names, i, ...) expect_targets(d, names, i, (const double[]){ __VA_ARGS__ })

/* In the order in which they are named; the others are features. */
static void targets(void)
{
    static const char *const text = "a,price,b,since\n1,2.5,x,1700000000.25\n3,-4,x,1700000001\n2,0,x,1700000003\n";
    begin();
    struct set s = table(text, OPTIONS(.target = "since, price", .ignore = "b"));
    expect_shape(s.train, 3, 1, 1, 1);
    TARGETS(s.train, "since price", 0, 1700000000.25, 2.5);
    TARGETS(s.train, "since price", 2, 1700000003, 0);
    struct hsgd_record *r = hsgd_record_create(ctx, s.train);
    close_set(&s);
    s = table("price,since,b,a\n7,1700000009,y,5\n", OPTIONS(.record = r)); /* one row: its own mean */
    TARGETS(s.train, "since price", 0, 1700000009, 7);
    close_set(&s);
    s = table("u,v,a\n7,1700000009,5\n", OPTIONS(.record = r, .target = "v,u"));
    TARGETS(s.train, "v u", 0, 1700000009, 7);
    close_set(&s);
    s = table("price,since,a\n7,1700000009,5\n", OPTIONS(.record = r, .target = "price,since"));
    TARGETS(s.train, "since price", 0, 1700000009, 7);
    close_set(&s);
    hsgd_record_destroy(&r);
    s = table("a;price\n1;2,5\n3;4\n", OPTIONS(.target = "2"));
    TARGETS(s.train, "price", 0, 2.5);
    close_set(&s);
    s = table("a,\"b,c\",d\n1,2,3\n4,5,6\n", OPTIONS(.target = "b,c"));
    TARGETS(s.train, "b,c", 1, 5);
    expect_shape(s.train, 2, 1, 1, 2);
    close_set(&s);
}

/* Input of a prediction, with the columns of the targets or without. */
static void targets_of_input(void)
{
    begin();
    struct set s = table("a,y,b\n1,2,3\n4,5,6\n", OPTIONS(.target = "y"));
    struct hsgd_record *r = hsgd_record_create(ctx, s.train);
    const struct hsgd_shape two = { 1, 1, 2 };
    static const char *const inputs[] = { "b,a\n3,1\n", "b,y,a\n3,9,1\n", "b,y,a\n3,,1\n" };
    for (int i = 0; i < 3; i++) {
        struct hsgd_data *d = hsgd_data_input(ctx, "input", inputs[i], strlen(inputs[i]), two, r);
        CHECK_MSG(d, "%s: %s", inputs[i], hsgd_error(ctx));
        SAMPLE(d, 0, 0, 1, 3);
        hsgd_data_destroy(&d);
    }
    hsgd_record_destroy(&r);
    close_set(&s);
}

static void bad_targets(void)
{
    static const struct bad list[] = {
        { "a,b\n1,2\n", "set: line 1: no column \"y\"; there are 2, from \"a\" to \"b\"" },
        { "a,y\n1,2\n3,\n", "set: line 3: column \"y\": the target is missing (\"\")" },
        { "a,y\n1,2\n3,NA\n", "set: line 3: column \"y\": the target is missing (\"NA\")" },
        { "a,y\n1,cheap\n", "set: line 2: column \"y\": \"cheap\" is not a number, as targets must be" },
        { "a,y\n1,1e99\n", "set: line 2: column \"y\": \"1e99\" does not fit into a 32-bit float" },
        { "a,y\n1,inf\n", "set: line 2: column \"y\": \"inf\" does not fit into a 32-bit float" },
    };
    begin();
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        put_text("set", list[i].text);
        expect_refused(ctx, "set", OPTIONS(.target = "y"), list[i].sentence);
    }
    put_text("set", "a,y\n1,2\n");
    expect_refused(ctx, "set", OPTIONS(.target = "y,a"), "set: line 1: no column is left as a feature");
    expect_refused(ctx, "set", OPTIONS(.target = "y,2"), "set: column \"y\" is a target twice");
    expect_refused(ctx, "set", OPTIONS(.target = "y", .ignore = "y"), "set: column \"y\" is both a target and ignored");
    expect_refused(ctx, "set", OPTIONS(.target = "y", .label = "a"),
                   "data set \"set\": --label and --target exclude each other");
    expect_refused(ctx, "set", OPTIONS(.target = "y", .features = 3),
                   "set: line 1: 1 columns beside the targets, 3 features are expected");
    expect_refused(
        ctx, "digits", OPTIONS(.target = "y"),
        "data set \"digits\": --target names columns of a CSV, an array or a folder of images, and this is digits");
    struct set s = table("a,y\n1,2\n3,4\n", OPTIONS(.target = "y"));
    struct hsgd_record *r = hsgd_record_create(ctx, s.train);
    put_text("set", "a,z\n1,2\n");
    expect_refused(ctx, "set", OPTIONS(.record = r),
                   "set: column \"y\", a target of the training data, is missing; --target names others");
    put_text("set", "a,y,z\n1,2,3\n");
    expect_refused(ctx, "set", OPTIONS(.record = r, .target = "y,z"),
                   "set: has a field \"target\" of 2, the training data had 1");
    expect_refused(ctx, "set", OPTIONS(.record = r, .label = "y", .ignore = "z"),
                   "set: has no field \"target\", but the training data had");
    hsgd_record_destroy(&r);
    close_set(&s);
    s = table("a,y\n1,2\n3,4\n", NULL);
    r = hsgd_record_create(ctx, s.train);
    put_text("set", "a,y\n1,2\n");
    expect_refused(ctx, "set", OPTIONS(.record = r, .target = "y"), "set: has no labels, but the training data had");
    hsgd_record_destroy(&r);
    close_set(&s);
}

/* The first word of each line, under the name that is given. */
static void libsvm_targets(void)
{
    char text[200];
    begin();
    put_text("set", "2.5 1:1\n-1e3 2:4\n1700000000.5 1:1 2:1\n");
    put_text("set.t", "7 1:1\n");
    struct set s = read_set(ctx, "set", OPTIONS(.target = "load"));
    TARGETS(s.train, "load", 0, 2.5);
    TARGETS(s.train, "load", 1, -1000);
    TARGETS(s.test, "load", 0, 7);
    hsgd_data_summary(s.train, text, sizeof text);
    CHECK_STR(text, "libsvm, 3 samples of 2 features, target \"load\"");
    struct hsgd_record *r = hsgd_record_create(ctx, s.train);
    close_set(&s);
    s = read_set(ctx, "set", OPTIONS(.record = r));
    TARGETS(s.test, "load", 0, 7);
    CHECK_MSG(!hsgd_record_check(ctx, r, s.train), "%s", hsgd_error(ctx));
    close_set(&s);
    hsgd_record_destroy(&r);
    put_text("set", "1 1:1\n1e99 1:1\n");
    expect_refused(ctx, "set", OPTIONS(.target = "y"),
                   "set: line 2: \"1e99\" is not finite as a 32-bit float, as targets must be");
    put_text("set", "1 1:1\n1:1\n");
    expect_refused(ctx, "set", OPTIONS(.target = "y"), "set: line 2: \"1:1\" is not a number, as targets must be");
}

static void targets_in_words(void)
{
    char text[200];
    begin();
    struct set s = table("a,y\n1,2.5\n3,4\n", OPTIONS(.target = "y"));
    hsgd_data_summary(s.train, text, sizeof text);
    CHECK_STR(text, "csv, 2 samples of 1 feature (a), target \"y\"");
    close_set(&s);
    s = table("a,y,z,i\n1,2.5,1,1\n3,4,1,1\n", OPTIONS(.target = "z,y", .ignore = "i"));
    hsgd_data_summary(s.train, text, sizeof text);
    CHECK_STR(text, "csv, 2 samples of 1 feature (a), 2 targets (z, y), ignored (i)");
    close_set(&s);
}

/* ------------------------------------------------------------------ arrays */

static void expect_array(const struct hsgd_data *d, int64_t i, struct hsgd_type type, const float *want)
{
    struct hsgd_type t = d ? hsgd_data_type(d, "target") : hsgd_number(HSGD_DTYPES);
    float x[16];
    REQUIRE(d && hsgd_type_size(&type) <= 16);
    REQUIRE(!memcmp(&t, &type, sizeof t) && !hsgd_data_gather_field(d, 1, &i, 1, NULL, x));
    for (int64_t k = 0; k < hsgd_type_size(&t); k++)
        CHECK_MSG(x[k] == want[k], "value %d of %d: %g", (int)k, (int)i, (double)x[k]);
}
#define ARRAY(d, i, type, ...) expect_array(d, i, type, (const float[]){ __VA_ARGS__ })

/* Of any rank and type, which keep their unit. */
static void ranks(void)
{
    const struct hsgd_type matrix = { HSGD_F32, 2, { 2, 1 } }, deep = { HSGD_F32, 6, { 1, 1, 1, 1, 1, 2 } };
    begin();
    put("x.npy", npy("<f4", "(2, 1)", bytes_of((float[]){ 5, 6 }, 8)));
    put("y.npy", npy("<f8", "(2,)", bytes_of((double[]){ 0.5, -2 }, 16)));
    struct set s = read_set(ctx, "x.npy", OPTIONS(.target = "y.npy"));
    ARRAY(s.train, 1, hsgd_vector(1), -2);
    close_set(&s);
    put("y.npy", npy("|u1", "(2, 2)", bytes_of("\0\377\1\2", 4)));
    s = read_set(ctx, "x.npy", OPTIONS(.target = "y.npy"));
    ARRAY(s.train, 0, hsgd_vector(2), 0, 255);
    close_set(&s);
    put("y.npy", npy("<i2", "(2, 2, 1)", bytes_of((int16_t[]){ 1, -2, 3, -4 }, 8)));
    s = read_set(ctx, "x.npy", OPTIONS(.target = "y.npy"));
    ARRAY(s.train, 1, matrix, 3, -4);
    close_set(&s);
    put("y.npy", npy("<f4", "(2, 1, 1, 1, 1, 1, 2)", bytes_of((float[]){ 1, 2, 3, 4 }, 16)));
    s = read_set(ctx, "x.npy", OPTIONS(.target = "y.npy"));
    ARRAY(s.train, 1, deep, 3, 4);
    close_set(&s);
    put("y.npy",
        npy_with("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2)}", bytes_of((float[]){ 1, 2, 3, 4 }, 16)));
    s = read_set(ctx, "x.npy", OPTIONS(.target = "y.npy"));
    ARRAY(s.train, 0, hsgd_vector(2), 1, 3);
    close_set(&s);
}

/* Samples keep their rank, too, but for grey images. */
static void ranks_of_samples(void)
{
    static const struct {
        const char *shape;
        struct hsgd_type type;
    } arrays[] = {
        { "(2,)", { HSGD_F32, 1, { 1 } } },
        { "(2, 12)", { HSGD_F32, 1, { 12 } } },
        { "(2, 6, 2)", { HSGD_F32, 3, { 6, 2, 1 } } },
        { "(2, 2, 2, 3)", { HSGD_F32, 3, { 2, 2, 3 } } },
        { "(2, 1, 1, 2)", { HSGD_F32, 3, { 1, 1, 2 } } },
        { "(2, 2, 1, 1, 6)", { HSGD_F32, 4, { 2, 1, 1, 6 } } },
    };
    float zeros[24] = { 0 };
    begin();
    put("y.npy", npy("<f4", "(2,)", bytes_of((float[]){ 1, 2 }, 8)));
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        size_t bytes = (size_t)hsgd_type_bytes(&arrays[i].type);
        put("x.npy", npy("<f4", arrays[i].shape, bytes_of(zeros, 2 * bytes)));
        struct set s = read_set(ctx, "x.npy", OPTIONS(.target = "y.npy"));
        struct hsgd_type t = s.train ? hsgd_data_type(s.train, "x") : hsgd_number(HSGD_DTYPES);
        CHECK_MSG(!memcmp(&t, &arrays[i].type, sizeof t), "%s: %s", arrays[i].shape, hsgd_error(ctx));
        close_set(&s);
    }
}

static void found_files(void)
{
    begin();
    put("heat.npy", npy("<f4", "(2, 1)", bytes_of((float[]){ 5, 6 }, 8)));
    put("heat_targets.npy", npy("<f4", "(2,)", bytes_of((float[]){ 1, 2.5f }, 8)));
    struct set s = read_set(ctx, "heat.npy", OPTIONS(.target = "heat_targets.npy"));
    struct hsgd_record *r = hsgd_record_create(ctx, s.train);
    close_set(&s);
    s = read_set(ctx, "heat.npy", OPTIONS(.record = r)); /* as the record has targets */
    ARRAY(s.train, 1, hsgd_vector(1), 2.5f);
    close_set(&s);
    put("cold.npy", npy("<f4", "(2, 1)", bytes_of((float[]){ 5, 6 }, 8)));
    expect_refused(ctx, "cold.npy", OPTIONS(.record = r),
                   "cold.npy: no file with its targets, such as cold_targets.npy; --target names one");
    hsgd_record_destroy(&r);
}

static void member(struct archive *zip, const char *name, const char *shape, struct bytes b)
{
    b = npy("<f4", shape, b);
    tar_add(zip, name, b, NULL);
}

static void archives(void)
{
    const float two[] = { 1, 2 }, four[] = { 1, 2, 3.5f, 4 };
    begin();
    struct archive *zip = zip_begin("set.npz", true);
    member(zip, "x_train.npy", "(2, 1)", bytes_of(two, 8));
    member(zip, "heat_train.npy", "(2, 2)", bytes_of(four, 16));
    member(zip, "y_train.npy", "(2,)", bytes_of(two, 8));
    member(zip, "x_test.npy", "(1, 1)", bytes_of(two, 4));
    member(zip, "heat_test.npy", "(1, 2)", bytes_of(four + 2, 8));
    member(zip, "y_test.npy", "(1,)", bytes_of(two, 4));
    tar_end(zip);
    struct set s = read_set(ctx, "set.npz", OPTIONS(.target = "heat_train"));
    ARRAY(s.train, 1, hsgd_vector(2), 3.5f, 4);
    ARRAY(s.test, 0, hsgd_vector(2), 3.5f, 4);
    char text[200];
    hsgd_data_summary(s.train, text, sizeof text);
    CHECK_STR(text, "npz, 2 samples of 1 feature, 2 targets, ignored (y_train, y_test)");
    close_set(&s);
    s = read_set(ctx, "set.npz", OPTIONS(.target = "Y_TRAIN"));
    ARRAY(s.train, 1, hsgd_vector(1), 2);
    close_set(&s);
    expect_refused(ctx, "set.npz", OPTIONS(.target = "cold"),
                   "set.npz: no arrays x_train or x and cold, or other known names; it has: x_train, y_train, x_test, "
                   "y_test, heat_train, heat_test");
}

static void bad_arrays(void)
{
    begin();
    put("x.npy", npy("<f4", "(2, 1)", bytes_of((float[]){ 5, 6 }, 8)));
    put("y.npy", npy("<f4", "(3,)", bytes_of((float[]){ 1, 2, 3 }, 12)));
    expect_refused(ctx, "x.npy", OPTIONS(.target = "y.npy"), "y.npy: targets of 3 samples, but x.npy has 2");
    put("y.npy", npy("<f4", "(2, 2)", bytes_of((float[]){ 1, 2, NAN, 3 }, 16)));
    expect_refused(ctx, "x.npy", OPTIONS(.target = "y.npy"),
                   "y.npy: value 0 of sample 1 is nan, a finite 32-bit float is expected");
    put("y.npy", npy("<f4", "(2,)", bytes_of((float[]){ 1, 2.5f }, 8)));
    expect_refused(ctx, "x.npy", NULL,
                   "y.npy: label \"2.5\" has a fraction, like a measurement; --target predicts "
                   "numbers, --classes treats them as classes");
    struct archive *zip = zip_begin("set.npz", false);
    member(zip, "x_train.npy", "(2, 1)", bytes_of((float[]){ 1, 2 }, 8));
    member(zip, "y_train.npy", "(2,)", bytes_of((float[]){ 1, 2.5f }, 8));
    member(zip, "x_test.npy", "(2, 1)", bytes_of((float[]){ 1, 2 }, 8));
    member(zip, "y_test.npy", "(2, 1, 1)", bytes_of((float[]){ 1, 2 }, 8));
    tar_end(zip);
    expect_refused(ctx, "set.npz", OPTIONS(.target = "y_train"),
                   "set.npz: x_test.npy: has a field \"target\" of 1x1, the training data had 1");
}

/* ------------------------------------------------------------------ images */

/* Field `field` of sample i is picture `seed`, of the field's size. */
static void expect_picture(const struct hsgd_data *d, int field, int64_t i, int seed)
{
    struct hsgd_data_field f;
    float x[64];
    REQUIRE(d && hsgd_data_field_get(d, field, &f, sizeof f) && hsgd_type_size(&f.type) <= 64);
    REQUIRE(!hsgd_data_gather_field(d, field, &i, 1, NULL, x) && f.type.rank == 3);
    for (int k = 0; k < (int)hsgd_type_size(&f.type); k++) {
        int c = f.type.dim[2], w = f.type.dim[1];
        float want = pictures_value(seed, k / c / w, k / c % w, k % c) / 255.0f;
        CHECK_MSG(fabsf(x[k] - want) < 1e-6f, "%s of sample %d, value %d: %g, not %g", f.name, (int)i, k, (double)x[k],
                  (double)want);
    }
}

/* Pairs in other folders, formats and sizes; one target more than there are images. */
static void put_pairs(void)
{
    put("in/train/a/1.png", make_png(4, 4, 1, 1));
    put("in/train/b.png", make_png(4, 4, 1, 2));
    put("in/val/c.PNG", make_png(4, 4, 1, 3));
    put_text("in/notes.txt", "none");
    put("out/train/a/1.png", make_png(2, 3, 3, 11));
    put("out/train/b.jpeg", make_png(2, 3, 3, 12));
    put("out/train/more.png", make_png(2, 3, 3, 13));
    put("out/val/c.png", make_png(2, 3, 3, 14));
}

static void pairs(void)
{
    begin();
    put_pairs();
    setenv("HSGD_CACHE_DIR", "cache", 1);
    for (int pass = 0; pass < 2; pass++) { /* decoded, then from the cache */
        char text[200];
        struct set s = read_set(ctx, "in", OPTIONS(.target = "out"));
        expect_shape(s.train, 2, 4, 4, 1);
        expect_shape(s.test, 1, 4, 4, 1);
        expect_picture(s.train, 0, 0, 1);
        expect_picture(s.train, 1, 0, 11);
        expect_picture(s.train, 0, 1, 2);
        expect_picture(s.train, 1, 1, 12);
        expect_picture(s.test, 0, 0, 3);
        expect_picture(s.test, 1, 0, 14);
        hsgd_data_summary(s.train, text, sizeof text);
        CHECK_STR(text, "images, 2 samples of 4x4x1, target 2x3x3; passed over: 1 not images (first: notes.txt)");
        CHECK(hsgd_data_classes(s.train) == 0 && hsgd_data_find(s.train, "label") < 0);
        close_set(&s);
    }
}

/* No split for training: all images at any depth are samples. */
static void flat_pairs(void)
{
    begin();
    put("in/1.png", make_png(4, 4, 3, 1));
    put("in/deep/2.png", make_png(4, 4, 3, 2));
    put("out/1.png", make_png(4, 4, 1, 11));
    put("out/deep/2.png", make_png(4, 4, 1, 12));
    struct set s = read_set(ctx, "in", OPTIONS(.target = "out"));
    CHECK(!s.test);
    expect_shape(s.train, 2, 4, 4, 3);
    expect_picture(s.train, 0, 1, 2);
    expect_picture(s.train, 1, 1, 12);
    close_set(&s);
    s = read_set(ctx, "in", OPTIONS(.target = "out", .resize = 2));
    struct hsgd_type t = hsgd_data_type(s.train, "target");
    CHECK(t.rank == 3 && t.dim[0] == 2 && t.dim[1] == 2 && t.dim[2] == 1);
    struct hsgd_record *r = hsgd_record_create(ctx, s.train);
    close_set(&s);
    s = read_set(ctx, "in", OPTIONS(.target = "out", .record = r)); /* resized as in training */
    CHECK(s.train && !hsgd_record_check(ctx, r, s.train));
    close_set(&s);
    expect_refused(ctx, "in", OPTIONS(.record = r),
                   "in: the training data had target images; --target names their folder");
    hsgd_record_destroy(&r);
}

static void bad_pairs(void)
{
    begin();
    put_pairs();
    remove_tree("out/train/b.jpeg");
    expect_refused(ctx, "in", OPTIONS(.target = "out"),
                   "out: no target for \"train/b.png\": an image of that name, in any format");
    put("out/train/b.png", make_png(2, 2, 3, 12));
    expect_refused(ctx, "in", OPTIONS(.target = "out"),
                   "out/train/b.png: is 2 x 2 pixels, but out/train/a/1.png is 2 x 3; --resize N makes all images N x "
                   "N");
    put("out/train/b.jpg", make_png(2, 3, 3, 12));
    expect_refused(ctx, "in", OPTIONS(.target = "out"),
                   "out: \"train/b.jpg\" and \"train/b.png\" have the same name but for the format");
    expect_refused(ctx, "in", OPTIONS(.target = "none"), "--target \"none\": No such file or directory");
    expect_refused(ctx, "in", OPTIONS(.target = "in/notes.txt"),
                   "--target \"in/notes.txt\": is not a folder of target images");
    expect_refused(ctx, "in", OPTIONS(.target = "out", .keep_going = true),
                   "in: --keep-going and --target exclude each other");
}

static const struct core_case cases[] = { { "targets", targets },
                                          { "targets_of_input", targets_of_input },
                                          { "bad_targets", bad_targets },
                                          { "targets_in_words", targets_in_words },
                                          { "libsvm_targets", libsvm_targets },
                                          { "ranks", ranks },
                                          { "ranks_of_samples", ranks_of_samples },
                                          { "found_files", found_files },
                                          { "archives", archives },
                                          { "bad_arrays", bad_arrays },
                                          { "pairs", pairs },
                                          { "flat_pairs", flat_pairs },
                                          { "bad_pairs", bad_pairs } };
CORE_MAIN(cases)
