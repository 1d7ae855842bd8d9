/* SPDX-License-Identifier: BSD-3-Clause */
#include "translation.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAME 5e-5f /* difference of probabilities that are the same but for rounding */
#define MEMORY "memory"

/* ----------------------------------------------------------------- opening */

static bool record_field_named(const struct hsgd_record *r, const char *name, struct hsgd_data_field *f)
{
    for (int i = 0; hsgd_record_field_get(r, i, f, sizeof *f); i++)
        if (!strcmp(f->name, name)) return true;
    return false;
}

bool translates(const struct opened *o)
{
    struct hsgd_data_field f;
    return record_field_named(o->info->record, "previous", &f) && hsgd_record_decode(o->info->record, 0, NULL);
}

static int find_token(const struct translation *t, const char *text, int32_t *token)
{
    int64_t n;
    int err = hsgd_record_encode(t->o->run.ctx, t->o->info->record, text, 1, token, 1, &n);
    return err ? library_error(&t->o->run, err) : OK;
}

static int open_sessions(struct translation *t, const struct settings *s)
{
    static const char *const memory[] = { MEMORY, NULL }, *const output[] = { "output", NULL };
    const enum hsgd_executor executor = (enum hsgd_executor)s->executor;
    t->encoder = hsgd_session_create(
        t->o->run.model, HSGD_OPTIONS(session, .batch = TRANSLATED, .executor = executor, .result = memory));
    if (t->encoder)
        t->decoder =
            hsgd_session_create(t->o->run.model, HSGD_OPTIONS(session, .batch = TRANSLATED, .executor = executor,
                                                              .result = output, .given = memory));
    return t->decoder ? OK : report_error(USAGE, "%s: %s", t->o->path, hsgd_error(t->o->run.ctx));
}

/* What an input of the model is called. */
enum source { X, LENGTH, PREVIOUS, SOURCES };
static const char *const source_name[SOURCES] = { "x", "length", "previous" };

/* Input i of the model; SOURCES: of another name. */
static enum source source_of(const struct translation *t, int i)
{
    struct hsgd_session_value in;
    enum source of = X;
    hsgd_session_input_get(t->encoder, i, &in, sizeof in);
    while (of < SOURCES && strcmp(source_name[of], in.name)) of++;
    return of;
}

static int check_inputs(const struct translation *t)
{
    int n = hsgd_session_inputs(t->encoder);
    unsigned found = 0;
    for (int i = 0; i < n; i++) found |= 1u << source_of(t, i);
    if (found & 1u << X && found & 1u << PREVIOUS && !(found & 1u << SOURCES)) return OK;
    return report_error(USAGE, "%s: its model has other inputs than x, length and previous", t->o->path);
}

/* Sizes of both sessions: of sources, and of targets at once. */
static int set_sizes(const struct translation *t, struct hsgd_session *s, int places, int tokens)
{
    struct hsgd_type type[SOURCES] = { hsgd_tokens(places), hsgd_number(HSGD_I32), hsgd_tokens(tokens) }, of[SOURCES];
    int n = hsgd_session_inputs(t->encoder);
    for (int i = 0; i < n; i++) of[i] = type[source_of(t, i)];
    return hsgd_session_set_types(s, n, of);
}

/* The scores of one token. */
static int find_classes(struct translation *t)
{
    struct hsgd_session_value out;
    int err = set_sizes(t, t->decoder, 1, 1);
    if (!err) err = hsgd_session_result_get(t->decoder, 0, &out, sizeof out);
    if (err) return report_error(USAGE, "%s: %s", t->o->path, hsgd_error(t->o->run.ctx));
    if (out.type.rank != 2 || out.type.dim[0] != 1 ||
        !hsgd_record_decode(t->o->info->record, out.type.dim[1] - 1, NULL))
        return report_error(USAGE, "%s: its model does not predict a token at each position", t->o->path);
    t->classes = out.type.dim[1];
    return OK;
}

int translation_open(struct translation *t, const struct opened *o, const struct settings *s)
{
    struct hsgd_data_field label;
    *t = (struct translation){ .o = o };
    if (!record_field_named(o->info->record, "label", &label) || label.type.rank != 1)
        return report_error(USAGE, "%s: it was not trained on pairs of texts", o->path);
    t->tokens = label.type.dim[0];
    int code = find_token(t, START_TEXT, &t->start);
    if (!code) code = find_token(t, END_TEXT, &t->end);
    if (!code) code = open_sessions(t, s);
    if (!code) code = check_inputs(t);
    if (!code) code = find_classes(t);
    if (code) return code;
    t->p = calloc((size_t)TRANSLATED * (size_t)t->classes, sizeof *t->p);
    t->target = calloc((size_t)TRANSLATED * (size_t)(t->tokens + 1), sizeof *t->target);
    return t->p && t->target ? OK : report_error(FAILED, "out of memory for %d tokens", t->tokens);
}

