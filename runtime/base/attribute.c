/* SPDX-License-Identifier: BSD-3-Clause */
#include "attribute.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "c_locale.h"

/* ---------------------------------------------------------------- reading */

bool attribute_whole(const char *text, int *out)
{
    const char *digits = text + (*text == '-');
    size_t n = strspn(digits, "0123456789");
    if (n < 1 || n > 9 || digits[n]) return false;
    *out = (int)strtol(text, NULL, 10);
    return true;
}

static bool read_int(const char *text, void *at) { return attribute_whole(text, at); }

static bool read_units(const char *text, void *at)
{
    bool classes = !strcmp(text, "classes");
    if (!classes && strcmp(text, "outputs")) return attribute_whole(text, at);
    *(int *)at = classes ? CLASSES : OUTPUTS;
    return true;
}

static bool read_float(const char *text, void *at)
{
    char *end;
    if (!*text || strspn(text, "+-.eE0123456789") != strlen(text)) return false;
    float v = c_strtof(text, &end);
    if (*end || end == text || !isfinite(v)) return false;
    *(float *)at = v;
    return true;
}

static bool read_bool(const char *text, void *at)
{
    *(bool *)at = !strcmp(text, "true");
    return *(bool *)at || !strcmp(text, "false");
}

/* "[7, -1]": the number of items, which read() leaves in four bytes each; -1: it is no such list of at most so many. */
static int read_list(const char *text, int most, bool (*read)(const char *text, void *at), void *items)
{
    size_t size = strlen(text);
    int n = 0;
    if (size < 2 || text[0] != '[' || text[size - 1] != ']') return -1;
    for (const char *from = text + 1, *end = text + size - 1; from < end;) {
        char word[24] = "";
        size_t length = strcspn(from, ",]");
        if (length >= sizeof word || n == most) return -1;
        memcpy(word, from, length);
        if (!read(word, (char *)items + 4 * (size_t)n++)) return -1;
        from += length + 1;
        if (from < end) from += *from == ' ';
        else if (from == end) return -1; /* a comma at the end */
    }
    return n;
}

static bool read_ints(const char *text, void *at)
{
    struct hsgd_ints ints = { 0 };
    ints.count = read_list(text, HSGD_MAX_INTS, read_int, ints.value);
    if (ints.count >= 0) *(struct hsgd_ints *)at = ints;
    return ints.count >= 0;
}

static bool read_floats(const char *text, void *at)
{
    struct hsgd_floats floats = { 0 };
    floats.count = read_list(text, HSGD_MAX_FLOATS, read_float, floats.value);
    if (floats.count >= 0) *(struct hsgd_floats *)at = floats;
    return floats.count >= 0;
}

/* The index of the text among words separated by spaces. */
static bool read_word(const char *text, const char *words, void *at)
{
    size_t length = strlen(text);
    for (int i = 0; *words; i++) {
        size_t n = strcspn(words, " ");
        if (n == length && !strncmp(words, text, n)) {
            *(int *)at = i;
            return true;
        }
        words += n + (words[n] == ' ');
    }
    return false;
}

/* ---------------------------------------------------------------- writing */

static void write_int(const void *at, FILE *out) { fprintf(out, "%d", *(const int *)at); }
static void write_bool(const void *at, FILE *out) { fputs(*(const bool *)at ? "true" : "false", out); }

static void write_ints(const void *at, FILE *out)
{
    const struct hsgd_ints *ints = at;
    for (int i = 0; i < ints->count && i < HSGD_MAX_INTS; i++) fprintf(out, "%s%d", i ? ", " : "[", ints->value[i]);
    fputs(ints->count > 0 ? "]" : "[]", out);
}

/* A number that has no word stands for itself; reading refuses it. */
static void write_word(const char *words, int number, FILE *out)
{
    for (int i = 0; i < number && *words; i++) words += strcspn(words, " ") + (words[strcspn(words, " ")] == ' ');
    int n = (int)strcspn(words, " ");
    if (number >= 0 && n) fprintf(out, "%.*s", n, words);
    else write_int(&number, out);
}

/* As few digits as give the same float again. */
static void write_float(const void *at, FILE *out)
{
    char text[32];
    for (int digits = 1; digits <= 9; digits++) {
        c_snprintf(text, sizeof text, "%.*g", digits, (double)*(const float *)at);
        if (c_strtof(text, NULL) == *(const float *)at) break;
    }
    fputs(text, out);
}

static void write_floats(const void *at, FILE *out)
{
    const struct hsgd_floats *floats = at;
    for (int i = 0; i < floats->count && i < HSGD_MAX_FLOATS; i++) {
        fputs(i ? ", " : "[", out);
        write_float(&floats->value[i], out);
    }
    fputs(floats->count > 0 ? "]" : "[]", out);
}

