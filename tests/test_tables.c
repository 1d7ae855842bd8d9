/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables as users have them: what is read is what was meant, or a sentence says
 * what to do. */
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

static void each(const struct bad *b, size_t n, const struct hsgd_data_options *o)
{
    for (size_t i = 0; i < n; i++) {
        put_text("set", b[i].text);
        expect_refused(ctx, "set", o, b[i].sentence);
    }
}
#define EACH(list, o) each(list, sizeof list / sizeof *list, o)

static struct set table(const char *text, const struct hsgd_data_options *o)
{
    put_text("set", text);
    return read_set(ctx, "set", o);
}

/* ----------------------------------------------------------------- headers */

/* All are the same table. */
static void headers(void)
{
    static const char *const same[] = {
        "a,b,label\n1,2,x\n3,4,y\n",
        "a, b, label\n1, 2, x\n3, 4, y\n",
        " a ,b\t,label \n1 , 2,x \n3,4,y\n",
        "\n  \n# made by hand, \"twice\n#\na,b,label\n1,2,x\n3,4,y\n",
        "\xef\xbb\xbf# a mark\na,b,label\n1,2,x\n3,4,y\n",
        "a,b,\"label\" \n1,2, \"x\"\n3,4,\"y\" \n",
        "a\t b\tlabel\n1\t2 \tx\n3\t4\t y\n",
        "\r\na,b,label\r\n1,2,x\r\n3,4,y\r\n",
        "sep=;\r\na;b;label\r\n1;2;x\r\n3;4;y\r\n",
        "label,a,b\nx,1,2\ny,3,4\n",
        "a;b;label\n1;2;x\n3;4;y\n",
    };
    begin();
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        struct set s = table(same[i], NULL);
        expect_shape(s.train, 2, 1, 1, 2);
        expect_classes(s.train, "x y");
        SAMPLE(s.train, 1, 1, 3, 4);
        close_set(&s);
    }
}

/* Columns that other programs call so. */
static void names(void)
{
    begin();
    struct set s = table(",a,label\n0,5,x\n1,6,y\n", OPTIONS(.ignore = "1"));
    SAMPLE(s.train, 1, 1, 6);
    close_set(&s);
    s = table("#,a,label\n1,5,x\n2,6,y\n", NULL);
    SAMPLE(s.train, 1, 1, 2, 6);
    close_set(&s);
}

#define ADD "; add a line of names above it"

static void no_header(void)
{
    static const struct bad list[] = {
        { "5.0,3.4,1.5,0.2,setosa\n4.9,3,1.4,0.2,setosa\n",
          "set: line 1: column names are expected, \"5.0\" is a number" ADD },
        { "setosa,5.0,3.4\nsetosa,4.9,3\n", "set: line 1: column names are expected, \"5.0\" is a number" ADD },
        { "?,3.4,setosa\n4.9,3,setosa\n", "set: line 1: column names are expected, \"?\" is a missing value" ADD },
        { "x,NA,setosa\n4.9,3,setosa\n", "set: line 1: column names are expected, \"NA\" is a missing value" ADD },
        { ",3.4,setosa\n4.9,3,setosa\n", "set: line 1: column names are expected, \"3.4\" is a number" ADD },
        { "\n# iris\n\n1,2,3\n4,5,6\n", "set: line 4: column names are expected, \"1\" is a number" ADD },
        { "5,0;3,4;setosa;a\n4,9;3,0;setosa;b\n", "set: line 1: column names are expected, \"5,0\" is a number" ADD },
        { "0,1,2,label\n1,2,3,x\n", "set: line 1: column names are expected, \"0\" is a number" ADD },
    };
    begin();
    EACH(list, NULL);
}

static void repeated_columns(void)
{
    static const struct bad list[] = {
        { "a,b,a,label\n1,2,3,x\n", "set: line 1: columns 1 and 3 have the same name, \"a\"" },
        { "a, b ,b,label\n1,2,3,x\n", "set: line 1: columns 2 and 3 have the same name, \"b\"" },
        { "a,label,label\n1,x,y\n", "set: line 1: columns 2 and 3 have the same name, \"label\"" },
        { "Label,label,a\n1,x,2\n", "set: line 1: \"Label\" and \"label\" may both be the label; --label chooses one" },
        { "a,label,,\n1,x,,\n", "set: line 1: columns 3 and 4 have the same name, \"\"" },
    };
    begin();
    EACH(list, NULL);
}

