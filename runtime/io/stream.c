/* SPDX-License-Identifier: BSD-3-Clause */
#include "stream.h"

#include "base/error.h"

#include <fcntl.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { CHUNK = 1 << 16, MAX_AVAIL_IN = 1 << 30 };

/* How a kind of stream turns input into output.  pump() moves what it can
 * from next/left to to/space and returns 0 or a negative errno; it is called
 * again while there is input, output, or `finish` (no more input). */
struct coding {
    const char *name;
    unsigned char magic[6];
    size_t magic_bytes;
    int (*begin)(struct hsgd_stream *s);
    int (*pump)(struct hsgd_stream *s, bool finish);
    void (*end)(struct hsgd_stream *s);
};

struct hsgd_stream {
    struct hsgd_context *ctx;
    char *name;
    const struct coding *coding;
    int fd;                            /* -1: memory */
    int64_t source_bytes, taken, made; /* size of the file; bytes read from it; bytes decoded */
    const uint8_t *next;               /* input not used yet */
    size_t left;
    uint8_t *to; /* where the coding writes */
    size_t space;
    bool source_ended, ended; /* no more input; no more output */
    bool between;             /* gzip: a member has ended and no other begun */
    union {
        z_stream zlib;
        lzma_stream lzma;
    } decoder;
    uint8_t *input, *output; /* CHUNK and STREAM_PEEK + CHUNK bytes */
    size_t first, last;      /* what is in output */
    char *line;
    size_t line_capacity;
};

/* ---------------------------------------------------------------- codings */

static int plain_pump(struct hsgd_stream *s, bool finish)
{
    size_t n = s->left < s->space ? s->left : s->space;
    if (n) memcpy(s->to, s->next, n);
    s->next += n;
    s->left -= n;
    s->to += n;
    s->space -= n;
    s->ended = finish && !s->left;
    return 0;
}

static int gzip_begin(struct hsgd_stream *s)
{
    return inflateInit2(&s->decoder.zlib, 16 + MAX_WBITS) == Z_OK ? 0 : -ENOMEM;
}

/* After a member: another one, or zeros that fill up a block of tape. */
static void gzip_next_member(struct hsgd_stream *s)
{
    while (s->left && !*s->next) s->next++, s->left--;
    if (!s->left) return;
    inflateReset(&s->decoder.zlib);
    s->between = false;
}

static int gzip_pump(struct hsgd_stream *s, bool finish)
{
    z_stream *z = &s->decoder.zlib;
    if (s->between) gzip_next_member(s);
    if (s->between) {
        s->ended = finish;
        return 0;
    }
    uInt given = s->left < MAX_AVAIL_IN ? (uInt)s->left : MAX_AVAIL_IN;
    z->next_in = (Bytef *)s->next;
    z->avail_in = given;
    z->next_out = s->to;
    z->avail_out = (uInt)s->space;
    int code = inflate(z, Z_NO_FLUSH);
    s->next = z->next_in;
    s->left -= given - z->avail_in;
    s->to = z->next_out;
    s->space = z->avail_out;
    s->between = code == Z_STREAM_END;
    if (code == Z_OK || code == Z_STREAM_END) return 0;
    if (code == Z_MEM_ERROR) return hsgd_fail(s->ctx, ENOMEM, "%s: out of memory", s->name);
    if (code == Z_BUF_ERROR && !finish) return 0;
    if (code == Z_BUF_ERROR) return hsgd_fail(s->ctx, EIO, "%s: the gzip stream ends early", s->name);
    return hsgd_fail(s->ctx, EIO, "%s: the gzip stream is corrupt (%s)", s->name, z->msg ? z->msg : "no reason given");
}

static void gzip_end(struct hsgd_stream *s) { inflateEnd(&s->decoder.zlib); }

static int xz_begin(struct hsgd_stream *s)
{
    s->decoder.lzma = (lzma_stream)LZMA_STREAM_INIT;
    return lzma_stream_decoder(&s->decoder.lzma, STREAM_DICTIONARY, LZMA_CONCATENATED) == LZMA_OK ? 0 : -ENOMEM;
}

