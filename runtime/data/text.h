/* SPDX-License-Identifier: BSD-3-Clause */
/* What readers of text share: numbers and growing arrays. */
#ifndef HSGD_DATA_TEXT_H
#define HSGD_DATA_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hsgd_stream;

/* Reads a decimal number at the start of a zero-terminated text: sign, digits,
 * point, exponent, whatever the locale; also nan, inf and infinity, so that
 * the caller can refuse them by name.  Returns the end of the number; NULL: there
 * is none. */
const char *text_number(const char *text, double *out);

/* Skips a byte order mark at the start of a zero-terminated UTF-8 text. */
char *text_skip_bom(char *text);

/* Grows *array (a pointer) to at least `need` elements, at least doubling *capacity,
 * so that memory stays proportional to what was read.  False when memory is
 * exhausted; then nothing has changed. */
bool text_grow(void *array, int64_t *capacity, int64_t need, size_t element);

/* All that the stream gives, to be freed, also after an error: 0, or a negative errno
 * with a sentence. */
struct hsgd_context;
int text_read_all(struct hsgd_context *ctx, struct hsgd_stream *s, uint8_t **bytes, size_t *size);

#endif