static void ignored_columns(void)
{
    static const struct bad list[] = {
        { "a,b,label\n1,2,x\n", "set: line 1: no column \"city\"; there are 3, from \"a\" to \"label\"" },
    };
    begin();
    struct set s = table("id,city,a,label,\"x, y\"\n7,Paris,1,u,9\n8,Rome,2,v,8\n", OPTIONS(.ignore = "city, 1"));
    expect_shape(s.train, 2, 1, 1, 2);
    SAMPLE(s.train, 1, 1, 2, 8);
    close_set(&s);
    s = table("a,label,\"x, y\"\n1,u,9\n2,v,8\n", OPTIONS(.ignore = "x, y"));
    expect_shape(s.train, 2, 1, 1, 1);
    close_set(&s);
    s = table("a,b,c\n1,2,x\n3,4,y\n", OPTIONS(.ignore = "c"));
    expect_classes(s.train, "2 4");
    close_set(&s);
    EACH(list, OPTIONS(.ignore = "city"));
    put_text("set", "a,b,label\n1,2,x\n");
    expect_refused(ctx, "set", OPTIONS(.ignore = "a,b"), "set: line 1: no column is left as a feature");
    expect_refused(ctx, "set", OPTIONS(.ignore = "a,b,label"), "set: line 1: no column is left as a feature");
    expect_refused(ctx, "set", OPTIONS(.ignore = "a", .label = "a"), "set: column \"a\" is both the label and ignored");
    expect_refused(ctx, "set", OPTIONS(.ignore = "a", .features = 2),
                   "set: line 1: 1 columns beside the label, 2 features are expected");
    put_text("set", "1 1:1\n2 1:2\n");
    expect_refused(ctx, "set", OPTIONS(.ignore = "a"),
                   "data set \"set\": --ignore names columns of a CSV, and this is libsvm");
    expect_refused(ctx, "digits", OPTIONS(.ignore = "a"),
                   "data set \"digits\": --ignore names columns of a CSV, and this is digits");
}

/* ------------------------------------------------------------------ values */

static void truth_and_commas(void)
{
    static const struct bad list[] = {
        { "a,label\n\"1,5\",x\n",
          "set: line 2: column \"a\": \"1,5\" is not a number; the decimal separator must be a point" },
        { "a\tlabel\n-0,5\tx\n",
          "set: line 2: column \"a\": \"-0,5\" is not a number; the decimal separator must be a point" },
        { "a;b;label\n1,5;2;x\n3;0.5;y\n",
          "set: line 3: column \"b\": \"0.5\" has a decimal point, line 2 a decimal comma" },
        { "a;label\n1.5;x\n0,5;y\n", "set: line 3: column \"a\": \"0,5\" has a decimal comma, line 2 a decimal point" },
        { "a;label\n1.000,5;x\n",
          "set: line 2: column \"a\": \"1.000,5\" is not a number; --categorical takes the values of a column as categories, --ignore leaves it out" },
        { "a,label\nTruth,x\n",
          "set: line 2: column \"a\": \"Truth\" is not a number; --categorical takes the values of a column as categories, --ignore leaves it out" },
    };
    begin();
    struct set s = table("a;b;label\n1,5;-,25;x\n+2,;1e2;y\n", NULL);
    SAMPLE(s.train, 0, 0, 1.5f, -0.25f);
    SAMPLE(s.train, 1, 1, 2, 100);
    close_set(&s);
    s = table("a,b,label\nTrue,1,False\nFALSE,2,True\ntrue,3,True\n", NULL);
    expect_classes(s.train, "False True");
    SAMPLE(s.train, 0, 0, 1, 1);
    SAMPLE(s.train, 1, 1, 0, 2);
    close_set(&s);
    EACH(list, NULL);
}

/* Rows of one feature and label 0, normalised by their own statistics. */
static void expect_normalised(const char *rows, const double *want, int n)
{
    char text[400];
    snprintf(text, sizeof text, "t,label\n%s", rows);
    struct set s = table(text, NULL);
    struct hsgd_normalisation *norm = hsgd_data_statistics(s.train);
    REQUIRE(norm && hsgd_data_count(s.train) == n);
    for (int64_t i = 0; i < n; i++) {
        float x;
        hsgd_data_gather(s.train, &i, 1, norm, &x, NULL);
        CHECK_MSG(fabs((double)x - want[i]) < 2e-6, "%s row %d: %.9g, not %.9g", rows, (int)i, (double)x, want[i]);
    }
    hsgd_normalisation_destroy(&norm);
    close_set(&s);
}

