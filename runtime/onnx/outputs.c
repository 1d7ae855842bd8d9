/* SPDX-License-Identifier: BSD-3-Clause */
/* The ends of a graph: its outputs are results of the model, and a loss compares the first. */
#include <stdio.h>
#include <string.h>

#include <hsgd/ops.h>

#include "model/model_file.h"
#include "onnx/reader.h"

static int add_output(struct reader *r, const Onnx__ValueInfoProto *out)
{
    const Onnx__NodeProto ends = ONNX__NODE_PROTO__INIT;
    struct step s = { .r = r, .node = &ends };
    struct onnx_value *v = reader_find(r, out->name), placed;
    char name[LAYER_NAME];
    if (!v) return hsgd_fail(r->ctx, EINVAL, "%s: no node makes output \"%s\"", r->path, hsgd_show(out->name).text);
    if (v->known)
        return hsgd_fail(r->ctx, EINVAL, "%s: output \"%s\" is constant: nothing is left to compute", r->path,
                         hsgd_show(out->name).text);
    int err = 0;
    if (v->flat_positions || r->whole) {
        err = step_in_order(&s, v, &placed);
        if (err) return err;
        v->v = placed.v;
        memcpy(v->place, placed.place, sizeof placed.place);
        v->flat_positions = 0;
    }
    snprintf(name, sizeof name, "%.47s", out->name);
    if (!layer_name_possible(name)) snprintf(name, sizeof name, "output%d", r->model->nresults);
    hsgd_result(v->v, name);
    return r->model->err;
}

/* What suits the first output: classes for a vector of scores, values else; NULL: it has no floats. */
static const char *usual_loss(const struct hsgd_type *type)
{
    if (type->dtype != HSGD_F32) return NULL;
    return type->rank == 1 && type->dim[0] > 1 ? "softmax_cross_entropy" : "mse";
}

/* Whether it is along the last axis. */
static bool of_channels(const struct node *n)
{
    int axis = ((const struct hsgd_softmax *)n->attributes)->axis;
    return axis == 0 || axis == -1 || axis == n->info.in[0].rank;
}

/* What softmax made is compared by its input, the scores. */
static struct hsgd_value *scores_of(struct hsgd_value *v)
{
    static const char *const ends[] = { "softmax", "log_softmax" };
    const struct node *n = v->node < 0 ? NULL : &v->model->node[v->node];
    for (size_t i = 0; n && i < sizeof ends / sizeof *ends; i++)
        if (!strcmp(n->op->name, ends[i]) && of_channels(n)) v->value = n->in[0];
    return v;
}

static int add_loss(struct reader *r, const char *name)
{
    struct hsgd_type type = { 0 };
    struct hsgd_value *first = reader_find(r, r->graph->output[0]->name)->v;
    struct hsgd_value *of = first->node < 0 ? NULL : hsgd_output(first, r->model->value[first->value].output);
    hsgd_type_of(first, &type);
    if (!name) name = usual_loss(&type);
    if (!name || !strcmp(name, "none")) return 0;
    const struct hsgd_op *op = hsgd_op_by_name(name);
    if (!op || !op->is_loss) return hsgd_fail(r->ctx, EINVAL, "no loss is called \"%s\"", hsgd_show(name).text);
    bool classes = !strcmp(name, "softmax_cross_entropy");
    struct hsgd_type target = type;
    if (classes && target.rank) target.dim[--target.rank] = 0, target.dtype = HSGD_I32;
    struct hsgd_value *t = hsgd_target(r->model, classes ? "label" : "target", target);
    struct hsgd_value *in[] = { classes && of ? scores_of(of) : first, t };
    hsgd_loss(hsgd_apply(op, NULL, NULL, 2, in));
    return r->model->err;
}

int reader_add_outputs(struct reader *r, const char *loss)
{
    int err = 0;
    for (size_t i = 0; !err && i < r->graph->n_output; i++) err = add_output(r, r->graph->output[i]);
    return err ? err : add_loss(r, loss);
}
