/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions and trainers of one model: the results of evaluation, shared parameters, memory. */
#include "sessions.h"

#include <math.h>

#include "plan/emit_slice.h"

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

static const struct core_case cases[] = {
    { "lenet_cpu", lenet_cpu },
    { "lenet_opencl", lenet_opencl },
    { "resnet_cpu", resnet_cpu },
    { "every_batch_cpu", every_batch_cpu },
    { "every_batch_opencl", every_batch_opencl },
    { "every_batch_both", every_batch_both },
    { "bits_of_evaluation", bits_of_evaluation },
    { "shared_cpu", shared_cpu },
    { "shared_both", shared_both },
    { "memory", memory },
};
CORE_MAIN(cases)
