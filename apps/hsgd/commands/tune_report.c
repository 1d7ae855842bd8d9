/* SPDX-License-Identifier: BSD-3-Clause */
/* What hsgd tune prints. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/measure.h"
#include "lib/message.h"
#include "lib/text.h"
#include "tune.h"

enum { SHOWN_FAILURES = 5 };

static struct tuning_label label_of(const struct tuning *t, int candidate)
{
    return tuning_label(&t->space, &t->search.candidate[candidate].choice);
}

static int tried(const struct tuning *t)
{
    int n = 0;
    for (int i = 0; i < t->search.n; i++) n += t->search.candidate[i].n || t->search.candidate[i].failed;
    return n;
}

static const char *value_text(const struct tuning *t, int setting, int value)
{
    const char *text = t->space.list[setting].value[value];
    return text ? text : "default";
}

/* Candidates by their speed; to be freed. */
static int *ranked(const struct tuning *t, int *n)
{
    const struct tune_search *search = &t->search;
    int *order = malloc(sizeof *order * (size_t)search->n);
    *n = 0;
    for (int i = 0; order && i < search->n; i++)
        if (search->candidate[i].n) order[(*n)++] = i;
    for (int i = 0; order && i < *n; i++)
        for (int k = i; k > 0; k--) {
            const struct tune_candidate *a = &search->candidate[order[k - 1]], *b = &search->candidate[order[k]];
            bool later = a->finalist < 0 && b->finalist >= 0;
            if ((a->finalist < 0) == (b->finalist < 0)) later = tune_speed(a) < tune_speed(b);
            if (!later) break;
            int swap = order[k];
            order[k] = order[k - 1];
            order[k - 1] = swap;
        }
    return order;
}

/* ------------------------------------------------------------------- table */

static void print_candidate(const struct tuning *t, int i)
{
    const struct tune_candidate *c = &t->search.candidate[i];
    char wins[16] = "", spread[16] = "-";
    if (c->finalist >= 0) snprintf(wins, sizeof wins, "%d/%d", tune_wins(&t->search, c->finalist), t->search.turns);
    if (c->n > 2) snprintf(spread, sizeof spread, "%.1f %%", 100 * tune_spread(c));
    int at = printf("%10.0f %8s %6d %7s  ", tune_speed(c), spread, c->n, wins);
    text_wrap(at, at, "%s", label_of(t, i).text);
}

/* The finalists, and as many others. */
static void print_table(const struct tuning *t)
{
    int n, *order = ranked(t, &n);
    printf("\n%10s %8s %6s %7s  %s\n", "samples/s", "spread", "trials", "first", "settings");
    for (int i = 0; order && i < n && i < 2 * TUNE_FINALISTS; i++) print_candidate(t, order[i]);
    free(order);
}

static void print_reason(const struct tuning *t, int chosen, int setting)
{
    const struct tuning_value_list *l = &t->space.list[setting];
    struct tune_reason r = tune_explain(&t->search, chosen, setting);
    const char *value = value_text(t, setting, t->search.candidate[chosen].choice.value[setting]);
    char error[24] = "";
    int at = printf("  %-22s  ", t->space.space.setting[setting].name);
    if (isfinite(r.uncertainty)) snprintf(error, sizeof error, " +- %.2f", r.ratio * r.uncertainty);
    if (*l->left_out) text_wrap(at, at, "not searched: %s", l->left_out);
    else if (r.other < 0) text_wrap(at, at, "%s: no other value applies, or was tried", value);
    else
        text_wrap(at, at, "%s: %.2f%s times %s%s%s", value, r.ratio, error, value_text(t, setting, r.other),
                  r.same ? "" : ", where they were compared", l->changes_bits ? " (changes bits)" : "");
}

/* One sentence about the result. */
static void conclusion(const struct tuning *t, const struct tune_outcome *o, char *text, size_t size)
{
    const struct tune_ratio *g = o->better ? &o->gain : &o->best_gain;
    if (!t->search.turns)
        snprintf(text, size, "no final was held within --time %g: the default stays, nothing is proven", t->s->time);
    else if (o->better)
        snprintf(text, size, "%s: %.3f +- %.3f times the default", label_of(t, o->chosen).text, g->ratio,
                 g->uncertainty);
    else if (o->best)
        snprintf(text, size,
                 "the default: no setting is better by more than the spread (the best, %s, is %.3f +- %.3f times as "
                 "fast)",
                 label_of(t, o->best).text, g->ratio, isfinite(g->uncertainty) ? g->uncertainty : 1.0);
    else snprintf(text, size, "the default: no setting is better by more than the spread");
}

static void print_failures(const struct tuning *t)
{
    int shown = 0, failed = 0;
    for (int i = 0; i < t->search.n; i++) {
        const struct tune_candidate *c = &t->search.candidate[i];
        if (!c->failed || failed++ >= SHOWN_FAILURES) continue;
        if (!shown++) puts("\nDropped");
        printf("  ");
        text_wrap(2, 4, "%s: %s", label_of(t, i).text, c->why);
    }
    if (failed > shown) printf("  and %d more\n", failed - shown);
}

