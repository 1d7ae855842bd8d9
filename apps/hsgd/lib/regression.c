/* SPDX-License-Identifier: BSD-3-Clause */
#include "regression.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 512 /* samples in memory at once */

/* ------------------------------------------------------------------ columns */

bool target_columns_find(const struct hsgd_record *r, struct target_columns *t)
{
    bool found = false;
    *t = (struct target_columns){ 0 };
    for (int i = 0; !found && hsgd_record_field_get(r, i, &t->field, sizeof t->field); i++)
        found = !strcmp(t->field.name, "target") && t->field.type.dtype == HSGD_F32;
    if (!found) return false;
    t->channels = hsgd_type_channels(&t->field.type);
    t->size = hsgd_type_size(&t->field.type);
    t->norm = hsgd_record_normalisation(r, t->field.name);
    return true;
}

const char *target_column_name(const struct hsgd_data_field *f, int channels, int i, char number[TARGET_NAME])
{
    if (f->column) return f->column[i];
    if (channels == 1) return f->name;
    snprintf(number, TARGET_NAME, "%s %d", f->name, i + 1);
    return number;
}

void target_columns_convert(const struct target_columns *t, const float *y, double *out)
{
    for (int64_t i = 0; !t->norm && i < t->size; i++) out[i] = (double)y[i];
    if (t->norm) hsgd_normalisation_invert(t->norm, y, t->size, t->channels, out);
}

/* ------------------------------------------------------------------- errors */

/* Sums over the values of a channel, in normalised units: a float is too coarse
 * for a target far from 0. */
struct sums {
    double n, t, t2, error, error2;
};

static void add(const struct target_columns *c, struct sums *s, const float *y, const float *t)
{
    for (int64_t i = 0; i < c->size; i++) {
        struct sums *of = &s[i % c->channels];
        double d = (double)y[i] - (double)t[i];
        of->n++;
        of->t += (double)t[i];
        of->t2 += (double)t[i] * (double)t[i];
        of->error += fabs(d);
        of->error2 += d * d;
    }
}

static struct target_score score_of(const struct target_columns *c, const struct sums *s, int channel)
{
    double unit = c->norm ? 1 / c->norm->inv_std[c->norm->channels > 1 ? channel : 0] : 1;
    double spread = s->t2 - s->t * s->t / s->n;
    return (struct target_score){ .rmse = unit * sqrt(s->error2 / s->n),
                                  .mae = unit * s->error / s->n,
                                  .r2 = spread > 1e-9 * s->t2 ? 1 - s->error2 / spread : NAN };
}

static int add_samples(const struct session *run, const struct hsgd_normalisation *norm, const struct target_columns *c,
                       const struct hsgd_data *d, struct sums *s)
{
    size_t bytes = CHUNK * (size_t)c->size * sizeof(float);
    float *y = malloc(bytes), *t = malloc(bytes);
    int code = y && t ? OK : report_error(FAILED, "out of memory for %lld targets", (long long)c->size);
    for (int64_t at = 0; !code && at < hsgd_data_count(d); at += CHUNK) {
        int64_t index[CHUNK], left = hsgd_data_count(d) - at;
        int n = left < CHUNK ? (int)left : CHUNK;
        for (int i = 0; i < n; i++) index[i] = at + i;
        code = predict_samples(run, norm, d, at, n, y, NULL);
        if (!code) hsgd_data_gather_field(d, hsgd_data_find(d, c->field.name), index, n, c->norm, t);
        for (int i = 0; !code && i < n; i++) add(c, s, y + i * c->size, t + i * c->size);
    }
    free(y);
    free(t);
    return code;
}

int regression_measure(const struct session *run, const struct hsgd_normalisation *norm, const struct target_columns *t,
                       const struct hsgd_data *d, struct regression *r)
{
    struct sums *s = calloc((size_t)t->channels, sizeof *s);
    *r = (struct regression){ .targets = t->channels, .score = calloc((size_t)t->channels, sizeof *r->score) };
    int code = s && r->score ? add_samples(run, norm, t, d, s) : report_error(FAILED, "out of memory");
    for (int i = 0; !code && i < r->targets; i++) {
        r->score[i] = score_of(t, &s[i], i);
        r->mean.rmse += r->score[i].rmse / r->targets;
        r->mean.mae += r->score[i].mae / r->targets;
        r->mean.r2 += r->score[i].r2 / r->targets;
    }
    free(s);
    return code;
}

void regression_free(struct regression *r)
{
    free(r->score);
    r->score = NULL;
}