static int xz_pump(struct hsgd_stream *s, bool finish)
{
    lzma_stream *z = &s->decoder.lzma;
    z->next_in = s->next;
    z->avail_in = s->left;
    z->next_out = s->to;
    z->avail_out = s->space;
    lzma_ret code = lzma_code(z, finish ? LZMA_FINISH : LZMA_RUN);
    s->next = z->next_in;
    s->left = z->avail_in;
    s->to = z->next_out;
    s->space = z->avail_out;
    s->ended = code == LZMA_STREAM_END;
    if (code == LZMA_OK || code == LZMA_STREAM_END || (code == LZMA_BUF_ERROR && !finish)) return 0;
    if (code == LZMA_MEM_ERROR) return hsgd_fail(s->ctx, ENOMEM, "%s: out of memory", s->name);
    if (code == LZMA_MEMLIMIT_ERROR)
        return hsgd_fail(s->ctx, EINVAL, "%s: the xz stream needs %llu MiB of memory, the maximum is %d", s->name,
                         (unsigned long long)(lzma_memusage(z) >> 20), STREAM_DICTIONARY >> 20);
    if (code == LZMA_BUF_ERROR) return hsgd_fail(s->ctx, EIO, "%s: the xz stream ends early", s->name);
    return hsgd_fail(s->ctx, EIO, "%s: the xz stream is corrupt", s->name);
}

static void xz_end(struct hsgd_stream *s) { lzma_end(&s->decoder.lzma); }

