/* SPDX-License-Identifier: BSD-3-Clause */
/* Weights that several nodes use, and weights that do not train. */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/distance.h"
#include "model.h"
#include "store.h"

/* ------------------------------------------------------------------ sharing */

/* The parameter of this name; -1: none. */
static int find_param(const struct node *n, const char *name)
{
    for (int p = 0; p < n->info.params; p++)
        if (!strcmp(n->info.param[p].name, name)) return p;
    return -1;
}

/* Who has each weight: nodes are in order, so that of another node's is known. */
static void find_owners(struct hsgd_model *m)
{
    for (int i = 0; i < m->nnodes; i++) {
        struct node *n = &m->node[i];
        n->lent = 0;
        for (int p = 0; p < n->info.params; p++) {
            int q = n->shares < 0 ? -1 : find_param(&m->node[n->shares], n->info.param[p].name);
            n->owner[p] = q < 0 ? (struct weight_owner){ i, p } : m->node[n->shares].owner[q];
            if (q >= 0) m->node[n->owner[p].node].lent |= param_bit(n->owner[p].param);
        }
    }
}

static void dims_text(const struct hsgd_param_spec *s, char *out, size_t size)
{
    int used = snprintf(out, size, s->rank ? "" : "1");
    for (int i = 0; i < s->rank; i++)
        used += snprintf(out + used, size - (size_t)used, "%s%d", i ? " x " : "", s->dim[i]);
}

/* Memory of one shape in one order, so that the file's tensor is the same, too. */
static bool is_alike(const struct hsgd_param_spec *a, const struct hsgd_param_spec *b)
{
    return a->rank == b->rank && !memcmp(a->dim, b->dim, (size_t)a->rank * sizeof *a->dim) &&
           a->in_order == b->in_order;
}

static int refuse_shapes(const struct hsgd_model *m, const struct node *n, const struct hsgd_param_spec *own,
                         const struct node *of, const struct hsgd_param_spec *other)
{
    char is[80], wants[80];
    dims_text(other, is, sizeof is);
    dims_text(own, wants, sizeof wants);
    return hsgd_fail(m->ctx, EINVAL,
                     "model \"%s\": \"%s\" (%s) has a %s of %s%s, and cannot use that of \"%s\" (%s), %s", m->name,
                     n->name, n->op->name, own->name, wants,
                     own->in_order == other->in_order ? "" : " in another order", of->name, of->op->name, is);
}

/* Whether the weights fit: some have the same name, and these are alike. */
static int check_weights(const struct hsgd_model *m, const struct node *n, const struct node *of)
{
    bool any = false;
    for (int p = 0; p < n->info.params; p++)
        if (n->info.param[p].is_state)
            return hsgd_fail(m->ctx, EINVAL, "model \"%s\": \"%s\" (%s) has states, which cannot be shared", m->name,
                             n->name, n->op->name);
    for (int p = 0; p < n->info.params; p++) {
        const struct hsgd_param_spec *own = &n->info.param[p];
        int q = find_param(of, own->name);
        if (q >= 0 && !is_alike(own, &of->info.param[q])) return refuse_shapes(m, n, own, of, &of->info.param[q]);
        any |= q >= 0;
    }
    if (any) return 0;
    return hsgd_fail(m->ctx, EINVAL, "model \"%s\": \"%s\" (%s) and \"%s\" (%s) have no weight of the same name",
                     m->name, n->name, n->op->name, of->name, of->op->name);
}

