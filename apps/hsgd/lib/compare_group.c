/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups of runs that differ in their seeds only: means and standard deviations. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "comparison.h"
#include "message.h"

#define MAX_SHOWN 40 /* bytes of a value in a label */

/* ------------------------------------------------------------------ labels */

/* Shortens a text to at most `max` bytes, at the end of a character. */
static void cut(char *text, size_t max)
{
    if (strlen(text) <= max) return;
    while (max && ((unsigned char)text[max] & 0xc0) == 0x80) max--;
    text[max] = '\0';
}

/* The end of a long value: paths differ at their ends. */
static const char *end_of(const char *value)
{
    size_t n = strlen(value);
    if (n > MAX_SHOWN) value += n - MAX_SHOWN;
    while (((unsigned char)*value & 0xc0) == 0x80) value++;
    return value;
}

/* The options that have several values: "lr 0.1, algorithm stale". */
static void describe(const struct comparison *c, const struct trial *t, bool with_seed, char label[COMPARE_LABEL])
{
    char text[2 * COMPARE_LABEL] = "";
    size_t used = 0;
    for (int i = 0; i < c->nlists; i++) {
        const struct list *l = &c->list[i];
        const char *value = t->value[i], *shown = value ? end_of(value) : NULL;
        if (!value || l->n < 2 || (l->repeats && !with_seed) || used >= sizeof text) continue;
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s %s%s", used ? ", " : "", l->option->name,
                                 shown == value ? "" : "...", shown);
    }
    cut(text, COMPARE_LABEL - 1);
    memcpy(label, text, strlen(text) + 1);
}

/* The label of an existing run starts with its folder. */
static void add_folder(struct trial *t)
{
    char text[COMPARE_LABEL + sizeof t->folder + 4];
    const char *slash = strrchr(t->folder, '/'), *name = slash ? slash + 1 : t->folder;
    snprintf(text, sizeof text, "%s%s%s", name, *t->label ? ": " : "", t->label);
    cut(text, COMPARE_LABEL - 1);
    memcpy(t->label, text, strlen(text) + 1);
}

/* ------------------------------------------------------------------ groups */

static bool is_same(const char *a, const char *b) { return a && b ? !strcmp(a, b) : a == b; }

static bool same_group(const struct comparison *c, const struct trial *a, const struct trial *b)
{
    bool repeats = false;
    for (int i = 0; i < c->nlists; i++) {
        if (!c->list[i].repeats && !is_same(a->value[i], b->value[i])) return false;
        repeats |= c->list[i].repeats && a->value[i] && b->value[i];
    }
    return repeats;
}

static int group_of(struct comparison *c, const struct trial *t)
{
    for (const struct trial *before = c->trial; before < t; before++)
        if (same_group(c, before, t)) return before->group;
    return c->ngroups++;
}

static void name_group(const struct comparison *c, const struct trial *t)
{
    struct group *g = &c->group[t->group];
    if (g->runs++) return;
    describe(c, t, false, g->label);
    if (!*g->label) snprintf(g->label, sizeof g->label, "all runs");
}

int compare_group(struct comparison *c)
{
    bool existed = c->kept;
    c->ngroups = 0;
    c->group = calloc((size_t)c->planned, sizeof *c->group);
    if (!c->group) return report_error(FAILED, "out of memory for %d runs", c->planned);
    for (struct trial *t = c->trial; t < c->trial + c->planned; t++) {
        describe(c, t, true, t->label);
        t->group = group_of(c, t);
        name_group(c, t);
        if (existed) add_folder(t);
        else if (!*t->label) snprintf(t->label, sizeof t->label, "train");
    }
    for (struct trial *t = c->trial; t < c->trial + c->planned; t++)
        if (c->group[t->group].runs == 1) memcpy(c->group[t->group].label, t->label, sizeof t->label);
    return OK;
}

