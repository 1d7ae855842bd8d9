/* LIBSVM, CSV and NumPy files: what is in the data sets they become. */
#include "files.h"

#include <archive.h>
#include <locale.h>
#include <math.h>

static struct hsgd_context *ctx;

static void begin(void)
{
    pictures_begin();
    ctx = pictures_context();
}

/* A set of both parts, the test part NULL where there is none. */
struct set { struct hsgd_data *train, *test; };

static struct set read_set(const char *path, const struct hsgd_data_options *o)
{
    struct set s;
    bool ok = !hsgd_data_read(ctx, path, o, &s.train, &s.test);
    if (!ok) CHECK_STR(hsgd_error(ctx), "");
    REQUIRE(ok && s.train);
    return s;
}

static void close_set(struct set *s)
{
    hsgd_data_destroy(&s->train);
    hsgd_data_destroy(&s->test);
}

static void expect_shape(const struct hsgd_data *d, int64_t count, int h, int w, int c)
{
    struct hsgd_shape s = hsgd_data_shape(d);
    CHECK_MSG(hsgd_data_count(d) == count && s.h == h && s.w == w && s.c == c, "%lld of %dx%dx%d",
              (long long)hsgd_data_count(d), s.h, s.w, s.c);
}

/* Names separated by spaces. */
static void expect_classes(const struct hsgd_data *d, const char *names)
{
    char all[200] = "";
    for (int i = 0; i < hsgd_data_classes(d); i++) strcat(strcat(all, i ? " " : ""), hsgd_data_class_name(d, i));
    CHECK_STR(all, names);
}

static void expect_sample(const struct hsgd_data *d, int64_t i, int label, const float *want)
{
    struct hsgd_shape s = hsgd_data_shape(d);
    int32_t got_label;
    float *x = malloc(sizeof *x * (size_t)(s.h * s.w * s.c));
    hsgd_data_gather(d, &i, 1, NULL, x, &got_label);
    CHECK(got_label == label);
    for (int k = 0; k < s.h * s.w * s.c; k++)
        CHECK_MSG(x[k] == want[k] || (isnan(x[k]) && isnan(want[k])), "sample %d number %d: %g, not %g", (int)i, k,
                  (double)x[k], (double)want[k]);
    free(x);
}
#define SAMPLE(d, i, label, ...) expect_sample(d, i, label, (const float[]){ __VA_ARGS__ })

/* ------------------------------------------------------------------ LIBSVM */

static const char svm[] = "# made by hand\n+1 1:0.5 3:-2e0 # a comment\n\n-1 2:.25\r\n-1 \n  1.0\t4:1e-1 \n \n";

static void expect_svm(const char *path)
{
    struct set s = read_set(path, NULL);
    CHECK(!s.test);
    expect_shape(s.train, 4, 1, 1, 4);
    expect_classes(s.train, "-1 +1");
    SAMPLE(s.train, 0, 1, 0.5f, 0, -2, 0);
    SAMPLE(s.train, 1, 0, 0, 0.25f, 0, 0);
    SAMPLE(s.train, 2, 0, 0, 0, 0, 0);
    SAMPLE(s.train, 3, 1, 0, 0, 0, 0.1f);
    CHECK_STR(hsgd_data_format(s.train), "libsvm");
    CHECK_STR(hsgd_data_name(s.train), path);
    close_set(&s);
}

static void libsvm(void)
{
    begin();
    put_text("plain", svm);
    put("packed.gz", packed(text_of(svm), 'z'));
    put("packed.xz", packed(text_of(svm), 'J'));
    expect_svm("plain");
    expect_svm("packed.gz");
    expect_svm("packed.xz");
}

/* NAME.t, whose features may be fewer or more. */
static void libsvm_test_part(void)
{
    begin();
    put("set.xz", packed(text_of("3 1:1\n5 2:1\n"), 'J'));
    put("set.t.xz", packed(text_of("5 3:7\n3 1:2\n"), 'J'));
    struct set s = read_set("set.xz", NULL);
    REQUIRE(s.test);
    expect_shape(s.train, 2, 1, 1, 3);
    expect_shape(s.test, 2, 1, 1, 3);
    SAMPLE(s.train, 1, 1, 0, 1, 0);
    SAMPLE(s.test, 0, 1, 0, 0, 7);
    close_set(&s);
}

/* As a checkpoint asks for it: its width, its classes. */
static void libsvm_options(void)
{
    struct hsgd_data_options o = { .features = 5, .classes = 3, .class_name = (const char *const[]){ "a", "-1", "1" } };
    begin();
    put_text("few", "+1 2:3\n-1.0 1:1\n");
    struct set s = read_set("few", &o);
    expect_shape(s.train, 2, 1, 1, 5);
    expect_classes(s.train, "a -1 1");
    SAMPLE(s.train, 0, 2, 0, 3, 0, 0, 0);
    SAMPLE(s.train, 1, 1, 1, 0, 0, 0, 0);
    close_set(&s);
}

