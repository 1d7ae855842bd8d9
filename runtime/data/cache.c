/* SPDX-License-Identifier: BSD-3-Clause */
#include "cache.h"

#include "../io/atomic.h"
#include "../io/cache.h"

#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LONGEST_PATH = 4096 };

/* ------------------------------------------------------------------ the file */

static bool file_of(const char *key, char *path, size_t size)
{
    char folder[LONGEST_PATH];
    if (!hsgd_cache_folder(folder, sizeof folder)) return false;
    int n = snprintf(path, size, "%s/pictures-%s.safetensors", folder, key);
    return n > 0 && (size_t)n < size;
}

/* A complete file may still be corrupt: one checksum covers all that is used. */
static void sum_up(const char *classes, const char *passed, const struct safetensor *tensor, int n, char text[17])
{
    uint64_t sum = lzma_crc64((const uint8_t *)classes, strlen(classes), 0);
    sum = lzma_crc64((const uint8_t *)passed, strlen(passed), sum);
    for (int i = 0; i < n; i++) {
        sum = lzma_crc64((const uint8_t *)tensor[i].name, strlen(tensor[i].name), sum);
        sum = lzma_crc64((const uint8_t *)tensor[i].dims, (size_t)tensor[i].ndims * sizeof *tensor[i].dims, sum);
        sum = lzma_crc64(tensor[i].data, tensor[i].bytes, sum);
    }
    snprintf(text, 17, "%016llx", (unsigned long long)sum);
}

/* ------------------------------------------------------------------ reading */

static struct hsgd_names *read_names(const struct safetensors *f)
{
    int n;
    char **name = class_names_read(safetensors_metadata(f, "classes"), &n);
    if (name && n) return hsgd_names_new(name, n);
    free(name);
    return NULL;
}

static const struct safetensor *find(const struct safetensors *f, int split, const char *what)
{
    char name[40];
    snprintf(name, sizeof name, "%s.%s", split ? "test" : "train", what);
    return safetensors_find(f, name);
}

static bool fits(const struct safetensor *images, const struct safetensor *labels)
{
    if (!images || !labels || images->type != SAFETENSORS_U8 || labels->type != SAFETENSORS_I32) return false;
    if (images->ndims != 4 || labels->ndims != 1 || labels->dims[0] != images->dims[0]) return false;
    for (int i = 1; i < 4; i++)
        if (images->dims[i] < 1 || images->dims[i] > 1 << 16) return false;
    return images->dims[0] > 0 && images->dims[1] * images->dims[2] * images->dims[3] <= INT32_MAX;
}

/* The training split takes over the file's memory, except for the labels:
 * copying the images would take most of the time. */
static bool fill(struct hsgd_data *d, void **memory, const struct safetensor *images, const struct safetensor *labels)
{
    int32_t *label = d->y.owned = malloc(labels->bytes);
    d->x.owned = memory && *memory ? *memory : malloc(images->bytes);
    if (memory && *memory) d->x.bytes = images->data, *memory = NULL;
    else if (d->x.owned) d->x.bytes = memcpy(d->x.owned, images->data, images->bytes);
    if (!d->x.owned || !label) return false;
    memcpy(label, labels->data, labels->bytes);
    hsgd_data_set_labels(d);
    for (int64_t i = 0; i < d->count; i++)
        if (label[i] < 0 || label[i] >= d->y.classes) return false;
    return true;
}

/* NULL also when there is no such split. */
static struct hsgd_data *read_split(struct safetensors *f, int split, const char *name, struct hsgd_names *names,
                                    struct passed *passed)
{
    const struct safetensor *images = find(f, split, "images"), *labels = find(f, split, "labels");
    struct hsgd_data *d = fits(images, labels) ? hsgd_data_new(NULL, name) : NULL;
    if (!d) return NULL;
    d->count = images->dims[0];
    d->x.type = hsgd_image((int)images->dims[1], (int)images->dims[2], (int)images->dims[3]);
    d->y.classes = names->count;
    d->y.names = hsgd_names_share(names);
    d->passed = passed_share(passed);
    if (!fill(d, split ? NULL : &f->memory, images, labels)) hsgd_data_destroy(&d);
    return d;
}

static bool sum_is_right(const struct safetensors *f)
{
    char text[17];
    const char *said = safetensors_metadata(f, "crc64"), *classes = safetensors_metadata(f, "classes");
    const char *passed = safetensors_metadata(f, "passed");
    if (!said || !classes || !passed) return false;
    sum_up(classes, passed, f->tensor, f->ntensors, text);
    return !strcmp(said, text);
}

