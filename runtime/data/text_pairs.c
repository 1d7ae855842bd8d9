/* SPDX-License-Identifier: BSD-3-Clause */
#include "text_pairs.h"

#include <stdlib.h>
#include <string.h>

#include "readers.h"
#include "text.h"

enum { MAX_UNKNOWN = 100 /* one pair in so many */ };

static int out_of_memory(const struct text_pairs *p)
{
    return hsgd_fail(p->ctx, ENOMEM, "%s: out of memory for %lld pairs", p->name, (long long)p->count);
}

void text_pairs_free(struct text_pairs *p)
{
    if (p->vocabulary) vocabulary_free(p->vocabulary);
    free(p->vocabulary);
    hsgd_names_free(p->names);
    free(p->code);
    free(p->pair);
}

bool text_pairs_are(const struct hsgd_data *d) { return d->x.names && data_field(d, "previous"); }

/* ------------------------------------------------------------------- lines */

static int check_text(const struct text_pairs *p, const char *what, int64_t line, const int32_t *code, int64_t n)
{
    if (!n) return hsgd_fail(p->ctx, EINVAL, "%s: line %lld: the %s is empty", p->name, (long long)line, what);
    if (n > MAX_CHARACTERS)
        return hsgd_fail(p->ctx, EINVAL, "%s: line %lld: the %s has %lld characters, at most %d are read", p->name,
                         (long long)line, what, (long long)n, MAX_CHARACTERS);
    for (int64_t i = 0; i < n; i++)
        if (code[i] == START_CODE || code[i] == END_CODE)
            return hsgd_fail(p->ctx, EINVAL, "%s: line %lld: the %s has the control character U+%04X", p->name,
                             (long long)line, what, (unsigned)code[i]);
    return 0;
}

/* Keeps the n characters from `from` on behind the texts before them; returns their place. */
static int64_t keep(struct text_pairs *p, int64_t from, int n)
{
    int64_t at = p->codes;
    memmove(p->code + at, p->code + from, (size_t)n * sizeof *p->code);
    p->codes += n;
    return at;
}

/* The characters [from, to) are a line. */
static int add_line(struct text_pairs *p, int64_t line, int64_t from, int64_t to)
{
    int64_t tab = -1, tabs = 0;
    if (to > from && p->code[to - 1] == '\r') to--;
    if (from == to) return 0;
    for (int64_t i = to - 1; i >= from; i--)
        if (p->code[i] == '\t') tab = i, tabs++;
    if (tabs != 1)
        return hsgd_fail(p->ctx, EINVAL, "%s: line %lld: has %lld tabs, one is expected between source and target",
                         p->name, (long long)line, (long long)tabs);
    int err = check_text(p, "source", line, p->code + from, tab - from);
    if (!err) err = check_text(p, "target", line, p->code + tab + 1, to - tab - 1);
    if (err) return err;
    if (!text_grow(&p->pair, &p->capacity, p->count + 1, sizeof *p->pair)) return out_of_memory(p);
    struct text_pair *pair = &p->pair[p->count++];
    *pair = (struct text_pair){ .line = line, .sources = (int)(tab - from), .targets = (int)(to - tab - 1) };
    pair->source = keep(p, from, pair->sources);
    pair->target = keep(p, tab + 1, pair->targets);
    if (pair->sources > p->sources) p->sources = pair->sources;
    if (pair->targets > p->targets) p->targets = pair->targets;
    return 0;
}

int text_pairs_parse(struct text_pairs *p, const uint8_t *bytes, size_t n)
{
    int64_t all = 0, from = 0, line = 1;
    int err = characters_add(p->ctx, p->name, bytes, n, CHARACTERS, &p->code, &all);
    for (int64_t i = 0; !err && i <= all; i++) {
        if (i < all && p->code[i] != '\n') continue;
        err = add_line(p, line++, from, i);
        from = i + 1;
    }
    if (!err && !p->count) err = hsgd_fail(p->ctx, EINVAL, "%s: has no pairs", p->name);
    return err;
}

/* -------------------------------------------------------------- vocabulary */

int text_pairs_collect(struct text_pairs *p, const int32_t *code, int64_t n)
{
    int32_t *all = malloc(((size_t)n + 2) * sizeof *all);
    p->vocabulary = calloc(1, sizeof *p->vocabulary);
    bool ok = all && p->vocabulary;
    if (ok) {
        all[0] = START_CODE, all[1] = END_CODE;
        if (n) memcpy(all + 2, code, (size_t)n * sizeof *all);
        ok = vocabulary_collect(p->vocabulary, all, n + 2) && (p->names = vocabulary_names(p->vocabulary));
    }
    free(all);
    return ok ? 0 : out_of_memory(p);
}

