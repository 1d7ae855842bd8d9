/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages of an ONNX file. */
#include "onnx/writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attribute.h"
#include "onnx/tensor.h"

/* --------------------------------------------------------------------- memory */

struct memory {
    struct memory *before;
};

void *writer_memory(struct writer *w, size_t bytes)
{
    struct memory *m = calloc(1, sizeof *m + bytes);
    if (!m) w->full = true;
    if (!m) return NULL;
    m->before = w->memory;
    w->memory = m;
    return m + 1;
}

void writer_free(struct writer *w)
{
    for (struct memory *m = w->memory, *before; m; m = before) {
        before = m->before;
        free(m);
    }
    w->memory = NULL;
}

const char *writer_text(struct writer *w, const char *format, ...)
{
    char text[200];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    char *copy = writer_memory(w, (size_t)n + 1);
    if (copy) memcpy(copy, text, (size_t)n < sizeof text ? (size_t)n + 1 : sizeof text);
    return copy;
}

int writer_refuse(struct writer *w, const char *why)
{
    return hsgd_fail(w->ctx, EINVAL, "model \"%s\", layer \"%s\" (%s): %s", w->model->name, w->node->name,
                     w->node->op->name, why);
}

/* A list with room for one more. */
static bool grow(struct writer *w, void ***list, size_t n, size_t *capacity)
{
    if (n < *capacity) return true;
    size_t more = *capacity ? 2 * *capacity : 32;
    void **bigger = writer_memory(w, more * sizeof *bigger);
    if (!bigger) return false;
    if (n) memcpy(bigger, *list, n * sizeof *bigger);
    *list = bigger;
    *capacity = more;
    return true;
}

/* ------------------------------------------------------------------- operators */

static Onnx__AttributeProto *attribute_of(struct writer *w, const struct attribute *a)
{
    Onnx__AttributeProto *to = writer_memory(w, sizeof *to);
    if (!to) return NULL;
    *to = (Onnx__AttributeProto)ONNX__ATTRIBUTE_PROTO__INIT;
    to->name = (char *)a->name;
    to->type = a->kind;
    to->f = a->f;
    to->i = a->i;
    if (a->text) to->s = (ProtobufCBinaryData){ strlen(a->text), (uint8_t *)writer_text(w, "%s", a->text) };
    to->n_ints = (size_t)a->n;
    to->ints = a->n ? writer_memory(w, (size_t)a->n * sizeof *to->ints) : NULL;
    if (to->ints) memcpy(to->ints, a->ints, (size_t)a->n * sizeof *to->ints);
    return to;
}

static char **names_of(struct writer *w, int n, const char *const *name)
{
    char **list = writer_memory(w, (size_t)n * sizeof *list + 1);
    for (int i = 0; list && i < n; i++) {
        list[i] = (char *)name[i];
        if (!name[i]) w->full = true;
        if (!name[i]) return NULL;
    }
    return list;
}

void write_ops(struct writer *w, const char *op, int n, const char *const *in, int outputs, const char *const *out,
               const struct attribute *a)
{
    int attributes = 0;
    while (a && a[attributes].name) attributes++;
    Onnx__NodeProto *node = writer_memory(w, sizeof *node);
    if (!node || !grow(w, (void ***)&w->graph.node, w->graph.n_node, &w->node_capacity)) return;
    *node = (Onnx__NodeProto)ONNX__NODE_PROTO__INIT;
    node->op_type = (char *)op;
    node->name = (char *)out[0];
    node->input = names_of(w, n, in);
    node->output = names_of(w, outputs, out);
    node->n_input = node->input ? (size_t)n : 0;
    node->n_output = node->output ? (size_t)outputs : 0;
    node->attribute = writer_memory(w, (size_t)attributes * sizeof *node->attribute + 1);
    for (int i = 0; node->attribute && i < attributes; i++)
        if ((node->attribute[i] = attribute_of(w, &a[i]))) node->n_attribute++;
    w->graph.node[w->graph.n_node++] = node;
}

const char *write_op(struct writer *w, const char *op, int n, const char *const *in, const struct attribute *a)
{
    const char *name = writer_text(w, "%s_%d", w->node ? w->node->name : "end", ++w->names);
    if (name) write_ops(w, op, n, in, 1, &name, a);
    return name;
}

/* ---------------------------------------------------------------- initializers */

static Onnx__TensorProto *add_tensor(struct writer *w, const char *name, int dtype, int rank, const int64_t *dim,
                                     const void *numbers, size_t bytes)
{
    Onnx__TensorProto *t = writer_memory(w, sizeof *t);
    if (!t || !name || !grow(w, (void ***)&w->graph.initializer, w->graph.n_initializer, &w->initializer_capacity))
        return NULL;
    *t = (Onnx__TensorProto)ONNX__TENSOR_PROTO__INIT;
    t->name = (char *)name;
    t->data_type = dtype;
    t->dims = writer_memory(w, (size_t)rank * sizeof *t->dims + 1);
    t->raw_data.data = writer_memory(w, bytes + 1);
    if (!t->dims || !t->raw_data.data) return NULL;
    t->n_dims = (size_t)rank;
    if (rank) memcpy(t->dims, dim, (size_t)rank * sizeof *dim);
    memcpy(t->raw_data.data, numbers, bytes);
    t->raw_data.len = bytes;
    w->graph.initializer[w->graph.n_initializer++] = t;
    return t;
}

