/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions: against double precision and against evaluation, what they share, what
 * they take. */
#include "core.h"

#include <errno.h>
#include <math.h>

#include "infer/session.h"
#include "plan/emit_slice.h"
#include "train/trainer.h"

enum { FEATURES = 20, HIDDEN = 24, CLASSES = 5, BATCH = 16, SAMPLES = 18 * BATCH + 5 };

static struct hsgd_context *ctx;
static struct hsgd_model *model;
static struct hsgd_trainer *trainer;
static struct hsgd_session *session;
static float x[SAMPLES * FEATURES], out[SAMPLES * CLASSES];

static struct hsgd_model *two_layers(bool softmax)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "two");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_vector(FEATURES));
    struct hsgd_value *label = hsgd_target(m, "label", hsgd_number(HSGD_I32));
    x = HSGD_OP(x, dense, NULL, .units = HIDDEN, .activation = HSGD_RELU);
    x = HSGD_OP(x, dropout, NULL, .p = 0.5f);
    x = HSGD_OP(x, dense, NULL, .units = CLASSES);
    hsgd_loss(softmax ? HSGD_JOIN(HSGD_OF(x, label), softmax_cross_entropy, NULL)
                      : HSGD_JOIN(HSGD_OF(x, label), mse, NULL));
    REQUIRE(!hsgd_model_finish(m));
    return m;
}

static struct hsgd_trainer *make_trainer(enum hsgd_executor executor)
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

static struct hsgd_session *make_session(int batch, int plans, enum hsgd_executor executor)
{
    struct hsgd_session *s =
        hsgd_session_create(model, HSGD_OPTIONS(session, .batch = batch, .plans = plans, .executor = executor));
    if (!CHECK_MSG(s != NULL, "%s", hsgd_error(ctx))) core_end();
    return s;
}

static void run(struct hsgd_session *s, int64_t n, const float *in, float *to)
{
    if (!CHECK_MSG(!hsgd_session_run(s, n, HSGD_FIELDS(in), HSGD_RESULTS(to)), "%s", hsgd_error(ctx))) core_end();
}

static void begin(const char *devices, bool softmax, enum hsgd_executor executor)
{
    ctx = core_context(devices, 0, false);
    model = two_layers(softmax);
    REQUIRE(model);
    trainer = make_trainer(executor);
    session = make_session(BATCH, 0, executor);
    unsigned state = 1;
    for (int i = 0; i < SAMPLES * FEATURES; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(state >> 8) / (1 << 23) - 1.0f;
    }
}

static void end(void)
{
    hsgd_session_destroy(&session);
    hsgd_trainer_destroy(&trainer);
    hsgd_model_destroy(&model);
    hsgd_destroy(&ctx);
}

/* y = x W + b in double precision, W in x out as stored. */
static void dense(const char *layer, const double *in, int n, double *y, int units)
{
    float w[HIDDEN * HIDDEN], b[HIDDEN];
    char name[40];
    snprintf(name, sizeof name, "%s.weight", layer);
    REQUIRE(!hsgd_model_get_weight(model, name, w, n * units));
    snprintf(name, sizeof name, "%s.bias", layer);
    REQUIRE(!hsgd_model_get_weight(model, name, b, units));
    for (int k = 0; k < units; k++) {
        y[k] = b[k];
        for (int i = 0; i < n; i++) y[k] += in[i] * w[i * units + k];
    }
}

static void reference(const float *sample, bool softmax, double *y)
{
    double in[FEATURES], hidden[HIDDEN], sum = 0;
    for (int i = 0; i < FEATURES; i++) in[i] = sample[i];
    dense("dense1", in, FEATURES, hidden, HIDDEN);
    for (int i = 0; i < HIDDEN; i++) hidden[i] = hidden[i] > 0 ? hidden[i] : 0;
    dense("dense2", hidden, HIDDEN, y, CLASSES);
    if (!softmax) return;
    for (int k = 0; k < CLASSES; k++) sum += exp(y[k]);
    for (int k = 0; k < CLASSES; k++) y[k] = exp(y[k]) / sum;
}

/* The first n samples; what lies behind stays as it was. */
static void check_predictions(int n, bool softmax)
{
    for (int i = 0; i < SAMPLES * CLASSES; i++) out[i] = -77;
    run(session, n, x, out);
    double worst = 0, y[CLASSES];
    for (int i = 0; i < n; i++) {
        reference(x + i * FEATURES, softmax, y);
        for (int k = 0; k < CLASSES; k++) worst = fmax(worst, fabs(y[k] - out[i * CLASSES + k]));
    }
    CHECK_MSG(worst < 2e-6, "%d samples differ by %g", n, worst);
    CHECK(n == SAMPLES || out[n * CLASSES] == -77);
}

