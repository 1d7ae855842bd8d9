/* SPDX-License-Identifier: BSD-3-Clause */
/* What tests of sessions share. */
#ifndef HSGD_TESTS_SESSIONS_H
#define HSGD_TESTS_SESSIONS_H

#include "core.h"
#include "infer/session.h"
#include "train/trainer.h"

enum { BATCH = 16 }; /* of trainers */

extern struct hsgd_context *ctx;
extern struct hsgd_model *model;
extern struct hsgd_trainer *trainer;
extern struct hsgd_session *session;

/* On the model, by SGD. */
struct hsgd_trainer *make_trainer(enum hsgd_executor executor);
struct hsgd_session *make_session(int batch, int plans, enum hsgd_executor executor);
/* n samples of one input, one result. */
void run(struct hsgd_session *s, int64_t n, const float *in, float *to);
/* Destroys all four. */
void end(void);

#endif
