/* SPDX-License-Identifier: BSD-3-Clause */
/* What readers of text share: numbers and growing arrays. */
#ifndef HSGD_DATA_TEXT_H
#define HSGD_DATA_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads a decimal number at the start of a zero-terminated text: sign, digits,
 * point, exponent, whatever the locale; also nan, inf and infinity, so that
 * the caller can say that they are not wanted.  Returns where it ends, NULL
 * where none begins. */
const char *text_number(const char *text, double *out);

/* Past a byte order mark at the start of a zero-terminated UTF-8 text. */
char *text_skip_bom(char *text);

/* Makes room for `need` elements behind *array (a pointer), at least doubling
 * *room, so that memory stays within a constant times what was read.  False
 * when memory is exhausted; nothing has changed then. */
bool text_grow(void *array, int64_t *room, int64_t need, size_t element);

#endif
