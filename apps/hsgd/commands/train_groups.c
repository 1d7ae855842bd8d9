/* SPDX-License-Identifier: BSD-3-Clause */
/* --group of hsgd train. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/text.h"
#include "train.h"

static int bad_group(const char *text)
{
    return report_error(USAGE,
                        "--group \"%s\": \"PATTERN:lr=X\", \"PATTERN:decay=X\" or \"PATTERN:lr=X,decay=X\" is "
                        "expected, X a number from 0",
                        text);
}

/* "lr=0.1" or "decay=0" */
static bool take_setting(struct hsgd_group *g, const char *text)
{
    const char *value = strchr(text, '=');
    char *end;
    if (!value || !value[1] || strspn(value + 1, "+.eE-0123456789") != strlen(value + 1)) return false;
    float v = strtof(value + 1, &end);
    if (*end || !(v >= 0) || !isfinite(v)) return false;
    if (!strncmp(text, "lr=", 3)) g->rate = v;
    else if (!strncmp(text, "decay=", 6)) g->weight_decay = v;
    else return false;
    return true;
}

/* A pattern ends at the last colon of what stands between two commas. */
static bool take_item(struct hsgd_train_options *o, struct hsgd_group *group, char *item)
{
    char *colon = strrchr(item, ':');
    if (colon) {
        *colon = '\0';
        group[o->groups++] = (struct hsgd_group){ item, 1, -1 };
        item = colon + 1;
        if (!*group[o->groups - 1].weights) return false;
    }
    return o->groups && take_setting(&group[o->groups - 1], item);
}

int train_choose_groups(struct training *t)
{
    struct hsgd_train_options *o = &t->options;
    int items = 1;
    if (!t->s->group) return OK;
    for (const char *c = t->s->group; *c; c++) items += *c == ',';
    char *text = settings_keep(t->s, strdup(t->s->group));
    t->group = calloc((size_t)items, sizeof *t->group);
    int code = text && t->group ? OK : report_error(FAILED, "out of memory for --group");
    for (char *item; !code && (item = strsep(&text, ","));)
        if (!take_item(o, t->group, item)) code = bad_group(t->s->group);
    o->group = t->group;
    if (code) free(t->group);
    return code;
}

/* ------------------------------------------------------------------ header */

static int count_weights(const struct training *t, int group)
{
    int n = 0;
    for (int i = 0; i < hsgd_model_weight_count(t->run.model); i++)
        n += hsgd_trainer_group(t->run.trainer, hsgd_model_weight_name(t->run.model, i)) == group;
    return n;
}

static void describe(FILE *out, const struct training *t, int i)
{
    const struct hsgd_group *g = &t->options.group[i];
    int n = count_weights(t, i);
    fprintf(out, "%s%s (%d weight%s): ", i ? "; " : "", g->weights, n, n == 1 ? "" : "s");
    if (g->rate > 0) fprintf(out, "lr %g", g->rate * t->options.learning_rate);
    else fputs("fixed", out);
    if (g->rate > 0 && g->weight_decay >= 0) fprintf(out, ", decay %g", g->weight_decay);
}

void train_print_groups(const struct training *t)
{
    char *text = NULL;
    size_t size;
    FILE *out = t->options.groups ? open_memstream(&text, &size) : NULL;
    if (!out) return;
    for (int i = 0; i < t->options.groups; i++) describe(out, t, i);
    if (!fclose(out)) text_field("groups", "%s", text);
    free(text);
}