static void predict_on(const char *devices, bool softmax, enum hsgd_executor executor)
{
    char before[65], after[65];
    int32_t labels[BATCH] = { 0, 1, 2, 3, 4, 3, 2, 1, 0 };
    begin(devices, softmax, executor);
    CHECK(hsgd_model_outputs(model) == CLASSES);
    hsgd_model_digest(model, before);
    check_predictions(SAMPLES, softmax);
    check_predictions(1, softmax);
    check_predictions(BATCH + 3, softmax);
    hsgd_model_digest(model, after);
    CHECK_STR(after, before);
    REQUIRE(!hsgd_trainer_step(trainer, BATCH, HSGD_FIELDS(x, labels), NULL));
    check_predictions(SAMPLES, softmax); /* of the new weights */
    hsgd_model_digest(model, after);
    CHECK(strcmp(after, before));
    end();
}

static void cpu(void) { predict_on("cpu", true, HSGD_REPLAY); }
static void opencl(void) { predict_on("opencl", true, HSGD_REPLAY); }
static void both(void) { predict_on("cpu,opencl", true, HSGD_REPLAY); }
static void cpu_insert(void) { predict_on("cpu", true, HSGD_INSERT); }
static void both_insert(void) { predict_on("cpu,opencl", true, HSGD_INSERT); }
static void mse(void) { predict_on("cpu,opencl", false, HSGD_REPLAY); }

static void placed_by_starpu(void)
{
    setenv("HSGD_PLACEMENT", "starpu", 1);
    predict_on("cpu,opencl", true, HSGD_REPLAY);
}

/* --------------------------------------------------------- like evaluation */

/* Loss and accuracy of n samples by their probabilities. */
static void score(const float *p, const int32_t *labels, int n, double *loss, double *accuracy)
{
    *loss = *accuracy = 0;
    for (int i = 0; i < n; i++) {
        int best = 0;
        for (int k = 1; k < 10; k++)
            if (p[i * 10 + k] > p[i * 10 + best]) best = k;
        *loss -= log(p[i * 10 + labels[i]]) / n;
        *accuracy += (double)(best == labels[i]) / n;
    }
}

static void agree_with_evaluation(const float *images, const int32_t *labels, const float *p, int n)
{
    double loss, accuracy, loss_there, accuracy_there;
    struct hsgd_shape shape = { 28, 28, 1 };
    score(p, labels, n, &loss, &accuracy);
    struct hsgd_data *d = hsgd_data_memory(ctx, images, labels, n, shape, 10, HSGD_BORROW);
    REQUIRE(!hsgd_trainer_evaluate(trainer, d, &loss_there, &accuracy_there));
    CHECK_MSG(fabs(loss - loss_there) < 1e-5 * loss, "%d: loss %.9f, evaluated %.9f", n, loss, loss_there);
    CHECK_MSG(fabs(accuracy - accuracy_there) < 1e-9, "%d: accuracy %g, evaluated %g", n, accuracy, accuracy_there);
    hsgd_data_destroy(&d);
}

static void as_evaluated(const char *devices, const char *name)
{
    static const char *const output[] = { "output", NULL };
    enum { N = 500 };
    static float images[N * 784], p[N * 10];
    static int32_t labels[N];
    ctx = core_context(devices, 0, false);
    core_digits(0, N, images, labels);
    model = hsgd_model_by_name(ctx, name, (struct hsgd_shape){ 28, 28, 1 }, 10);
    trainer = make_trainer(HSGD_REPLAY);
    session = hsgd_session_create(model, HSGD_OPTIONS(session, .batch = 64, .result = output));
    REQUIRE(session);
    for (int i = 0, at = 0; i < 20; i++, at = (at + 50) % 400)
        REQUIRE(!hsgd_trainer_step(trainer, 50, HSGD_FIELDS(images + at * 784, labels + at), NULL));
    run(session, N, images, p);
    agree_with_evaluation(images, labels, p, N);
    end();
}

static void lenet_cpu(void) { as_evaluated("cpu", "lenet"); }
static void lenet_opencl(void) { as_evaluated("opencl", "lenet"); }
static void resnet_cpu(void) { as_evaluated("cpu", "resnet8"); } /* by running statistics */

