/* SPDX-License-Identifier: BSD-3-Clause */
/* Fields of any type from the arrays of an archive: "length,box=corners_train:f32". */
#include "numpy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const dtype_name[HSGD_DTYPES] = { "f32", "i32", "u8" };

/* ----------------------------------------------------------------- the list */

static bool is_name(const char *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    return *text && !strchr("0123456789", *text) && strlen(text) < FIELD_NAME && !text[strspn(text, letters)];
}

const struct npz_field *npz_field_named(const struct npz_fields *f, const char *name)
{
    for (int i = 0; i < f->count; i++)
        if (!strcmp(f->field[i].name, name)) return &f->field[i];
    return NULL;
}

static int refuse(struct hsgd_context *ctx, const char *what, const char *item, const char *why)
{
    return hsgd_fail(ctx, EINVAL, "%s: --fields \"%s\": %s", what, hsgd_show(item).text, why);
}

/* NAME, NAME=ARRAY, and either with :TYPE; writes into it. */
static int add(struct hsgd_context *ctx, const char *what, const char *item, char *text, struct npz_fields *out)
{
    struct npz_field *f = &out->field[out->count];
    char *type = strrchr(text, ':');
    if (type) *type++ = 0;
    char *array = strchr(text, '=');
    if (array) *array++ = 0;
    else array = text;
    f->dtype = type ? 0 : HSGD_DTYPES;
    while (type && f->dtype < HSGD_DTYPES && strcmp(type, dtype_name[f->dtype])) f->dtype++;
    if (type && f->dtype == HSGD_DTYPES) return refuse(ctx, what, item, "its type is not one of f32, i32, u8");
    if (!is_name(text)) return refuse(ctx, what, item, "a name has 1 to 31 letters, digits and _");
    if (npz_field_named(out, text)) return refuse(ctx, what, item, "there are two of this name");
    if (!*array || strlen(array) >= sizeof f->array - 5) return refuse(ctx, what, item, "an array is expected");
    strcpy(f->name, text);
    strcpy(f->array, array);
    const char *train = strstr(array, "train");
    snprintf(f->test, sizeof f->test, "%.*stest%s", train ? (int)(train - array) : 0, array, train ? train + 5 : "");
    if (!train) snprintf(f->test, sizeof f->test, "%.*s_test", (int)sizeof f->array - 1, array);
    out->count++;
    return 0;
}

int npz_fields_read(struct hsgd_context *ctx, const char *what, const char *list, struct npz_fields *out)
{
    char item[160];
    int err = 0;
    out->count = 0;
    while (!err && list && *list) {
        size_t n = strcspn(list, ",");
        char whole[160];
        if (n >= sizeof item) return refuse(ctx, what, list, "an item is too long");
        if (out->count == MAX_NPZ_FIELDS) return refuse(ctx, what, list, "there are too many");
        memcpy(item, list, n);
        item[n] = 0;
        strcpy(whole, item);
        err = add(ctx, what, whole, item, out);
        list += n + (list[n] == ',');
    }
    return err;
}

/* ------------------------------------------------------------------- values */

static int to_numbers(struct hsgd_context *ctx, const struct array *x, const struct npy *a, struct data_field *f)
{
    int64_t size = hsgd_type_size(&f->type);
    int32_t *to = malloc((size_t)a->count * sizeof *to), most = -1;
    f->owned = to;
    f->numbers = to;
    if (!to) return hsgd_fail(ctx, ENOMEM, "%s: out of memory for %lld numbers", x->name, (long long)a->count);
    for (int64_t i = 0; i < a->count; i++) {
        double v = npy_value(a, i);
        if (!(v >= INT32_MIN && v < INT32_MAX) || v != floor(v))
            return hsgd_fail(ctx, EINVAL, "%s: value %lld of sample %lld is %.15g, a 32-bit integer is expected",
                             x->name, (long long)(i % size), (long long)(i / size), v);
        to[i] = (int32_t)v;
        if (to[i] > most) most = to[i];
    }
    if (!f->classes && most >= 0) f->classes = most + 1;
    if (most < f->classes) return 0;
    return hsgd_fail(ctx, EINVAL, "%s: has class %d, the training data has %d", x->name, (int)most, f->classes);
}

static int to_bytes(struct hsgd_context *ctx, const struct array *x, const struct npy *a, struct data_field *f)
{
    uint8_t *to = malloc((size_t)a->count);
    f->owned = to;
    f->bytes = to;
    if (!to) return hsgd_fail(ctx, ENOMEM, "%s: out of memory for %lld numbers", x->name, (long long)a->count);
    for (int64_t i = 0; i < a->count; i++) {
        double v = npy_value(a, i);
        if (!(v >= 0 && v <= UINT8_MAX) || v != floor(v))
            return hsgd_fail(ctx, EINVAL, "%s: value %lld is %g, an integer from 0 to 255 is expected", x->name,
                             (long long)i, v);
        to[i] = (uint8_t)v;
    }
    return 0;
}

/* All axes but the first; without others one number. */
static int type_of(struct hsgd_context *ctx, const struct array *x, const struct npy *a, enum hsgd_dtype dtype,
                   struct hsgd_type *out)
{
    int64_t size = a->dim[0] ? a->count / a->dim[0] : 0;
    enum hsgd_dtype own = a->kind == 'f' ? HSGD_F32 : a->kind == 'u' && a->size == 1 ? HSGD_U8 : HSGD_I32;
    if (size > INT32_MAX || a->dimensions - 1 > HSGD_MAX_RANK)
        return hsgd_fail(ctx, EINVAL, "%s: a sample has %d axes and %lld values, at most %d and %d are possible",
                         x->name, a->dimensions - 1, (long long)size, HSGD_MAX_RANK, INT32_MAX);
    *out = (struct hsgd_type){ dtype < HSGD_DTYPES ? dtype : own, a->dimensions - 1, { 0 } };
    for (int i = 0; i < out->rank; i++) out->dim[i] = (int)a->dim[i + 1];
    return 0;
}

int numpy_field(struct hsgd_context *ctx, const struct array *x, const struct npz_field *of, struct hsgd_data *d,
                struct data_field *f)
{
    struct npy a;
    int err = npy_parse(ctx, x->name, x->bytes, x->size, &a);
    if (!err && d->count && a.dim[0] != d->count)
        err = hsgd_fail(ctx, EINVAL, "%s: %lld samples, but the others have %lld", x->name, (long long)a.dim[0],
                        (long long)d->count);
    if (!err) err = type_of(ctx, x, &a, of->dtype, &f->type);
    if (err) return err;
    d->count = a.dim[0];
    memcpy(f->name, of->name, sizeof f->name);
    return f->type.dtype == HSGD_F32   ? numpy_floats(ctx, x, &a, f)
           : f->type.dtype == HSGD_I32 ? to_numbers(ctx, x, &a, f)
                                       : to_bytes(ctx, x, &a, f);
}
