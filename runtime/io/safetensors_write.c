/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "json.h"
#include "safetensors_type.h"

/* Keeps the first error. */
#define FAIL(w, err, ...) ((w)->error = (w)->error ? (w)->error : hsgd_fail((w)->ctx, err, __VA_ARGS__))

void safetensors_start(struct safetensors_writer *w, struct hsgd_context *ctx, FILE *file, const char *path)
{
    *w = (struct safetensors_writer){
        .ctx = ctx, .path = path, .file = file, .header = json_object(), .metadata = json_object()
    };
    if (!w->header || !w->metadata) FAIL(w, ENOMEM, "%s: out of memory", path);
}

void safetensors_describe(struct safetensors_writer *w, const char *key, const char *value)
{
    if (w->error) return;
    hsgd_json_set(&w->metadata, key, json_string(value));
    if (!w->metadata) FAIL(w, EINVAL, "%s: metadata \"%s\" is not UTF-8", w->path, key);
}

static json_t *shape_of(int ndims, const int64_t *dims)
{
    json_t *list = json_array();
    for (int i = 0; list && i < ndims; i++) hsgd_json_append(&list, json_integer(dims[i]));
    return list;
}

void safetensors_declare(struct safetensors_writer *w, const char *name, enum safetensors_type type, int ndims,
                         const int64_t *dims)
{
    if (w->error) return;
    int64_t count = safetensors_count(ndims, dims);
    if (count < 0 || count > INT64_MAX / 64 || w->declared > INT64_MAX / 2 || json_object_get(w->header, name)) {
        FAIL(w, EINVAL, "%s: tensor \"%s\" is too large, or appears twice", w->path, name);
        return;
    }
    uint64_t end = w->declared + (uint64_t)count * (uint64_t)safetensors_bits(type) / 8;
    json_t *entry = json_pack("{s:s, s:o, s:[I, I]}", "dtype", safetensors_type_name(type), "shape",
                              shape_of(ndims, dims), "data_offsets", (json_int_t)w->declared, (json_int_t)end);
    hsgd_json_set(&w->header, name, entry);
    if (!w->header) FAIL(w, EINVAL, "%s: tensor \"%s\": the name is not UTF-8", w->path, name);
    w->declared = end;
}

/* ------------------------------------------------------------------- bytes */

static void put(struct safetensors_writer *w, const void *bytes, size_t n)
{
    errno = 0;
    if (!w->error && fwrite(bytes, 1, n, w->file) != n) {
        int err = errno ? errno : EIO;
        FAIL(w, err, "%s: cannot write: %s", w->path, strerror(err));
    }
}

/* Spaces after the header bring the data to a multiple of 8, as the reference
 * does. */
static void put_header(struct safetensors_writer *w)
{
    json_t *all = json_object();
    uint8_t length[8];
    if (json_object_size(w->metadata)) hsgd_json_set(&all, "__metadata__", json_incref(w->metadata));
    const char *name;
    json_t *entry;
    json_object_foreach(w->header, name, entry) hsgd_json_set(&all, name, json_incref(entry));
    char *text = all ? json_dumps(all, JSON_COMPACT) : NULL;
    json_decref(all);
    if (!text) {
        FAIL(w, ENOMEM, "%s: out of memory", w->path);
        return;
    }
    size_t n = strlen(text), padding = (8 - n % 8) % 8;
    for (int i = 0; i < 8; i++) length[i] = (uint8_t)((uint64_t)(n + padding) >> 8 * i);
    put(w, length, 8);
    put(w, text, n);
    put(w, "        ", padding);
    free(text);
}

static void begin(struct safetensors_writer *w)
{
    if (!w->begun && !w->error) put_header(w);
    w->begun = true;
}

void safetensors_append(struct safetensors_writer *w, const void *data, size_t bytes)
{
    begin(w);
    put(w, data, bytes);
    w->appended += bytes;
}

int safetensors_finish(struct safetensors_writer *w)
{
    begin(w);
    if (w->appended != w->declared)
        FAIL(w, EINVAL, "%s: %llu bytes of data were given for %llu", w->path, (unsigned long long)w->appended,
             (unsigned long long)w->declared);
    json_decref(w->header);
    json_decref(w->metadata);
    w->header = w->metadata = NULL;
    return w->error;
}
