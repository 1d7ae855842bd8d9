/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd generate */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "generate.h"
#include "lib/json.h"
#include "lib/measure.h"
#include "lib/translation.h"

#define SAME 5e-5 /* difference of probabilities that are the same but for rounding */

struct generation {
    struct opened o;
    const struct hsgd_record *record;
    int classes, window; /* window: tokens of a sample of the training */
    int32_t *token;      /* the prompt and what follows */
    int count, prompt;
    int seen;          /* of the last tokens, that the session has seen */
    bool keeps, known; /* known: whether the session keeps all that it has seen has been found out */
    float *p;          /* probabilities of the token after the last, of each class */
    double *weight;
    double seconds; /* of the tokens after the first */
    uint64_t random;
};

/* --------------------------------------------------------------- the model */

static int take_prompt(struct generation *g, const struct settings *s)
{
    int64_t n;
    size_t size = strlen(s->prompt);
    int err = hsgd_record_encode(g->o.run.ctx, g->record, s->prompt, size, NULL, 0, &n);
    if (err) return report_error(exit_code(err), "--prompt: %s", hsgd_error(g->o.run.ctx));
    if (n < 1 || n > 1 << 24) return report_error(USAGE, "--prompt has %lld tokens, not 1 or more", (long long)n);
    g->token = malloc((size_t)(n + s->length) * sizeof *g->token);
    if (!g->token) return report_error(FAILED, "out of memory for %lld tokens", (long long)(n + s->length));
    g->count = g->prompt = (int)n;
    err = hsgd_record_encode(g->o.run.ctx, g->record, s->prompt, size, g->token, n, &n);
    return err ? library_error(&g->o.run, err) : OK;
}

/* A model of one text of any length, with a score for each token at each position. */
static int check_model(struct generation *g)
{
    struct hsgd_session_value in, out;
    struct hsgd_data_field f;
    if (!hsgd_record_decode(g->record, 0, NULL) || !hsgd_record_field_get(g->record, 0, &f, sizeof f))
        return report_error(USAGE, "%s: it was not trained on a text", g->o.path);
    g->window = f.type.dim[0];
    if (hsgd_session_inputs(g->o.run.predictor) != 1 || hsgd_session_input_get(g->o.run.predictor, 0, &in, sizeof in) ||
        in.type.rank != 1)
        return report_error(USAGE, "%s: its model has other inputs than a text", g->o.path);
    if (in.type.dim[0] != HSGD_ANY)
        return report_error(USAGE, "%s: its model takes texts of %d tokens only, not of any length", g->o.path,
                            in.type.dim[0]);
    if (hsgd_session_set_types(g->o.run.predictor, 1, (struct hsgd_type[]){ hsgd_tokens(1) }) ||
        hsgd_session_result_get(g->o.run.predictor, 0, &out, sizeof out) || out.type.rank != 2 || out.type.dim[0] != 1)
        return report_error(USAGE, "%s: its model does not predict a token at each position", g->o.path);
    g->classes = out.type.dim[1];
    g->p = calloc((size_t)g->classes, sizeof *g->p);
    g->weight = calloc((size_t)g->classes, sizeof *g->weight);
    return g->p && g->weight ? OK : report_error(FAILED, "out of memory for %d classes", g->classes);
}

/* --------------------------------------------------------------------- runs */

static int not_finite(const struct generation *g)
{
    return report_error(NOT_FINITE, "%s: the scores of its model are not finite", g->o.path);
}

/* Probabilities after the tokens [from, from + n), which come next to the session.  0, or -errno; *finite: whether they
 * are numbers. */
static int run(struct generation *g, int from, int n, bool *finite)
{
    struct hsgd_session *s = g->o.run.predictor;
    float *out = NULL;
    *finite = false;
    int err = hsgd_session_set_types(s, 1, (struct hsgd_type[]){ hsgd_tokens(n) });
    if (!err && !(out = malloc((size_t)n * (size_t)g->classes * sizeof *out))) err = -ENOMEM;
    if (!err) err = hsgd_session_run(s, 1, HSGD_FIELDS(g->token + from), HSGD_RESULTS(out));
    if (!err) memcpy(g->p, out + (size_t)(n - 1) * (size_t)g->classes, (size_t)g->classes * sizeof *g->p);
    for (int i = 0; !err && i < g->classes; i++) *finite = (i == 0 || *finite) && isfinite(g->p[i]);
    free(out);
    return err;
}

/* The same after the session has begun anew. */
static int begin(struct generation *g, int n)
{
    bool finite;
    hsgd_session_reset(g->o.run.predictor);
    int err = run(g, g->count - n, n, &finite);
    g->seen = n;
    if (err) return library_error(&g->o.run, err);
    return finite ? OK : not_finite(g);
}

/* Whether the last token alone, after those before it, gives what all of them together do: then all that the model
 * depends on is kept by the session.  As runs in parts do not say it, it is tried. */
