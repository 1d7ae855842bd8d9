/* hsgd compare: the product of lists of train's options, a process each. */
#include "compare.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "signals.h"

#define MOST_SHOWN 40       /* bytes of a value in a label */

/* ------------------------------------------------------------------- lists */

static struct list *list_of(struct comparison *c, const struct option_row *o)
{
    for (int i = 0; i < c->nlists; i++)
        if (c->list[i].option == o) return &c->list[i];
    c->list[c->nlists] = (struct list){ .option = o };
    return &c->list[c->nlists++];
}

/* A value that train would refuse is refused before anything runs. */
static int add_value(void *user, const struct option_row *o, const char *text)
{
    struct comparison *c = user;
    struct settings any;
    char name[40];
    snprintf(name, sizeof name, "--%s", o->name);
    if (o->commands & SINGLE) return complain(USAGE, "\"hsgd compare\" decides about %s itself", name);
    settings_defaults(&any, "train");
    int code = option_set(&any, o, name, text);
    if (code) return code;
    struct list *l = list_of(c, o);
    for (int i = 0; i < l->n; i++)
        if (!strcmp(l->value[i], text)) return complain(USAGE, "%s \"%s\" is there twice", name, text);
    if (l->n == COMPARE_VALUES) return complain(USAGE, "%s has more than %d values", name, COMPARE_VALUES);
    l->value[l->n++] = text;
    return OK;
}

/* Options of compare that are train's too: they hold for every run. */
static int add_shared(struct comparison *c)
{
    const struct option_row *o;
    for (int i = 0; (o = option_at(i)); i++) {
        if (!(o->commands & COMPARE && o->commands & TRAIN) || !option_given(c->s, o) || o->commands & SINGLE) continue;
        char *text = c->text[c->ntexts] = option_text(c->s, o);
        if (!text) return complain(FAILED, "out of memory");
        c->ntexts++;
        int code = add_value(c, o, text);
        if (code) return code;
    }
    return OK;
}

static int read_lists(struct comparison *c)
{
    const struct settings *s = c->s;
    int code = options_each(TRAIN, "train", s->words + 1, s->word - 1, add_value, c);
    if (code) return code;
    if (optind <= s->words)
        return complain(USAGE, "after \"--\" come options of train, not \"%s\"", s->word[optind - 1]);
    code = add_shared(c);
    c->ncombinations = 1;
    for (int i = 0; !code && i < c->nlists; i++)
        if ((c->ncombinations *= c->list[i].n) > COMPARE_TRIALS)
            code = complain(USAGE, "more than %d combinations", COMPARE_TRIALS);
    if (code) return code;
    c->trial = calloc((size_t)c->ncombinations, sizeof *c->trial);
    return c->trial ? OK : complain(FAILED, "out of memory for %d runs", c->ncombinations);
}

const char *compare_value(const struct comparison *c, int combination, int i)
{
    for (int k = 0; k < i; k++) combination /= c->list[k].n;
    return c->list[i].value[combination % c->list[i].n];
}

/* ---------------------------------------------------------------- one trial */

void compare_cut(char *text, size_t most)
{
    if (strlen(text) <= most) return;
    while (most && ((unsigned char)text[most] & 0xc0) == 0x80) most--;
    text[most] = '\0';
}

/* The end of a long value: paths differ there. */
static const char *end_of(const char *value)
{
    size_t n = strlen(value);
    if (n > MOST_SHOWN) value += n - MOST_SHOWN;
    while (((unsigned char)*value & 0xc0) == 0x80) value++;
    return value;
}

/* Its label is the options that have several values. */
static void describe(const struct comparison *c, struct trial *t)
{
    char label[2 * COMPARE_LABEL];
    size_t used = 0;
    for (int i = 0; i < c->nlists; i++) {
        const char *name = c->list[i].option->name, *value = compare_value(c, t->number - 1, i);
        if (!strcmp(name, "stop-at")) t->target = atof(value);
        if (c->list[i].n > 1 && used < sizeof label)
            used += (size_t)snprintf(label + used, sizeof label - used, "%s%s %s%s", used ? ", " : "", name,
                                     end_of(value) == value ? "" : "...", end_of(value));
    }
    if (!used) snprintf(label, sizeof label, "train");
    compare_cut(label, sizeof t->label - 1);
    memcpy(t->label, label, strlen(label) + 1);
    snprintf(t->folder, sizeof t->folder, "%s/run-%03d", c->s->out, t->number);
}

