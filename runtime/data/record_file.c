/* SPDX-License-Identifier: BSD-3-Clause */
/* Records in the metadata of safetensors files, and what older files have in
 * their place. */
#include "record.h"

#include <stdio.h>
#include <stdlib.h>

#include "model/weights.h"

/* Version 0.1 kept the names of the classes in states, the shape of a sample
 * beside weights. */
static int read_classes(struct hsgd_context *ctx, const struct safetensors *f, struct hsgd_record *r)
{
    const char *text = safetensors_metadata(f, "hsgd.classes");
    int n = 0;
    char **name = text ? class_names_read(text, &n) : NULL;
    if (text && !name) return hsgd_fail(ctx, EINVAL, "%s: hsgd.classes is not a JSON array of strings", f->path);
    if (n) r->y.names = hsgd_names_new(name, n);
    else free(name);
    r->y.classes = n;
    return n && !r->y.names ? hsgd_fail(ctx, ENOMEM, "%s: out of memory", f->path) : 0;
}

static void read_shape(const struct safetensors *f, struct hsgd_record *r)
{
    const char *text = safetensors_metadata(f, "hsgd.input");
    struct hsgd_shape s;
    if (text && sscanf(text, "%dx%dx%d", &s.h, &s.w, &s.c) == 3 && s.h > 0 && s.w > 0 && s.c > 0)
        r->x.type = shape_type(s);
}

int record_read(struct hsgd_context *ctx, const struct safetensors *f, struct hsgd_record **out,
                struct hsgd_normalisation **norm)
{
    const char *text = safetensors_metadata(f, RECORD_KEY);
    *out = text ? record_parse(ctx, f->path, text, norm) : record_new();
    if (text) return *out ? 0 : -EINVAL;
    *norm = NULL;
    if (!*out) return hsgd_fail(ctx, ENOMEM, "%s: out of memory", f->path);
    int err = read_classes(ctx, f, *out);
    read_shape(f, *out);
    if (err) hsgd_record_destroy(out);
    return err;
}
