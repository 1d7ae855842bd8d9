/* SPDX-License-Identifier: BSD-3-Clause */
/* Streams: plain, gzip and xz, from files and from memory. */
#include "files.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/stream.h"

static struct hsgd_context *ctx;

static void begin(void)
{
    pictures_begin();
    ctx = pictures_context();
}

/* Reads all of it in pieces of `step` bytes; true when it is `want`. */
static bool reads(struct hsgd_stream *s, struct bytes want, size_t step)
{
    uint8_t *got = malloc(want.n + step);
    size_t n = 0;
    int64_t more = 1;
    for (; more > 0 && n <= want.n; n += more > 0 ? (size_t)more : 0)
        more = hsgd_stream_read(s, got + n, step < want.n + step - n ? step : want.n + step - n);
    bool same = more == 0 && n == want.n && (!n || !memcmp(got, want.at, n));
    free(got);
    hsgd_stream_close(&s);
    return same;
}

/* From a file and from memory, in small and large pieces. */
static void both(struct bytes packed_bytes, struct bytes want)
{
    static const size_t steps[] = { 1, 1000, 100000 };
    put("file", bytes_of(packed_bytes.at, packed_bytes.n));
    for (int i = want.n > 100000; i < 3; i++) {
        CHECK(reads(hsgd_stream_memory(ctx, "memory", packed_bytes.at, packed_bytes.n), want, steps[i]));
        CHECK(reads(hsgd_stream_open(ctx, "file"), want, steps[i]));
    }
    free(packed_bytes.at);
}

/* Bytes that do not compress well, larger than the buffers. */
static struct bytes noise(size_t n)
{
    struct bytes b = many(0, n);
    uint32_t x = 1;
    for (size_t i = 0; i < n; i++) b.at[i] = (uint8_t)((x = x * 1664525u + 1013904223u) >> 24);
    return b;
}

static void codings(void)
{
    static const size_t sizes[] = { 1, 5, 6, 4096, 70000, 300000 };
    begin();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct bytes want = noise(sizes[i]);
        both(bytes_of(want.at, want.n), want);
        both(packed(bytes_of(want.at, want.n), 'z'), want);
        both(packed(bytes_of(want.at, want.n), 'J'), want);
        free(want.at);
    }
}

static void members(void)
{
    struct bytes want = text_of("onetwo");
    begin();
    both(joined(packed(text_of("one"), 'z'), packed(text_of("two"), 'z')), want);
    both(joined(packed(text_of("one"), 'J'), packed(text_of("two"), 'J')), want);
    both(joined(packed(text_of("onetwo"), 'z'), many(0, 512)), want);
    both(joined(packed(text_of("onetwo"), 'J'), many(0, 512)), want);
    free(want.at);
}

static void empty_ones(void)
{
    struct bytes none = { NULL, 0 };
    begin();
    both(bytes_of("", 0), none);
    both(packed(text_of(""), 'z'), none);
    both(packed(text_of(""), 'J'), none);
    CHECK(reads(hsgd_stream_memory(ctx, "memory", NULL, 0), none, 7));
}

static void peeking(void)
{
    const uint8_t *ahead;
    char got[8];
    begin();
    struct bytes b = packed(text_of("0123456789"), 'z');
    struct hsgd_stream *s = hsgd_stream_memory(ctx, "memory", b.at, b.n);
    REQUIRE(s);
    CHECK(hsgd_stream_peek(s, &ahead, 4) == 4 && !memcmp(ahead, "0123", 4));
    CHECK(hsgd_stream_peek(s, &ahead, STREAM_PEEK) == 10);
    CHECK(hsgd_stream_read(s, got, 8) == 8 && !memcmp(got, "01234567", 8));
    CHECK(hsgd_stream_peek(s, &ahead, 4) == 2 && !memcmp(ahead, "89", 2));
    CHECK(hsgd_stream_source_bytes(s) == (int64_t)b.n);
    CHECK_STR(hsgd_stream_name(s), "memory");
    hsgd_stream_close(&s);
    CHECK(!s);
    hsgd_stream_close(&s);
    free(b.at);
}

static void expect_lines(struct bytes b, const char *const *want)
{
    struct hsgd_stream *s = hsgd_stream_memory(ctx, "memory", b.at, b.n);
    char *line;
    size_t length;
    REQUIRE(s);
    for (; *want; want++) {
        REQUIRE(hsgd_stream_line(s, &line, &length) == 1);
        CHECK_STR(line, *want);
        CHECK(length == strlen(*want));
    }
    CHECK(hsgd_stream_line(s, &line, &length) == 0);
    hsgd_stream_close(&s);
    free(b.at);
}

