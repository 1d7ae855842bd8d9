/* SPDX-License-Identifier: BSD-3-Clause */
/* Text for a screen of 80 columns: names made harmless, columns, and lines that wrap. */
#ifndef HSGD_APP_TEXT_H
#define HSGD_APP_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum { TEXT_COLUMNS = 80 };

/* The text with what would move the cursor, or is not UTF-8, as \n, \t, \xNN, so
 * that a name is what it looks like in one line; to be freed, NULL: out of memory. */
char *text_clean(const char *text);

/* Columns that a clean text takes on a terminal. */
int text_width(const char *text);
/* Whether a text, cleaned, fits into a line. */
bool text_fits(const char *text);

/* Prints a name (cleaned) in exactly `width` columns: filled with blanks, or cut,
 * with "..." at its end where it is wide enough to be.  Negative: at the right. */
void text_cell(const char *name, int width);

/* Prints a text (cleaned) and the end of the line.  The cursor is in column `at`
 * (from 0).  Where the text would go beyond the last column it wraps at a blank, or
 * within a word that is longer than a line; further lines begin at `indent`. */
void text_wrap(int at, int indent, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same for a text of ours, whose line ends count as blanks; the cursor is in
 * column `indent`. */
void text_paragraph(int indent, const char *text);

/* The same for a line with a name of its own in the first 16 columns: "model   mlp". */
void text_field(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
