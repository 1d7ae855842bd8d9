/* SPDX-License-Identifier: BSD-3-Clause */
/* Attention and positions in a session: runs on a few tokens each, one after the other, give what one run on all of
 * them gives, and what a model gives that keeps nothing. */
#include "core.h"

#include <errno.h>
#include <math.h>

enum { TOKENS = 7, CHANNELS = 12, LENGTH = 75, SAMPLES = 3, SIZE = SAMPLES * LENGTH * TOKENS };

static int32_t token[SAMPLES * LENGTH];

/* Two blocks: learned positions, and rotations of heads of which two share their keys; single queries of these have a
 * kernel of their own. */
static struct hsgd_model *make_model(struct hsgd_context *ctx, int context)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "text");
    struct hsgd_value *x = hsgd_input(m, "token", hsgd_tokens(HSGD_ANY));
    struct hsgd_value *label = hsgd_target(m, "label", hsgd_tokens(HSGD_ANY));
    x = HSGD_OP(x, embedding, "wte", .entries = TOKENS, .channels = CHANNELS);
    x = HSGD_OP(x, positions, "wpe", .length = LENGTH);
    struct hsgd_value *y = HSGD_OP(x, dense, "qkv1", .units = 3 * CHANNELS);
    x = HSGD_JOIN(HSGD_OF(x, HSGD_OP(y, attention, NULL, .heads = 3, .causal = true, .context = context)), add, NULL);
    y = HSGD_OP(x, dense, "qkv2", .units = 32 + 2 * 16);
    y = HSGD_OP(y, attention, NULL, .heads = 2, .kv_heads = 1, .causal = true, .rotary = HSGD_ROTARY_HALVES,
                .context = context);
    x = HSGD_OP(y, dense, "head", .units = TOKENS);
    hsgd_result(x, "logits");
    hsgd_loss(HSGD_JOIN(HSGD_OF(x, label), softmax_cross_entropy, NULL));
    if (!CHECK_MSG(!hsgd_model_finish(m), "%s", hsgd_error(ctx))) core_end();
    return m;
}

static struct hsgd_session *open_session(struct hsgd_model *m)
{
    struct hsgd_session *s = hsgd_session_create(m, HSGD_OPTIONS(session, .batch = 8));
    REQUIRE(s);
    return s;
}

/* Tokens [from, from + n) of all samples; the scores go to their places in y. */
static void run(struct hsgd_context *ctx, struct hsgd_session *s, int from, int n, float *y)
{
    int32_t x[SAMPLES * (LENGTH + 1)];
    float out[SAMPLES * (LENGTH + 1) * TOKENS];
    for (int i = 0; i < SAMPLES * n; i++) x[i] = token[i / n * LENGTH + (from + i % n) % LENGTH];
    REQUIRE(!hsgd_session_set_types(s, 1, (struct hsgd_type[]){ hsgd_tokens(n) }));
    if (!CHECK_MSG(!hsgd_session_run(s, SAMPLES, HSGD_FIELDS(x), HSGD_RESULTS(out)), "%s", hsgd_error(ctx))) core_end();
    for (int i = 0; i < SAMPLES * n * TOKENS; i++)
        y[((i / TOKENS / n * LENGTH) + (from + i / TOKENS % n) % LENGTH) * TOKENS + i % TOKENS] = out[i];
}

static void check_equal(const float *got, const float *want)
{
    double worst = 0, size = 0;
    for (int i = 0; i < SIZE; i++) {
        worst = fmax(worst, fabs((double)got[i] - (double)want[i]));
        size = fmax(size, fabs((double)want[i]));
    }
    CHECK_MSG(worst < 1e-5 && size > 0.1, "differs by %g, largest %g", worst, size);
}

static void on(const char *devices)
{
    static const int parts[] = { 1, 1, 5, 1, 50, 16, 1 };
    static float all[SIZE], forgetful[SIZE], piece[SIZE];
    struct hsgd_context *ctx = core_context(devices, 1, false);
    struct hsgd_model *m = make_model(ctx, LENGTH), *plain = make_model(ctx, 0);
    struct hsgd_session *s = open_session(m), *p = open_session(plain);
    for (int i = 0; i < SAMPLES * LENGTH; i++) token[i] = i * i % 31 % TOKENS;
    run(ctx, s, 0, LENGTH, all);
    run(ctx, p, 0, LENGTH, forgetful);
    check_equal(all, forgetful);
    for (int turn = 0; turn < 2; turn++) {
        CHECK(!hsgd_session_reset(s));
        for (size_t i = 0, from = 0; i < sizeof parts / sizeof *parts; from += (size_t)parts[i++])
            run(ctx, s, (int)from, parts[i], piece);
        check_equal(piece, all);
    }
    run(ctx, s, 0, 1, piece); /* one more than there are places for */
    for (int i = 0; i < TOKENS; i++) CHECK(isnan(piece[i]));
    hsgd_session_destroy(&s);
    hsgd_session_destroy(&p);
    hsgd_model_destroy(&m);
    hsgd_model_destroy(&plain);
    hsgd_destroy(&ctx);
}

static void goes_on_on_cpu(void) { on("cpu"); }
static void goes_on_on_opencl(void) { on("opencl"); }

static const struct core_case cases[] = {
    { "goes_on_on_cpu", goes_on_on_cpu },
    { "goes_on_on_opencl", goes_on_on_opencl },
};
CORE_MAIN(cases)
