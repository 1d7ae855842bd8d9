/* What a run of hsgd compare has left: its log and its report. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"

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

/* -------------------------------------------------------------------- log */

static bool read_epoch(struct trial *t, const json_t *line)
{
    struct epoch *more = realloc(t->epoch, (size_t)(t->epochs + 1) * sizeof *more);
    if (!more) return false;
    t->epoch = more;
    t->epoch[t->epochs++] = (struct epoch){
        .epochs = number(line, "epochs"), .seconds = number(line, "train_seconds"), .loss = number(line, "loss"),
        .accuracy = number(line, "accuracy"), .validation_loss = number(line, "validation_loss"),
        .validation_accuracy = number(line, "validation_accuracy"),
    };
    return true;
}

/* Steps and seconds count also where the run ended without a report. */
static bool read_line(struct trial *t, const json_t *line)
{
    double seconds = number(line, "train_seconds");
    if (!isnan(seconds)) {
        t->seconds = seconds;
        t->steps = number(line, "step");
    }
    return is_text(line, "event", "epoch") ? read_epoch(t, line) : true;
}

static bool read_log(struct trial *t)
{
    char path[sizeof t->folder + 16], *line = NULL;
    size_t size = 0;
    bool well = true;
    snprintf(path, sizeof path, "%s/log.jsonl", t->folder);
    FILE *f = fopen(path, "r");
    while (f && well && getline(&line, &size, f) > 0) {
        json_t *object = json_loads(line, 0, NULL);
        well = read_line(t, object);
        json_decref(object);
    }
    free(line);
    if (f) fclose(f);
    return well;
}

/* ----------------------------------------------------------------- report */

/* CPU cores may have a replica each. */
static void read_replicas(struct device_use *d, const json_t *replicas)
{
    size_t i;
    const json_t *r;
    d->updates = d->merges = d->stale = d->missed = d->most_missed = 0;
    json_array_foreach(replicas, i, r) {
        double merges = number(r, "merges");
        if (!is_text(r, "device", d->id)) continue;
        d->updates += number(r, "updates");
        d->merges += merges;
        d->stale += number(r, "stale_merges");
        d->missed += merges > 0 ? merges * number(r, "mean_staleness") : 0;
        d->most_missed = fmax(d->most_missed, number(r, "largest_staleness"));
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

/* Updates that devices make together are divided by their samples, which sum
 * up to `all`. */
static struct device_use read_device(const struct trial *t, const json_t *device, const json_t *server, double all)
{
    struct device_use d = { .workers = (int)number(device, "workers"), .samples = number(device, "samples"),
                            .busy_seconds = number(device, "busy_seconds"),
                            .busy_fraction = number(device, "busy_fraction"), .merges = NAN, .stale = NAN,
                            .missed = NAN, .most_missed = NAN, .last_batch = NAN, .last_rate = NAN };
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
    return "failed";
}

static bool read_report(struct trial *t)
{
    char path[sizeof t->folder + 8];
    snprintf(path, sizeof path, "%s.json", t->folder);
    json_t *report = json_load_file(path, 0, NULL);
    const json_t *server = json_object_get(report, "server");
    double fresh = json_number_value(json_array_get(json_object_get(server, "staleness"), 0));
    if (report) {
        t->steps = number(report, "steps");
        t->seconds = number(report, "seconds");
    }
    t->end = read_end(report);
    t->samples_per_second = number(report, "samples_per_second");
    t->test_loss = number(report, "test_loss");
    t->test_accuracy = number(report, "test_accuracy");
    t->pushes = number(server, "pushes");
    t->merges = number(server, "merges");
    t->stale = t->merges > 0 ? 1 - fresh / t->merges : NAN;
    bool well = read_devices(t, json_object_get(report, "devices"), server);
    json_decref(report);
    return well;
}

int compare_read(struct trial *t)
{
    t->steps = t->seconds = NAN;
    return read_log(t) && read_report(t) ? OK : complain(FAILED, "out of memory");
}

void compare_free(struct trial *t)
{
    free(t->epoch);
    free(t->device);
}

/* ---------------------------------------------------------------- figures */

const struct epoch *compare_reached(const struct trial *t)
{
    for (int i = 0; t->target > 0 && i < t->epochs; i++)
        if (t->epoch[i].validation_accuracy >= t->target) return &t->epoch[i];
    return NULL;
}

double compare_best(const struct trial *t)
{
    double most = NAN;
    for (int i = 0; i < t->epochs; i++) most = fmax(most, t->epoch[i].validation_accuracy);
    return most;
}

const struct epoch *compare_last(const struct trial *t) { return t->epochs ? &t->epoch[t->epochs - 1] : NULL; }
