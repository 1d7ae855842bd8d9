/* SPDX-License-Identifier: BSD-3-Clause */
/* NumPy arrays and archives: what is in the data sets they become, and what
 * is refused. */
#include "files.h"

#include <archive.h>

static struct hsgd_context *ctx;

static void begin(void)
{
    pictures_begin();
    ctx = pictures_context();
}

static const float six[] = { 1, -2, 3.5f, 4, 5, 6 };
static const int64_t three[] = { 7, -1, 7 };

static struct bytes f4(const char *shape) { return npy("<f4", shape, bytes_of(six, sizeof six)); }
static struct bytes i8(void) { return npy("<i8", "(3,)", bytes_of(three, sizeof three)); }

static void expect_six(struct set s, const char *format)
{
    expect_shape(s.train, 3, 1, 1, 2);
    expect_classes(s.train, "-1 7");
    SAMPLE(s.train, 0, 1, 1, -2);
    SAMPLE(s.train, 1, 0, 3.5f, 4);
    SAMPLE(s.train, 2, 1, 5, 6);
    CHECK_STR(hsgd_data_format(s.train), format);
}

static void npy_files(void)
{
    static const char *const names[][2] = {
        { "x.npy", "y.npy" },      { "X_train.npy", "y_train.npy" },     { "f.npy", "f_labels.npy" },
        { "g.npy", "labels.npy" }, { "images.npy.gz", "labels.npy.gz" },
    };
    begin();
    for (int i = 0; i < 5; i++) {
        char path[2][64];
        for (int k = 0; k < 2; k++) {
            snprintf(path[k], sizeof path[k], "d%d/%s", i, names[i][k]);
            struct bytes b = k ? i8() : f4("(3, 2)");
            put(path[k], i == 4 ? packed(b, 'z') : b);
        }
        struct set s = read_set(ctx, path[0], NULL);
        expect_six(s, "npy");
        CHECK(!s.test);
        close_set(&s);
    }
    put("d/samples.npy", f4("(3, 2)"));
    put("d/classes.npy", i8());
    struct set s = read_set(ctx, "d/samples.npy", HSGD_OPTIONS(data, .label = "classes.npy"));
    expect_six(s, "npy");
    close_set(&s);
}

static void npy_test_part(void)
{
    begin();
    put("x_train.npy", f4("(3, 2)"));
    put("y_train.npy", i8());
    put("x_test.npy", f4("(3, 2)"));
    put("y_test.npy", npy("<i8", "(3, 1)", bytes_of(three, sizeof three)));
    struct set s = read_set(ctx, "x_train.npy", NULL);
    expect_six(s, "npy");
    REQUIRE(s.test);
    SAMPLE(s.test, 1, 0, 3.5f, 4);
    close_set(&s);
}

static void npy_shapes(void)
{
    static const struct {
        const char *shape;
        int h, w, c;
    } tests[] = {
        { "(12,)", 1, 1, 1 },     { "(12, 1)", 1, 1, 1 },      { "(4, 3)", 1, 1, 3 },
        { "(2, 2, 3)", 2, 3, 1 }, { "(2, 2, 1, 3)", 2, 1, 3 }, { "(1,2,3,2,)", 2, 3, 2 },
    };
    uint8_t bytes[12], labels[12] = { 0 };
    float want[12];
    begin();
    for (int i = 0; i < 12; i++) want[i] = (float)(bytes[i] = (uint8_t)(20 * i)) * (1.0f / 255.0f);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        int n = 12 / (tests[i].h * tests[i].w * tests[i].c);
        char shape[16];
        snprintf(shape, sizeof shape, "(%d,)", n);
        put("x.npy", npy("|u1", tests[i].shape, bytes_of(bytes, 12)));
        put("y.npy", npy("|u1", shape, bytes_of(labels, (size_t)n)));
        struct set s = read_set(ctx, "x.npy", NULL);
        expect_shape(s.train, n, tests[i].h, tests[i].w, tests[i].c);
        expect_sample(s.train, n - 1, 0, want + (n - 1) * tests[i].h * tests[i].w * tests[i].c);
        close_set(&s);
    }
}

