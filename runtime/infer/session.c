/* SPDX-License-Identifier: BSD-3-Clause */
#include "session.h"

#include <hsgd/session.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sized.h"
#include "model/lower.h"
#include "model/sizes.h"
#include "plan/emit_slice.h"
#include "type_text.h"

#define MAX_BATCH (1 << 20)
#define MAX_PLANS (1 << 16)

static const struct hsgd_session_options defaults = { .batch = 128, .plans = 8 };

int hsgd_session_defaults(struct hsgd_session_options *o, size_t size)
{
    static const struct hsgd_session_options zero;
    return SIZED_GIVE(NULL, hsgd_session_options, o, size, &zero);
}

/* ---------------------------------------------------------------- life cycle */

static int take_options(struct hsgd_context *ctx, const struct hsgd_session_options *given,
                        struct hsgd_session_options *o)
{
    int err = SIZED_TAKE(ctx, hsgd_session_options, o, given);
    if (err) return err;
    if (!ctx->ndevices)
        return hsgd_fail(ctx, EINVAL, "a session needs a device, and the context was created with devices \"none\"");
    if (o->batch < 0 || o->batch > MAX_BATCH)
        return hsgd_fail(ctx, EINVAL, "batch must be from 0 to %d, not %d", MAX_BATCH, o->batch);
    if (o->plans < 0 || o->plans > MAX_PLANS)
        return hsgd_fail(ctx, EINVAL, "plans must be from 0 to %d, not %d", MAX_PLANS, o->plans);
    if (o->executor < 0 || o->executor > HSGD_INSERT)
        return hsgd_fail(ctx, EINVAL, "executor must be from 0 to %d, not %d", HSGD_INSERT, (int)o->executor);
    return 0;
}

/* of NULL: on the model's own parameters. */
static int open_with(struct hsgd_session *s, struct hsgd_model *model, const struct store *of,
                     const struct hsgd_session_options *o)
{
    *s = (struct hsgd_session){ .batch = o->batch ? o->batch : defaults.batch,
                                .executor = o->executor,
                                .plans.most = o->plans ? o->plans : defaults.plans };
    int err = of ? store_open_same(&s->store, of) : store_open(&s->store, model, STORE_READS);
    if (err) return err;
    s->ctx = model->ctx;
    s->cache.floats = model_cache(model, model->nnodes);
    for (int i = 0; i < model->nfields; i++)
        if (!model->field[i].is_target) s->input[s->ninputs++] = i;
    return 0;
}

int session_open(struct hsgd_session *s, struct hsgd_model *model, const struct hsgd_session_options *o)
{
    return open_with(s, model, NULL, o);
}

int session_open_on(struct hsgd_session *s, const struct store *of, const struct hsgd_session_options *o)
{
    return open_with(s, of->model, of, o);
}

void session_close(struct hsgd_session *s)
{
    if (!s->ctx) return;
    context_begin(s->ctx);
    plan_cache_close(&s->plans);
    session_cache_close(s);
    store_close(&s->store);
    context_end(s->ctx);
    s->ctx = NULL;
}

/* ------------------------------------------------------------------- fields */

/* Which fields the results depend on. */
static int find_fields(struct hsgd_session *s)
{
    const struct hsgd_model *m = s->store.model;
    const struct wanted wanted = session_wanted(s);
    struct lowered l;
    if (!lower(&l, m, &wanted)) return hsgd_fail(s->ctx, ENOMEM, "out of memory");
    s->fields = l.fields;
    const struct node *without = NULL;
    for (int i = 0; s->nby && i < l.nnodes; i++)
        if (l.node[i].trains && !l.node[i].skipped && l.node[i].op->evaluate && !l.node[i].op->evaluate_backward)
            without = l.node[i].of;
    lower_free(&l);
    if (without)
        return hsgd_fail(s->ctx, EINVAL, "node \"%s\": %s has no gradient outside training", without->name,
                         without->op->name);
    for (int i = 0; i < m->nfields; i++)
        if (m->field[i].is_target && s->fields & 1u << i)
            return hsgd_fail(s->ctx, EINVAL, "a result of model \"%s\" depends on the target \"%s\"", m->name,
                             m->field[i].name);
    return 0;
}

struct hsgd_session *hsgd_session_create(struct hsgd_model *model, const struct hsgd_session_options *options)
{
    struct hsgd_session_options o = { 0 };
    if (ENTER(model ? model->ctx : NULL, model) || take_options(model->ctx, options, &o)) return NULL;
    struct hsgd_session *s = calloc(1, sizeof *s);
    if (!s) {
        hsgd_fail(model->ctx, ENOMEM, "out of memory");
        return NULL;
    }
    if (session_open(s, model, &o) || session_take_names(s, &o) || find_fields(s)) hsgd_session_destroy(&s);
    return s;
}