/* What tells numbers apart is not lost before the mean is subtracted: seconds,
 * nanoseconds, degrees that hardly differ, numbers that a float calls 0. */
static void close_numbers(void)
{
    static const double thirds[] = { -1.22474487, 0, 1.22474487 }, halves[] = { -1, 1, -1, 1 };
    begin();
    expect_normalised("1700000000,0\n1700000001,0\n1700000002,0\n", thirds, 3);
    expect_normalised("1700000000000001024,0\n1700000000000001536,0\n1700000000000002048,0\n", thirds, 3);
    expect_normalised("-1e9,0\n-999999999,0\n-1e9,0\n-999999999,0\n", halves, 4);
    expect_normalised("300.0000001,0\n300.0000002,0\n300.0000001,0\n300.0000002,0\n", halves, 4);
    expect_normalised("1e-42,0\n1.0001e-42,0\n1.0002e-42,0\n", thirds, 3);
    expect_normalised("1e-300,0\n2e-300,0\n1e-300,0\n2e-300,0\n", halves, 4);
    expect_normalised("-1e38,0\n0,0\n1e38,0\n", thirds, 3);
    expect_normalised("-3.4e38,0\n3.4e38,0\n-3.4e38,0\n3.4e38,0\n", halves, 4);
    expect_normalised("7000000001,0\n7000000001,0\n", (const double[]){ 0, 0 }, 2);
    expect_normalised("1700000000,0\n?,0\n1700000002,0\n", (const double[]){ -1, 0, 1 }, 3);
}

/* Another set by the first one's statistics: its own values decide how floats
 * hold it, and only that. */
static void other_set(void)
{
    float x;
    begin();
    struct set s = table("t,label\n1700000000,0\n1700000010,1\n", NULL);
    struct hsgd_normalisation *norm = hsgd_data_statistics(s.train);
    REQUIRE(norm && norm->channels == 1);
    CHECK(norm->mean[0] == 1700000005 && norm->inv_std[0] == 0.2);
    struct set one = table("t,label\n1700000007,0\n", NULL), wide = table("t,label\n0,0\n1700000000,0\n", NULL);
    hsgd_data_gather(one.train, &(int64_t){ 0 }, 1, norm, &x, NULL);
    CHECK(fabsf(x - 0.4f) < 1e-6f);
    hsgd_data_gather(one.train, &(int64_t){ 0 }, 1, NULL, &x, NULL);
    CHECK(x == 1700000007.0f);
    hsgd_data_gather(wide.train, &(int64_t){ 1 }, 1, norm, &x, NULL);
    CHECK(fabsf(x + 1) < 1e-6f);
    hsgd_normalisation_destroy(&norm);
    close_set(&s), close_set(&one), close_set(&wide);
}

/* Columns are normalised and filled one by one, however many there are. */
static void many_columns(void)
{
    enum { COLUMNS = 2500, ROWS = 4 };
    static float x[COLUMNS];
    char *text = NULL;
    size_t size;
    begin();
    FILE *f = open_memstream(&text, &size);
    for (int k = 0; k < COLUMNS; k++) fprintf(f, "c%d,", k);
    fputs("label\n", f);
    for (int i = 0; i < ROWS; i++) {
        for (int k = 0; k < COLUMNS - 1; k++) fprintf(f, "%d,", k + i % 2 * (k % 7 + 1));
        fputs(i == 2 ? "?," : i ? "8," : "9,", f);
        fprintf(f, "%d\n", i % 2);
    }
    REQUIRE(!fclose(f));
    struct set s = table(text, NULL);
    struct hsgd_normalisation *norm = hsgd_data_statistics(s.train);
    REQUIRE(norm && norm->channels == COLUMNS);
    CHECK(norm->mean[1200] == 1200 + 0.5 * (1200 % 7 + 1));
    for (int64_t i = 0; i < ROWS; i++) {
        hsgd_data_gather(s.train, &i, 1, norm, x, NULL);
        for (int k = 0; k < COLUMNS - 1; k++)
            CHECK_MSG(fabsf(x[k] - (i % 2 ? 1 : -1)) < 2e-3f, "%d: %g", k, (double)x[k]);
        if (i == 2) CHECK(x[COLUMNS - 1] == 0);
    }
    hsgd_normalisation_destroy(&norm);
    close_set(&s);
    free(text);
}

