/* SPDX-License-Identifier: BSD-3-Clause */
/* Comparing a record with data that should be the same. */
#include "record.h"

#include <stdio.h>
#include <string.h>

#include "../../codelets/type_text.h"

static const char *name_at(const struct hsgd_names *names, int i, char number[16])
{
    snprintf(number, 16, "%d", i);
    return names && i < names->count ? names->name[i] : number;
}

#define MADE_WITH "the checkpoint was made with "

static int check_type(struct hsgd_context *ctx, const struct record_field *r, const struct data_field *f)
{
    if (!strcmp(r->name, "x")) {
        if (r->type.rank < 0) return 0;
        struct hsgd_shape is = type_shape(&f->type), was = type_shape(&r->type);
        if (is.h == was.h && is.w == was.w && is.c == was.c) return 0;
        return hsgd_fail(ctx, EINVAL, MADE_WITH "samples of %dx%dx%d, not %dx%dx%d", was.h, was.w, was.c, is.h, is.w,
                         is.c);
    }
    if (type_equal(&r->type, &f->type)) return 0;
    return hsgd_fail(ctx, EINVAL, MADE_WITH "a field \"%s\" of %s, not %s", r->name, type_text(&r->type).text,
                     type_text(&f->type).text);
}

static int check_columns(struct hsgd_context *ctx, const char *name, const struct hsgd_names *columns,
                         const struct data_field *f)
{
    for (int i = 0; columns && f->columns && i < columns->count && i < f->columns->count; i++)
        if (strcmp(columns->name[i], f->columns->name[i]))
            return hsgd_fail(ctx, EINVAL, "data \"%s\": %s %d is \"%s\", but \"%s\" in the training data", name,
                             strcmp(f->name, "target") ? "column" : "target", i + 1,
                             hsgd_show(f->columns->name[i]).text, hsgd_show(columns->name[i]).text);
    return 0;
}

/* Samples that are read with the record have its order of columns. */
int record_check_order(struct hsgd_context *ctx, const struct hsgd_names *columns, const struct hsgd_data *d)
{
    return check_columns(ctx, d->name, columns, &d->x);
}

static int check_label_column(struct hsgd_context *ctx, const struct record_field *r, const struct data_field *f)
{
    const char *is = f->columns ? f->columns->name[0] : NULL, *was = r->columns ? r->columns->name[0] : NULL;
    if (!is || !was || !strcmp(is, was)) return 0;
    return hsgd_fail(ctx, EINVAL, MADE_WITH "the labels of \"%s\", not \"%s\"", hsgd_show(was).text,
                     hsgd_show(is).text);
}

static int check_classes(struct hsgd_context *ctx, const struct record_field *r, const struct data_field *f)
{
    char a[16], b[16];
    for (int i = 0; r->classes && (i < r->classes || i < f->classes); i++) {
        const char *is = name_at(f->names, i, a), *was = name_at(r->names, i, b);
        if (i >= r->classes || i >= f->classes)
            return hsgd_fail(ctx, EINVAL, MADE_WITH "%d classes, not %d: \"%s\" is %s", r->classes, f->classes,
                             hsgd_show(i < f->classes ? is : was).text, i < f->classes ? "new" : "missing");
        if (strcmp(is, was))
            return hsgd_fail(ctx, EINVAL, MADE_WITH "\"%s\" as class %d, not \"%s\"", hsgd_show(was).text, i,
                             hsgd_show(is).text);
    }
    return 0;
}

static int check_field(struct hsgd_context *ctx, const struct record_field *r, const struct hsgd_data *d)
{
    const struct data_field *f = data_field(d, r->name);
    bool label = !strcmp(r->name, "label");
    if (!f) return hsgd_fail(ctx, EINVAL, MADE_WITH "a field \"%s\", which \"%s\" does not have", r->name, d->name);
    int err = check_type(ctx, r, f);
    if (!err) err = label ? check_label_column(ctx, r, f) : check_columns(ctx, d->name, r->columns, f);
    return err ? err : check_classes(ctx, r, f);
}

static int check_hash(struct hsgd_context *ctx, const struct record_field *was, const struct record_field *is)
{
    if (!*was->hash || !strcmp(is->hash, was->hash)) return 0;
    if (strcmp(was->name, "x") && strcmp(was->name, "label") && strcmp(was->name, "target"))
        return hsgd_fail(ctx, EINVAL, MADE_WITH "other values of the field \"%s\"", was->name);
    return hsgd_fail(ctx, EINVAL, MADE_WITH "other %s of the training samples",
                     !strcmp(was->name, "x")       ? "values"
                     : !strcmp(was->name, "label") ? "labels"
                                                   : "targets");
}

static int check_samples(struct hsgd_context *ctx, const struct hsgd_record *r, const struct hsgd_data *d)
{
    int err = 0;
    if (r->count && r->count != d->count)
        return hsgd_fail(ctx, EINVAL, MADE_WITH "%lld training samples, not %lld", (long long)r->count,
                         (long long)d->count);
    if (!*r->x.hash) return 0;
    struct hsgd_record *is = hsgd_record_create(ctx, d);
    if (!is) return -ENOMEM;
    for (int i = 0; !err && i < r->fields; i++) err = check_hash(ctx, &r->field[i], record_field(is, r->field[i].name));
    hsgd_record_destroy(&is);
    return err;
}

int hsgd_record_check(struct hsgd_context *ctx, const struct hsgd_record *r, const struct hsgd_data *d)
{
    int err = 0;
    if (!r || !d) return hsgd_fail(ctx, EINVAL, "record: no %s given", r ? "data set" : "record");
    for (int i = 0; !err && i < r->fields; i++) err = check_field(ctx, &r->field[i], d);
    return err ? err : check_samples(ctx, r, d);
}
