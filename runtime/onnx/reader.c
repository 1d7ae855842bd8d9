/* SPDX-License-Identifier: BSD-3-Clause */
/* From a graph of ONNX to a model. */
#include "onnx/reader.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model_file.h"

/* A batch of any size, in place of which calculations with sizes have this one: no size that a
 * network has, and small enough for constants with a part for each sample. */
#define ANY_BATCH 1009

/* ------------------------------------------------------------------- values */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct onnx_value *)a)->name, ((const struct onnx_value *)b)->name);
}

static void free_value(void *at)
{
    struct onnx_value *v = at;
    tensor_free(v->known);
    free(v->name);
    free(v);
}

void reader_free(struct reader *r)
{
    tdestroy(r->values, free_value);
    for (int i = 0; i < r->nweights; i++) free(r->weight[i].number);
    free(r->weight);
    r->values = NULL;
    r->weight = NULL;
    r->nweights = r->weight_capacity = 0;
}

struct onnx_value *reader_find(const struct reader *r, const char *name)
{
    struct onnx_value **at = tfind(&(struct onnx_value){ .name = (char *)name }, &r->values, by_name);
    return at ? *at : NULL;
}

/* Names a value, whose known numbers are taken. */
static int define(struct reader *r, const char *name, const struct onnx_value *v)
{
    struct onnx_value *copy = malloc(sizeof *copy);
    if (copy) *copy = *v;
    if (copy) copy->name = strdup(name);
    struct onnx_value **at = copy && copy->name ? tsearch(copy, &r->values, by_name) : NULL;
    if (at && *at == copy) return 0;
    if (copy) free_value(copy);
    else tensor_free(v->known);
    if (!at) return hsgd_fail(r->ctx, ENOMEM, "%s: out of memory", r->path);
    return hsgd_fail(r->ctx, EINVAL, "%s: \"%s\" is defined twice", r->path, hsgd_show(name).text);
}

static int define_known(struct reader *r, const char *name, struct tensor *t, bool trains)
{
    if (!t) return hsgd_fail(r->ctx, ENOMEM, "%s: out of memory", r->path);
    return define(r, name, &(struct onnx_value){ .known = t, .trains = trains, .dtype = t->dtype, .dims = t->dims });
}

static int read_initializers(struct reader *r)
{
    int err = 0;
    for (int i = 0; !err && i < r->nbound; i++) {
        const struct tensor *t = r->bound[i].tensor;
        err = define_known(r, r->bound[i].name, tensor_copy(t, t->dtype, &t->dims), true);
    }
    for (size_t i = 0; !err && i < r->graph->n_initializer; i++) {
        const Onnx__TensorProto *from = r->graph->initializer[i];
        struct tensor *t = tensor_read(r->ctx, r->path, from->name, from);
        err = t ? define_known(r, from->name, t, true) : -EINVAL;
    }
    return err;
}

/* ------------------------------------------------------------------- inputs */

static int refuse_input(struct reader *r, const Onnx__ValueInfoProto *in, const char *why)
{
    return hsgd_fail(r->ctx, EINVAL, "%s: input \"%s\": %s", r->path, hsgd_show(in->name).text, why);
}

/* Numbers of a model of this type of ONNX; HSGD_DTYPES: none.  Truth is 0 or 1. */
static enum hsgd_dtype dtype_of(int dtype)
{
    bool floats = dtype == ONNX_FLOAT || dtype == ONNX_DOUBLE || dtype == ONNX_FLOAT16 || dtype == ONNX_BOOL;
    return floats ? HSGD_F32 : onnx_dtype_is_integer(dtype) ? HSGD_I32 : HSGD_DTYPES;
}

/* The dimensions, of which that of the batch may be open. */
static int read_dims(struct reader *r, const Onnx__ValueInfoProto *in, struct dims *dims)
{
    const Onnx__TypeProto__Tensor *t = in->type->tensor_type;
    for (int i = 0; i < r->nshapes; i++)
        if (!strcmp(r->shape[i].name, in->name)) {
            *dims = r->shape[i].tensor->dims;
            return dims_count(dims) ? 0 : refuse_input(r, in, "it is empty");
        }
    if (!t->shape) return refuse_input(r, in, "its number of dimensions is open");
    if (t->shape->n_dim > ONNX_RANK) return refuse_input(r, in, "it has more than 8 dimensions");
    dims->rank = (int)t->shape->n_dim;
    for (int i = 0; i < dims->rank; i++) {
        const Onnx__TensorShapeProto__Dimension *d = t->shape->dim[i];
        bool known = d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE && d->dim_value > 0;
        if (known && d->dim_value > 999999999) return refuse_input(r, in, "a dimension is too large");
        char why[100];
        snprintf(why, sizeof why, "the size of axis %d is open; only that of the batch may be", i);
        if (!known && i != r->batch_axis) {
            r->about_batch |= i == 0;
            return refuse_input(r, in, why);
        }
        dims->dim[i] = known ? d->dim_value : ANY_BATCH;
    }
    return 0;
}

