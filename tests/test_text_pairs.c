/* SPDX-License-Identifier: BSD-3-Clause */
/* Pairs of texts: the built-in dates, files, splits, and other data with a record. */
#include "files.h"

#include <errno.h>

enum { SOURCES = 32, TARGETS = 11, DAYS = 200 * 12 * 31 };

static struct hsgd_context *ctx;

static void begin(void)
{
    pictures_begin();
    ctx = pictures_context();
}

static struct hsgd_data_options *options(struct hsgd_data_options *o, double test)
{
    *o = (struct hsgd_data_options){ .size = sizeof *o, .format = "pairs", .test_part = test };
    return o;
}

static void gather(const struct hsgd_data *d, const char *field, int64_t i, int n, int32_t *to)
{
    struct hsgd_type t = hsgd_data_type(d, field);
    REQUIRE(t.dtype == HSGD_I32 && hsgd_type_size(&t) == n);
    REQUIRE(!hsgd_data_gather_field(d, hsgd_data_find(d, field), &i, 1, NULL, to));
}

/* A field of sample i has these tokens. */
static void tokens(const struct hsgd_data *d, const char *field, int64_t i, int n, const int32_t *want)
{
    int32_t got[16] = { 0 };
    gather(d, field, i, n, got);
    for (int k = 0; k < n; k++)
        CHECK_MSG(got[k] == want[k], "%s of %lld, token %d: %d", field, (long long)i, k, (int)got[k]);
}
#define TOKENS(d, f, i, ...) \
    tokens(d, f, i, sizeof((int32_t[]){ __VA_ARGS__ }) / sizeof(int32_t), (int32_t[]){ __VA_ARGS__ })

/* ---------------------------------------------------------------------- dates */

/* Tokens as text, up to the end or n. */
static const char *text(const struct hsgd_data *d, const int32_t *token, int n, char out[3 * SOURCES + 1])
{
    *out = 0;
    for (int i = 0; i < n && token[i] != 1; i++) strcat(out, hsgd_data_class_name(d, token[i]));
    return out;
}

/* The source has year and day of the target, and no more than its length; returns the day. */
static int check_date(const struct hsgd_data *d, int64_t i)
{
    int32_t x[SOURCES], label[TARGETS], previous[TARGETS], length;
    char source[3 * SOURCES + 1], target[3 * SOURCES + 1], year[12], day[12];
    int y = 0, m = 0, n = 0;
    gather(d, "x", i, SOURCES, x);
    gather(d, "length", i, 1, &length);
    gather(d, "label", i, TARGETS, label);
    gather(d, "previous", i, TARGETS, previous);
    text(d, x, length, source);
    text(d, label, TARGETS, target);
    REQUIRE(length > 7 && length <= SOURCES && sscanf(target, "%4d-%2d-%2d", &y, &m, &n) == 3);
    snprintf(year, sizeof year, "%d", y);
    snprintf(day, sizeof day, "%d", n);
    CHECK_MSG(strstr(source, year) && strstr(source, day), "%s is not %s", source, target);
    CHECK(strlen(target) == 10 && y >= 1900 && y < 2100 && m >= 1 && m <= 12 && n >= 1 && n <= 31);
    for (int k = length; k < SOURCES; k++) CHECK(!x[k]);
    CHECK(previous[0] == 0 && !memcmp(previous + 1, label, sizeof label - sizeof *label) && label[TARGETS - 1] == 1);
    return ((y - 1900) * 12 + m - 1) * 31 + n - 1;
}

