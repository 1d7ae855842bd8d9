/* SPDX-License-Identifier: BSD-3-Clause */
/* LIBSVM and CSV texts: what is in the data sets they become. */
#include "files.h"

#include <math.h>

#include "comma.h"

static struct hsgd_context *ctx;

static void begin(void)
{
    pictures_begin();
    ctx = pictures_context();
}

/* ------------------------------------------------------------------ LIBSVM */

static const char svm[] = "# made by hand\n+1 1:0.5 3:-2e0 # a comment\n\n-1 2:.25\r\n-1 \n  1.0\t4:1e-1 \n \n";

static void expect_svm(const char *path)
{
    struct set s = read_set(ctx, path, NULL);
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
    struct set s = read_set(ctx, "set.xz", NULL);
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
    struct hsgd_data_options o = {
        .size = sizeof o, .features = 5, .classes = 3, .class_name = (const char *const[]){ "a", "-1", "1" }
    };
    begin();
    put_text("few", "+1 2:3\n-1.0 1:1\n");
    struct set s = read_set(ctx, "few", &o);
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
            if ((i * 7 + k * 3) % 4 == 0) {
                dense[i * 5 + k] = (float)(i + k + 1);
                used += (size_t)sprintf(text + used, " %d:%d", k + 1, i + k + 1);
            }
        text[used++] = '\n', text[used] = 0;
    }
    put_text("set", text);
    struct set s = read_set(ctx, "set", NULL);
    struct hsgd_shape five_wide = { 1, 1, 5 };
    struct hsgd_data *d = hsgd_data_memory(ctx, dense, labels, 40, five_wide, 3, HSGD_BORROW), *a, *b, *c, *e;
    REQUIRE(d && !hsgd_data_split(ctx, s.train, 10, 4, &a, &b) && !hsgd_data_split(ctx, d, 10, 4, &c, &e));
    struct hsgd_normalisation *five = hsgd_data_statistics(d);
    struct hsgd_normalisation *one = hsgd_normalisation_create(1, &(double){ 2 }, &(double){ 0.5 });
    REQUIRE(five && one);
    for (int64_t i = 0; i < 10; i++) {
        float x[5], y[5];
        for (int turn = 0; turn < 3; turn++) {
            const struct hsgd_normalisation *n = (const struct hsgd_normalisation *[]){ NULL, one, five }[turn];
            hsgd_data_gather(a, &i, 1, n, x, NULL);
            hsgd_data_gather(c, &i, 1, n, y, NULL);
            for (int k = 0; k < 5; k++) CHECK(fabsf(x[k] - y[k]) < 1e-6f * (1 + fabsf(y[k])));
        }
    }
    hsgd_normalisation_destroy(&one), hsgd_normalisation_destroy(&five);
    hsgd_data_destroy(&a), hsgd_data_destroy(&b), hsgd_data_destroy(&c), hsgd_data_destroy(&e), hsgd_data_destroy(&d);
    close_set(&s);
}

static void sparse_statistics(void)
{
    float x[2];
    begin();
    put_text("set", "0 1:3\n1 2:4\n1\n0 1:1\n");
    struct set s = read_set(ctx, "set", NULL);
    struct hsgd_normalisation *n = hsgd_data_statistics(s.train);
    REQUIRE(n);
    CHECK(n->channels == 1 && n->mean[0] == 0);
    CHECK(fabs(n->inv_std[0] - 1 / sqrt((9 + 16 + 1) / 8.0)) < 1e-6);
    hsgd_data_gather(s.train, &(int64_t){ 0 }, 1, n, x, NULL);
    CHECK(fabs(x[0] - 3 * n->inv_std[0]) < 1e-6 && x[1] == 0);
    hsgd_normalisation_destroy(&n);
    close_set(&s);
}

/* --------------------------------------------------------------------- CSV */

static void csv(void)
{
    begin();
    put_text("iris.csv", "\xef\xbb\xbfwidth,\"species\",\"length, cm\"\r\n1.5,setosa,2\r\n"
                         "3e1,\"versi\"\"color\"\"\",4\r\n\r\n-1,setosa,.5");
    struct hsgd_data_options o = { .size = sizeof o, .label = "species" };
    struct set s = read_set(ctx, "iris.csv", &o);
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
        struct set s = read_set(ctx, i ? "tab.gz" : "semicolon", NULL);
        expect_shape(s.train, 2, 1, 1, 2);
        expect_classes(s.train, "x y");
        SAMPLE(s.train, 1, 1, 3, 4);
        close_set(&s);
    }
}

