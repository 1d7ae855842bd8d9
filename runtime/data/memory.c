/* SPDX-License-Identifier: BSD-3-Clause */
/* Data sets from arrays in memory. */
#include "lengths.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/sized.h"

/* ------------------------------------------------------------------ checks */

#define IN_MEMORY "data in memory: field \"%s\": "

static int check_name(struct hsgd_context *ctx, const struct hsgd_data *d, const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    if (!name) return hsgd_fail(ctx, EINVAL, "data in memory: the name of field %d is NULL", d->fields);
    if (!*name || strlen(name) >= FIELD_NAME || name[strspn(name, letters)] || strchr("0123456789", *name))
        return hsgd_fail(
            ctx, EINVAL,
            "data in memory: field name \"%s\" is not 1 to %d letters, digits and _, without a digit first",
            hsgd_show(name).text, FIELD_NAME - 1);
    return data_field(d, name) ? hsgd_fail(ctx, EINVAL, "data in memory: there are two fields \"%s\"", name) : 0;
}

static int check_type(struct hsgd_context *ctx, const char *name, const struct hsgd_type *t, int64_t count)
{
    int64_t size = 1;
    if ((unsigned)t->dtype >= HSGD_DTYPES || t->rank < 0 || t->rank > HSGD_MAX_RANK)
        return hsgd_fail(ctx, EINVAL, IN_MEMORY "its type has dtype %d and rank %d, which must be in 0..%d and 0..%d",
                         name, (int)t->dtype, t->rank, HSGD_DTYPES - 1, HSGD_MAX_RANK);
    for (int i = 0; i < t->rank; i++) {
        if (t->dim[i] < 1)
            return hsgd_fail(ctx, EINVAL, IN_MEMORY "dimension %d is %d, it must be positive", name, i, t->dim[i]);
        if (size > INT_MAX / t->dim[i])
            return hsgd_fail(ctx, EINVAL, IN_MEMORY "a sample has more than %d values", name, INT_MAX);
        size *= t->dim[i];
    }
    if (count <= (int64_t)(PTRDIFF_MAX / hsgd_type_bytes(t))) return 0;
    return hsgd_fail(ctx, EINVAL, IN_MEMORY "count is %lld, more than memory can hold", name, (long long)count);
}

static int check_classes(struct hsgd_context *ctx, const struct hsgd_data_field *f)
{
    bool integers = f->type.dtype == HSGD_I32;
    if (integers ? f->classes < !strcmp(f->name, "label") : f->classes != 0)
        return hsgd_fail(ctx, EINVAL, IN_MEMORY "classes is %d, it must be %s", f->name, f->classes,
                         !integers        ? "0, unless the field has integers"
                         : f->classes < 0 ? "0 or more"
                                          : "positive");
    return 0;
}

static int check_values(struct hsgd_context *ctx, const struct hsgd_data_field *f, const void *values, int64_t count)
{
    int64_t size = hsgd_type_size(&f->type);
    const int32_t *k = values;
    const float *x = values;
    if (!values) return hsgd_fail(ctx, EINVAL, "data in memory: the values of field \"%s\" are NULL", f->name);
    for (int64_t i = 0; f->classes && i < count * size; i++)
        if (k[i] < 0 || k[i] >= f->classes)
            return hsgd_fail(ctx, EINVAL, IN_MEMORY "value %lld of sample %lld is %d, it must be in 0..%d", f->name,
                             (long long)(i % size), (long long)(i / size), (int)k[i], f->classes - 1);
    for (int64_t i = 0; f->type.dtype == HSGD_F32 && i < count * size; i++)
        if (!isfinite(x[i]))
            return hsgd_fail(ctx, EINVAL, IN_MEMORY "value %lld of sample %lld is %f, it must be finite", f->name,
                             (long long)(i % size), (long long)(i / size), (double)x[i]);
    return 0;
}

/* ------------------------------------------------------------------ fields */

static int out_of_memory(struct hsgd_context *ctx, int64_t count)
{
    return hsgd_fail(ctx, ENOMEM, "data in memory: out of memory for %lld samples", (long long)count);
}

