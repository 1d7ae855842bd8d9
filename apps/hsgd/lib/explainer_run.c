/* SPDX-License-Identifier: BSD-3-Clause */
/* Scores and gradients of an explained sample. */
#include <stdlib.h>
#include <string.h>

#include "explainer.h"

enum { MOST_STEPS = 2048 };

/* Buffers for some points of a path. */
struct points {
    void *input[2 * MAX_INPUTS + 1]; /* the model's inputs, the gradient of "output", embeddings that are given */
    int inputs;
    void *result[MAX_INPUTS + 1]; /* "output", and the gradient by each source */
};

static void points_free(struct points *p)
{
    for (int i = 0; i < p->inputs; i++) free(p->input[i]);
    for (int i = 0; i <= MAX_INPUTS; i++) free(p->result[i]);
}

/* n copies of a sample's input. */
static void *repeat(const void *from, size_t bytes, int n)
{
    char *to = malloc(bytes * (size_t)n);
    for (int i = 0; to && i < n; i++) memcpy(to + (size_t)i * bytes, from, bytes);
    return to;
}

/* 1 at the output that is explained, for each point. */
static float *choose_output(const struct explainer *e, int n)
{
    float *u = calloc((size_t)n * (size_t)e->outputs, sizeof *u);
    for (int i = 0; u && i < n; i++) u[i * e->outputs + e->explained] = 1;
    return u;
}

/* A source at points of the path. */
static float *along(const struct explainer *e, const struct source *s, int n, const double *alpha)
{
    float *to = malloc((size_t)n * (size_t)s->size * sizeof *to);
    const float *x = e->x + s->first, *base = e->base + s->first;
    for (int k = 0; to && k < n; k++)
        for (int64_t i = 0; i < s->size; i++)
            to[k * s->size + i] = (float)((double)base[i] + alpha[k] * ((double)x[i] - (double)base[i]));
    return to;
}

static const struct source *source_of_input(const struct explainer *e, int input)
{
    for (int i = 0; i < e->nsources; i++)
        if (!e->source[i].embeds && e->source[i].input == input) return &e->source[i];
    return NULL;
}

static int points_make(const struct explainer *e, int n, const double *alpha, bool wanted, struct points *p)
{
    struct hsgd_session_value in;
    bool there = true;
    int inputs = hsgd_session_inputs(e->o->run.predictor);
    for (int i = 0; i < inputs && !hsgd_session_input_get(e->o->run.predictor, i, &in, sizeof in); i++) {
        const struct source *s = source_of_input(e, i);
        p->input[p->inputs++] = s ? along(e, s, n, alpha) : repeat(e->input[i], (size_t)hsgd_type_bytes(&in.type), n);
    }
    p->input[p->inputs++] = choose_output(e, n);
    for (int i = 0; i < e->nsources; i++)
        if (e->source[i].embeds) p->input[p->inputs++] = along(e, &e->source[i], n, alpha);
    for (int i = 0; i < p->inputs; i++) there &= p->input[i] != NULL;
    p->result[0] = malloc((size_t)n * (size_t)e->outputs * sizeof(float));
    there &= p->result[0] != NULL;
    for (int i = 0; wanted && i < e->nsources; i++) {
        p->result[1 + i] = malloc((size_t)n * (size_t)e->source[i].size * sizeof(float));
        there &= p->result[1 + i] != NULL;
    }
    return there ? OK : report_error(FAILED, "out of memory for %d points of a path", n);
}

static int evaluate(void *user, int n, const double *alpha, double *score, float *gradient)
{
    const struct explainer *e = user;
    struct points p = { 0 };
    int code = points_make(e, n, alpha, gradient, &p);
    int err = code ? 0 : hsgd_session_run(e->gradients, n, (const void *const *)p.input, p.result);
    for (int k = 0; !code && !err && k < n; k++) {
        score[k] = (double)((const float *)p.result[0])[k * e->outputs + e->explained];
        for (int i = 0; gradient && i < e->nsources; i++) {
            const struct source *s = &e->source[i];
            memcpy(gradient + k * e->size + s->first, (const float *)p.result[1 + i] + k * s->size,
                   (size_t)s->size * sizeof(float));
        }
    }
    points_free(&p);
    return err ? library_error(&e->o->run, err) : code;
}

int explainer_integrate(struct explainer *e, int64_t i, struct integral *out)
{
    struct path p = { e->size, e->x, e->base, e->chunk, evaluate, e };
    e->explained = i;
    return path_integrate(&p, e->steps, e->steps > MOST_STEPS ? e->steps : MOST_STEPS, out);
}

int explainer_grad_cam(struct explainer *e, int64_t i, float **map)
{
    int64_t size = hsgd_type_size(&e->layer_type), positions = hsgd_type_positions(&e->layer_type);
    int inputs = hsgd_session_inputs(e->o->run.predictor), err = 0;
    const void *input[MAX_INPUTS + 2] = { NULL };
    float *a = malloc((size_t)size * sizeof *a), *gradient = malloc((size_t)size * sizeof *gradient);
    float *none = calloc((size_t)size, sizeof *none), *u;
    e->explained = i;
    u = choose_output(e, 1);
    *map = malloc((size_t)positions * sizeof **map);
    bool there = a && gradient && none && u && *map;
    for (int k = 0; k < inputs; k++) input[k] = e->input[k];
    input[inputs] = u;
    input[inputs + 1] = none;
    if (there) err = hsgd_session_run(e->layer, 1, input, HSGD_RESULTS(NULL, a, gradient));
    if (there && !err) grad_cam(a, gradient, positions, hsgd_type_channels(&e->layer_type), *map);
    free(a);
    free(gradient);
    free(none);
    free(u);
    if (err) return library_error(&e->o->run, err);
    return there ? OK : report_error(FAILED, "out of memory for a map of %lld positions", (long long)positions);
}
