/* SPDX-License-Identifier: BSD-3-Clause */
/* What tests of devices share: mlp trained on digits by SGD, step by step, held
 * against the same on the CPU alone. */
#ifndef HSGD_TESTS_STEPS_H
#define HSGD_TESTS_STEPS_H

#include "core.h"

enum { BATCH = 512, FEATURES = 784, STEPS = 70, LINES = 32 };

extern struct hsgd_context *ctx;
extern struct hsgd_model *model;
extern struct hsgd_trainer *trainer;
extern float x[BATCH * FEATURES];
extern int32_t labels[BATCH];
extern char lines[LINES][300]; /* of the log */
extern int nlines;
bool said(const char *text); /* in any of them */
/* For begin(): min_share, batch size (at most BATCH), slices and executor. */
extern float least_share;
extern int batch, slices;
extern enum hsgd_executor executor;

void begin(const char *devices, enum hsgd_algorithm algorithm);
void end(void);
/* That many steps, all on the same `batch` samples; their losses. */
void train(int steps, double *loss);
unsigned long long samples_of(const char *id);

/* The losses of STEPS steps on one device, in a process of its own; and that
 * others are the same. */
double *reference(void);
void check_losses(const double *got, const double *want);

#endif
