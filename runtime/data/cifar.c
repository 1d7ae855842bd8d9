/* SPDX-License-Identifier: BSD-3-Clause */
/* CIFAR-10 and CIFAR-100, binary version: a byte or two of label, then the
 * planes of red, green and blue, row by row.
 * Source: Krizhevsky, "Learning multiple layers of features from tiny
 * images", and https://www.cs.toronto.edu/~kriz/cifar.html, "Binary version". */
#include "image_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 32, PLANES = 3, PIXELS = SIDE * SIDE, TRAIN_FILES = 5 };

struct kind {
    const char *what;
    const char *train[TRAIN_FILES], *test;
    int labels; /* bytes before the pixels */
    const char *label[2], *names[2];
    int classes[2];
};

static const struct kind kinds[] = {
    { "CIFAR-10",
      { "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin" },
      "test_batch.bin",
      1,
      { "class" },
      { "batches.meta.txt" },
      { 10 } },
    { "CIFAR-100",
      { "train.bin" },
      "test.bin",
      2,
      { "coarse", "fine" },
      { "coarse_label_names.txt", "fine_label_names.txt" },
      { 20, 100 } },
};

/* A set being read; `which`: the label that is used. */
struct cifar {
    struct hsgd_context *ctx;
    const struct image_set *set;
    const struct kind *kind;
    int which;
};

static const struct kind *kind_of(const struct image_set *a)
{
    if (image_set_find(a, kinds[0].train[0])) return &kinds[0];
    return image_set_find(a, kinds[1].train[0]) && image_set_find(a, kinds[1].names[1]) ? &kinds[1] : NULL;
}

bool cifar_is(const struct image_set *a) { return kind_of(a) != NULL; }

bool cifar_is_name(const char *name) { return !strcmp(name, kinds[0].train[0]) || !strcmp(name, kinds[1].names[1]); }

/* A label may be chosen by name; the default is the last. */
static int choose_label(struct cifar *c, const char *label)
{
    const struct kind *k = c->kind;
    c->which = k->labels - 1;
    if (!label) return 0;
    for (c->which = 0; c->which < k->labels; c->which++)
        if (!strcmp(k->label[c->which], label)) return 0;
    return hsgd_fail(c->ctx, EINVAL, "%s: there is no label \"%s\"; %s has %s%s%s", c->set->source, label, k->what,
                     k->label[0], k->labels > 1 ? " and " : "", k->labels > 1 ? k->label[1] : "");
}

/* -------------------------------------------------------------------- names */

/* Stores at most `max` lines of a text; returns their number. */
static int split_lines(const char *text, size_t n, char **line, int max)
{
    int lines = 0;
    for (size_t at = 0; at < n;) {
        const char *end = memchr(text + at, '\n', n - at);
        size_t length = end ? (size_t)(end - text) - at : n - at, step = length + 1;
        while (length && (text[at + length - 1] == '\r' || text[at + length - 1] == ' ')) length--;
        if (length && lines < max) line[lines] = strndup(text + at, length);
        lines += length > 0;
        at += step;
    }
    return lines;
}

/* Class names, if their file exists. */
static int read_names(struct cifar *c, struct hsgd_names **names)
{
    const struct image_entry *e = image_set_find(c->set, c->kind->names[c->which]);
    int classes = c->kind->classes[c->which], lines = 0;
    const uint8_t *text;
    void *owned;
    size_t n;
    int err = e ? image_set_load(c->ctx, c->set, e, &text, &n, &owned) : 0;
    if (err || !e) return err;
    char **line = calloc((size_t)classes, sizeof *line);
    bool whole = line != NULL;
    if (line) lines = split_lines((const char *)text, n, line, classes);
    free(owned);
    for (int i = 0; whole && i < classes && i < lines; i++) whole = line[i] != NULL;
    *names = line ? hsgd_names_new(line, classes) : NULL;
    if (!whole || !*names) return hsgd_fail(c->ctx, ENOMEM, "%s: out of memory", c->set->source);
    if (lines == classes) return 0;
    return hsgd_fail(c->ctx, EINVAL, "%s: has %d class names, %s has %d classes", image_set_name(c->set, e).text, lines,
                     c->kind->what, classes);
}

/* ------------------------------------------------------------------ samples */