int graph_share(struct hsgd_model *m, int node, int of)
{
    struct node *n = node < 0 ? NULL : &m->node[node];
    if (!n || of < 0)
        return hsgd_fail(m->ctx, EINVAL, "model \"%s\": an input or target has no weights to be shared", m->name);
    if (of >= node)
        return hsgd_fail(m->ctx, EINVAL, "model \"%s\": \"%s\" can use weights of layers before it, not of \"%s\"",
                         m->name, n->name, m->node[of].name);
    if (n->shares >= 0)
        return hsgd_fail(m->ctx, EINVAL, "model \"%s\": \"%s\" already uses the weights of \"%s\"", m->name, n->name,
                         m->node[n->shares].name);
    int err = check_weights(m, n, &m->node[of]);
    if (err) return err;
    /* The sum over slices and uses would have to be made between two phases. */
    if (n->op->backward[0].emit && n->op->backward[1].emit)
        return hsgd_fail(m->ctx, EINVAL, "model \"%s\": %s meets between slices, and cannot share weights", m->name,
                         n->op->name);
    n->shares = of;
    find_owners(m);
    return 0;
}

param_set graph_own_params(const struct hsgd_model *m, int node)
{
    param_set own = 0;
    for (int p = 0; p < m->node[node].info.params; p++)
        if (m->node[node].owner[p].node == node) own |= param_bit(p);
    return own;
}

/* ----------------------------------------------------------------- freezing */

bool graph_trains(const struct hsgd_model *m, const struct node *n, int param)
{
    const struct weight_owner *o = &n->owner[param];
    return !n->info.param[param].is_state && !(m->node[o->node].frozen & param_bit(o->param));
}

bool model_weight_trains(const struct hsgd_model *m, const struct weight_place *w)
{
    return graph_trains(m, &m->node[w->node], w->param);
}

bool weight_name_matches(const char *pattern, const char *name) { return !fnmatch(pattern, name, FNM_NOESCAPE); }

bool model_has_weights_like(const struct hsgd_model *m, const char *pattern)
{
    struct weight_place w;
    char name[WEIGHT_NAME];
    for (int i = 0; model_weight(m, i, &w); i++) {
        model_weight_name(m, &w, name);
        if (!w.spec->is_state && weight_name_matches(pattern, name)) return true;
    }
    return false;
}

void model_nearest_weights(const struct hsgd_model *m, const char *pattern, char out[WEIGHT_NAMES])
{
    enum { NEAREST = 3 };
    _Static_assert(WEIGHT_NAMES >= NEAREST * (WEIGHT_NAME + 4), "the names fit");
    char name[NEAREST + 1][WEIGHT_NAME];
    int distance[NEAREST + 1], n = 0;
    struct weight_place w;
    for (int i = 0; model_weight(m, i, &w); i++) {
        char here[WEIGHT_NAME];
        int k = n, far;
        if (w.spec->is_state) continue;
        model_weight_name(m, &w, here);
        far = text_distance(pattern, here);
        for (; k > 0 && distance[k - 1] > far; k--) {
            distance[k] = distance[k - 1];
            memcpy(name[k], name[k - 1], WEIGHT_NAME);
        }
        distance[k] = far;
        memcpy(name[k], here, WEIGHT_NAME);
        if (n < NEAREST) n++;
    }
    *out = '\0';
    for (int i = 0; i < n; i++) {
        size_t used = strlen(out);
        snprintf(out + used, WEIGHT_NAMES - used, "%s\"%.*s\"", i ? ", " : "", WEIGHT_NAME - 1, name[i]);
    }
}

int graph_freeze(struct hsgd_model *m, const char *pattern, bool frozen)
{
    struct weight_place w;
    char name[WEIGHT_NAME], names[WEIGHT_NAMES];
    if (m->bound && m->bound->trained) return hsgd_fail(m->ctx, EBUSY, "model \"%s\" is in use by a trainer", m->name);
    if (!model_has_weights_like(m, pattern)) {
        model_nearest_weights(m, pattern, names);
        return hsgd_fail(m->ctx, EINVAL, "model \"%s\" has no weight \"%s\" to freeze; the nearest are %s", m->name,
                         pattern, *names ? names : "none");
    }
    for (int i = 0; model_weight(m, i, &w); i++) {
        param_set *all = &m->node[w.node].frozen, bit = param_bit(w.param);
        model_weight_name(m, &w, name);
        if (!w.spec->is_state && weight_name_matches(pattern, name)) *all = frozen ? *all | bit : *all & ~bit;
    }
    return 0;
}
