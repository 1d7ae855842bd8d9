/* SPDX-License-Identifier: BSD-3-Clause */
/* Texts as streams of tokens: windows, vocabularies, splits, records. */
#include "files.h"

#include <errno.h>

static struct hsgd_context *ctx;

static void begin(void)
{
    pictures_begin();
    ctx = pictures_context();
}

static struct hsgd_data_options *options(struct hsgd_data_options *o, int window, int stride)
{
    *o = (struct hsgd_data_options){ .size = sizeof *o, .format = "text", .window = window, .stride = stride };
    return o;
}

/* Window i of field f is these tokens. */
static void window(const struct hsgd_data *d, const char *f, int64_t i, int n, const int32_t *want)
{
    int32_t got[64] = { 0 };
    REQUIRE(hsgd_type_size(&(struct hsgd_type){ HSGD_I32, 1, { n } }) == n && n <= 64);
    CHECK(hsgd_data_type(d, f).dim[0] == n);
    REQUIRE(!hsgd_data_gather_field(d, hsgd_data_find(d, f), &i, 1, NULL, got));
    for (int k = 0; k < n; k++)
        CHECK_MSG(got[k] == want[k], "%s, window %lld, token %d: %d", f, (long long)i, k, (int)got[k]);
}
#define WINDOW(d, f, i, ...) \
    window(d, f, i, sizeof((int32_t[]){ __VA_ARGS__ }) / sizeof(int32_t), (int32_t[]){ __VA_ARGS__ })

/* -------------------------------------------------------------------- windows */

static void expect_characters(const char *path)
{
    struct hsgd_data_options o;
    struct set s = read_set(ctx, path, options(&o, 3, 0));
    expect_classes(s.train, "a b c \xc3\xa9 \xe6\x97\xa5");
    struct hsgd_type t = hsgd_data_type(s.train, "x");
    CHECK(t.dtype == HSGD_I32 && t.rank == 1 && t.dim[0] == 3 && hsgd_data_type(s.train, "label").rank == 1);
    CHECK(hsgd_data_count(s.train) == 2 && !s.test);
    WINDOW(s.train, "x", 0, 1, 0, 4);
    WINDOW(s.train, "label", 0, 0, 4, 3);
    WINDOW(s.train, "x", 1, 3, 2, 0);
    WINDOW(s.train, "label", 1, 2, 0, 0);
    CHECK_STR(hsgd_data_format(s.train), "text");
    close_set(&s);
}

/* The order of characters is that of their code points; a mark at the start is none. */
static void characters(void)
{
    static const char text[] = "ba\xe6\x97\xa5\xc3\xa9"
                               "caa";
    begin();
    put_text("plain.txt", text);
    put("packed.gz", packed(text_of(text), 'z'));
    put("packed.xz", packed(joined(text_of("\xef\xbb\xbf"), text_of(text)), 'J'));
    expect_characters("plain.txt");
    expect_characters("packed.gz");
    expect_characters("packed.xz");
}

static void bytes(void)
{
    begin();
    put("some", bytes_of("\xff\0\n\xc3\x80z", 6));
    struct set s = read_set(ctx, "some", HSGD_OPTIONS(data, .window = 2, .stride = 1, .tokens = "bytes"));
    CHECK(hsgd_data_classes(s.train) == 256 && hsgd_data_count(s.train) == 4);
    WINDOW(s.train, "x", 0, 255, 0);
    WINDOW(s.train, "x", 3, 195, 128);
    WINDOW(s.train, "label", 3, 128, 122);
    close_set(&s);
}

/* Windows that overlap, and the last tenth, whose characters are known or left out. */
static void parts(void)
{
    struct hsgd_data_options o;
    char text[1001];
    begin();
    for (int i = 0; i < 1000; i++) text[i] = (char)('a' + (i * 7 + i / 10) % 26);
    text[950] = '!';
    text[1000] = 0;
    put_text("long", text);
    struct set s = read_set(ctx, "long", options(&o, 20, 10));
    CHECK(hsgd_data_count(s.train) == 88 && s.test && hsgd_data_count(s.test) == 8);
    CHECK(hsgd_data_classes(s.train) == 26 && hsgd_data_classes(s.test) == 26);
    for (int64_t i = 0; i < 88; i++) {
        int32_t x[20], y[20];
        hsgd_data_gather_field(s.train, 0, &i, 1, NULL, x);
        hsgd_data_gather_field(s.train, 1, &i, 1, NULL, y);
        for (int k = 0; k < 20; k++) CHECK(x[k] == text[10 * i + k] - 'a' && y[k] == text[10 * i + k + 1] - 'a');
    }
    WINDOW(s.test, "x", 0, text[900] - 'a', text[901] - 'a', text[902] - 'a', text[903] - 'a', text[904] - 'a',
           text[905] - 'a', text[906] - 'a', text[907] - 'a', text[908] - 'a', text[909] - 'a', text[910] - 'a',
           text[911] - 'a', text[912] - 'a', text[913] - 'a', text[914] - 'a', text[915] - 'a', text[916] - 'a',
           text[917] - 'a', text[918] - 'a', text[919] - 'a');
    int64_t sixth = 5;
    int32_t x[20];
    hsgd_data_gather_field(s.test, 0, &sixth, 1, NULL, x);
    CHECK(x[0] == text[951] - 'a'); /* 950 is left out */
    close_set(&s);
    o.test_part = -1;
    s = read_set(ctx, "long", &o);
    CHECK(!s.test && hsgd_data_count(s.train) == 98 && hsgd_data_classes(s.train) == 27);
    close_set(&s);
    o.test_part = 0.25;
    s = read_set(ctx, "long", &o);
    CHECK(hsgd_data_count(s.test) == 23 && hsgd_data_count(s.train) == 73);
    close_set(&s);
}

