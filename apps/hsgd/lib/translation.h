/* SPDX-License-Identifier: BSD-3-Clause */
/* Translating by a model with an encoder and a decoder, which was trained on pairs of texts. */
#ifndef HSGD_APP_TRANSLATION_H
#define HSGD_APP_TRANSLATION_H

#include "checkpoint.h"

/* Characters before and after each text, see hsgd_data_read(). */
#define START_TEXT "\2"
#define END_TEXT "\3"

enum { TRANSLATED = 64 /* texts at once, at most */ };

/* The encoder runs once for each text, the decoder once for each token. */
struct translation {
    const struct opened *o;
    struct hsgd_session *encoder, *decoder;
    int32_t start, end;  /* tokens */
    int classes, tokens; /* tokens: of a target, with the end, at most as many as in the training data */
    bool known, keeps;   /* known: whether the decoder's session keeps all that it has seen has been found out */
    float *memory, *p;   /* of the encoder; probabilities of the next token of each text */
    int32_t *target;     /* of each text the start and what follows */
};

/* Whether the model was trained on pairs of texts. */
bool translates(const struct opened *o);
/* OK, or an exit code after a sentence; translation_close() in any case. */
int translation_open(struct translation *t, const struct opened *o, const struct settings *s);
/* Greedy decoding of n texts of `places` tokens, of which length[i] count: the most probable token after those before,
 * until the end.  Row i of out gets the t->tokens tokens of text i; behind the first end there are only ends. */
int translation_run(struct translation *t, int n, const int32_t *x, int places, const int32_t *length, int32_t *out);
/* The fraction of a data set's samples whose target is translated exactly. */
int translation_measure(const struct opened *o, const struct settings *s, const struct hsgd_data *d, double *exact);
void translation_close(struct translation *t);

#endif
