/* SPDX-License-Identifier: BSD-3-Clause */
#include "model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attribute.h"
#include "lower.h"
#include "metrics.h"
#include "base/rng.h"
#include "base/sized.h"
#include "base/sha256.h"
#include "store.h"
#include "type_text.h"

/* A weight matrix of at least this many floats gets its gradient from cells
 * of its own, cut by rows, instead of from every slice. */
#define DEFER_FLOATS (96 * 1024)

void hsgd_model_destroy(struct hsgd_model **pm)
{
    struct hsgd_model *m = pm ? *pm : NULL;
    if (!m) return;
    graph_free(m);
    free(m->weights);
    free(m);
    *pm = NULL;
}

/* ------------------------------------------------------------- building */

/* The bucket: small parameters in the order of nodes, states, the deferred weights. */
enum part { SMALL, STATES, DEFERRED };

static enum part part_of(const struct hsgd_param_spec *spec, int p)
{
    if (spec->is_state) return STATES;
    return p == 0 && spec->split_rows > 0 && spec_size(spec) >= DEFER_FLOATS ? DEFERRED : SMALL;
}

static void place_params(struct hsgd_model *m, enum part part)
{
    for (int i = 0; i < m->nnodes; i++) {
        struct node *n = &m->node[i];
        for (int p = 0; p < n->info.params; p++) {
            if (part_of(&n->info.param[p], p) != part || n->owner[p].node != i) continue;
            n->param_offset[p] = m->floats;
            n->deferred |= part == DEFERRED;
            m->floats += (spec_size(&n->info.param[p]) + 15) / 16 * 16;
        }
    }
}

/* What is another node's lies there. */
static void place_shared(struct hsgd_model *m)
{
    for (struct node *n = m->node; n < m->node + m->nnodes; n++)
        for (int p = 0; p < n->info.params; p++)
            n->param_offset[p] = m->node[n->owner[p].node].param_offset[n->owner[p].param];
}

int model_require_finished(const struct hsgd_model *m)
{
    if (m->finished) return 0;
    if (m->err) return hsgd_fail(m->ctx, -m->err, "%s", m->why);
    return hsgd_fail(m->ctx, EINVAL, "model \"%s\" %s", m->name, m->loss < 0 ? "has no loss" : "is not finished");
}

int model_finish(struct hsgd_model *m)
{
    int err = lower_number(m);
    if (!err) err = metrics_find(m);
    if (err) return err;
    m->finished = true;
    m->in = type_shape(&m->value[m->field[0].value].type);
    m->floats = 0;
    place_params(m, SMALL);
    m->states_begin = m->floats;
    place_params(m, STATES);
    m->states_floats = m->floats - m->states_begin;
    m->small_floats = m->floats;
    place_params(m, DEFERRED);
    place_shared(m);
    int64_t memory = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    if (m->floats > memory / (int64_t)sizeof(float))
        return hsgd_fail(m->ctx, ENOMEM, "model \"%s\": %lld parameters do not fit into the memory of this machine",
                         m->name, (long long)m->floats);
    m->weights = aligned_alloc(64, (size_t)(m->floats + 16) * sizeof(float));
    if (!m->weights)
        return hsgd_fail(m->ctx, ENOMEM, "model \"%s\": no memory for %lld parameters", m->name, (long long)m->floats);
    memset(m->weights, 0, (size_t)(m->floats + 16) * sizeof(float));
    return hsgd_model_initialise(m, 0);
}

/* -------------------------------------------------------------- weights */

/* Uniform in +-bound: He sqrt(6/fan_in), Glorot sqrt(6/(fan_in+fan_out)).
 * Sources: He et al. 2015, Glorot & Bengio 2010. */
