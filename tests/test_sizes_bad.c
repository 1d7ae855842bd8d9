/* SPDX-License-Identifier: BSD-3-Clause */
/* Open sizes where a parameter depends on them, and sizes that do not fit. */
#include "core.h"

#include <errno.h>

enum { CLASSES = 5, SAMPLES = 2, LARGEST = 8 * 9 * 3 };

static struct hsgd_context *ctx;
static float x[SAMPLES * LARGEST];
static int32_t label[SAMPLES] = { 1, 3 };

/* ---------------------------------------------------------------- bad models */

static void check_refused(struct hsgd_model *m, const char *sentence)
{
    CHECK(hsgd_model_finish(m) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), sentence);
    hsgd_model_destroy(&m);
}

static void bad_models(void)
{
    const struct hsgd_type rows = { HSGD_F32, 2, { 8, HSGD_ANY } };
    struct hsgd_value *v;
    ctx = core_context("none", 0, false);
    struct hsgd_model *m = hsgd_model_create(ctx, "m");
    HSGD_OP(hsgd_input(m, "x", rows), dense, NULL, .units = 3);
    check_refused(m, "model \"m\", layer 1 (dense): its weight depends on axis 2 of 8 x any, whose size must then be "
                     "known");
    m = hsgd_model_create(ctx, "m");
    v = HSGD_OP(hsgd_input(m, "x", hsgd_image(HSGD_ANY, HSGD_ANY, 3)), flatten, NULL);
    HSGD_OP(v, dense, NULL, .units = 3);
    check_refused(m,
                  "model \"m\", layer 2 (dense): its weight depends on axis 1 of any, whose size must then be known");
    m = hsgd_model_create(ctx, "m");
    HSGD_OP(hsgd_input(m, "x", hsgd_image(8, 8, HSGD_ANY)), conv2d, NULL, .out_channels = 3, .kernel = 1);
    check_refused(m, "model \"m\", layer 1 (conv2d): its weight depends on axis 3 of 8 x 8 x any, whose size must then "
                     "be known");
    m = hsgd_model_create(ctx, "m");
    HSGD_OP(hsgd_input(m, "x", hsgd_image(8, 8, HSGD_ANY)), batch_norm, NULL);
    check_refused(m, "model \"m\", layer 1 (batch_norm): its weight depends on axis 3 of 8 x 8 x any, whose size must "
                     "then be known");
    m = hsgd_model_create(ctx, "m");
    HSGD_OP(hsgd_input(m, "x", rows), layer_norm, NULL);
    check_refused(m, "model \"m\", layer 1 (layer_norm): its weight depends on axis 2 of 8 x any, whose size must then "
                     "be known");
    m = hsgd_model_create(ctx, "m");
    HSGD_OP(hsgd_input(m, "x", rows), split, NULL, .parts = 2);
    check_refused(m, "model \"m\", layer 1 (split): the channels, the last axis of 8 x any, must be known");
    m = hsgd_model_create(ctx, "m");
    HSGD_OP(hsgd_input(m, "x", rows), reshape, NULL, .dims = { 2, { 4, 16 } });
    check_refused(m, "model \"m\", layer 1 (reshape): dims must be at most 6 positive integers and one -1 for what is "
                     "left of 8 x any, which is open");
    m = hsgd_model_create(ctx, "m");
    HSGD_JOIN(HSGD_OF(hsgd_input(m, "x", hsgd_image(HSGD_ANY, 8, 3)), hsgd_input(m, "y", hsgd_image(9, 7, 3))), add,
              NULL);
    check_refused(m, "model \"m\", layer 1 (add): all inputs must have one type, not any x 8 x 3 and 9x7x3");
    hsgd_destroy(&ctx);
}

/* ------------------------------------------------------- sizes that do not fit */

