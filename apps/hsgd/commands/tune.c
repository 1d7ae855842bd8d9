/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd tune */
#include "tune.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "lib/bar.h"
#include "lib/json.h"
#include "lib/measure.h"
#include "lib/options.h"
#include "lib/session.h"
#include "lib/signals.h"

#define TRIALS 240 /* in the time, if starting a process cost nothing */
#define MIN_TRIAL 0.1
#define MAX_TRIAL 2.0

/* The sizes of --batch-size; the first is the default. */
static int check_batch_sizes(struct settings *s)
{
    const struct option_row *one = option_named("batch-size", BENCH);
    char *copy = s->batch_sizes ? settings_keep(s, strdup(s->batch_sizes)) : NULL, *rest = copy;
    int code = OK, n = 0;
    int64_t first = s->batch_size;
    for (char *item; !code && (item = strsep(&rest, ",")); n++) {
        code = option_set(s, one, "--batch-size", item);
        if (!n) first = s->batch_size;
    }
    s->batch_size = first;
    if (!code && n > TUNE_VALUES) code = report_error(USAGE, "--batch-size has more than %d values", (int)TUNE_VALUES);
    return code;
}

static int report_stop(void)
{
    return report_error(128 + signals_stop(), "stopped by %s", signals_name(signals_stop()));
}

static int open_tuning(struct tuning *t)
{
    int code;
    double seconds = t->s->time / TRIALS;
    json_t *devices = tune_devices(&code);
    if (code && signals_stop()) code = report_stop();
    if (!code) code = tuning_space_open(&t->space, t->s, devices);
    json_decref(devices);
    t->trial_seconds = seconds < MIN_TRIAL ? MIN_TRIAL : seconds > MAX_TRIAL ? MAX_TRIAL : seconds;
    t->trials = json_array();
    t->search = (struct tune_search){
        .space = &t->space.space, .seed = (uint64_t)t->s->seed, .measure = tune_measure, .left = tune_left, .user = t
    };
    return code;
}

/* Why there is no result at all. */
static int report_failure(const struct tuning *t)
{
    const struct tune_search *search = &t->search;
    if (signals_stop()) return report_stop();
    if (search->no_memory || !search->n) return report_error(FAILED, "out of memory");
    const char *why = search->candidate[0].why;
    if (*why) return report_error(t->code ? t->code : FAILED, "%s", why);
    return report_error(FAILED, "--time %g: too short for one trial", t->s->time);
}

/* What was found is printed, even where it cannot be written. */
static int conclude(struct tuning *t)
{
    struct tune_outcome o = tune_conclude(&t->search);
    int number = signals_stop();
    int failed = number ? OK : tune_files_write(t, &t->search.candidate[o.chosen].choice);
    bool written = !number && !failed;
    int code = t->s->json ? tune_print_json(t, written) : tune_print(t, written);
    if (code || failed) return failed ? failed : code;
    return number ? report_error(128 + number, "stopped by %s; no file was written", signals_name(number)) : OK;
}

int cmd_tune(struct settings *s)
{
    struct tuning t = { .s = s, .began = now_seconds() };
    bool made = false;
    int code = require_words(s, 0);
    if (!code) code = require_model(s);
    if (!code) code = check_batch_sizes(s);
    signals_catch(); /* before there is a folder to remove */
    if (!code) code = tune_files_open(s, &made);
    if (code) return code;
    t.end = t.began + s->time;
    code = open_tuning(&t);
    if (!code) {
        bool found = tune_search(&t.search);
        bar_clear();
        code = found ? conclude(&t) : report_failure(&t);
    }
    if (code && made) rmdir(s->out);
    tune_free(&t.search);
    json_decref(t.trials);
    return code;
}
