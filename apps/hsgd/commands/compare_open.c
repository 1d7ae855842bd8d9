/* SPDX-License-Identifier: BSD-3-Clause */
/* Existing runs, whose folders are given. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "compare.h"
#include "lib/config_file.h"

/* ------------------------------------------------------------------ folders */

static int name_folder(struct comparison *c, struct trial *t, const char *word)
{
    char path[sizeof t->folder + 16];
    size_t n = strlen(word);
    while (n > 1 && word[n - 1] == '/') n--;
    if (n >= sizeof t->folder)
        return report_error(USAGE, "the name of the run is longer than %zu bytes", sizeof t->folder - 1);
    snprintf(t->folder, sizeof t->folder, "%.*s", (int)n, word);
    for (const struct trial *before = c->trial; before < t; before++)
        if (!strcmp(before->folder, t->folder)) return report_error(USAGE, "\"%s\" is given twice", t->folder);
    snprintf(path, sizeof path, "%s/log.jsonl", t->folder);
    if (!access(path, R_OK)) return OK;
    return report_error(USAGE, "\"%s\" is not the folder of a run: it has no log.jsonl", t->folder);
}

/* Folders written by other programs may have no config.yaml, and then no options. */
static int read_options(struct comparison *c, struct trial *t, struct settings *run)
{
    char path[sizeof t->folder + 16];
    snprintf(path, sizeof path, "%s/config.yaml", t->folder);
    settings_defaults(run, "train");
    c->nkept++;
    int code = access(path, F_OK) ? OK : config_read(run, path);
    t->target = run->stop_at > 0 ? run->stop_at : 0;
    return code;
}

/* ------------------------------------------------------------------- values */

static const char *value_of(struct comparison *c, const struct option_row *o, int run)
{
    return option_given(&c->kept[run], o) ? compare_keep(c, option_text(&c->kept[run], o)) : NULL;
}

/* Whether there is a config.yaml: every run has a model. */
static bool has_options(const struct comparison *c, int run) { return c->kept[run].model; }

/* Runs whose options are not known are not compared. */
static bool is_new(const struct comparison *c, int list, int run)
{
    const char *value = c->trial[run].value[list];
    if (!has_options(c, run)) return false;
    for (int i = 0; i < run; i++) {
        const char *other = c->trial[i].value[list];
        if (!has_options(c, i)) continue;
        if (value && other ? !strcmp(value, other) : value == other) return false;
    }
    return true;
}

/* An option whose value differs between runs is a list. */
static void add_list(struct comparison *c, const struct option_row *o)
{
    struct list *l = &c->list[c->nlists];
    *l = (struct list){ .option = o };
    for (int run = 0; run < c->ntrials; run++) {
        c->trial[run].value[c->nlists] = value_of(c, o, run);
        l->n += is_new(c, c->nlists, run);
    }
    if (l->n < 2) return;
    l->repeats = !strcmp(o->name, "seed");
    c->nlists++;
}

int compare_open(struct comparison *c)
{
    const struct option_row *o;
    int n = c->s->words, code = OK;
    if (n > COMPARE_TRIALS) return report_error(USAGE, "more than %d runs", COMPARE_TRIALS);
    c->trial = calloc((size_t)n, sizeof *c->trial);
    c->kept = calloc((size_t)n, sizeof *c->kept);
    if (!c->trial || !c->kept) return report_error(FAILED, "out of memory for %d runs", n);
    c->planned = n;
    for (int i = 0; !code && i < n; i++) {
        struct trial *t = &c->trial[i];
        t->number = i + 1;
        code = name_folder(c, t, c->s->word[i]);
        if (!code) code = read_options(c, t, &c->kept[i]);
        c->ntrials = i + 1;
        if (!code) code = compare_read(t);
    }
    for (int i = 0; !code && (o = option_at(i)); i++)
        if (o->commands & TRAIN && !(o->commands & PASSING)) add_list(c, o);
    return code;
}