/* ------------------------------------------------------------------ labels */

static void exact_labels(void)
{
    begin();
    struct set s = table("a,label\n0,9007199254740993\n1,9007199254740992\n2,+9007199254740993.0\n"
                         "3,09007199254740992\n",
                         NULL);
    expect_classes(s.train, "9007199254740992 9007199254740993");
    SAMPLE(s.train, 2, 1, 2);
    SAMPLE(s.train, 3, 0, 3);
    close_set(&s);
    s = table("18446744073709551616 1:1\n18446744073709551615 1:2\n-1 1:3\n1e1 1:4\n10 1:4\n0 1:1\n-0.0 1:1\n", NULL);
    expect_classes(s.train, "-1 0 1e1 18446744073709551615 18446744073709551616");
    close_set(&s);
    s = table("a,label\n0,0.5\n1,.50\n2,5e-1\n3,-0.05\n4,1200\n5,1.2e3\n", OPTIONS(.any_classes = true));
    expect_classes(s.train, "-0.05 0.5 1200");
    SAMPLE(s.train, 2, 1, 2);
    close_set(&s);
}

static void measurements(void)
{
    static const struct bad list[] = {
        { "a,price\n0,3.14\n1,2\n", "set: column \"price\": label \"3.14\" has a fraction, like a measurement; "
                                    "--target predicts numbers, --classes treats them as classes" },
        { "a;price\n0;3,14\n1;2\n", "set: column \"price\": label \"3.14\" has a fraction, like a measurement; "
                                    "--target predicts numbers, --classes treats them as classes" },
        { "1 1:1\n-1.5 1:2\n", "set: label \"-1.5\" has a fraction, like a measurement; "
                               "--target predicts numbers, --classes treats them as classes" },
    };
    char text[1000] = "a,id\n";
    begin();
    EACH(list, NULL);
    for (int i = 0; i < 41; i++) sprintf(text + strlen(text), "%d,%d\n", i, i < 21 ? i : 0);
    put_text("set", text);
    expect_refused(ctx, "set", NULL,
                   "set: column \"id\": 21 different numbers as labels of 41 samples, like "
                   "measurements; --target predicts numbers, --classes treats them as classes");
    struct set s = read_set(ctx, "set", OPTIONS(.any_classes = true));
    CHECK(hsgd_data_classes(s.train) == 21);
    close_set(&s);
    strcat(text, "41,0\n");
    s = table(text, NULL); /* half of them */
    CHECK(hsgd_data_classes(s.train) == 21);
    close_set(&s);
    s = table("a,price\n0,3.14\n1,2\n2,cheap\n", NULL); /* not numbers */
    CHECK(hsgd_data_classes(s.train) == 3);
    close_set(&s);
}

/* ------------------------------------------------------------------ LIBSVM */

static void libsvm(void)
{
    static const struct bad list[] = {
        { "6,9 2:1 7:0.31\n1 1:1\n", "set: line 1: \"6,9\" is not a label: multi-label data is not supported" },
        { "# labels\n1 1:1\n1,2,3 2:1\n", "set: line 3: \"1,2,3\" is not a label: multi-label data is not supported" },
        { "+1,-1\t2:1\n", "set: line 1: \"+1,-1\" is not a label: multi-label data is not supported" },
    };
    begin();
    EACH(list, NULL);
    struct set s = table("\xef\xbb\xbf"
                         "1 1:1\n2 2:1\n",
                         NULL);
    CHECK_STR(hsgd_data_format(s.train), "libsvm");
    expect_classes(s.train, "1 2");
    close_set(&s);
}

static void utf16(void)
{
    begin();
    put("set", bytes_of("\xff\xfe"
                        "a\0,\0b\0\n\0",
                        10));
    expect_refused(ctx, "set", NULL, "data set \"set\": is UTF-16 text; save it as UTF-8");
}

static const struct core_case cases[] = {
    { "headers", headers },
    { "names", names },
    { "no_header", no_header },
    { "repeated_columns", repeated_columns },
    { "ignored_columns", ignored_columns },
    { "truth_and_commas", truth_and_commas },
    { "close_numbers", close_numbers },
    { "other_set", other_set },
    { "many_columns", many_columns },
    { "exact_labels", exact_labels },
    { "measurements", measurements },
    { "libsvm", libsvm },
    { "utf16", utf16 },
};
CORE_MAIN(cases)
