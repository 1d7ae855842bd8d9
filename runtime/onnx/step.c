/* SPDX-License-Identifier: BSD-3-Clause */
/* What reading a node needs: errors, attributes, operations of the model. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attribute.h"
#include "base/grow.h"
#include "model/model_file.h"
#include "onnx/reader.h"

/* ------------------------------------------------------------------- errors */

static int refuse(struct step *s, const char *format, va_list args)
{
    char why[700];
    const Onnx__NodeProto *n = s->node;
    vsnprintf(why, sizeof why, format, args);
    for (char *c = why; *c; c++) /* names in the file can have any bytes */
        if ((unsigned char)*c < ' ' || *c == 127) *c = '?';
    if (!*n->name)
        return hsgd_fail(s->r->ctx, EINVAL, "%s: node %d (%s): %s", s->r->path, s->r->nodes + 1,
                         hsgd_show(n->op_type).text, why);
    return hsgd_fail(s->r->ctx, EINVAL, "%s: node \"%s\" (%s): %s", s->r->path, hsgd_show(n->name).text,
                     hsgd_show(n->op_type).text, why);
}

int step_refuse(struct step *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int err = refuse(s, format, args);
    va_end(args);
    return err;
}

int step_refuse_batch(struct step *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int err = refuse(s, format, args);
    va_end(args);
    s->r->about_batch = true;
    return err;
}

int step_no_memory(struct step *s)
{
    return hsgd_fail(s->r->ctx, ENOMEM, "%s: out of memory, or a constant of more than four million numbers",
                     s->r->path);
}

/* --------------------------------------------------------------- attributes */

const Onnx__AttributeProto *step_attribute(const struct step *s, const char *name)
{
    for (size_t i = 0; i < s->node->n_attribute; i++)
        if (!strcmp(s->node->attribute[i]->name, name)) return s->node->attribute[i];
    return NULL;
}

int64_t step_int(const struct step *s, const char *name, int64_t otherwise)
{
    const Onnx__AttributeProto *a = step_attribute(s, name);
    return a ? a->i : otherwise;
}

float step_float(const struct step *s, const char *name, float otherwise)
{
    const Onnx__AttributeProto *a = step_attribute(s, name);
    return a ? a->f : otherwise;
}

bool step_is(const struct step *s, const char *name, const char *word, const char *otherwise)
{
    const Onnx__AttributeProto *a = step_attribute(s, name);
    if (!a) return !strcmp(word, otherwise);
    return a->s.len == strlen(word) && !memcmp(a->s.data, word, a->s.len);
}

const struct tensor *step_known(struct step *s, int i)
{
    if (!step_has(s, i)) step_refuse(s, "input %d is missing", i + 1);
    else if (!s->in[i]->known) step_refuse(s, "input %d (\"%s\") must be constant", i + 1, s->in[i]->name);
    return step_has(s, i) ? s->in[i]->known : NULL;
}

/* step_ints() of an input. */
static int known_ints(struct step *s, int input, int max, int64_t *out)
{
    const struct tensor *t = step_known(s, input);
    if (!t) return -2;
    if (t->dims.rank > 1 || t->count > max) {
        step_refuse(s, "input %d must be a list of at most %d integers", input + 1, max);
        return -2;
    }
    for (int i = 0; i < t->count; i++) out[i] = tensor_integer(t, i);
    return (int)t->count;
}

int step_ints(struct step *s, const char *name, int input, int max, int64_t *out)
{
    const Onnx__AttributeProto *a = name ? step_attribute(s, name) : NULL;
    if (!a && (input < 0 || !step_has(s, input))) return -1;
    if (!a) return known_ints(s, input, max, out);
    if (a->n_ints > (size_t)max) {
        step_refuse(s, "%s has more than %d integers", name, max);
        return -2;
    }
    for (size_t i = 0; i < a->n_ints; i++) out[i] = a->ints[i];
    return (int)a->n_ints;
}

int step_axis(struct step *s, int64_t axis, int rank)
{
    if (axis >= -rank && axis < rank) return (int)(axis < 0 ? axis + rank : axis);
    step_refuse(s, "axis %lld is none of %d", (long long)axis, rank);
    return -1;
}

/* --------------------------------------------------------------- operations */

/* One "key=value", which ends at a space or the end of the text; its bit is set in *given. */
static int set_attribute(struct step *s, const struct hsgd_op *op, const char **text, void *attributes, uint64_t *given)
{
    char word[1000], *value;
    size_t n = strcspn(*text, " ");
    snprintf(word, sizeof word, "%.*s", (int)n, *text);
    *text += n + strspn(*text + n, " ");
    value = strchr(word, '=');
    if (!value) return 0;
    *value++ = 0;
    const struct hsgd_attribute *a = attribute_find(op, word);
    if (!a) return step_refuse(s, "operation %s of this version has no \"%s\"", op->name, word);
    *given |= (uint64_t)1 << (a - op->fields);
    if (attribute_read(a, value, attributes)) return 0;
    return step_refuse(s, "operation %s: %s must be %s, not \"%s\"", op->name, word, attribute_expects(a).text, value);
}

