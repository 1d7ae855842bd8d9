/* SPDX-License-Identifier: BSD-3-Clause */
/* Data sets of .npy files side by side. */
#include "numpy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../io/stream.h"
#include "base/c_locale.h"
#include "record.h"

enum { FIRST_CHUNK = 1 << 16 };

/* A whole file, decompressed; memory grows with the bytes that are read. */
static int read_array(struct hsgd_context *ctx, const char *path, struct array *a)
{
    size_t capacity = 0;
    int64_t got = 1;
    struct hsgd_stream *s = hsgd_stream_open(ctx, path);
    if (!s) return -EIO;
    a->name = strdup(path);
    while (a->name && got > 0) {
        capacity = capacity ? 2 * capacity : FIRST_CHUNK;
        uint8_t *bigger = realloc(a->bytes, capacity);
        if (!bigger) break;
        a->bytes = bigger;
        got = hsgd_stream_read(s, a->bytes + a->size, capacity - a->size);
        if (got > 0) a->size += (size_t)got;
    }
    hsgd_stream_close(&s);
    return got > 0 ? hsgd_fail(ctx, ENOMEM, "%s: out of memory", path) : (int)got;
}

/* FOLDER/STEM of path, and what follows the stem (.npy, .npy.gz, ...). */
struct path_parts {
    int folder, stem;
    const char *suffix;
};

static struct path_parts split_path(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strstr(name, ".npy");
    return (struct path_parts){ (int)(name - path), dot ? (int)(dot - name) : (int)strlen(name), dot ? dot : "" };
}

/* The first `folder` bytes of path, name, more and suffix in one new text. */
static char *sibling(const char *path, int folder, const char *name, const char *more, const char *suffix)
{
    size_t capacity = (size_t)folder + strlen(name) + strlen(more) + strlen(suffix) + 1;
    char *out = malloc(capacity);
    if (out) snprintf(out, capacity, "%.*s%s%s%s", folder, path, name, more, suffix);
    return out;
}

/* The path of a sibling that exists, as named or with a capital (X_test.npy); else NULL. */
static char *existing(const char *path, const struct path_parts *p, const char *name, const char *more)
{
    char *out = sibling(path, p->folder, name, more, p->suffix);
    if (out && !access(out, F_OK)) return out;
    if (out && p->folder < (int)strlen(out)) out[p->folder] = (char)(out[p->folder] & ~0x20);
    if (out && !access(out, F_OK)) return out;
    free(out);
    return NULL;
}

static int row_of(const char *stem)
{
    for (int i = 0; i < NUMPY_ROWS; i++)
        if (!c_strcasecmp(stem, numpy_names[i][ARRAY_X])) return i;
    return -1;
}

/* The file of labels or targets: the one named, the partner of a known name,
 * STEM_labels or STEM_targets. */
static char *answer_file(const char *path, const struct path_parts *p, const char *stem, const char *named,
                         bool targets)
{
    char *out = NULL;
    if (named) return sibling(path, *named == '/' ? 0 : p->folder, named, "", "");
    for (int i = 0; !out && i < NUMPY_ROWS; i++)
        if (!c_strcasecmp(stem, numpy_names[i][ARRAY_X])) out = existing(path, p, numpy_names[i][ARRAY_Y], "");
    if (!out) out = existing(path, p, stem, targets ? "_targets" : "_labels");
    return out ? out : existing(path, p, targets ? "targets" : "labels", "");
}

static int read_test(struct hsgd_context *ctx, const char *path, const struct path_parts *p, int row,
                     struct array array[ARRAY_ROLES])
{
    char *x = existing(path, p, numpy_names[row][ARRAY_TEST_X], "");
    char *y = existing(path, p, numpy_names[row][ARRAY_TEST_Y], "");
    int err = x && y ? read_array(ctx, x, &array[ARRAY_TEST_X]) : 0;
    if (!err && x && y) err = read_array(ctx, y, &array[ARRAY_TEST_Y]);
    free(x);
    free(y);
    return err;
}

static int read_files(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *o,
                      struct array array[ARRAY_ROLES])
{
    struct path_parts p = split_path(path);
    const char *named = o->target ? o->target : o->label;
    bool targets = record_wants_targets(o);
    char *stem = strndup(path + p.folder, (size_t)p.stem);
    char *y = stem ? answer_file(path, &p, stem, named, targets) : NULL;
    int err = !stem ? -ENOMEM : 0;
    if (!err && !y)
        err = hsgd_fail(ctx, ENOENT, "%s: no file with its %s, such as %s_%s%s; --%s names one", path,
                        targets ? "targets" : "labels", stem, targets ? "targets" : "labels", p.suffix,
                        targets ? "target" : "label");
    if (!err) err = read_array(ctx, path, &array[ARRAY_X]);
    if (!err) err = read_array(ctx, y, &array[ARRAY_Y]);
    if (!err && !named && row_of(stem) >= 0) err = read_test(ctx, path, &p, row_of(stem), array);
    free(stem);
    free(y);
    return err;
}

static int read_npy(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *options,
                    struct data_splits *out)
{
    struct array array[ARRAY_ROLES] = { { 0 } };
    int err = read_files(ctx, path, options, array);
    if (!err) err = numpy_splits(ctx, path, array, options, out);
    for (int i = 0; i < ARRAY_ROLES; i++) array_free(&array[i]);
    return err;
}

static bool is_npy(const struct data_source *source)
{
    return !source->folder && source->head_bytes >= 6 && !memcmp(source->head, "\x93NUMPY", 6);
}

const struct data_format hsgd_format_npy = { "npy", "a NumPy array (.npy)", is_npy, read_npy };