/* Each type, both ways round, with -3 (253 and the like without a sign). */
static void npy_types(void)
{
    static const struct {
        const char *type;
        uint8_t bytes[8];
        float value;
    } tests[] = {
        { "u1", { 253 }, 253 * (1 / 255.0f) },
        { "i1", { 253 }, -3 },
        { "u2", { 253, 255 }, 65533 },
        { "i2", { 253, 255 }, -3 },
        { "u4", { 3, 0, 0, 1 }, 16777219 },
        { "i4", { 253, 255, 255, 255 }, -3 },
        { "f2", { 0, 0xc2 }, -3 },
        { "f2", { 1, 0 }, 0x1p-24f },
        { "f2", { 0xff, 0x7b }, 65504 },
        { "f4", { 0, 0, 0x40, 0xc0 }, -3 },
        { "f8", { 0, 0, 0, 0, 0, 0, 8, 0xc0 }, -3 },
        { "i8", { 253, 255, 255, 255, 255, 255, 255, 255 }, -3 },
        { "u8", { 0, 0, 0, 0, 0, 0, 0, 128 }, 0x1p63f },
    };
    begin();
    put("y.npy", npy("|u1", "(1,)", many(0, 1)));
    for (size_t i = 0; i < 2 * sizeof tests / sizeof *tests; i++) {
        int size = tests[i / 2].type[1] - '0';
        uint8_t bytes[8];
        char type[4] = { i % 2 ? '>' : '<', tests[i / 2].type[0], tests[i / 2].type[1] };
        for (int k = 0; k < size; k++) bytes[i % 2 ? size - 1 - k : k] = tests[i / 2].bytes[k];
        put("x.npy", npy(type, "(1,)", bytes_of(bytes, (size_t)size)));
        struct set s = read_set(ctx, "x.npy", NULL);
        SAMPLE(s.train, 0, 0, tests[i / 2].value);
        close_set(&s);
    }
}

/* As other writers space it, and version 2.0. */
static void npy_headers(void)
{
    begin();
    put("y.npy", i8());
    put("x.npy", npy_with("{\"shape\":(3,2),\"fortran_order\" : False,\"descr\":\"<f4\"}", bytes_of(six, sizeof six)));
    struct set s = read_set(ctx, "x.npy", NULL);
    expect_six(s, "npy");
    close_set(&s);
    struct bytes b = f4("(3, 2)");
    struct bytes second = joined(bytes_of("\x93NUMPY\2\0", 8), bytes_of((uint8_t[]){ b.at[8], 0, 0, 0 }, 4));
    put("x.npy", joined(second, bytes_of(b.at + 10, b.n - 10)));
    free(b.at);
    s = read_set(ctx, "x.npy", NULL);
    expect_six(s, "npy");
    close_set(&s);
}

static void npz(void)
{
    static const char *const names[][2] = {
        { "x.npy", "y.npy" },           { "x_train.npy", "y_train.npy" },
        { "images.npy", "labels.npy" }, { "data.npy", "target.npy" },
        { "X.npy", "Y.npy" },           { "train_images.npy", "train_labels.npy" },
    };
    begin();
    for (int i = 0; i < 12; i++) {
        struct archive *a = zip_begin("set.npz", i % 2);
        tar_add(a, names[i / 2][1], i8(), NULL);
        tar_add(a, "readme.txt", text_of("nothing"), NULL);
        tar_add(a, names[i / 2][0], f4("(3, 2)"), NULL);
        tar_end(a);
        struct set s = read_set(ctx, "set.npz", NULL);
        expect_six(s, "npz");
        CHECK(!s.test);
        close_set(&s);
    }
}

static void npz_parts_and_label(void)
{
    static const int64_t other[] = { 0, 0, 1 };
    begin();
    struct archive *a = zip_begin("set.npz", true);
    tar_add(a, "x_train.npy", f4("(3, 2)"), NULL);
    tar_add(a, "x_test.npy", f4("(3, 2)"), NULL);
    tar_add(a, "y_train.npy", i8(), NULL);
    tar_add(a, "y_test.npy", i8(), NULL);
    tar_add(a, "fine_train.npy", npy("<i8", "(3,)", bytes_of(other, sizeof other)), NULL);
    tar_end(a);
    struct set s = read_set(ctx, "set.npz", NULL);
    expect_six(s, "npz");
    REQUIRE(s.test);
    SAMPLE(s.test, 1, 0, 3.5f, 4);
    close_set(&s);
    s = read_set(ctx, "set.npz", HSGD_OPTIONS(data, .label = "fine_train"));
    expect_classes(s.train, "0 1");
    CHECK(!s.test);
    close_set(&s);
}

