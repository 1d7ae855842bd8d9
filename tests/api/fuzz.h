/* SPDX-License-Identifier: BSD-3-Clause */
/* Random calls of the public interface: what the parts of the program share. */
#ifndef HSGD_TESTS_API_FUZZ_H
#define HSGD_TESTS_API_FUZZ_H

#include <hsgd/hsgd.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A function of the interface.  run() calls it once and returns whether that
 * succeeded.  Pointers are numbered from 0; each must have been NULL once. */
struct call {
    const char *name;
    bool (*run)(void);
    int pointers;
    bool costly;
};

/* Each ends with name NULL. */
extern const struct call context_calls[], data_calls[], graph_calls[], model_calls[], op_calls[], session_calls[],
    train_calls[];

/* Objects that live through a round, all of 1x1x6 and 3 classes where not said
 * otherwise, and places for what calls make. */
enum { FEATURES = 6, CLASSES = 3, SAMPLES = 40, PLACES = 4, FLOATS = 1 << 16 };
struct world {
    struct hsgd_context *ctx;
    struct hsgd_data *table, *digits;   /* from memory; 28x28x1, 10 classes */
    struct hsgd_model *model, *trained; /* without and with a trainer */
    struct hsgd_trainer *trainer;
    struct hsgd_session *session, *other_session; /* of trained; of either */
    char *text;                                   /* of model */
    struct hsgd_normalisation *norm;
    struct hsgd_record *record;
    struct hsgd_data *data[PLACES];
    struct hsgd_model *models[PLACES];
    struct hsgd_normalisation *norms[PLACES];
    struct hsgd_record *records[PLACES];
    struct hsgd_trainer *other_trainer; /* of other_model */
    struct hsgd_model *other_model;
};
extern struct world world;
extern float floats[FLOATS], results[FLOATS];
extern int32_t labels[SAMPLES];

/* From the seed; below n. */
uint64_t draw(void);
int below(int n);
bool one_in(int n);

/* The pointer itself, or one time in eight NULL, which is noted for the call
 * that runs. */
__attribute__((access(none, 2))) void *or_null(int pointer, const void *p);
#define OR_NULL(i, p) or_null(i, p)

/* Mostly what is given, else 0, negative, huge, or the next one. */
int wild(int right);
int64_t wild64(int64_t right);
float wild_float(float right);
size_t wild_size(size_t right);
/* What is not an enumerator, too. */
int wild_enum(int n);
/* The same, but never more than what is given: where more is a request that takes long or memory of ours. */
int wild_low(int right);
struct hsgd_shape wild_shape(struct hsgd_shape right);

/* Names of files: of what is there, of what is not, and of what cannot be. */
const char *any_path(const char *right);
const char *any_text(const char *right);

/* Buffers: floats that are finite, or with a NaN or infinity among them. */
const float *some_floats(void);
const int32_t *some_labels(void);

struct hsgd_data *some_data(void);
struct hsgd_model *some_model(void);
struct hsgd_trainer *some_trainer(void);
const struct hsgd_normalisation *some_norm(void);
struct hsgd_record *some_record(void);

/* Keeps what a call made in place of something else; true when there is something. */
bool keep_data(struct hsgd_data *d);
bool keep_model(struct hsgd_model *m);

#endif
