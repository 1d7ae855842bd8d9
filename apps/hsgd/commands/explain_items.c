/* SPDX-License-Identifier: BSD-3-Clause */
/* What attributions are by: features and tokens, pixels; their names. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explain.h"

/* Numbers that are one item: the channels of a token. */
static int64_t item_size(const struct source *s) { return s->embeds ? hsgd_type_channels(&s->type) : 1; }

struct item *explained_items(const struct explained *x, int *n)
{
    const struct explainer *e = x->e;
    struct item *item = malloc((size_t)(e->size + 1) * sizeof *item);
    *n = 0;
    for (int k = 0; item && k < e->nsources; k++) {
        const struct source *s = &e->source[k];
        int64_t size = item_size(s);
        for (int64_t i = 0; !source_is_image(s) && i < s->size / size; i++) {
            double sum = 0;
            for (int64_t c = 0; c < size; c++) sum += x->integral.attribution[s->first + i * size + c];
            item[(*n)++] = (struct item){ k, i, x->unit * sum };
        }
    }
    return item;
}

float *explained_pixels(const struct explained *x, const struct source *s)
{
    int channels = hsgd_type_channels(&s->type);
    int64_t pixels = s->size / channels;
    float *map = malloc((size_t)pixels * sizeof *map);
    for (int64_t i = 0; map && i < pixels; i++) {
        double sum = 0;
        for (int c = 0; c < channels; c++) sum += x->integral.attribution[s->first + i * channels + c];
        map[i] = (float)(x->unit * sum);
    }
    return map;
}

/* ------------------------------------------------------------------- ranking */

static int by_magnitude(const void *a, const void *b)
{
    const struct item *p = a, *q = b;
    double u = fabs(p->value), v = fabs(q->value);
    if (u != v) return u < v ? 1 : -1;
    if (p->source != q->source) return p->source < q->source ? -1 : 1;
    return p->at < q->at ? -1 : p->at > q->at;
}

void items_rank(struct item *item, int n) { qsort(item, (size_t)n, sizeof *item, by_magnitude); }

/* --------------------------------------------------------------------- names */

/* The names of the training data's columns; NULL: none. */
static const char *const *columns_of(const struct explained *x, const struct source *s)
{
    struct hsgd_data_field f;
    const struct hsgd_record *r = x->e->o->info->record;
    for (int i = 0; hsgd_record_field_get(r, i, &f, sizeof f); i++) {
        bool same = s->input ? !strcmp(f.name, s->name) : !i;
        if (same && f.column && hsgd_type_channels(&f.type) == hsgd_type_channels(&s->type)) return f.column;
    }
    return NULL;
}

/* The token at a position of what an embedding reads; NULL: it is not known. */
static const int32_t *token_at(const struct explained *x, const struct source *s, int64_t at)
{
    struct hsgd_session_value in;
    if (s->input < 0 || hsgd_session_input_get(x->e->o->run.predictor, s->input, &in, sizeof in)) return NULL;
    bool all = in.type.dtype == HSGD_I32 && hsgd_type_size(&in.type) == hsgd_type_positions(&s->type);
    return all ? (const int32_t *)x->e->input[s->input] + at : NULL;
}

static void token_name(const struct explained *x, const struct source *s, int64_t at, char *out, size_t size)
{
    const int32_t *token = token_at(x, s, at);
    size_t bytes = 0;
    const char *text = token ? hsgd_record_decode(x->e->o->info->record, *token, &bytes) : NULL;
    if (text) snprintf(out, size, "%lld \"%.*s\"", (long long)at + 1, (int)bytes, text);
    else if (token) snprintf(out, size, "%s %lld: %d", s->name, (long long)at + 1, *token);
    else snprintf(out, size, "%s %lld", s->name, (long long)at + 1);
}

void item_name(const struct explained *x, const struct item *i, char *out, size_t size)
{
    const struct source *s = &x->e->source[i->source];
    int channels = hsgd_type_channels(&s->type);
    long long position = i->at / channels + 1, channel = i->at % channels;
    const char *const *column = s->embeds ? NULL : columns_of(x, s);
    if (s->embeds) token_name(x, s, i->at, out, size);
    else if (s->size == channels && column) snprintf(out, size, "%s", column[channel]);
    else if (s->size == channels) snprintf(out, size, "%s %lld", s->name, channel + 1);
    else if (column) snprintf(out, size, "%lld %s", position, column[channel]);
    else snprintf(out, size, "%s %lld, %lld", s->name, position, channel + 1);
}

void item_value(const struct explained *x, const struct item *i, char *out, size_t size)
{
    const struct source *s = &x->e->source[i->source];
    float v = s->embeds ? 0 : ((const float *)x->e->raw[s->input])[i->at];
    if (s->embeds) *out = 0;
    else if (isnan(v)) snprintf(out, size, "missing");
    else snprintf(out, size, "%.6g", (double)v);
}
