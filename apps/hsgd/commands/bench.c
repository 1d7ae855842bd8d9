/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd bench */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "bench/floor.h"
#include "commands.h"
#include "lib/json.h"
#include "lib/measure.h"
#include "lib/report.h"
#include "lib/session.h"
#include "lib/sizes.h"
#include "lib/text.h"

#define PAIRS 41 /* maximum; turns of the trainer and of the floor */
#define MIN_PAIRS 5
#define TURN_SECONDS 0.02 /* approximate length of a turn */

struct bench {
    struct session run;
    const struct settings *s;
    struct hsgd_train_options options;
    struct floor *floor;
    struct usage used;
    int pairs;
    double seconds, ours[PAIRS], theirs[PAIRS], ratios[PAIRS];
    struct data_timing fit; /* with --data */
    double step_ms, floor_ms, ratio, bound_ms;
};

/* The floor runs on CPU cores only. */
static struct floor *open_floor(const struct bench *b)
{
    struct hsgd_device d;
    if (hsgd_device_count(b->run.ctx) != 1 || hsgd_device_get(b->run.ctx, 0, &d, sizeof d) || d.kind != HSGD_CPU)
        return NULL;
    return floor_create(b->s->model, (int)b->s->batch_size, d.workers);
}

static int open_bench(struct bench *b)
{
    const struct settings *s = b->s;
    step_options(s, &b->options);
    if (s->data) data_timing_options(&b->fit, s->seconds, &b->options);
    int code = open_context(&b->run, s);
    if (!code && s->data) code = open_data(&b->run, s);
    if (!code) code = open_model(&b->run, s, b->run.train);
    if (!code) code = open_trainer(&b->run, &b->options);
    if (!code) code = open_sizes(&b->run, s);
    if (!code && !s->data) b->floor = open_floor(b);
    return code;
}

static int steps_in_turn(double seconds_per_step)
{
    double n = TURN_SECONDS / seconds_per_step;
    return n < 1 ? 1 : n > 10000 ? 10000 : (int)n;
}

/* Turns of the trainer and of the floor alternate; which one starts alternates, too. */
static int take_turns(struct bench *b, int ours, int theirs)
{
    for (int i = 0; i < b->pairs; i++) {
        if (b->floor && i % 2) b->theirs[i] = floor_run(b->floor, theirs);
        int err = hsgd_trainer_time(b->run.trainer, ours, &b->ours[i]);
        if (err) return library_error(&b->run, err);
        if (b->floor && i % 2 == 0) b->theirs[i] = floor_run(b->floor, theirs);
        b->seconds += ours * b->ours[i];
        b->ratios[i] = b->floor ? b->ours[i] / b->theirs[i] : NAN;
    }
    return OK;
}

static int measure_on_data(struct bench *b)
{
    struct usage before;
    int err = hsgd_trainer_plan(b->run.trainer, b->options.batch_size); /* its trials are not counted */
    if (err < 0) return library_error(&b->run, err);
    usage_now(b->run.ctx, &before);
    int code = data_timing_measure(&b->fit, &b->run, b->options.batch_size);
    usage_now(b->run.ctx, &b->used);
    usage_since(&before, &b->used);
    b->seconds = b->fit.result.seconds;
    return code;
}

static int measure(struct bench *b)
{
    struct usage before;
    double ours, theirs = 0;
    if (b->s->data) return measure_on_data(b);
    int err = hsgd_trainer_time(b->run.trainer, 3, &ours);
    if (!err) err = hsgd_trainer_time(b->run.trainer, steps_in_turn(ours), &ours);
    if (err) return library_error(&b->run, err);
    if (b->floor) theirs = floor_run(b->floor, 1 + steps_in_turn(ours) / 4);
    double pair = fmax(ours, TURN_SECONDS) + (b->floor ? fmax(theirs, TURN_SECONDS) : 0);
    b->pairs = (int)fmin(PAIRS, fmax(MIN_PAIRS, b->s->seconds / pair));
    usage_now(b->run.ctx, &before);
    int code = take_turns(b, steps_in_turn(ours), b->floor ? steps_in_turn(theirs) : 0);
    usage_now(b->run.ctx, &b->used);
    usage_since(&before, &b->used);
    return code;
}

static void conclude(struct bench *b)
{
    b->floor_ms = b->floor ? 1e3 * median(b->theirs, b->pairs) : NAN;
    b->step_ms = 1e3 * (b->s->data ? data_timing_step(&b->fit) : median(b->ours, b->pairs));
    b->ratio = b->floor ? median(b->ratios, b->pairs) : NAN;
    b->bound_ms = b->floor ? 1e3 * floor_bound(b->floor) : NAN;
}

static int print_json(const struct bench *b)
{
    json_t *all = json_pack(
        "{s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:i, s:o, s:o}", "model", json_text(b->s->model), "batch_size",
        b->options.batch_size, "step_ms", json_number(b->step_ms), "floor_ms", json_number(b->floor_ms), "ratio",
        json_number(b->ratio), "bound_ms", json_number(b->bound_ms), "samples_per_second",
        json_number(1e3 * b->options.batch_size / b->step_ms), "turns", b->pairs, "floor_variant",
        b->floor ? json_text(floor_variant(b->floor)) : json_null(), "devices", json_usage(&b->used, b->seconds));
    if (b->s->data) data_timing_json(&b->fit, b->s->data, &all);
    return json_print(all);
}

static int print_text(const struct bench *b)
{
    text_field("model", "%s, batch of %d", b->s->model, b->options.batch_size);
    print_devices(b->run.ctx, b->s->devices);
    text_field("step", "%.4f ms, %.0f samples/s", b->step_ms, 1e3 * b->options.batch_size / b->step_ms);
    if (b->floor) {
        text_field("floor", "%.4f ms (%s), ratio %.3f", b->floor_ms, floor_variant(b->floor), b->ratio);
        text_field("bound", "%.4f ms", b->bound_ms);
    }
    if (b->s->data) data_timing_print(&b->fit, &b->run);
    putchar('\n');
    print_usage(&b->used, b->seconds);
    return flush_output();
}

int cmd_bench(struct settings *s)
{
    struct bench b = { .s = s };
    int code = require_words(s, 0);
    if (!code) code = require_model(s);
    if (code) return code;
    if (s->data) s->validation = "0";
    code = open_bench(&b);
    if (!code) code = measure(&b);
    if (!code) {
        conclude(&b);
        code = s->json ? print_json(&b) : print_text(&b);
    }
    floor_destroy(b.floor);
    close_session(&b.run);
    return code;
}