/* Its place in a batch that all inputs share. */
static int place_input(struct reader *r, const Onnx__ValueInfoProto *in, struct onnx_value *v)
{
    int at = 0;
    for (int i = 0; i < v->dims.rank; i++) v->place[i] = i == r->batch_axis ? BATCH : at++;
    if (r->batch_axis == NO_BATCH) return 0;
    r->about_batch = true;
    if (r->batch_axis >= v->dims.rank) return refuse_input(r, in, "it has no batch");
    if (r->batch && r->batch != v->dims.dim[r->batch_axis]) return refuse_input(r, in, "its batch has another size");
    r->batch = v->dims.dim[r->batch_axis];
    r->about_batch = false;
    return 0;
}

/* Whether an operator that has its channels last reads it. */
static bool is_image(const struct reader *r, const char *name)
{
    for (size_t i = 0; i < r->graph->n_node; i++) {
        const Onnx__NodeProto *n = r->graph->node[i];
        const struct onnx_row *row = onnx_row_find(n, r->opset);
        if (row && row->image && n->n_input && !strcmp(n->input[0], name)) return true;
    }
    return false;
}

/* Channels behind the other axes. */
static void place_channels(struct onnx_value *v)
{
    for (int i = 2; i < v->dims.rank; i++) v->place[i] = i - 2;
    v->place[1] = v->dims.rank - 2;
}

/* A name that a model file can have. */
static void field_name(const struct reader *r, const char *from, char name[LAYER_NAME])
{
    snprintf(name, LAYER_NAME, "%.47s", from);
    if (strlen(from) >= LAYER_NAME || !layer_name_possible(name)) snprintf(name, LAYER_NAME, "x%d", r->model->nfields);
}