static int record_bytes(const struct kind *k) { return k->labels + PLANES * PIXELS; }

static void interleave(const uint8_t *planes, uint8_t *to)
{
    for (int i = 0; i < PIXELS; i++)
        for (int k = 0; k < PLANES; k++) to[PLANES * i + k] = planes[k * PIXELS + i];
}

static int take_records(struct cifar *c, const struct image_entry *e, const uint8_t *bytes, struct hsgd_data *d,
                        int64_t at)
{
    int record = record_bytes(c->kind), classes = c->kind->classes[c->which];
    int64_t n = e->size / record;
    for (int64_t i = 0; i < n; i++, at++, bytes += record) {
        int label = bytes[c->which];
        if (label >= classes)
            return hsgd_fail(c->ctx, EINVAL, "%s: label of record %lld is %d, it must be in 0..%d",
                             image_set_name(c->set, e).text, (long long)i, label, classes - 1);
        ((int32_t *)d->y.owned)[at] = label;
        interleave(bytes + c->kind->labels, (uint8_t *)d->x.owned + at * PLANES * PIXELS);
    }
    return 0;
}

static int read_file(struct cifar *c, const struct image_entry *e, struct hsgd_data *d, int64_t at)
{
    const uint8_t *bytes;
    void *owned;
    size_t n;
    int err = image_set_load(c->ctx, c->set, e, &bytes, &n, &owned);
    if (!err && (int64_t)n != e->size)
        err = hsgd_fail(c->ctx, EINVAL, "%s: changed its size while it was read", image_set_name(c->set, e).text);
    if (!err) err = take_records(c, e, bytes, d, at);
    free(owned);
    return err;
}

/* The files of a split and their number of samples. */
static int find_files(struct cifar *c, const char *const *name, int files, const struct image_entry **e, int64_t *count)
{
    int record = record_bytes(c->kind);
    *count = 0;
    for (int i = 0; i < files; i++) {
        e[i] = image_set_find(c->set, name[i]);
        if (!e[i]) return hsgd_fail(c->ctx, ENOENT, "%s: %s of %s is missing", c->set->source, name[i], c->kind->what);
        if (e[i]->size % record || !e[i]->size)
            return hsgd_fail(c->ctx, EINVAL, "%s: length is %lld bytes, a %s file has records of %d",
                             image_set_name(c->set, e[i]).text, (long long)e[i]->size, c->kind->what, record);
        *count += e[i]->size / record;
    }
    return 0;
}

static int read_split(struct cifar *c, const char *const *name, int files, struct hsgd_names *names,
                      struct hsgd_data **out)
{
    const struct image_entry *e[TRAIN_FILES];
    int64_t count, at = 0;
    int err = find_files(c, name, files, e, &count);
    struct hsgd_data *d = err ? NULL : hsgd_data_new(c->ctx, c->set->source);
    *out = d;
    if (err || !d) return err ? err : -ENOMEM;
    d->count = count;
    d->x.type = hsgd_image(SIDE, SIDE, PLANES);
    d->y.classes = c->kind->classes[c->which];
    d->y.names = hsgd_names_share(names);
    err = hsgd_data_allocate(c->ctx, d);
    for (int i = 0; !err && i < files; i++) {
        err = read_file(c, e[i], d, at);
        at += e[i]->size / record_bytes(c->kind);
    }
    return err;
}

int cifar_read(struct hsgd_context *ctx, const struct image_set *a, const struct hsgd_data_options *options,
               struct data_splits *out)
{
    struct cifar c = { .ctx = ctx, .set = a, .kind = kind_of(a) };
    struct hsgd_names *names = NULL;
    int files = 0;
    if (!c.kind)
        return hsgd_fail(ctx, EINVAL, "%s: has no data_batch_1.bin (CIFAR-10) nor train.bin (CIFAR-100)", a->source);
    while (files < TRAIN_FILES && c.kind->train[files]) files++;
    int err = choose_label(&c, options->label);
    if (!err) err = read_names(&c, &names);
    if (!err) err = read_split(&c, c.kind->train, files, names, &out->train);
    if (!err) err = read_split(&c, &c.kind->test, 1, names, &out->test);
    hsgd_names_free(names);
    return err;
}
