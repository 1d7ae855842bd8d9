/* SPDX-License-Identifier: BSD-3-Clause */
#include "labels.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* The decimal number in a text: 0.d1d2d3... * 10^exponent.  Its digits are at
 * first <= i < end, perhaps with a point among them; no digits: 0. */
struct decimal {
    bool negative;
    int first, end;
    int64_t exponent;
};

struct label {
    char *name;
    bool numeric;
    struct decimal number;
    int32_t before; /* its class before sorting */
};

/* --------------------------------------------------------------- decimals */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Parses the text of a finite number, whose exponent may be arbitrarily negative. */
static struct decimal read_decimal(const char *text)
{
    enum { MAX_EXPONENT = 1 << 30 };
    struct decimal d = { .negative = *text == '-', .first = -1 };
    int i = *text == '-' || *text == '+';
    int64_t whole = 0; /* digits before the point, from the first that is not 0 */
    for (bool point = false; is_digit(text[i]) || text[i] == '.'; i++) {
        if (text[i] == '.') point = true;
        else if (text[i] != '0' && d.first < 0) d.first = i;
        if (is_digit(text[i]) && text[i] != '0') d.end = i + 1;
        if (is_digit(text[i])) whole += d.first < 0 ? -point : !point;
    }
    if (d.first < 0) return (struct decimal){ 0 };
    long long exponent = text[i] ? strtoll(text + i + 1, NULL, 10) : 0;
    d.exponent = whole + (exponent < -MAX_EXPONENT ? -MAX_EXPONENT : exponent);
    return d;
}

/* The next digit of a decimal, from place *at on; 0 after the last. */
static int next_digit(const struct label *l, int *at)
{
    if (*at < l->number.end && l->name[*at] == '.') ++*at;
    return *at < l->number.end ? l->name[(*at)++] - '0' : 0;
}

static int compare_digits(const struct label *a, const struct label *b)
{
    int i = a->number.first, k = b->number.first, difference = 0;
    while (!difference && (i < a->number.end || k < b->number.end)) difference = next_digit(a, &i) - next_digit(b, &k);
    return difference;
}

static int sign(const struct label *l) { return !l->number.end ? 0 : l->number.negative ? -1 : 1; }

static int compare_numbers(const struct label *a, const struct label *b)
{
    int64_t x = a->number.exponent, y = b->number.exponent;
    if (sign(a) != sign(b)) return sign(a) - sign(b);
    return sign(a) * (x != y ? (x > y) - (x < y) : compare_digits(a, b));
}

/* Whether it has digits after the point. */
static bool has_fraction(const struct label *l)
{
    int64_t digits = 0;
    for (int at = l->number.first; at < l->number.end; digits++) next_digit(l, &at);
    return digits > l->number.exponent;
}

/* ------------------------------------------------------------ hash table */

static struct label parse(const char *text)
{
    struct label l = { .name = (char *)text };
    double number;
    const char *end = text_number(text, &number);
    l.numeric = end && !*end && isfinite(number) && strlen(text) < INT_MAX;
    if (l.numeric) l.number = read_decimal(text);
    return l;
}

static uint64_t hash_byte(uint64_t h, unsigned char byte) { return (h ^ byte) * UINT64_C(0x100000001b3); }

static uint32_t hash(const struct label *l)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (int at = l->number.first; l->numeric && at < l->number.end;)
        h = hash_byte(h, (unsigned char)next_digit(l, &at));
    for (const char *c = l->numeric ? "" : l->name; *c; c++) h = hash_byte(h, (unsigned char)*c);
    return (uint32_t)(h ^ h >> 32);
}

static bool same(const struct label *a, const struct label *b)
{
    if (a->numeric != b->numeric) return false;
    return a->numeric ? !compare_numbers(a, b) : !strcmp(a->name, b->name);
}

/* The slot of a label, or the free one where it belongs. */
static int32_t *slot_of(const struct labels *l, const struct label *label)
{
    uint32_t mask = (uint32_t)l->slots - 1, at = hash(label) & mask;
    while (l->slot[at] && !same(label, &l->label[l->slot[at] - 1])) at = (at + 1) & mask;
    return &l->slot[at];
}

static void fill_slots(struct labels *l)
{
    memset(l->slot, 0, (size_t)l->slots * sizeof *l->slot);
    for (int i = 0; i < l->count; i++) {
        int32_t *slot = slot_of(l, &l->label[i]);
        if (!*slot) *slot = i + 1;
    }
}

static bool more_slots(struct labels *l)
{
    if (2 * l->count < l->slots) return true;
    int slots = l->slots ? 2 * l->slots : 32;
    int32_t *slot = malloc((size_t)slots * sizeof *slot);
    if (!slot) return false;
    free(l->slot);
    l->slot = slot;
    l->slots = slots;
    fill_slots(l);
    return true;
}

static int32_t add(struct labels *l, struct label new)
{
    if (!text_grow(&l->label, &l->capacity, l->count + 1, sizeof *l->label) || !(new.name = strdup(new.name)))
        return -ENOMEM;
    l->label[l->count++] = new;
    if (more_slots(l)) {
        int32_t *slot = slot_of(l, &new);
        if (!*slot) *slot = l->count;
        return l->count - 1;
    }
    free(l->label[--l->count].name);
    return -ENOMEM;
}

