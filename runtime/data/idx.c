/* SPDX-License-Identifier: BSD-3-Clause */
/* IDX files, plain, gzip or xz: the format of MNIST.
 * Source: LeCun, Cortes and Burges, "The MNIST database of handwritten
 * digits", section "File formats". */
#include "readers.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { UNSIGNED_BYTE = 0x08, FIRST_CHUNK = 1 << 16 };

void idx_free(struct idx *f)
{
    free(f->path);
    free(f->bytes);
    *f = (struct idx){ 0 };
}

/* FOLDER/BELOW/NAME with or without a suffix; `dot`: .idx3 in place of -idx3. */
static char *candidate(const char *folder, const char *below, const char *name, bool dot, const char *suffix)
{
    size_t start = strlen(folder) + strlen(below) + 1, capacity = start + strlen(name) + strlen(suffix) + 1;
    char *path = malloc(capacity);
    if (!path) return NULL;
    snprintf(path, capacity, "%s/%s%s%s", folder, below, name, suffix);
    if (dot) *strstr(path + start, "-idx") = '.';
    return path;
}

static int find(struct hsgd_context *ctx, const char *folder, const char *name, char **path)
{
    static const char *const below[] = { "", "raw/", "MNIST/raw/" }, *const suffix[] = { "", ".gz", ".xz" };
    for (int i = 0; i < 18; i++) {
        *path = candidate(folder, below[i / 6], name, i / 3 % 2, suffix[i % 3]);
        if (!*path) return hsgd_fail(ctx, ENOMEM, "%s: out of memory", folder);
        if (access(*path, F_OK) == 0) return 0;
        free(*path);
        *path = NULL;
    }
    return hsgd_fail(ctx, ENOENT, "%s: no %s (plain, .gz or .xz) here, in raw/ or in MNIST/raw/", folder, name);
}

/* Reads the bytes `from` to `to` of a part that has `whole` bytes. */
static int read_range(struct hsgd_context *ctx, struct hsgd_stream *s, uint8_t *bytes, int64_t from, int64_t to,
                      int64_t whole, const char *part)
{
    int64_t got = hsgd_stream_read(s, bytes + from, (size_t)(to - from));
    if (got < 0 || got == to - from) return got < 0 ? (int)got : 0;
    return hsgd_fail(ctx, EINVAL, "%s: truncated in the %s: only %lld of %lld bytes", hsgd_stream_name(s), part,
                     (long long)(from + got), (long long)whole);
}

static int check_magic(struct hsgd_context *ctx, struct idx *f, const uint8_t *magic, int min, int max)
{
    if (magic[0] || magic[1])
        return hsgd_fail(ctx, EINVAL, "%s: magic is 0x%02x%02x%02x%02x, an IDX file starts with 0x0000", f->path,
                         magic[0], magic[1], magic[2], magic[3]);
    if (magic[2] != UNSIGNED_BYTE)
        return hsgd_fail(ctx, EINVAL, "%s: type is 0x%02x, only 0x08 (unsigned byte) is read", f->path, magic[2]);
    f->dimensions = magic[3];
    if (f->dimensions >= min && f->dimensions <= max) return 0;
    return hsgd_fail(ctx, EINVAL, "%s: dimension count is %d, %s", f->path, f->dimensions,
                     max == 1 ? "labels have 1" : "images have 3, or 4 with channels");
}

static int check_sizes(struct hsgd_context *ctx, const struct idx *f)
{
    static const char *const name[IDX_MAX_DIMENSIONS] = { "count", "rows", "columns", "channels" };
    int64_t sample = 1;
    for (int i = 0; i < f->dimensions; i++) {
        if (f->dim[i] < 1 || f->dim[i] > INT_MAX)
            return hsgd_fail(ctx, EINVAL, "%s: %s is %lld, it must be in 1..%d", f->path, name[i], (long long)f->dim[i],
                             INT_MAX);
        if (i > 0 && f->dim[i] > INT_MAX / sample)
            return hsgd_fail(ctx, EINVAL, "%s: %s is %lld, an image would have more than %d values", f->path, name[i],
                             (long long)f->dim[i], INT_MAX);
        sample *= i > 0 ? f->dim[i] : 1;
    }
    if (f->dim[0] > PTRDIFF_MAX / sample)
        return hsgd_fail(ctx, EINVAL, "%s: count is %lld, more than memory can hold", f->path, (long long)f->dim[0]);
    return 0;
}

