/* SPDX-License-Identifier: BSD-3-Clause */
/* The log and the report in the folder of a run. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "comparison.h"
#include "run_folder.h"

static double number(const json_t *object, const char *name)
{
    const json_t *v = json_object_get(object, name);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static bool is_text(const json_t *object, const char *name, const char *text)
{
    const char *v = json_string_value(json_object_get(object, name));
    return v && !strcmp(v, text);
}

/* ----------------------------------------------------------------- report */

/* Each CPU core may have a replica. */
static void read_replicas(struct device_use *d, const json_t *replicas)
{
    size_t i;
    const json_t *r;
    d->updates = d->merges = d->stale = d->missed = d->max_missed = 0;
    json_array_foreach(replicas, i, r)
    {
        double merges = number(r, "merges");
        if (!is_text(r, "device", d->id)) continue;
        d->updates += number(r, "updates");
        d->merges += merges;
        d->stale += number(r, "stale_merges");
        d->missed += merges > 0 ? merges * number(r, "mean_staleness") : 0;
        d->max_missed = fmax(d->max_missed, number(r, "largest_staleness"));
        d->last_batch = number(r, "batch_size");
        d->last_rate = number(r, "learning_rate");
    }
}

static double all_samples(const json_t *devices)
{
    double sum = 0;
    size_t i;
    const json_t *d;
    json_array_foreach(devices, i, d) sum += number(d, "samples");
    return sum;
}

/* Joint updates are attributed to devices in proportion to their samples; `all` is
 * the sum of these. */
static struct device_use read_device(const struct trial *t, const json_t *device, const json_t *server, double all)
{
    struct device_use d = { .workers = (int)number(device, "workers"),
                            .samples = number(device, "samples"),
                            .busy_seconds = number(device, "busy_seconds"),
                            .busy_fraction = number(device, "busy_fraction"),
                            .merges = NAN,
                            .stale = NAN,
                            .missed = NAN,
                            .max_missed = NAN,
                            .last_batch = NAN,
                            .last_rate = NAN };
    const char *id = json_string_value(json_object_get(device, "id"));
    snprintf(d.id, sizeof d.id, "%s", id ? id : "?");
    d.updates = all > 0 ? t->steps * d.samples / all : 0;
    if (json_is_object(server)) read_replicas(&d, json_object_get(server, "replicas"));
    return d;
}

static bool read_devices(struct trial *t, const json_t *devices, const json_t *server)
{
    size_t i;
    const json_t *d;
    t->device = calloc(json_array_size(devices) + 1, sizeof *t->device);
    if (!t->device) return false;
    json_array_foreach(devices, i, d) t->device[t->devices++] = read_device(t, d, server, all_samples(devices));
    return true;
}

static const char *read_end(const json_t *report)
{
    static const char *const ends[] = { "done", "stop-at", "time-limit", "patience" };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (is_text(report, "end", ends[i])) return ends[i];
    return is_text(report, "end", "target") ? "stop-at" : "failed"; /* as earlier versions called it */
}

/* As the report says it; without one, as trainings choose by themselves. */
static void read_best(struct trial *t, const json_t *report)
{
    const struct epoch *best = history_best(&t->log);
    const char *name = json_string_value(json_object_get(report, "best_metric"));
    bool classes = best && !isnan(best->validation_accuracy);
    snprintf(t->best_metric, sizeof t->best_metric, "%s", name ? name : classes ? "accuracy" : "loss");
    t->best = number(json_object_get(json_object_get(report, "metrics"), "best"), t->best_metric);
    if (isnan(t->best) && best && !name) t->best = classes ? best->validation_accuracy : best->validation_loss;
}

/* A run that failed has no report. */
static bool read_report(struct trial *t)
{
    char path[sizeof t->folder + 16];
    snprintf(path, sizeof path, "%s/" RUN_REPORT, t->folder);
    json_t *report = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    const json_t *server = json_object_get(report, "server");
    double fresh = json_number_value(json_array_get(json_object_get(server, "staleness"), 0));
    if (report) {
        t->steps = number(report, "steps");
        t->seconds = number(report, "seconds");
        t->log.test_loss = number(report, "test_loss");
        t->log.test_accuracy = number(report, "test_accuracy");
    }
    t->end = report ? read_end(report) : "no report";
    t->samples_per_second = number(report, "samples_per_second");
    t->pushes = number(server, "pushes");
    t->merges = number(server, "merges");
    t->stale = t->merges > 0 ? 1 - fresh / t->merges : NAN;
    read_best(t, report);
    bool well = read_devices(t, json_object_get(report, "devices"), server);
    json_decref(report);
    return well;
}

int compare_read(struct trial *t)
{
    int code = history_read(&t->log, t->folder);
    t->steps = t->log.steps;
    t->seconds = t->log.seconds;
    return code ? code : read_report(t) ? OK : report_error(FAILED, "out of memory for \"%s\"", t->folder);
}

void compare_free(struct trial *t)
{
    history_free(&t->log);
    free(t->device);
}

/* ---------------------------------------------------------------- figures */

const struct epoch *compare_reached(const struct trial *t)
{
    for (int i = 0; t->target > 0 && i < t->log.n; i++)
        if (t->log.epoch[i].validation_accuracy >= t->target) return &t->log.epoch[i];
    return NULL;
}

double compare_best(const struct trial *t)
{
    const struct epoch *best = history_best(&t->log);
    return best ? best->validation_accuracy : NAN;
}

/* ----------------------------------------------------------------- texts */

const char *compare_keep(struct comparison *c, char *text)
{
    char **bigger = text ? realloc(c->text, ((size_t)c->ntexts + 1) * sizeof *bigger) : NULL;
    if (!bigger) {
        free(text);
        return NULL;
    }
    c->text = bigger;
    return c->text[c->ntexts++] = text;
}