int32_t labels_class(struct labels *l, const char *text)
{
    struct label new = parse(text);
    int32_t known = l->slots ? *slot_of(l, &new) : 0;
    if (known) return known - 1;
    return l->fixed ? -EINVAL : l->count == MAX_LABELS ? -E2BIG : add(l, new);
}

/* --------------------------------------------------------------- sentences */

static void list_some(const struct labels *l, char *out, size_t size)
{
    size_t used = 0;
    for (int i = 0; i < l->count && i < 8 && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", hsgd_show(l->label[i].name).text);
    if (l->count > 8 && used < size) snprintf(out + used, size - used, ", ...");
}

int labels_refuse(struct hsgd_context *ctx, const struct labels *l, int err, const char *place, const char *text)
{
    char known[256] = "";
    if (err == -ENOMEM) return hsgd_fail(ctx, ENOMEM, "%s: out of memory for the labels", place);
    if (err == -E2BIG)
        return hsgd_fail(ctx, EINVAL, "%s: more than %d classes at label \"%s\"; are these labels?", place, MAX_LABELS,
                         hsgd_show(text).text);
    list_some(l, known, sizeof known);
    return hsgd_fail(ctx, EINVAL, "%s: label \"%s\" is not one of the %d classes %s", place, hsgd_show(text).text,
                     l->count, known);
}

/* ---------------------------------------------------------------- lifetime */

int labels_begin(struct hsgd_context *ctx, struct labels *l, const struct hsgd_data_options *options)
{
    char number[16];
    *l = (struct labels){ .meant = options->any_classes };
    for (int i = 0; i < options->classes; i++) {
        snprintf(number, sizeof number, "%d", i);
        if (add(l, parse(options->class_name ? options->class_name[i] : number)) >= 0) continue;
        labels_free(l);
        return hsgd_fail(ctx, ENOMEM, "out of memory for %d class names", options->classes);
    }
    l->fixed = options->classes > 0;
    return 0;
}

void labels_free(struct labels *l)
{
    for (int i = 0; i < l->count; i++) free(l->label[i].name);
    free(l->label);
    free(l->slot);
    *l = (struct labels){ 0 };
}

/* ----------------------------------------------------------------- sorting */

static int by_number(const void *a, const void *b) { return compare_numbers(a, b); }

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

/* Refuses numeric labels that look like measurements. */
static int check_meaning(struct hsgd_context *ctx, const struct labels *l, const char *place, int64_t n)
{
    enum { FEW = 20 };
    const struct label *fraction = NULL;
    for (int i = 0; i < l->count; i++) {
        if (!l->label[i].numeric) return 0;
        if (!fraction && has_fraction(&l->label[i])) fraction = &l->label[i];
    }
    if (fraction)
        return hsgd_fail(ctx, EINVAL,
                         "%s: label \"%s\" has a fraction, like a measurement; "
                         "--target predicts numbers, --classes treats them as classes",
                         place, hsgd_show(fraction->name).text);
    if (l->count <= FEW || l->count <= n / 2) return 0;
    return hsgd_fail(ctx, EINVAL,
                     "%s: %d different numbers as labels of %lld samples, like measurements; "
                     "--target predicts numbers, --classes treats them as classes",
                     place, l->count, (long long)n);
}

int labels_sort(struct hsgd_context *ctx, struct labels *l, const char *place, int32_t *label, int64_t n)
{
    bool numbers = true;
    if (l->fixed || l->count < 1) return 0;
    int err = l->meant ? 0 : check_meaning(ctx, l, place, n);
    if (err) return err;
    int32_t *after = malloc((size_t)l->count * sizeof *after);
    if (!after) return hsgd_fail(ctx, ENOMEM, "out of memory for %d classes", l->count);
    for (int i = 0; i < l->count; i++) {
        numbers = numbers && l->label[i].numeric;
        l->label[i].before = i;
    }
    qsort(l->label, (size_t)l->count, sizeof *l->label, numbers ? by_number : by_name);
    for (int i = 0; i < l->count; i++) after[l->label[i].before] = i;
    for (int64_t i = 0; i < n; i++) label[i] = after[label[i]];
    free(after);
    fill_slots(l);
    l->fixed = true;
    return 0;
}

struct hsgd_names *labels_names(const struct labels *l)
{
    char **name = calloc((size_t)l->count + 1, sizeof *name);
    int done = 0;
    while (name && done < l->count && (name[done] = strdup(l->label[done].name))) done++;
    if (name && done == l->count) return hsgd_names_new(name, done);
    while (name && done > 0) free(name[--done]);
    free(name);
    return NULL;
}

int labels_name(struct hsgd_context *ctx, const struct labels *l, struct hsgd_data *d)
{
    d->y.names = labels_names(l);
    d->y.classes = l->count;
    hsgd_data_set_labels(d);
    return d->y.names ? 0 : hsgd_fail(ctx, ENOMEM, "data set \"%s\": out of memory for class names", d->name);
}