bool compare_repeats(const struct comparison *c)
{
    for (int g = 0; g < c->ngroups; g++)
        if (c->group[g].runs > 1) return true;
    return false;
}

/* ----------------------------------------------------------------- spreads */

struct spread spread_of(const double *v, int n)
{
    double sum = 0, squares = 0;
    int known = 0;
    for (int i = 0; i < n; i++)
        if (isfinite(v[i])) {
            sum += v[i];
            known++;
        }
    double mean = known ? sum / known : NAN;
    for (int i = 0; i < n; i++)
        if (isfinite(v[i])) squares += (v[i] - mean) * (v[i] - mean);
    return (struct spread){ known, mean, known > 1 ? sqrt(squares / (known - 1)) : NAN };
}

/* In groups of several runs only successful ones count. */
static bool counts(const struct comparison *c, const struct trial *t, int group)
{
    return t->group == group && (!t->code || c->group[group].runs == 1);
}

struct spread compare_spread(const struct comparison *c, int group, double (*of)(const struct trial *t))
{
    double v[COMPARE_TRIALS];
    int n = 0;
    for (int i = 0; i < c->ntrials; i++)
        if (counts(c, &c->trial[i], group)) v[n++] = of(&c->trial[i]);
    return spread_of(v, n);
}

int compare_epochs(const struct comparison *c, int group)
{
    int n = 0;
    for (int i = 0; i < c->ntrials; i++)
        if (counts(c, &c->trial[i], group) && c->trial[i].log.n > n) n = c->trial[i].log.n;
    return n;
}

struct spread compare_epoch(const struct comparison *c, int group, int e, double (*of)(const struct epoch *e))
{
    double v[COMPARE_TRIALS];
    int n = 0;
    for (int i = 0; i < c->ntrials; i++)
        if (counts(c, &c->trial[i], group) && e < c->trial[i].log.n) v[n++] = of(&c->trial[i].log.epoch[e]);
    return spread_of(v, n);
}

/* ----------------------------------------------------------------- figures */

static double last(const struct trial *t, double (*of)(const struct epoch *e))
{
    const struct epoch *e = history_last(&t->log);
    return e ? of(e) : NAN;
}

static double epochs_of(const struct epoch *e) { return e->epochs; }
static double loss_of(const struct epoch *e) { return e->loss; }
static double validation_loss_of(const struct epoch *e) { return e->validation_loss; }

static double epochs(const struct trial *t) { return last(t, epochs_of); }
static double steps(const struct trial *t) { return t->steps; }
static double seconds(const struct trial *t) { return t->seconds; }
static double rate(const struct trial *t) { return t->samples_per_second; }
static double target_epochs(const struct trial *t) { return compare_reached(t) ? compare_reached(t)->epochs : NAN; }
static double target_seconds(const struct trial *t) { return compare_reached(t) ? compare_reached(t)->seconds : NAN; }
static double loss(const struct trial *t) { return last(t, loss_of); }
static double validation_loss(const struct trial *t) { return last(t, validation_loss_of); }
static double test_loss(const struct trial *t) { return t->log.test_loss; }
static double test_accuracy(const struct trial *t) { return t->log.test_accuracy; }
static double best(const struct trial *t) { return t->best; }
static double pushes(const struct trial *t) { return t->pushes; }
static double merges(const struct trial *t) { return t->merges; }
static double stale(const struct trial *t) { return t->stale; }

const struct figure compare_figures[] = {
    { "epochs", epochs },
    { "steps", steps },
    { "seconds", seconds },
    { "samples_per_second", rate },
    { "target_epochs", target_epochs },
    { "target_seconds", target_seconds },
    { "best_validation_accuracy", compare_best },
    { "loss", loss },
    { "validation_loss", validation_loss },
    { "test_loss", test_loss },
    { "test_accuracy", test_accuracy },
    { "pushes", pushes },
    { "merges", merges },
    { "stale_fraction", stale },
    { "best_validation", best },
    { NULL, NULL },
};