/* "hsgd train --NAME=VALUE... --json --out=FOLDER", as one text with the words
 * in argv; NULL: out of memory. */
static char *command_line(const struct comparison *c, const struct trial *t, char **argv)
{
    char *words = NULL;
    size_t size, at = 0;
    int n = 0;
    FILE *f = open_memstream(&words, &size);
    if (!f) return NULL;
    fprintf(f, "hsgd%ctrain%c", 0, 0);
    for (int i = 0; i < c->nlists; i++)
        fprintf(f, "--%s=%s%c", c->list[i].option->name, compare_value(c, t->number - 1, i), 0);
    fprintf(f, "--json%c--out=%s%c", 0, t->folder, 0);
    if (fclose(f)) return NULL;
    for (; at < size; at += strlen(words + at) + 1) argv[n++] = words + at;
    argv[n] = NULL;
    return words;
}

static void name_end(struct trial *t)
{
    if (t->code == OK) return; /* the report has said it */
    t->end = t->code == NOT_FINITE ? "not finite" : t->code == USAGE ? "refused"
           : t->code > 128 ? "interrupted" : "failed";
}

static void tell(const struct trial *t)
{
    const struct epoch *last = compare_last(t);
    fprintf(stderr, "     %s", t->end);
    if (last) fprintf(stderr, ": %.2f epochs, %.2f s, loss %.4g", last->epochs, t->seconds, last->loss);
    if (!isnan(compare_best(t))) fprintf(stderr, ", best accuracy %.2f %%", 100 * compare_best(t));
    fputc('\n', stderr);
}

static int run_trial(struct comparison *c)
{
    char *argv[MOST_OPTIONS + 8];
    struct trial *t = &c->trial[c->ntrials++];
    t->number = c->ntrials;
    describe(c, t);
    fprintf(stderr, "%d/%d  %s\n", t->number, c->ncombinations, t->label);
    char *words = command_line(c, t, argv);
    int code = words ? compare_run(t, argv) : complain(FAILED, "out of memory");
    free(words);
    if (!code) code = compare_read(t);
    name_end(t);
    if (!code) tell(t);
    return code;
}

/* ------------------------------------------------------------------ report */

static int report(const struct comparison *c)
{
    int code = compare_write_csv(c);
    if (!code) code = compare_draw(c);
    if (!code) code = c->s->json ? compare_print_json(c) : compare_print(c);
    return code;
}

/* What ended all of them, or one that a signal ended. */
static int outcome(const struct comparison *c)
{
    if (signals_stop()) return 128 + signals_stop();
    for (int i = 0; i < c->ntrials; i++)
        if (!c->trial[i].code) return OK;
    return c->trial[0].code;
}

static int run_all(struct comparison *c)
{
    int code = OK;
    signals_catch();
    while (!code && c->ntrials < c->ncombinations && !signals_stop()) code = run_trial(c);
    if (!code) code = report(c);
    return code ? code : outcome(c);
}

int cmd_compare(struct settings *s)
{
    struct comparison c = { .s = s };
    if (!s->out) return complain(USAGE, "--out is missing: the folder for the runs");
    if (strlen(s->out) > 1000) return complain(USAGE, "--out is longer than 1000 bytes");
    int code = read_lists(&c);
    if (!code && mkdir(s->out, 0777))
        code = complain(errno == EEXIST ? USAGE : blame(-errno), "--out \"%s\": %s", s->out, strerror(errno));
    if (!code) code = run_all(&c);
    for (int i = 0; i < c.ntrials; i++) compare_free(&c.trial[i]);
    for (int i = 0; i < c.ntexts; i++) free(c.text[i]);
    free(c.trial);
    return code;
}