/* Sparse samples are gathered as dense ones are, whole or split. */
static void sparse_gather(void)
{
    float dense[40 * 5] = { 0 };
    int32_t labels[40];
    char text[4000];
    size_t used = 0;
    begin();
    for (int i = 0; i < 40; i++) {
        used += (size_t)sprintf(text + used, "%d", labels[i] = i % 3);
        for (int k = 0; k < 5; k++)
            if ((i * 7 + k * 3) % 4 == 0) used += (size_t)sprintf(text + used, " %d:%d", k + 1, (int)(dense[i * 5 + k] = (float)(i + k + 1)));
        text[used++] = '\n', text[used] = 0;
    }
    put_text("set", text);
    struct set s = read_set("set", NULL);
    struct hsgd_data *d = hsgd_data_memory(ctx, dense, labels, 40, (struct hsgd_shape){ 1, 1, 5 }, 3, HSGD_BORROW), *a, *b, *c, *e;
    REQUIRE(d && !hsgd_data_split(ctx, s.train, 10, 4, &a, &b) && !hsgd_data_split(ctx, d, 10, 4, &c, &e));
    struct hsgd_normalisation five, one = { .channels = 1, .mean = { 2 }, .inv_std = { 0.5f } };
    hsgd_data_statistics(d, &five);
    for (int64_t i = 0; i < 10; i++) {
        float x[5], y[5];
        for (int turn = 0; turn < 3; turn++) {
            const struct hsgd_normalisation *n = (const struct hsgd_normalisation *[]){ NULL, &one, &five }[turn];
            hsgd_data_gather(a, &i, 1, n, x, NULL);
            hsgd_data_gather(c, &i, 1, n, y, NULL);
            for (int k = 0; k < 5; k++) CHECK(fabsf(x[k] - y[k]) < 1e-6f * (1 + fabsf(y[k])));
        }
    }
    hsgd_data_destroy(&a), hsgd_data_destroy(&b), hsgd_data_destroy(&c), hsgd_data_destroy(&e), hsgd_data_destroy(&d);
    close_set(&s);
}

static void sparse_statistics(void)
{
    struct hsgd_normalisation n;
    float x[2];
    begin();
    put_text("set", "0 1:3\n1 2:4\n1\n0 1:1\n");
    struct set s = read_set("set", NULL);
    hsgd_data_statistics(s.train, &n);
    CHECK(n.channels == 1 && n.mean[0] == 0);
    CHECK(fabs(n.inv_std[0] - 1 / sqrt((9 + 16 + 1) / 8.0)) < 1e-6);
    hsgd_data_gather(s.train, &(int64_t){ 0 }, 1, &n, x, NULL);
    CHECK(fabs(x[0] - 3 * n.inv_std[0]) < 1e-6 && x[1] == 0);
    close_set(&s);
}

/* --------------------------------------------------------------------- CSV */

static void csv(void)
{
    begin();
    put_text("iris.csv", "\xef\xbb\xbfwidth,\"species\",\"length, cm\"\r\n1.5,setosa,2\r\n3e1,\"versi\"\"color\"\"\",4\r\n\r\n-1,setosa,.5");
    struct hsgd_data_options o = { .label = "species" };
    struct set s = read_set("iris.csv", &o);
    expect_shape(s.train, 3, 1, 1, 2);
    expect_classes(s.train, "setosa versi\"color\"");
    SAMPLE(s.train, 0, 0, 1.5f, 2);
    SAMPLE(s.train, 1, 1, 30, 4);
    SAMPLE(s.train, 2, 0, -1, 0.5f);
    CHECK_STR(hsgd_data_format(s.train), "csv");
    CHECK(!s.test);
    close_set(&s);
}

static void csv_separators(void)
{
    begin();
    put_text("semicolon", "a;b;\"c,d,e,f\"\n1;2;x\n3;4;y\n");
    put("tab.gz", packed(text_of("a\tb\tc\n1\t2\tx\n3\t4\ty\n"), 'z'));
    for (int i = 0; i < 2; i++) {
        struct set s = read_set(i ? "tab.gz" : "semicolon", NULL);
        expect_shape(s.train, 2, 1, 1, 2);
        expect_classes(s.train, "x y");
        SAMPLE(s.train, 1, 1, 3, 4);
        close_set(&s);
    }
}

