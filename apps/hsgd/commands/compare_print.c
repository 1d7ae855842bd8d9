/* SPDX-License-Identifier: BSD-3-Clause */
/* Output of hsgd compare: tables, or JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "lib/json.h"
#include "lib/message.h"
#include "lib/text.h"

#define FIGURES 64 /* columns before a label on the line of its figures */

/* ----------------------------------------------------------------- tables */

/* "-" where it is not known. */
static void figure(int width, int decimals, double v, const char *unit)
{
    if (isfinite(v)) printf(" %*.*f%s", width - (int)strlen(unit), decimals, v, unit);
    else printf(" %*s", width, "-");
}

static bool by_accuracy(const struct trial *t) { return !strcmp(t->best_metric, "accuracy"); }

static void print_figures(const struct trial *t)
{
    const struct epoch *at = compare_reached(t), *last = history_last(&t->log);
    figure(7, 2, last ? last->epochs : NAN, "");
    figure(8, 2, t->seconds, "");
    figure(9, 2, at ? at->seconds : NAN, "");
    if (by_accuracy(t)) figure(8, 2, 100 * t->best, "%");
    else if (isfinite(t->best)) printf(" %8.4g", t->best);
    else printf(" %8s", "-");
    if (last && isfinite(last->loss)) printf(" %9.4g", last->loss);
    else printf(" %9s", "-");
    printf("  %s", t->end);
}

/* If one label does not fit beside the figures, or contains control characters,
 * all labels are on separate lines. */
static bool labels_fit(const struct comparison *c)
{
    bool fit = true;
    for (int i = 0; fit && i < c->ntrials; i++) {
        char *clean = text_clean(c->trial[i].label);
        fit = clean && !strcmp(clean, c->trial[i].label) && FIGURES + text_width(clean) <= TEXT_COLUMNS;
        free(clean);
    }
    return fit;
}

static void print_trial(const struct trial *t, bool fits)
{
    printf("%3d ", t->number);
    if (!fits) {
        text_wrap(4, 4, "%s", t->label);
        printf("    ");
    }
    print_figures(t);
    if (fits) printf("%*s%s", 12 - (int)strlen(t->end), "", t->label);
    putchar('\n');
    if (t->code && *t->message) {
        printf("    ");
        text_wrap(4, 4, "%s", t->message);
    }
}

/* Decimals that show `digits` digits of a value, at most `max`. */
static int decimals_of(double value, int digits, int max)
{
    double decimals = digits - 1 - floor(log10(fabs(value)));
    return decimals < max ? (int)fmax(decimals, 0) : max;
}

/* "97.50 ± 0.12", in the given width, both with the decimals of the mean: one
 * letter of it has two bytes. */
static void print_spread(int width, int digits, int max_decimals, double scale, struct spread s)
{
    char text[90] = "-";
    int decimals = decimals_of(scale * s.mean, digits, max_decimals);
    if (s.n == 1) snprintf(text, sizeof text, "%.*f", decimals, scale * s.mean);
    if (s.n > 1) snprintf(text, sizeof text, "%.*f ± %.*f", decimals, scale * s.mean, decimals, scale * s.deviation);
    printf("%*s", width + (s.n > 1), text);
}

static double last_loss(const struct trial *t) { return history_last(&t->log) ? history_last(&t->log)->loss : NAN; }
static double seconds_of(const struct trial *t) { return t->seconds; }
static double test_of(const struct trial *t) { return t->log.test_accuracy; }
static double best_of(const struct trial *t) { return t->best; }

static bool all_by_accuracy(const struct comparison *c)
{
    bool all = true;
    for (int i = 0; i < c->ntrials; i++) all &= by_accuracy(&c->trial[i]);
    return all;
}

static void print_groups(const struct comparison *c)
{
    bool percent = all_by_accuracy(c);
    if (!compare_repeats(c)) return;
    printf("\ngroup runs %18s %18s %18s %14s\n", percent ? "best val % ± std" : "best val ± std", "test % ± std",
           "loss ± std", "seconds ± std");
    for (int g = 0; g < c->ngroups; g++) {
        struct spread best = compare_spread(c, g, best_of);
        printf("%5d ", g + 1);
        text_wrap(6, 6, "%s", c->group[g].label);
        printf("      %4d ", c->group[g].runs);
        if (percent) print_spread(17, 5, 2, 100, best);
        else print_spread(17, 4, 4, 1, best);
        print_spread(18, 5, 2, 100, compare_spread(c, g, test_of));
        print_spread(19, 4, 4, 1, compare_spread(c, g, last_loss));
        print_spread(15, 3, 3, 1, compare_spread(c, g, seconds_of));
        putchar('\n');
    }
}

static void print_device(const struct trial *t, const struct device_use *d)
{
    printf("%3d %-12s", t->number, d->id);
    figure(10, 0, d->updates, "");
    figure(12, 0, d->samples, "");
    figure(9, 0, d->samples / d->updates, "");
    figure(7, 1, 100 * d->busy_fraction, "");
    figure(7, 1, 100 * d->stale / d->merges, "");
    figure(7, 2, d->missed / d->merges, "");
    figure(5, 0, d->merges > 0 ? d->max_missed : NAN, "");
    putchar('\n');
}