/* By usual name, in whatever case; by number; else the last column. */
static void csv_label_column(void)
{
    static const struct {
        const char *header, *label;
        float feature;
    } tests[] = {
        { "y,Class,a", NULL, 3 },          { "Target,y,a", NULL, 6 }, { "a,b,c", NULL, 1 },
        { "LABEL,class,target", NULL, 6 }, { "a,b,c", "2", 3 },       { "a,b,c", "a", 6 },
        { "2nd,3rd,c", "2", 3 },           { "a,y,c", "c", 1 },       { " a , y,c", "a", 6 },
    };
    begin();
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        char text[100];
        struct hsgd_data_options o = { .size = sizeof o, .label = tests[i].label };
        snprintf(text, sizeof text, "%s\n1,2,3\n", tests[i].header);
        put_text("set", text);
        struct set s = read_set(ctx, "set", &o);
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
    struct set s = read_set(ctx, "set", NULL);
    expect_classes(s.train, "-2 9 10");
    SAMPLE(s.train, 3, 1, 0);
    close_set(&s);
    put_text("set", "a,label\n0,10\n0,9\n0,x\n");
    s = read_set(ctx, "set", NULL);
    expect_classes(s.train, "10 9 x");
    close_set(&s);
}

/* A missing value is the mean of its column. */
static void csv_missing(void)
{
    float x[2];
    begin();
    put_text("set", "a,b,label\n1,?,0\n,20,1\nNA, nan ,0\n5,30,1\nnull,N/A,1\n");
    struct set s = read_set(ctx, "set", NULL);
    SAMPLE(s.train, 0, 0, 1, NAN);
    struct hsgd_normalisation *n = hsgd_data_statistics(s.train);
    REQUIRE(n);
    CHECK(n->channels == 2 && n->mean[0] == 3 && n->mean[1] == 25);
    CHECK(fabs(n->inv_std[0] - 0.5) < 1e-6 && fabs(n->inv_std[1] - 0.2) < 1e-6);
    for (int64_t i = 0; i < 5; i++) {
        static const float want[5][2] = { { -1, 0 }, { 0, -1 }, { 0, 0 }, { 1, 1 }, { 0, 0 } };
        hsgd_data_gather(s.train, &i, 1, n, x, NULL);
        CHECK(fabsf(x[0] - want[i][0]) < 1e-6f && fabsf(x[1] - want[i][1]) < 1e-6f);
    }
    hsgd_normalisation_destroy(&n);
    close_set(&s);
}

/* The decimal point is a point whatever the locale. */
static void numbers(void)
{
    static const struct {
        const char *text;
        double value;
    } tests[] = {
        { "0.1", 0.1 },
        { "+3.", 3 },
        { ".5", 0.5 },
        { "-0", 0 },
        { "1e5", 1e5 },
        { "1E-5", 1e-5 },
        { "1e-40", 1e-40 },
        { "123456789.123456789", 123456789.123456789 },
        { "3.40282346e38", 3.40282346e38 },
        { "0.00000000000000000000000000000000000001", 1e-38 },
        { "1e+2", 100 },
        { "9007199254740993e0", 9007199254740993.0 },
        { "1e-400", 0 },
    };
    begin();
    REQUIRE(comma_locale());
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        char text[100];
        snprintf(text, sizeof text, "a,label\n%s,0\n", tests[i].text);
        put_text("set", text);
        struct set s = read_set(ctx, "set", NULL);
        SAMPLE(s.train, 0, 0, (float)tests[i].value);
        close_set(&s);
    }
}

static const struct core_case cases[] = {
    { "libsvm", libsvm },
    { "libsvm_test_part", libsvm_test_part },
    { "libsvm_options", libsvm_options },
    { "sparse_gather", sparse_gather },
    { "sparse_statistics", sparse_statistics },
    { "csv", csv },
    { "csv_separators", csv_separators },
    { "csv_label_column", csv_label_column },
    { "csv_labels", csv_labels },
    { "csv_missing", csv_missing },
    { "numbers", numbers },
};
CORE_MAIN(cases)