/* The last one matches everything. */
static const struct coding codings[] = {
    { "gzip", { 0x1f, 0x8b }, 2, gzip_begin, gzip_pump, gzip_end },
    { "xz", { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6, xz_begin, xz_pump, xz_end },
    { "plain", { 0 }, 0, NULL, plain_pump, NULL },
};

/* ----------------------------------------------------------------- source */

/* Reads more of the file behind what is left of the input. */
static int take_input(struct hsgd_stream *s)
{
    if (s->fd < 0 || s->source_ended) {
        s->source_ended = true;
        return 0;
    }
    if (s->left) memmove(s->input, s->next, s->left);
    s->next = s->input;
    ssize_t n;
    do n = read(s->fd, s->input + s->left, CHUNK - s->left);
    while (n < 0 && errno == EINTR);
    if (n < 0) return hsgd_fail(s->ctx, errno, "%s: cannot read: %s", s->name, strerror(errno));
    s->source_ended = n == 0;
    s->left += (size_t)n;
    s->taken += n;
    return 0;
}

static int check_expansion(struct hsgd_stream *s)
{
    int64_t source = hsgd_stream_source_bytes(s);
    if (s->made <= STREAM_FREE || (s->made - STREAM_FREE) / STREAM_EXPANSION <= source) return 0;
    return hsgd_fail(s->ctx, EINVAL, "%s: the %s stream expands to more than %d times its size", s->name,
                     s->coding->name, STREAM_EXPANSION);
}

/* Appends decoded bytes to the output, at least one unless at the end. */
static int more(struct hsgd_stream *s)
{
    if (s->first) memmove(s->output, s->output + s->first, s->last - s->first);
    s->last -= s->first;
    s->first = 0;
    size_t before = s->last;
    while (s->last == before && !s->ended) {
        int err = s->left ? 0 : take_input(s);
        s->to = s->output + s->last;
        s->space = STREAM_PEEK + CHUNK - s->last;
        if (!err) err = s->coding->pump(s, s->source_ended);
        if (err) return err;
        s->made += s->to - (s->output + s->last);
        s->last = (size_t)(s->to - s->output);
        if ((err = check_expansion(s))) return err;
    }
    return 0;
}

/* ---------------------------------------------------------------- opening */

static struct hsgd_stream *new_stream(struct hsgd_context *ctx, const char *name)
{
    struct hsgd_stream *s = calloc(1, sizeof *s);
    if (s) {
        s->ctx = ctx;
        s->fd = -1;
        s->name = strdup(name);
        s->output = malloc(STREAM_PEEK + CHUNK);
    }
    if (s && s->name && s->output) return s;
    hsgd_fail(ctx, ENOMEM, "%s: out of memory", name);
    hsgd_stream_close(&s);
    return NULL;
}

static int begin(struct hsgd_stream *s)
{
    const struct coding *c = codings;
    while (s->left < c->magic_bytes || (c->magic_bytes && memcmp(s->next, c->magic, c->magic_bytes))) c++;
    if (c->begin && c->begin(s)) return hsgd_fail(s->ctx, ENOMEM, "%s: out of memory", s->name);
    s->coding = c;
    return 0;
}

struct hsgd_stream *hsgd_stream_memory(struct hsgd_context *ctx, const char *name, const void *bytes, size_t n)
{
    struct hsgd_stream *s = new_stream(ctx, name);
    if (!s) return NULL;
    s->next = bytes;
    s->left = n;
    s->source_bytes = s->taken = (int64_t)n;
    s->source_ended = true;
    if (begin(s)) hsgd_stream_close(&s);
    return s;
}

static int open_file(struct hsgd_stream *s)
{
    struct stat st;
    s->fd = open(s->name, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0 || fstat(s->fd, &st))
        return hsgd_fail(s->ctx, errno, "%s: cannot open: %s", s->name, strerror(errno));
    if (S_ISDIR(st.st_mode)) return hsgd_fail(s->ctx, EISDIR, "%s: is a folder, not a file", s->name);
    s->source_bytes = st.st_size;
    s->input = malloc(CHUNK);
    if (!s->input) return hsgd_fail(s->ctx, ENOMEM, "%s: out of memory", s->name);
    while (s->left < sizeof codings[0].magic && !s->source_ended) {
        int err = take_input(s);
        if (err) return err;
    }
    return begin(s);
}

struct hsgd_stream *hsgd_stream_open(struct hsgd_context *ctx, const char *path)
{
    struct hsgd_stream *s = new_stream(ctx, path);
    if (s && open_file(s)) hsgd_stream_close(&s);
    return s;
}

void hsgd_stream_close(struct hsgd_stream **ps)
{
    struct hsgd_stream *s = ps ? *ps : NULL;
    if (!s) return;
    if (s->coding && s->coding->end) s->coding->end(s);
    if (s->fd >= 0) close(s->fd);
    free(s->name);
    free(s->input);
    free(s->output);
    free(s->line);
    free(s);
    *ps = NULL;
}

/* ---------------------------------------------------------------- reading */

int64_t hsgd_stream_peek(struct hsgd_stream *s, const uint8_t **bytes, size_t n)
{
    while (s->last - s->first < n && !s->ended) {
        int err = more(s);
        if (err) return err;
    }
    *bytes = s->output + s->first;
    size_t there = s->last - s->first;
    return (int64_t)(there < n ? there : n);
}

int64_t hsgd_stream_read(struct hsgd_stream *s, void *to, size_t n)
{
    size_t done = 0;
    while (done < n) {
        if (s->first == s->last) {
            int err = s->ended ? 0 : more(s);
            if (err) return err;
            if (s->first == s->last) break;
        }
        size_t part = s->last - s->first < n - done ? s->last - s->first : n - done;
        memcpy((char *)to + done, s->output + s->first, part);
        s->first += part;
        done += part;
    }
    return (int64_t)done;
}

static int append_to_line(struct hsgd_stream *s, size_t *length, size_t n)
{
    if (*length + n + 1 > s->line_capacity) {
        size_t capacity = 2 * (*length + n + 1);
        char *bigger = realloc(s->line, capacity);
        if (!bigger)
            return hsgd_fail(s->ctx, ENOMEM, "%s: out of memory for a line of %zu bytes", s->name, *length + n);
        s->line = bigger;
        s->line_capacity = capacity;
    }
    memcpy(s->line + *length, s->output + s->first, n);
    *length += n;
    s->first += n;
    return 0;
}

int hsgd_stream_line(struct hsgd_stream *s, char **line, size_t *length)
{
    bool any = false, whole = false;
    *length = 0;
    while (!whole) {
        int err = s->first < s->last || s->ended ? 0 : more(s);
        if (err) return err;
        if (s->first == s->last) break;
        const uint8_t *from = s->output + s->first, *end = memchr(from, '\n', s->last - s->first);
        whole = end != NULL;
        if ((err = append_to_line(s, length, whole ? (size_t)(end - from) : s->last - s->first))) return err;
        s->first += whole;
        any = true;
    }
    if (!any) return 0;
    if (*length && s->line[*length - 1] == '\r') --*length;
    s->line[*length] = 0;
    *line = s->line;
    return 1;
}

const char *hsgd_stream_name(const struct hsgd_stream *s) { return s->name; }

int64_t hsgd_stream_source_bytes(const struct hsgd_stream *s)
{
    return s->source_bytes > s->taken ? s->source_bytes : s->taken;
}