/* ---------------------------------------------------------------- refused */

#define TYPES "b1, u1, u2, u4, u8, i1, i2, i4, i8, f2, f4, f8"
#define H(descr, order, shape) "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape "}"

static const struct {
    const char *text, *sentence;
} headers[] = {
    { "", "x.npy: header: { expected at \"\"" },
    { "[1]", "x.npy: header: { expected at \"[1]\"" },
    { H("'<f4'", "Maybe", "(2,)"), "x.npy: header: True or False expected at \"Maybe, 'shape': (2,)}\"" },
    { H("'<c8'", "False", "(2,)"), "x.npy: type is \"<c8\", not one of " TYPES },
    { H("'|O'", "False", "(2,)"), "x.npy: type is \"|O\", not one of " TYPES },
    { H("'|f4'", "False", "(2,)"), "x.npy: type is \"|f4\", not one of " TYPES },
    { H("[('a', '<f4')]", "False", "(2,)"),
      "x.npy: header: a type in quotes expected at \"[('a', '<f4')], 'fortran_order': False, 'shape': (2,)}\"" },
    { H("'<f4'", "False", "2"), "x.npy: header: a shape in parentheses expected at \"2}\"" },
    { H("'<f4'", "False", "(2)"), "x.npy: header: a comma expected at \")}\"" },
    { H("'<f4'", "False", "(2,"), "x.npy: header: a size expected at \"}\"" },
    { H("'<f4'", "False", "(-2,)"), "x.npy: header: a size expected at \"-2,)}\"" },
    { H("'<f4'", "False", "()"), "x.npy: shape is (), a single value" },
    { H("'<f4'", "False", "(1,1,1,1,1,1,1,2)"), "x.npy: shape has more than 7 dimensions" },
    { H("'<f4'", "False", "(0,)"), "x.npy: dimension 0 of the shape is 0, it must be in 1..2147483647" },
    { H("'<f4'", "False", "(2, 99999999999999999999)"),
      "x.npy: dimension 1 of the shape is 922337203685477580, it must be in 1..2147483647" },
    { H("'<f4'", "False", "(2147483647, 2147483647, 2)"),
      "x.npy: dimension 1 of the shape is 2147483647, more than memory can hold" },
    { H("'<f4'", "False", "(3,)"), "x.npy: 8 bytes after the header, which announces 3 values of 4 bytes" },
    { H("'<f4'", "False", "(1,)"), "x.npy: 8 bytes after the header, which announces 1 values of 4 bytes" },
    { "{'descr': '<f4', 'descr': '<f4'}", "x.npy: header: descr appears twice" },
    { "{'descr': '<f4', 'shape': (2,)}", "x.npy: header: fortran_order is missing" },
    { "{'descr': '<f4', 'eval': __import__('os')}",
      "x.npy: header: key \"eval\" is not one of descr, fortran_order, shape" },
    { H("'<f4'", "False", "(2,)") " x", "x.npy: header: its end expected at \"x\"" },
    { "{'descr' '<f4'}", "x.npy: header: a colon expected at \"'<f4'}\"" },
};

static void bad_headers(void)
{
    begin();
    put("y.npy", npy("|u1", "(2,)", many(0, 2)));
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        put("x.npy", npy_with(headers[i].text, many(0, 8)));
        expect_refused(ctx, "x.npy", NULL, headers[i].sentence);
    }
}

