/* SPDX-License-Identifier: BSD-3-Clause */
/* The calls that build a graph.  The first error stays with the model. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "types.h"

struct hsgd_model *hsgd_model_create(struct hsgd_context *ctx, const char *name)
{
    if (ENTER(ctx, ctx, name)) return NULL;
    struct hsgd_model *m = calloc(1, sizeof *m);
    if (!m) {
        hsgd_fail(ctx, ENOMEM, "out of memory");
        return NULL;
    }
    *m = (struct hsgd_model){ .ctx = ctx, .loss = -1 };
    snprintf(m->name, sizeof m->name, "%s", name);
    return m;
}

/* ------------------------------------------------------------------ errors */

/* Keeps the context's sentence, if it is the first. */
static void *keep_error(struct hsgd_model *m, int err)
{
    if (m->err) return NULL;
    m->err = err;
    _Static_assert(sizeof m->why >= sizeof m->ctx->error, "no sentence is cut");
    memcpy(m->why, m->ctx->error, sizeof m->ctx->error);
    return NULL;
}

static bool building(struct hsgd_model *m)
{
    if (!m || m->err || ENTER(m->ctx, m)) return false;
    if (!m->finished) return true;
    hsgd_fail(m->ctx, EINVAL, "model \"%s\" is finished", m->name);
    return false;
}

static struct hsgd_value *handle(struct hsgd_model *m, int node, int value)
{
    struct hsgd_value *h = malloc(sizeof *h);
    if (!h) return keep_error(m, hsgd_fail(m->ctx, ENOMEM, "out of memory"));
    *h = (struct hsgd_value){ m, node, value, m->handles };
    m->handles = h;
    return h;
}

/* ------------------------------------------------------------------ fields */

static struct hsgd_value *add_field(struct hsgd_model *m, const char *name, const struct hsgd_type *type, bool target)
{
    if (!building(m)) return NULL;
    const struct hsgd_type least = type_least(type);
    int err = ENTER(m->ctx, name);
    if (!err && !type_is_valid(&least, MAX_SAMPLE))
        err = hsgd_fail(m->ctx, EINVAL, "model \"%s\": the type of \"%s\" is not valid", m->name, name);
    for (int i = 0; !err && i < m->nfields; i++)
        if (!strcmp(m->field[i].name, name))
            err = hsgd_fail(m->ctx, EINVAL, "model \"%s\": two inputs or targets are called \"%s\"", m->name, name);
    int value = err ? err : graph_add_field(m, name, type, target);
    return value < 0 ? keep_error(m, value) : handle(m, -1, value);
}

struct hsgd_value *hsgd_input(struct hsgd_model *m, const char *name, struct hsgd_type type)
{
    return add_field(m, name, &type, false);
}

struct hsgd_value *hsgd_target(struct hsgd_model *m, const char *name, struct hsgd_type type)
{
    return add_field(m, name, &type, true);
}

/* --------------------------------------------------------------- operations */

static struct hsgd_model *model_of(int n, struct hsgd_value *const *in)
{
    for (int i = 0; in && i < n; i++)
        if (in[i]) return in[i]->model;
    return NULL;
}

/* The values' numbers. */
static int numbers_of(struct hsgd_model *m, const char *op, int n, struct hsgd_value *const *in, int *out)
{
    for (int i = 0; i < n && i < HSGD_MAX_INPUTS; i++) {
        const char *wrong = !in[i]              ? "is NULL"
                            : in[i]->model != m ? "is of another model"
                            : in[i]->value < 0  ? "is a loss"
                                                : NULL;
        if (wrong) return hsgd_fail(m->ctx, EINVAL, "model \"%s\" (%s): input %d %s", m->name, op, i + 1, wrong);
        out[i] = in[i]->value;
    }
    return n > HSGD_MAX_INPUTS ? hsgd_fail(m->ctx, EINVAL, "model \"%s\" (%s): %d inputs are too many", m->name, op, n)
                               : 0;
}

struct hsgd_value *hsgd_apply(const struct hsgd_op *op, const char *name, const void *attributes, int n,
                              struct hsgd_value *const *in)
{
    struct hsgd_model *m = model_of(n, in);
    int numbers[HSGD_MAX_INPUTS];
    if (!building(m)) return NULL;
    int err = numbers_of(m, op && op->name ? op->name : "?", n, in, numbers);
    int node = err ? err : graph_add(m, op, attributes, n, numbers, name);
    if (node < 0) return keep_error(m, node);
    return handle(m, node, m->node[node].info.outputs ? m->node[node].out[0] : -1);
}

struct hsgd_value *hsgd_output(struct hsgd_value *v, int i)
{
    struct hsgd_model *m = v ? v->model : NULL;
    if (!building(m)) return NULL;
    int outputs = v->node < 0 ? 0 : m->node[v->node].info.outputs;
    if (i >= 0 && i < outputs) return handle(m, v->node, m->node[v->node].out[i]);
    return keep_error(m, hsgd_fail(m->ctx, EINVAL, "model \"%s\": an operation has %d outputs, and no output %d",
                                   m->name, outputs, i));
}

