/* SPDX-License-Identifier: BSD-3-Clause */
/* Models from model files. */
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "io/safetensors.h"
#include "model_file.h"
#include "type_text.h"
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

struct build {
    struct hsgd_context *ctx;
    const struct model_file *f;
    struct hsgd_model *m;
    int classes;
    struct hsgd_value *field[MAX_MODEL_FIELDS];
    struct hsgd_value **layer; /* what each layer made */
};

/* Whether samples of shape `in` are what the file has, as far as it says. */
static bool shape_fits(struct hsgd_shape file, struct hsgd_shape in)
{
    const int side[][2] = { { file.h, in.h }, { file.w, in.w }, { file.c, in.c } };
    for (int i = 0; i < 3; i++)
        if (side[i][0] != HSGD_ANY && side[i][0] != side[i][1]) return false;
    return true;
}

static bool choose_shape(struct hsgd_context *ctx, const struct model_file *f, struct hsgd_shape in,
                         struct hsgd_shape *out)
{
    char sentence[160];
    *out = f->input.h ? f->input : in.h ? in : f->usual;
    if (!out->h)
        fail_at(ctx, f, 1, "the shape of samples is not known: neither data nor the keys input, usual_input give it");
    else if (f->input.h && in.h && !shape_fits(f->input, in)) {
        const struct hsgd_type type = hsgd_image(f->input.h, f->input.w, f->input.c);
        snprintf(sentence, sizeof sentence, "input is %s, but the data has %dx%dx%d", type_text(&type).text, in.h, in.w,
                 in.c);
        fail_at(ctx, f, f->input_line, sentence);
    } else return true;
    return false;
}

/* Whether samples of the data are of the type that the file gives; what is no
 * image has one row and column. */
static bool check_shape(const struct build *b, const struct file_field *field, struct hsgd_shape in)
{
    char sentence[240];
    const struct hsgd_type *t = &field->type;
    if (!in.h || shape_fits(type_shape(t), in)) return true;
    snprintf(sentence, sizeof sentence, "%s is %s, but the data has %dx%dx%d", field->name, type_text(t).text, in.h,
             in.w, in.c);
    fail_at(b->ctx, b->f, field->line, sentence);
    return false;
}

/* The first input is what the data has, and other inputs have the file's types. */
static bool add_fields(struct build *b, struct hsgd_shape in)
{
    for (int i = 0; i < b->f->nfields; i++) {
        const struct file_field *field = &b->f->field[i];
        struct hsgd_type type = field->type;
        struct hsgd_shape shape;
        if (type.rank == OF_DATA) {
            if (!choose_shape(b->ctx, b->f, in, &shape)) return false;
            type = hsgd_image(shape.h, shape.w, shape.c);
        } else if (!i && !check_shape(b, field, in)) return false;
        bool numbers = b->f->target && field->is_target && !field->line; /* the file leaves it to the data */
        if (numbers) b->field[i] = hsgd_target(b->m, "target", *b->f->target);
        else
            b->field[i] = field->is_target ? hsgd_target(b->m, field->name, type) : hsgd_input(b->m, field->name, type);
        if (!b->field[i]) failed_at(b->ctx, b->f, field->line ? field->line : b->f->input_line ? b->f->input_line : 1);
        if (!b->field[i]) return false;
    }
    return true;
}

/* Puts in what only the data tell.  False: they do not tell. */
static bool complete(const struct build *b, const struct hsgd_op *op, void *attributes, const struct hsgd_type *in,
                     int below)
{
    int outputs = b->f->target ? (int)hsgd_type_size(b->f->target) : b->classes;
    for (const struct hsgd_attribute *a = op->fields; a && a->name; a++) {
        int *at = (int *)((char *)attributes + a->offset);
        if (a->kind == HSGD_PADDING && below && in->rank && in->dim[0] >= below) *at = 0;
        if (a->kind != HSGD_UNITS || (*at != CLASSES && *at != OUTPUTS)) continue;
        *at = *at == CLASSES ? b->classes : outputs;
        if (*at < 1) return false;
    }
    return true;
}

/* What the layer takes; NULL after a sentence. */
static struct hsgd_value *input_of(const struct build *b, const struct file_value *v, int line)
{
    struct hsgd_value *first = v->layer < 0 ? b->field[-1 - v->layer] : b->layer[v->layer];
    struct hsgd_value *out = v->output ? hsgd_output(first, v->output) : first;
    if (!out) failed_at(b->ctx, b->f, line);
    return out;
}