const char *write_ints(struct writer *w, int n, const int64_t *ints)
{
    const char *name = writer_text(w, "ints_%d", ++w->names);
    const int64_t dim = n;
    add_tensor(w, name, ONNX_INT64, 1, &dim, ints, (size_t)n * sizeof *ints);
    return name;
}

const char *write_number(struct writer *w, float number)
{
    const char *name = writer_text(w, "number_%d", ++w->names);
    add_tensor(w, name, ONNX_FLOAT, 0, NULL, &number, sizeof number);
    return name;
}

bool write_tensor(struct writer *w, const char *name, int rank, const int64_t *dim, const float *number)
{
    int64_t count = 1;
    for (int i = 0; i < rank; i++) count *= dim[i];
    for (size_t i = 0; i < w->graph.n_initializer; i++)
        if (!strcmp(w->graph.initializer[i]->name, name)) return false;
    add_tensor(w, name, ONNX_FLOAT, rank, dim, number, (size_t)count * sizeof *number);
    return true;
}

const char *write_param_name(struct writer *w, int p)
{
    const struct weight_owner *o = &w->node->owner[p];
    const struct node *of = &w->model->node[o->node];
    return writer_text(w, "%s.%s", of->name, of->info.param[o->param].name);
}

const float *write_param(const struct writer *w, int p) { return w->model->weights + w->node->param_offset[p]; }

const char *write_activated(struct writer *w, const char *x)
{
    static const char *const ops[] = { [HSGD_RELU] = "Relu", [HSGD_TANH] = "Tanh", [HSGD_SIGMOID] = "Sigmoid" };
    int a = write_int(w, "activation");
    return a == HSGD_NO_ACTIVATION ? x : write_op(w, ops[a], INPUTS(x), NULL);
}

const char *write_vector(struct writer *w, int p)
{
    const struct hsgd_param_spec *s = &w->node->info.param[p];
    const char *name = write_param_name(w, p);
    const int64_t n = spec_size(s);
    if (name) write_tensor(w, name, 1, &n, write_param(w, p));
    return name;
}

/* ------------------------------------------------------------------------- values */

/* {batch, positions..., channels} to {batch, channels, positions...}, or back. */
static const char *move_channels(struct writer *w, const char *name, int rank, bool first)
{
    int64_t perm[8] = { 0 };
    for (int i = 1; i <= rank; i++) perm[i] = first ? (i == 1 ? rank : i - 1) : i == rank ? 1 : i + 1;
    return write_op(w, "Transpose", INPUTS(name), ATTRIBUTES(INTS_("perm", rank + 1, perm)));
}

const char *write_value(struct writer *w, int value, enum form form)
{
    struct written *v = &w->value[value];
    int rank = w->model->value[value].type.rank;
    if (v->name[form]) return v->name[form];
    if (v->name[FLATTENED])
        v->name[form] = write_op(
            w, "Reshape", INPUTS(write_value(w, v->image, AS_HERE), write_ints(w, 2, (int64_t[]){ 0, -1 })), NULL);
    else v->name[form] = move_channels(w, v->name[form == AS_HERE ? CHANNELS_FIRST : AS_HERE], rank, form != AS_HERE);
    return v->name[form];
}

const char *write_input(struct writer *w, int i, enum form form) { return write_value(w, w->node->in[i], form); }

enum form write_form(const struct writer *w, int i)
{
    const struct written *v = &w->value[w->node->in[i]];
    return v->name[AS_HERE] ? AS_HERE : v->name[CHANNELS_FIRST] ? CHANNELS_FIRST : FLATTENED;
}

void write_output(struct writer *w, int i, enum form form, const char *name)
{
    w->value[w->node->out[i]].name[form] = name;
}

/* ---------------------------------------------------------------- attributes here */

static const void *attribute_at(const struct writer *w, const char *name)
{
    const struct hsgd_attribute *a = attribute_find(w->node->op, name);
    return a ? (const char *)w->node->attributes + a->offset : NULL;
}

int write_int(const struct writer *w, const char *name)
{
    const struct hsgd_attribute *a = attribute_find(w->node->op, name);
    const void *at = attribute_at(w, name);
    return !at ? 0 : a->kind == HSGD_BOOL ? *(const bool *)at : *(const int *)at;
}

float write_float(const struct writer *w, const char *name)
{
    const float *at = attribute_at(w, name);
    return at ? *at : 0;
}

const struct hsgd_ints *write_list(const struct writer *w, const char *name)
{
    static const struct hsgd_ints none;
    const struct hsgd_ints *at = attribute_at(w, name);
    return at ? at : &none;
}