int tune_print(const struct tuning *t, bool written)
{
    struct tune_outcome o = tune_conclude(&t->search);
    char text[1200];
    text_field("model", "%s on %s", t->s->model, t->s->data ? t->s->data : "digits");
    text_field("search", "%d of %lld combinations in %d trials of %.2g s, %.0f s; %d more had no time", tried(t),
               (long long)tune_size(&t->space.space), t->search.measured, t->trial_seconds, now_seconds() - t->began,
               t->search.untried);
    conclusion(t, &o, text, sizeof text);
    text_field("chosen", "%s", text);
    if (written) text_field("files", "tune.yaml and tune.sh in %s", t->s->out ? t->s->out : "the current folder");
    print_table(t);
    puts("\nWhy");
    for (int i = 0; i < t->space.space.n; i++) print_reason(t, o.chosen, i);
    print_failures(t);
    return flush_output();
}

/* -------------------------------------------------------------------- JSON */

/* Settings that are not the default, by name. */
static json_t *json_settings(const struct tuning *t, int candidate)
{
    json_t *all = json_object();
    const struct tune_choice *c = &t->search.candidate[candidate].choice;
    for (int i = 0; i < t->space.space.n; i++)
        if (c->value[i]) json_set(&all, t->space.space.setting[i].name, json_text(t->space.list[i].value[c->value[i]]));
    return all;
}

static json_t *json_candidates(const struct tuning *t)
{
    json_t *list = json_array();
    int n, *order = ranked(t, &n);
    for (int i = 0; order && i < n; i++) {
        const struct tune_candidate *c = &t->search.candidate[order[i]];
        bool final = c->finalist >= 0;
        json_append(&list,
                    json_pack("{s:o, s:o, s:o, s:i, s:b, s:i}", "settings", json_settings(t, order[i]),
                              "samples_per_second", json_number(tune_speed(c)), "spread", json_number(tune_spread(c)),
                              "trials", c->n, "final", final, "first", final ? tune_wins(&t->search, c->finalist) : 0));
    }
    free(order);
    return list;
}

static json_t *json_reasons(const struct tuning *t, int chosen)
{
    json_t *list = json_array();
    for (int i = 0; i < t->space.space.n; i++) {
        struct tune_reason r = tune_explain(&t->search, chosen, i);
        bool known = r.other >= 0;
        const char *why = t->space.list[i].left_out;
        json_append(&list, json_pack("{s:s, s:o, s:o, s:o, s:o, s:b, s:s?}", "setting", t->space.space.setting[i].name,
                                     "value", json_text(value_text(t, i, t->search.candidate[chosen].choice.value[i])),
                                     "other", known ? json_text(value_text(t, i, r.other)) : json_null(), "ratio",
                                     known ? json_number(r.ratio) : json_null(), "uncertainty",
                                     known ? json_number(r.ratio * r.uncertainty) : json_null(), "changes_bits",
                                     t->space.list[i].changes_bits, "left_out", *why ? why : NULL));
    }
    return list;
}

/* The values of each setting that is searched; null is the default. */
static json_t *json_space(const struct tuning *t)
{
    json_t *all = json_object();
    for (int i = 0; i < t->space.space.n; i++) {
        json_t *list = json_array();
        for (int v = 0; v < t->space.space.setting[i].n; v++) {
            const char *text = t->space.list[i].value[v];
            json_append(&list, text ? json_text(text) : json_null());
        }
        json_set(&all, t->space.space.setting[i].name, list);
    }
    return all;
}

static json_t *json_failures(const struct tuning *t)
{
    json_t *list = json_array();
    for (int i = 0; i < t->search.n; i++)
        if (t->search.candidate[i].failed)
            json_append(&list, json_pack("{s:o, s:o}", "settings", json_settings(t, i), "why",
                                         json_text(t->search.candidate[i].why)));
    return list;
}

int tune_print_json(const struct tuning *t, bool written)
{
    struct tune_outcome o = tune_conclude(&t->search);
    char text[1200];
    conclusion(t, &o, text, sizeof text);
    json_t *all = json_pack("{s:o, s:o, s:I, s:o, s:i, s:i, s:I, s:i, s:i}", "model", json_text(t->s->model), "data",
                            json_text(t->s->data ? t->s->data : "digits"), "seed", (json_int_t)t->s->seed, "seconds",
                            json_number(now_seconds() - t->began), "trials", t->search.measured, "tried", tried(t),
                            "combinations", (json_int_t)tune_size(&t->space.space), "untried", t->search.untried,
                            "final_turns", t->search.turns);
    json_set(&all, "better", json_boolean(o.better));
    json_set(&all, "chosen", json_settings(t, o.chosen));
    json_set(&all, "gain", json_number(o.gain.ratio));
    json_set(&all, "uncertainty", json_number(o.better ? o.gain.uncertainty : o.best_gain.uncertainty));
    json_set(&all, "best_gain", json_number(o.best_gain.ratio));
    json_set(&all, "conclusion", json_text(text));
    json_set(&all, "files_written", json_boolean(written));
    json_set(&all, "space", json_space(t));
    json_set(&all, "candidates", json_candidates(t));
    json_set(&all, "reasons", json_reasons(t, o.chosen));
    json_set(&all, "dropped", json_failures(t));
    json_set(&all, "order", json_incref(t->trials));
    return json_print(all);
}