static bool read_splits(struct safetensors *f, const char *name, struct data_splits *out)
{
    struct hsgd_names *names = read_names(f);
    struct passed *passed = passed_from_json(safetensors_metadata(f, "passed"));
    if (names && passed) {
        out->test = read_split(f, 1, name, names, passed);
        out->train = read_split(f, 0, name, names, passed);
    }
    hsgd_names_free(names);
    passed_free(passed);
    if (out->train && !out->test == !find(f, 1, "images")) return true;
    hsgd_data_destroy(&out->train);
    hsgd_data_destroy(&out->test);
    return false;
}

bool cache_parse(struct safetensors *f, const char *key, const char *name, struct data_splits *out)
{
    const char *said = safetensors_metadata(f, "key");
    return said && !strcmp(said, key) && sum_is_right(f) && read_splits(f, name, out);
}

bool cache_load(struct hsgd_context *ctx, const char *key, const char *name, struct data_splits *out)
{
    char path[LONGEST_PATH];
    struct safetensors f;
    struct stat st;
    if (!file_of(key, path, sizeof path) || stat(path, &st)) return false;
    bool whole = !safetensors_read(NULL, &f, path);
    if (whole) {
        whole = cache_parse(&f, key, name, out);
        safetensors_close(&f);
    }
    if (!whole) hsgd_log(ctx, HSGD_LOG_WARNING, "cache \"%s\" is damaged and is written again", path);
    return whole;
}

/* ------------------------------------------------------------------ writing */

enum { TENSORS = 4 };

/* The tensors of a file; returns their number. */
static int list_tensors(const struct data_splits *splits, struct safetensor t[TENSORS])
{
    static const char *const images[2] = { "train.images", "test.images" }, *const labels[2] = { "train.labels",
                                                                                                 "test.labels" };
    const struct hsgd_data *split[2] = { splits->train, splits->test };
    int n = 0;
    for (int i = 0; i < 2 && split[i]; i++) {
        const struct hsgd_data *d = split[i];
        const int *dim = d->x.type.dim;
        t[n++] = (struct safetensor){ .name = images[i],
                                      .type = SAFETENSORS_U8,
                                      .ndims = 4,
                                      .dims = { d->count, dim[0], dim[1], dim[2] },
                                      .data = d->x.bytes,
                                      .bytes = (size_t)(d->count * hsgd_data_size(d)) };
        t[n++] = (struct safetensor){ .name = labels[i],
                                      .type = SAFETENSORS_I32,
                                      .ndims = 1,
                                      .dims = { d->count },
                                      .data = d->y.numbers,
                                      .bytes = (size_t)d->count * sizeof *d->y.numbers };
    }
    return n;
}

static int write_splits(struct hsgd_context *ctx, FILE *file, const char *path, const char *key,
                        const struct data_splits *splits, const char *names, const char *passed)
{
    struct safetensor t[TENSORS];
    struct safetensors_writer w;
    int n = list_tensors(splits, t);
    char sum[17];
    sum_up(names, passed, t, n, sum);
    safetensors_start(&w, ctx, file, path);
    safetensors_describe(&w, "key", key);
    safetensors_describe(&w, "crc64", sum);
    safetensors_describe(&w, "classes", names);
    safetensors_describe(&w, "passed", passed);
    for (int i = 0; i < n; i++) safetensors_declare(&w, t[i].name, t[i].type, t[i].ndims, t[i].dims);
    for (int i = 0; i < n; i++) safetensors_append(&w, t[i].data, t[i].bytes);
    return safetensors_finish(&w);
}

static int store(struct hsgd_context *ctx, const char *path, const char *key, const struct data_splits *splits,
                 const char *names, const char *passed)
{
    struct hsgd_atomic a;
    int err = hsgd_atomic_open(ctx, &a, path);
    if (err) return err;
    err = write_splits(ctx, a.file, path, key, splits, names, passed);
    if (!err) return hsgd_atomic_commit(ctx, &a);
    hsgd_atomic_abandon(&a);
    return err;
}

void cache_store(struct hsgd_context *ctx, const char *key, const struct data_splits *splits)
{
    char path[LONGEST_PATH];
    if (!file_of(key, path, sizeof path)) return;
    hsgd_cache_make_folders(path);
    char *names = class_names_text(splits->train), *passed = passed_to_json(splits->train->passed);
    if (!names || !passed || store(NULL, path, key, splits, names, passed))
        hsgd_log(ctx, HSGD_LOG_WARNING, "cache \"%s\" cannot be written; images will be decoded again", path);
    free(names);
    free(passed);
}
