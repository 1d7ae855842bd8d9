/* SPDX-License-Identifier: BSD-3-Clause */
/* One trial of hsgd tune: hsgd bench in a process with its own environment. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/bar.h"
#include "lib/child.h"
#include "lib/json.h"
#include "lib/measure.h"
#include "lib/message.h"
#include "lib/options.h"
#include "lib/signals.h"
#include "tune.h"

#define FIRST_LIMIT 60.0  /* seconds that the first trial may take, */
#define TRIAL_LIMIT 20.0  /* another may, or this many */
#define TRIAL_LIMIT_OF 20 /* times its training: */
#define OVERTIME 1.0      /* and these seconds more than the search has */
#define SAME_LOSS 1e-3    /* relative */

extern char **environ;

/* The object that a command of this program prints.  NULL: code and message say why. */
static json_t *run_json(char **argv, struct child *c)
{
    c->argv = argv;
    c->environment = environ;
    c->output = memfd_create("hsgd", MFD_CLOEXEC);
    int failed = c->output < 0 ? report_error(FAILED, "cannot start %s: %s", argv[1], strerror(errno)) : child_run(c);
    if (failed) c->code = failed;
    json_t *object = NULL;
    if (!c->code && lseek(c->output, 0, SEEK_SET) == 0) object = json_loadfd(c->output, 0, NULL);
    if (!c->code && !object) c->code = FAILED;
    if (c->output >= 0) close(c->output);
    return object;
}

json_t *tune_devices(int *code)
{
    struct child c = { .forwards = true };
    json_t *all = run_json((char *[]){ "hsgd", "devices", "--json", NULL }, &c);
    json_t *list = json_incref(json_object_get(all, "devices"));
    json_decref(all);
    *code = c.code;
    if (c.code && !c.exited && !signals_stop()) report_error(c.code, "the devices cannot be listed: %s", c.message);
    else if (c.code && !*c.message) report_error(c.code, "the devices of this machine cannot be listed");
    return list;
}

/* ------------------------------------------------------------ command line */

/* What was given and every trial has. */
static void print_given(FILE *f, const struct settings *s)
{
    const struct option_row *o;
    for (int i = 0; (o = option_at(i)); i++) {
        bool shared = o->commands & TUNE && o->commands & BENCH && !(o->commands & (PASSING | SINGLE));
        char *text = shared && option_given(s, o) ? option_text(s, o) : NULL;
        if (text) fprintf(f, "--%s=%s%c", o->name, text, 0);
        free(text);
    }
}

/* "hsgd bench --NAME=VALUE...", as one text with the words in argv; NULL: out of
 * memory. */
static char *command_line(const struct tuning *t, const struct tune_choice *c, char **argv)
{
    char *words = NULL;
    size_t size;
    FILE *f = open_memstream(&words, &size);
    if (!f) return NULL;
    fprintf(f, "hsgd%cbench%c--json%c--data=%s%c--seconds=%.3g%c", 0, 0, 0, t->s->data ? t->s->data : "digits", 0,
            t->trial_seconds, 0);
    print_given(f, t->s);
    if (!c->value[tuning_setting(&t->space, "batch-size")])
        fprintf(f, "--batch-size=%lld%c", (long long)t->s->batch_size, 0);
    for (int i = 0; i < t->space.space.n; i++)
        if (c->value[i] && !tuning_is_variable(&t->space, i))
            fprintf(f, "--%s=%s%c", t->space.space.setting[i].name, t->space.list[i].value[c->value[i]], 0);
    if (fclose(f)) return NULL;
    child_words(words, size, argv);
    return words;
}

/* The variables of a combination, in our environment while the trial runs; the user
 * has set none of them. */
static void set_variables(const struct tuning *t, const struct tune_choice *c, bool set)
{
    for (int i = 0; i < t->space.space.n; i++) {
        if (!c->value[i] || !tuning_is_variable(&t->space, i)) continue;
        if (set) setenv(t->space.space.setting[i].name, t->space.list[i].value[c->value[i]], 1);
        else unsetenv(t->space.space.setting[i].name);
    }
}

/* ------------------------------------------------------------------ losses */

static bool read_losses(const json_t *report, double losses[COMPARED_LOSSES])
{
    const json_t *list = json_object_get(report, "losses");
    for (size_t i = 0; i < COMPARED_LOSSES; i++) {
        const json_t *loss = json_array_get(list, i);
        losses[i] = json_is_number(loss) ? json_number_value(loss) : NAN;
        if (!isfinite(losses[i])) return false;
    }
    return true;
}

