/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables with categories and missing values: features, what fills, records, other data. */
#include "files.h"

#include "data/record.h"

static struct hsgd_context *ctx;

static void begin(void)
{
    pictures_begin();
    ctx = pictures_context();
}

static const char flowers[] = "size,colour,age,kind\n"
                              "1,red,10,a\n"
                              "2,blue,,b\n"
                              "NA,red,30,a\n"
                              "4,?,20,b\n"
                              "5,green,20,a\n";

static void expect_columns(const struct hsgd_data *d, const char *names)
{
    char all[400] = "";
    for (int i = 0; i < hsgd_type_channels(&d->x.type); i++) strcat(strcat(all, i ? "|" : ""), d->x.columns->name[i]);
    CHECK_STR(all, names);
}

static void summary(const struct hsgd_data *d, const char *want)
{
    char text[400];
    hsgd_data_summary(d, text, sizeof text);
    CHECK_STR(text, want);
}

/* -------------------------------------------------------------------- features */

static void one_hot(void)
{
    begin();
    put_text("set.csv", flowers);
    struct set s = read_set(ctx, "set.csv", HSGD_OPTIONS(data, .categorical = "colour"));
    expect_columns(s.train, "size|colour=blue|colour=green|colour=red|colour=?|age");
    SAMPLE(s.train, 0, 0, 1, 0, 0, 1, 0, 10);
    SAMPLE(s.train, 1, 1, 2, 1, 0, 0, 0, 20);
    SAMPLE(s.train, 2, 0, 3, 0, 0, 1, 0, 30);
    SAMPLE(s.train, 3, 1, 4, 0, 0, 0, 1, 20);
    SAMPLE(s.train, 4, 0, 5, 0, 1, 0, 0, 20);
    summary(s.train, "csv, 5 samples of 6 features (size, colour=blue, colour=green, ...) of 3 columns, 1 categorical, "
                     "0 filled, label \"kind\", 2 classes (a, b)");
    close_set(&s);
}

static void filled(void)
{
    static const struct {
        const char *how;
        float size, age;
    } list[] = { { "mean", 3, 20 }, { "median", 3, 20 }, { "most-frequent", 1, 20 } };
    begin();
    put_text("set.csv", flowers);
    for (int i = 0; i < 3; i++) {
        struct set s = read_set(ctx, "set.csv", HSGD_OPTIONS(data, .categorical = "auto", .impute = list[i].how));
        expect_columns(s.train, "size|size missing|colour=blue|colour=green|colour=red|colour=?|age|age missing");
        SAMPLE(s.train, 1, 1, 2, 0, 1, 0, 0, 0, list[i].age, 1);
        SAMPLE(s.train, 2, 0, list[i].size, 1, 0, 0, 1, 0, 30, 0);
        close_set(&s);
    }
    put_text("skewed.csv", "x,y\n1,a\n1,b\n,a\n2,a\n9,b\n100,a\n");
    struct set s = read_set(ctx, "skewed.csv", HSGD_OPTIONS(data, .impute = "median"));
    SAMPLE(s.train, 2, 0, 2, 1);
    close_set(&s);
    s = read_set(ctx, "skewed.csv", HSGD_OPTIONS(data, .impute = "most-frequent"));
    SAMPLE(s.train, 2, 0, 1, 1);
    close_set(&s);
}

/* Numbers are numbers, True and False too, unless a text is among them. */
static void automatic(void)
{
    begin();
    put_text("set.csv", "a,b,c,y\n1,True,1,0\n2,False,2,1\n10,True,none,0\n");
    struct set s = read_set(ctx, "set.csv", HSGD_OPTIONS(data, .categorical = "auto"));
    expect_columns(s.train, "a|b|c=1|c=2|c=none|c=?");
    SAMPLE(s.train, 2, 0, 10, 1, 0, 0, 1, 0);
    close_set(&s);
    s = read_set(ctx, "set.csv", HSGD_OPTIONS(data, .categorical = "1, c", .ignore = "b"));
    expect_columns(s.train, "a=1|a=2|a=10|a=?|c=1|c=2|c=none|c=?");
    close_set(&s);
}

/* -------------------------------------------------------------------- records */

static struct hsgd_record *copied(const struct hsgd_record *r)
{
    struct hsgd_normalisation *norm = NULL;
    char *text = record_text(ctx, r, NULL);
    REQUIRE(text);
    struct hsgd_record *copy = record_parse(ctx, "here", text, &norm);
    if (!CHECK_MSG(copy != NULL, "%s", hsgd_error(ctx))) core_end();
    free(text);
    hsgd_normalisation_destroy(&norm);
    return copy;
}

