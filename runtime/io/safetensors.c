/* SPDX-License-Identifier: BSD-3-Clause */
#include "safetensors.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "file.h"
#include "safetensors_type.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers in the file are little-endian");

#define MAX_HEADER 100000000 /* bytes, as in the reference */

/* A file being read. */
struct reading {
    struct hsgd_context *ctx;
    struct safetensors *f;
    const uint8_t *data; /* after the header */
    uint64_t size;       /* of the data */
};

#define FAIL(r, format, ...) hsgd_fail((r)->ctx, EINVAL, "%s: " format, (r)->f->path, __VA_ARGS__)
#define FAIL_TENSOR(r, t, format, ...) FAIL(r, "tensor \"%s\"" format, hsgd_show((t)->name).text, __VA_ARGS__)

static const char *const kinds[] = {
    [JSON_OBJECT] = "an object",   [JSON_ARRAY] = "a list", [JSON_STRING] = "a string", [JSON_INTEGER] = "an integer",
    [JSON_REAL] = "a real number", [JSON_TRUE] = "true",    [JSON_FALSE] = "false",     [JSON_NULL] = "null"
};
static const char *kind(const json_t *v) { return v ? kinds[json_typeof(v)] : "missing"; }

/* ---------------------------------------------------------------- tensors */

static int read_type(const struct reading *r, struct safetensor *t, const json_t *object)
{
    const json_t *v = json_object_get(object, "dtype");
    if (!json_is_string(v)) return FAIL_TENSOR(r, t, ": dtype must be a string, but is %s", kind(v));
    int type = safetensors_type_of(json_string_value(v));
    if (type < 0) return FAIL_TENSOR(r, t, ": dtype \"%s\" is not known", hsgd_show(json_string_value(v)).text);
    t->type = (enum safetensors_type)type;
    return 0;
}

static int read_shape(const struct reading *r, struct safetensor *t, const json_t *object)
{
    const json_t *v = json_object_get(object, "shape");
    if (!json_is_array(v)) return FAIL_TENSOR(r, t, ": shape must be a list, but is %s", kind(v));
    if (json_array_size(v) > SAFETENSORS_DIMS)
        return FAIL_TENSOR(r, t, ": shape has %zu dimensions; at most %d can be read", json_array_size(v),
                           SAFETENSORS_DIMS);
    t->ndims = (int)json_array_size(v);
    for (int i = 0; i < t->ndims; i++) {
        const json_t *n = json_array_get(v, (size_t)i);
        if (!json_is_integer(n)) return FAIL_TENSOR(r, t, ": shape[%d] must be an integer, but is %s", i, kind(n));
        t->dims[i] = json_integer_value(n);
        if (t->dims[i] < 0) return FAIL_TENSOR(r, t, ": shape[%d] is negative: %" PRId64, i, t->dims[i]);
    }
    return 0;
}

static int read_offsets(const struct reading *r, struct safetensor *t, const json_t *object)
{
    const json_t *v = json_object_get(object, "data_offsets");
    if (!json_is_array(v) || json_array_size(v) != 2)
        return FAIL_TENSOR(r, t, ": data_offsets must be a list of 2 numbers, but is %s%s", kind(v),
                           json_is_array(v) ? " of another length" : "");
    json_int_t at[2];
    for (size_t i = 0; i < 2; i++) {
        const json_t *n = json_array_get(v, i);
        if (!json_is_integer(n))
            return FAIL_TENSOR(r, t, ": data_offsets[%zu] must be an integer, but is %s", i, kind(n));
        at[i] = json_integer_value(n);
    }
    if (at[0] < 0 || at[1] < at[0] || (uint64_t)at[1] > r->size)
        return FAIL_TENSOR(r, t, ": data_offsets [%" PRId64 ", %" PRId64 "] are not in 0..%" PRIu64, (int64_t)at[0],
                           (int64_t)at[1], r->size);
    t->data = r->data + at[0];
    t->bytes = (size_t)(at[1] - at[0]);
    return 0;
}

/* Type and shape must need exactly the bytes that the offsets give. */
static int check_size(const struct reading *r, struct safetensor *t)
{
    int64_t bits;
    t->count = safetensors_count(t->ndims, t->dims);
    if (t->count < 0 || __builtin_mul_overflow(t->count, safetensors_bits(t->type), &bits))
        return FAIL_TENSOR(r, t, ": shape is too large: its size %s", "overflows");
    if (bits % 8)
        return FAIL_TENSOR(r, t, ": %" PRId64 " elements of %s do not fill whole bytes", t->count,
                           safetensors_type_name(t->type));
    if ((uint64_t)bits / 8 != t->bytes)
        return FAIL_TENSOR(r, t, ": shape and dtype need %" PRId64 " bytes, but data_offsets give %zu", bits / 8,
                           t->bytes);
    return 0;
}

static int read_tensor(const struct reading *r, struct safetensor *t, const char *name, const json_t *object)
{
    t->name = name;
    if (!json_is_object(object)) return FAIL_TENSOR(r, t, " must be an object, but is %s", kind(object));
    int err = read_type(r, t, object);
    if (!err) err = read_shape(r, t, object);
    if (!err) err = read_offsets(r, t, object);
    return err ? err : check_size(r, t);
}

/* ----------------------------------------------------------- whole header */

