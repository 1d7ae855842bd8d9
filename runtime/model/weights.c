/* SPDX-License-Identifier: BSD-3-Clause */
#include "weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/atomic.h"
#include "model_file.h"

/* A weight as it lies in the file: its shape there, and a walk through the
 * file's elements in order as four loops over the bucket. */
struct form {
    int ndims;
    int64_t dims[4];
    int64_t loop[4], stride[4];
};

/* Order and number of the values stay the same. */
static bool keeps_order(const struct node *n)
{
    return !n->info.params && n->info.outputs == 1 && hsgd_type_size(&n->info.in[0]) == hsgd_type_size(&n->info.out[0]);
}

/* The image that the node's first input is or was before it was flattened. */
static struct hsgd_type image_before(const struct hsgd_model *m, const struct node *n)
{
    const struct value *v = &m->value[n->in[0]];
    while (hsgd_type_positions(&v->type) == 1 && v->node >= 0 && keeps_order(&m->node[v->node]))
        v = &m->value[m->node[v->node].in[0]];
    return v->type;
}

/* in x out to out x in; the inputs h,w,c become c,h,w. */
static struct form matrix_form(const struct hsgd_model *m, const struct weight_place *w)
{
    int64_t in = w->spec->dim[0], out = w->spec->dim[1];
    struct hsgd_type t = image_before(m, &m->node[w->node]);
    if (hsgd_type_size(&t) != in || t.rank != 3) t = hsgd_image(1, 1, (int)in);
    int64_t y = t.dim[0], x = t.dim[1], c = t.dim[2];
    return (struct form){ 2, { out, in }, { out, c, y, x }, { 1, out, x * c * out, c * out } };
}

/* out,kh,kw,in to out,in,kh,kw; without kh of a sequence */
static struct form filter_form(const struct hsgd_param_spec *s)
{
    int64_t o = s->dim[0], h = s->rank == 4 ? s->dim[1] : 1, w = s->dim[s->rank - 2], i = s->dim[s->rank - 1];
    return (struct form){ s->rank, { o, i, s->rank == 4 ? h : w, w }, { o, i, h, w }, { h * w * i, 1, w * i, i } };
}

static struct form form_of(const struct hsgd_model *m, const struct weight_place *w)
{
    if (w->spec->rank == 2 && !w->spec->in_order) return matrix_form(m, w);
    if (w->spec->rank >= 3 && !w->spec->in_order) return filter_form(w->spec);
    struct form f = { w->spec->rank, { 0 }, { 1, 1, 1, spec_size(w->spec) }, { 0, 0, 0, 1 } };
    for (int i = 0; i < f.ndims; i++) f.dims[i] = w->spec->dim[i];
    return f;
}

/* Copies between the file's order and the bucket's; the file's floats may be
 * unaligned. */
static void convert(const struct form *f, char *file, float *bucket, bool to_file)
{
    for (int64_t a = 0; a < f->loop[0]; a++)
        for (int64_t b = 0; b < f->loop[1]; b++)
            for (int64_t c = 0; c < f->loop[2]; c++)
                for (int64_t d = 0; d < f->loop[3]; d++, file += sizeof *bucket) {
                    float *w = bucket + a * f->stride[0] + b * f->stride[1] + c * f->stride[2] + d * f->stride[3];
                    memcpy(to_file ? file : (char *)w, to_file ? (char *)w : file, sizeof *w);
                }
}

static enum safetensors_type type_of(const struct weight_place *w)
{
    return w->spec->is_count ? SAFETENSORS_I64 : SAFETENSORS_F32;
}

/* The weights in the order of the file: counts first, so that all are aligned.
 * Returns whether there is another; *i begins at 0. */
static bool next_in_file(const struct hsgd_model *m, int *i, struct weight_place *w)
{
    int n = hsgd_model_weight_count(m);
    for (; *i < 2 * n; ++*i)
        if (model_weight(m, *i % n, w) && w->spec->is_count == (*i < n)) {
            ++*i;
            return true;
        }
    return false;
}

/* ----------------------------------------------------------------- saving */

