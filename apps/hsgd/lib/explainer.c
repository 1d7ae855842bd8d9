/* SPDX-License-Identifier: BSD-3-Clause */
#include "explainer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sizes.h"

enum { STEPS = 64, CHUNK = 64 };

bool source_is_image(const struct source *s)
{
    const struct hsgd_type *t = &s->type;
    return !s->embeds && t->rank == 3 && (t->dim[0] != 1 || t->dim[1] != 1);
}

/* ------------------------------------------------------------------- sources */

static int add_source(struct explainer *e, const char *name, int input, bool embeds)
{
    if (e->nsources == MAX_INPUTS)
        return report_error(USAGE, "%s: its model has more than %d inputs and embeddings", e->o->path, MAX_INPUTS);
    struct source *s = &e->source[e->nsources++];
    *s = (struct source){ .input = input, .embeds = embeds };
    snprintf(s->name, sizeof s->name, "%s", name);
    return OK;
}

static int find_input(const struct explainer *e, const char *name)
{
    struct hsgd_session_value in;
    for (int i = 0; i < MAX_INPUTS && !hsgd_session_input_get(e->o->run.predictor, i, &in, sizeof in); i++)
        if (!strcmp(in.name, name)) return i;
    return -1;
}

/* Inputs of floats, and embeddings. */
static int find_sources(struct explainer *e)
{
    struct hsgd_session_value in;
    struct hsgd_model_layer l;
    int code = OK, n = hsgd_session_inputs(e->o->run.predictor);
    if (n > MAX_INPUTS) return report_error(USAGE, "%s: its model has %d inputs", e->o->path, n);
    for (int i = 0; !code && i < n && !hsgd_session_input_get(e->o->run.predictor, i, &in, sizeof in); i++)
        if (in.type.dtype == HSGD_F32) code = add_source(e, in.name, i, false);
    for (int i = 0; !code && !hsgd_model_layer_get(e->o->run.model, i, &l, sizeof l); i++)
        if (!strcmp(l.op, "embedding")) code = add_source(e, l.name, find_input(e, l.from[0]), true);
    if (code || e->nsources) return code;
    return report_error(USAGE, "%s: its model has neither inputs of floats nor an embedding", e->o->path);
}

/* ---------------------------------------------------------------- Grad-CAM */

/* An image with more than one pixel, or one of an open size. */
static bool is_map(const struct hsgd_model_layer *l)
{
    const struct hsgd_type *t = &l->out[0];
    return l->outputs == 1 && t->dtype == HSGD_F32 && t->rank == 3 && (t->dim[0] != 1 || t->dim[1] != 1);
}

static int refuse_layer(const struct explainer *e, const char *name)
{
    char names[400] = "";
    size_t used = 0;
    struct hsgd_model_layer l;
    for (int i = 0; used < sizeof names && !hsgd_model_layer_get(e->o->run.model, i, &l, sizeof l); i++)
        if (is_map(&l)) used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", l.name);
    if (!used)
        return report_error(USAGE, "%s: Grad-CAM needs a layer of height x width x channels, and its model has none",
                            e->o->path);
    return report_error(USAGE, "--layer \"%s\": Grad-CAM is by a layer of height x width x channels: %s", name, names);
}

/* Reads nothing but images. */
static bool takes_images(const struct explainer *e)
{
    struct hsgd_session_value in;
    return !hsgd_session_input_get(e->o->run.predictor, 0, &in, sizeof in) && in.type.dtype == HSGD_F32 &&
           in.type.rank == 3;
}

/* The layer of this name; NULL: the last that is a map.  "" if there is none. */
static void find_layer(struct explainer *e, const char *name)
{
    struct hsgd_model_layer l;
    for (int i = 0; !hsgd_model_layer_get(e->o->run.model, i, &l, sizeof l); i++)
        if (is_map(&l) && (!name || !strcmp(l.name, name))) snprintf(e->layer_name, sizeof e->layer_name, "%s", l.name);
}