/* A name that no layer of the file has. */
static void flatten_name(const struct model_file *f, char name[MODEL_NAME])
{
    for (int number = 1, taken = 1; taken; number++) {
        snprintf(name, MODEL_NAME, "flatten%d", number);
        taken = 0;
        for (int i = 0; i < f->nlayers; i++) taken |= !strcmp(f->layer[i].name, name);
    }
}

/* In files of the old form an operation may have flattened its input itself.
 * What the library wrote means that. */
static struct hsgd_value *flatten(const struct build *b, const struct file_layer *l, struct hsgd_value *x)
{
    char name[MODEL_NAME], sentence[200];
    struct hsgd_type t;
    if (b->f->is_graph || !l->op->flattened || !x || hsgd_type_of(x, &t) || hsgd_type_positions(&t) == 1) return x;
    if (b->f->is_written) {
        flatten_name(b->f, name);
        x = HSGD_OP(x, flatten, name);
        if (x) b->m->node[x->node].uncounted = true; /* it was none then */
        return x;
    }
    snprintf(sentence, sizeof sentence,
             "%s works on the last axis of %s: put {op: flatten} before it, or \"hsgd: 2\" on top if that is meant",
             l->op->name, type_text(&t).text);
    fail_at(b->ctx, b->f, l->line, sentence);
    return NULL;
}

static struct hsgd_value *apply(const struct build *b, const struct file_layer *l, struct hsgd_value *const *in)
{
    struct hsgd_value *made = NULL;
    struct hsgd_type type = { 0 };
    const struct hsgd_op *op = l->is_default && b->f->target ? &hsgd_op_mse : l->op;
    void *attributes = malloc(l->op->attributes_size + 1);
    hsgd_type_of(in[0], &type);
    if (attributes) memcpy(attributes, l->attributes, l->op->attributes_size + 1);
    if (!attributes) fail_at(b->ctx, b->f, l->line, "out of memory");
    else if (l->below && type.rank && type.dim[0] == HSGD_ANY)
        fail_at(b->ctx, b->f, l->line, "padding_below needs an image whose height is known");
    else if (!complete(b, op, attributes, &type, l->below))
        fail_at(b->ctx, b->f, l->line,
                b->f->target ? "the data has no classes, but targets: write \"outputs\""
                             : "the number of classes is not known");
    else if (!(made = hsgd_apply(op, l->name, attributes, l->inputs, in))) failed_at(b->ctx, b->f, l->line);
    free(attributes);
    return made;
}

/* Weights of its own that the file does not name do not train. */
static const char *freeze(const struct build *b, struct node *n, const struct file_training *t)
{
    static _Thread_local char sentence[200];
    param_set own = graph_own_params(b->m, (int)(n - b->m->node)), named = 0;
    snprintf(sentence, sizeof sentence, "\"%s\" has no weights of its own that could train", n->name);
    for (int p = 0; p < n->info.params; p++)
        if (n->info.param[p].is_state) own &= ~param_bit(p);
    if (t->given && t->frozen && !own) return sentence;
    for (int k = 0; k < t->n; k++) {
        unsigned before = named;
        for (int p = 0; p < n->info.params; p++)
            if (own & param_bit(p) && !strcmp(n->info.param[p].name, t->name[k])) named |= param_bit(p);
        snprintf(sentence, sizeof sentence, "\"%s\" has no weight \"%s\" that could train, or has it twice", n->name,
                 t->name[k]);
        if (named == before) return sentence;
    }
    if (t->frozen) n->frozen = own & ~named;
    return NULL;
}

/* Whose weights they are, and which of them train. */
static bool choose_weights(const struct build *b, int i)
{
    const struct file_layer *l = &b->f->layer[i];
    int params = b->m->node[b->layer[i]->node].info.params;
    if (l->weights >= 0 && (params || !l->of_use)) hsgd_share(b->layer[i], b->layer[l->weights]);
    if (b->m->err) failed_at(b->ctx, b->f, l->line);
    if (b->m->err) return false;
    const char *wrong = freeze(b, &b->m->node[b->layer[i]->node], &l->training);
    return wrong ? fail_at(b->ctx, b->f, l->training.line, wrong) != NULL : true;
}

