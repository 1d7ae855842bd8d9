/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes of a file or of memory, decompressed on the way.  gzip and xz are
 * recognised by their first bytes, several members in a row are one stream.
 * The output is at most STREAM_EXPANSION times the input plus
 * STREAM_FREE bytes: more is refused, so that a small file cannot fill the
 * memory.  (xz's dictionary, at most STREAM_DICTIONARY, comes on top.) */
#ifndef HSGD_IO_STREAM_H
#define HSGD_IO_STREAM_H

#include <hsgd/context.h>
#include <stdint.h>

enum { STREAM_EXPANSION = 1100, STREAM_FREE = 1 << 20, STREAM_DICTIONARY = 80 << 20, STREAM_PEEK = 4096 };

struct hsgd_stream;

/* Each returns NULL with a sentence when it fails.  `name` stands for the file
 * in messages; the bytes in memory must outlive the stream. */
struct hsgd_stream *hsgd_stream_open(struct hsgd_context *ctx, const char *path);
struct hsgd_stream *hsgd_stream_memory(struct hsgd_context *ctx, const char *name, const void *bytes, size_t n);
/* NULL-safe. */
void hsgd_stream_close(struct hsgd_stream **s);

/* Copies the next n bytes.  Returns how many there were, fewer than n only at
 * the end, or a negative errno with a sentence. */
int64_t hsgd_stream_read(struct hsgd_stream *s, void *to, size_t n);

/* The next bytes without consuming them: up to n <= STREAM_PEEK, fewer only at
 * the end.  Valid until the next call. */
int64_t hsgd_stream_peek(struct hsgd_stream *s, const uint8_t **bytes, size_t n);

/* The next line without its end (LF or CR LF), zero-terminated, valid until
 * the next call; *length does not count the zero.  Returns 1, 0 at the end, or
 * a negative errno with a sentence. */
int hsgd_stream_line(struct hsgd_stream *s, char **line, size_t *length);

/* The name in messages. */
const char *hsgd_stream_name(const struct hsgd_stream *s);

/* Bytes of the file as stored; of a pipe, those read so far. */
int64_t hsgd_stream_source_bytes(const struct hsgd_stream *s);

#endif