static void draw(float *w, const struct hsgd_param_spec *s, uint64_t key)
{
    int64_t n = spec_size(s);
    float bound = s->init == HSGD_INIT_ZERO ? 0.0f
                  : s->init == HSGD_INIT_HE ? sqrtf(6.0f / (float)s->fan_in)
                                            : sqrtf(6.0f / (float)(s->fan_in + s->fan_out));
    for (int64_t i = 0; i < n; i++) /* a zero is a product, too: its sign is a part of the digests of older trainings */
        w[i] = s->init == HSGD_INIT_ONE ? 1.0f : bound * (2.0f * hsgd_random_float(key, (uint64_t)i) - 1.0f);
}

int hsgd_model_initialise(struct hsgd_model *m, uint64_t seed)
{
    int err = ENTER(m ? m->ctx : NULL, m);
    if (!err) err = model_require_finished(m);
    if (err) return err;
    model_acquire(m, true);
    struct weight_place w;
    for (int i = 0; model_weight(m, i, &w); i++)
        draw(m->weights + w.offset, w.spec,
             hsgd_random(seed, ((uint64_t)m->node[w.node].number << 8) + (uint64_t)w.param + 1));
    model_release(m);
    return 0;
}

void model_acquire(struct hsgd_model *m, bool write)
{
    if (m->bound) parameters_acquire(m->ctx, m->bound, write);
}

void model_release(struct hsgd_model *m)
{
    if (m->bound) parameters_release(m->bound);
}

/* Parameter n of those that are a node's own, or of the others. */
static bool find_place(const struct hsgd_model *m, int n, bool own, struct weight_place *out)
{
    for (int i = 0; m && n >= 0 && i < m->nnodes; i++) {
        const struct node *from = &m->node[i];
        for (int p = 0; p < from->info.params; p++) {
            if ((from->owner[p].node == i) != own || n--) continue;
            *out = (struct weight_place){ &from->info.param[p], i, p, from->param_offset[p] };
            return true;
        }
    }
    return false;
}

bool model_weight(const struct hsgd_model *m, int n, struct weight_place *out) { return find_place(m, n, true, out); }

bool model_second_name(const struct hsgd_model *m, int n, struct weight_place *out)
{
    return find_place(m, n, false, out);
}

int hsgd_model_weight_count(const struct hsgd_model *m)
{
    int n = 0;
    for (int i = 0; m && i < m->nnodes; i++)
        for (int p = 0; p < m->node[i].info.params; p++) n += m->node[i].owner[p].node == i;
    return n;
}

void model_weight_name(const struct hsgd_model *m, const struct weight_place *w, char name[WEIGHT_NAME])
{
    snprintf(name, WEIGHT_NAME, "%s.%s", m->node[w->node].name, w->spec->name);
}

const char *hsgd_model_weight_name(const struct hsgd_model *m, int i)
{
    static _Thread_local char name[WEIGHT_NAME];
    struct weight_place w;
    if (!model_weight(m, i, &w)) return NULL;
    model_weight_name(m, &w, name);
    return name;
}

/* name may be what hsgd_model_weight_name() returned. */
static bool find_weight(const struct hsgd_model *m, const char *name, struct weight_place *out)
{
    char candidate[WEIGHT_NAME];
    for (int i = 0; model_weight(m, i, out); i++) {
        model_weight_name(m, out, candidate);
        if (!strcmp(candidate, name)) return true;
    }
    return false;
}

int64_t hsgd_model_weight_size(struct hsgd_model *m, const char *name)
{
    struct weight_place w;
    int err = ENTER(m ? m->ctx : NULL, m, name);
    if (err) return err;
    if (!find_weight(m, name, &w)) return hsgd_fail(m->ctx, EINVAL, "model \"%s\" has no weight \"%s\"", m->name, name);
    return spec_size(w.spec);
}

static int check_access(struct hsgd_model *m, const char *name, int64_t count, struct weight_place *w)
{
    int64_t size = hsgd_model_weight_size(m, name);
    if (size < 0) return (int)size;
    if (size != count)
        return hsgd_fail(m->ctx, EINVAL, "weight \"%s\" has %lld floats, not %lld", name, (long long)size,
                         (long long)count);
    find_weight(m, name, w);
    return 0;
}

