/* SPDX-License-Identifier: BSD-3-Clause */
/* The log of a run. */
#include "history.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

static double number(const json_t *object, const char *name)
{
    const json_t *v = json_object_get(object, name);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static bool add_epoch(struct history *h, const json_t *line)
{
    struct epoch *more = realloc(h->epoch, (size_t)(h->n + 1) * sizeof *more);
    if (!more) return false;
    h->epoch = more;
    h->epoch[h->n++] = (struct epoch){
        .epochs = number(line, "epochs"),
        .seconds = number(line, "train_seconds"),
        .loss = number(line, "loss"),
        .accuracy = number(line, "accuracy"),
        .validation_loss = number(line, "validation_loss"),
        .validation_accuracy = number(line, "validation_accuracy"),
        .learning_rate = number(line, "learning_rate"),
    };
    return true;
}

/* Steps and seconds are read also if the run ended within an epoch. */
static bool read_line(struct history *h, const json_t *line)
{
    const char *event = json_string_value(json_object_get(line, "event"));
    double seconds = number(line, "train_seconds");
    if (!isnan(seconds)) {
        h->seconds = seconds;
        h->steps = number(line, "step");
    }
    if (event && !strcmp(event, "test")) {
        h->test_loss = number(line, "loss");
        h->test_accuracy = number(line, "accuracy");
    }
    return !event || strcmp(event, "epoch") || add_epoch(h, line);
}

int history_read(struct history *h, const char *folder)
{
    char path[4200], *line = NULL;
    size_t size = 0;
    bool well = true;
    *h = (struct history){ .steps = NAN, .seconds = NAN, .test_loss = NAN, .test_accuracy = NAN };
    snprintf(path, sizeof path, "%s/log.jsonl", folder);
    FILE *f = fopen(path, "r");
    while (f && well && getline(&line, &size, f) > 0) {
        json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        well = read_line(h, object);
        json_decref(object);
    }
    free(line);
    if (f) fclose(f);
    return well ? OK : report_error(FAILED, "out of memory for \"%s\"", path);
}

void history_free(struct history *h)
{
    free(h->epoch);
    h->epoch = NULL;
    h->n = 0;
}

const struct epoch *history_last(const struct history *h) { return h->n ? &h->epoch[h->n - 1] : NULL; }

/* Without classes by the loss. */
static bool is_better(const struct epoch *e, const struct epoch *best)
{
    if (!isnan(best->validation_accuracy)) return e->validation_accuracy > best->validation_accuracy;
    return !isnan(e->validation_accuracy) || e->validation_loss < best->validation_loss;
}

const struct epoch *history_best(const struct history *h)
{
    const struct epoch *best = NULL;
    for (const struct epoch *e = h->epoch; e < h->epoch + h->n; e++)
        if (!(isnan(e->validation_accuracy) && isnan(e->validation_loss)) && (!best || is_better(e, best))) best = e;
    return best;
}