static int check_finite(struct hsgd_context *ctx, const struct hsgd_model *m, const float *bucket)
{
    struct weight_place w;
    char name[WEIGHT_NAME];
    for (int i = 0; model_weight(m, i, &w); i++) {
        model_weight_name(m, &w, name);
        for (int64_t k = 0; k < spec_size(w.spec); k++)
            if (!isfinite(bucket[w.offset + k]))
                return hsgd_fail(ctx, EDOM, "model \"%s\": weight \"%s\" is not finite and cannot be saved", m->name,
                                 name);
    }
    return 0;
}

static void declare(struct safetensors_writer *out, const struct hsgd_model *m, const char *record)
{
    struct weight_place w;
    char name[WEIGHT_NAME], shape[48], *text = model_text(NULL, m);
    snprintf(shape, sizeof shape, "%dx%dx%d", m->in.h, m->in.w, m->in.c);
    safetensors_describe(out, "format", "pt");
    bool open = m->in.h == HSGD_ANY || m->in.w == HSGD_ANY || m->in.c == HSGD_ANY;
    if (!open) safetensors_describe(out, "hsgd.input", shape);
    if (text) safetensors_describe(out, "hsgd.model", text);
    if (record) safetensors_describe(out, RECORD_KEY, record);
    free(text);
    for (int i = 0; next_in_file(m, &i, &w);) {
        struct form f = form_of(m, &w);
        model_weight_name(m, &w, name);
        safetensors_declare(out, name, type_of(&w), f.ndims, f.dims);
    }
}

static int64_t largest(const struct hsgd_model *m)
{
    int64_t max = 0;
    struct weight_place w;
    for (int i = 0; model_weight(m, i, &w); i++)
        if (spec_size(w.spec) > max) max = spec_size(w.spec);
    return max;
}

static int write_file(struct hsgd_context *ctx, const struct hsgd_model *m, const float *bucket, const char *record,
                      FILE *file, const char *path)
{
    struct safetensors_writer out;
    struct weight_place w;
    float *values = malloc((size_t)largest(m) * sizeof *values + 1);
    if (!values) return hsgd_fail(ctx, ENOMEM, "%s: out of memory", path);
    safetensors_start(&out, ctx, file, path);
    declare(&out, m, record);
    for (int i = 0; next_in_file(m, &i, &w);) {
        struct form f = form_of(m, &w);
        int64_t count = w.spec->is_count ? llrintf(bucket[w.offset]) : 0;
        convert(&f, (char *)values, (float *)bucket + w.offset, true);
        if (w.spec->is_count) safetensors_append(&out, &count, sizeof count);
        else safetensors_append(&out, values, (size_t)spec_size(w.spec) * sizeof *values);
    }
    free(values);
    return safetensors_finish(&out);
}

int weights_save(struct hsgd_context *ctx, const struct hsgd_model *m, const float *bucket, const char *record,
                 const char *path)
{
    struct hsgd_atomic a;
    int err = check_finite(ctx, m, bucket);
    if (!err) err = hsgd_atomic_open(ctx, &a, path);
    if (err) return err;
    err = write_file(ctx, m, bucket, record, a.file, path);
    if (!err) return hsgd_atomic_commit(ctx, &a);
    hsgd_atomic_abandon(&a);
    return err;
}

int hsgd_model_save(struct hsgd_model *m, const char *path)
{
    int err = ENTER(m ? m->ctx : NULL, m, path);
    if (!err) err = model_require_finished(m);
    if (err) return err;
    model_acquire(m, false);
    err = weights_save(m->ctx, m, m->weights, NULL, path);
    model_release(m);
    return err;
}

/* ---------------------------------------------------------------- loading */

/* Second names of a weight, after second number *i, which begins at 0; false: no more. */
static bool next_second(const struct hsgd_model *m, const struct weight_place *w, int *i, char name[WEIGHT_NAME])
{
    for (struct weight_place other; model_second_name(m, *i, &other);) {
        const struct weight_owner *o = &m->node[other.node].owner[other.param];
        ++*i;
        if (o->node != w->node || o->param != w->param) continue;
        model_weight_name(m, &other, name);
        return true;
    }
    return false;
}