int hsgd_type_of(const struct hsgd_value *v, struct hsgd_type *type)
{
    if (!v || !type || v->value < 0) return -EINVAL;
    *type = v->model->value[v->value].type;
    return 0;
}

/* ------------------------------------------------------------------- scopes */

void hsgd_enter(struct hsgd_model *m, const char *format, ...)
{
    if (!building(m) || !format) return;
    size_t used = strlen(m->scope);
    va_list args;
    va_start(args, format);
    int more = vsnprintf(m->scope + used, sizeof m->scope - used, format, args);
    va_end(args);
    if (more < 1 || used + (size_t)more + 2 > sizeof m->scope) {
        m->scope[used] = 0;
        keep_error(m, hsgd_fail(m->ctx, EINVAL, "model \"%s\": a scope's name is empty or too long", m->name));
        return;
    }
    strcat(m->scope, ".");
    m->scope[used + (size_t)more] = '\1'; /* dots of the name are not ends of a scope */
}

void hsgd_leave(struct hsgd_model *m)
{
    if (!building(m)) return;
    size_t used = strlen(m->scope);
    if (!used) {
        keep_error(m, hsgd_fail(m->ctx, EINVAL, "model \"%s\": there is no scope to leave", m->name));
        return;
    }
    do m->scope[--used] = 0;
    while (used && m->scope[used - 1] != '\1');
    if (used < m->recompute_scope) m->recompute_scope = 0, m->recompute = 0;
}

void hsgd_recompute(struct hsgd_model *m)
{
    if (!building(m) || m->recompute) return;
    m->recompute_scope = strlen(m->scope);
    if (m->recompute_scope) m->recompute = ++m->blocks;
    else
        keep_error(
            m, hsgd_fail(m->ctx, EINVAL, "model \"%s\": only a scope can be recomputed, and none is open", m->name));
}

/* ------------------------------------------------------------------ weights */

void hsgd_share(struct hsgd_value *v, const struct hsgd_value *of)
{
    struct hsgd_model *m = v ? v->model : NULL;
    if (!building(m)) return;
    int err = ENTER(m->ctx, of);
    if (!err && of->model != m) err = hsgd_fail(m->ctx, EINVAL, "model \"%s\": weights of another model", m->name);
    if (!err) err = graph_share(m, v->node, of->node);
    if (err) keep_error(m, err);
}

int hsgd_model_freeze(struct hsgd_model *m, const char *weights, bool frozen)
{
    int err = ENTER(m ? m->ctx : NULL, m, weights);
    if (!err && m->err) err = model_require_finished(m);
    if (!err) err = graph_freeze(m, weights, frozen);
    if (err && m && !m->finished) keep_error(m, err);
    return err;
}

/* -------------------------------------------------------------------- ends */

static int add_loss(struct hsgd_model *m, const struct hsgd_value *v, float weight)
{
    struct node *n = v->node < 0 ? NULL : &m->node[v->node];
    if (!n || !n->op->is_loss) return hsgd_fail(m->ctx, EINVAL, "model \"%s\": that is no loss", m->name);
    if (n->weight != 0) return hsgd_fail(m->ctx, EINVAL, "model \"%s\": loss \"%s\" is given twice", m->name, n->name);
    if (!(weight >= 0) || !isfinite(weight))
        return hsgd_fail(m->ctx, EINVAL, "model \"%s\": the weight of loss \"%s\" must be 0 or more, not %g", m->name,
                         n->name, (double)weight);
    n->weight = weight;
    if (weight > 0 && m->loss < 0) m->loss = v->node;
    return 0;
}

void hsgd_weighted_loss(struct hsgd_value *v, float weight)
{
    struct hsgd_model *m = v ? v->model : NULL;
    if (!building(m)) return;
    int err = add_loss(m, v, weight);
    if (err) keep_error(m, err);
}

void hsgd_loss(struct hsgd_value *v) { hsgd_weighted_loss(v, 1); }

void hsgd_result(struct hsgd_value *v, const char *name)
{
    struct hsgd_model *m = v ? v->model : NULL;
    if (!building(m)) return;
    if (!name || v->value < 0 || m->nresults == MAX_RESULTS) {
        keep_error(m, hsgd_fail(m->ctx, EINVAL, "model \"%s\": a result %s", m->name,
                                !name          ? "has no name"
                                : v->value < 0 ? "is a loss"
                                               : "is one too many"));
        return;
    }
    struct named_value *r = &m->result[m->nresults++];
    snprintf(r->name, sizeof r->name, "%s", name);
    r->value = v->value;
}

int hsgd_model_finish(struct hsgd_model *m)
{
    int err = ENTER(m ? m->ctx : NULL, m);
    if (err) return err;
    if (m->finished) return hsgd_fail(m->ctx, EINVAL, "model \"%s\" is finished", m->name);
    return m->err || (m->loss < 0 && !m->nresults) ? model_require_finished(m) : model_finish(m);
}
