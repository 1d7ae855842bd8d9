/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd compare: all combinations of lists of options of train, each in a process
 * of its own, or existing runs. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "compare.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "commands.h"
#include "draw/draw.h"
#include "lib/child.h"
#include "lib/signals.h"

/* ------------------------------------------------------------------- lists */

static struct list *list_of(struct comparison *c, const struct option_row *o)
{
    for (int i = 0; i < c->nlists; i++)
        if (c->list[i].option == o) return &c->list[i];
    c->list[c->nlists] = (struct list){ .option = o };
    return &c->list[c->nlists++];
}

/* Values that train would refuse are refused before any run starts. */
static int add_value(void *user, const struct option_row *o, const char *text)
{
    struct comparison *c = user;
    struct settings any;
    char name[40];
    snprintf(name, sizeof name, "--%s", o->name);
    if (o->commands & SINGLE) return report_error(USAGE, "\"hsgd compare\" sets %s itself", name);
    settings_defaults(&any, "train");
    int code = option_set(&any, o, name, text);
    if (code) return code;
    struct list *l = list_of(c, o);
    for (int i = 0; i < l->n; i++)
        if (!strcmp(l->value[i], text)) return report_error(USAGE, "%s \"%s\" appears twice", name, text);
    if (l->n == COMPARE_VALUES) return report_error(USAGE, "%s has more than %d values", name, COMPARE_VALUES);
    l->value[l->n++] = text;
    return OK;
}

/* Options that both compare and train have apply to every run. */
static int add_shared(struct comparison *c)
{
    const struct option_row *o;
    for (int i = 0; (o = option_at(i)); i++) {
        if (!(o->commands & COMPARE && o->commands & TRAIN) || !option_given(c->s, o) || o->commands & SINGLE) continue;
        const char *text = compare_keep(c, option_text(c->s, o));
        if (!text) return report_error(FAILED, "out of memory");
        int code = add_value(c, o, text);
        if (code) return code;
    }
    return OK;
}

/* Seeds that count up from the one given, or 0. */
static int add_repeats(struct comparison *c)
{
    struct list *l = list_of(c, option_named("seed", TRAIN));
    long long first = l->n ? atoll(l->value[0]) : 0;
    if (c->s->repeat < 2) return c->nlists -= !l->n, OK;
    if (l->n > 1) return report_error(USAGE, "--repeat sets the seeds, but --seed has %d values", l->n);
    for (l->n = 0; l->n < c->s->repeat; l->n++) {
        char *text = NULL;
        if (asprintf(&text, "%lld", first + l->n) < 0) text = NULL;
        if (!(l->value[l->n] = compare_keep(c, text))) return report_error(FAILED, "out of memory");
    }
    l->repeats = true;
    return OK;
}

static int read_lists(struct comparison *c)
{
    const struct settings *s = c->s;
    int code = options_each(TRAIN, "train", s->words + 1, s->word - 1, add_value, c);
    if (code) return code;
    if (optind <= s->words)
        return report_error(USAGE, "after \"--\" come options of train, not \"%s\"", s->word[optind - 1]);
    code = add_shared(c);
    if (!code) code = add_repeats(c);
    c->planned = 1;
    for (int i = 0; !code && i < c->nlists; i++)
        if ((c->planned *= c->list[i].n) > COMPARE_TRIALS)
            code = report_error(USAGE, "more than %d combinations", COMPARE_TRIALS);
    if (code) return code;
    c->trial = calloc((size_t)c->planned, sizeof *c->trial);
    return c->trial ? OK : report_error(FAILED, "out of memory for %d runs", c->planned);
}

/* Assigns values to all runs; those of the first list change fastest. */
static void assign(struct comparison *c)
{
    for (int n = 0; n < c->planned; n++) {
        struct trial *t = &c->trial[n];
        int rest = n;
        t->number = n + 1;
        for (int pass = 0; pass < 2; pass++) /* the seeds of --repeat change fastest */
            for (int i = 0; i < c->nlists; i++) {
                const struct list *l = &c->list[i];
                if (l->repeats == pass) continue;
                t->value[i] = l->value[rest % l->n];
                rest /= l->n;
            }
        for (int i = 0; i < c->nlists; i++)
            if (!strcmp(c->list[i].option->name, "stop-at")) t->target = atof(t->value[i]);
        snprintf(t->folder, sizeof t->folder, "%s/run-%03d", c->s->out, t->number);
    }
}

/* ---------------------------------------------------------------- one trial */

/* "hsgd train --NAME=VALUE... --quiet --out=FOLDER", as one text with the words
 * in argv; NULL: out of memory. */
