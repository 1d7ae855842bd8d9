/* SPDX-License-Identifier: BSD-3-Clause */
/* What a session gives and takes beside the model's inputs, by name. */
#include <hsgd/session.h>
#include <stdio.h>
#include <string.h>

#include "session.h"
#include "type_text.h"

static const char *const output = "output";

/* The value that model files call so. */
static int find_value(const struct hsgd_model *m, const char *name)
{
    char of[VALUE_NAME];
    for (int v = 0; v < m->nvalues; v++) {
        graph_value_name(m, v, of);
        if (!strcmp(of, name)) return v;
    }
    return -1;
}

/* The same of what a node makes. */
static int find_made(const struct hsgd_model *m, const char *name)
{
    int value = find_value(m, name);
    return value < 0 || m->value[value].node < 0 ? -1 : value;
}

/* The value that the model names so as a result. */
static int find_result(const struct hsgd_model *m, const char *name)
{
    for (int i = 0; i < m->nresults; i++)
        if (!strcmp(m->result[i].name, name)) return m->result[i].value;
    return -1;
}

/* Adds the result of this name. */
static int add_result(struct hsgd_session *s, const char *name)
{
    const struct hsgd_model *m = s->store.model;
    struct session_result *r = &s->result[s->nresults];
    int value = find_result(m, name);
    if (s->nresults == MAX_RESULTS) return hsgd_fail(s->ctx, EINVAL, "a session has at most %d results", MAX_RESULTS);
    *r = (struct session_result){ 0 };
    if (value < 0 && !strcmp(name, output)) {
        value = m->loss < 0 ? m->result[0].value : m->node[m->loss].in[0];
        r->prediction = m->loss < 0 ? NULL : m->node[m->loss].op->prediction;
    }
    if (value < 0) value = find_made(m, name);
    if (value < 0) return hsgd_fail(s->ctx, EINVAL, "model \"%s\" has no result \"%s\"", m->name, hsgd_show(name).text);
    snprintf(r->name, sizeof r->name, "%s", name);
    r->type = m->value[value].type;
    s->value[s->nresults++] = value;
    return 0;
}

/* Adds the gradient by the value of this name. */
static int add_gradient(struct hsgd_session *s, const char *name)
{
    const struct hsgd_model *m = s->store.model;
    struct session_result *r = &s->result[s->nresults + s->nby];
    int value = find_value(m, name);
    if (s->nby == MAX_RESULTS) return hsgd_fail(s->ctx, EINVAL, "a session has at most %d gradients", MAX_RESULTS);
    if (value < 0) return hsgd_fail(s->ctx, EINVAL, "model \"%s\" has no value \"%s\"", m->name, hsgd_show(name).text);
    *r = (struct session_result){ .type = m->value[value].type };
    if (r->type.dtype != HSGD_F32)
        return hsgd_fail(s->ctx, EINVAL, "a gradient is by 32-bit floats, and \"%s\" is %s", name,
                         type_text(&r->type).text);
    snprintf(r->name, sizeof r->name, "gradient by %.*s", (int)sizeof r->name - 13, name);
    s->value[s->nresults + s->nby++] = value;
    return 0;
}

/* Gradients are of what the device computes. */
static int add_gradients(struct hsgd_session *s, const char *const *name)
{
    int err = 0;
    for (int i = 0; !err && name && name[i]; i++) err = add_gradient(s, name[i]);
    for (int i = 0; !err && s->nby && i < s->nresults; i++) {
        struct session_result *r = &s->result[i];
        r->prediction = NULL;
        if (r->type.dtype != HSGD_F32)
            err = hsgd_fail(s->ctx, EINVAL, "a gradient is of 32-bit floats, and result \"%s\" is %s", r->name,
                            type_text(&r->type).text);
    }
    if (s->nby) s->cache.floats = 0;
    return err;
}

/* Adds a value that is given in place of what its node makes. */
static int add_given(struct hsgd_session *s, const char *name)
{
    const struct hsgd_model *m = s->store.model;
    int at = s->nresults + s->nby + s->ngiven, value = find_result(m, name);
    if (value < 0 || m->value[value].node < 0) value = find_made(m, name);
    if (s->ngiven == MAX_RESULTS) return hsgd_fail(s->ctx, EINVAL, "a session is given at most %d values", MAX_RESULTS);
    if (value < 0)
        return hsgd_fail(s->ctx, EINVAL, "no node of model \"%s\" makes \"%s\"", m->name, hsgd_show(name).text);
    int outputs = m->node[m->value[value].node].info.outputs;
    if (outputs > 1) return hsgd_fail(s->ctx, EINVAL, "\"%s\" cannot be given: its node has %d outputs", name, outputs);
    s->result[at] = (struct session_result){ .type = m->value[value].type };
    snprintf(s->result[at].name, sizeof s->result[at].name, "%s", name);
    s->value[at] = value;
    s->ngiven++;
    return 0;
}

static int add_givens(struct hsgd_session *s, const char *const *name)
{
    int err = 0;
    for (int i = 0; !err && name && name[i]; i++) err = add_given(s, name[i]);
    return err;
}

static int add_results(struct hsgd_session *s, const char *const *name)
{
    const struct hsgd_model *m = s->store.model;
    int err = 0;
    for (int i = 0; !err && name && name[i]; i++) err = add_result(s, name[i]);
    for (int i = 0; !err && !name && i < m->nresults; i++) err = add_result(s, m->result[i].name);
    if (!err && !name && !m->nresults) err = add_result(s, output);
    if (!err && !s->nresults) err = hsgd_fail(s->ctx, EINVAL, "a session needs a result");
    return err;
}

int session_take_names(struct hsgd_session *s, const struct hsgd_session_options *o)
{
    int err = add_results(s, o->result);
    if (!err) err = add_gradients(s, o->gradient);
    return err ? err : add_givens(s, o->given);
}
