/* SPDX-License-Identifier: BSD-3-Clause */
/* Pairs of texts, a source and its target, for models that translate.  Both are tokens of
 * one vocabulary of characters, whose first two are the start and the end of a text. */
#ifndef HSGD_DATA_TEXT_PAIRS_H
#define HSGD_DATA_TEXT_PAIRS_H

#include "format.h"
#include "vocabulary.h"

/* U+0002 and U+0003, which texts do not have, are tokens 0 and 1. */
enum { START_CODE = 2, END_CODE = 3, START_TOKEN = 0, END_TOKEN = 1 };
enum { MAX_CHARACTERS = 512 /* of a source or target */ };

/* Where a pair is among the characters. */
struct text_pair {
    int64_t source, target, line;
    int sources, targets; /* characters */
};

struct text_pairs {
    struct hsgd_context *ctx;
    const char *name;
    int32_t *code; /* code points of all texts, one behind the other, which become tokens */
    int64_t codes;
    struct text_pair *pair;
    int64_t count, capacity;
    struct vocabulary *vocabulary;
    struct hsgd_names *names;
    int sources, targets; /* characters of the longest */
};

/* Reads the pairs of a text of lines SOURCE<TAB>TARGET; blank lines are skipped.  These
 * functions return 0, or a negative errno with a sentence; text_pairs_free() in any case. */
int text_pairs_parse(struct text_pairs *p, const uint8_t *bytes, size_t n);
/* Takes the characters of n code points as the vocabulary. */
int text_pairs_collect(struct text_pairs *p, const int32_t *code, int64_t n);
/* A data set of n pairs from the first on: x, the source's tokens; "label", those of the
 * target and the end; "length" of the source; "previous", the token before each label.
 * What is behind a text is START_TOKEN, which no label is.  A few pairs with characters
 * that the vocabulary lacks are left out. */
int text_pairs_give(struct text_pairs *p, int64_t first, int64_t n, struct hsgd_data **out);
void text_pairs_free(struct text_pairs *p);

/* Whether samples are pairs of texts. */
bool text_pairs_are(const struct hsgd_data *d);

/* The built-in set "dates": `count` dates as people write them, and in ISO 8601's form,
 * from sample `first` of the seed on.  Samples from TEST_FIRST on are of other days than
 * those before.  NULL after a sentence. */
struct hsgd_data *dates_generate(struct hsgd_context *ctx, uint64_t seed, int64_t first, int64_t count);

#endif
