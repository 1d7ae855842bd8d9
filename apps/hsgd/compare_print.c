/* What hsgd compare prints: tables, or JSON. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bar.h"
#include "compare.h"

#define FIGURES 62          /* columns before a label that stands in the line of its figures */

/* ----------------------------------------------------------------- tables */

/* "-" where it is not known. */
static void figure(int width, int decimals, double v, const char *unit)
{
    if (isfinite(v)) printf(" %*.*f%s", width - (int)strlen(unit), decimals, v, unit);
    else printf(" %*s", width, "-");
}

static void print_figures(const struct trial *t)
{
    const struct epoch *at = compare_reached(t), *last = compare_last(t);
    figure(7, 2, last ? last->epochs : NAN, "");
    figure(8, 2, t->seconds, "");
    figure(9, 2, at ? at->seconds : NAN, "");
    figure(8, 2, 100 * compare_best(t), "%");
    if (last && isfinite(last->loss)) printf(" %9.4g", last->loss);
    else printf(" %9s", "-");
    printf("  %-11s", t->end);
}

/* A label that does not fit in a terminal has a line of its own. */
static bool labels_fit(const struct comparison *c)
{
    size_t longest = 0;
    for (int i = 0; i < c->ntrials; i++)
        if (strlen(c->trial[i].label) > longest) longest = strlen(c->trial[i].label);
    return !isatty(STDOUT_FILENO) || FIGURES + (int)longest <= terminal_columns(STDOUT_FILENO);
}

static void print_trial(const struct trial *t, bool fits)
{
    if (fits) printf("%3d", t->number);
    else printf("%3d %.*s\n   ", t->number, terminal_columns(STDOUT_FILENO) - 4, t->label);
    print_figures(t);
    printf("%s%s\n", fits ? "  " : "", fits ? t->label : "");
    if (t->code && *t->message) printf("    %s\n", t->message);
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
    figure(5, 0, d->merges > 0 ? d->most_missed : NAN, "");
    putchar('\n');
}

int compare_print(const struct comparison *c)
{
    bool fits = labels_fit(c);
    printf("run %7s %8s %9s %8s %9s  %-11s%s\n", "epochs", "seconds", "to target", "best val", "loss", "end",
           fits ? "  options" : "");
    for (int i = 0; i < c->ntrials; i++) print_trial(&c->trial[i], fits);
    printf("\nrun %-12s %10s %12s %9s %7s %7s %7s %5s\n", "device", "updates", "samples", "per upd.", "busy %",
           "stale %", "missed", "most");
    for (const struct trial *t = c->trial; t < c->trial + c->ntrials; t++)
        for (int i = 0; i < t->devices; i++) print_device(t, &t->device[i]);
    printf("\nsummary.csv, epochs.csv, devices.csv, compare.png and compare.svg are in %s\n", c->s->out);
    return flush_output();
}

/* ------------------------------------------------------------------- JSON */

static json_t *json_device(const struct device_use *d)
{
    return json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", d->id, "workers", d->workers,
                     "updates", json_number(d->updates), "samples", json_number(d->samples), "busy_seconds",
                     json_number(d->busy_seconds), "busy_fraction", json_number(d->busy_fraction), "mean_staleness",
                     json_number(d->missed / d->merges), "largest_staleness",
                     json_number(d->merges > 0 ? d->most_missed : NAN), "stale_fraction",
                     json_number(d->stale / d->merges), "mean_batch_size", json_number(d->samples / d->updates),
                     "last_batch_size", json_number(d->last_batch), "last_learning_rate",
                     json_number(d->last_rate));
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
        json_set(&all, c->list[i].option->name, json_text(compare_value(c, t->number - 1, i)));
    return all;
}

static json_t *json_trial(const struct comparison *c, const struct trial *t)
{
    const struct epoch *at = compare_reached(t), *last = compare_last(t);
    json_t *epochs = json_array(), *devices = json_array();
    for (int i = 0; i < t->epochs; i++) json_append(&epochs, json_epoch(&t->epoch[i]));
    for (int i = 0; i < t->devices; i++) json_append(&devices, json_device(&t->device[i]));
    return json_pack("{s:i, s:o, s:o, s:o, s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
                     "s:o, s:o, s:o}",
                     "run", t->number, "label", json_text(t->label), "options", json_options(c, t), "folder",
                     json_text(t->folder), "end", t->end, "exit_status", t->code, "message", json_text(t->message),
                     "steps", json_number(t->steps), "seconds", json_number(t->seconds), "samples_per_second", json_number(t->samples_per_second),
                     "target_epochs", json_number(at ? at->epochs : NAN), "target_seconds",
                     json_number(at ? at->seconds : NAN), "best_validation_accuracy", json_number(compare_best(t)),
                     "loss", json_number(last ? last->loss : NAN), "validation_loss",
                     json_number(last ? last->validation_loss : NAN), "pushes", json_number(t->pushes), "merges",
                     json_number(t->merges), "test_loss", json_number(t->test_loss), "test_accuracy",
                     json_number(t->test_accuracy),
                     "stale_fraction", json_number(t->stale), "epochs", epochs, "devices", devices);
}

int compare_print_json(const struct comparison *c)
{
    json_t *runs = json_array();
    for (int i = 0; i < c->ntrials; i++) json_append(&runs, json_trial(c, &c->trial[i]));
    return json_print(json_pack("{s:o, s:o}", "out", json_text(c->s->out), "runs", runs));
}