void hsgd_session_destroy(struct hsgd_session **ps)
{
    struct hsgd_session *s = ps ? *ps : NULL;
    if (!s) return;
    *ps = NULL;
    if (s->ctx && context_is_orphan(s->ctx)) return; /* a copy, whose threads are not there to be waited for */
    session_close(s);
    free(s);
}

/* --------------------------------------------------------------------- sizes */

int hsgd_session_set_types(struct hsgd_session *s, int n, const struct hsgd_type *input)
{
    int err = ENTER(s ? s->ctx : NULL, s, input);
    if (err) return err;
    const struct hsgd_model *m = s->store.model;
    struct hsgd_type field[MAX_MODEL_FIELDS];
    if (n != s->ninputs) return hsgd_fail(s->ctx, EINVAL, "the session has %d inputs, not %d", s->ninputs, n);
    for (int i = 0; i < m->nfields; i++) field[i] = m->value[m->field[i].value].type;
    for (int i = 0; i < n; i++) field[s->input[i]] = input[i];
    err = store_set_types(&s->store, field);
    for (int i = 0; !err && i < s->nresults + s->nby + s->ngiven; i++)
        s->result[i].type = s->store.sized->value[s->value[i]].type;
    return err;
}

/* ------------------------------------------------------------------- running */

/* Inputs behind those of the model: gradients of the results, then values that are given. */
static int seeds(const struct hsgd_session *s) { return s->nby ? s->nresults : 0; }
static int extra_inputs(const struct hsgd_session *s) { return seeds(s) + s->ngiven; }
static const struct session_result *extra_input(const struct hsgd_session *s, int i)
{
    return &s->result[i < seeds(s) ? i : s->nresults + s->nby + i - seeds(s)];
}

struct extra_name {
    char text[64];
};
static struct extra_name extra_name(const struct hsgd_session *s, int i)
{
    struct extra_name n;
    const char *name = extra_input(s, i)->name;
    if (i < seeds(s)) snprintf(n.text, sizeof n.text, "gradient of %.*s", (int)sizeof n.text - 13, name);
    else snprintf(n.text, sizeof n.text, "%s", name);
    return n;
}

/* Samples being computed; at: the first of the window. */
struct run {
    struct hsgd_session *s;
    const void *const *input;
    void *const *result;
    int64_t at;
    int batch;
};

static void fill(void *user, int step, int first_row, int rows, void *const *field)
{
    const struct run *r = user;
    const struct hsgd_model *m = r->s->store.sized;
    int64_t first = r->at + (int64_t)step * r->batch + first_row;
    for (int i = 0; i < r->s->ninputs; i++) {
        int f = r->s->input[i];
        int64_t bytes = hsgd_type_bytes(&m->value[m->field[f].value].type);
        if (field[f]) memcpy(field[f], (const char *)r->input[i] + first * bytes, (size_t)(rows * bytes));
    }
    for (int i = 0; i < extra_inputs(r->s); i++) {
        int64_t bytes = hsgd_type_bytes(&extra_input(r->s, i)->type);
        memcpy(field[m->nfields + i], (const char *)r->input[r->s->ninputs + i] + first * bytes,
               (size_t)(rows * bytes));
    }
}

static void read_slice(const struct run *r, const struct plan *p, const struct slice *s, int steps)
{
    struct buffer *b = p->buffer[s->partial];
    int64_t stride = slice_result(p, s->rows, plan_outputs(p));
    buffer_acquire(p->ctx, b, BUFFER_READ);
    for (int step = 0; step < steps; step++)
        for (int i = 0; i < plan_outputs(p); i++) {
            int64_t bytes = hsgd_type_bytes(&r->s->result[i].type);
            int64_t first = r->at + (int64_t)step * r->batch + s->first_row;
            const float *from = (const float *)b->memory + step * stride + slice_result(p, s->rows, i);
            if (r->result[i]) memcpy((char *)r->result[i] + first * bytes, from, (size_t)(s->rows * bytes));
        }
    buffer_release(b);
}

static void read_results(void *user, const struct plan *p, int steps)
{
    for (int i = 0; i < p->nslices; i++) read_slice(user, p, &p->slice[i], steps);
}

static int check_run(const struct hsgd_session *s, int64_t n, const void *const *input)
{
    const struct hsgd_model *m = s->store.model;
    if (n < 1) return hsgd_fail(s->ctx, EINVAL, "a session runs on at least 1 sample, not %lld", (long long)n);
    int err = sizes_require(s->store.sized, s->fields);
    if (err) return err;
    for (int i = 0; i < s->ninputs; i++)
        if (!input[i] && s->fields & 1u << s->input[i])
            return hsgd_fail(s->ctx, EINVAL, "input %d (%s) is NULL", i, m->field[s->input[i]].name);
    for (int i = 0; i < extra_inputs(s); i++) {
        const struct hsgd_type *t = &extra_input(s, i)->type;
        if (hsgd_type_is_open(t, t->rank))
            return hsgd_fail(s->ctx, EINVAL, "input %d (%s): its sizes are open: hsgd_session_set_types() gives them",
                             s->ninputs + i, extra_name(s, i).text);
        if (!input[s->ninputs + i])
            return hsgd_fail(s->ctx, EINVAL, "input %d (%s) is NULL", s->ninputs + i, extra_name(s, i).text);
    }
    return 0;
}

