/* SPDX-License-Identifier: BSD-3-Clause */
/* Tokens of texts: bytes, or characters (code points) of a vocabulary. */
#ifndef HSGD_DATA_VOCABULARY_H
#define HSGD_DATA_VOCABULARY_H

#include "dataset.h"

enum { BYTES = 256, CODES = 0x110000, CODE_PAGE = 256, CHARACTER = 5 /* bytes, with the zero */ };

/* Tokens of characters in the order of their code points.  Zero-initialised is empty. */
struct vocabulary {
    int count;
    int32_t *page[CODES / CODE_PAGE]; /* of code points: 1 + token; 0, or no page: none */
};

/* The character at c, before n bytes end: its code point, in *length bytes; -1: it is
 * not UTF-8. */
int32_t character_decode(const uint8_t *c, size_t n, int *length);
/* The character as a zero-terminated text. */
struct character {
    char text[CHARACTER];
};
struct character character_text(int32_t code);

/* The set of n code points, sorted.  false: out of memory; vocabulary_free() in any case. */
bool vocabulary_collect(struct vocabulary *v, const int32_t *code, int64_t n);
/* Of characters in this order.  Returns 0, -ENOMEM, or -EINVAL: a name is not one
 * character, or there twice; *wrong is its index. */
int vocabulary_of_names(struct vocabulary *v, const char *const *name, int n, int *wrong);
void vocabulary_free(struct vocabulary *v);

/* -1: the vocabulary lacks it. */
static inline int32_t vocabulary_token(const struct vocabulary *v, int32_t code)
{
    const int32_t *page = v->page[code / CODE_PAGE];
    return page ? page[code % CODE_PAGE] - 1 : -1;
}

/* The characters as names; NULL: out of memory. */
struct hsgd_names *vocabulary_names(const struct vocabulary *v);

#endif