/* Days of one split are not those of the other. */
static void dates(void)
{
    static char split[DAYS];
    struct hsgd_data *train, *test;
    char line[200];
    int days[2] = { 0 };
    begin();
    REQUIRE(!hsgd_data_read(ctx, "dates", NULL, &train, &test));
    CHECK(hsgd_data_count(train) == 20000 && hsgd_data_count(test) == 2000 && hsgd_data_classes(train) == 54);
    hsgd_data_summary(train, line, sizeof line);
    CHECK_STR(line, "dates, 20000 pairs of at most 32 and 10 characters, 54 classes");
    for (int64_t i = 0; i < 20000; i++) split[check_date(train, i)] |= 1;
    for (int64_t i = 0; i < 2000; i++) split[check_date(test, i)] |= 2;
    for (int i = 0; i < DAYS; i++) {
        CHECK_MSG(split[i] != 3, "day %d is in both", i);
        days[0] += split[i] == 1;
        days[1] += split[i] == 2;
    }
    CHECK(days[0] > 15000 && days[1] > 1500);
    struct hsgd_record *r = hsgd_record_create(ctx, test);
    CHECK(!hsgd_record_check(ctx, r, test) && hsgd_record_check(ctx, r, train) == -EINVAL);
    hsgd_record_destroy(&r);
    hsgd_data_destroy(&train);
    hsgd_data_destroy(&test);
}

/* The first samples, on every machine. */
static void first_dates(void)
{
    static const char *const want[] = { "31 May 1938", "20 Jul 2069", "Montag, 14. Mai 1984", "28th of February 1992" };
    begin();
    struct hsgd_data *d = hsgd_data_open(ctx, "dates", HSGD_TRAIN);
    REQUIRE(d);
    for (int64_t i = 0; i < 4; i++) {
        int32_t x[SOURCES], length;
        char source[3 * SOURCES + 1];
        gather(d, "x", i, SOURCES, x);
        gather(d, "length", i, 1, &length);
        CHECK_STR(text(d, x, length, source), want[i]);
    }
    hsgd_data_destroy(&d);
}

/* ---------------------------------------------------------------------- files */

static void expect_pairs(const char *path)
{
    struct hsgd_data_options o;
    struct set s = read_set(ctx, path, options(&o, -1));
    expect_classes(s.train, "\2 \3 a b x y \xc3\xa9");
    CHECK(hsgd_data_count(s.train) == 3 && !s.test);
    CHECK_STR(hsgd_data_format(s.train), "pairs");
    TOKENS(s.train, "x", 0, 2, 3);
    TOKENS(s.train, "length", 0, 2);
    TOKENS(s.train, "label", 0, 4, 1, 0, 0);
    TOKENS(s.train, "x", 1, 6, 0);
    TOKENS(s.train, "length", 1, 1);
    TOKENS(s.train, "label", 1, 4, 5, 4, 1);
    TOKENS(s.train, "previous", 1, 0, 4, 5, 4);
    TOKENS(s.train, "x", 2, 3, 3);
    TOKENS(s.train, "label", 2, 4, 4, 1, 0);
    close_set(&s);
}

static void files(void)
{
    static const char plain[] = "ab\tx\n\xc3\xa9\txyx\n\nbb\txx";
    begin();
    put_text("plain", plain);
    put_text("crlf", "\xef\xbb\xbf"
                     "ab\tx\r\n\xc3\xa9\txyx\r\n\r\nbb\txx\r\n");
    put("packed", packed(text_of(plain), 'z'));
    expect_pairs("plain");
    expect_pairs("crlf");
    expect_pairs("packed");
}

/* The last tenth, or the fraction that is given; its characters are those of the training. */
static void splits(void)
{
    struct hsgd_data_options o;
    char all[8000] = "", line[40];
    begin();
    for (int i = 0; i < 200; i++) {
        snprintf(line, sizeof line, "%d\t%d\n", i, 2 * i);
        strcat(all, i == 190 ? "!\t1\n" : line);
    }
    put_text("numbers", all);
    struct set s = read_set(ctx, "numbers", options(&o, 0.5));
    CHECK(hsgd_data_count(s.train) == 100 && hsgd_data_count(s.test) == 99); /* "!" is left out */
    CHECK(hsgd_data_classes(s.train) == 12);
    TOKENS(s.test, "x", 0, 3, 2, 2);
    close_set(&s);
    s = read_set(ctx, "numbers", options(&o, -1));
    CHECK(hsgd_data_count(s.train) == 200 && !s.test && hsgd_data_classes(s.train) == 13);
    close_set(&s);
    expect_refused(
        ctx, "numbers", options(&o, 0),
        "numbers: 1 of 20 pairs have characters, such as \"!\", that are not among the 12 of the training data");
    expect_refused(ctx, "numbers", options(&o, 1), "numbers: test part 1 is not below 1");
    expect_refused(ctx, "numbers", options(&o, 0.001), "numbers: 200 pairs are too few for a test part of 0.001");
}

