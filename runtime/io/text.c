/* SPDX-License-Identifier: BSD-3-Clause */
/* Arbitrary bytes as UTF-8: file names, paths and class names in files that have
 * to be UTF-8. */
#include <hsgd/file.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* U+FFFD and two hexadecimal digits. */
enum { MARK = 3, ESCAPE = MARK + 2 };
static const char mark[] = "\xef\xbf\xbd";

/* Characters that are escaped although they are UTF-8: the mark itself, and those
 * that YAML refuses or changes in a quoted text. */
static const struct {
    uint32_t first, last;
} escaped[] = {
    { 0x7f, 0x9f },
    { 0x2028, 0x2029 },
    { 0xfeff, 0xfeff },
    { 0xfffd, 0xffff },
};

/* The smallest character of a sequence of n bytes (Unicode, table 3-7). */
static const uint32_t shortest[] = { 0, 0, 0x80, 0x800, 0x10000 };

static bool is_kept(uint32_t c, size_t n)
{
    if (c < shortest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) return false;
    for (size_t i = 0; i < sizeof escaped / sizeof *escaped; i++)
        if (c >= escaped[i].first && c <= escaped[i].last) return false;
    return true;
}

/* Bytes of the character at s that stays as it is; 0: its first byte is escaped. */
static size_t kept(const char *s)
{
    unsigned char lead = (unsigned char)*s;
    size_t n = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
    uint32_t c = n < 2 ? lead : lead & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if (((unsigned char)s[i] & 0xc0) != 0x80) return 0;
        c = c << 6 | ((unsigned char)s[i] & 0x3f);
    }
    return n && is_kept(c, n) ? n : 0;
}

char *hsgd_text_encode(const char *bytes)
{
    char *text = bytes ? malloc(ESCAPE * strlen(bytes) + 1) : NULL, *to = text;
    for (const char *from = bytes; text && *from;) {
        size_t n = kept(from);
        if (n) memcpy(to, from, n), to += n;
        else to += sprintf(to, "%s%02x", mark, (unsigned)(unsigned char)*from);
        from += n ? n : 1;
    }
    if (text) *to = 0;
    return text;
}

/* The byte of an escape; 0: there is none at s. */
static int escape_at(const char *s)
{
    static const char digits[] = "0123456789abcdef";
    if (strncmp(s, mark, MARK)) return 0;
    const char *high = s[MARK] ? strchr(digits, s[MARK]) : NULL;
    const char *low = high && s[MARK + 1] ? strchr(digits, s[MARK + 1]) : NULL;
    return low ? (int)(16 * (high - digits) + (low - digits)) : 0;
}

char *hsgd_text_decode(const char *text)
{
    char *bytes = text ? strdup(text) : NULL, *to = bytes;
    for (const char *from = bytes; bytes && *from;) {
        int byte = escape_at(from);
        *to++ = byte ? (char)byte : *from;
        from += byte ? ESCAPE : 1;
    }
    if (bytes) *to = 0;
    return bytes;
}