static int by_place(const void *a, const void *b)
{
    const struct safetensor *s = *(const struct safetensor *const *)a, *t = *(const struct safetensor *const *)b;
    const char *p = s->data, *q = t->data;
    return p != q ? (p > q) - (p < q) : (s->bytes > t->bytes) - (s->bytes < t->bytes);
}

/* One after the other, in order of their places, the tensors fill the data. */
static int check_cover(const struct reading *r, struct safetensor **order)
{
    uint64_t end = 0;
    for (int i = 0; i < r->f->ntensors; i++) {
        const struct safetensor *t = order[i];
        uint64_t begin = (uint64_t)((const uint8_t *)t->data - r->data);
        if (begin < end)
            return FAIL_TENSOR(r, t,
                               " begins at byte %" PRIu64 " of the data and overlaps \"%s\", which ends at %" PRIu64,
                               begin, hsgd_show(order[i - 1]->name).text, end);
        if (begin > end)
            return FAIL_TENSOR(r, t, " begins at byte %" PRIu64 " of the data, but the one before ends at %" PRIu64,
                               begin, end);
        end = begin + t->bytes;
    }
    return end == r->size
               ? 0
               : FAIL(r, "the tensors end at byte %" PRIu64 " of the data, but there are %" PRIu64, end, r->size);
}

static int check_places(const struct reading *r)
{
    struct safetensor **order = malloc(((size_t)r->f->ntensors + 1) * sizeof *order);
    if (!order) return hsgd_fail(r->ctx, ENOMEM, "%s: out of memory", r->f->path);
    for (int i = 0; i < r->f->ntensors; i++) order[i] = &r->f->tensor[i];
    qsort(order, (size_t)r->f->ntensors, sizeof *order, by_place);
    int err = check_cover(r, order);
    free(order);
    return err;
}

static int check_metadata(const struct reading *r, const json_t *strings)
{
    const char *key;
    json_t *value;
    if (!json_is_object(strings)) return FAIL(r, "__metadata__ must be an object, but is %s", kind(strings));
    json_object_foreach((json_t *)strings, key, value) if (!json_is_string(value)) return FAIL(
        r, "__metadata__: \"%s\" must be a string, but is %s", hsgd_show(key).text, kind(value));
    return 0;
}

static int read_entries(const struct reading *r)
{
    const char *name;
    json_t *object;
    int err = 0;
    json_object_foreach(r->f->header, name, object)
    {
        err = strcmp(name, "__metadata__") ? read_tensor(r, &r->f->tensor[r->f->ntensors++], name, object)
                                           : check_metadata(r, object);
        if (err) return err;
    }
    return check_places(r);
}

static int read_header(const struct reading *r, const char *text, size_t size)
{
    json_error_t e;
    struct safetensors *f = r->f;
    if (!size || *text != '{') return FAIL(r, "the header must begin with \"{\"%s", "");
    f->header = json_loadb(text, size, JSON_REJECT_DUPLICATES, &e);
    if (!f->header) return FAIL(r, "header, byte %d: %s", e.position, hsgd_show(e.text).text);
    f->tensor = calloc(json_object_size(f->header) + 1, sizeof *f->tensor);
    return f->tensor ? read_entries(r) : hsgd_fail(r->ctx, ENOMEM, "%s: out of memory", f->path);
}

static int parse(struct reading *r, const uint8_t *bytes, size_t size)
{
    uint64_t length = 0;
    if (size < 8) return FAIL(r, "%zu bytes are too few for a safetensors file", size);
    for (int i = 8; i--;) length = length << 8 | bytes[i];
    if (length > MAX_HEADER) return FAIL(r, "the header's length %" PRIu64 " is more than %d", length, MAX_HEADER);
    if (length > size - 8)
        return FAIL(r, "the header's length %" PRIu64 " is more than the %zu bytes that follow", length, size - 8);
    r->data = bytes + 8 + length;
    r->size = size - 8 - length;
    return read_header(r, (const char *)bytes + 8, (size_t)length);
}

/* -------------------------------------------------------------- interface */

int safetensors_parse(struct hsgd_context *ctx, struct safetensors *f, const char *path, const void *bytes, size_t size)
{
    *f = (struct safetensors){ .path = strdup(path) };
    if (!f->path) return hsgd_fail(ctx, ENOMEM, "%s: out of memory", path);
    struct reading r = { .ctx = ctx, .f = f };
    int err = parse(&r, bytes, size);
    if (err) safetensors_close(f);
    return err;
}

int safetensors_read(struct hsgd_context *ctx, struct safetensors *f, const char *path)
{
    void *bytes;
    size_t size;
    int err = hsgd_file_read(ctx, path, INT64_MAX, &bytes, &size);
    if (err) return err;
    err = safetensors_parse(ctx, f, path, bytes, size);
    if (err) free(bytes);
    else f->memory = bytes;
    return err;
}

void safetensors_close(struct safetensors *f)
{
    if (!f) return;
    json_decref(f->header);
    free(f->tensor);
    free(f->memory);
    free(f->path);
    *f = (struct safetensors){ 0 };
}

const char *safetensors_metadata(const struct safetensors *f, const char *key)
{
    return json_string_value(json_object_get(json_object_get(f->header, "__metadata__"), key));
}

const struct safetensor *safetensors_find(const struct safetensors *f, const char *name)
{
    for (int i = 0; i < f->ntensors; i++)
        if (!strcmp(f->tensor[i].name, name)) return &f->tensor[i];
    return NULL;
}