static int keep_names(struct hsgd_context *ctx, const struct hsgd_data_field *given, struct data_field *f)
{
    int channels = hsgd_type_channels(&f->type);
    if (given->column) f->columns = hsgd_names_copy(given->column, channels);
    if (given->class_name) f->names = hsgd_names_copy(given->class_name, f->classes);
    bool ok = (f->columns || !given->column) && (f->names || !given->class_name);
    return ok ? 0 : hsgd_fail(ctx, ENOMEM, IN_MEMORY "out of memory for its names", f->name);
}

static int keep_values(struct hsgd_context *ctx, struct data_field *f, const void *values, int64_t count,
                       enum hsgd_ownership ownership)
{
    if (ownership == HSGD_COPY) {
        if (!field_allocate(f, NULL, count)) return out_of_memory(ctx, count);
        memcpy(f->owned, values, (size_t)count * (size_t)hsgd_type_bytes(&f->type));
        return 0;
    }
    if (f->type.dtype == HSGD_U8) f->bytes = values;
    else if (f->type.dtype == HSGD_I32) f->numbers = values;
    else f->values = values;
    return 0;
}

static int add_field(struct hsgd_context *ctx, struct hsgd_data *d, const struct hsgd_data_field *given,
                     const void *values, enum hsgd_ownership ownership)
{
    struct hsgd_data_field full = { 0 };
    struct data_field *f = &d->field[d->fields];
    int err = SIZED_TAKE(ctx, hsgd_data_field, &full, given);
    if (!err) err = check_name(ctx, d, full.name);
    if (!err) err = check_type(ctx, full.name, &full.type, d->count);
    if (!err) err = check_classes(ctx, &full);
    if (!err) err = check_values(ctx, &full, values, d->count);
    if (err) return err;
    *f = (struct data_field){ .type = { full.type.dtype, full.type.rank, { 0 } }, .classes = full.classes };
    memcpy(f->type.dim, full.type.dim, (size_t)full.type.rank * sizeof *full.type.dim);
    memcpy(f->name, full.name, strlen(full.name) + 1);
    err = keep_names(ctx, &full, f);
    if (!err) err = keep_values(ctx, f, values, d->count, ownership);
    d->fields++;
    return err;
}

/* ------------------------------------------------------------------ public */

struct hsgd_data *hsgd_data_arrays(struct hsgd_context *ctx, int64_t count, int fields,
                                   const struct hsgd_data_field *field, const void *const *values,
                                   enum hsgd_ownership ownership)
{
    int err = ENTER(ctx, field, values);
    if (!err && count < 1)
        err = hsgd_fail(ctx, EINVAL, "data in memory: count is %lld, it must be positive", (long long)count);
    if (!err && (fields < 1 || fields > MAX_FIELDS))
        err = hsgd_fail(ctx, EINVAL, "data in memory: fields is %d, it must be in 1..%d", fields, MAX_FIELDS);
    struct hsgd_data *d = err ? NULL : hsgd_data_new(ctx, "memory");
    if (!d) return NULL;
    d->count = count;
    d->fields = 0;
    d->x = (struct data_field){ 0 };
    for (int i = 0; !err && i < fields; i++) {
        const char *at = (const char *)field + (size_t)i * field->size;
        err = add_field(ctx, d, (const struct hsgd_data_field *)(const void *)at, values[i], ownership);
    }
    if (!err) err = lengths_check(ctx, d);
    if (err) hsgd_data_destroy(&d);
    return d;
}

struct hsgd_data *hsgd_data_memory(struct hsgd_context *ctx, const float *x, const int32_t *labels, int64_t count,
                                   struct hsgd_shape shape, int classes, enum hsgd_ownership ownership)
{
    const struct hsgd_data_field field[] = {
        { .size = sizeof *field, .name = "x", .type = shape_type(shape) },
        { .size = sizeof *field, .name = "label", .type = hsgd_number(HSGD_I32), .classes = classes },
    };
    return hsgd_data_arrays(ctx, count, 2, field, (const void *const[]){ x, labels }, ownership);
}
