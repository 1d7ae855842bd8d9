/* SPDX-License-Identifier: BSD-3-Clause */
/* Text for 80 columns: escaped names, table cells, and wrapped lines. */
#ifndef HSGD_APP_TEXT_H
#define HSGD_APP_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum { TEXT_COLUMNS = 80 };

/* The text with control characters and bytes that are not UTF-8 escaped as \n, \t,
 * \xNN, so that it stays on one line; to be freed, NULL: out of memory. */
char *text_clean(const char *text);

/* Columns that a clean text takes on a terminal. */
int text_width(const char *text);
/* Whether a text, cleaned, fits on a line. */
bool text_fits(const char *text);

/* Prints a name (cleaned) in exactly `width` columns: padded with blanks, or
 * truncated, with "..." at its end if there are 8 columns.  Negative: aligned right. */
void text_cell(const char *name, int width);

/* Prints a text (cleaned) and the end of the line.  The cursor is in column `at`
 * (from 0).  Text beyond the last column wraps at a blank, or within a word that
 * is longer than a line; further lines start at `indent`. */
void text_wrap(int at, int indent, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same for a text whose line ends count as blanks; the cursor is in column
 * `indent`. */
void text_paragraph(int indent, const char *text);

/* The same for a line with a heading in the first 16 columns: "model   mlp". */
void text_field(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