int hsgd_model_get_weight(struct hsgd_model *m, const char *name, float *out, int64_t count)
{
    struct weight_place w;
    int err = ENTER(m ? m->ctx : NULL, m, name, out);
    if (!err) err = check_access(m, name, count, &w);
    if (err) return err;
    model_acquire(m, false);
    memcpy(out, m->weights + w.offset, (size_t)count * sizeof *out);
    model_release(m);
    return 0;
}

int hsgd_model_set_weight(struct hsgd_model *m, const char *name, const float *in, int64_t count)
{
    struct weight_place w;
    int err = ENTER(m ? m->ctx : NULL, m, name, in);
    if (!err) err = check_access(m, name, count, &w);
    if (err) return err;
    model_acquire(m, true);
    memcpy(m->weights + w.offset, in, (size_t)count * sizeof *in);
    model_release(m);
    return 0;
}

int64_t hsgd_model_parameters(const struct hsgd_model *m)
{
    int64_t n = 0;
    struct weight_place w;
    for (int i = 0; model_weight(m, i, &w); i++) n += spec_size(w.spec);
    return n;
}

const char *hsgd_model_name(const struct hsgd_model *m) { return m ? m->name : NULL; }

struct hsgd_shape hsgd_model_input(const struct hsgd_model *m) { return m ? m->in : (struct hsgd_shape){ 0 }; }
int hsgd_model_outputs(const struct hsgd_model *m)
{
    if (!m || !m->finished) return 0;
    return (int)hsgd_type_size(&m->value[m->loss < 0 ? m->result[0].value : m->node[m->loss].in[0]].type);
}

const struct model_field *value_field(const struct hsgd_model *m, int value)
{
    const struct value *v = &m->value[value];
    while (v && v->node >= 0) v = m->node[v->node].op->is_view ? &m->value[m->node[v->node].in[0]] : NULL;
    return v ? &m->field[v->field] : NULL;
}

bool value_given(const struct hsgd_model *m, int value)
{
    const struct value *v = &m->value[value];
    if (v->node < 0) return true;
    const struct node *n = &m->node[v->node];
    const struct hsgd_phase *phase = n->op->forward;
    bool given = !n->info.params && !n->info.kept && !n->op->evaluate;
    given = given && !phase[1].emit && !phase[0].once && !n->info.sums[HSGD_FORWARD][0];
    for (int i = 0; given && i < n->info.inputs; i++) given = value_given(m, n->in[i]);
    return given;
}

const struct model_field *node_target(const struct hsgd_model *m, const struct node *n)
{
    return op_is_end(n->op) && n->info.inputs > 1 ? value_field(m, n->in[1]) : NULL;
}

/* One target for all channels is the right one of them; otherwise each has its own, 0 or 1. */
int node_classes(const struct hsgd_model *m, const struct node *n)
{
    const struct hsgd_type *scores = &n->info.in[0], *target = &n->info.in[1];
    if (!node_target(m, n) || target->dtype != HSGD_I32 || n->op->pads_targets) return 0;
    bool open = hsgd_type_is_open(scores, scores->rank) || hsgd_type_is_open(target, target->rank);
    bool one = open ? target->rank < scores->rank : hsgd_type_size(target) == hsgd_type_positions(scores);
    return one && hsgd_type_channels(scores) > 1 ? hsgd_type_channels(scores) : 2;
}

bool node_ignores(const struct node *n, int class)
{
    const struct hsgd_attribute *has = attribute_find(n->op, "has_ignore"), *which = attribute_find(n->op, "ignore");
    const char *a = n->attributes;
    return has && which && *(const bool *)(a + has->offset) && *(const int *)(a + which->offset) == class;
}