static int choose_methods(struct explainer *e, const struct settings *s)
{
    e->integrates = s->method != EXPLAIN_GRAD_CAM;
    if (s->layer && s->method == EXPLAIN_INTEGRATED)
        return report_error(USAGE, "--layer is for --method grad-cam, not integrated");
    if (s->method == EXPLAIN_INTEGRATED) return OK;
    bool wanted = s->layer || s->method == EXPLAIN_GRAD_CAM;
    if (takes_images(e)) find_layer(e, s->layer);
    return *e->layer_name || !wanted ? OK : refuse_layer(e, s->layer);
}

/* ---------------------------------------------------------------- life cycle */

static int open_session(struct explainer *e, const struct settings *s, const char *const *result,
                        const char *const *gradient, const char *const *given, struct hsgd_session **out)
{
    *out = hsgd_session_create(e->o->run.model, HSGD_OPTIONS(session, .batch = (int)s->batch_size, .result = result,
                                                             .executor = (enum hsgd_executor)s->executor,
                                                             .gradient = gradient, .given = given));
    return *out ? OK : report_error(USAGE, "%s: %s", e->o->path, hsgd_error(e->o->run.ctx));
}

static int open_sessions(struct explainer *e, const struct settings *s)
{
    static const char *const output[] = { "output", NULL };
    const char *by[MAX_INPUTS + 1] = { NULL }, *given[MAX_INPUTS + 1] = { NULL };
    const char *const both[] = { "output", e->layer_name, NULL }, *const layer[] = { e->layer_name, NULL };
    int n = 0, code = OK;
    for (int i = 0; i < e->nsources; i++) {
        by[i] = e->source[i].name;
        if (e->source[i].embeds) given[n++] = by[i];
    }
    if (e->integrates) code = open_session(e, s, output, by, n ? given : NULL, &e->gradients);
    if (!code && e->integrates && n) code = open_session(e, s, given, NULL, NULL, &e->embeddings);
    if (!code && *e->layer_name) code = open_session(e, s, both, layer, NULL, &e->layer);
    return code;
}

int explainer_open(struct explainer *e, const struct opened *o, const struct settings *s)
{
    *e = (struct explainer){ .o = o, .baseline = (enum explain_baseline)s->baseline };
    e->steps = s->steps > 0 ? (int)s->steps : STEPS;
    e->chunk = s->batch_size < CHUNK ? (int)s->batch_size : CHUNK;
    int code = choose_methods(e, s);
    if (!code && e->integrates) code = find_sources(e);
    return code ? code : open_sessions(e, s);
}

static void forget_sample(struct explainer *e)
{
    for (int i = 0; i < MAX_INPUTS; i++) {
        free(e->input[i]);
        free(e->raw[i]);
        e->input[i] = e->raw[i] = NULL;
    }
    free(e->x);
    free(e->base);
    free(e->output);
    e->x = e->base = e->output = NULL;
}

void explainer_close(struct explainer *e)
{
    forget_sample(e);
    hsgd_session_destroy(&e->gradients);
    hsgd_session_destroy(&e->embeddings);
    hsgd_session_destroy(&e->layer);
}

/* --------------------------------------------------------------------- sizes */

static int set_types(struct explainer *e, struct hsgd_session *of)
{
    struct hsgd_session_value in;
    struct hsgd_type type[MAX_INPUTS];
    int n = 0;
    for (; n < MAX_INPUTS && !hsgd_session_input_get(e->o->run.predictor, n, &in, sizeof in); n++) type[n] = in.type;
    return of ? hsgd_session_set_types(of, n, type) : 0;
}

static int take_sizes(struct explainer *e, const struct hsgd_data *d)
{
    struct hsgd_session_value v;
    int code = predict_sizes(&e->o->run, d), err = 0;
    if (code) return code;
    err = set_types(e, e->gradients);
    if (!err) err = set_types(e, e->embeddings);
    if (!err) err = set_types(e, e->layer);
    if (!err) err = hsgd_session_result_get(e->o->run.predictor, 0, &v, sizeof v);
    if (err) return library_error(&e->o->run, err);
    e->outputs = hsgd_type_size(&v.type);
    e->classes = e->o->predicts_positions ? hsgd_type_channels(&v.type) : e->outputs;
    e->shown = e->outputs - e->classes;
    e->size = 0;
    for (int i = 0; i < e->nsources; i++) { /* gradients are behind the result */
        struct source *s = &e->source[i];
        err = hsgd_session_result_get(e->gradients, 1 + i, &v, sizeof v);
        if (err) return library_error(&e->o->run, err);
        s->type = v.type;
        s->first = e->size;
        s->size = hsgd_type_size(&v.type);
        e->size += s->size;
    }
    if (e->layer && !hsgd_session_result_get(e->layer, 1, &v, sizeof v)) e->layer_type = v.type;
    return OK;
}

