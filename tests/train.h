/* SPDX-License-Identifier: BSD-3-Clause */
/* What tests of training share: points around one corner per class, and a model
 * and options to train on them. */
#ifndef HSGD_TESTS_TRAIN_H
#define HSGD_TESTS_TRAIN_H

#include "core.h"

enum { FEATURES = 12, CLASSES = 4, SAMPLES = 200, PARAMETERS = (FEATURES + 1) * CLASSES };

extern float x[SAMPLES * FEATURES];
extern int32_t labels[SAMPLES];
extern const struct hsgd_shape shape;
extern struct hsgd_context *ctx;
extern struct hsgd_model *model;
extern struct hsgd_train_options options; /* SGD with a rate of 0.5 */

void make_points(void);
/* The points, a context on the CPU, and the model of that name. */
void begin(const char *name, bool deterministic);
/* The same on other devices. */
void begin_on(const char *devices, const char *name, bool deterministic);
/* The same without the model. */
void begin_without_model(const char *devices, bool deterministic);
void end(void);
/* A copy of a weight of the model, and how many floats it has; to be freed. */
float *weight(const char *name, int64_t *n);
struct hsgd_trainer *trainer(void);
/* A step on n points. */
void step(struct hsgd_trainer *t, int first, int n);
/* The first n points as a data set. */
struct hsgd_data *points(int n);
/* A whole training by the options, in a new trainer. */
void fit(const struct hsgd_data *d, struct hsgd_fit_result *r);

#endif