/* A kind without functions is one of words. */
static const struct {
    const char *expects;
    bool (*read)(const char *text, void *at);
    void (*write)(const void *at, FILE *out);
} kinds[] = {
    [HSGD_INT] = { "an integer", read_int, write_int },
    [HSGD_UNITS] = { "an integer, \"classes\" or \"outputs\"", read_units, write_int },
    [HSGD_PADDING] = { "an integer", read_int, write_int },
    [HSGD_FLOAT] = { "a number", read_float, write_float },
    [HSGD_BOOL] = { "true or false", read_bool, write_bool },
    [HSGD_INTS] = { "a list of integers", read_ints, write_ints },
    [HSGD_FLOATS] = { "a list of numbers", read_floats, write_floats },
};

/* The words that an attribute may be; NULL: it is none. */
static const char *words_of(const struct hsgd_attribute *a)
{
    if (a->kind == HSGD_WORD) return a->text;
    return a->kind == HSGD_ACTIVATION ? "none relu tanh sigmoid" : a->kind == HSGD_INIT ? "glorot he zero one" : NULL;
}

struct attribute_text attribute_expects(const struct hsgd_attribute *a)
{
    struct attribute_text t = { "" };
    const char *words = words_of(a);
    size_t n = (size_t)snprintf(t.text, sizeof t.text, "%s", words ? "one of " : kinds[a->kind].expects);
    for (; words && *words && n < sizeof t.text - 2; words++) {
        t.text[n++] = *words == ' ' ? ',' : *words;
        if (*words == ' ') t.text[n++] = ' ';
    }
    return t;
}

bool attribute_read(const struct hsgd_attribute *a, const char *text, void *attributes)
{
    char *at = (char *)attributes + a->offset;
    return words_of(a) ? read_word(text, words_of(a), at) : kinds[a->kind].read(text, at);
}

void attribute_write(const struct hsgd_attribute *a, const void *attributes, FILE *out)
{
    const char *at = (const char *)attributes + a->offset;
    if (words_of(a)) write_word(words_of(a), *(const int *)at, out);
    else kinds[a->kind].write(at, out);
}

/* ---------------------------------------------------------- values out of range */

static int words_in(const char *words)
{
    int n = 0;
    for (; *words; words++) n += *words != ' ' && (words[1] == ' ' || !words[1]);
    return n;
}

static bool in_range(const struct hsgd_attribute *a, const void *at)
{
    const char *words = words_of(a);
    if (words) return *(const int *)at >= 0 && *(const int *)at < words_in(words);
    if (a->kind == HSGD_INTS) return (unsigned)((const struct hsgd_ints *)at)->count <= HSGD_MAX_INTS;
    return a->kind != HSGD_FLOATS || (unsigned)((const struct hsgd_floats *)at)->count <= HSGD_MAX_FLOATS;
}

int attribute_check(const struct hsgd_op *op, const void *attributes, char *why, size_t size)
{
    for (const struct hsgd_attribute *a = op->fields; a && a->name; a++) {
        const char *at = (const char *)attributes + a->offset;
        if (in_range(a, at)) continue;
        if (words_of(a)) snprintf(why, size, "%s %d is not %s", a->name, *(const int *)at, attribute_expects(a).text);
        else
            snprintf(why, size, "%s has %d values, not 0 to %d", a->name, *(const int *)at,
                     a->kind == HSGD_INTS ? HSGD_MAX_INTS : HSGD_MAX_FLOATS);
        return -1;
    }
    return 0;
}

/* --------------------------------------------------------------- defaults */

const struct hsgd_attribute *attribute_find(const struct hsgd_op *op, const char *name)
{
    for (const struct hsgd_attribute *a = op->fields; a && a->name; a++)
        if (!strcmp(a->name, name)) return a;
    return NULL;
}

static const char *default_from(const struct hsgd_attribute *a) { return a->kind == HSGD_WORD ? NULL : a->text; }

void attribute_default(const struct hsgd_op *op, const struct hsgd_attribute *a, void *attributes)
{
    char *at = (char *)attributes + a->offset;
    if (default_from(a)) memcpy(at, (char *)attributes + attribute_find(op, default_from(a))->offset, sizeof(int));
    else if (a->kind == HSGD_INTS) *(struct hsgd_ints *)at = (struct hsgd_ints){ 0 };
    else if (a->kind == HSGD_FLOATS) *(struct hsgd_floats *)at = (struct hsgd_floats){ 0 };
    else if (a->kind == HSGD_BOOL) *(bool *)at = a->default_value != 0;
    else if (a->kind == HSGD_FLOAT) *(float *)at = (float)a->default_value;
    else *(int *)at = (int)a->default_value;
}

bool attribute_is_filled(const struct hsgd_attribute *a, const void *attributes)
{
    const void *at = (const char *)attributes + a->offset;
    bool is_number = a->kind == HSGD_INT || a->kind == HSGD_FLOAT;
    bool is_zero = is_number && (a->kind == HSGD_INT ? *(const int *)at == 0 : *(const float *)at == 0);
    return is_zero && (default_from(a) || a->default_value != 0);
}

void attribute_fill(const struct hsgd_op *op, void *attributes)
{
    for (const struct hsgd_attribute *a = op->fields; a && a->name; a++)
        if (attribute_is_filled(a, attributes)) attribute_default(op, a, attributes);
}