const struct model_field *model_loss_field(const struct hsgd_model *m) { return node_target(m, &m->node[m->loss]); }

int model_classes(const struct hsgd_model *m) { return m->loss < 0 ? 0 : node_classes(m, &m->node[m->loss]); }

/* Flops are not known as long as a size is open. */
static void count_flops(const struct hsgd_node *n, struct hsgd_model_layer *out)
{
    bool open = false;
    for (int i = 0; i < n->inputs; i++) open |= hsgd_type_is_open(&n->in[i], n->in[i].rank);
    for (int i = 0; i < n->outputs; i++) open |= hsgd_type_is_open(&n->out[i], n->out[i].rank);
    out->forward_flops = open ? 0 : n->forward_flops;
    out->backward_flops = open ? 0 : n->backward_flops;
}

int64_t model_cache(const struct hsgd_model *m, int node)
{
    int64_t floats = 0;
    for (int i = 0; i < node; i++) floats += m->node[i].info.cache;
    return floats;
}

static void count_params(const struct hsgd_model *m, int node, struct hsgd_model_layer *out)
{
    const struct node *n = &m->node[node];
    for (int p = 0; p < n->info.params; p++) {
        const struct hsgd_param_spec *s = &n->info.param[p];
        if (n->owner[p].node != node) continue;
        out->parameters += spec_size(s);
        out->states += s->is_state ? spec_size(s) : 0;
        out->frozen += s->is_state || graph_trains(m, n, p) ? 0 : spec_size(s);
    }
    if (n->shares >= 0) snprintf(out->weights_of, sizeof out->weights_of, "%s", m->node[n->shares].name);
}

int hsgd_model_layer_get(const struct hsgd_model *m, int i, struct hsgd_model_layer *out, size_t size)
{
    if (!m || i < 0 || i >= m->nnodes) return -EINVAL;
    const struct node *n = &m->node[i];
    struct hsgd_model_layer full = { .inputs = n->info.inputs, .outputs = n->info.outputs, .is_view = n->op->is_view };
    _Static_assert(sizeof full.from[0] == VALUE_NAME, "names are not cut");
    snprintf(full.name, sizeof full.name, "%s", n->name);
    snprintf(full.op, sizeof full.op, "%s", n->op->name);
    for (int k = 0; k < n->info.inputs; k++) graph_value_name(m, n->in[k], full.from[k]);
    memcpy(full.in, n->info.in, sizeof full.in);
    memcpy(full.out, n->info.out, sizeof full.out);
    count_params(m, i, &full);
    count_flops(&n->info, &full);
    return SIZED_GIVE(m->ctx, hsgd_model_layer, out, size, &full);
}

int hsgd_model_fields(const struct hsgd_model *m) { return m ? m->nfields : 0; }

int hsgd_model_field_get(const struct hsgd_model *m, int i, struct hsgd_model_field *out, size_t size)
{
    if (!m || i < 0 || i >= m->nfields) return -EINVAL;
    const struct model_field *f = &m->field[i];
    struct hsgd_model_field full = { .type = m->value[f->value].type, .is_target = f->is_target };
    snprintf(full.name, sizeof full.name, "%s", f->name);
    return SIZED_GIVE(m->ctx, hsgd_model_field, out, size, &full);
}

int hsgd_model_layers(const struct hsgd_model *m) { return m ? m->nnodes : 0; }

int hsgd_model_digest(struct hsgd_model *m, char hex[65])
{
    struct sha256 s;
    struct weight_place w;
    int err = ENTER(m ? m->ctx : NULL, m, hex);
    if (!err) err = model_require_finished(m);
    if (err) return err;
    sha256_begin(&s);
    model_acquire(m, false);
    for (int i = 0; model_weight(m, i, &w); i++)
        sha256_add(&s, m->weights + w.offset, (size_t)spec_size(w.spec) * sizeof *m->weights);
    model_release(m);
    sha256_end(&s, hex);
    return 0;
}