/* All texts of a folder, by name, are one stream. */
static void folder(void)
{
    struct hsgd_data_options o;
    begin();
    put_text("books/b.txt", "cd");
    put_text("books/a.txt", "ab");
    put("books/c.txt.gz", packed(text_of("ef"), 'z'));
    put_text("books/notes.md", "zzz");
    struct set s = read_set(ctx, "books", options(&o, 5, 0));
    expect_classes(s.train, "a b c d e f");
    WINDOW(s.train, "x", 0, 0, 1, 2, 3, 4);
    WINDOW(s.train, "label", 0, 1, 2, 3, 4, 5);
    close_set(&s);
}

/* The windows that are held back are the last ones, and no token is in both parts. */
static void split(void)
{
    struct hsgd_data_options o;
    struct hsgd_data *part, *rest;
    begin();
    put_text("text", "abcdefghijklmnopqrstuvwxyz0123456789");
    struct set s = read_set(ctx, "text", options(&o, 6, 2));
    int64_t all = hsgd_data_count(s.train), first = 0, last;
    int32_t x[6], y[6];
    CHECK(all == 15);
    REQUIRE(!hsgd_data_split(ctx, s.train, 4, 3, &part, &rest));
    CHECK(hsgd_data_count(part) == 4 && hsgd_data_count(rest) == 9);
    last = hsgd_data_count(rest) - 1;
    hsgd_data_gather_field(part, 0, &first, 1, NULL, x);
    hsgd_data_gather_field(rest, 0, &last, 1, NULL, y);
    CHECK(x[0] == y[5] + 1 && x[0] == 22 + 10);
    hsgd_data_destroy(&part);
    hsgd_data_destroy(&rest);
    CHECK(hsgd_data_split(ctx, s.train, 13, 3, &part, &rest) == -EINVAL && !part && !rest);
    CHECK_STR(hsgd_error(ctx), "data set \"text\": all 15 windows overlap the last 13");
    close_set(&s);
}

/* -------------------------------------------------------------------- records */

static void expect_tokens(struct hsgd_record *r, const char *text, int n, const int32_t *want)
{
    int32_t got[8] = { -1, -1, -1, -1, -1, -1, -1, -1 };
    int64_t count = -1;
    char back[64] = "";
    CHECK(!hsgd_record_encode(ctx, r, text, strlen(text), got, 8, &count) && count == n);
    for (int i = 0; i < n; i++) {
        size_t size = 0;
        const char *piece = hsgd_record_decode(r, got[i], &size);
        CHECK(got[i] == want[i] && piece);
        if (piece) strncat(back, piece, size);
    }
    CHECK_STR(back, text);
}

static void codec(void)
{
    struct hsgd_data_options o;
    int64_t count = 7;
    begin();
    put_text("text", "hello w\xc3\xb6rld\n");
    struct set s = read_set(ctx, "text", options(&o, 4, 0));
    struct hsgd_record *r = hsgd_record_create(ctx, s.train);
    expect_tokens(r, "low\n", 4, (int32_t[]){ 5, 6, 8, 0 });
    expect_tokens(r, "\xc3\xb6", 1, (int32_t[]){ 9 });
    CHECK(!hsgd_record_encode(ctx, r, "", 0, NULL, 0, &count) && !count);
    CHECK(!hsgd_record_encode(ctx, r, "hello", 5, NULL, 0, &count) && count == 5);
    CHECK(hsgd_record_encode(ctx, r, "help", 4, NULL, 0, &count) == -EINVAL && !count);
    CHECK_STR(hsgd_error(ctx), "text: the character \"p\" is not among the 10 of the training text");
    CHECK(hsgd_record_encode(ctx, r, "\xc3", 1, NULL, 0, &count) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "text: byte 1 is not UTF-8; any file can be read with --tokens bytes");
    CHECK(!hsgd_record_decode(r, 10, NULL) && !hsgd_record_decode(r, -1, NULL) && !hsgd_record_decode(NULL, 0, NULL));
    hsgd_record_destroy(&r);
    close_set(&s);
    o.tokens = "bytes";
    s = read_set(ctx, "text", &o);
    r = hsgd_record_create(ctx, s.train);
    expect_tokens(r, "w\xc3\xb6", 3, (int32_t[]){ 'w', 0xc3, 0xb6 });
    hsgd_record_destroy(&r);
    close_set(&s);
    CHECK(hsgd_record_encode(ctx, NULL, "a", 1, NULL, 0, &count) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "record: it is not of a text, so it has no tokens");
}

