/* SPDX-License-Identifier: BSD-3-Clause */
/* A model as an ONNX file. */
#include <stdlib.h>
#include <string.h>

#include "io/atomic.h"
#include "onnx/tensor.h"
#include "onnx/writer.h"

/* The operators are those of this version, in a file of this version of the format. */
enum { OPSET = 17, IR_VERSION = 8 };

/* ----------------------------------------------------------------- inputs, outputs */

static Onnx__TensorShapeProto__Dimension *dimension(struct writer *w, int64_t size, const char *open)
{
    Onnx__TensorShapeProto__Dimension *d = writer_memory(w, sizeof *d);
    if (!d) return NULL;
    *d = (Onnx__TensorShapeProto__Dimension)ONNX__TENSOR_SHAPE_PROTO__DIMENSION__INIT;
    d->value_case = open ? ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM
                         : ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
    if (open) d->dim_param = (char *)open;
    else d->dim_value = size;
    return d;
}

/* A value of the graph, {batch, dimensions}. */
static Onnx__ValueInfoProto *value_info(struct writer *w, const char *name, const struct hsgd_type *t, enum form form)
{
    struct {
        Onnx__ValueInfoProto info;
        Onnx__TypeProto type;
        Onnx__TypeProto__Tensor tensor;
        Onnx__TensorShapeProto shape;
        Onnx__TensorShapeProto__Dimension *dim[HSGD_MAX_RANK + 1];
    } *v = writer_memory(w, sizeof *v);
    if (!v) return NULL;
    v->info = (Onnx__ValueInfoProto)ONNX__VALUE_INFO_PROTO__INIT;
    v->type = (Onnx__TypeProto)ONNX__TYPE_PROTO__INIT;
    v->tensor = (Onnx__TypeProto__Tensor)ONNX__TYPE_PROTO__TENSOR__INIT;
    v->shape = (Onnx__TensorShapeProto)ONNX__TENSOR_SHAPE_PROTO__INIT;
    v->info.name = (char *)name;
    v->info.type = &v->type;
    v->type.value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    v->type.tensor_type = &v->tensor;
    v->tensor.elem_type = t->dtype == HSGD_F32 ? ONNX_FLOAT : t->dtype == HSGD_I32 ? ONNX_INT32 : ONNX_UINT8;
    v->tensor.shape = &v->shape;
    v->shape.n_dim = (size_t)t->rank + 1;
    v->shape.dim = v->dim;
    v->dim[0] = dimension(w, 0, "batch");
    for (int i = 0; i < t->rank; i++) {
        int axis = form == AS_HERE ? i : i ? i - 1 : t->rank - 1;
        const char *open = t->dim[axis] == HSGD_ANY ? writer_text(w, "%s_%d", name, axis + 1) : NULL;
        v->dim[i + 1] = dimension(w, t->dim[axis], open);
    }
    return w->full ? NULL : &v->info;
}

/* Whether a field is an image: what reads it first wants its channels in front. */
static bool is_image(const struct hsgd_model *m, int value)
{
    static const char *const ops[] = { "conv2d",           "conv1d",   "conv_transpose2d",
                                       "max_pool",         "avg_pool", "adaptive_avg_pool",
                                       "adaptive_max_pool" };
    for (const struct node *n = m->node; n < m->node + m->nnodes; n++)
        for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
            if (n->in[0] == value && !strcmp(n->op->name, ops[i])) return true;
    return false;
}

static int add_inputs(struct writer *w)
{
    const struct hsgd_model *m = w->model;
    w->graph.input = writer_memory(w, MAX_MODEL_FIELDS * sizeof *w->graph.input);
    for (int i = 0; w->graph.input && i < m->nfields; i++) {
        const struct model_field *f = &m->field[i];
        enum form form = is_image(m, f->value) ? CHANNELS_FIRST : AS_HERE;
        if (f->is_target) continue;
        w->value[f->value].name[form] = f->name;
        w->graph.input[w->graph.n_input] = value_info(w, f->name, &m->value[f->value].type, form);
        if (w->graph.input[w->graph.n_input]) w->graph.n_input++;
    }
    return 0;
}

/* A result, under its name; images as they lie in the graph. */
static void add_output(struct writer *w, const char *name, int value)
{
    const struct written *v = &w->value[value];
    enum form form = v->name[AS_HERE] || !v->name[CHANNELS_FIRST] ? AS_HERE : CHANNELS_FIRST;
    const char *from = write_value(w, value, form), *to = writer_text(w, "%s", name);
    if (to) write_ops(w, "Identity", INPUTS(from), 1, &to, NULL);
    Onnx__ValueInfoProto *info = value_info(w, to, &w->model->value[value].type, form);
    if (info) w->graph.output[w->graph.n_output++] = info;
}