static void bad_files(void)
{
    static const float not_finite[] = { 1, 0.0f / 0.0f };
    begin();
    put("x.npy", npy("<f4", "(2,)", many(0, 8)));
    expect_refused(ctx, "x.npy", NULL, "x.npy: no file with its labels, such as x_labels.npy; --label names one");
    expect_refused(ctx, "x.npy", HSGD_OPTIONS(data, .label = "c.npy"), "c.npy: cannot open: No such file or directory");
    put("y.npy", npy("|u1", "(3,)", many(0, 3)));
    expect_refused(ctx, "x.npy", NULL, "y.npy: 3 labels, but x.npy has 2 samples");
    put("y.npy", npy("|u1", "(2, 2)", many(0, 4)));
    expect_refused(
        ctx, "x.npy", NULL,
        "y.npy: row 0 of 2 values is not one-hot; one number per sample, or a row with a single 1, is expected");
    put("y.npy", npy("<f4", "(2,)", bytes_of(not_finite, 8)));
    CHECK(hsgd_data_read(ctx, "x.npy", NULL, NULL, NULL) < 0);
    CHECK_STR(hsgd_error(ctx) + strlen(hsgd_error(ctx)) - 22, "nan, it must be finite");
    put("y.npy", npy("|u1", "(2,)", many(0, 2)));
    put("x.npy", npy("<f4", "(2,)", bytes_of((float[]){ 1, 1e30f * 1e30f }, 8)));
    expect_refused(ctx, "x.npy", NULL, "x.npy: value 0 of sample 1 is inf, a finite 32-bit float is expected");
    put("x.npy", npy("<f8", "(1, 2)", bytes_of((double[]){ 1, 1e300 }, 16)));
    put("y.npy", npy("|u1", "(1,)", many(0, 1)));
    expect_refused(ctx, "x.npy", NULL, "x.npy: value 1 of sample 0 is 1e+300, a finite 32-bit float is expected");
    expect_refused(ctx, "x.npy", HSGD_OPTIONS(data, .features = 3), "x.npy: samples have 2 features, 3 are expected");
    put("x.npy", npy("|u1", "(1, 3, 8, 8)", many(0, 192)));
    expect_refused(ctx, "x.npy", NULL, "x.npy: last dimension is 8, images have 1 to 4 channels there (N x H x W x C)");
}

static void bad_prefix(void)
{
    static const struct {
        uint8_t bytes[16];
        size_t n;
        const char *sentence;
    } list[] = {
        { "\x93NUMPX\1\0", 10, "x.npy: does not begin like a NumPy array (\\x93NUMPY)" },
        { "\x93NUMPY\1", 7, "x.npy: does not begin like a NumPy array (\\x93NUMPY)" },
        { "\x93NUMPY\4\0", 10, "x.npy: version is 4.0, only 1.0 to 3.0 are read" },
        { "\x93NUMPY\1\0\x10", 9, "x.npy: truncated in the header: only 9 bytes" },
        { "\x93NUMPY\2\0\x10\0\0", 11, "x.npy: truncated in the header: only 11 bytes" },
        { "\x93NUMPY\1\0\x10\0{}", 12, "x.npy: truncated in the header: only 2 of 16 bytes" },
        { "\x93NUMPY\2\0\xff\xff\xff\xff", 12, "x.npy: header has 4294967295 bytes, more than 65536" },
    };
    begin();
    put("y.npy", npy("|u1", "(2,)", many(0, 2)));
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        put("x.npy", bytes_of(list[i].bytes, list[i].n));
        expect_refused(ctx, "x.npy", HSGD_OPTIONS(data, .format = "npy"), list[i].sentence);
    }
}

static struct bytes good(void) { return npy("|u1", "(4,)", many(1, 4)); }

/* An archive of x.npy, y.npy and one more. */
static void zip_with(const char *name, struct bytes b)
{
    struct archive *a = zip_begin("set.npz", true);
    tar_add(a, "x.npy", good(), NULL);
    tar_add(a, name, b, NULL);
    tar_add(a, "y.npy", good(), NULL);
    tar_end(a);
}

/* Lists every member so many times: they share their bytes. */
static void repeat_members(const char *path, int times)
{
    struct bytes b = get(path);
    uint8_t *end = b.at + b.n - 22;
    uint32_t at, size;
    memcpy(&size, end + 12, 4);
    memcpy(&at, end + 16, 4);
    struct bytes all = bytes_of(b.at, at), last = bytes_of(end, 22);
    for (int i = 0; i < times; i++) all = joined(all, bytes_of(b.at + at, size));
    uint16_t members = (uint16_t)(last.at[8] * times);
    size *= (uint32_t)times;
    memcpy(last.at + 8, &members, 2);
    memcpy(last.at + 10, &members, 2);
    memcpy(last.at + 12, &size, 4);
    put(path, joined(all, last));
    free(b.at);
}

