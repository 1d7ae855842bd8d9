/* SPDX-License-Identifier: BSD-3-Clause */
#include "sizes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "type_text.h"
#include "types.h"

static bool is_open(const struct hsgd_type *t) { return hsgd_type_is_open(t, t->rank); }

bool sizes_fit(const struct hsgd_type *field, const struct hsgd_type *samples)
{
    if (field->dtype != samples->dtype || field->rank != samples->rank) return false;
    for (int i = 0; i < field->rank; i++)
        if (field->dim[i] != samples->dim[i] && field->dim[i] != HSGD_ANY) return false;
    return true;
}

static int check_field(const struct hsgd_model *m, const struct model_field *f, const struct hsgd_type *t)
{
    const struct hsgd_type *open = &m->value[f->value].type, least = type_least(t);
    bool fits = sizes_fit(open, t);
    if (fits && type_is_valid(&least, MAX_SAMPLE)) return 0;
    if (!fits && !type_is_valid(&least, INFINITY))
        return hsgd_fail(m->ctx, EINVAL, "model \"%s\": the type of \"%s\" is not valid", m->name, f->name);
    return hsgd_fail(m->ctx, EINVAL, "model \"%s\": \"%s\" is %s, and cannot be %s", m->name, f->name,
                     type_text(open).text, type_text(t).text);
}

static bool has_types(const struct hsgd_model *m, const struct hsgd_type *field)
{
    for (int i = 0; i < m->nfields; i++) {
        const struct hsgd_type *t = &m->value[m->field[i].value].type;
        if (!sizes_fit(t, &field[i]) || !sizes_fit(&field[i], t)) return false;
    }
    return true;
}

/* Parameters are made once, and a session's cache lasts from size to size. */
static int check_unchanged(const struct hsgd_model *m, int node, const struct hsgd_node *now)
{
    const struct hsgd_node *was = &m->node[node].info;
    bool same = now->params == was->params && now->outputs == was->outputs;
    for (int i = 0; same && i < now->params; i++) same = spec_size(&now->param[i]) == spec_size(&was->param[i]);
    const char *why = same ? "its cache depends on open sizes" : "its parameters depend on open sizes";
    return same && now->cache == was->cache ? 0 : graph_refuse(m, node, EINVAL, m->node[node].op->name, why);
}

static int infer_again(struct hsgd_model *m, int node)
{
    struct node *n = &m->node[node];
    struct hsgd_node now = { .attributes = n->attributes, .inputs = n->info.inputs };
    char why[200] = "";
    for (int i = 0; i < now.inputs; i++) now.in[i] = m->value[n->in[i]].type;
    int err = n->op->infer(&now, why, sizeof why) ? graph_refuse(m, node, EINVAL, n->op->name, why) : 0;
    if (!err) err = check_unchanged(m, node, &now);
    if (err) return err;
    n->info = now;
    for (int i = 0; i < now.outputs; i++) m->value[n->out[i]].type = now.out[i];
    return 0;
}

static void free_copy(struct hsgd_model *s)
{
    free(s->node);
    free(s->value);
    free(s);
}

static int fill_copy(struct hsgd_model *s, const struct hsgd_model *m, const struct hsgd_type *field)
{
    *s = *m;
    s->node = malloc((size_t)m->nnodes * sizeof *s->node);
    s->value = malloc((size_t)m->nvalues * sizeof *s->value);
    if (!s->node || !s->value) return hsgd_fail(m->ctx, ENOMEM, "out of memory");
    memcpy(s->node, m->node, (size_t)m->nnodes * sizeof *s->node);
    memcpy(s->value, m->value, (size_t)m->nvalues * sizeof *s->value);
    for (int i = 0; i < m->nfields; i++) s->value[m->field[i].value].type = field[i];
    s->in = type_shape(&field[0]);
    s->handles = NULL;
    s->sized = NULL;
    int err = 0;
    for (int i = 0; !err && i < m->nnodes; i++) err = infer_again(s, i);
    return err;
}

static struct hsgd_model *make(struct hsgd_model *m, const struct hsgd_type *field)
{
    struct hsgd_model *s = calloc(1, sizeof *s);
    if (!s) hsgd_fail(m->ctx, ENOMEM, "out of memory");
    if (s && fill_copy(s, m, field)) {
        free_copy(s);
        s = NULL;
    }
    if (!s) return NULL;
    s->of = m;
    s->next = m->sized;
    s->users = 1;
    return m->sized = s;
}

struct hsgd_model *sizes_model(struct hsgd_model *m, const struct hsgd_type *field)
{
    for (int i = 0; i < m->nfields; i++)
        if (check_field(m, &m->field[i], &field[i])) return NULL;
    if (has_types(m, field)) return m;
    struct hsgd_model *s = m->sized;
    while (s && !has_types(s, field)) s = s->next;
    for (int i = 0; s && i < m->nnodes; i++) s->node[i].frozen = m->node[i].frozen; /* changes between trainings */
    return s ? sizes_share(s) : make(m, field);
}

struct hsgd_model *sizes_share(struct hsgd_model *m)
{
    if (m->of) m->users++;
    return m;
}

void sizes_let_go(struct hsgd_model *m)
{
    if (!m || !m->of || --m->users) return;
    struct hsgd_model **at = &m->of->sized;
    while (*at != m) at = &(*at)->next;
    *at = m->next;
    free_copy(m);
}

int sizes_require(const struct hsgd_model *m, unsigned fields)
{
    for (int i = 0; i < m->nfields; i++) {
        const struct hsgd_type *t = &m->value[m->field[i].value].type;
        if (fields >> i & 1 && is_open(t))
            return hsgd_fail(m->ctx, EINVAL, "model \"%s\": the sizes of \"%s\", %s, must be given", m->name,
                             m->field[i].name, type_text(t).text);
    }
    return 0;
}

int64_t sizes_bytes(const struct hsgd_model *m)
{
    int64_t bytes = 0;
    for (int i = 0; i < m->nfields; i++) bytes += hsgd_type_bytes(&m->value[m->field[i].value].type);
    return bytes;
}
