/* SPDX-License-Identifier: BSD-3-Clause */
#include "metrics.h"

#include <math.h>
#include <string.h>

static bool is_minimised(const struct node *n) { return n->op->is_loss && n->weight != 0; }

/* ------------------------------------------------------------------- finding */

static int add_metric(struct hsgd_model *m, const char *name, int node)
{
    if (node >= 0 && metric_find(m, name) >= 0)
        return hsgd_fail(m->ctx, EINVAL, "model \"%s\": a layer cannot be called \"%s\", which another figure is",
                         m->name, name);
    if (m->nmetrics == MAX_METRICS)
        return hsgd_fail(m->ctx, EINVAL, "model \"%s\" has more than %d losses and metrics", m->name, MAX_METRICS);
    m->metric[m->nmetrics++] = (struct metric){ name, node };
    return 0;
}

static bool has_metric(const struct hsgd_model *m, const char *name)
{
    for (const struct node *n = m->node; n < m->node + m->nnodes; n++)
        if (n->op->is_metric && !strcmp(n->name, name)) return true;
    return false;
}

/* One loss is the loss; of several each has a figure, too. */
static int find_metrics(struct hsgd_model *m)
{
    int losses = 0, err = 0;
    m->nmetrics = 0;
    for (int i = 0; i < m->nnodes; i++) losses += m->node[i].op->is_loss;
    if (m->loss >= 0) add_metric(m, "loss", -1);
    if (model_classes(m) && !has_metric(m, "accuracy")) add_metric(m, "accuracy", -1);
    for (int i = 0; !err && i < m->nnodes; i++) {
        const struct node *n = &m->node[i];
        if (n->op->is_metric || (n->op->is_loss && (losses > 1))) err = add_metric(m, n->name, i);
    }
    return err;
}

/* The first loss is the first. */
static int place_sums(struct hsgd_model *m)
{
    int64_t at = 0;
    for (int first = 1; first >= 0; first--)
        for (int i = 0; i < m->nnodes; i++) {
            struct node *n = &m->node[i];
            if (!op_is_end(n->op) || (i == m->loss) != (first == 1)) continue;
            n->sums = (int)at;
            at += (n->op->is_loss ? LOSS_POSITIONS + 1 : n->info.sums[HSGD_FORWARD][0]) + 3;
            at -= at % 4;
            if (at > MAX_SUMS)
                return hsgd_fail(m->ctx, EINVAL, "model \"%s\": its losses and metrics have more than %d sums (\"%s\")",
                                 m->name, MAX_SUMS, n->name);
        }
    m->nsums = (int)at;
    return 0;
}

static int check_losses(const struct hsgd_model *m)
{
    int n = 0;
    for (const struct node *l = m->node; l < m->node + m->nnodes; l++) {
        n += is_minimised(l);
        if (!is_minimised(l) || l->info.terms) continue;
        if (!l->op->count)
            return hsgd_fail(m->ctx, EINVAL, "layer \"%s\": %s has neither a number of terms nor count()", l->name,
                             l->op->name);
        bool known = l->info.inputs > 1;
        for (int i = 1; i < l->info.inputs; i++) known = known && value_given(m, l->in[i]);
        if (!known)
            return hsgd_fail(m->ctx, EINVAL, "layer \"%s\": its number of terms depends on what the model computes",
                             l->name);
    }
    if (n <= MAX_LOSSES) return 0;
    return hsgd_fail(m->ctx, EINVAL, "model \"%s\" minimises more than %d losses", m->name, MAX_LOSSES);
}

int metrics_find(struct hsgd_model *m)
{
    int err = check_losses(m);
    if (!err) err = place_sums(m);
    return err ? err : find_metrics(m);
}

/* ------------------------------------------------------------------- figures */

int metric_find(const struct hsgd_model *m, const char *name)
{
    for (int i = 0; i < m->nmetrics; i++)
        if (!strcmp(m->metric[i].name, name)) return i;
    return -1;
}

