/* SPDX-License-Identifier: BSD-3-Clause */
/* Building a graph: values, nodes, names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attribute.h"
#include "base/grow.h"
#include "model.h"
#include "type_text.h"

void graph_free(struct hsgd_model *m)
{
    for (struct hsgd_value *h = m->handles, *before; h; h = before) {
        before = h->before;
        free(h);
    }
    for (int i = 0; i < m->nnodes; i++) free(m->node[i].attributes);
    free(m->node);
    free(m->value);
}

/* ------------------------------------------------------------------ values */

static int add_value(struct hsgd_model *m, const struct value *v)
{
    if (!array_grow((void **)&m->value, m->nvalues, &m->value_capacity, sizeof *m->value)) return -ENOMEM;
    m->value[m->nvalues] = *v;
    return m->nvalues++;
}

void graph_value_name(const struct hsgd_model *m, int value, char name[VALUE_NAME])
{
    const struct value *v = &m->value[value];
    int used = snprintf(name, VALUE_NAME, "%s", v->node < 0 ? m->field[v->field].name : m->node[v->node].name);
    if (v->output) snprintf(name + used, VALUE_NAME - (size_t)used, ":%d", v->output);
}

int graph_add_field(struct hsgd_model *m, const char *name, const struct hsgd_type *type, bool is_target)
{
    if (m->nfields == MAX_MODEL_FIELDS)
        return hsgd_fail(m->ctx, EINVAL, "model \"%s\": there are more than %d inputs and targets", m->name,
                         MAX_MODEL_FIELDS);
    struct model_field *f = &m->field[m->nfields];
    int v = add_value(m, &(struct value){ .type = *type, .node = -1, .field = m->nfields });
    if (v < 0) return hsgd_fail(m->ctx, ENOMEM, "out of memory");
    snprintf(f->name, sizeof f->name, "%s", name);
    f->value = v;
    f->is_target = is_target;
    m->nfields++;
    return v;
}

/* ------------------------------------------------------------------- nodes */

int graph_refuse(const struct hsgd_model *m, int i, int err, const char *op, const char *why)
{
    return hsgd_fail(m->ctx, err, "model \"%s\", layer %d (%s): %s", m->name, i + 1, op, why);
}

static int refuse(struct hsgd_model *m, int err, const char *op, const char *why)
{
    return graph_refuse(m, m->nnodes, err, op, why);
}

static bool name_taken(const struct hsgd_model *m, const char *name)
{
    for (int i = 0; i < m->nnodes; i++)
        if (!strcmp(m->node[i].name, name)) return true;
    return false;
}

/* False: it is too long. */
static bool name_node(const struct hsgd_model *m, struct node *n, const char *name)
{
    int number = 1, used = 0;
    char *to = n->name;
    for (int i = 0; i < m->nnodes; i++) number += m->node[i].op == n->op;
    for (const char *s = m->scope; *s && used < (int)sizeof n->name - 1; s++) to[used++] = *s == '\1' ? '.' : *s;
    size_t left = sizeof n->name - (size_t)used;
    if (name) used += snprintf(to + used, left, "%s", name);
    else if (n->op->is_metric && number == 1) used += snprintf(to + used, left, "%s", n->op->name);
    else used += snprintf(to + used, left, "%s%d", n->op->name, number);
    return used < (int)sizeof n->name;
}

/* What is wrong with the operation itself; NULL: nothing. */
static const char *check_op(const struct hsgd_op *op, int n)
{
    static _Thread_local char sentence[80];
    if (!op) return "the operation is NULL";
    if (!op->name || !op->infer || (!op->forward[0].emit && !op->is_view))
        return "the operation lacks its name, infer() or forward()";
    int least = op->inputs ? op->inputs : 1, most = op->max_inputs > least ? op->max_inputs : least;
    if (n >= least && n <= most) return NULL;
    snprintf(sentence, sizeof sentence, "it needs %s%d inputs, not %d", most > least ? "at least " : "", least, n);
    return sentence;
}