static void lines(void)
{
    begin();
    expect_lines(text_of("one\ntwo\r\n\n\r\nlast"), (const char *const[]){ "one", "two", "", "", "last", NULL });
    expect_lines(text_of("one\n"), (const char *const[]){ "one", NULL });
    expect_lines(text_of(""), (const char *const[]){ NULL });
    expect_lines(packed(text_of("a\nb"), 'J'), (const char *const[]){ "a", "b", NULL });
    struct bytes longest = many('x', 200000);
    longest.at[longest.n] = 0;
    struct bytes two = joined(bytes_of(longest.at, longest.n), text_of("\nend\n"));
    expect_lines(two, (const char *const[]){ (const char *)longest.at, "end", NULL });
    free(longest.at);
}

static void zero_in_a_line(void)
{
    char *line;
    size_t length;
    begin();
    struct hsgd_stream *s = hsgd_stream_memory(ctx, "memory", "a\0b\nc", 5);
    CHECK(hsgd_stream_line(s, &line, &length) == 1 && length == 3 && !memcmp(line, "a\0b", 4));
    hsgd_stream_close(&s);
}

/* Fails somewhere while it is read, with this sentence. */
static void fails(struct bytes b, const char *sentence)
{
    static uint8_t part[1 << 16];
    struct hsgd_stream *s = hsgd_stream_memory(ctx, "memory", b.at, b.n);
    int64_t n = 1;
    while (s && n > 0) n = hsgd_stream_read(s, part, sizeof part);
    CHECK(n < 0);
    CHECK_STR(hsgd_error(ctx), sentence);
    hsgd_stream_close(&s);
    free(b.at);
}

static void damaged(void)
{
    begin();
    struct bytes z = packed(noise(3000), 'z'), x = packed(noise(3000), 'J');
    fails(cut(bytes_of(z.at, z.n), z.n / 2), "memory: the gzip stream ends early");
    fails(cut(bytes_of(z.at, z.n), z.n - 1), "memory: the gzip stream ends early");
    fails(changed(bytes_of(z.at, z.n), z.n - 6), "memory: the gzip stream is corrupt (incorrect data check)");
    fails(changed(bytes_of(z.at, z.n), 2), "memory: the gzip stream is corrupt (unknown compression method)");
    fails(joined(bytes_of(z.at, z.n), text_of("more")), "memory: the gzip stream is corrupt (incorrect header check)");
    fails(cut(bytes_of(x.at, x.n), x.n / 2), "memory: the xz stream ends early");
    fails(cut(bytes_of(x.at, x.n), 8), "memory: the xz stream ends early");
    fails(changed(bytes_of(x.at, x.n), x.n / 2), "memory: the xz stream is corrupt");
    fails(changed(bytes_of(x.at, x.n), 7), "memory: the xz stream is corrupt");
    fails(joined(bytes_of(x.at, x.n), text_of("more than a header")), "memory: the xz stream is corrupt");
    free(z.at);
    free(x.at);
}

static void bombs(void)
{
    begin();
    struct bytes z = packed(many(0, 64 << 20), 'z'), twice = packed(z, 'z');
    struct bytes x = packed(many(0, 16 << 20), 'J');
    fails(x, "memory: the xz stream expands to more than 1100 times its size");
    struct bytes again = { NULL, 0 };
    for (int i = 0; i < 2; i++) again = joined(i ? again : bytes_of("", 0), packed(many(0, 8 << 20), 'J'));
    fails(again, "memory: the xz stream expands to more than 1100 times its size");
    fails(packed_xz(text_of("small"), 96 << 20), "memory: the xz stream needs 96 MiB of memory, the maximum is 80");
    struct hsgd_stream *s = hsgd_stream_memory(ctx, "memory", twice.at, twice.n);
    uint8_t part[100];
    CHECK(hsgd_stream_read(s, part, sizeof part) == 100 && part[0] == 0x1f); /* one layer only */
    hsgd_stream_close(&s);
    free(twice.at);
}

static void no_file(const char *path, const char *sentence)
{
    CHECK(!hsgd_stream_open(ctx, path));
    CHECK_STR(hsgd_error(ctx), sentence);
}

static void files(void)
{
    begin();
    CHECK(!mkdir("folder", 0777) && !symlink("nowhere", "dangling") && !symlink("loop", "loop"));
    no_file("none", "none: cannot open: No such file or directory");
    no_file("folder", "folder: is a folder, not a file");
    no_file("dangling", "dangling: cannot open: No such file or directory");
    no_file("loop", "loop: cannot open: Too many levels of symbolic links");
}

/* What a small file may cost: the expansion is limited by the file's size. */
static void small_files_may_expand(void)
{
    begin();
    struct bytes want = many(0, 1 << 20);
    both(packed(bytes_of(want.at, want.n), 'J'), want);
    free(want.at);
}

static const struct core_case cases[] = {
    { "codings", codings },       { "members", members },
    { "empty_ones", empty_ones }, { "peeking", peeking },
    { "lines", lines },           { "zero_in_a_line", zero_in_a_line },
    { "damaged", damaged },       { "bombs", bombs },
    { "files", files },           { "small_files_may_expand", small_files_may_expand },
};
CORE_MAIN(cases)
