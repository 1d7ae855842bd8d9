/* SPDX-License-Identifier: BSD-3-Clause */
#include "sessions.h"

struct hsgd_context *ctx;
struct hsgd_model *model;
struct hsgd_trainer *trainer;
struct hsgd_session *session;

struct hsgd_trainer *make_trainer(enum hsgd_executor executor)
{
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    o.batch_size = BATCH;
    o.optimizer = HSGD_SGD;
    o.learning_rate = 0.05f;
    o.executor = executor;
    struct hsgd_trainer *t = hsgd_trainer_create(model, &o);
    if (!CHECK_MSG(t != NULL, "%s", hsgd_error(ctx))) core_end();
    return t;
}

struct hsgd_session *make_session(int batch, int plans, enum hsgd_executor executor)
{
    struct hsgd_session *s =
        hsgd_session_create(model, HSGD_OPTIONS(session, .batch = batch, .plans = plans, .executor = executor));
    if (!CHECK_MSG(s != NULL, "%s", hsgd_error(ctx))) core_end();
    return s;
}

void run(struct hsgd_session *s, int64_t n, const float *in, float *to)
{
    if (!CHECK_MSG(!hsgd_session_run(s, n, HSGD_FIELDS(in), HSGD_RESULTS(to)), "%s", hsgd_error(ctx))) core_end();
}

void end(void)
{
    hsgd_session_destroy(&session);
    hsgd_trainer_destroy(&trainer);
    hsgd_model_destroy(&model);
    hsgd_destroy(&ctx);
}