/* The axis of the inputs, from 1, that is to blame for an open size, channels first; 0: none. */
static int open_axis(const struct hsgd_node *n, const struct hsgd_type **input)
{
    for (int channels = 1; channels >= 0; channels--)
        for (int i = 0; i < n->inputs; i++) {
            const struct hsgd_type *t = *input = &n->in[i];
            for (int axis = channels ? t->rank : 1; axis >= 1 && axis <= t->rank; axis++)
                if (t->dim[axis - 1] == HSGD_ANY) return axis;
        }
    return 0;
}

/* What must not depend on open sizes; NULL: nothing does. */
static const char *depends_on_open(const struct hsgd_node *n)
{
    for (int i = 0; i < n->params; i++)
        for (int k = 0; k < n->param[i].rank; k++)
            if (n->param[i].dim[k] < 1) return n->param[i].name;
    for (int i = 0; i < n->outputs; i++)
        for (int k = 0; k < n->out[i].rank; k++)
            if (n->out[i].dim[k] < 1 && n->out[i].dim[k] != HSGD_ANY) return "output";
    for (int i = 0; i < HSGD_PHASES; i++)
        if (n->sums[HSGD_FORWARD][i] < 0 || n->sums[HSGD_BACKWARD][i] < 0) return "number of sums";
    if (n->cache < 0) return "cache";
    return NULL;
}

/* -1, with a sentence in why. */
static int check_open(const struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_type *input;
    const char *what = depends_on_open(n);
    int axis = what ? open_axis(n, &input) : 0;
    if (!axis) return 0;
    snprintf(why, size, "its %s depends on axis %d of %s, whose size must then be known", what, axis,
             type_text(input).text);
    return -1;
}

/* Fills in the node in the place that is free. */
static int prepare(struct hsgd_model *m, struct node *n, const void *attributes, int inputs, const int *in)
{
    const struct hsgd_op *op = n->op;
    char why[200] = "";
    if (!(n->attributes = calloc(1, op->attributes_size + 1))) return refuse(m, ENOMEM, op->name, "out of memory");
    if (op->attributes_size && attributes) memcpy(n->attributes, attributes, op->attributes_size);
    attribute_fill(op, n->attributes);
    n->info.attributes = n->attributes;
    n->info.inputs = inputs;
    for (int i = 0; i < inputs; i++) {
        n->in[i] = in[i];
        n->info.in[i] = m->value[in[i]].type;
    }
    bool wrong = attribute_check(op, n->attributes, why, sizeof why) || op->infer(&n->info, why, sizeof why) ||
                 check_open(&n->info, why, sizeof why);
    int err = wrong ? refuse(m, EINVAL, op->name, why) : 0;
    if (err) free(n->attributes);
    return err;
}

int graph_add(struct hsgd_model *m, const struct hsgd_op *op, const void *attributes, int inputs, const int *in,
              const char *name)
{
    const char *wrong = check_op(op, inputs);
    char why[80];
    if (wrong) return refuse(m, EINVAL, op && op->name ? op->name : "?", wrong);
    if (!array_grow((void **)&m->node, m->nnodes, &m->node_capacity, sizeof *m->node))
        return refuse(m, ENOMEM, op->name, "out of memory");
    struct node *n = &m->node[m->nnodes];
    *n = (struct node){ .op = op, .block = m->recompute, .shares = -1 };
    if (!name_node(m, n, name)) return refuse(m, EINVAL, op->name, "its name is too long");
    snprintf(why, sizeof why, "another layer is called \"%.50s\"", n->name);
    int err = name_taken(m, n->name) ? refuse(m, EINVAL, op->name, why) : prepare(m, n, attributes, inputs, in);
    if (err) return err;
    for (int i = 0; i < n->info.outputs; i++) {
        int v = add_value(m, &(struct value){ .type = n->info.out[i], .node = m->nnodes, .output = i, .field = -1 });
        if (v < 0) {
            free(n->attributes);
            return refuse(m, ENOMEM, op->name, "out of memory");
        }
        n->out[i] = v;
    }
    for (int p = 0; p < n->info.params; p++) n->owner[p] = (struct weight_owner){ m->nnodes, p };
    return m->nnodes++;
}
