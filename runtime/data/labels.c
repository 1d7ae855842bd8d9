#include "labels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

struct label {
    char *name;
    bool numeric;
    double number;
    int32_t before;             /* its class before sorting */
};

/* ------------------------------------------------------------ hash table */

static struct label parse(const char *text)
{
    struct label l = { .name = (char *)text };
    const char *end = text_number(text, &l.number);
    l.numeric = end && !*end && isfinite(l.number);
    l.number = l.numeric ? l.number + 0.0 : 0;   /* -0 counts as 0 */
    return l;
}

static uint32_t hash(const struct label *l)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    const unsigned char *bytes = l->numeric ? (const void *)&l->number : (const void *)l->name;
    size_t n = l->numeric ? sizeof l->number : strlen(l->name);
    for (size_t i = 0; i < n; i++) h = (h ^ bytes[i]) * UINT64_C(0x100000001b3);
    return (uint32_t)(h ^ h >> 32);
}

static bool same(const struct label *a, const struct label *b)
{
    if (a->numeric != b->numeric) return false;
    return a->numeric ? a->number == b->number : !strcmp(a->name, b->name);
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
    if (!text_grow(&l->label, &l->room, l->count + 1, sizeof *l->label) || !(new.name = strdup(new.name)))
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
    return l->fixed ? -EINVAL : l->count == LABELS_MOST ? -E2BIG : add(l, new);
}

/* --------------------------------------------------------------- sentences */

static void list_some(const struct labels *l, char *out, size_t size)
{
    size_t used = 0;
    for (int i = 0; i < l->count && i < 8 && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "",
                                 hsgd_show(l->label[i].name).text);
    if (l->count > 8 && used < size) snprintf(out + used, size - used, ", ...");
}

int labels_refuse(struct hsgd_context *ctx, const struct labels *l, int err, const char *place, const char *text)
{
    char known[256] = "";
    if (err == -ENOMEM) return hsgd_fail(ctx, ENOMEM, "%s: out of memory for the labels", place);
    if (err == -E2BIG)
        return hsgd_fail(ctx, EINVAL, "%s: label \"%s\" would be one class more than %d; are these labels?", place,
                         hsgd_show(text).text, LABELS_MOST);
    list_some(l, known, sizeof known);
    return hsgd_fail(ctx, EINVAL, "%s: label \"%s\" is not one of the %d classes %s", place,
                     hsgd_show(text).text, l->count, known);
}

/* ---------------------------------------------------------------- lifetime */

int labels_begin(struct hsgd_context *ctx, struct labels *l, const struct hsgd_data_options *options)
{
    char number[16];
    *l = (struct labels){ 0 };
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

static int by_number(const void *a, const void *b)
{
    double x = ((const struct label *)a)->number, y = ((const struct label *)b)->number;
    return (x > y) - (x < y);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

int labels_sort(struct hsgd_context *ctx, struct labels *l, int32_t *label, int64_t n)
{
    bool numbers = true;
    if (l->fixed || !l->count) return 0;
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

int labels_name(struct hsgd_context *ctx, const struct labels *l, struct hsgd_data *d)
{
    char **name = calloc((size_t)l->count + 1, sizeof *name);
    int done = 0;
    while (name && done < l->count && (name[done] = strdup(l->label[done].name))) done++;
    if (name && done == l->count) {
        d->names = hsgd_names_new(name, done);
    } else {
        while (name && done > 0) free(name[--done]);
        free(name);
    }
    d->classes = l->count;
    return d->names ? 0 : hsgd_fail(ctx, ENOMEM, "data set \"%s\": out of memory for class names", d->name);
}