/* Columns in another order, unknown categories, values missing where none was. */
static void other_data(void)
{
    begin();
    put_text("set.csv", "colour,size,age,kind\nred,1,10,a\nblue,2,20,b\n,3,,a\n");
    put_text("other.csv", "kind,age,colour,size\nb,,pink,\na,5,red,7\n");
    struct set s = read_set(ctx, "set.csv", HSGD_OPTIONS(data, .categorical = "colour", .impute = "mean"));
    struct hsgd_record *made = hsgd_record_create(ctx, s.train), *r = copied(made);
    CHECK_MSG(!hsgd_record_check(ctx, r, s.train), "%s", hsgd_error(ctx));
    struct set o = read_set(ctx, "other.csv", HSGD_OPTIONS(data, .record = r));
    expect_columns(o.train, "colour=blue|colour=red|colour=?|size|age|age missing");
    SAMPLE(o.train, 0, 1, 0, 0, 1, 2, 15, 1);
    SAMPLE(o.train, 1, 0, 0, 1, 0, 7, 5, 0);
    static const char rows[] = "age,size,colour\n1,2,blue\n";
    struct hsgd_data *d = hsgd_data_input(ctx, "rows", rows, strlen(rows), (struct hsgd_shape){ 1, 1, 6 }, r);
    if (!CHECK_MSG(d != NULL, "%s", hsgd_error(ctx))) core_end();
    SAMPLE(d, 0, 0, 1, 0, 0, 2, 1, 0);
    hsgd_data_destroy(&d);
    put_text("short.csv", "colour,age,kind\nred,1,a\n");
    expect_refused(
        ctx, "short.csv", HSGD_OPTIONS(data, .record = r),
        "short.csv: column \"size\" of the training data is missing; the file has columns \"colour\" to \"age\"");
    hsgd_record_destroy(&made);
    hsgd_record_destroy(&r);
    close_set(&o);
    close_set(&s);
}

static void damaged(const char *table)
{
    char text[600];
    struct hsgd_normalisation *norm = NULL;
    snprintf(text, sizeof text,
             "{\"version\":1,\"format\":\"csv\",\"samples\":1,\"fields\":{\"x\":{\"version\":1,\"shape\":[1,1,2],"
             "\"columns\":[\"a=b\",\"a=?\"],\"table\":%s},\"label\":{\"version\":1,\"classes\":2}}}",
             table);
    struct hsgd_record *r = record_parse(ctx, "here", text, &norm);
    CHECK(!r);
    CHECK_STR(hsgd_error(ctx), "here: record of the data: table is not a list of the columns of the features");
    hsgd_record_destroy(&r);
}

static void bad_records(void)
{
    begin();
    damaged("7");
    damaged("[]");
    damaged("[{\"name\":\"a\"}]");
    damaged("[{\"name\":\"a\",\"categories\":[]}]");
    damaged("[{\"name\":\"a\",\"categories\":[\"b\",\"c\"]}]");
    damaged("[{\"name\":\"a\",\"categories\":[1]}]");
    damaged("[{\"categories\":[\"b\"]}]");
    damaged("[{\"name\":\"a\",\"fill\":0,\"indicator\":false},{\"name\":\"a\",\"fill\":0,\"indicator\":false}]");
}

/* --------------------------------------------------------------------- refused */

static void refused(void)
{
    char *many = malloc(40000), *end = many;
    begin();
    REQUIRE(many);
    put_text("set.csv", flowers);
    expect_refused(
        ctx, "set.csv", NULL,
        "set.csv: line 2: column \"colour\": \"red\" is not a number; --categorical takes the values of a column "
        "as categories, --ignore leaves it out");
    expect_refused(ctx, "set.csv", HSGD_OPTIONS(data, .categorical = "taste"),
                   "set.csv: line 1: no column \"taste\"; there are 4, from \"size\" to \"kind\"");
    expect_refused(ctx, "set.csv", HSGD_OPTIONS(data, .categorical = "kind"),
                   "set.csv: column \"kind\" is not a feature, so it cannot be categorical");
    expect_refused(ctx, "set.csv", HSGD_OPTIONS(data, .impute = "zero"),
                   "set.csv: --impute \"zero\" is not one of mean, median, most-frequent");
    put_text("empty.csv", "a,b,y\n1,,0\n2,NA,1\n");
    expect_refused(ctx, "empty.csv", HSGD_OPTIONS(data, .categorical = "b"),
                   "empty.csv: column \"b\" has no values; --ignore leaves a column out");
    end += sprintf(end, "id,y\n");
    for (int i = 0; i < 1001; i++) end += sprintf(end, "n%d,%d\n", i, i % 2);
    put_text("ids.csv", many);
    expect_refused(ctx, "ids.csv", HSGD_OPTIONS(data, .categorical = "auto"),
                   "ids.csv: line 1002: column \"id\" has more than 1000 categories; --ignore leaves a column out");
    put_text("set.svm", "1 1:1\n0 1:2\n");
    expect_refused(ctx, "set.svm", HSGD_OPTIONS(data, .impute = "mean"),
                   "data set \"set.svm\": --categorical and --impute are of columns of a CSV, and this is libsvm");
    free(many);
}

static const struct core_case cases[] = { { "one_hot", one_hot },         { "filled", filled },
                                          { "automatic", automatic },     { "other_data", other_data },
                                          { "bad_records", bad_records }, { "refused", refused } };
CORE_MAIN(cases)