bool metric_less_is_better(const struct hsgd_model *m, int i)
{
    const struct metric *f = &m->metric[i];
    const struct hsgd_op *op = f->node < 0 ? NULL : m->node[f->node].op;
    return op ? op->is_loss || op->less_is_better : i == 0;
}

bool sums_have_terms(const struct hsgd_model *m, const double *sums)
{
    for (const struct node *n = m->node; n < m->node + m->nnodes; n++)
        if (is_minimised(n) && sums[n->sums + LOSS_TERMS] != 0) return true;
    return false;
}

/* A loss without terms adds nothing, as in its gradients. */
static double whole_loss(const struct hsgd_model *m, const double *sums)
{
    double loss = 0;
    for (const struct node *n = m->node; n < m->node + m->nnodes; n++) {
        const double *s = sums + n->sums;
        if (is_minimised(n) && s[LOSS_TERMS] != 0) loss += (double)n->weight * (s[LOSS_SUM] / s[LOSS_TERMS]);
    }
    return sums_have_terms(m, sums) ? loss : NAN;
}

double metric_value(const struct hsgd_model *m, int i, const double *sums)
{
    const struct metric *f = &m->metric[i];
    const struct node *n = &m->node[f->node < 0 ? m->loss : f->node];
    const double *s = sums + n->sums;
    if (f->node >= 0 && n->op->is_metric) return n->op->value(s, n->attributes);
    if (f->node < 0 && i == 0) return whole_loss(m, sums);
    if (f->node < 0) return s[LOSS_CORRECT] / s[n->info.sums[HSGD_FORWARD][0] > 3 ? LOSS_POSITIONS : LOSS_TERMS];
    return s[LOSS_SUM] / s[LOSS_TERMS];
}

double metric_named(const struct hsgd_model *m, const double *figure, const char *name)
{
    int i = metric_find(m, name);
    return i < 0 ? NAN : figure[i];
}

void metric_values(const struct hsgd_model *m, const double *sums, double *figure)
{
    for (int i = 0; i < m->nmetrics; i++) figure[i] = metric_value(m, i, sums);
}

const char *hsgd_model_metric_name(const struct hsgd_model *m, int i)
{
    return m && m->finished && i >= 0 && i < m->nmetrics ? m->metric[i].name : NULL;
}

/* What an operation makes of a target depends on its values. */
static bool computes_with(const struct hsgd_model *m, const struct node *n, const struct model_field *f)
{
    bool reads = false;
    for (int i = 0; i < n->info.inputs; i++) reads = reads || value_field(m, n->in[i]) == f;
    return reads && f->is_target && !op_is_end(n->op) && !n->op->is_view;
}

const struct node *field_reader_as_is(const struct hsgd_model *m, const struct model_field *f)
{
    for (const struct node *n = m->node; n < m->node + m->nnodes; n++)
        if (computes_with(m, n, f) || (node_target(m, n) == f && !n->op->measures_values)) return n;
    return NULL;
}

/* ------------------------------------------------------------------ division */

static bool is_counted(const struct node *n) { return is_minimised(n) && !n->info.terms; }

int losses_counted(const struct hsgd_model *m)
{
    int n = 0;
    for (int i = 0; i < m->nnodes; i++) n += is_counted(&m->node[i]);
    return n;
}

int loss_counted(const struct hsgd_model *m, const struct node *n)
{
    int at = 0;
    for (const struct node *l = m->node; l < n; l++) at += is_counted(l);
    return is_counted(n) ? at : -1;
}

/* Of a loss with so many terms per sample. */
static float per_sample(const struct node *n) { return n->weight / (float)n->info.terms; }

float loss_factor(const struct hsgd_model *m, const struct node *n, int batch)
{
    if (is_counted(n)) return n->weight;
    return per_sample(n) / (losses_counted(m) ? (float)batch : per_sample(&m->node[m->loss]));
}

float loss_scale(const struct hsgd_model *m, int batch)
{
    return losses_counted(m) ? 1 : per_sample(&m->node[m->loss]) / (float)batch;
}
