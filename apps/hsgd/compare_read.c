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

static void read_epoch(struct trial *t, const json_t *line)
{
    const char *event = json_string_value(json_object_get(line, "event"));
    if (!event || strcmp(event, "epoch") || t->epochs == COMPARE_EPOCHS) return;
    t->epoch[t->epochs++] = (struct epoch){ number(line, "loss"), number(line, "validation_loss"),
                                            number(line, "validation_accuracy"), number(line, "seconds") };
}

static void read_log(struct trial *t)
{
    char path[sizeof t->folder + 16], *line = NULL;
    size_t size = 0;
    snprintf(path, sizeof path, "%s/log.jsonl", t->folder);
    FILE *f = fopen(path, "r");
    while (f && getline(&line, &size, f) > 0) {
        json_t *object = json_loads(line, 0, NULL);
        read_epoch(t, object);
        json_decref(object);
    }
    free(line);
    if (f) fclose(f);
}

static void read_shares(struct trial *t, const json_t *devices)
{
    double all = 0;
    size_t i, used = 0;
    const json_t *d;
    json_array_foreach(devices, i, d) all += number(d, "samples");
    json_array_foreach(devices, i, d) {
        const char *id = json_string_value(json_object_get(d, "id"));
        if (used < sizeof t->shares)
            used += (size_t)snprintf(t->shares + used, sizeof t->shares - used, "%s%s %.0f%%", i ? ", " : "",
                                     id ? id : "?", 100 * number(d, "samples") / all);
    }
}

void compare_read(struct trial *t)
{
    char path[sizeof t->folder + 8];
    read_log(t);
    snprintf(path, sizeof path, "%s.json", t->folder);
    json_t *report = json_load_file(path, 0, NULL);
    const json_t *server = json_object_get(report, "server");
    t->samples_per_second = number(report, "samples_per_second");
    t->test_accuracy = number(report, "test_accuracy");
    double merges = number(server, "merges");
    double fresh = json_number_value(json_array_get(json_object_get(server, "staleness"), 0));
    t->stale = merges > 0 ? 1 - fresh / merges : NAN;
    read_shares(t, json_object_get(report, "devices"));
    json_decref(report);
}
