/* SPDX-License-Identifier: BSD-3-Clause */
/* The fields of a data set: names, types, classes. */
#include "dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sized.h"

/* ------------------------------------------------------------------- types */

struct hsgd_type shape_type(struct hsgd_shape s)
{
    return s.h == 1 && s.w == 1 ? hsgd_vector(s.c) : hsgd_image(s.h, s.w, s.c);
}

bool type_equal(const struct hsgd_type *a, const struct hsgd_type *b)
{
    bool same = a->dtype == b->dtype && a->rank == b->rank;
    for (int i = 0; same && i < a->rank; i++) same = a->dim[i] == b->dim[i];
    return same;
}

/* ------------------------------------------------------------------ fields */

void field_free(struct data_field *f)
{
    free(f->owned);
    free(f->owned_origin);
    hsgd_names_free(f->columns);
    hsgd_names_free(f->names);
    if (!f->owned_sparse) return;
    free(f->sparse.start);
    free(f->sparse.column);
    free(f->sparse.value);
}

void field_own(struct data_field *f, void *memory, bool bytes)
{
    free(f->owned);
    f->owned = memory;
    f->bytes = bytes ? memory : NULL;
    f->values = bytes ? NULL : memory;
}

bool field_allocate(struct data_field *f, const struct data_field *like, int64_t count)
{
    bool bytes = f->type.dtype == HSGD_U8 || (like && like->bytes);
    size_t size = bytes ? (size_t)hsgd_type_size(&f->type) : (size_t)hsgd_type_bytes(&f->type);
    f->owned = calloc((size_t)count, size);
    if (bytes) f->bytes = f->owned;
    else if (f->type.dtype == HSGD_I32) f->numbers = f->owned;
    else f->values = f->owned;
    return f->owned;
}

const struct data_field *data_field(const struct hsgd_data *d, const char *name)
{
    for (int i = 0; i < d->fields; i++)
        if (!strcmp(d->field[i].name, name)) return &d->field[i];
    return NULL;
}

const struct data_field *data_labels(const struct hsgd_data *d)
{
    const struct data_field *f = data_field(d, "label");
    return f && f->type.dtype == HSGD_I32 && f->type.rank == 0 ? f : NULL;
}

const struct data_field *data_classes(const struct hsgd_data *d)
{
    const struct data_field *f = data_field(d, "label"), *boxes = data_field(d, "boxes");
    return f && f->type.dtype == HSGD_I32 ? f : boxes && boxes->classes ? boxes : NULL;
}

void hsgd_data_set_labels(struct hsgd_data *d)
{
    memcpy(d->y.name, "label", sizeof "label");
    d->y.type = hsgd_number(HSGD_I32);
    d->y.numbers = d->y.owned;
    d->fields = 2;
}

void hsgd_data_set_targets(struct hsgd_data *d, struct hsgd_type type)
{
    memcpy(d->y.name, "target", sizeof "target");
    d->y.type = type;
    d->fields = 2;
}

/* ------------------------------------------------------------------ public */

int hsgd_data_find(const struct hsgd_data *d, const char *name)
{
    const struct data_field *f = d && name ? data_field(d, name) : NULL;
    return f ? (int)(f - d->field) : -1;
}

struct hsgd_type hsgd_data_type(const struct hsgd_data *d, const char *name)
{
    const struct data_field *f = d && name ? data_field(d, name) : NULL;
    return f ? f->type : hsgd_number(HSGD_DTYPES);
}

int field_give(const char *name, const struct hsgd_type *type, int classes, const struct hsgd_names *names,
               const struct hsgd_names *columns, struct hsgd_data_field *out, size_t size)
{
    const struct hsgd_data_field full = { .name = name,
                                          .type = *type,
                                          .classes = classes,
                                          .class_name = names ? (const char *const *)names->name : NULL,
                                          .column = columns ? (const char *const *)columns->name : NULL };
    return SIZED_GIVE(NULL, hsgd_data_field, out, size, &full);
}

bool hsgd_data_field_get(const struct hsgd_data *d, int i, struct hsgd_data_field *out, size_t size)
{
    if (!d || i < 0 || i >= d->fields) return false;
    const struct data_field *f = &d->field[i];
    return !field_give(f->name, &f->type, f->classes, f->names, f->columns, out, size);
}

struct hsgd_shape hsgd_data_shape(const struct hsgd_data *d)
{
    return d ? type_shape(&d->x.type) : (struct hsgd_shape){ 0, 0, 0 };
}

int hsgd_data_classes(const struct hsgd_data *d)
{
    const struct data_field *label = d ? data_classes(d) : NULL;
    return label ? label->classes : 0;
}

const char *hsgd_data_class_name(const struct hsgd_data *d, int i)
{
    static _Thread_local char number[16];
    const struct data_field *label = d ? data_classes(d) : NULL;
    if (!label || i < 0 || i >= label->classes) return NULL;
    if (label->names && i < label->names->count) return label->names->name[i];
    snprintf(number, sizeof number, "%d", i);
    return number;
}
