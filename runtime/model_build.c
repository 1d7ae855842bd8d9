/* SPDX-License-Identifier: BSD-3-Clause */
/* Models from model files. */
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "io/safetensors.h"
#include "model_file.h"
#include "weights.h"

enum { MAX_TEXT = 1 << 18 }; /* bytes of a model file */

/* Puts the file and line before the sentence that is there. */
static struct hsgd_model *failed_at(struct hsgd_context *ctx, const struct model_file *f, int line)
{
    char sentence[sizeof ctx->error];
    if (!f->path) return NULL;
    memcpy(sentence, ctx->error, sizeof sentence);
    hsgd_fail(ctx, EINVAL, "%s:%d: %s", f->path, line, sentence);
    return NULL;
}

static struct hsgd_model *fail_at(struct hsgd_context *ctx, const struct model_file *f, int line, const char *sentence)
{
    hsgd_fail(ctx, EINVAL, "%s", sentence);
    return failed_at(ctx, f, line);
}

/* ---------------------------------------------------------------- building */

static bool choose_shape(struct hsgd_context *ctx, const struct model_file *f, struct hsgd_shape in,
                         struct hsgd_shape *out)
{
    char sentence[160];
    *out = in.h ? in : f->input.h ? f->input : f->usual;
    if (!out->h)
        fail_at(ctx, f, 1, "the shape of samples is not known: neither data nor the keys input, usual_input give it");
    else if (f->input.h && memcmp(out, &f->input, sizeof *out)) {
        snprintf(sentence, sizeof sentence, "input is %dx%dx%d, but the data has %dx%dx%d", f->input.h, f->input.w,
                 f->input.c, in.h, in.w, in.c);
        fail_at(ctx, f, f->input_line, sentence);
    } else return true;
    return false;
}

/* Puts in what only the data tell.  False: they do not tell. */
static bool complete(const struct hsgd_op *op, void *attributes, const struct hsgd_type *in, int below, int classes)
{
    for (const struct hsgd_attribute *a = op->fields; a && a->name; a++) {
        int *at = (int *)((char *)attributes + a->offset);
        if (a->kind == HSGD_PADDING && below && in->rank && in->dim[0] >= below) *at = 0;
        if (a->kind != HSGD_UNITS || *at != CLASSES) continue;
        if (classes < 1) return false;
        *at = classes;
    }
    return true;
}

struct hsgd_model *model_file_add(struct hsgd_model *m, const struct model_file *f, const struct file_layer *l,
                                  int classes)
{
    struct hsgd_context *ctx = m->ctx;
    const struct hsgd_type in = m->value[m->last].type;
    void *attributes = malloc(l->op->attributes_size + 1);
    if (attributes) memcpy(attributes, l->attributes, l->op->attributes_size + 1);
    if (attributes && complete(l->op, attributes, &in, l->below, classes)) {
        m = hsgd_add(m, l->op, attributes, *l->name ? l->name : NULL);
        if (!m) failed_at(ctx, f, l->line);
    } else {
        fail_at(ctx, f, l->line, attributes ? "the number of classes is not known" : "out of memory");
        hsgd_model_destroy(&m);
    }
    free(attributes);
    return m;
}

/* What is wrong with the whole; NULL: nothing. */
static const char *check_whole(const struct hsgd_model *m, int classes, char *sentence, size_t n)
{
    if (!m->finished) return "the last layer must be a loss: softmax_cross_entropy or mse";
    int outputs = hsgd_model_outputs(m);
    if (classes <= outputs) return NULL;
    snprintf(sentence, n, "the model has %d outputs, but the data has %d classes", outputs, classes);
    return sentence;
}

struct hsgd_model *model_file_build(struct hsgd_context *ctx, const struct model_file *f, struct hsgd_shape in,
                                    int classes)
{
    struct hsgd_shape shape;
    char sentence[100];
    if (!choose_shape(ctx, f, in, &shape)) return NULL;
    struct hsgd_model *m = hsgd_chain_create(ctx, f->name, shape);
    if (!m) return failed_at(ctx, f, f->input_line ? f->input_line : 1);
    for (int i = 0; m && i < f->nlayers; i++) m = model_file_add(m, f, &f->layer[i], classes);
    const char *wrong = m ? check_whole(m, classes, sentence, sizeof sentence) : NULL;
    if (!wrong) return m;
    hsgd_model_destroy(&m);
    return fail_at(ctx, f, f->nlayers ? f->layer[f->nlayers - 1].line : 1, wrong);
}

struct hsgd_model *model_from_bytes(struct hsgd_context *ctx, const char *path, const char *text, size_t size,
                                    struct hsgd_shape in, int classes)
{
    struct model_file f;
    struct hsgd_model *m = NULL;
    if (!model_file_parse(ctx, &f, path, text, size)) m = model_file_build(ctx, &f, in, classes);
    model_file_free(&f);
    return m;
}

/* --------------------------------------------------------------- interface */

struct hsgd_model *hsgd_model_from_text(struct hsgd_context *ctx, const char *text, struct hsgd_shape in, int classes)
{
    return ENTER(ctx, ctx, text) ? NULL : model_from_bytes(ctx, "model file", text, strlen(text), in, classes);
}

struct hsgd_model *hsgd_model_from_file(struct hsgd_context *ctx, const char *path, struct hsgd_shape in, int classes)
{
    void *text;
    size_t size;
    if (ENTER(ctx, ctx, path) || hsgd_file_read(ctx, path, MAX_TEXT, &text, &size)) return NULL;
    struct hsgd_model *m = model_from_bytes(ctx, path, text, size, in, classes);
    free(text);
    return m;
}

static struct hsgd_model *from_checkpoint(struct hsgd_context *ctx, const struct safetensors *f)
{
    char where[600];
    const char *text = safetensors_metadata(f, "hsgd.model");
    if (!text) {
        hsgd_fail(ctx, EINVAL, "%s: the metadata has no \"hsgd.model\", which describes the network", f->path);
        return NULL;
    }
    snprintf(where, sizeof where, "%s, hsgd.model", f->path);
    struct hsgd_model *m = model_from_bytes(ctx, where, text, strlen(text), (struct hsgd_shape){ 0 }, 0);
    if (m && weights_load(ctx, m, f, m->weights)) hsgd_model_destroy(&m);
    return m;
}

struct hsgd_model *hsgd_model_open(struct hsgd_context *ctx, const char *path)
{
    struct safetensors f;
    if (ENTER(ctx, ctx, path) || safetensors_read(ctx, &f, path)) return NULL;
    struct hsgd_model *m = from_checkpoint(ctx, &f);
    safetensors_close(&f);
    return m;
}
