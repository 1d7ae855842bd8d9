/* SPDX-License-Identifier: BSD-3-Clause */
/* The results of hsgd compare as CSV files: a line per run, per epoch, per device,
 * and per group of repeated runs. */
#include <errno.h>
#include <hsgd/hsgd.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "lib/message.h"

/* Names may contain commas and quotes. */
static void text(FILE *f, const char *s)
{
    putc('"', f);
    for (; *s; s++) fprintf(f, *s == '"' ? "\"%c" : "%c", *s);
    putc('"', f);
}

/* Values that are not known are empty. */
static void numbers(FILE *f, const double *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (isfinite(v[i])) fprintf(f, ",%.9g", v[i]);
        else putc(',', f);
}

static void begin(FILE *f, const struct trial *t)
{
    fprintf(f, "%d,", t->number);
    text(f, t->label);
}

static void figures(FILE *f, const struct trial *t)
{
    for (const struct figure *k = compare_figures; k->name; k++) numbers(f, &(double){ k->of(t) }, 1);
    putc('\n', f);
}

static void summary(FILE *f, const struct comparison *c, const struct trial *t)
{
    begin(f, t);
    for (int i = 0; i < c->nlists; i++) {
        if (c->list[i].n < 2) continue;
        putc(',', f);
        text(f, t->value[i] ? t->value[i] : "");
    }
    fprintf(f, ",%s,%d,", t->end, t->code);
    text(f, t->message);
    figures(f, t);
}

static void summary_table(FILE *f, const struct comparison *c)
{
    fputs("run,label", f);
    for (int i = 0; i < c->nlists; i++)
        if (c->list[i].n > 1) fprintf(f, ",%s", c->list[i].option->name);
    fputs(",end,exit_status,message", f);
    for (const struct figure *k = compare_figures; k->name; k++) fprintf(f, ",%s", k->name);
    putc('\n', f);
    for (int i = 0; i < c->ntrials; i++) summary(f, c, &c->trial[i]);
}

static void epoch_table(FILE *f, const struct comparison *c)
{
    fputs("run,label,epochs,seconds,loss,accuracy,validation_loss,validation_accuracy\n", f);
    for (const struct trial *t = c->trial; t < c->trial + c->ntrials; t++)
        for (const struct epoch *e = t->log.epoch; e < t->log.epoch + t->log.n; e++) {
            const double v[] = {
                e->epochs, e->seconds, e->loss, e->accuracy, e->validation_loss, e->validation_accuracy
            };
            begin(f, t);
            numbers(f, v, sizeof v / sizeof *v);
            putc('\n', f);
        }
}

/* Number of runs with the value, its mean, its standard deviation. */
static void spread(FILE *f, struct spread s)
{
    fprintf(f, ",%d", s.n);
    numbers(f, (double[]){ s.mean, s.deviation }, 2);
}

static void group_table(FILE *f, const struct comparison *c)
{
    fputs("group,label,runs", f);
    for (const struct figure *k = compare_figures; k->name; k++)
        fprintf(f, ",%s_n,%s_mean,%s_std", k->name, k->name, k->name);
    for (int g = 0; g < c->ngroups; g++) {
        fprintf(f, "\n%d,", g + 1);
        text(f, c->group[g].label);
        fprintf(f, ",%d", c->group[g].runs);
        for (const struct figure *k = compare_figures; k->name; k++) spread(f, compare_spread(c, g, k->of));
    }
    putc('\n', f);
}

static void device_table(FILE *f, const struct comparison *c)
{
    fputs("run,label,device,workers,updates,samples,busy_seconds,busy_fraction,mean_staleness,largest_staleness,"
          "stale_fraction,mean_batch_size,last_batch_size,last_learning_rate\n",
          f);
    for (const struct trial *t = c->trial; t < c->trial + c->ntrials; t++)
        for (const struct device_use *d = t->device; d < t->device + t->devices; d++) {
            const double v[] = { d->workers,
                                 d->updates,
                                 d->samples,
                                 d->busy_seconds,
                                 d->busy_fraction,
                                 d->missed / d->merges,
                                 d->merges > 0 ? d->max_missed : NAN,
                                 d->stale / d->merges,
                                 d->samples / d->updates,
                                 d->last_batch,
                                 d->last_rate };
            begin(f, t);
            putc(',', f);
            text(f, d->id);
            numbers(f, v, sizeof v / sizeof *v);
            putc('\n', f);
        }
}

static int write_table(const struct comparison *c, const char *name, void (*print)(FILE *, const struct comparison *))
{
    char path[1100], *bytes = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&bytes, &size);
    if (!f) return report_error(FAILED, "out of memory for %s", name);
    print(f, c);
    bool bad = ferror(f);
    snprintf(path, sizeof path, "%s/%s", c->s->out, name);
    int err = fclose(f) || bad ? -ENOMEM : hsgd_file_write(NULL, path, bytes, size);
    free(bytes);
    return err ? report_error(exit_code(err), "%s: %s", path, strerror(-err)) : OK;
}

int compare_write_csv(const struct comparison *c)
{
    static const struct {
        const char *name;
        void (*print)(FILE *, const struct comparison *);
    } tables[] = {
        { "summary.csv", summary_table },
        { "epochs.csv", epoch_table },
        { "devices.csv", device_table },
    };
    int code = compare_repeats(c) ? write_table(c, "groups.csv", group_table) : OK;
    for (size_t i = 0; !code && i < sizeof tables / sizeof *tables; i++)
        code = write_table(c, tables[i].name, tables[i].print);
    return code;
}