/* Results have their names, unless another value has. */
static const char *output_name(struct writer *w, const char *name)
{
    const struct hsgd_model *m = w->model;
    bool taken = false;
    for (int i = 0; i < m->nfields; i++) taken |= !strcmp(m->field[i].name, name);
    return taken ? writer_text(w, "%s.out", name) : name;
}

static int add_outputs(struct writer *w)
{
    const struct hsgd_model *m = w->model;
    w->node = NULL;
    w->graph.output = writer_memory(w, MAX_RESULTS * sizeof *w->graph.output);
    if (!w->graph.output) return 0;
    for (int i = 0; i < m->nresults; i++) {
        if (!w->value[m->result[i].value].name[AS_HERE] && !w->value[m->result[i].value].name[CHANNELS_FIRST] &&
            !w->value[m->result[i].value].name[FLATTENED])
            return hsgd_fail(w->ctx, EINVAL, "model \"%s\": result \"%s\" is a target", m->name, m->result[i].name);
        add_output(w, output_name(w, m->result[i].name), m->result[i].value);
    }
    if (!m->nresults) add_output(w, output_name(w, "output"), m->node[m->loss].in[0]);
    return 0;
}

/* ------------------------------------------------------------------------- nodes */

static int (*writer_of(const char *op))(struct writer *w)
{
    static const struct write_row *const parts[] = { write_attention_rows, write_function_rows, write_image_rows,
                                                     write_layer_rows,     write_mask_rows,     write_recurrent_rows,
                                                     write_reduce_rows,    write_shape_rows };
    for (size_t part = 0; part < sizeof parts / sizeof *parts; part++)
        for (const struct write_row *row = parts[part]; row->op; row++)
            if (!strcmp(row->op, op)) return row->write;
    return NULL;
}

/* Whether a result of the model depends on it: losses and what only they need are left out. */
static int write_nodes(struct writer *w)
{
    const struct hsgd_model *m = w->model;
    int err = 0;
    for (const struct node *n = m->node; !err && n < m->node + m->nnodes; n++) {
        int (*write)(struct writer *) = writer_of(n->op->name);
        bool known = true;
        for (int i = 0; i < n->info.inputs; i++) {
            const struct written *v = &w->value[n->in[i]];
            known = known && (v->name[AS_HERE] || v->name[CHANNELS_FIRST] || v->name[FLATTENED]);
        }
        if (!n->info.outputs || !known) continue; /* losses and metrics, and what is made of targets */
        w->node = n;
        err = write ? write(w) : writer_refuse(w, "ONNX has no operators for it that are written");
    }
    return err;
}

static int write_graph(struct writer *w)
{
    w->graph = (Onnx__GraphProto)ONNX__GRAPH_PROTO__INIT;
    w->graph.name = (char *)w->model->name;
    w->value = writer_memory(w, ((size_t)w->model->nvalues + 1) * sizeof *w->value);
    int err = w->value ? add_inputs(w) : 0;
    if (!err && w->value) err = write_nodes(w);
    if (!err && w->value) err = add_outputs(w);
    return err || !w->full ? err : hsgd_fail(w->ctx, ENOMEM, "%s: out of memory", w->path);
}

/* ------------------------------------------------------------------------- files */

static int write_file(struct writer *w)
{
    Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
    Onnx__OperatorSetIdProto opset = ONNX__OPERATOR_SET_ID_PROTO__INIT, *opsets[] = { &opset };
    struct hsgd_atomic a;
    opset.version = OPSET;
    model.ir_version = IR_VERSION;
    model.producer_name = (char *)"hsgd";
    model.producer_version = (char *)hsgd_version_text();
    model.graph = &w->graph;
    model.n_opset_import = 1;
    model.opset_import = opsets;
    size_t size = onnx__model_proto__get_packed_size(&model);
    if (size >= (size_t)1 << 31) return hsgd_fail(w->ctx, EINVAL, "%s: an ONNX file has at most 2 GiB", w->path);
    uint8_t *bytes = writer_memory(w, size + 1);
    if (!bytes) return hsgd_fail(w->ctx, ENOMEM, "%s: out of memory", w->path);
    onnx__model_proto__pack(&model, bytes);
    int err = hsgd_atomic_open(w->ctx, &a, w->path);
    if (err) return err;
    if (fwrite(bytes, 1, size, a.file) == size) return hsgd_atomic_commit(w->ctx, &a);
    err = hsgd_fail(w->ctx, errno, "%s: cannot write: %s", w->path, strerror(errno));
    hsgd_atomic_abandon(&a);
    return err;
}

int hsgd_model_to_onnx(struct hsgd_model *m, const char *path)
{
    int err = ENTER(m ? m->ctx : NULL, m, path);
    if (!err) err = model_require_finished(m);
    if (err) return err;
    struct writer w = { .ctx = m->ctx, .model = m, .path = path };
    model_acquire(m, false);
    err = write_graph(&w);
    model_release(m);
    if (!err) err = write_file(&w);
    writer_free(&w);
    return err;
}