static int add_input(struct reader *r, const Onnx__ValueInfoProto *in)
{
    struct onnx_value v = { 0 };
    char name[LAYER_NAME];
    if (reader_find(r, in->name)) return 0; /* an initializer */
    if (!in->type || in->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
        return refuse_input(r, in, "it is no tensor");
    v.dtype = in->type->tensor_type->elem_type;
    struct hsgd_type type = { .dtype = dtype_of(v.dtype) };
    char why[80];
    snprintf(why, sizeof why, "numbers of type %s are not supported", onnx_dtype_name(v.dtype));
    if (type.dtype == HSGD_DTYPES) return refuse_input(r, in, why);
    int err = read_dims(r, in, &v.dims);
    if (!err) err = place_input(r, in, &v);
    if (err) return err;
    if (r->batch_axis == 0 && v.dims.rank > 2 && is_image(r, in->name)) place_channels(&v);
    type.rank = value_sample_rank(&v);
    if (type.rank > HSGD_MAX_RANK) return refuse_input(r, in, "a sample has more than 6 dimensions");
    for (int i = 0; i < v.dims.rank; i++)
        if (v.place[i] != BATCH) type.dim[v.place[i]] = (int)v.dims.dim[i];
    field_name(r, in->name, name);
    if (r->ninputs == ONNX_INPUTS) return refuse_input(r, in, "it is one too many");
    v.v = hsgd_input(r->model, name, type);
    if (!v.v) return refuse_input(r, in, "a sample of these dimensions is not possible");
    err = define(r, in->name, &v);
    if (!err) r->input[r->ninputs++] = reader_find(r, in->name);
    return err;
}

/* -------------------------------------------------------------------- nodes */

/* The first attribute that the row does not list. */
static int check_attributes(struct step *s)
{
    for (size_t i = 0; i < s->node->n_attribute; i++) {
        const char *name = s->node->attribute[i]->name, *at = s->row->attributes;
        size_t n = strlen(name);
        while ((at = strstr(at, name)) && !((at == s->row->attributes || at[-1] == ' ') && (!at[n] || at[n] == ' ')))
            at++;
        if (!n || !at) return step_refuse(s, "the attribute \"%s\" is not supported", hsgd_show(name).text);
    }
    return 0;
}

static int find_inputs(struct step *s)
{
    const Onnx__NodeProto *n = s->node;
    if (n->n_input > ONNX_INPUTS || n->n_output > ONNX_OUTPUTS)
        return step_refuse(s, "it has more than %d inputs or outputs", ONNX_INPUTS);
    s->inputs = (int)n->n_input;
    s->outputs = (int)n->n_output;
    for (int i = 0; i < s->inputs; i++) {
        if (!*n->input[i]) continue;
        s->in[i] = reader_find(s->r, n->input[i]);
        if (!s->in[i]) return step_refuse(s, "input \"%s\" is made by no node before it", hsgd_show(n->input[i]).text);
    }
    return 0;
}

static int define_outputs(struct step *s)
{
    int err = 0;
    for (int i = 0; i < s->outputs; i++) {
        struct onnx_value *v = &s->out[i];
        const char *name = s->node->output[i];
        bool there = v->known || v->v;
        if (!err && *name && !there) err = step_refuse(s, "output %d (\"%s\") is not supported", i + 1, name);
        if (!err && *name) err = define(s->r, name, v);
        else tensor_free(v->known);
    }
    return err;
}

static int read_node(struct reader *r, const Onnx__NodeProto *node)
{
    struct step s = { .r = r, .node = node, .row = onnx_row_find(node, r->opset) };
    int err = find_inputs(&s);
    int folded = err ? 0 : onnx_fold(&s);
    if (folded < 0) err = folded;
    if (!err && !folded) {
        if (!s.row) err = step_refuse(&s, "the operator is not supported");
        if (!err) err = check_attributes(&s);
        if (!err) err = s.row->read(&s);
    }
    if (!err) return define_outputs(&s);
    for (int i = 0; i < ONNX_OUTPUTS; i++) tensor_free(s.out[i].known);
    return err;
}

/* -------------------------------------------------------------------- whole */

/* The numbers of its weights, once it has weights. */
static int set_weights(struct reader *r)
{
    int err = hsgd_model_finish(r->model);
    for (int i = 0; !err && i < r->nweights; i++) {
        struct onnx_weight *w = &r->weight[i];
        err = hsgd_model_set_weight(r->model, w->name, w->number, w->count);
        if (!err && w->frozen) err = hsgd_model_freeze(r->model, w->name, true);
    }
    return err;
}

/* The first node whose operator is not supported at all. */
static int check_operators(const struct reader *from)
{
    struct reader r = *from;
    int64_t opset = onnx_opset(from->file);
    for (size_t i = 0; i < from->file->graph->n_node; i++, r.nodes++) {
        const Onnx__NodeProto *node = from->file->graph->node[i];
        struct step s = { .r = &r, .node = node };
        if (!onnx_row_find(node, opset) && !onnx_folds(node)) return step_refuse(&s, "the operator is not supported");
    }
    return 0;
}

/* With the batch in r->batch_axis. */
static int build(struct reader *r, const char *loss)
{
    char name[LAYER_NAME];
    snprintf(name, sizeof name, "%.47s", r->graph->name);
    r->model = hsgd_model_create(r->ctx, model_name_possible(name) ? name : "onnx");
    int err = r->model ? read_initializers(r) : -ENOMEM;
    for (size_t i = 0; !err && i < r->graph->n_input; i++) err = add_input(r, r->graph->input[i]);
    for (size_t i = 0; !err && i < r->graph->n_node; i++, r->nodes++) err = read_node(r, r->graph->node[i]);
    if (!err) err = reader_add_outputs(r, loss);
    return err ? err : set_weights(r);
}

/* Whether an operator has its batch in axis 1. */
static bool has_batch_second(const Onnx__GraphProto *g, int64_t opset)
{
    for (size_t i = 0; i < g->n_node; i++) {
        const struct onnx_row *row = onnx_row_find(g->node[i], opset);
        if (row && row->batch_second) return true;
    }
    return false;
}

int reader_build(struct reader *r, const struct reader *from, const char *loss)
{
    static const int axes[] = { 1, 0, NO_BATCH };
    char why[sizeof from->ctx->error] = "";
    bool about_batch = true;
    int err = check_operators(from);
    if (err) return err;
    err = -EINVAL;
    int64_t opset = onnx_opset(from->file);
    for (int i = !has_batch_second(from->file->graph, opset); err == -EINVAL && about_batch && i < 3; i++) {
        *r = *from;
        r->graph = from->file->graph;
        r->opset = opset;
        r->batch_axis = axes[i];
        err = build(r, loss);
        if (!err) return 0;
        about_batch = r->about_batch;
        if (!about_batch || !*why) memcpy(why, from->ctx->error, sizeof why);
        if (r->model) hsgd_model_destroy(&r->model);
        reader_free(r);
    }
    return hsgd_fail(from->ctx, -err, "%s", why);
}