static char *command_line(const struct comparison *c, const struct trial *t, char **argv)
{
    char *words = NULL;
    size_t size;
    FILE *f = open_memstream(&words, &size);
    if (!f) return NULL;
    fprintf(f, "hsgd%ctrain%c", 0, 0);
    for (int i = 0; i < c->nlists; i++) fprintf(f, "--%s=%s%c", c->list[i].option->name, t->value[i], 0);
    fprintf(f, "--quiet%c--out=%s%c", 0, t->folder, 0);
    if (fclose(f)) return NULL;
    child_words(words, size, argv);
    return words;
}

static void name_end(struct trial *t)
{
    if (t->code == OK) return; /* known from the report */
    t->end = t->code == NOT_FINITE ? "not finite"
             : t->code == USAGE    ? "refused"
             : t->code > 128       ? "interrupted"
                                   : "failed";
}

static void print_end(const struct trial *t)
{
    const struct epoch *last = history_last(&t->log);
    fprintf(stderr, "     %s", t->end);
    if (last) fprintf(stderr, ": %.2f epochs, %.2f s, loss %.4g", last->epochs, t->seconds, last->loss);
    if (!isnan(compare_best(t))) fprintf(stderr, ", best accuracy %.2f %%", 100 * compare_best(t));
    fputc('\n', stderr);
}

extern char **environ;

static int run_train(struct trial *t, char **argv)
{
    struct child p = { .argv = argv, .environment = environ, .output = -1, .forwards = true };
    int code = child_run(&p);
    t->code = p.code;
    memcpy(t->message, p.message, sizeof t->message);
    return code;
}

static int run_trial(struct comparison *c)
{
    char *argv[MAX_OPTIONS + 8];
    struct trial *t = &c->trial[c->ntrials++];
    fprintf(stderr, "%d/%d  %s\n", t->number, c->planned, t->label);
    char *words = command_line(c, t, argv);
    int code = words ? run_train(t, argv) : report_error(FAILED, "out of memory");
    free(words);
    if (!code) code = compare_read(t);
    name_end(t);
    if (!code) print_end(t);
    return code;
}

/* ------------------------------------------------------------------ report */

/* A plot that cannot be drawn is a warning. */
static int report(const struct comparison *c)
{
    int code = c->s->out ? compare_write_csv(c) : OK;
    bool drawn = !code && c->s->out && !draw_comparison(c, c->s->out);
    return code ? code : c->s->json ? compare_print_json(c) : compare_print(c, drawn);
}

/* OK if at least one run succeeded; after a signal its exit code, else that of
 * the first run. */
static int outcome(const struct comparison *c)
{
    if (signals_stop()) return 128 + signals_stop();
    for (int i = 0; i < c->ntrials; i++)
        if (!c->trial[i].code) return OK;
    return c->trial[0].code;
}

/* After a signal there are fewer runs than planned. */
static int drop_planned(struct comparison *c)
{
    free(c->group);
    c->planned = c->ntrials;
    return compare_group(c);
}

static int run_all(struct comparison *c)
{
    int code = compare_group(c);
    signals_catch();
    while (!code && c->ntrials < c->planned && !signals_stop()) code = run_trial(c);
    if (!code) code = drop_planned(c);
    if (!code) code = report(c);
    return code ? code : outcome(c);
}

static int make_folder(const struct settings *s)
{
    if (strlen(s->out) > 1000) return report_error(USAGE, "--out is longer than 1000 bytes");
    if (!mkdir(s->out, 0777)) return OK;
    return report_error(errno == EEXIST ? USAGE : exit_code(-errno), "--out \"%s\": %s", s->out, strerror(errno));
}

/* New runs, with the options of train after "--". */
static int compare_new(struct comparison *c)
{
    if (!c->s->out) return report_error(USAGE, "--out is missing: the folder for the runs");
    int code = read_lists(c);
    if (code) return code;
    assign(c);
    code = make_folder(c->s);
    return code ? code : run_all(c);
}

/* Existing runs; without --out, tables are printed only. */
static int compare_old(struct comparison *c)
{
    if (c->s->repeat > 1) return report_error(USAGE, "--repeat is for new runs, with options of train after \"--\"");
    int code = compare_open(c);
    if (!code) code = compare_group(c);
    if (!code && c->s->out) code = make_folder(c->s);
    return code ? code : report(c);
}

int cmd_compare(struct settings *s)
{
    struct comparison c = { .s = s };
    bool given = s->words && strcmp(s->word[-1], "--"); /* words without "--" before them */
    int code = given ? compare_old(&c) : compare_new(&c);
    for (int i = 0; i < c.ntrials; i++) compare_free(&c.trial[i]);
    for (int i = 0; i < c.ntexts; i++) free(c.text[i]);
    for (int i = 0; i < c.nkept; i++) settings_free(&c.kept[i]);
    free(c.kept);
    free(c.text);
    free(c.trial);
    free(c.group);
    return code;
}