/* ----------------------------------------------------------------- baselines */

/* In the unit of the model's inputs: 0 is the mean, where inputs are normalised. */
static void input_baseline(const struct explainer *e, const struct source *s, float *base)
{
    const struct hsgd_normalisation *n = s->input ? NULL : e->o->norm;
    int channels = hsgd_type_channels(&s->type);
    for (int64_t i = 0; i < s->size; i++) {
        int c = n && n->channels == channels ? (int)(i % channels) : 0;
        base[i] = n && e->baseline == BASELINE_ZERO ? (float)(-n->mean[c] * n->inv_std[c]) : 0;
    }
}

/* Zeros, or the mean of the table's rows, at every position. */
static int embedding_baseline(const struct explainer *e, const struct source *s, float *base)
{
    struct hsgd_model *m = e->o->run.model;
    struct hsgd_model_layer l = { .name = "" };
    char name[64];
    int channels = hsgd_type_channels(&s->type);
    memset(base, 0, (size_t)s->size * sizeof *base);
    if (e->baseline == BASELINE_ZERO) return OK;
    for (int i = 0; strcmp(l.name, s->name) && !hsgd_model_layer_get(m, i, &l, sizeof l); i++) {}
    snprintf(name, sizeof name, "%s.weight", *l.weights_of ? l.weights_of : l.name);
    int64_t size = hsgd_model_weight_size(m, name);
    float *table = size > 0 ? malloc((size_t)size * sizeof *table) : NULL;
    if (!table) return report_error(FAILED, "out of memory for the table of \"%s\"", s->name);
    int err = hsgd_model_get_weight(m, name, table, size);
    for (int c = 0; !err && c < channels; c++) {
        double sum = 0;
        for (int64_t i = c; i < size; i += channels) sum += (double)table[i];
        for (int64_t i = c; i < s->size; i += channels) base[i] = (float)(sum * channels / (double)size);
    }
    free(table);
    return err ? library_error(&e->o->run, err) : OK;
}

/* The sample, which does not go on where the one before has ended. */
static int run_alone(struct hsgd_session *s, const struct explainer *e, void *const *result)
{
    int err = hsgd_session_reset(s);
    return err ? err : hsgd_session_run(s, 1, (const void *const *)e->input, result);
}

/* The ends of the path: the sample, and the baseline. */
static int find_ends(struct explainer *e)
{
    void *made[MAX_INPUTS];
    int code = OK, n = 0;
    for (int i = 0; !code && i < e->nsources; i++) {
        const struct source *s = &e->source[i];
        if (s->embeds) {
            made[n++] = e->x + s->first;
            code = embedding_baseline(e, s, e->base + s->first);
        } else {
            memcpy(e->x + s->first, e->input[s->input], (size_t)s->size * sizeof *e->x);
            input_baseline(e, s, e->base + s->first);
        }
    }
    int err = code || !n ? 0 : run_alone(e->embeddings, e, made);
    return err ? library_error(&e->o->run, err) : code;
}

int explainer_read(struct explainer *e, const struct hsgd_data *d, int64_t row)
{
    const struct session *run = &e->o->run;
    forget_sample(e);
    int code = take_sizes(e, d);
    if (!code) code = gather_inputs(run, e->o->norm, d, &row, 1, e->input);
    if (!code) code = gather_inputs(run, NULL, d, &row, 1, e->raw);
    if (code) return code;
    e->x = malloc((size_t)(e->size + 1) * sizeof *e->x);
    e->base = malloc((size_t)(e->size + 1) * sizeof *e->base);
    e->output = malloc((size_t)e->outputs * sizeof *e->output);
    if (!e->x || !e->base || !e->output) return report_error(FAILED, "out of memory for a sample");
    int err = run_alone(run->predictor, e, HSGD_RESULTS(e->output));
    if (err) return library_error(run, err);
    return e->integrates ? find_ends(e) : OK;
}
