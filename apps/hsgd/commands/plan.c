/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd plan */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "draw/draw.h"
#include "lib/json.h"
#include "lib/sizes.h"
#include "plan.h"

#define WARM_STEPS 12 /* the first are slower; the cost model keeps the median of the last nine */
#define TIMED_STEPS 20

static int open_planning(struct session *run, const struct settings *s)
{
    struct hsgd_train_options o;
    step_options(s, &o);
    int code = open_context(run, s);
    if (!code && s->data) code = open_data(run, s);
    if (!code) code = open_model(run, s, run->train);
    if (!code) code = open_trainer(run, &o);
    return code ? code : open_sizes(run, s);
}

static int time_steps(const struct session *run, int steps, double *ms)
{
    double seconds;
    int err = hsgd_trainer_time(run->trainer, steps, &seconds);
    *ms = 1e3 * seconds;
    return err ? library_error(run, err) : OK;
}

/* A few steps, so that the cost model knows every cell; then the prediction,
 * and the steps that it is compared with. */
static int try_plan(struct plan_report *r, const struct session *run, const struct settings *s)
{
    double ms;
    int code = time_steps(run, WARM_STEPS, &ms);
    if (!code) code = plan_predict(r, run, s->model, (int)s->batch_size, true);
    if (!code) code = trace_begin(run, TIMED_STEPS);
    if (!code) code = time_steps(run, TIMED_STEPS, &ms);
    return code ? code : plan_measure(r, run, ms);
}

static int read_run(struct plan_report *r, const struct settings *s)
{
    char path[4096];
    if (s->model) return report_error(USAGE, "--model is incompatible with the run \"%s\"", s->word[0]);
    if (s->data) return report_error(USAGE, "--data is incompatible with the run \"%s\"", s->word[0]);
    if (snprintf(path, sizeof path, "%s/plan.json", s->word[0]) >= (int)sizeof path)
        return report_error(USAGE, "the name of the run is longer than %d bytes", (int)sizeof path - 11);
    return plan_read(r, path);
}

static int make_plan(struct plan_report *r, struct session *run, const struct settings *s)
{
    int code = require_model(s);
    if (!code) code = open_planning(run, s);
    return code ? code : try_plan(r, run, s);
}

/* The first requested file; NULL: none. */
static const char *file_asked(const struct settings *s) { return s->png ? s->png : s->svg; }

static int check_drawing(const struct settings *s)
{
    return file_asked(s) ? drawing_check(s->png ? "--png" : "--svg", file_asked(s)) : OK;
}

static int draw(const struct plan_report *r, const struct settings *s)
{
    if (!file_asked(s)) return OK;
    if (!plan_of_replicas(r)) return draw_plan(r, s->png, s->svg);
    return report_error(USAGE, "%s \"%s\": replicas have no common step to draw", s->png ? "--png" : "--svg",
                        file_asked(s));
}

int cmd_plan(struct settings *s)
{
    struct session run = { 0 };
    struct plan_report r = { 0 };
    int code = require_words(s, 1);
    if (!code) code = check_drawing(s);
    if (!code) code = s->words ? read_run(&r, s) : make_plan(&r, &run, s);
    if (!code) code = draw(&r, s);
    if (!code) code = s->json ? json_print(plan_json(&r)) : plan_print(&r);
    plan_free(&r);
    close_session(&run);
    return code;
}