/* Other texts are read with the characters and windows of the record, without being asked. */
static void known(void)
{
    struct hsgd_data_options o;
    begin();
    put_text("text", "the cat sat on the mat");
    put_text("other", "at,the,mat\n1,2,3\n");
    put_text("third", "that cat on the mat sat");
    struct set s = read_set(ctx, "text", options(&o, 4, 2));
    struct hsgd_record *r = hsgd_record_create(ctx, s.train);
    CHECK(!hsgd_record_check(ctx, r, s.train));
    struct set u = read_set(ctx, "third", HSGD_OPTIONS(data, .record = r));
    expect_classes(u.train, "  a c e h m n o s t");
    CHECK(hsgd_data_classes(u.train) == 10 && hsgd_data_type(u.train, "x").dim[0] == 4);
    WINDOW(u.train, "x", 0, 9, 4, 1, 9);
    CHECK(hsgd_record_check(ctx, r, u.train) == -EINVAL);
    close_set(&u);
    expect_refused(ctx, "other", HSGD_OPTIONS(data, .record = r),
                   "other: 9 of 17 characters, such as \",\", are not among the 10 of the training text");
    expect_refused(ctx, "text", HSGD_OPTIONS(data, .record = r, .tokens = "bytes"),
                   "text: the training data was read as characters, not as bytes");
    struct hsgd_data *d = hsgd_data_input(ctx, "third", "the mat", 7, (struct hsgd_shape){ 1, 1, 4 }, r);
    REQUIRE(d);
    WINDOW(d, "x", 0, 0, 5, 1, 9);
    hsgd_data_destroy(&d);
    d = hsgd_data_input(ctx, "third", "te", 2, (struct hsgd_shape){ 1, 1, HSGD_ANY }, r);
    REQUIRE(d);
    WINDOW(d, "x", 0, 9, 3);
    hsgd_data_destroy(&d);
    CHECK(!hsgd_data_input(ctx, "in", "te", 2, (struct hsgd_shape){ 1, 1, 4 }, r));
    CHECK_STR(hsgd_error(ctx), "in: has 2 tokens, the model takes 4");
    hsgd_record_destroy(&r);
    close_set(&s);
}

/* --------------------------------------------------------------------- refused */

static void refused(void)
{
    struct hsgd_data_options o;
    begin();
    put_text("few", "abcd");
    put_text("some", "abcdefghijklmnopqrstuvwxyz");
    put("cut", bytes_of("abcde\xe6\x97", 7));
    put("over", bytes_of("abcde\xc0\xaf", 7));
    put("half", bytes_of("ab\xed\xa0\x80", 5));
    put("zero", bytes_of("abcd\0efg", 8));
    put_text("table.csv", "a,b\n1,2\n");
    put_folder("none/");
    expect_refused(ctx, "few", options(&o, 4, 0),
                   "few: the training part of 4 characters is shorter than a window of 4 and one more");
    o.test_part = 0.1, o.window = 3;
    expect_refused(ctx, "some", &o, "some: the test part of 2 characters is shorter than a window of 3 and one more");
    o.test_part = 1;
    expect_refused(ctx, "some", &o, "some: test part 1 is not below 1");
    expect_refused(ctx, "some", options(&o, -1, 0), "some: windows of -1 tokens every -1 are not possible");
    expect_refused(ctx, "some", options(&o, 4, -2), "some: windows of 4 tokens every -2 are not possible");
    expect_refused(ctx, "cut", options(&o, 2, 0), "cut: byte 6 is not UTF-8; any file can be read with --tokens bytes");
    expect_refused(ctx, "over", &o, "over: byte 6 is not UTF-8; any file can be read with --tokens bytes");
    expect_refused(ctx, "half", &o, "half: byte 3 is not UTF-8; any file can be read with --tokens bytes");
    expect_refused(ctx, "zero", &o,
                   "zero: byte 5 is zero, so it is not a text file; any file can be read with --tokens bytes");
    expect_refused(ctx, "none", &o, "none: contains no .txt, .txt.gz or .txt.xz");
    o.tokens = "words";
    expect_refused(ctx, "some", &o, "some: tokens \"words\" are neither characters nor bytes");
    o.tokens = NULL, o.label = "a";
    expect_refused(ctx, "some", &o, "data set \"some\": is a text, which has no labels: --label is for other data");
    o.label = NULL, o.classes = 2, o.class_name = (const char *const[]){ "a", "cat" };
    expect_refused(ctx, "some", &o, "some: the model predicts classes such as \"cat\", not characters");
    expect_refused(
        ctx, "table.csv", HSGD_OPTIONS(data, .format = "csv", .window = 4),
        "data set \"table.csv\": --window, --stride, --tokens and a fraction as --test are of texts, and this "
        "is csv");
}

static const struct core_case cases[] = { { "characters", characters }, { "bytes", bytes },    { "parts", parts },
                                          { "folder", folder },         { "split", split },    { "codec", codec },
                                          { "known", known },           { "refused", refused } };
CORE_MAIN(cases)
