/* SPDX-License-Identifier: BSD-3-Clause */
/* Recurrent networks in models: sessions that go on, gradients of last states, many weights. */
#include "core.h"

#include <math.h>

enum { ROWS = 3, STEPS = 7, WIDTH = 4, HIDDEN = 6, CLASSES = 5 };

static const struct hsgd_type sequence = { HSGD_F32, 2, { HSGD_ANY, WIDTH } };

/* A layer of a kind on x; lstm and rnn of two layers. */
static struct hsgd_value *layer_of(int kind, struct hsgd_value *x, bool bidirectional)
{
    if (kind == 0) return HSGD_OP(x, lstm, "net", .hidden = HIDDEN, .layers = 2, .bidirectional = bidirectional);
    if (kind == 1) return HSGD_OP(x, gru, "net", .hidden = HIDDEN, .bidirectional = bidirectional);
    return HSGD_OP(x, rnn, "net", .hidden = HIDDEN, .layers = 2, .bidirectional = bidirectional,
                   .nonlinearity = HSGD_NONLINEARITY_RELU);
}

static void fill(float *x, int n)
{
    for (int i = 0; i < n; i++) x[i] = sinf((float)i * 1.7f);
}

/* ------------------------------------------------------------------ sessions */

struct generator {
    struct hsgd_context *ctx;
    struct hsgd_model *model;
    struct hsgd_session *session;
    int width; /* of the result */
};

static struct generator open_generator(const char *devices, int kind, bool bidirectional)
{
    struct generator g = { .ctx = core_context(devices, 1, false), .width = HIDDEN * (bidirectional ? 2 : 1) };
    g.model = hsgd_model_create(g.ctx, "generator");
    struct hsgd_value *x = hsgd_input(g.model, "x", sequence);
    struct hsgd_value *label = hsgd_target(g.model, "label", hsgd_tokens(HSGD_ANY));
    struct hsgd_value *y = layer_of(kind, x, bidirectional);
    hsgd_result(y, "y");
    struct hsgd_value *scores = HSGD_OP(y, dense, NULL, .units = CLASSES);
    hsgd_loss(HSGD_JOIN(HSGD_OF(scores, label), softmax_cross_entropy, NULL));
    if (!CHECK_MSG(!hsgd_model_finish(g.model), "%s", hsgd_error(g.ctx))) core_end();
    g.session = hsgd_session_create(g.model, NULL);
    REQUIRE(g.session);
    return g;
}

static void close_generator(struct generator *g)
{
    hsgd_session_destroy(&g->session);
    hsgd_model_destroy(&g->model);
    hsgd_destroy(&g->ctx);
}

/* Steps [first, first + n) of all rows. */
static void run_steps(struct generator *g, const float *x, int first, int n, float *y)
{
    float in[ROWS * STEPS * WIDTH], out[ROWS * STEPS * 2 * HIDDEN];
    const struct hsgd_type type = { HSGD_F32, 2, { n, WIDTH } };
    REQUIRE(!hsgd_session_set_types(g->session, 1, &type));
    for (int r = 0; r < ROWS; r++)
        memcpy(in + r * n * WIDTH, x + (r * STEPS + first) * WIDTH, (size_t)(n * WIDTH) * sizeof *x);
    if (!CHECK_MSG(!hsgd_session_run(g->session, ROWS, HSGD_FIELDS(in), HSGD_RESULTS(out)), "%s", hsgd_error(g->ctx)))
        core_end();
    for (int r = 0; r < ROWS; r++)
        memcpy(y + (r * STEPS + first) * g->width, out + r * n * g->width, (size_t)(n * g->width) * sizeof *y);
}

static double far_apart(const float *a, const float *b, int n)
{
    double most = 0;
    for (int i = 0; i < n; i++) most = fmax(most, fabs(a[i] - b[i]));
    return most;
}

/* A sequence in one run, and in runs of 1, 3 and 3 steps. */
static void goes_on(const char *devices, int kind)
{
    float x[ROWS * STEPS * WIDTH], whole[ROWS * STEPS * HIDDEN], parts[ROWS * STEPS * HIDDEN];
    struct generator g = open_generator(devices, kind, false);
    fill(x, ROWS * STEPS * WIDTH);
    run_steps(&g, x, 0, STEPS, whole);
    CHECK(!hsgd_session_reset(g.session));
    run_steps(&g, x, 0, 1, parts);
    run_steps(&g, x, 1, 3, parts);
    run_steps(&g, x, 4, 3, parts);
    CHECK_MSG(far_apart(whole, parts, ROWS * STEPS * HIDDEN) < 1e-6, "kind %d: %g", kind,
              far_apart(whole, parts, ROWS * STEPS * HIDDEN));
    run_steps(&g, x, 0, STEPS, parts); /* not from 0 */
    CHECK(far_apart(whole, parts, ROWS * STEPS * HIDDEN) > 1e-3);
    close_generator(&g);
}

static void goes_on_on_cpu(void)
{
    for (int kind = 0; kind < 3; kind++) goes_on("cpu", kind);
}

