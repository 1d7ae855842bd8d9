/* SPDX-License-Identifier: BSD-3-Clause */
/* From text to the tokens of a record, and back. */
#include <stdlib.h>
#include <string.h>

#include "readers.h"
#include "record.h"
#include "vocabulary.h"

bool record_has_tokens(const struct hsgd_record *r)
{
    if (!r || strcmp(r->format, "text") || r->x.type.dtype != HSGD_I32 || r->x.type.rank != 1) return false;
    return r->x.names || r->x.classes == BYTES;
}

bool record_has_pairs(const struct hsgd_record *r)
{
    const struct record_field *previous = record_field(r, "previous");
    return previous && previous->type.dtype == HSGD_I32 && r->x.names && r->x.type.dtype == HSGD_I32 &&
           r->x.type.rank == 1;
}

int characters_add(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n, enum text_codes as,
                   int32_t **code, int64_t *count)
{
    int length = 1;
    size_t at = as != BYTE_CODES && n >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3) ? 3 : 0; /* a byte order mark */
    void *bigger = realloc(*code, ((size_t)*count + n + 1) * sizeof **code);
    if (!bigger) return hsgd_fail(ctx, ENOMEM, "%s: out of memory for %zu bytes", name, n);
    *code = bigger;
    for (; at < n; at += (size_t)length) {
        int32_t c = as == BYTE_CODES ? bytes[at] : character_decode(bytes + at, n - at, &length);
        if (c < 0 || (!c && as != BYTE_CODES))
            return hsgd_fail(ctx, EINVAL, "%s: byte %zu is %s%s", name, at + 1,
                             c ? "not UTF-8" : "zero, so it is not a text file",
                             as == CHARACTERS_OR_BYTES ? "; any file can be read with --tokens bytes" : "");
        (*code)[(*count)++] = c;
    }
    return 0;
}

static int unknown(struct hsgd_context *ctx, const struct hsgd_record *r, const char *name, int32_t code)
{
    return hsgd_fail(ctx, EINVAL, "%s: the character \"%s\" is not among the %d of the training text", name,
                     hsgd_show(character_text(code).text).text, r->x.classes);
}

/* Code points become tokens. */
static int number(struct hsgd_context *ctx, const struct hsgd_record *r, const char *name, int32_t *code, int64_t n)
{
    int wrong = 0, err = 0;
    struct vocabulary *v = calloc(1, sizeof *v);
    if (v) err = vocabulary_of_names(v, (const char *const *)r->x.names->name, r->x.names->count, &wrong);
    if (err == -EINVAL)
        hsgd_fail(ctx, EINVAL, "record: token \"%s\" is not one character", hsgd_show(r->x.names->name[wrong]).text);
    else if (!v || err) err = hsgd_fail(ctx, ENOMEM, "%s: out of memory for its tokens", name);
    for (int64_t i = 0; !err && i < n; i++) {
        int32_t token = vocabulary_token(v, code[i]);
        if (token < 0) err = unknown(ctx, r, name, code[i]);
        code[i] = token;
    }
    if (v) vocabulary_free(v);
    free(v);
    return err;
}

int record_tokens(struct hsgd_context *ctx, const struct hsgd_record *r, const char *name, const void *bytes, size_t n,
                  int32_t **token, int64_t *count)
{
    *token = NULL;
    *count = 0;
    int err = characters_add(ctx, name, bytes, n, r->x.names ? CHARACTERS_OR_BYTES : BYTE_CODES, token, count);
    return err || !r->x.names ? err : number(ctx, r, name, *token, *count);
}

void tokens_give(struct hsgd_data *d, int32_t *token, const struct hsgd_record *r, int n)
{
    d->x.type = (struct hsgd_type){ HSGD_I32, 1, { n } };
    d->x.classes = r->x.classes;
    d->x.names = hsgd_names_share(r->x.names);
    d->x.owned = token;
    d->x.numbers = token;
}

/* ------------------------------------------------------------------- public */

int hsgd_record_encode(struct hsgd_context *ctx, const struct hsgd_record *r, const char *text, size_t size,
                       int32_t *token, int64_t places, int64_t *count)
{
    int32_t *all = NULL;
    int64_t n = 0;
    int err = ENTER(ctx, text, count);
    if (err) return err;
    *count = 0;
    if (!record_has_tokens(r) && !record_has_pairs(r))
        return hsgd_fail(ctx, EINVAL, "record: it is not of a text, so it has no tokens");
    if (places < 0 || (places && !token))
        return hsgd_fail(ctx, EINVAL, "tokens: there are %lld places for them", (long long)(token ? places : 0));
    err = record_tokens(ctx, r, "text", text, size, &all, &n);
    if (!err && token && n) memcpy(token, all, (size_t)(n < places ? n : places) * sizeof *token);
    if (!err) *count = n;
    free(all);
    return err;
}

#define FOUR(n) n, n + 1, n + 2, n + 3
#define SIXTEEN(n) FOUR(n), FOUR(n + 4), FOUR(n + 8), FOUR(n + 12)
#define SIXTY_FOUR(n) SIXTEEN(n), SIXTEEN(n + 16), SIXTEEN(n + 32), SIXTEEN(n + 48)
static const unsigned char all_bytes[BYTES] = { SIXTY_FOUR(0), SIXTY_FOUR(64), SIXTY_FOUR(128), SIXTY_FOUR(192) };

const char *hsgd_record_decode(const struct hsgd_record *r, int token, size_t *size)
{
    bool there = (record_has_tokens(r) || record_has_pairs(r)) && token >= 0 && token < r->x.classes;
    const char *text = !there ? NULL : r->x.names ? r->x.names->name[token] : (const char *)&all_bytes[token];
    if (size) *size = !text ? 0 : r->x.names ? strlen(text) : 1;
    return text;
}
