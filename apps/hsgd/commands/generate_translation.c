/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "generate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "lib/json.h"
#include "lib/options.h"
#include "lib/translation.h"

static int check_options(const struct opened *o, const struct settings *s)
{
    static const char *const names[] = { "temperature", "top-k", "seed" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (option_given(s, option_named(names[i], GENERATE)))
            return report_error(USAGE, "--%s: %s translates, by the most probable token each time", names[i], o->path);
    return OK;
}

/* The tokens of the prompt, to be freed. */
static int take_prompt(const struct translation *t, const struct settings *s, int32_t **token, int *count)
{
    size_t size = strlen(s->prompt);
    int64_t n = 0;
    if (!size || size > 1 << 24) return report_error(USAGE, "--prompt has %zu bytes, not 1 or more", size);
    *token = malloc(size * sizeof **token);
    if (!*token) return report_error(FAILED, "out of memory for %zu tokens", size);
    int err = hsgd_record_encode(t->o->run.ctx, t->o->info->record, s->prompt, size, *token, (int64_t)size, &n);
    if (err) return report_error(exit_code(err), "--prompt: %s", hsgd_error(t->o->run.ctx));
    for (int64_t i = 0; i < n; i++)
        if ((*token)[i] == t->start || (*token)[i] == t->end)
            return report_error(USAGE, "--prompt has the control character U+%04X", (*token)[i] == t->start ? 2u : 3u);
    *count = (int)n;
    return OK;
}

/* The text of the first n tokens, to be freed; NULL: out of memory. */
static char *text_of(const struct translation *t, const int32_t *token, int n)
{
    char *text;
    size_t size, bytes;
    FILE *out = open_memstream(&text, &size);
    for (int i = 0; out && i < n; i++) {
        const char *c = hsgd_record_decode(t->o->info->record, token[i], &bytes);
        fwrite(c, 1, bytes, out);
    }
    return out && !fclose(out) ? text : NULL;
}

static int print(const struct translation *t, const struct settings *s, int prompt, const int32_t *out)
{
    int n = 0, most = s->length < t->tokens ? (int)s->length : t->tokens;
    while (n < most && out[n] != t->end) n++;
    char *text = text_of(t, out, n);
    int code = text ? OK : report_error(FAILED, "out of memory");
    if (!code && s->json)
        code = json_print(json_pack("{s:o, s:i, s:i}", "text", json_text(text), "prompt_tokens", prompt, "tokens", n));
    else if (!code) puts(text);
    free(text);
    return code ? code : flush_output();
}

int generate_translation(const struct opened *o, const struct settings *s)
{
    struct translation t;
    int32_t *token = NULL, *out = NULL;
    int n = 0, code = check_options(o, s);
    if (code) return code;
    code = translation_open(&t, o, s);
    if (!code) code = take_prompt(&t, s, &token, &n);
    if (!code && !(out = malloc((size_t)t.tokens * sizeof *out))) code = report_error(FAILED, "out of memory");
    if (!code) code = translation_run(&t, 1, token, n, (const int32_t[]){ n }, out);
    if (!code) code = print(&t, s, n, out);
    free(token);
    free(out);
    translation_close(&t);
    return code;
}
