/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../io/stream.h"
#include "base/c_locale.h"
#include "base/error.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* ---------------------------------------------------------------- numbers */

static const char *read_exponent(const char *c, int *exponent)
{
    if (*c != 'e' && *c != 'E') return c;
    const char *digits = c + 1 + (c[1] == '-' || c[1] == '+');
    int e = 0;
    if (!is_digit(*digits)) return c;
    for (; is_digit(*digits); digits++) e = e < 10000 ? 10 * e + (*digits - '0') : e;
    *exponent += c[1] == '-' ? -e : e;
    return digits;
}

/* Digits and their decimal exponent; *exact: all digits are in *mantissa, which
 * is exact as a double. */
static const char *read_digits(const char *c, uint64_t *mantissa, int *exponent, bool *exact)
{
    bool point = false, any = false;
    *mantissa = 0, *exponent = 0, *exact = true;
    for (; is_digit(*c) || (*c == '.' && !point); c++) {
        if (*c == '.') {
            point = true;
            continue;
        }
        any = true;
        *exact = *exact && *mantissa < UINT64_C(900000000000000);
        if (*exact) *mantissa = 10 * *mantissa + (uint64_t)(*c - '0');
        if (*exact && point) --*exponent;
    }
    return any ? read_exponent(c, exponent) : NULL;
}

static const char *read_word(const char *c, double *out)
{
    static const struct {
        const char *word;
        double value;
    } words[] = {
        { "infinity", INFINITY },
        { "inf", INFINITY },
        { "nan", NAN },
    };
    for (int i = 0; i < 3; i++)
        if (!c_strncasecmp(c, words[i].word, strlen(words[i].word))) {
            *out = words[i].value;
            return c + strlen(words[i].word);
        }
    return NULL;
}

const char *text_number(const char *text, double *out)
{
    static const double power[] = { 1,    1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    const char *start = text + (*text == '-' || *text == '+');
    uint64_t mantissa;
    int exponent;
    bool exact;
    const char *end = read_digits(start, &mantissa, &exponent, &exact);
    if (!end) end = read_word(start, out);
    else if (!exact || exponent > 22 || exponent < -22) *out = c_strtod(start, NULL);
    else *out = exponent < 0 ? (double)mantissa / power[-exponent] : (double)mantissa * power[exponent];
    if (end && *text == '-') *out = -*out;
    return end;
}

/* ------------------------------------------------------------------ marks */

char *text_skip_bom(char *text) { return strncmp(text, "\xef\xbb\xbf", 3) ? text : text + 3; }

/* ----------------------------------------------------------------- memory */

bool text_grow(void *array, int64_t *capacity, int64_t need, size_t element)
{
    void *old, *bigger;
    if (need <= *capacity) return true;
    if (need > (int64_t)(PTRDIFF_MAX / 2 / element)) return false;
    int64_t wanted = 2 * *capacity > need ? 2 * *capacity : need + 16;
    memcpy(&old, array, sizeof old);
    bigger = realloc(old, (size_t)wanted * element);
    if (!bigger) return false;
    memcpy(array, &bigger, sizeof bigger);
    *capacity = wanted;
    return true;
}

int text_read_all(struct hsgd_context *ctx, struct hsgd_stream *s, uint8_t **bytes, size_t *size)
{
    enum { CHUNK = 1 << 12 };
    int64_t got = 1, capacity = 0;
    *bytes = NULL;
    *size = 0;
    while (got > 0 && text_grow(bytes, &capacity, (int64_t)*size + CHUNK, 1)) {
        got = hsgd_stream_read(s, *bytes + *size, (size_t)capacity - *size);
        if (got > 0) *size += (size_t)got;
    }
    return got > 0 ? hsgd_fail(ctx, ENOMEM, "%s: out of memory", hsgd_stream_name(s)) : (int)got;
}