/* By usual name, in whatever case; by number; else the last column. */
static void csv_label_column(void)
{
    static const struct { const char *header, *label; float feature; } tests[] = {
        { "y,Class,a", NULL, 3 }, { "Target,y,a", NULL, 6 }, { "a,b,c", NULL, 1 }, { "LABEL,class,target", NULL, 6 },
        { "a,b,c", "2", 3 }, { "a,b,c", "a", 6 }, { "2,3,c", "3", 3 }, { "a,y,c", "c", 1 }, { "y,b,2", "2", 1 },
    };
    begin();
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        char text[100];
        struct hsgd_data_options o = { .label = tests[i].label };
        snprintf(text, sizeof text, "%s\n1,2,3\n", tests[i].header);
        put_text("set", text);
        struct set s = read_set("set", &o);
        float x[2];
        hsgd_data_gather(s.train, &(int64_t){ 0 }, 1, NULL, x, NULL);
        CHECK_MSG(x[0] * x[1] == tests[i].feature * (tests[i].feature == 1 ? 2 : 1), "%s, --label %s: %g, %g",
                  tests[i].header, tests[i].label ? tests[i].label : "-", (double)x[0], (double)x[1]);
        close_set(&s);
    }
}

/* Numbers sort as numbers, and 1 is 1.0. */
static void csv_labels(void)
{
    begin();
    put_text("set", "a,label\n0,10\n0,9\n0,-2\n0,9.0\n");
    struct set s = read_set("set", NULL);
    expect_classes(s.train, "-2 9 10");
    SAMPLE(s.train, 3, 1, 0);
    close_set(&s);
    put_text("set", "a,label\n0,10\n0,9\n0,x\n");
    s = read_set("set", NULL);
    expect_classes(s.train, "10 9 x");
    close_set(&s);
}

/* A missing value is the mean of its column. */
static void csv_missing(void)
{
    struct hsgd_normalisation n;
    float x[2];
    begin();
    put_text("set", "a,b,label\n1,?,0\n,20,1\nNA, nan ,0\n5,30,1\nnull,N/A,1\n");
    struct set s = read_set("set", NULL);
    SAMPLE(s.train, 0, 0, 1, NAN);
    hsgd_data_statistics(s.train, &n);
    CHECK(n.channels == 2 && n.mean[0] == 3 && n.mean[1] == 25);
    CHECK(fabs(n.inv_std[0] - 0.5) < 1e-6 && fabs(n.inv_std[1] - 0.2) < 1e-6);
    for (int64_t i = 0; i < 5; i++) {
        static const float want[5][2] = { { -1, 0 }, { 0, -1 }, { 0, 0 }, { 1, 1 }, { 0, 0 } };
        hsgd_data_gather(s.train, &i, 1, &n, x, NULL);
        CHECK(fabsf(x[0] - want[i][0]) < 1e-6f && fabsf(x[1] - want[i][1]) < 1e-6f);
    }
    close_set(&s);
}

/* The decimal point is a point whatever the locale. */
static void numbers(void)
{
    static const struct { const char *text; double value; } tests[] = {
        { "0.1", 0.1 }, { "+3.", 3 }, { ".5", 0.5 }, { "-0", 0 }, { "1e5", 1e5 }, { "1E-5", 1e-5 }, { "1e-40", 1e-40 },
        { "123456789.123456789", 123456789.123456789 }, { "3.40282346e38", 3.40282346e38 },
        { "0.00000000000000000000000000000000000001", 1e-38 }, { "1e+2", 100 }, { "9007199254740993e0", 9007199254740993.0 },
        { "1e-400", 0 },
    };
    begin();
    CHECK(setlocale(LC_ALL, "de_DE.UTF-8") || setlocale(LC_ALL, "C"));
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        char text[100];
        snprintf(text, sizeof text, "a,label\n%s,0\n", tests[i].text);
        put_text("set", text);
        struct set s = read_set("set", NULL);
        SAMPLE(s.train, 0, 0, (float)tests[i].value);
        close_set(&s);
    }
}

/* ------------------------------------------------------------------- NumPy */

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
        { "x.npy", "y.npy" }, { "X_train.npy", "y_train.npy" }, { "f.npy", "f_labels.npy" }, { "g.npy", "labels.npy" },
        { "images.npy.gz", "labels.npy.gz" },
    };
    begin();
    for (int i = 0; i < 5; i++) {
        char path[2][64];
        for (int k = 0; k < 2; k++) {
            snprintf(path[k], sizeof path[k], "d%d/%s", i, names[i][k]);
            struct bytes b = k ? i8() : f4("(3, 2)");
            put(path[k], i == 4 ? packed(b, 'z') : b);
        }
        struct set s = read_set(path[0], NULL);
        expect_six(s, "npy");
        CHECK(!s.test);
        close_set(&s);
    }
    put("d/samples.npy", f4("(3, 2)"));
    put("d/classes.npy", i8());
    struct set s = read_set("d/samples.npy", &(struct hsgd_data_options){ .label = "classes.npy" });
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
    struct set s = read_set("x_train.npy", NULL);
    expect_six(s, "npy");
    REQUIRE(s.test);
    SAMPLE(s.test, 1, 0, 3.5f, 4);
    close_set(&s);
}

