/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of pairs of texts: lines SOURCE<TAB>TARGET. */
#include <stdlib.h>

#include "readers.h"
#include "record.h"
#include "text.h"
#include "text_pairs.h"

#define TEST_PART 0.1

/* The vocabulary of the training data: the first `train` pairs, or the classes of the options. */
static int find_vocabulary(struct text_pairs *p, const struct hsgd_data_options *o, int64_t train)
{
    const struct text_pair *last = &p->pair[train - 1];
    int wrong = 0;
    if (o->classes <= 0) return text_pairs_collect(p, p->code, last->target + last->targets);
    if (!o->class_name)
        return hsgd_fail(p->ctx, EINVAL, "%s: the model predicts %d classes without names, not characters", p->name,
                         o->classes);
    p->vocabulary = calloc(1, sizeof *p->vocabulary);
    int err = p->vocabulary ? vocabulary_of_names(p->vocabulary, o->class_name, o->classes, &wrong) : -ENOMEM;
    if (!err && vocabulary_token(p->vocabulary, START_CODE) != START_TOKEN) err = -EINVAL;
    if (!err && vocabulary_token(p->vocabulary, END_CODE) != END_TOKEN) err = -EINVAL;
    if (err == -EINVAL)
        return hsgd_fail(p->ctx, EINVAL, "%s: the model predicts classes such as \"%s\", not those of pairs of texts",
                         p->name, hsgd_show(o->class_name[wrong]).text);
    if (!err) p->names = vocabulary_names(p->vocabulary);
    return p->names ? 0 : hsgd_fail(p->ctx, ENOMEM, "%s: out of memory", p->name);
}

/* Targets have the places of those of the training data, if that is known. */
static int fit_targets(struct text_pairs *p, const struct hsgd_record *r)
{
    const struct record_field *label = r ? record_field(r, "label") : NULL;
    if (!label || label->type.rank != 1) return 0;
    int most = label->type.dim[0] - 1;
    for (int64_t i = 0; i < p->count; i++)
        if (p->pair[i].targets > most)
            return hsgd_fail(p->ctx, EINVAL,
                             "%s: line %lld: the target has %d characters, in the training data at most %d", p->name,
                             (long long)p->pair[i].line, p->pair[i].targets, most);
    p->targets = most;
    return 0;
}

/* The last pairs are the test split. */
static int give_splits(struct text_pairs *p, const struct hsgd_data_options *o, struct data_splits *out)
{
    double part = o->test_part;
    if (part >= 1) return hsgd_fail(p->ctx, EINVAL, "%s: test part %g is not below 1", p->name, part);
    int64_t test = (int64_t)((double)p->count * (part > 0 ? part : part < 0 ? 0 : TEST_PART)), train = p->count - test;
    if (part > 0 && !test)
        return hsgd_fail(p->ctx, EINVAL, "%s: %lld pairs are too few for a test part of %g", p->name,
                         (long long)p->count, part);
    int err = find_vocabulary(p, o, train);
    if (!err) err = fit_targets(p, o->record);
    if (!err) err = text_pairs_give(p, 0, train, &out->train);
    return err || !test ? err : text_pairs_give(p, train, test, &out->test);
}

int text_pairs_read(struct hsgd_context *ctx, struct hsgd_stream *s, const struct hsgd_data_options *o,
                    struct data_splits *out)
{
    struct text_pairs p = { .ctx = ctx, .name = hsgd_stream_name(s) };
    uint8_t *bytes = NULL;
    size_t n = 0;
    int err = text_read_all(ctx, s, &bytes, &n);
    if (!err) err = text_pairs_parse(&p, bytes, n);
    free(bytes);
    if (!err) err = give_splits(&p, o, out);
    text_pairs_free(&p);
    return err;
}

static int read_pairs(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *o,
                      struct data_splits *out)
{
    struct hsgd_stream *s = hsgd_stream_open(ctx, path);
    int err = s ? text_pairs_read(ctx, s, o, out) : -EIO;
    hsgd_stream_close(&s);
    return err;
}

/* Any table may be one: it must be asked for. */
static bool is_asked_for(const struct data_source *source)
{
    (void)source;
    return false;
}

const struct data_format hsgd_format_pairs = { "pairs", "pairs of texts, if --format pairs says so", is_asked_for,
                                               read_pairs };