/* In windows of whole batches, and what is left. */
static int run_all(struct run *r, int64_t n)
{
    struct batch_source source = { fill, r };
    struct session_reader reader = { read_results, r };
    int err = 0;
    while (!err && r->at < n) {
        if (r->batch > n - r->at) r->batch = (int)(n - r->at);
        int64_t full = (n - r->at) / r->batch;
        int steps = full < SESSION_STEPS ? (int)full : SESSION_STEPS;
        err = session_window(r->s, PLAN_PREDICT, r->batch, steps, &source, &reader);
        r->s->store.first_step += steps;
        r->at += (int64_t)steps * r->batch;
    }
    return err;
}

int hsgd_session_run(struct hsgd_session *s, int64_t n, const void *const *input, void *const *result)
{
    int err = ENTER(s ? s->ctx : NULL, s, input, result);
    if (!err) err = check_run(s, n, input);
    if (!err) err = session_cache_prepare(s, n);
    if (err) return err;
    struct run r = { .s = s, .input = input, .result = result, .batch = s->batch };
    err = run_all(&r, n);
    for (int i = 0; !err && i < s->nresults; i++) {
        const struct session_result *of = &s->result[i];
        if (of->prediction && result[i])
            of->prediction(result[i], n * hsgd_type_positions(&of->type), hsgd_type_channels(&of->type));
    }
    return err;
}

/* --------------------------------------------------------------------- views */

int hsgd_session_inputs(const struct hsgd_session *s) { return s ? s->ninputs + extra_inputs(s) : 0; }
int hsgd_session_results(const struct hsgd_session *s) { return s ? s->nresults + s->nby : 0; }

static int give_value(const struct hsgd_session *s, const char *what, int i, int n, const char *name,
                      const struct hsgd_type *type, struct hsgd_session_value *out, size_t size)
{
    struct hsgd_session_value full = { 0 };
    if (!name) return hsgd_fail(s->ctx, EINVAL, "the session has %ss 0 to %d, not %d", what, n - 1, i);
    snprintf(full.name, sizeof full.name, "%s", name);
    full.type = *type;
    return SIZED_GIVE(s->ctx, hsgd_session_value, out, size, &full);
}

int hsgd_session_input_get(const struct hsgd_session *s, int i, struct hsgd_session_value *out, size_t size)
{
    int err = ENTER(s ? s->ctx : NULL, s, out);
    if (err) return err;
    const struct hsgd_model *m = s->store.sized;
    const struct model_field *f = i >= 0 && i < s->ninputs ? &m->field[s->input[i]] : NULL;
    int n = hsgd_session_inputs(s);
    if (i < s->ninputs || i >= n)
        return give_value(s, "input", i, n, f ? f->name : NULL, f ? &m->value[f->value].type : NULL, out, size);
    const struct session_result *of = extra_input(s, i - s->ninputs);
    return give_value(s, "input", i, n, extra_name(s, i - s->ninputs).text, &of->type, out, size);
}

int hsgd_session_result_get(const struct hsgd_session *s, int i, struct hsgd_session_value *out, size_t size)
{
    int err = ENTER(s ? s->ctx : NULL, s, out);
    if (err) return err;
    int n = hsgd_session_results(s);
    const struct session_result *r = i >= 0 && i < n ? &s->result[i] : NULL;
    return give_value(s, "result", i, n, r ? r->name : NULL, r ? &r->type : NULL, out, size);
}

static int64_t bytes_of(const struct buffer *b) { return b->floats * (int64_t)sizeof(float); }

static void add_plan(const struct plan *p, struct hsgd_session_memory *m)
{
    for (int i = 0; i < p->nslices * p->slots; i++) m->inputs += bytes_of(p->slot_buffer[i]);
    for (int i = 0; i < p->nbuffers; i++) {
        bool is_result = false;
        for (int k = 0; k < p->nslices; k++) is_result |= p->slice[k].partial == i;
        if (p->buffer_plan[i].owned) *(is_result ? &m->results : &m->arena) += bytes_of(p->buffer[i]);
    }
}

int hsgd_session_memory_get(const struct hsgd_session *s, struct hsgd_session_memory *out, size_t size)
{
    int err = ENTER(s ? s->ctx : NULL, s, out);
    if (err) return err;
    struct hsgd_session_memory full = { .plans = s->plans.n, .cache = bytes_of(&s->cache.buffer) };
    for (int i = 0; i < s->store.nshards; i++) full.parameters += bytes_of(&s->store.param[i]);
    for (int i = 0; i < s->plans.n; i++) add_plan(s->plans.plan[i], &full);
    return SIZED_GIVE(s->ctx, hsgd_session_memory, out, size, &full);
}