void translation_close(struct translation *t)
{
    hsgd_session_destroy(&t->encoder);
    hsgd_session_destroy(&t->decoder);
    free(t->memory);
    free(t->p);
    free(t->target);
}

/* --------------------------------------------------------------------- runs */

/* Texts being translated. */
struct texts {
    int n, places;
    const void *source[SOURCES];
};

static int encode(struct translation *t, const struct texts *x)
{
    struct hsgd_session_value out;
    const void *input[SOURCES] = { NULL };
    int err = set_sizes(t, t->encoder, x->places, 1);
    if (!err) err = hsgd_session_result_get(t->encoder, 0, &out, sizeof out);
    if (err) return err;
    free(t->memory);
    t->memory = malloc((size_t)x->n * (size_t)hsgd_type_bytes(&out.type));
    if (!t->memory) return -ENOMEM;
    for (int i = 0; i < hsgd_session_inputs(t->encoder); i++) input[i] = x->source[source_of(t, i)];
    err = hsgd_session_reset(t->encoder);
    return err ? err : hsgd_session_run(t->encoder, x->n, input, HSGD_RESULTS(t->memory));
}

/* Probabilities after the tokens [from, from + m) of each target, which come next to the session. */
static int run(struct translation *t, const struct texts *x, int from, int m)
{
    size_t row = (size_t)m * (size_t)t->classes;
    int32_t *previous = malloc((size_t)x->n * (size_t)m * sizeof *previous);
    float *out = malloc((size_t)x->n * row * sizeof *out);
    const void *input[SOURCES + 1] = { NULL };
    int inputs = hsgd_session_inputs(t->encoder), err = previous && out ? 0 : -ENOMEM;
    for (int i = 0; !err && i < x->n; i++)
        memcpy(previous + (size_t)i * (size_t)m, t->target + (size_t)i * (size_t)(t->tokens + 1) + from,
               (size_t)m * sizeof *previous);
    for (int i = 0; i < inputs; i++) {
        enum source of = source_of(t, i);
        input[i] = of == PREVIOUS ? previous : x->source[of];
    }
    input[inputs] = t->memory;
    if (!err) err = set_sizes(t, t->decoder, x->places, m);
    if (!err) err = hsgd_session_run(t->decoder, x->n, input, HSGD_RESULTS(out));
    for (int i = 0; !err && i < x->n; i++)
        memcpy(t->p + (size_t)i * (size_t)t->classes, out + (size_t)(i + 1) * row - t->classes,
               (size_t)t->classes * sizeof *t->p);
    free(previous);
    free(out);
    return err;
}

/* All of the first m tokens. */
static int begin(struct translation *t, const struct texts *x, int m)
{
    int err = hsgd_session_reset(t->decoder);
    return err ? err : run(t, x, 0, m);
}

/* Whether the second token alone, after the first, gives what both together do. */
static int find_out(struct translation *t, const struct texts *x)
{
    size_t n = (size_t)x->n * (size_t)t->classes;
    float *alone = malloc(n * sizeof *alone);
    int err = alone ? run(t, x, 1, 1) : -ENOMEM;
    if (!err) memcpy(alone, t->p, n * sizeof *alone);
    if (!err) err = begin(t, x, 2);
    t->known = t->keeps = !err;
    for (size_t i = 0; !err && i < n; i++)
        if (!(fabsf(alone[i] - t->p[i]) <= SAME)) t->keeps = false;
    free(alone);
    return err;
}

/* Probabilities after the first m tokens of each target; the last is new since the last call. */
static int advance(struct translation *t, const struct texts *x, int m)
{
    if (m == 1) return begin(t, x, 1);
    if (m == 2 && !t->known) return find_out(t, x);
    return t->keeps ? run(t, x, m - 1, 1) : begin(t, x, m);
}

/* The most probable token after the start and others; -1: probabilities are not finite. */
static int32_t best_token(const struct translation *t, const float *p)
{
    int32_t best = -1;
    for (int32_t i = 0; i < t->classes; i++) {
        if (!isfinite(p[i])) return -1;
        if (i != t->start && (best < 0 || p[i] > p[best])) best = i;
    }
    return best;
}