static int find_out(struct generation *g)
{
    int code = begin(g, g->count < g->window ? g->count : g->window), n = g->seen, err = 0;
    bool finite = false;
    float *whole = malloc((size_t)g->classes * sizeof *whole);
    if (code || !whole || n < 2) {
        free(whole);
        return code || whole ? code : report_error(FAILED, "out of memory for %d classes", g->classes);
    }
    memcpy(whole, g->p, (size_t)g->classes * sizeof *whole);
    hsgd_session_reset(g->o.run.predictor);
    err = run(g, g->count - n, n - 1, &finite);
    if (!err) err = run(g, g->count - 1, 1, &finite);
    g->known = g->keeps = true;
    for (int i = 0; i < g->classes; i++)
        if (!(fabs((double)g->p[i] - (double)whole[i]) <= SAME)) g->keeps = false;
    memcpy(g->p, whole, (size_t)g->classes * sizeof *whole);
    free(whole);
    return err ? library_error(&g->o.run, err) : OK;
}

/* Probabilities of what comes after the tokens so far; one is new since the last call. */
static int advance(struct generation *g)
{
    bool finite;
    if (!g->known) return find_out(g);
    if (!g->keeps) return begin(g, g->count < g->window ? g->count : g->window);
    if (g->seen >= g->window) return begin(g, (g->window + 1) / 2); /* of what is longer nothing was learned */
    int err = run(g, g->count - 1, 1, &finite);
    g->seen++;
    if (err) return library_error(&g->o.run, err);
    return finite ? OK : not_finite(g);
}

/* ----------------------------------------------------------------- sampling */

/* Uniform in [0, 1); splitmix64 (Steele, Lea, Flood 2014). */
static double uniform(struct generation *g)
{
    uint64_t z = g->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

static int descending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

/* The smallest of the k largest probabilities; k 0: of all. */
static float smallest(struct generation *g, int64_t k)
{
    if (k < 1 || k >= g->classes) return 0;
    float *sorted = malloc((size_t)g->classes * sizeof *sorted), least = 0;
    if (!sorted) return 0;
    memcpy(sorted, g->p, (size_t)g->classes * sizeof *sorted);
    qsort(sorted, (size_t)g->classes, sizeof *sorted, descending);
    least = sorted[k - 1];
    free(sorted);
    return least;
}

/* A token with a probability in proportion to p^(1 / temperature), of the top_k most probable; temperature 0: the most
 * probable one. */
static int32_t sample(struct generation *g, const struct settings *s)
{
    float least = smallest(g, s->top_k);
    double sum = 0, top = 0;
    int best = 0;
    for (int i = 0; i < g->classes; i++) {
        g->weight[i] = g->p[i] >= least && hsgd_record_decode(g->record, i, NULL) ? (double)g->p[i] : 0;
        if (g->weight[i] > top) top = g->weight[i], best = i;
    }
    if (s->temperature <= 0) return best;
    for (int i = 0; i < g->classes; i++) sum += g->weight[i] = pow(g->weight[i] / top, 1 / s->temperature);
    double left = uniform(g) * sum;
    for (int i = 0; i < g->classes; i++)
        if (g->weight[i] > 0 && (left -= g->weight[i]) < 0) return i;
    return best;
}

/* ------------------------------------------------------------------- output */

/* A token as it is: in a text of bytes it may be a part of a character. */
static void print_token(const struct generation *g, int32_t token, FILE *out)
{
    size_t size;
    const char *text = hsgd_record_decode(g->record, token, &size);
    fwrite(text, 1, size, out);
}

static int generate(struct generation *g, const struct settings *s, FILE *out)
{
    int code = OK;
    double began = 0;
    for (int i = 0; i < g->prompt; i++) print_token(g, g->token[i], out);
    for (int64_t i = 0; !code && !ferror(out) && i < s->length; i++) {
        code = advance(g);
        if (code) break;
        if (i == 0) began = now_seconds();
        g->token[g->count] = sample(g, s);
        print_token(g, g->token[g->count++], out);
        if (!s->json) fflush(out);
    }
    g->seconds = now_seconds() - began;
    return code;
}

static int generate_json(struct generation *g, const struct settings *s)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    int code = out ? generate(g, s, out) : report_error(FAILED, "out of memory");
    if (out && fclose(out) && !code) code = report_error(FAILED, "out of memory");
    int tokens = g->count - g->prompt;
    if (!code)
        code = json_print(json_pack("{s:o, s:i, s:i, s:o}", "text", json_text(text), "prompt_tokens", g->prompt,
                                    "tokens", tokens, "tokens_per_second",
                                    tokens > 1 ? json_real((tokens - 1) / g->seconds) : json_null()));
    free(text);
    return code;
}

static int generate_text(struct generation *g, const struct settings *s)
{
    g->record = g->o.info->record;
    int code = check_model(g);
    if (!code) code = take_prompt(g, s);
    if (!code) code = s->json ? generate_json(g, s) : generate(g, s, stdout);
    if (!s->json && g->count) putchar('\n');
    if (!code) code = flush_output();
    free(g->token), free(g->p), free(g->weight);
    return code;
}

int cmd_generate(struct settings *s)
{
    struct generation g = { .random = (uint64_t)s->seed };
    int code = require_words(s, 0);
    if (!code && !s->prompt) code = report_error(USAGE, "--prompt is missing");
    if (code) return code;
    code = open_checkpoint(&g.o, s);
    if (!code) code = translates(&g.o) ? generate_translation(&g.o, s) : generate_text(&g, s);
    close_checkpoint(&g.o);
    return code;
}