static bool has_devices(const struct comparison *c)
{
    for (int i = 0; i < c->ntrials; i++)
        if (c->trial[i].devices) return true;
    return false;
}

static void print_devices_of(const struct comparison *c)
{
    if (!has_devices(c)) return;
    printf("\nrun %-12s %10s %12s %9s %7s %7s %7s %5s\n", "device", "updates", "samples", "per upd.", "busy %",
           "stale %", "mean", "max");
    for (const struct trial *t = c->trial; t < c->trial + c->ntrials; t++)
        for (int i = 0; i < t->devices; i++) print_device(t, &t->device[i]);
}

static void print_files(const struct comparison *c, bool drawn)
{
    if (!c->s->out) return;
    putchar('\n');
    text_wrap(0, 0, "summary.csv, epochs.csv, devices.csv%s%s are in %s", compare_repeats(c) ? ", groups.csv" : "",
              drawn ? ", compare.png and compare.svg" : "", c->s->out);
}

int compare_print(const struct comparison *c, bool drawn)
{
    bool fits = labels_fit(c);
    printf("run %7s %8s %9s %8s %9s  end%s\n", "epochs", "seconds", "to target", "best val", "loss",
           fits ? "         options" : "");
    for (int i = 0; i < c->ntrials; i++) print_trial(&c->trial[i], fits);
    print_groups(c);
    print_devices_of(c);
    print_files(c, drawn);
    return flush_output();
}

/* ------------------------------------------------------------------- JSON */

static json_t *json_device(const struct device_use *d)
{
    return json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", d->id, "workers", d->workers,
                     "updates", json_number(d->updates), "samples", json_number(d->samples), "busy_seconds",
                     json_number(d->busy_seconds), "busy_fraction", json_number(d->busy_fraction), "mean_staleness",
                     json_number(d->missed / d->merges), "largest_staleness",
                     json_number(d->merges > 0 ? d->max_missed : NAN), "stale_fraction",
                     json_number(d->stale / d->merges), "mean_batch_size", json_number(d->samples / d->updates),
                     "last_batch_size", json_number(d->last_batch), "last_learning_rate", json_number(d->last_rate));
}

static json_t *json_epoch(const struct epoch *e)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "epochs", json_number(e->epochs), "seconds",
                     json_number(e->seconds), "loss", json_number(e->loss), "accuracy", json_number(e->accuracy),
                     "validation_loss", json_number(e->validation_loss), "validation_accuracy",
                     json_number(e->validation_accuracy));
}

static json_t *json_options(const struct comparison *c, const struct trial *t)
{
    json_t *all = json_object();
    for (int i = 0; i < c->nlists; i++)
        json_set(&all, c->list[i].option->name, t->value[i] ? json_text(t->value[i]) : json_null());
    return all;
}

static json_t *json_trial(const struct comparison *c, const struct trial *t)
{
    json_t *epochs = json_array(), *devices = json_array();
    for (int i = 0; i < t->log.n; i++) json_append(&epochs, json_epoch(&t->log.epoch[i]));
    for (int i = 0; i < t->devices; i++) json_append(&devices, json_device(&t->device[i]));
    json_t *run = json_pack("{s:i, s:i, s:o, s:o, s:o, s:s, s:i, s:o}", "run", t->number, "group", t->group + 1,
                            "label", json_text(t->label), "options", json_options(c, t), "folder", json_text(t->folder),
                            "end", t->end, "exit_status", t->code, "message", json_text(t->message));
    for (const struct figure *k = compare_figures; k->name; k++)
        json_set(&run, strcmp(k->name, "epochs") ? k->name : "epochs_done", json_number(k->of(t)));
    json_set(&run, "best_metric", json_text(t->best_metric));
    json_set(&run, "epochs", epochs);
    json_set(&run, "devices", devices);
    return run;
}

static json_t *json_group(const struct comparison *c, int g)
{
    json_t *group =
        json_pack("{s:i, s:o, s:i}", "group", g + 1, "label", json_text(c->group[g].label), "runs", c->group[g].runs);
    for (const struct figure *k = compare_figures; k->name; k++) {
        struct spread s = compare_spread(c, g, k->of);
        json_set(&group, k->name,
                 json_pack("{s:i, s:o, s:o}", "n", s.n, "mean", json_number(s.mean), "std", json_number(s.deviation)));
    }
    return group;
}

int compare_print_json(const struct comparison *c)
{
    json_t *runs = json_array(), *groups = json_array();
    for (int i = 0; i < c->ntrials; i++) json_append(&runs, json_trial(c, &c->trial[i]));
    for (int g = 0; g < c->ngroups; g++) json_append(&groups, json_group(c, g));
    return json_print(json_pack("{s:o, s:o, s:o}", "out", c->s->out ? json_text(c->s->out) : json_null(), "runs", runs,
                                "groups", groups));
}