/* Adds a token to each target; *running: whether some have not ended. */
static int choose(struct translation *t, int n, int m, bool *running)
{
    *running = false;
    for (int i = 0; i < n; i++) {
        int32_t *target = t->target + (size_t)i * (size_t)(t->tokens + 1);
        int32_t best = best_token(t, t->p + (size_t)i * (size_t)t->classes);
        if (best < 0) return report_error(NOT_FINITE, "%s: the scores of its model are not finite", t->o->path);
        target[m] = m > 1 && target[m - 1] == t->end ? t->end : best;
        *running |= target[m] != t->end;
    }
    return OK;
}

int translation_run(struct translation *t, int n, const int32_t *x, int places, const int32_t *length, int32_t *out)
{
    const struct texts texts = { n, places, { x, length, NULL } };
    size_t row = (size_t)t->tokens;
    bool running = true;
    for (int i = 0; i < n; i++) t->target[(size_t)i * (row + 1)] = t->start;
    int err = encode(t, &texts), code = OK, m = 1;
    for (; !err && !code && running && m <= t->tokens; m++) {
        err = advance(t, &texts, m);
        if (!err) code = choose(t, n, m, &running);
    }
    if (err)
        return report_error(exit_code(err), "%s: %s", t->o->path,
                            err == -ENOMEM ? "out of memory" : hsgd_error(t->o->run.ctx));
    for (int i = 0; !code && i < n; i++) {
        const int32_t *target = t->target + (size_t)i * (row + 1) + 1;
        for (int k = 0; k < t->tokens; k++) out[(size_t)i * row + (size_t)k] = k < m - 1 ? target[k] : t->end;
    }
    return code;
}

/* ------------------------------------------------------------------ measure */

/* Samples with one field each: x, the lengths and the labels. */
struct part {
    int32_t *x, length[TRANSLATED], *label, *out;
};

static bool is_exact(const struct translation *t, const int32_t *out, const int32_t *label)
{
    for (int i = 0; i < t->tokens; i++) {
        if (out[i] != label[i]) return false;
        if (label[i] == t->end) return true;
    }
    return true;
}

static int measure_part(struct translation *t, const struct hsgd_data *d, int64_t first, int n, struct part *p,
                        int64_t *exact)
{
    int64_t index[TRANSLATED];
    int places = hsgd_data_type(d, "x").dim[0], code;
    for (int i = 0; i < n; i++) index[i] = first + i;
    hsgd_data_gather_field(d, hsgd_data_find(d, "x"), index, n, NULL, p->x);
    hsgd_data_gather_field(d, hsgd_data_find(d, "length"), index, n, NULL, p->length);
    hsgd_data_gather_field(d, hsgd_data_find(d, "label"), index, n, NULL, p->label);
    code = translation_run(t, n, p->x, places, p->length, p->out);
    for (int i = 0; !code && i < n; i++)
        *exact += is_exact(t, p->out + (size_t)i * (size_t)t->tokens, p->label + (size_t)i * (size_t)t->tokens);
    return code;
}

int translation_measure(const struct opened *o, const struct settings *s, const struct hsgd_data *d, double *exact)
{
    struct translation t;
    struct part p = { .x = NULL };
    int64_t count = hsgd_data_count(d), right = 0;
    int code = translation_open(&t, o, s);
    if (!code && hsgd_data_type(d, "label").dim[0] != t.tokens)
        code = report_error(USAGE, "%s: its targets have %d places, those of the training data %d", hsgd_data_name(d),
                            hsgd_data_type(d, "label").dim[0], t.tokens);
    if (!code) {
        size_t tokens = (size_t)TRANSLATED * (size_t)t.tokens;
        p.x = malloc((size_t)TRANSLATED * (size_t)hsgd_data_type(d, "x").dim[0] * sizeof *p.x);
        p.label = malloc(tokens * sizeof *p.label);
        p.out = malloc(tokens * sizeof *p.out);
        if (!p.x || !p.label || !p.out) code = report_error(FAILED, "out of memory for %d texts", TRANSLATED);
    }
    for (int64_t at = 0; !code && at < count; at += TRANSLATED)
        code = measure_part(&t, d, at, count - at < TRANSLATED ? (int)(count - at) : TRANSLATED, &p, &right);
    *exact = (double)right / (double)count;
    free(p.x);
    free(p.label);
    free(p.out);
    translation_close(&t);
    return code;
}