enum { MOST = 64 };
static float images[MOST * 784];
static int32_t digits[MOST];

/* Equal bits whatever submits, whatever else is kept, whoever else runs. */
static void every_batch(const char *devices)
{
    static float p[MOST * 10], q[MOST * 10];
    struct hsgd_session *insert;
    ctx = core_context(devices, 0, true);
    core_digits(0, MOST, images, digits);
    model = hsgd_model_by_name(ctx, "mlp-small", (struct hsgd_shape){ 28, 28, 1 }, 10);
    trainer = make_trainer(HSGD_REPLAY);
    trainer->state.options.batch_size = MOST;
    session = make_session(MOST, 0, HSGD_REPLAY);
    insert = make_session(MOST, 2, HSGD_INSERT);
    for (int n = 1; n <= MOST; n++) {
        run(session, n, images, p);
        run(insert, n, images, q);
        CHECK_MSG(!memcmp(p, q, (size_t)n * 10 * sizeof *p), "%d samples", n);
        if (n % 7 < 2) agree_with_evaluation(images, digits, p, n);
    }
    CHECK(session->plans.n == 8 && insert->plans.n == 2);
    run(session, 3, images, q);
    run(session, 64, images, p);
    CHECK_MSG(session->plans.n == 8, "%d plans", session->plans.n);
    hsgd_session_destroy(&insert);
    end();
}

static void every_batch_cpu(void) { every_batch("cpu"); }
static void every_batch_opencl(void) { every_batch("opencl"); }
static void every_batch_both(void) { every_batch("cpu,opencl"); }

static void fill(void *user, int step, int first_row, int rows, void *const *field)
{
    (void)user, (void)step;
    memcpy(field[0], images + first_row * 784, (size_t)rows * 784 * sizeof *images);
    memcpy(field[1], digits + first_row, (size_t)rows * sizeof *digits);
}

/* What the loss of an evaluation was computed from. */
static void read_arena(const struct plan *p, float *out)
{
    for (int i = 0; i < p->nslices; i++) {
        const struct slice *s = &p->slice[i];
        const struct tape *t = p->tape;
        const struct slot *slot = &t->slot[t->value[FIRST][t->low.node[t->low.loss].in[0]]];
        struct buffer *b = p->buffer[s->arena];
        buffer_acquire(ctx, b, STARPU_R);
        memcpy(out + s->first_row * 10, (float *)b->memory + tape_floats(t, slot->offset, s->rows),
               (size_t)s->rows * 10 * sizeof *out);
        starpu_data_release(b->handle);
    }
}

/* By the trainer's evaluation: its plan's slices are the session's. */
static void bits_of_evaluation(void)
{
    static const char *const output[] = { "logits", NULL };
    static float y[MOST * 10], z[MOST * 10];
    double sums[MAX_SUMS];
    struct batch_source source = { fill, NULL };
    ctx = core_context("cpu", 0, true);
    core_digits(0, MOST, images, digits);
    model = hsgd_model_by_name(ctx, "mlp-small", (struct hsgd_shape){ 28, 28, 1 }, 10);
    REQUIRE(model);
    model->result[model->nresults++] = (struct named_value){ "logits", model->node[model->loss].in[0] };
    trainer = make_trainer(HSGD_REPLAY);
    session = hsgd_session_create(model, HSGD_OPTIONS(session, .batch = MOST, .result = output));
    REQUIRE(session);
    for (int n = 1; n <= MOST; n++) {
        REQUIRE(!trainer_evaluate(trainer, n, 1, &source, sums));
        read_arena(plan_cache_find(&trainer->session.plans, trainer->session.store.sized, PLAN_EVALUATE, n, 0), y);
        run(session, n, images, z);
        CHECK_MSG(!memcmp(y, z, (size_t)n * 10 * sizeof *y), "%d samples", n);
    }
    end();
}