static void goes_on_on_opencl(void) { goes_on("opencl", 0); }

/* The second direction begins at the end, so nothing can be kept. */
static void both_directions_begin_anew(void)
{
    float x[ROWS * STEPS * WIDTH], once[ROWS * STEPS * 2 * HIDDEN], twice[ROWS * STEPS * 2 * HIDDEN];
    struct generator g = open_generator("cpu", 1, true);
    fill(x, ROWS * STEPS * WIDTH);
    run_steps(&g, x, 0, STEPS, once);
    run_steps(&g, x, 0, STEPS, twice);
    CHECK(!memcmp(once, twice, sizeof once));
    close_generator(&g);
}

/* --------------------------------------------------------------------- states */

static struct hsgd_trainer *trainer_of(struct hsgd_model *m)
{
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    o.optimizer = HSGD_SGD;
    o.learning_rate = 0.5f;
    o.batch_size = ROWS;
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    REQUIRE(t);
    return t;
}

/* A classifier by y at the last step, or by the state after it, which is the same of one layer. */
static double train(bool by_state, int kind, double *loss_before)
{
    float x[ROWS * STEPS * WIDTH];
    double loss = 0;
    int32_t labels[ROWS] = { 0, 4, 2 };
    struct hsgd_context *ctx = core_context("cpu", 1, false);
    struct hsgd_model *m = hsgd_model_create(ctx, "classifier");
    struct hsgd_value *in = hsgd_input(m, "x", (struct hsgd_type){ HSGD_F32, 2, { STEPS, WIDTH } });
    struct hsgd_value *net =
        kind ? HSGD_OP(in, gru, "net", .hidden = HIDDEN) : HSGD_OP(in, lstm, "net", .hidden = HIDDEN);
    struct hsgd_value *y =
        by_state ? HSGD_OP(hsgd_output(net, 1), reshape, NULL, .dims = { 1, { HIDDEN } }) : HSGD_OP(net, last, NULL);
    m = core_classifier(m, HSGD_OP(y, dense, NULL, .units = CLASSES));
    struct hsgd_trainer *t = trainer_of(m);
    fill(x, ROWS * STEPS * WIDTH);
    for (int i = 0; i < 20; i++) {
        REQUIRE(!hsgd_trainer_step(t, ROWS, HSGD_FIELDS(x, labels), &loss));
        if (!i) *loss_before = loss;
    }
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
    return loss;
}

static void last_state_is_last_output(void)
{
    for (int kind = 0; kind < 2; kind++) {
        double before[2];
        double by_y = train(false, kind, &before[0]), by_state = train(true, kind, &before[1]);
        CHECK_MSG(fabs(by_y - by_state) < 1e-5 * by_y, "kind %d: %.7f, %.7f", kind, by_y, by_state);
        CHECK_MSG(by_y < 0.9 * before[0] && fabs(before[0] - before[1]) < 1e-6, "kind %d: %g, %g to %g", kind,
                  before[0], before[1], by_y);
    }
}

/* -------------------------------------------------------------------- weights */

/* All 64, the last of which is trained, too. */
static void eight_layers(void)
{
    float x[ROWS * STEPS * WIDTH], before[4 * HIDDEN], after[4 * HIDDEN];
    int32_t labels[ROWS] = { 1, 0, 3 };
    static const char last[] = "net.bias_hh_l7_reverse";
    struct hsgd_context *ctx = core_context("cpu", 1, false);
    struct hsgd_model *m = hsgd_model_create(ctx, "deep");
    struct hsgd_value *in = hsgd_input(m, "x", (struct hsgd_type){ HSGD_F32, 2, { STEPS, WIDTH } });
    in = HSGD_OP(in, lstm, "net", .hidden = HIDDEN, .layers = 8, .bidirectional = true);
    m = core_classifier(m, HSGD_OP(HSGD_OP(in, mean_positions, NULL), dense, "fc", .units = CLASSES));
    CHECK(hsgd_model_weight_count(m) == 66);
    CHECK_STR(hsgd_model_weight_name(m, 0), "net.weight_ih_l0");
    CHECK_STR(hsgd_model_weight_name(m, 5), "net.weight_hh_l0_reverse");
    CHECK_STR(hsgd_model_weight_name(m, 63), last);
    struct hsgd_trainer *t = trainer_of(m);
    fill(x, ROWS * STEPS * WIDTH);
    REQUIRE(!hsgd_model_get_weight(m, last, before, 4 * HIDDEN));
    REQUIRE(!hsgd_trainer_step(t, ROWS, HSGD_FIELDS(x, labels), NULL));
    REQUIRE(!hsgd_model_get_weight(m, last, after, 4 * HIDDEN));
    CHECK(far_apart(before, after, 4 * HIDDEN) > 0);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

static const struct core_case cases[] = {
    { "goes_on_on_cpu", goes_on_on_cpu },
    { "goes_on_on_opencl", goes_on_on_opencl },
    { "both_directions_begin_anew", both_directions_begin_anew },
    { "last_state_is_last_output", last_state_is_last_output },
    { "eight_layers", eight_layers },
};
CORE_MAIN(cases)