static void bad_npz(void)
{
    begin();
    zip_with("../evil.npy", good());
    expect_refused(ctx, "set.npz", NULL, "set.npz: member \"../evil.npy\" leaves the archive");
    zip_with("a/../../evil.npy", good());
    expect_refused(ctx, "set.npz", NULL, "set.npz: member \"a/../../evil.npy\" leaves the archive");
    zip_with("/etc/evil.npy", good());
    expect_refused(ctx, "set.npz", NULL, "set.npz: member \"/etc/evil.npy\" leaves the archive");
    zip_with("other.npy", good());
    expect_refused(ctx, "set.npz", HSGD_OPTIONS(data, .label = "z"),
                   "set.npz: no arrays x_train or x and z, or other known names; it has: x, y, other");
    struct archive *a = zip_begin("set.npz", false);
    tar_add(a, "a.npy", good(), NULL);
    tar_end(a);
    expect_refused(ctx, "set.npz", NULL,
                   "set.npz: no arrays x_train and y_train or x and y, or other known names; it has: a");
    a = zip_begin("notes.zip", false);
    tar_add(a, "notes/a.txt", good(), NULL);
    tar_end(a);
    expect_refused(ctx, "notes.zip", NULL,
                   "notes.zip: a zip archive with neither image folders nor arrays: the first "
                   "member is \"notes/a.txt\"");
}

static void bad_npz_parts(void)
{
    begin();
    zip_with("b", good());
    struct bytes b = get("set.npz");
    put("set.npz", cut(bytes_of(b.at, b.n), b.n / 3));
    CHECK(hsgd_data_read(ctx, "set.npz", NULL, NULL, NULL) < 0);
    CHECK_MSG(!strncmp(hsgd_error(ctx), "set.npz: the zip archive is damaged: ", 37), "%s", hsgd_error(ctx));
    put("set.npz", bytes_of("PK\3\4 nothing more", 17));
    CHECK(hsgd_data_read(ctx, "set.npz", NULL, NULL, NULL) < 0);
    CHECK_MSG(!strncmp(hsgd_error(ctx), "set.npz: the zip archive is damaged: ", 37), "%s", hsgd_error(ctx));
    free(b.at);
    struct archive *a = zip_begin("set.npz", true);
    tar_add(a, "x_train.npy", good(), NULL);
    tar_add(a, "y_train.npy", good(), NULL);
    tar_add(a, "x_test.npy", npy("|u1", "(2, 2)", many(1, 4)), NULL);
    tar_add(a, "y_test.npy", npy("|u1", "(2,)", many(1, 2)), NULL);
    tar_end(a);
    expect_refused(ctx, "set.npz", NULL, "set.npz: training samples are 1x1x1, test samples 1x1x2");
    a = zip_begin("set.npz", true);
    tar_add(a, "x.npy", text_of("no array"), NULL);
    tar_add(a, "y.npy", good(), NULL);
    tar_end(a);
    expect_refused(ctx, "set.npz", NULL, "set.npz: x.npy: does not begin like a NumPy array (\\x93NUMPY)");
}

/* A directory that lists a large member many times makes it no larger. */
static void npz_bomb(void)
{
    struct hsgd_data *train, *test;
    begin();
    zip_with("x_test.npy", many(0, 8 << 20));
    repeat_members("set.npz", 40);
    REQUIRE(!hsgd_data_read(ctx, "set.npz", NULL, &train, &test));
    CHECK(hsgd_data_count(train) == 4 && !test);
    hsgd_data_destroy(&train);
}

static const struct core_case cases[] = {
    { "npy_files", npy_files },
    { "npy_test_part", npy_test_part },
    { "npy_shapes", npy_shapes },
    { "npy_types", npy_types },
    { "npy_headers", npy_headers },
    { "npz", npz },
    { "npz_parts_and_label", npz_parts_and_label },
    { "bad_headers", bad_headers },
    { "bad_files", bad_files },
    { "bad_prefix", bad_prefix },
    { "bad_npz", bad_npz },
    { "bad_npz_parts", bad_npz_parts },
    { "npz_bomb", npz_bomb },
};
CORE_MAIN(cases)
