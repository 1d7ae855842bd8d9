/* SPDX-License-Identifier: BSD-3-Clause */
#include "npy.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/c_locale.h"
#include "text.h"

enum { PREFIX = 8, MAX_HEADER = 1 << 16 };

/* The header: a Python dictionary with exactly three entries. */
struct header {
    struct hsgd_context *ctx;
    const char *name;
    const char *at, *end;
    struct npy *out;
    bool seen[3];
};

static int header_failed(const struct header *h, const char *expected)
{
    return hsgd_fail(h->ctx, EINVAL, "%s: header: %s expected at \"%s\"", h->name, expected,
                     hsgd_show_bytes(h->at, (size_t)(h->end - h->at)).text);
}

static void skip_blanks(struct header *h)
{
    while (h->at < h->end && (*h->at == ' ' || *h->at == '\t' || *h->at == '\n')) h->at++;
}

/* Takes a text if it is next, after blanks. */
static bool take(struct header *h, const char *text)
{
    size_t n = strlen(text);
    skip_blanks(h);
    if ((size_t)(h->end - h->at) < n || memcmp(h->at, text, n)) return false;
    h->at += n;
    return true;
}

/* A text in quotes, without escapes. */
static bool take_text(struct header *h, const char **text, size_t *n)
{
    skip_blanks(h);
    char quote = h->at < h->end ? *h->at : 0;
    const char *close = quote == '\'' || quote == '"' ? memchr(h->at + 1, quote, (size_t)(h->end - h->at) - 1) : NULL;
    if (!close) return false;
    *text = h->at + 1;
    *n = (size_t)(close - *text);
    h->at = close + 1;
    return true;
}

/* ----------------------------------------------------------------- entries */