static void npy_shapes(void)
{
    static const struct { const char *shape; int h, w, c; } tests[] = {
        { "(12,)", 1, 1, 1 }, { "(12, 1)", 1, 1, 1 }, { "(4, 3)", 1, 1, 3 }, { "(2, 2, 3)", 2, 3, 1 },
        { "(2, 2, 1, 3)", 2, 1, 3 }, { "(1,2,3,2,)", 2, 3, 2 },
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
        struct set s = read_set("x.npy", NULL);
        expect_shape(s.train, n, tests[i].h, tests[i].w, tests[i].c);
        expect_sample(s.train, n - 1, 0, want + (n - 1) * tests[i].h * tests[i].w * tests[i].c);
        close_set(&s);
    }
}

/* Each type, both ways round, with -3 (253 and the like without a sign). */
static void npy_types(void)
{
    static const struct { const char *type; uint8_t bytes[8]; float value; } tests[] = {
        { "u1", { 253 }, 253 * (1 / 255.0f) }, { "i1", { 253 }, -3 }, { "u2", { 253, 255 }, 65533 }, { "i2", { 253, 255 }, -3 },
        { "u4", { 3, 0, 0, 1 }, 16777219 }, { "i4", { 253, 255, 255, 255 }, -3 }, { "f2", { 0, 0xc2 }, -3 },
        { "f2", { 1, 0 }, 0x1p-24f }, { "f2", { 0xff, 0x7b }, 65504 }, { "f4", { 0, 0, 0x40, 0xc0 }, -3 },
        { "f8", { 0, 0, 0, 0, 0, 0, 8, 0xc0 }, -3 }, { "i8", { 253, 255, 255, 255, 255, 255, 255, 255 }, -3 },
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
        struct set s = read_set("x.npy", NULL);
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
    struct set s = read_set("x.npy", NULL);
    expect_six(s, "npy");
    close_set(&s);
    struct bytes b = f4("(3, 2)");
    b = joined(joined(bytes_of("\x93NUMPY\2\0", 8), bytes_of((uint8_t[]){ b.at[8], 0, 0, 0 }, 4)), bytes_of(b.at + 10, b.n - 10));
    put("x.npy", b);
    s = read_set("x.npy", NULL);
    expect_six(s, "npy");
    close_set(&s);
}

static void npz(void)
{
    static const char *const names[][2] = {
        { "x.npy", "y.npy" }, { "x_train.npy", "y_train.npy" }, { "images.npy", "labels.npy" }, { "data.npy", "target.npy" },
        { "X.npy", "Y.npy" }, { "train_images.npy", "train_labels.npy" },
    };
    begin();
    for (int i = 0; i < 12; i++) {
        struct archive *a = zip_begin("set.npz", i % 2);
        tar_add(a, names[i / 2][1], i8(), NULL);
        tar_add(a, "readme.txt", text_of("nothing"), NULL);
        tar_add(a, names[i / 2][0], f4("(3, 2)"), NULL);
        tar_end(a);
        struct set s = read_set("set.npz", NULL);
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
    struct set s = read_set("set.npz", NULL);
    expect_six(s, "npz");
    REQUIRE(s.test);
    SAMPLE(s.test, 1, 0, 3.5f, 4);
    close_set(&s);
    s = read_set("set.npz", &(struct hsgd_data_options){ .label = "fine_train" });
    expect_classes(s.train, "0 1");
    CHECK(!s.test);
    close_set(&s);
}

static const struct core_case cases[] = {
    { "libsvm", libsvm }, { "libsvm_test_part", libsvm_test_part }, { "libsvm_options", libsvm_options },
    { "sparse_gather", sparse_gather }, { "sparse_statistics", sparse_statistics }, { "csv", csv },
    { "csv_separators", csv_separators }, { "csv_label_column", csv_label_column }, { "csv_labels", csv_labels },
    { "csv_missing", csv_missing }, { "numbers", numbers }, { "npy_files", npy_files },
    { "npy_test_part", npy_test_part }, { "npy_shapes", npy_shapes }, { "npy_types", npy_types },
    { "npy_headers", npy_headers }, { "npz", npz }, { "npz_parts_and_label", npz_parts_and_label },
};
CORE_MAIN(cases)