/* A sum of two inputs, both of any length. */
static struct hsgd_model *sum_model(void)
{
    const struct hsgd_type any = { HSGD_F32, 3, { HSGD_ANY, 9, 3 } };
    struct hsgd_model *m = hsgd_model_create(ctx, "sum");
    struct hsgd_value *x = hsgd_input(m, "x", any), *y = hsgd_input(m, "y", any);
    struct hsgd_value *label = hsgd_target(m, "label", hsgd_number(HSGD_I32));
    x = HSGD_OP(x, conv2d, NULL, .out_channels = 3, .kernel = 5, .padding = 2);
    x = HSGD_OP(HSGD_JOIN(HSGD_OF(x, y), add, NULL), max_pool, NULL, .kernel = 4);
    x = HSGD_OP(HSGD_OP(x, global_avg_pool, NULL), dense, NULL, .units = CLASSES);
    hsgd_loss(HSGD_JOIN(HSGD_OF(x, label), softmax_cross_entropy, NULL));
    REQUIRE(!hsgd_model_finish(m));
    return m;
}

static void check_types(struct hsgd_session *s, int a, int b, int wide, const char *sentence)
{
    const struct hsgd_type type[2] = { hsgd_image(a, wide, 3), hsgd_image(b, 9, 3) };
    int err = hsgd_session_set_types(s, 2, type);
    CHECK(err == (sentence ? -EINVAL : 0));
    if (sentence) CHECK_STR(hsgd_error(ctx), sentence);
}

static void misfits(void)
{
    ctx = core_context("cpu", 0, true);
    for (int i = 0; i < SAMPLES * LARGEST; i++) x[i] = (float)(i * 37 % 101) / 50 - 1;
    struct hsgd_model *m = sum_model();
    struct hsgd_session *s = hsgd_session_create(m, NULL);
    struct hsgd_trainer *t = hsgd_trainer_create(m, NULL);
    struct hsgd_type type[3] = { hsgd_image(8, 9, 3), hsgd_image(8, 9, 3), hsgd_vector(4) };
    float out[SAMPLES * CLASSES], again[SAMPLES * CLASSES];
    REQUIRE(s && t);
    CHECK(hsgd_session_run(s, 2, HSGD_FIELDS(x, x), HSGD_RESULTS(out)) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "model \"sum\": the sizes of \"x\", any x 9 x 3, must be given");
    check_types(s, 8, 8, 9, NULL);
    CHECK(!hsgd_session_run(s, 2, HSGD_FIELDS(x, x), HSGD_RESULTS(out)));
    check_types(s, 8, 7, 9, "model \"sum\", layer 2 (add): all inputs must have one type, not 8x9x3 and 7x9x3");
    check_types(s, 3, 3, 9, "model \"sum\", layer 3 (max_pool): a window of 4x4 does not fit into 3x9 with padding 0");
    check_types(s, 8, 8, 10, "model \"sum\": \"x\" is any x 9 x 3, and cannot be 8x10x3");
    check_types(s, 0, 8, 9, "model \"sum\": \"x\" is any x 9 x 3, and cannot be 0x9x3");
    check_types(s, 1 << 30, 1 << 30, 9, "model \"sum\": \"x\" is any x 9 x 3, and cannot be 1073741824x9x3");
    CHECK(hsgd_session_set_types(s, 1, type) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "the session has 2 inputs, not 1");
    CHECK(!hsgd_session_run(s, 2, HSGD_FIELDS(x, x), HSGD_RESULTS(again)));
    CHECK(!memcmp(out, again, sizeof out)); /* refused sizes change nothing */
    CHECK(hsgd_trainer_step(t, 2, HSGD_FIELDS(x, x, label), NULL) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "model \"sum\": the sizes of \"x\", any x 9 x 3, must be given");
    CHECK(hsgd_trainer_plan(t, 2) == -EINVAL);
    CHECK(hsgd_trainer_set_types(t, 2, type) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "model \"sum\" has 3 inputs and targets, not 2");
    CHECK(hsgd_trainer_set_types(t, 3, type) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "model \"sum\": \"label\" is one number i32, and cannot be 4");
    type[2] = hsgd_number(HSGD_I32);
    CHECK(!hsgd_trainer_set_types(t, 3, type));
    CHECK(!hsgd_trainer_step(t, 2, HSGD_FIELDS(x, x, label), NULL));
    hsgd_session_destroy(&s);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

static const struct core_case cases[] = { { "bad_models", bad_models }, { "misfits", misfits } };
CORE_MAIN(cases)