/* Whether the trainings are the same.  Compared are the mean losses of their first
 * steps: later ones differ by roundings that training has amplified. */
static bool is_same_training(const struct tuning *t, const json_t *report, int batch, char why[160])
{
    double losses[COMPARED_LOSSES], mine = 0, usual = 0;
    if (!read_losses(report, losses)) return snprintf(why, 160, "its losses are not finite"), false;
    for (int i = 0; i < COMPARED_LOSSES; i++) {
        mine += losses[i] / COMPARED_LOSSES;
        usual += t->losses[batch][i] / COMPARED_LOSSES;
    }
    double off = fabs(mine - usual) / fmax(fabs(usual), 1e-12), limit = t->s->deterministic ? 0 : SAME_LOSS;
    if (off <= limit) return true;
    snprintf(why, 160, "its losses differ from the default's by %.2g %%", 100 * off);
    return false;
}

/* ------------------------------------------------------------------- trial */

static void show(const struct tuning *t)
{
    char what[40], figures[60] = "";
    snprintf(what, sizeof what, "trial %d", t->search.measured + 1);
    if (t->best > 0) snprintf(figures, sizeof figures, "fastest so far %.0f samples/s", t->best);
    bar_draw(&(struct bar){ what, fmin(1, (now_seconds() - t->began) / t->s->time), figures });
}

/* The report of a trial; NULL: *child says why. */
static json_t *run_trial(struct tuning *t, const struct tune_choice *c, struct child *child)
{
    char *argv[MAX_OPTIONS + TUNE_SETTINGS + 8], *words = command_line(t, c, argv);
    *child = (struct child){ .code = FAILED, .message = "out of memory" };
    if (!words) return NULL;
    double limit = fmax(TRIAL_LIMIT, TRIAL_LIMIT_OF * t->trial_seconds);
    child->limit = t->search.measured ? fmin(limit, fmax(tune_left(t), 0) + OVERTIME) : FIRST_LIMIT;
    set_variables(t, c, true);
    json_t *report = run_json(argv, child);
    set_variables(t, c, false);
    free(words);
    return report;
}

/* Runs a trial; that of the default with a batch size gives the losses with which
 * others of that size are compared.  NULL: `why` says what failed. */
static json_t *run_compared(struct tuning *t, const struct tune_choice *c, char why[160])
{
    struct child child;
    int batch = c->value[tuning_setting(&t->space, "batch-size")];
    struct tune_choice usual = { { 0 } };
    usual.value[tuning_setting(&t->space, "batch-size")] = batch;
    bool is_usual = !memcmp(&usual, c, sizeof usual);
    if (!t->has_losses[batch] && !is_usual) json_decref(run_compared(t, &usual, why));
    json_t *report = t->has_losses[batch] || is_usual ? run_trial(t, c, &child) : NULL;
    if (report && !t->has_losses[batch]) t->has_losses[batch] = read_losses(report, t->losses[batch]);
    if (report && is_same_training(t, report, batch, why)) return report;
    if (!report && (t->has_losses[batch] || is_usual))
        snprintf(why, 160, "%.159s", *child.message ? child.message : "it failed without a message");
    if (is_usual && !batch) t->code = report ? NOT_FINITE : child.code;
    json_decref(report);
    return NULL;
}

static void log_trial(struct tuning *t, const struct tune_choice *c, double speed)
{
    json_append(&t->trials,
                json_pack("{s:o, s:o, s:o}", "settings", json_text(tuning_label(&t->space, c).text),
                          "samples_per_second", json_number(speed), "seconds", json_number(now_seconds() - t->began)));
}

int tune_measure(void *user, const struct tune_choice *c, double *speed, char why[160])
{
    struct tuning *t = user;
    show(t);
    json_t *report = run_compared(t, c, why);
    if (signals_stop()) return json_decref(report), -1;
    *speed = report ? json_number_value(json_object_get(report, "samples_per_second")) : NAN;
    if (report) t->best = fmax(t->best, *speed);
    log_trial(t, c, *speed);
    bool measured = report;
    json_decref(report);
    return measured ? 0 : 1;
}

double tune_left(void *user)
{
    const struct tuning *t = user;
    return t->end - now_seconds();
}