/* Of binary cross-entropy: the probabilities of its logits. */
static void chances(void)
{
    static const char *const names[] = { "logits", "output", NULL };
    static float logits[SAMPLES * CLASSES];
    ctx = core_context("cpu", 1, true);
    model = hsgd_model_create(ctx, "chances");
    struct hsgd_value *in = hsgd_input(model, "x", hsgd_vector(FEATURES));
    struct hsgd_value *target = hsgd_target(model, "chance", hsgd_vector(CLASSES));
    struct hsgd_value *y = HSGD_OP(in, dense, NULL, .units = CLASSES);
    hsgd_result(y, "logits");
    hsgd_loss(HSGD_JOIN(HSGD_OF(y, target), binary_cross_entropy, NULL));
    REQUIRE(!hsgd_model_finish(model));
    session = hsgd_session_create(model, HSGD_OPTIONS(session, .result = names));
    REQUIRE(session);
    for (int i = 0; i < SAMPLES * FEATURES; i++) x[i] = (float)(i % 211 - 105) * (i % 3 ? 0.02f : 2);
    REQUIRE(!hsgd_session_run(session, SAMPLES, HSGD_FIELDS(x), HSGD_RESULTS(logits, out)));
    int below = 0, above = 0;
    for (int i = 0; i < SAMPLES * CLASSES; i++) {
        double want = 1 / (1 + exp(-(double)logits[i]));
        if (!CHECK_MSG(fabs(out[i] - want) <= 1e-6 * want + 1e-37, "%g of %g, not %g", out[i], logits[i], want)) break;
        if (logits[i] < -20) below++;
        if (logits[i] > 20) above++;
    }
    CHECK_MSG(below > 0 && above > 0, "%d logits below -20, %d above 20", below, above);
    end();
}

/* ------------------------------------------------------------------ sharing */

/* Two sessions and a trainer have one set of buffers, which is there as long as one
 * of them. */
static void shared_on(const char *devices)
{
    static float p[MOST * 10], q[MOST * 10], before[MOST * 10];
    struct hsgd_session *other;
    ctx = core_context(devices, 0, true);
    core_digits(0, MOST, images, digits);
    model = hsgd_model_by_name(ctx, "mlp", (struct hsgd_shape){ 28, 28, 1 }, 10);
    session = make_session(MOST, 0, HSGD_REPLAY);
    run(session, MOST, images, before);
    trainer = make_trainer(HSGD_REPLAY);
    other = make_session(MOST, 0, HSGD_REPLAY);
    for (int i = 0; i < model->bound->nshards; i++)
        CHECK(session->store.param[i].handle == other->store.param[i].handle &&
              session->store.param[i].handle == trainer->state.store.param[i].handle);
    for (int i = 0; i < 3; i++) {
        REQUIRE(!hsgd_trainer_step(trainer, MOST, HSGD_FIELDS(images, digits), NULL));
        run(session, MOST, images, p);
        run(other, MOST, images, q);
        CHECK(!memcmp(p, q, sizeof p) && memcmp(p, before, sizeof p));
        memcpy(before, p, sizeof before);
    }
    CHECK(!hsgd_trainer_create(model, NULL) && strstr(hsgd_error(ctx), "is in use by another trainer"));
    hsgd_trainer_destroy(&trainer);
    run(session, MOST, images, q);
    CHECK(!memcmp(p, q, sizeof p));
    int64_t size = hsgd_model_weight_size(model, hsgd_model_weight_name(model, 0));
    float *zero = calloc((size_t)size, sizeof *zero);
    REQUIRE(zero && !hsgd_model_set_weight(model, hsgd_model_weight_name(model, 0), zero, size));
    run(other, MOST, images, q);
    CHECK(memcmp(p, q, sizeof p));
    free(zero);
    hsgd_session_destroy(&other);
    end();
}

static void shared_cpu(void) { shared_on("cpu"); }
static void shared_both(void) { shared_on("cpu,opencl"); }

/* ------------------------------------------------------------------- memory */

/* Buffers that the cells use, in bytes: those that the session says, and no other. */
static void count_memory(const char *name)
{
    enum { N = 32 };
    static float p[N * 10];
    struct hsgd_session_memory m;
    bool seen[512] = { 0 };
    ctx = core_context("cpu", 1, true);
    core_digits(0, N, images, digits);
    model = hsgd_model_by_name(ctx, name, (struct hsgd_shape){ 28, 28, 1 }, 10);
    session = make_session(N, 0, HSGD_REPLAY);
    run(session, N, images, p);
    REQUIRE(!hsgd_session_memory_get(session, &m, sizeof m));
    const struct plan *plan = session->plans.plan[0];
    int64_t arena = 0, values = 0;
    REQUIRE(plan->nbuffers <= 512);
    for (int i = 0; i < plan->ncells; i++)
        for (int k = 0; k < plan->cell[i].naccesses; k++) {
            int b = plan->cell[i].access[k].buffer;
            const char *what = seen[b] ? "" : plan_buffer(plan, b, 0)->name;
            if (!strncmp(what, "arena", 5)) arena += plan->buffer[b]->floats * 4;
            else
                CHECK_MSG(!*what || !strncmp(what, "param", 5) || !strncmp(what, "input", 5) ||
                              !strncmp(what, "partial", 7),
                          "%s has a buffer \"%s\"", name, what);
            seen[b] = true;
        }
    for (int i = 0; i < model->nvalues; i++) values += N * hsgd_type_bytes(&model->value[i].type);
    CHECK(m.plans == 1 && m.parameters == model->floats * 4 && m.inputs == N * 784 * 4 && m.results == N * 10 * 4);
    CHECK_MSG(m.arena == arena, "%s: %lld bytes, said to be %lld", name, (long long)arena, (long long)m.arena);
    CHECK_MSG(arena < values, "%s: arena %lld, all values %lld", name, (long long)arena, (long long)values);
    CHECK(!session->store.step.handle && !session->store.metrics.handle);
    end();
}