/* The name that the weight has in the file: its own, or if that is missing, a second one. */
static void name_in_file(const struct hsgd_model *m, const struct safetensors *f, const struct weight_place *w,
                         char name[WEIGHT_NAME])
{
    char second[WEIGHT_NAME];
    model_weight_name(m, w, name);
    if (safetensors_find(f, name)) return;
    for (int i = 0; next_second(m, w, &i, second);)
        if (safetensors_find(f, second)) memcpy(name, second, WEIGHT_NAME);
}

/* Tensors of all names that a weight has must be equal; *n: how many the file has. */
static int check_seconds(struct hsgd_context *ctx, const struct hsgd_model *m, const struct safetensors *f,
                         const struct weight_place *w, const struct safetensor *first, int *n)
{
    char name[WEIGHT_NAME];
    for (int i = 0; next_second(m, w, &i, name);) {
        if (!safetensors_find(f, name) || !strcmp(name, first->name)) continue;
        const struct safetensor *t = safetensors_need(ctx, f, name, first->type, first->ndims, first->dims);
        if (!t) return -EINVAL;
        if (memcmp(t->data, first->data, first->bytes))
            return hsgd_fail(ctx, EINVAL, "%s: tensors \"%s\" and \"%s\" differ, but are one weight of model \"%s\"",
                             f->path, first->name, name, m->name);
        ++*n;
    }
    return 0;
}

static int check_weights(struct hsgd_context *ctx, const struct hsgd_model *m, const struct safetensors *f, int *n)
{
    struct weight_place w;
    char name[WEIGHT_NAME];
    for (int i = 0; model_weight(m, i, &w); i++) {
        struct form form = form_of(m, &w);
        name_in_file(m, f, &w, name);
        const struct safetensor *t = safetensors_need(ctx, f, name, type_of(&w), form.ndims, form.dims);
        int err = t ? safetensors_check_finite(ctx, f, t) : -EINVAL;
        if (!err) err = check_seconds(ctx, m, f, &w, t, n);
        if (err) return err;
        ++*n;
    }
    return 0;
}

static bool has_weight(const struct hsgd_model *m, const char *name)
{
    struct weight_place w;
    char candidate[WEIGHT_NAME];
    bool found = false;
    for (int k = 0; !found && k < 2; k++)
        for (int i = 0; !found && (k ? model_second_name(m, i, &w) : model_weight(m, i, &w)); i++) {
            model_weight_name(m, &w, candidate);
            found = !strcmp(candidate, name);
        }
    return found;
}

/* More tensors than those of weights mean that one is not a weight. */
static int check_no_more(struct hsgd_context *ctx, const struct hsgd_model *m, const struct safetensors *f, int n)
{
    if (f->ntensors == n) return 0;
    int i = 0;
    while (has_weight(m, f->tensor[i].name)) i++;
    return hsgd_fail(ctx, EINVAL, "%s: tensor \"%s\" is not a weight of model \"%s\"", f->path,
                     hsgd_show(f->tensor[i].name).text, m->name);
}

int weights_load(struct hsgd_context *ctx, const struct hsgd_model *m, const struct safetensors *f, float *bucket)
{
    struct weight_place w;
    char name[WEIGHT_NAME];
    int n = 0, err = check_weights(ctx, m, f, &n);
    if (!err) err = check_no_more(ctx, m, f, n);
    for (int i = 0; !err && model_weight(m, i, &w); i++) {
        struct form form = form_of(m, &w);
        name_in_file(m, f, &w, name);
        const void *data = safetensors_find(f, name)->data;
        int64_t count;
        if (w.spec->is_count) {
            memcpy(&count, data, sizeof count);
            bucket[w.offset] = (float)count;
        } else convert(&form, (char *)data, bucket + w.offset, false);
    }
    return err;
}

int hsgd_model_load(struct hsgd_model *m, const char *path)
{
    struct safetensors f;
    int err = ENTER(m ? m->ctx : NULL, m, path);
    if (!err) err = model_require_finished(m);
    if (err) return err;
    err = safetensors_read(m->ctx, &f, path);
    if (err) return err;
    model_acquire(m, true);
    err = weights_load(m->ctx, m, &f, m->weights);
    model_release(m);
    safetensors_close(&f);
    return err;
}