/* Other data has the characters and at most the lengths of the targets of the training data. */
static void with_a_record(void)
{
    struct hsgd_data_options o;
    int64_t n;
    int32_t code[4];
    begin();
    put_text("train", "abc\txyz\nb\tx\n");
    put_text("other", "cccc\tz\n");
    put_text("long", "a\tx\n\na\txyzx\n");
    put_text("unknown", "d\tx\n");
    struct set s = read_set(ctx, "train", options(&o, -1));
    struct hsgd_record *r = hsgd_record_create(ctx, s.train);
    close_set(&s);
    o = (struct hsgd_data_options){ .size = sizeof o, .record = r, .test_part = -1 };
    s = read_set(ctx, "other", &o);
    expect_classes(s.train, "\2 \3 a b c x y z");
    TOKENS(s.train, "x", 0, 4, 4, 4, 4);
    TOKENS(s.train, "label", 0, 7, 1, 0, 0);
    close_set(&s);
    expect_refused(ctx, "long", &o, "long: line 3: the target has 4 characters, in the training data at most 3");
    expect_refused(
        ctx, "unknown", &o,
        "unknown: 1 of 1 pairs have characters, such as \"d\", that are not among the 8 of the training data");
    CHECK(!hsgd_record_encode(ctx, r, "ac", 2, code, 4, &n) && n == 2 && code[0] == 2 && code[1] == 4);
    CHECK_STR(hsgd_record_decode(r, 7, NULL), "z");
    CHECK(!hsgd_data_input(ctx, "input", "a", 1, (struct hsgd_shape){ 1, 1, HSGD_ANY }, r));
    CHECK_STR(hsgd_error(ctx), "input: samples of the training data were pairs of texts, not one text");
    hsgd_record_destroy(&r);
}

/* ------------------------------------------------------------------- refusals */

static void wrong_files(void)
{
    static const struct {
        const char *text, *sentence;
    } bad[] = {
        { "a\tb\nab\n", "bad: line 2: has 0 tabs, one is expected between source and target" },
        { "a\tb\tc\n", "bad: line 1: has 2 tabs, one is expected between source and target" },
        { "\tb\n", "bad: line 1: the source is empty" },
        { "a\tb\n\na\t\r\n", "bad: line 3: the target is empty" },
        { "a\tb\3\n", "bad: line 1: the target has the control character U+0003" },
        { "\n\r\n", "bad: has no pairs" },
    };
    struct hsgd_data_options o;
    begin();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_text("bad", bad[i].text);
        expect_refused(ctx, "bad", options(&o, 0), bad[i].sentence);
    }
    put("bad", joined(many('a', 513), text_of("\tb")));
    expect_refused(ctx, "bad", options(&o, 0), "bad: line 1: the source has 513 characters, at most 512 are read");
    options(&o, 0)->window = 3;
    expect_refused(ctx, "bad", &o,
                   "data set \"bad\": --window, --stride, --tokens and a fraction as --test are of texts, and this is "
                   "pairs");
    options(&o, 0)->label = "a";
    expect_refused(ctx, "bad", &o, "data set \"bad\": is a text, which has no labels: --label is for other data");
}

static const struct core_case cases[] = {
    { "dates", dates },   { "first_dates", first_dates },     { "files", files },
    { "splits", splits }, { "with_a_record", with_a_record }, { "wrong_files", wrong_files }
};
CORE_MAIN(cases)