static void memory(void)
{
    count_memory("mlp");
    count_memory("lenet");
    count_memory("resnet8");
}

/* ------------------------------------------------------------------ results */

enum { TOKENS = 6, WORDS = 9, WIDTH = 4 };

/* An integer input and one of floats; results of both types, one of a part only. */
static struct hsgd_model *text_model(void)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "text");
    struct hsgd_value *words = hsgd_input(m, "words", hsgd_tokens(TOKENS));
    struct hsgd_value *label = hsgd_target(m, "label", hsgd_number(HSGD_I32));
    struct hsgd_value *extra = hsgd_input(m, "extra", hsgd_vector(WIDTH));
    struct hsgd_value *rows = HSGD_OP(words, embedding, "table", .entries = WORDS, .channels = WIDTH);
    struct hsgd_value *flat = HSGD_OP(rows, flatten, NULL);
    struct hsgd_value *all = HSGD_JOIN(HSGD_OF(flat, extra), concat, NULL);
    struct hsgd_value *y = HSGD_OP(all, dense, NULL, .units = 3);
    hsgd_loss(HSGD_JOIN(HSGD_OF(y, label), softmax_cross_entropy, NULL));
    hsgd_result(rows, "rows");
    hsgd_result(words, "words");
    if (!CHECK_MSG(!hsgd_model_finish(m), "%s", hsgd_error(ctx))) core_end();
    return m;
}

static void named(const char *devices)
{
    enum { N = 37 };
    static const char *const output[] = { "output", "words", NULL };
    int32_t words[N * TOKENS], back[N * TOKENS], again[N * TOKENS];
    float rows[N * TOKENS * WIDTH], extra[N * WIDTH], table[WORDS * WIDTH], y[N * 3];
    struct hsgd_session_value v;
    ctx = core_context(devices, 0, false);
    model = text_model();
    for (int i = 0; i < N * TOKENS; i++) words[i] = i * 5 % WORDS;
    for (int i = 0; i < N * WIDTH; i++) extra[i] = sinf((float)i);
    session = make_session(16, 0, HSGD_REPLAY);
    CHECK(hsgd_session_inputs(session) == 2 && hsgd_session_results(session) == 2);
    CHECK(!hsgd_session_input_get(session, 1, &v, sizeof v) && !strcmp(v.name, "extra") && v.type.dim[0] == WIDTH);
    CHECK(!hsgd_session_result_get(session, 1, &v, sizeof v) && !strcmp(v.name, "words") && v.type.dtype == HSGD_I32);
    CHECK(!hsgd_session_run(session, N, HSGD_FIELDS(words, NULL), HSGD_RESULTS(rows, back)));
    REQUIRE(!hsgd_model_get_weight(model, "table.weight", table, WORDS * WIDTH));
    CHECK(!memcmp(back, words, sizeof words));
    for (int i = 0; i < N * TOKENS; i++)
        CHECK(!memcmp(rows + i * WIDTH, table + words[i] * WIDTH, WIDTH * sizeof *rows));
    hsgd_session_destroy(&session);
    session = hsgd_session_create(model, HSGD_OPTIONS(session, .result = output));
    CHECK(hsgd_session_run(session, N, HSGD_FIELDS(words, NULL), HSGD_RESULTS(y, NULL)) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "input 1 (extra) is NULL");
    CHECK(!hsgd_session_run(session, N, HSGD_FIELDS(words, extra), HSGD_RESULTS(NULL, again)));
    CHECK(!memcmp(again, words, sizeof words));
    CHECK(!hsgd_session_run(session, N, HSGD_FIELDS(words, extra), HSGD_RESULTS(y, NULL)));
    for (int i = 0; i < N; i++) CHECK(fabsf(y[3 * i] + y[3 * i + 1] + y[3 * i + 2] - 1) < 1e-6f);
    end();
}

