/* SPDX-License-Identifier: BSD-3-Clause */
/* Training inside an application that has StarPU tasks of its own:
 * embedded [STEPS]
 *
 * The application follows a damped particle in a double well,
 * x" = x - x^3 - c x', from many starts (x, x', c), and a network learns in
 * which well it comes to rest.  Batch after batch is computed by the
 * application's tasks while the network trains on the one before, on the same
 * workers: the library is a guest that changes no settings, waits for nothing
 * but its own tasks, and leaves StarPU running. */
#include <hsgd/hsgd.h>
#include <starpu.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 256, FEATURES = 3, CLASSES = 2, PARTS = 4, BUFFERS = 2, TIME_STEPS = 800, SHOWN = 100 };

struct batch {
    float x[BATCH * FEATURES];
    int32_t well[BATCH];
    starpu_data_handle_t start[PARTS], end[PARTS]; /* of x and well, in parts */
};

/* ------------------------------------------------ the application's tasks */

static void simulate(void *buffers[], void *arg)
{
    const float *x = (const float *)STARPU_VECTOR_GET_PTR(buffers[0]);
    int32_t *well = (int32_t *)STARPU_VECTOR_GET_PTR(buffers[1]);
    (void)arg;
    for (unsigned i = 0; i < STARPU_VECTOR_GET_NX(buffers[1]); i++) {
        double p = 2 * x[FEATURES * i], v = 2 * x[FEATURES * i + 1], c = 0.5 + 0.2 * x[FEATURES * i + 2], dt = 0.03;
        for (int t = 0; t < TIME_STEPS; t++) {
            v += dt * (p - p * p * p - c * v);
            p += dt * v;
        }
        well[i] = p > 0;
    }
}

static struct starpu_codelet codelet = {
    .cpu_funcs = { simulate }, .nbuffers = 2, .modes = { STARPU_R, STARPU_W }, .name = "simulate"
};

static void open_batch(struct batch *b)
{
    enum { ROWS = BATCH / PARTS };
    for (int i = 0; i < PARTS; i++) {
        float *x = b->x + i * ROWS * FEATURES;
        int32_t *well = b->well + i * ROWS;
        starpu_vector_data_register(&b->start[i], STARPU_MAIN_RAM, (uintptr_t)x, ROWS * FEATURES, sizeof *x);
        starpu_vector_data_register(&b->end[i], STARPU_MAIN_RAM, (uintptr_t)well, ROWS, sizeof *well);
    }
}

static void close_batch(struct batch *b)
{
    for (int i = 0; i < PARTS; i++) {
        starpu_data_unregister(b->start[i]);
        starpu_data_unregister(b->end[i]);
    }
}

/* New starts, and the tasks that follow them; returns at once. */
static int submit_batch(struct batch *b)
{
    for (int i = 0; i < PARTS; i++) starpu_data_acquire(b->start[i], STARPU_W);
    for (int i = 0; i < BATCH * FEATURES; i++) b->x[i] = 2.0f * (float)rand() / (float)RAND_MAX - 1.0f;
    for (int i = 0; i < PARTS; i++) starpu_data_release(b->start[i]);
    for (int i = 0; i < PARTS; i++)
        if (starpu_task_insert(&codelet, STARPU_R, b->start[i], STARPU_W, b->end[i], 0)) return 1;
    return 0;
}

/* ---------------------------------------------------------------- training */

/* NULL after an error. */
static struct hsgd_model *build(struct hsgd_context *ctx)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "wells");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_vector(FEATURES));
    struct hsgd_value *well = hsgd_target(m, "label", hsgd_number(HSGD_I32));
    x = HSGD_OP(x, dense, "fc1", .units = 64, .activation = HSGD_TANH);
    x = HSGD_OP(x, dense, "fc2", .units = 64, .activation = HSGD_TANH);
    x = HSGD_OP(x, dense, "fc3", .units = CLASSES);
    hsgd_loss(HSGD_JOIN(HSGD_OF(x, well), softmax_cross_entropy, NULL));
    if (hsgd_model_finish(m)) hsgd_model_destroy(&m);
    return m;
}

/* Trains on a batch whose tasks are waited for; how many it knew before. */
static int learn(struct hsgd_trainer *t, struct hsgd_session *s, struct batch *b, int *known)
{
    float p[BATCH * CLASSES];
    for (int i = 0; i < PARTS; i++) starpu_data_acquire(b->end[i], STARPU_R);
    int err = hsgd_session_run(s, BATCH, HSGD_FIELDS(b->x), HSGD_RESULTS(p));
    for (int i = 0; i < BATCH; i++) *known += (p[2 * i + 1] > p[2 * i]) == b->well[i];
    if (!err) err = hsgd_trainer_step(t, BATCH, HSGD_FIELDS(b->x, b->well), NULL);
    for (int i = 0; i < PARTS; i++) starpu_data_release(b->end[i]);
    return err;
}

static int run(struct hsgd_context *ctx, struct hsgd_trainer *t, struct hsgd_session *s, struct batch *batch, int steps)
{
    int known = 0, err = submit_batch(&batch[0]) ? -EIO : 0;
    for (int i = 0; !err && i < steps; i++) {
        if (submit_batch(&batch[(i + 1) % BUFFERS])) return 1;
        err = learn(t, s, &batch[i % BUFFERS], &known);
        if ((i + 1) % SHOWN) continue;
        printf("step %d: %.1f %% of the last %d batches predicted\n", i + 1, 100.0 * known / (SHOWN * BATCH), SHOWN);
        known = 0;
    }
    if (err) fprintf(stderr, "embedded: %s\n", hsgd_error(ctx));
    return err != 0;
}

int main(int argc, char **argv)
{
    static struct batch batch[BUFFERS];
    struct hsgd_context *ctx;
    struct hsgd_train_options o;
    int steps = argc > 1 ? atoi(argv[1]) : 1000, code = 1;
    if (starpu_init(NULL)) return fputs("embedded: StarPU did not start\n", stderr), 1;
    for (int i = 0; i < BUFFERS; i++) open_batch(&batch[i]);
    hsgd_train_defaults(&o, sizeof o);
    o.batch_size = BATCH;
    o.learning_rate = 0.01f;
    int err = hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = "cpu"));
    struct hsgd_model *model = err ? NULL : build(ctx);
    struct hsgd_trainer *trainer = model ? hsgd_trainer_create(model, &o) : NULL;
    struct hsgd_session *session = trainer ? hsgd_session_create(model, NULL) : NULL;
    if (session) code = run(ctx, trainer, session, batch, steps);
    else fprintf(stderr, "embedded: %s\n", hsgd_error(ctx));
    hsgd_session_destroy(&session);
    hsgd_trainer_destroy(&trainer);
    hsgd_model_destroy(&model);
    hsgd_destroy(&ctx);
    for (int i = 0; i < BUFFERS; i++) close_batch(&batch[i]); /* waits for the tasks still under way */
    starpu_shutdown();
    return code;
}