static bool add_layer(struct build *b, int i)
{
    const struct file_layer *l = &b->f->layer[i];
    struct hsgd_value *in[HSGD_MAX_INPUTS];
    if (!b->f->is_graph && b->m->loss >= 0) return fail_at(b->ctx, b->f, l->line, "nothing can follow the loss");
    for (int k = 0; k < l->inputs; k++)
        if (!(in[k] = input_of(b, &l->in[k], l->line))) return false;
    in[0] = flatten(b, l, in[0]);
    b->m->recompute = l->recompute;
    b->layer[i] = in[0] ? apply(b, l, in) : NULL;
    if (!b->layer[i]) return false;
    if (l->op->is_loss) hsgd_weighted_loss(b->layer[i], l->weight);
    b->m->node[b->layer[i]->node].uncounted = l->uncounted;
    if (b->m->err) failed_at(b->ctx, b->f, l->line);
    return !b->m->err && choose_weights(b, i);
}

static bool add_results(struct build *b)
{
    for (int i = 0; i < b->f->nresults; i++) {
        const struct file_result *r = &b->f->result[i];
        struct hsgd_value *v = input_of(b, &r->value, r->line);
        if (!v) return false;
        hsgd_result(v, r->name);
        if (b->m->err) failed_at(b->ctx, b->f, r->line);
        if (b->m->err) return false;
    }
    return true;
}

struct hsgd_model *model_file_graph(struct hsgd_context *ctx, const struct model_file *f, struct hsgd_shape in,
                                    int classes)
{
    struct build b = { .ctx = ctx, .f = f, .classes = classes };
    b.layer = calloc((size_t)f->nlayers + 1, sizeof *b.layer);
    if (!b.layer) return fail_at(ctx, f, 1, "out of memory");
    b.m = hsgd_model_create(ctx, f->name);
    bool ok = b.m && add_fields(&b, in);
    for (int i = 0; ok && i < f->nlayers; i++) ok = add_layer(&b, i);
    if (!ok || !add_results(&b)) hsgd_model_destroy(&b.m);
    free(b.layer);
    return b.m;
}

/* What is wrong with the whole; NULL: nothing. */
static const char *check_whole(const struct hsgd_model *m, int classes, char *sentence, size_t n)
{
    int outputs = hsgd_model_outputs(m);
    if (classes <= outputs || outputs == HSGD_ANY) return NULL;
    snprintf(sentence, n, "the model has %d outputs, but the data has %d classes", outputs, classes);
    return sentence;
}

struct hsgd_model *model_file_build(struct hsgd_context *ctx, const struct model_file *f, struct hsgd_shape in,
                                    int classes)
{
    char sentence[100];
    int line = f->nlayers ? f->layer[f->nlayers - 1].line : 1;
    struct hsgd_model *m = model_file_graph(ctx, f, in, classes);
    if (!m) return NULL;
    const char *wrong = m->loss < 0 && !m->nresults ? "no layer is a loss, for example softmax_cross_entropy" : NULL;
    if (!wrong && hsgd_model_finish(m)) {
        hsgd_model_destroy(&m);
        return failed_at(ctx, f, line);
    }
    if (!wrong) wrong = check_whole(m, classes, sentence, sizeof sentence);
    if (!wrong) return m;
    hsgd_model_destroy(&m);
    return fail_at(ctx, f, line, wrong);
}

struct hsgd_model *model_from_bytes(struct hsgd_context *ctx, const char *path, const char *text, size_t size,
                                    struct hsgd_shape in, int classes, const struct hsgd_type *target)
{
    struct model_file f;
    struct hsgd_model *m = NULL;
    int err = model_file_parse(ctx, &f, path, text, size);
    f.target = target;
    if (!err) m = model_file_build(ctx, &f, in, classes);
    model_file_free(&f);
    return m;
}

/* --------------------------------------------------------------- interface */

struct hsgd_model *hsgd_model_from_text(struct hsgd_context *ctx, const char *text, struct hsgd_shape in, int classes)
{
    return ENTER(ctx, ctx, text) ? NULL : model_from_bytes(ctx, "model file", text, strlen(text), in, classes, NULL);
}

struct hsgd_model *model_from_path(struct hsgd_context *ctx, const char *path, struct hsgd_shape in, int classes,
                                   const struct hsgd_type *target)
{
    void *text;
    size_t size;
    if (hsgd_file_read(ctx, path, MAX_TEXT, &text, &size)) return NULL;
    struct hsgd_model *m = model_from_bytes(ctx, path, text, size, in, classes, target);
    free(text);
    return m;
}

struct hsgd_model *hsgd_model_from_file(struct hsgd_context *ctx, const char *path, struct hsgd_shape in, int classes)
{
    return ENTER(ctx, ctx, path) ? NULL : model_from_path(ctx, path, in, classes, NULL);
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
    struct hsgd_model *m = model_from_bytes(ctx, where, text, strlen(text), (struct hsgd_shape){ 0 }, 0, NULL);
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