static void named_cpu(void) { named("cpu"); }
static void named_both(void) { named("cpu,opencl"); }

/* ----------------------------------------------------------- a lost device */

static void loses_a_device(void)
{
    setenv("HSGD_FAIL", "opencl@2", 1);
    begin("cpu,opencl", true, HSGD_REPLAY);
    session->choice[4] = (struct session_choice){ .known = true, .share = { 0.5, 0.5 } };
    for (int i = 0; i < 3; i++) check_predictions(SAMPLES, true);
    for (int i = 0; i < 2; i++)
        CHECK(session->lost[i] == (ctx->device[i].info.kind == HSGD_OPENCL) && ctx->device[i].lost == session->lost[i]);
    end();
}

/* ------------------------------------------------------------------- errors */

static void refuses(const struct hsgd_session_options *o, const char *sentence)
{
    CHECK(!hsgd_session_create(model, o));
    CHECK_STR(hsgd_error(ctx), sentence);
}

static void errors(void)
{
    static const char *const none[] = { NULL }, *const unknown[] = { "depth", NULL };
    struct hsgd_session_value v;
    begin("cpu", true, HSGD_REPLAY);
    CHECK(hsgd_session_run(session, 0, HSGD_FIELDS(x), HSGD_RESULTS(out)) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "a session runs on at least 1 sample, not 0");
    CHECK(hsgd_session_run(session, 2, HSGD_FIELDS(NULL), HSGD_RESULTS(out)) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "input 0 (x) is NULL");
    CHECK(hsgd_session_run(session, 2, NULL, HSGD_RESULTS(out)) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "hsgd_session_run: input is NULL");
    CHECK(hsgd_session_result_get(session, 1, &v, sizeof v) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "the session has results 0 to 0, not 1");
    refuses(HSGD_OPTIONS(session, .batch = -1), "batch must be from 0 to 1048576, not -1");
    refuses(HSGD_OPTIONS(session, .plans = 1 << 20), "plans must be from 0 to 65536, not 1048576");
    refuses(HSGD_OPTIONS(session, .executor = (enum hsgd_executor)2), "executor must be from 0 to 1, not 2");
    refuses(HSGD_OPTIONS(session, .result = none), "a session needs a result");
    refuses(HSGD_OPTIONS(session, .result = unknown), "model \"two\" has no result \"depth\"");
    CHECK(hsgd_model_outputs(NULL) == 0 && !hsgd_session_results(NULL));
    end();
}

static void no_target(void)
{
    ctx = core_context("cpu", 1, false);
    model = hsgd_model_create(ctx, "m");
    struct hsgd_value *in = hsgd_input(model, "x", hsgd_vector(3)), *t = hsgd_target(model, "t", hsgd_vector(3));
    hsgd_loss(HSGD_JOIN(HSGD_OF(HSGD_OP(in, dense, NULL, .units = 3), t), mse, NULL));
    hsgd_result(HSGD_JOIN(HSGD_OF(in, t), add, NULL), "sum");
    REQUIRE(!hsgd_model_finish(model));
    refuses(NULL, "a result of model \"m\" depends on the target \"t\"");
    end();
}

static const struct core_case cases[] = {
    { "cpu", cpu },
    { "opencl", opencl },
    { "both", both },
    { "cpu_insert", cpu_insert },
    { "both_insert", both_insert },
    { "mse", mse },
    { "placed_by_starpu", placed_by_starpu },
    { "lenet_cpu", lenet_cpu },
    { "lenet_opencl", lenet_opencl },
    { "resnet_cpu", resnet_cpu },
    { "every_batch_cpu", every_batch_cpu },
    { "every_batch_opencl", every_batch_opencl },
    { "every_batch_both", every_batch_both },
    { "bits_of_evaluation", bits_of_evaluation },
    { "chances", chances },
    { "shared_cpu", shared_cpu },
    { "shared_both", shared_both },
    { "memory", memory },
    { "named_cpu", named_cpu },
    { "named_both", named_both },
    { "loses_a_device", loses_a_device },
    { "errors", errors },
    { "no_target", no_target },
};
CORE_MAIN(cases)
