/* SPDX-License-Identifier: BSD-3-Clause */
/* Plain, gzip and xz streams: read, peeked and split into lines. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "io/stream.h"

/* The maximum size that is also split into lines: larger expansions would be slow. */
enum { MAX_LINES = 1 << 14 };

static int64_t read_all(struct hsgd_stream *s)
{
    static uint8_t part[1 << 16];
    const uint8_t *ahead;
    int64_t all = 0, n = hsgd_stream_peek(s, &ahead, 64);
    uint8_t first[64];
    if (n < 0) return n;
    memcpy(first, ahead, (size_t)n);
    for (int64_t got = n; got > 0; all += got) {
        got = hsgd_stream_read(s, part, sizeof part);
        if (got < 0) return got;
        fuzz_require(all || !n || !memcmp(part, first, (size_t)n), "peek and read differ");
    }
    return all;
}

static int read_lines(struct hsgd_stream *s)
{
    char *line;
    size_t length;
    int rc;
    while ((rc = hsgd_stream_line(s, &line, &length)) > 0) fuzz_require(line[length] == 0, "a line without its end");
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct hsgd_context *ctx = fuzz_begin(bytes, n);
    struct hsgd_stream *s = hsgd_stream_memory(ctx, "input", bytes, n);
    int64_t all = s ? read_all(s) : -1;
    hsgd_stream_close(&s);
    if (all > MAX_LINES) return fuzz_end(ctx, 0);
    s = hsgd_stream_memory(ctx, "input", bytes, n);
    int err = s ? read_lines(s) : -1;
    hsgd_stream_close(&s);
    fuzz_require((err < 0) == (all < 0), "lines and bytes fail differently");
    return fuzz_end(ctx, err);
}
