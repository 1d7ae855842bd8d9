/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data_targets.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/message.h"
#include "lib/regression.h"
#include "lib/text.h"

enum { NAME = 22 /* columns */, SHOWN = 8 /* values of a sample */ };

int targets_of(const struct hsgd_data *d) { return hsgd_data_find(d, "target"); }

/* ------------------------------------------------------------------ values */

struct range {
    double min, max;
};

/* The targets of a split, by column. */
struct targets {
    struct hsgd_data_field field;
    int channels;
    int64_t size;
    struct hsgd_normalisation *norm;
    struct range *range;
};

static void targets_free(struct targets *t)
{
    hsgd_normalisation_destroy(&t->norm);
    free(t->range);
}

/* Values far from 0 are read normalised and converted back, which keeps digits that
 * a 32-bit float does not have. */
static void widen(struct targets *t, int64_t k, float raw, double converted)
{
    enum { FAR = 1000 };
    int i = (int)(k % t->channels), n = t->norm->channels > 1 ? i : 0;
    double v = fabs(t->norm->mean[n]) * t->norm->inv_std[n] > FAR ? converted : (double)raw;
    t->range[i].min = fmin(t->range[i].min, v);
    t->range[i].max = fmax(t->range[i].max, v);
}

static bool find_ranges(const struct hsgd_data *d, int field, struct targets *t)
{
    float *raw = malloc((size_t)t->size * sizeof *raw), *x = malloc((size_t)t->size * sizeof *x);
    double *v = malloc((size_t)t->size * sizeof *v);
    bool ok = raw && x && v;
    for (int i = 0; i < t->channels; i++) t->range[i] = (struct range){ INFINITY, -INFINITY };
    for (int64_t i = 0; ok && i < hsgd_data_count(d); i++) {
        hsgd_data_gather_field(d, field, &i, 1, NULL, raw);
        hsgd_data_gather_field(d, field, &i, 1, t->norm, x);
        hsgd_normalisation_invert(t->norm, x, t->size, t->channels, v);
        for (int64_t k = 0; k < t->size; k++) widen(t, k, raw[k], v[k]);
    }
    free(raw);
    free(x);
    free(v);
    return ok;
}

/* targets_free() in any case. */
static bool targets_open(const struct hsgd_data *d, struct targets *t)
{
    int field = targets_of(d);
    *t = (struct targets){ 0 };
    if (!hsgd_data_field_get(d, field, &t->field, sizeof t->field)) return false;
    t->channels = hsgd_type_channels(&t->field.type);
    t->size = hsgd_type_size(&t->field.type);
    t->norm = hsgd_data_field_statistics(d, field);
    t->range = malloc((size_t)t->channels * sizeof *t->range);
    return t->norm && t->range && find_ranges(d, field, t);
}

/* The mean, or the standard deviation, of a column. */
static double mean_of(const struct targets *t, int i) { return t->norm->mean[t->norm->channels > 1 ? i : 0]; }
static double deviation_of(const struct targets *t, int i)
{
    return 1 / t->norm->inv_std[t->norm->channels > 1 ? i : 0];
}

static const char *name_of(const struct targets *t, int i, char number[TARGET_NAME])
{
    return target_column_name(&t->field, t->channels, i, number);
}

/* ------------------------------------------------------------------ output */

static void print_column(const struct targets *t, int i, const char *name, const char *split)
{
    text_cell(name, NAME);
    printf(" %-5s %12.6g %12.6g %12.6g %12.6g\n", split, t->range[i].min, t->range[i].max, mean_of(t, i),
           deviation_of(t, i));
}

int targets_print(struct hsgd_data *const split[SPLITS])
{
    struct targets train, test = { 0 };
    char number[TARGET_NAME];
    bool ok = targets_open(split[0], &train) && (!split[1] || targets_open(split[1], &test));
    if (ok) printf("\n%-*s %-5s %12s %12s %12s %12s\n", NAME, "target", "split", "min", "max", "mean", "std");
    for (int i = 0; ok && i < train.channels; i++) {
        print_column(&train, i, name_of(&train, i, number), "train");
        if (split[1]) print_column(&test, i, "", "test");
    }
    targets_free(&train);
    targets_free(&test);
    return ok ? OK : report_error(FAILED, "out of memory");
}

static json_t *json_column(const struct targets *t, int i)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "min", json_number(t->range[i].min), "max", json_number(t->range[i].max),
                     "mean", json_number(mean_of(t, i)), "deviation", json_number(deviation_of(t, i)));
}

json_t *targets_json(struct hsgd_data *const split[SPLITS])
{
    struct targets train, test = { 0 };
    char number[TARGET_NAME];
    if (targets_of(split[0]) < 0) return json_array();
    bool ok = targets_open(split[0], &train) && (!split[1] || targets_open(split[1], &test));
    json_t *list = ok ? json_array() : NULL;
    for (int i = 0; ok && i < train.channels; i++)
        json_append(&list, json_pack("{s:o, s:o, s:o}", "name", json_text(name_of(&train, i, number)), "train",
                                     json_column(&train, i), "test", split[1] ? json_column(&test, i) : json_null()));
    targets_free(&train);
    targets_free(&test);
    return list;
}

char *targets_text(const struct hsgd_data *d, int64_t i)
{
    char *text = NULL;
    size_t size;
    struct hsgd_type t = hsgd_data_type(d, "target");
    int64_t n = hsgd_type_size(&t);
    float *x = malloc((size_t)n * sizeof *x);
    FILE *out = x ? open_memstream(&text, &size) : NULL;
    if (out) hsgd_data_gather_field(d, targets_of(d), &i, 1, NULL, x);
    for (int64_t k = 0; out && k < n && k <= SHOWN; k++)
        if (k == SHOWN) fputs(" ...", out);
        else fprintf(out, k ? " %g" : "%g", (double)x[k]);
    bool ok = out && !fclose(out);
    free(x);
    return ok ? text : NULL;
}