static int read_header(struct hsgd_context *ctx, struct hsgd_stream *s, struct idx *f, int min, int max)
{
    uint8_t header[4 + 4 * IDX_MAX_DIMENSIONS];
    int rc = read_range(ctx, s, header, 0, 4, 4, "magic");
    rc = rc < 0 ? rc : check_magic(ctx, f, header, min, max);
    if (rc < 0) return rc;
    int size = 4 + 4 * f->dimensions;
    rc = read_range(ctx, s, header, 4, size, size, "header");
    for (int i = 0; rc == 0 && i < f->dimensions; i++) {
        const uint8_t *b = header + 4 + 4 * i;
        f->dim[i] = (int64_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
    }
    return rc < 0 ? rc : check_sizes(ctx, f);
}

/* Memory grows with the bytes that are read: a header cannot make it allocate
 * more than twice the file. */
static int read_body(struct hsgd_context *ctx, struct hsgd_stream *s, struct idx *f, const char *part)
{
    int64_t need = f->dim[0], have = 0;
    for (int i = 1; i < f->dimensions; i++) need *= f->dim[i];
    while (have < need) {
        int64_t capacity = have ? 2 * have : FIRST_CHUNK;
        capacity = capacity < need ? capacity : need;
        uint8_t *grown = realloc(f->bytes, (size_t)capacity);
        if (!grown) return hsgd_fail(ctx, ENOMEM, "%s: out of memory for %lld bytes", f->path, (long long)capacity);
        f->bytes = grown;
        int rc = read_range(ctx, s, f->bytes, have, capacity, need, part);
        if (rc < 0) return rc;
        have = capacity;
    }
    return 0;
}

/* The file must end here; this also verifies the checksums of compressed files. */
static int check_end(struct hsgd_context *ctx, struct hsgd_stream *s, const char *part)
{
    const uint8_t *more;
    int64_t got = hsgd_stream_peek(s, &more, 1);
    if (got <= 0) return (int)got;
    return hsgd_fail(ctx, EINVAL, "%s: extra bytes after the %s that the header announces", hsgd_stream_name(s), part);
}

int idx_parse(struct hsgd_context *ctx, struct hsgd_stream *s, bool labels, struct idx *f)
{
    const char *part = labels ? "labels" : "pixels";
    f->path = strdup(hsgd_stream_name(s));
    if (!f->path) return hsgd_fail(ctx, ENOMEM, "%s: out of memory", hsgd_stream_name(s));
    int rc = read_header(ctx, s, f, labels ? 1 : 3, labels ? 1 : 4);
    rc = rc < 0 ? rc : read_body(ctx, s, f, part);
    return rc < 0 ? rc : check_end(ctx, s, part);
}

static int idx_read(struct hsgd_context *ctx, const char *folder, const char *name, struct idx *f)
{
    char *path = NULL;
    int rc = find(ctx, folder, name, &path);
    struct hsgd_stream *s = rc < 0 ? NULL : hsgd_stream_open(ctx, path);
    if (rc == 0) rc = s ? idx_parse(ctx, s, strstr(name, "idx1") != NULL, f) : -EIO;
    hsgd_stream_close(&s);
    free(path);
    return rc;
}

static int check_labels(struct hsgd_context *ctx, const struct idx *images, const struct idx *labels, int classes)
{
    if (images->dim[0] != labels->dim[0])
        return hsgd_fail(ctx, EINVAL, "%s: count is %lld, but %s has %lld labels", images->path,
                         (long long)images->dim[0], labels->path, (long long)labels->dim[0]);
    for (int64_t i = 0; i < labels->dim[0]; i++)
        if (labels->bytes[i] >= classes)
            return hsgd_fail(ctx, EINVAL, "%s: label %lld is %d, the largest training label is %d", labels->path,
                             (long long)i, labels->bytes[i], classes - 1);
    return 0;
}

/* The number of classes: the largest training label plus one. */
static int count_classes(const struct idx *labels)
{
    int max = 0;
    for (int64_t i = 0; i < labels->dim[0]; i++) max = labels->bytes[i] > max ? labels->bytes[i] : max;
    return max + 1;
}

/* Moves the pixels into the set and widens the labels. */
static int take(struct hsgd_context *ctx, struct hsgd_data *d, struct idx *images, const struct idx *labels)
{
    d->count = images->dim[0];
    d->x.type = hsgd_image((int)images->dim[1], (int)images->dim[2], images->dimensions == 4 ? (int)images->dim[3] : 1);
    int32_t *label = d->y.owned = malloc((size_t)d->count * sizeof *label);
    if (!label) return hsgd_fail(ctx, ENOMEM, "%s: out of memory for %lld labels", d->name, (long long)d->count);
    for (int64_t i = 0; i < d->count; i++) label[i] = labels->bytes[i];
    hsgd_data_set_labels(d);
    d->x.owned = images->bytes;
    d->x.bytes = images->bytes;
    images->bytes = NULL;
    return 0;
}

static const char *const names[2][2] = { { "train-images-idx3-ubyte", "train-labels-idx1-ubyte" },
                                         { "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte" } };

/* *classes 0: not known yet. */
static int read_split(struct hsgd_context *ctx, const char *path, int split, int *classes, struct hsgd_data **out)
{
    struct idx images = { 0 }, labels = { 0 };
    *out = hsgd_data_new(ctx, path);
    int rc = *out ? idx_read(ctx, path, names[split][0], &images) : -ENOMEM;
    rc = rc < 0 ? rc : idx_read(ctx, path, names[split][1], &labels);
    if (rc == 0 && !*classes) *classes = count_classes(&labels);
    rc = rc < 0 ? rc : check_labels(ctx, &images, &labels, *classes);
    rc = rc < 0 ? rc : take(ctx, *out, &images, &labels);
    if (rc == 0) (*out)->y.classes = *classes;
    idx_free(&images);
    idx_free(&labels);
    return rc;
}

static int read_idx(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *options,
                    struct data_splits *out)
{
    int classes = options->classes;
    int err = read_split(ctx, path, 0, &classes, &out->train);
    return err ? err : read_split(ctx, path, 1, &classes, &out->test);
}

/* Any of the four files. */
static bool is_idx(const struct data_source *source)
{
    bool found = false;
    for (int i = 0; i < 4 && source->folder && !found; i++) {
        char *path = NULL;
        found = find(NULL, source->path, names[i / 2][i % 2], &path) == 0;
        free(path);
    }
    return found;
}

const struct data_format hsgd_format_idx = { "idx", "a folder with IDX files", is_idx, read_idx };