static int set_attributes(struct step *s, const struct hsgd_op *op, const char *text, void *attributes)
{
    uint64_t given = 0;
    int err = 0;
    while (!err && *text) err = set_attribute(s, op, &text, attributes, &given);
    for (const struct hsgd_attribute *a = op->fields; a && a->name; a++) /* some are those of others before them */
        if (!(given >> (a - op->fields) & 1)) attribute_default(op, a, attributes);
    return err;
}

static bool is_taken(const struct hsgd_model *m, const char *name)
{
    for (int i = 0; i < m->nnodes; i++)
        if (!strcmp(m->node[i].name, name)) return true;
    for (int i = 0; i < m->nfields; i++)
        if (!strcmp(m->field[i].name, name)) return true;
    return false;
}

static bool is_name(const struct hsgd_model *m, const char *name)
{
    return strlen(name) < LAYER_NAME && layer_name_possible(name) && !is_taken(m, name);
}

/* PyTorch's: that of the weight without ".weight", or else the node's; otherwise "conv2d_1". */
static void choose_name(struct step *s, const char *op, char name[LAYER_NAME])
{
    for (int i = 0; i < s->inputs; i++) {
        const char *of = step_has(s, i) && s->in[i]->known ? s->in[i]->name : "";
        size_t n = strlen(of), end = strlen(".weight");
        if (n <= end || n - end >= LAYER_NAME || strcmp(of + n - end, ".weight")) continue;
        snprintf(name, LAYER_NAME, "%.*s", (int)(n - end), of);
        if (is_name(s->r->model, name)) return;
    }
    snprintf(name, LAYER_NAME, "%.47s", s->node->name);
    if (is_name(s->r->model, name)) return;
    do snprintf(name, LAYER_NAME, "%s_%d", op, ++s->r->layers);
    while (is_taken(s->r->model, name));
}

/* The sentence of the model's own error. */
static void *refuse_as_model(struct step *s)
{
    char why[sizeof s->r->ctx->error];
    memcpy(why, s->r->ctx->error, sizeof why);
    step_refuse(s, "%s", why);
    return NULL;
}

struct hsgd_value *step_apply(struct step *s, const char *name_of_op, char name[LAYER_NAME], int n,
                              struct hsgd_value *const *in, const char *format, ...)
{
    char text[1200];
    va_list args;
    const struct hsgd_op *op = hsgd_op_by_name(name_of_op);
    for (int i = 0; i < n; i++)
        if (!in[i]) return NULL;
    if (!op) {
        step_refuse(s, "it needs the operation %s, which this version does not have", name_of_op);
        return NULL;
    }
    va_start(args, format);
    int used = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    void *attributes = calloc(1, op->attributes_size + 1);
    int err = !attributes || used >= (int)sizeof text ? step_no_memory(s) : set_attributes(s, op, text, attributes);
    if (name) choose_name(s, name_of_op, name);
    struct hsgd_value *v = err ? NULL : hsgd_apply(op, name, op->attributes_size ? attributes : NULL, n, in);
    free(attributes);
    return v || err ? v : refuse_as_model(s);
}

struct hsgd_value *step_reshape(struct step *s, struct hsgd_value *v, int rank, const int64_t *dim)
{
    char text[160] = "dims=[";
    for (int i = 0; i < rank; i++) {
        if (dim[i] < 1 || dim[i] > 999999999) {
            step_refuse(s, "a size of %lld is not possible", (long long)dim[i]);
            return NULL;
        }
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%lld", i ? "," : "", (long long)dim[i]);
    }
    return step_apply_one(s, "reshape", v, "%s]", text);
}

/* ------------------------------------------------------------------- weights */

double *numbers_of(const struct tensor *t)
{
    double *copy = malloc(((size_t)t->count + 1) * sizeof *copy);
    if (copy) memcpy(copy, t->number, (size_t)t->count * sizeof *copy);
    return copy;
}

int step_weight(struct step *s, const char *layer, const char *param, double *number, int64_t count, bool trains)
{
    struct reader *r = s->r;
    float *f = number ? malloc(((size_t)count + 1) * sizeof *f) : NULL;
    if (!f || !array_grow((void **)&r->weight, r->nweights, &r->weight_capacity, sizeof *r->weight)) {
        free(number);
        free(f);
        return step_no_memory(s);
    }
    for (int64_t i = 0; i < count; i++) f[i] = (float)number[i];
    free(number);
    struct onnx_weight *w = &r->weight[r->nweights++];
    *w = (struct onnx_weight){ .number = f, .count = count, .frozen = !trains };
    snprintf(w->name, sizeof w->name, "%s.%s", layer, param);
    return 0;
}

/* -------------------------------------------------------------------- results */

int step_out(struct step *s, int i, const struct onnx_value *like, const struct dims *dims, struct hsgd_value *v)
{
    if (!v) return -EINVAL; /* step_apply() has said why */
    s->out[i] = *like;
    s->out[i].name = NULL;
    s->out[i].known = NULL;
    s->out[i].v = v;
    if (dims) s->out[i].dims = *dims;
    return 0;
}

int step_out_known(struct step *s, int i, struct tensor *t)
{
    if (!t) return step_no_memory(s);
    s->out[i] = (struct onnx_value){ .known = t, .dtype = t->dtype, .dims = t->dims };
    return 0;
}
