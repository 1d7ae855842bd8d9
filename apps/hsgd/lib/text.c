/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD 16 /* columns of a field's name */

/* ------------------------------------------------------------------- UTF-8 */

/* Bytes of the character at s; 0: it is not UTF-8.
 * Source: RFC 3629, section 4. */
static int decode(const unsigned char *s, uint32_t *c)
{
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    int n = *s < 0x80 ? 1 : *s >= 0xc2 && *s < 0xe0 ? 2 : *s >= 0xe0 && *s < 0xf0 ? 3 : *s >= 0xf0 && *s < 0xf5 ? 4 : 0;
    *c = n == 1 ? *s : *s & (0x7fu >> n);
    for (int i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) return 0;
        *c = *c << 6 | (s[i] & 0x3fu);
    }
    return n && *c >= smallest[n] && *c <= 0x10ffff && (*c < 0xd800 || *c > 0xdfff) ? n : 0;
}

struct range {
    uint32_t first, last;
};

static bool within(const struct range *r, size_t n, uint32_t c)
{
    for (size_t i = 0; i < n; i++)
        if (c >= r[i].first && c <= r[i].last) return true;
    return false;
}

/* Control characters, line separators and those that change the writing direction. */
static bool is_control(uint32_t c)
{
    static const struct range r[] = {
        { 0, 0x1f },        { 0x7f, 0x9f },     { 0x200e, 0x200f }, { 0x2028, 0x202e },
        { 0x2060, 0x206f }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xe0000, 0xe007f }
    };
    return within(r, sizeof r / sizeof *r, c);
}

/* Combining characters take no column; East Asian wide characters and emoji take two.
 * Source: Unicode's EastAsianWidth.txt, in blocks. */
static int columns_of(uint32_t c)
{
    static const struct range none[] = { { 0x300, 0x36f },   { 0x483, 0x489 },   { 0x591, 0x5bd },   { 0x610, 0x61a },
                                         { 0x64b, 0x65f },   { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x200b, 0x200d },
                                         { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f } };
    static const struct range wide[] = { { 0x1100, 0x115f },  { 0x2e80, 0x303e }, { 0x3041, 0xa4cf },
                                         { 0xac00, 0xd7a3 },  { 0xf900, 0xfaff }, { 0xfe30, 0xfe6f },
                                         { 0xff00, 0xff60 },  { 0xffe0, 0xffe6 }, { 0x1f300, 0x1faff },
                                         { 0x20000, 0x3fffd } };
    if (c < 0x300) return 1;
    return within(none, sizeof none / sizeof *none, c) ? 0 : within(wide, sizeof wide / sizeof *wide, c) ? 2 : 1;
}

/* ------------------------------------------------------------------- names */

char *text_clean(const char *text)
{
    static const char letters[] = "abtnvfr"; /* \a is 7 */
    char *clean = malloc(4 * strlen(text) + 1), *out = clean;
    uint32_t c;
    for (const unsigned char *s = (const unsigned char *)text; clean && *s;) {
        int n = decode(s, &c);
        if (n == 1 && c >= 7 && c <= 13) out += sprintf(out, "\\%c", letters[c - 7]);
        else if (n && !is_control(c)) memcpy(out, s, (size_t)n), out += n;
        else
            for (int i = 0; i < (n ? n : 1); i++) out += sprintf(out, "\\x%02x", s[i]);
        s += n ? n : 1;
    }
    if (clean) *out = '\0';
    return clean;
}

/* The bytes of a clean text that fit into `width` columns, and their columns. */
static int bytes_within(const char *text, int width, int *taken)
{
    int bytes = 0, columns = 0;
    uint32_t c;
    while (text[bytes]) {
        int n = decode((const unsigned char *)text + bytes, &c);
        if (columns + columns_of(c) > width) break;
        columns += columns_of(c);
        bytes += n ? n : 1;
    }
    *taken = columns;
    return bytes;
}

int text_width(const char *text)
{
    int columns;
    bytes_within(text, 1 << 30, &columns);
    return columns;
}

bool text_fits(const char *text)
{
    char *clean = text_clean(text);
    bool fits = clean && text_width(clean) <= TEXT_COLUMNS;
    free(clean);
    return fits;
}

void text_cell(const char *name, int width)
{
    char *clean = text_clean(name);
    const char *text = clean ? clean : "?";
    bool right = width < 0;
    if (right) width = -width;
    bool cut = text_width(text) > width && width >= 8;
    int taken, bytes = bytes_within(text, cut ? width - 3 : width, &taken), blank = width - taken - (cut ? 3 : 0);
    printf("%*s%.*s%s%*s", right ? blank : 0, "", bytes, text, cut ? "..." : "", right ? 0 : blank, "");
    free(clean);
}

/* ------------------------------------------------------------------- lines */

/* Bytes up to the end of the last word that fits into `room` columns; where no
 * word does, all that fit if `cuts`, else none. */
static int line_bytes(const char *text, int space, bool cuts)
{
    int taken, fit = bytes_within(text, space, &taken), end = fit;
    if (!text[fit] || text[fit] == ' ') return fit;
    while (end > 0 && text[end - 1] != ' ') end--;
    while (end > 0 && text[end - 1] == ' ') end--;
    return end || !cuts ? end : fit;
}

static void wrap(int at, int indent, const char *format, va_list args)
{
    char *made, *clean = vasprintf(&made, format, args) < 0 ? NULL : text_clean(made);
    const char *text = clean ? clean : "?";
    if (clean) free(made);
    for (;;) {
        bool fresh = at <= indent; /* on a fresh line a word cannot be moved further */
        int bytes = line_bytes(text, TEXT_COLUMNS - at, fresh);
        printf("%.*s\n", bytes, text);
        text += bytes + strspn(text + bytes, " ");
        if (!*text) break;
        printf("%*s", at = indent, "");
    }
    free(clean);
}

void text_wrap(int at, int indent, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    wrap(at, indent, format, args);
    va_end(args);
}

void text_paragraph(int indent, const char *text)
{
    char *one = strdup(text);
    for (char *c = one; c && *c; c++)
        if (*c == '\n') *c = ' ';
    text_wrap(indent, indent, "%s", one ? one : text);
    free(one);
}

void text_field(const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("%-*s", FIELD, name);
    wrap(FIELD, FIELD, format, args);
    va_end(args);
}