static int read_descr(struct header *h)
{
    static const char *const types[] = { "b1", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8" };
    const char *text;
    size_t n;
    if (!take_text(h, &text, &n)) return header_failed(h, "a type in quotes");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (n == 3 && strchr("<>|", text[0]) && !memcmp(text + 1, types[i], 2) && (text[0] != '|' || text[2] == '1')) {
            h->out->kind = text[1];
            h->out->size = text[2] - '0';
            h->out->big_endian = text[0] == '>';
            return 0;
        }
    return hsgd_fail(h->ctx, EINVAL, "%s: type is \"%s\", not one of b1, u1, u2, u4, u8, i1, i2, i4, i8, f2, f4, f8",
                     h->name, hsgd_show_bytes(text, n).text);
}

static int read_order(struct header *h)
{
    if (take(h, "False")) return 0;
    h->out->fortran = take(h, "True");
    return h->out->fortran ? 0 : header_failed(h, "True or False");
}

static int read_size(struct header *h, int64_t *out)
{
    skip_blanks(h);
    const char *begin = h->at;
    for (*out = 0; h->at < h->end && *h->at >= '0' && *h->at <= '9'; h->at++)
        *out = *out > INT64_MAX / 10 - 1 ? INT64_MAX / 10 : 10 * *out + (*h->at - '0');
    return h->at > begin ? 0 : header_failed(h, "a size");
}

static int read_shape(struct header *h)
{
    struct npy *a = h->out;
    if (!take(h, "(")) return header_failed(h, "a shape in parentheses");
    while (!take(h, ")")) {
        if (a->dimensions == NPY_MAX_DIMENSIONS)
            return hsgd_fail(h->ctx, EINVAL, "%s: shape has more than %d dimensions", h->name, NPY_MAX_DIMENSIONS);
        int err = read_size(h, &a->dim[a->dimensions++]);
        if (err) return err;
        bool comma = take(h, ",");
        skip_blanks(h);
        if (!comma && (h->at == h->end || *h->at != ')' || a->dimensions == 1)) return header_failed(h, "a comma");
    }
    return a->dimensions ? 0 : hsgd_fail(h->ctx, EINVAL, "%s: shape is (), a single value", h->name);
}

static int read_entry(struct header *h)
{
    static const struct {
        const char *key;
        int (*read)(struct header *h);
    } entries[] = {
        { "descr", read_descr },
        { "fortran_order", read_order },
        { "shape", read_shape },
    };
    const char *key;
    size_t n;
    if (!take_text(h, &key, &n)) return header_failed(h, "a key in quotes");
    for (int i = 0; i < 3; i++) {
        if (strlen(entries[i].key) != n || memcmp(entries[i].key, key, n)) continue;
        if (h->seen[i]) return hsgd_fail(h->ctx, EINVAL, "%s: header: %s appears twice", h->name, entries[i].key);
        h->seen[i] = true;
        return take(h, ":") ? entries[i].read(h) : header_failed(h, "a colon");
    }
    return hsgd_fail(h->ctx, EINVAL, "%s: header: key \"%s\" is not one of descr, fortran_order, shape", h->name,
                     hsgd_show_bytes(key, n).text);
}

static int read_header(struct header *h)
{
    if (!take(h, "{")) return header_failed(h, "{");
    while (!take(h, "}")) {
        int err = read_entry(h);
        if (err) return err;
        bool comma = take(h, ",");
        skip_blanks(h);
        if (!comma && (h->at == h->end || *h->at != '}')) return header_failed(h, "a comma");
    }
    skip_blanks(h);
    if (h->at < h->end) return header_failed(h, "its end");
    if (h->seen[0] && h->seen[1] && h->seen[2]) return 0;
    return hsgd_fail(h->ctx, EINVAL, "%s: header: %s is missing", h->name,
                     !h->seen[0]   ? "descr"
                     : !h->seen[1] ? "fortran_order"
                                   : "shape");
}

/* ------------------------------------------------------------------- array */

static int check_sizes(struct hsgd_context *ctx, const char *name, struct npy *a, size_t bytes)
{
    a->count = 1;
    for (int i = 0; i < a->dimensions; i++) {
        if (a->dim[i] < 1 || a->dim[i] > INT_MAX)
            return hsgd_fail(ctx, EINVAL, "%s: dimension %d of the shape is %lld, it must be in 1..%d", name, i,
                             (long long)a->dim[i], INT_MAX);
        if (a->dim[i] > INT64_MAX / 8 / a->count)
            return hsgd_fail(ctx, EINVAL, "%s: dimension %d of the shape is %lld, more than memory can hold", name, i,
                             (long long)a->dim[i]);
        a->count *= a->dim[i];
    }
    if ((uint64_t)a->count * (unsigned)a->size == bytes) return 0;
    return hsgd_fail(ctx, EINVAL, "%s: %zu bytes after the header, which announces %lld values of %d bytes", name,
                     bytes, (long long)a->count, a->size);
}

/* Where the header's text begins and ends. */
static int find_header(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n, size_t *first,
                       size_t *length)
{
    if (n < PREFIX || memcmp(bytes, "\x93NUMPY", 6))
        return hsgd_fail(ctx, EINVAL, "%s: does not begin like a NumPy array (\\x93NUMPY)", name);
    int version = bytes[6];
    if (version < 1 || version > 3)
        return hsgd_fail(ctx, EINVAL, "%s: version is %d.%d, only 1.0 to 3.0 are read", name, version, bytes[7]);
    *first = PREFIX + (version == 1 ? 2 : 4);
    if (n < *first) return hsgd_fail(ctx, EINVAL, "%s: truncated in the header: only %zu bytes", name, n);
    *length = bytes[8] | (size_t)bytes[9] << 8;
    if (version > 1) *length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (*length > MAX_HEADER)
        return hsgd_fail(ctx, EINVAL, "%s: header has %zu bytes, more than %d", name, *length, MAX_HEADER);
    if (*length > n - *first)
        return hsgd_fail(ctx, EINVAL, "%s: truncated in the header: only %zu of %zu bytes", name, n - *first, *length);
    return 0;
}

int npy_parse(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n, struct npy *out)
{
    size_t first = 0, length = 0;
    int err = find_header(ctx, name, bytes, n, &first, &length);
    if (err) return err;
    struct header h = { .ctx = ctx, .name = name, .at = (const char *)bytes + first, .out = out };
    h.end = h.at + length;
    *out = (struct npy){ .data = bytes + first + length };
    err = read_header(&h);
    return err ? err : check_sizes(ctx, name, out, n - first - length);
}

/* ------------------------------------------------------------------ values */

static double half(uint16_t h)
{
    int exponent = h >> 10 & 31;
    double fraction = h & 1023, v;
    if (exponent == 31) v = fraction > 0 ? NAN : INFINITY;
    else v = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    return h >> 15 ? -v : v;
}

static double real(uint64_t bits, int size)
{
    uint32_t low = (uint32_t)bits;
    float f;
    double d;
    if (size == 2) return half((uint16_t)bits);
    memcpy(&f, &low, sizeof f);
    memcpy(&d, &bits, sizeof d);
    return size == 4 ? (double)f : d;
}

/* Index in memory of value i. */
static int64_t place(const struct npy *a, int64_t i)
{
    int64_t at = 0, stride = a->count;
    if (!a->fortran) return i;
    for (int k = a->dimensions - 1; k >= 0; k--) {
        stride /= a->dim[k];
        at += i % a->dim[k] * stride;
        i /= a->dim[k];
    }
    return at;
}

static uint64_t bits_of(const struct npy *a, int64_t i)
{
    const uint8_t *b = a->data + place(a, i) * a->size;
    uint64_t bits = 0;
    for (int k = 0; k < a->size; k++) bits = bits << 8 | b[a->big_endian ? k : a->size - 1 - k];
    return a->kind == 'b' ? bits != 0 : bits;
}

static int64_t signed_number(const struct npy *a, uint64_t bits)
{
    uint64_t sign = UINT64_C(1) << (8 * a->size - 1);
    return (int64_t)((bits ^ sign) - sign);
}

double npy_value(const struct npy *a, int64_t i)
{
    uint64_t bits = bits_of(a, i);
    if (a->kind == 'f') return real(bits, a->size);
    return a->kind == 'i' ? (double)signed_number(a, bits) : (double)bits;
}

/* With the fewest digits that are read as the same value. */
static void print_real(double v, bool wide, char text[NPY_TEXT])
{
    double back = 0;
    for (int digits = 1; digits <= 17; digits++) {
        c_snprintf(text, NPY_TEXT, "%.*g", digits, v);
        if (text_number(text, &back) && (wide ? back == v : (float)back == (float)v)) return;
    }
}

void npy_text(const struct npy *a, int64_t i, char text[NPY_TEXT])
{
    uint64_t bits = bits_of(a, i);
    double v = a->kind == 'f' ? real(bits, a->size) : 0;
    if (a->kind == 'i') snprintf(text, NPY_TEXT, "%" PRId64, signed_number(a, bits));
    else if (a->kind != 'f') snprintf(text, NPY_TEXT, "%" PRIu64, bits);
    else if (v == nearbyint(v) && fabs(v) < 1e15) snprintf(text, NPY_TEXT, "%" PRId64, (int64_t)v);
    else print_real(v, a->size == 8, text);
}