/* Characters become tokens; the first that the vocabulary lacks, or 0. */
static int32_t number(const struct text_pairs *p, int32_t *code, int n)
{
    for (int i = 0; i < n; i++) {
        int32_t token = vocabulary_token(p->vocabulary, code[i]);
        if (token < 0) return code[i];
        code[i] = token;
    }
    return 0;
}

/* Numbers n pairs; those that are left out are skipped in the order of *kept, their number. */
static int number_pairs(struct text_pairs *p, struct text_pair *pair, int64_t n, int64_t *kept)
{
    int32_t first = 0;
    *kept = 0;
    for (int64_t i = 0; i < n; i++) {
        int32_t lacks = number(p, p->code + pair[i].source, pair[i].sources);
        if (!lacks) lacks = number(p, p->code + pair[i].target, pair[i].targets);
        if (!lacks) pair[(*kept)++] = pair[i];
        else if (!first) first = lacks;
    }
    if (!first) return 0;
    static const char what[] =
        "%s: %lld of %lld pairs have characters, such as \"%s\", that are not among the %d of the "
        "training data%s";
    struct character c = character_text(first);
    long long out = (long long)(n - *kept);
    if (n - *kept > n / MAX_UNKNOWN)
        return hsgd_fail(p->ctx, EINVAL, what, p->name, out, (long long)n, hsgd_show(c.text).text, p->names->count, "");
    hsgd_log(p->ctx, HSGD_LOG_WARNING, what, p->name, out, (long long)n, hsgd_show(c.text).text, p->names->count,
             "; they are left out");
    return 0;
}

/* -------------------------------------------------------------------- data */

static void add_field(struct hsgd_data *d, const char *name, struct hsgd_type type, int32_t *owned)
{
    struct data_field *f = &d->field[d->fields++];
    *f = (struct data_field){ .type = type, .owned = owned, .numbers = owned };
    memcpy(f->name, name, strlen(name) + 1);
}

/* The fields of count samples, zeroed: a target is stored behind its start, so that labels
 * and what is before them are the same tokens. */
static bool allocate(const struct text_pairs *p, struct hsgd_data *d)
{
    struct hsgd_type source = { HSGD_I32, 1, { p->sources } }, target = { HSGD_I32, 1, { p->targets + 1 } };
    size_t n = (size_t)d->count + 1;
    d->fields = 0;
    add_field(d, "x", source, calloc(n, (size_t)p->sources * sizeof(int32_t)));
    add_field(d, "label", target, calloc(n, ((size_t)p->targets + 2) * sizeof(int32_t)));
    add_field(d, "length", hsgd_number(HSGD_I32), calloc(n, sizeof(int32_t)));
    add_field(d, "previous", target, NULL);
    d->field[3].numbers = d->y.owned;
    d->y.step = d->field[3].step = p->targets + 2;
    for (int i = 0; i < d->fields; i++) d->field[i].classes = i == 2 ? 0 : p->names->count;
    d->x.names = hsgd_names_share(p->names);
    d->y.names = hsgd_names_share(p->names);
    if (!d->x.owned || !d->y.owned || !d->field[2].owned) return false;
    d->y.numbers++;
    return true;
}

static void fill(const struct text_pairs *p, const struct text_pair *pair, struct hsgd_data *d)
{
    int32_t *x = d->x.owned, *target = d->y.owned, *length = d->field[2].owned;
    for (int64_t i = 0; i < d->count; i++, x += p->sources, target += d->y.step) {
        memcpy(x, p->code + pair[i].source, (size_t)pair[i].sources * sizeof *x);
        target[0] = START_TOKEN;
        memcpy(target + 1, p->code + pair[i].target, (size_t)pair[i].targets * sizeof *x);
        target[1 + pair[i].targets] = END_TOKEN;
        length[i] = pair[i].sources;
    }
}

int text_pairs_give(struct text_pairs *p, int64_t first, int64_t n, struct hsgd_data **out)
{
    int64_t kept;
    int err = number_pairs(p, p->pair + first, n, &kept);
    if (err) return err;
    struct hsgd_data *d = *out = hsgd_data_new(p->ctx, p->name);
    if (!d) return -ENOMEM;
    d->count = kept;
    if (!allocate(p, d)) return out_of_memory(p);
    fill(p, p->pair + first, d);
    return 0;
}
