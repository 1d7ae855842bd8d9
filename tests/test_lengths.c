/* SPDX-License-Identifier: BSD-3-Clause */
/* Sequences of different lengths: batches of similar ones, each sample once, to the bits
 * of steps on the same batches by hand. */
#include "core.h"

#include <errno.h>
#include <math.h>
#include <unistd.h>

#include "data/lengths.h"
#include "train/pass.h"

enum { SAMPLES = 203, LONGEST = 40, CHANNELS = 3, CLASSES = 4, BATCH = 16 };

static struct hsgd_context *ctx;
static float x[SAMPLES * LONGEST * CHANNELS];
static int32_t length[SAMPLES], label[SAMPLES];

static void begin(const char *devices)
{
    ctx = core_context(devices, 1, true);
    unsigned state = 7;
    for (int i = 0; i < SAMPLES; i++) {
        state = state * 1664525u + 1013904223u;
        length[i] = i < 2 ? i * LONGEST : (int32_t)(state >> 8) % (i % 3 ? 12 : LONGEST + 1);
        label[i] = (int32_t)(state >> 28) % CLASSES;
        for (int k = 0; k < LONGEST * CHANNELS; k++) {
            state = state * 1664525u + 1013904223u;
            bool valid = k < length[i] * CHANNELS;
            x[i * LONGEST * CHANNELS + k] = valid ? (float)(state >> 8) / (1 << 23) + (float)label[i] : 0;
        }
    }
}

static struct hsgd_data *sequences(void)
{
    const struct hsgd_data_field f[] = {
        { .size = sizeof *f, .name = "x", .type = { HSGD_F32, 2, { LONGEST, CHANNELS } } },
        { .size = sizeof *f, .name = "label", .type = hsgd_number(HSGD_I32), .classes = CLASSES },
        { .size = sizeof *f, .name = "length", .type = hsgd_number(HSGD_I32) },
    };
    struct hsgd_data *d = hsgd_data_arrays(ctx, SAMPLES, 3, f, (const void *const[]){ x, label, length }, HSGD_BORROW);
    if (!CHECK_MSG(d != NULL, "%s", hsgd_error(ctx))) core_end();
    return d;
}

/* The mean over the batch's positions, and what the length itself tells. */
static struct hsgd_model *make(int positions)
{
    const struct hsgd_type in = { HSGD_F32, 2, { positions, CHANNELS } };
    struct hsgd_model *m = hsgd_model_create(ctx, "sequences");
    struct hsgd_value *v = hsgd_input(m, "x", in), *n = hsgd_input(m, "length", hsgd_number(HSGD_I32));
    struct hsgd_value *of = hsgd_target(m, "label", hsgd_number(HSGD_I32));
    v = HSGD_OP(HSGD_OP(v, dense, "each", .units = 8, .activation = HSGD_TANH), global_avg_pool, NULL);
    n = HSGD_OP(n, embedding, "length", .entries = LONGEST + 1, .channels = 8);
    v = HSGD_OP(HSGD_JOIN(HSGD_OF(v, n), add, NULL), dense, "scores", .units = CLASSES);
    hsgd_loss(HSGD_JOIN(HSGD_OF(v, of), softmax_cross_entropy, "loss"));
    if (!CHECK_MSG(!hsgd_model_finish(m), "%s", hsgd_error(ctx))) core_end();
    REQUIRE(!hsgd_model_initialise(m, 3));
    return m;
}

static bool stop_at_5(void *user, const struct hsgd_progress *p)
{
    (void)user;
    return p->step < 5;
}

/* folder: it stops at step 5, with a checkpoint there. */
static struct hsgd_trainer *trainer_of(struct hsgd_model *m, int batch, int epochs, const char *folder)
{
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    o.batch_size = batch;
    o.epochs = epochs;
    o.optimizer = HSGD_SGD;
    o.learning_rate = 0.1f;
    o.seed = 5;
    o.checkpoints = folder;
    o.checkpoint_every = folder ? 5 : 0;
    o.progress = folder ? stop_at_5 : NULL;
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    if (!CHECK_MSG(t != NULL, "%s", hsgd_error(ctx))) core_end();
    return t;
}

static struct hsgd_trainer *trainer(struct hsgd_model *m, int epochs, const char *folder)
{
    return trainer_of(m, BATCH, epochs, folder);
}

/* ----------------------------------------------------------------- arranging */

static void check_batches(const struct hsgd_data *d, const int64_t *order, int expected_mixed)
{
    bool seen[SAMPLES] = { false };
    int mixed = 0;
    for (int i = 0; i < SAMPLES; i++) {
        REQUIRE(order[i] >= 0 && order[i] < SAMPLES && !seen[order[i]]);
        seen[order[i]] = true;
    }
    for (int at = 0; at + BATCH <= SAMPLES; at += BATCH) {
        int bound = lengths_bound(d, order + at, BATCH);
        bool pure = true;
        for (int i = 0; i < BATCH; i++) pure = pure && lengths_bound(d, order + at + i, 1) == bound;
        mixed += !pure;
    }
    CHECK_MSG(mixed <= expected_mixed, "%d batches are of several buckets", mixed);
}

static void arranging(void)
{
    int64_t order[SAMPLES], again[SAMPLES];
    int bound = 0;
    begin("none");
    struct hsgd_data *d = sequences();
    for (int i = 0; i < SAMPLES; i++) order[i] = again[i] = (i * 59 + 7) % SAMPLES;
    CHECK(lengths_bound(d, (int64_t[]){ 0 }, 1) == 8 && lengths_bound(d, (int64_t[]){ 1 }, 1) == LONGEST);
    REQUIRE(!lengths_arrange(ctx, d, order, SAMPLES, BATCH) && !lengths_arrange(ctx, d, again, SAMPLES, BATCH));
    CHECK(!memcmp(order, again, sizeof order));
    check_batches(d, order, 3); /* 8, 16, 32, 40: what remains of four buckets */
    CHECK(lengths_run(d, order, BATCH, 12, &bound) >= 1 && bound == lengths_bound(d, order, BATCH));
    CHECK(!hsgd_data_set_buckets(ctx, d, 2, (int[]){ 5, 11 }));
    CHECK(lengths_bound(d, (int64_t[]){ 0 }, 1) == 5 && lengths_bound(d, (int64_t[]){ 1 }, 1) == LONGEST);
    REQUIRE(!lengths_arrange(ctx, d, order, SAMPLES, BATCH));
    check_batches(d, order, 2);
    CHECK(hsgd_data_set_buckets(ctx, d, 2, (int[]){ 5, 5 }) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "data set \"memory\": bounds of buckets must be positive and ascend, 5 does not");
    struct hsgd_data *part, *rest;
    REQUIRE(!hsgd_data_split(ctx, d, 50, 1, &part, &rest));
    CHECK(part->buckets == 2 && rest->bucket[1] == 11);
    hsgd_data_destroy(&part);
    hsgd_data_destroy(&rest);
    hsgd_data_destroy(&d);
    length[3] = LONGEST + 1;
    const struct hsgd_data_field f[] = { { .size = sizeof *f, .name = "x", .type = hsgd_vector(LONGEST) },
                                         { .size = sizeof *f, .name = "length", .type = hsgd_number(HSGD_I32) } };
    CHECK(!hsgd_data_arrays(ctx, 9, 2, f, (const void *const[]){ x, length }, HSGD_BORROW));
    CHECK_STR(hsgd_error(ctx), "data set \"memory\": sample 3 has length 41, but \"x\" has 40 positions");
    hsgd_destroy(&ctx);
}

/* Padding does not count. */
static void statistics(void)
{
    double sum[CHANNELS] = { 0 };
    int64_t n = 0;
    begin("none");
    struct hsgd_data *d = sequences();
    struct hsgd_normalisation *norm = hsgd_data_statistics(d);
    for (int i = 0; i < SAMPLES; i++, n += length[i - 1])
        for (int k = 0; k < length[i] * CHANNELS; k++) sum[k % CHANNELS] += (double)x[i * LONGEST * CHANNELS + k];
    REQUIRE(norm && norm->channels == CHANNELS);
    for (int c = 0; c < CHANNELS; c++) CHECK(fabs(norm->mean[c] - sum[c] / (double)n) < 1e-9);
    hsgd_normalisation_destroy(&norm);
    hsgd_data_destroy(&d);
    hsgd_destroy(&ctx);
}

/* ------------------------------------------------------------------ training */

/* By hand: the batches of an epoch one by one, each at its own length. */
static void step_by_hand(struct hsgd_trainer *t, const struct hsgd_data *d, const int64_t *order)
{
    static float cut[BATCH * LONGEST * CHANNELS];
    struct hsgd_normalisation *norm = hsgd_data_statistics(d);
    int32_t lengths[BATCH], labels[BATCH];
    for (int at = 0; at < SAMPLES; at += BATCH) {
        int n = SAMPLES - at < BATCH ? SAMPLES - at : BATCH, bound = lengths_bound(d, order + at, n);
        const struct hsgd_type types[] = { { HSGD_F32, 2, { bound, CHANNELS } },
                                           hsgd_number(HSGD_I32),
                                           hsgd_number(HSGD_I32) };
        field_gather_cut(&d->x, bound, NULL, order + at, n, norm, cut);
        for (int i = 0; i < n; i++) lengths[i] = length[order[at + i]], labels[i] = label[order[at + i]];
        REQUIRE(!hsgd_trainer_set_types(t, 3, types));
        if (!CHECK_MSG(!hsgd_trainer_step(t, n, HSGD_FIELDS(cut, lengths, labels), NULL), "%s", hsgd_error(ctx)))
            core_end();
    }
    hsgd_normalisation_destroy(&norm);
}

static float *weights_after(int epochs, const char *from)
{
    struct hsgd_model *m = make(HSGD_ANY);
    struct hsgd_data *d = sequences();
    struct hsgd_trainer *t = trainer(m, epochs, NULL);
    struct hsgd_fit_result r;
    if (from && !CHECK_MSG(!hsgd_checkpoint_load(t, from), "%s", hsgd_error(ctx))) core_end();
    if (!CHECK_MSG(!hsgd_fit(t, d, NULL, &r, sizeof r), "%s", hsgd_error(ctx))) core_end();
    CHECK(r.steps == (int64_t)epochs * ((SAMPLES + BATCH - 1) / BATCH));
    float *w = core_weights(m, NULL);
    hsgd_trainer_destroy(&t);
    hsgd_data_destroy(&d);
    hsgd_model_destroy(&m);
    return w;
}

static void same_steps(const char *devices)
{
    int64_t order[SAMPLES], count;
    begin(devices);
    float *fitted = weights_after(1, NULL);
    struct hsgd_model *m = make(HSGD_ANY);
    struct hsgd_data *d = sequences();
    struct hsgd_trainer *t = trainer(m, 1, NULL);
    pass_shuffle(order, SAMPLES, 5, 0);
    REQUIRE(!lengths_arrange(ctx, d, order, SAMPLES, BATCH));
    step_by_hand(t, d, order);
    float *stepped = core_weights(m, &count);
    CHECK_MSG(!memcmp(fitted, stepped, (size_t)count * sizeof *fitted), "off by %g",
              core_distance(fitted, stepped, count));
    free(fitted), free(stepped);
    hsgd_trainer_destroy(&t);
    hsgd_data_destroy(&d);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

static void same_steps_cpu(void) { same_steps("cpu"); }
static void same_steps_opencl(void) { same_steps("opencl"); }

/* In an epoch of batches of several lengths, and after it. */
static void resumed(void)
{
    char folder[] = "/tmp/test_lengths.XXXXXX", step[64], remove[64];
    int64_t count;
    begin("cpu");
    REQUIRE(mkdtemp(folder));
    float *whole = weights_after(2, NULL);
    struct hsgd_model *m = make(HSGD_ANY);
    struct hsgd_data *d = sequences();
    struct hsgd_trainer *t = trainer(m, 2, folder);
    struct hsgd_fit_result r;
    REQUIRE(!hsgd_fit(t, d, NULL, &r, sizeof r) && r.steps == 5 && r.end == HSGD_FIT_STOPPED);
    free(core_weights(m, &count));
    hsgd_trainer_destroy(&t);
    hsgd_data_destroy(&d);
    hsgd_model_destroy(&m);
    snprintf(step, sizeof step, "%s/step-5", folder);
    float *parts = weights_after(2, step);
    CHECK(!memcmp(whole, parts, (size_t)count * sizeof *whole));
    free(whole), free(parts);
    snprintf(remove, sizeof remove, "rm -rf %s", folder);
    CHECK(!system(remove));
    hsgd_destroy(&ctx);
}

/* The figures of an evaluation do not depend on the buckets but for padding, which a mean over
 * positions sees: with one bucket they are those of the constant size. */
static void evaluated(void)
{
    double open = 0, constant = 0;
    begin("cpu");
    struct hsgd_data *d = sequences();
    REQUIRE(!hsgd_data_set_buckets(ctx, d, 1, (int[]){ LONGEST }));
    struct hsgd_model *a = make(HSGD_ANY), *b = make(LONGEST);
    struct hsgd_trainer *t = trainer(a, 1, NULL), *u = trainer(b, 1, NULL);
    REQUIRE(!hsgd_trainer_evaluate(t, d, &open, NULL) && !hsgd_trainer_evaluate(u, d, &constant, NULL));
    CHECK_MSG(open == constant, "%.9g, not %.9g", open, constant);
    hsgd_trainer_destroy(&t), hsgd_trainer_destroy(&u);
    hsgd_model_destroy(&a), hsgd_model_destroy(&b);
    hsgd_data_destroy(&d);
    hsgd_destroy(&ctx);
}

/* What two epochs of 12 buckets keep, and how many plans they make; bytes: what plans may take. */
static void epochs_of_buckets(int64_t bytes, int *kept, int *made)
{
    static const int bound[12] = { 2, 4, 6, 8, 10, 12, 15, 19, 23, 28, 34, LONGEST };
    begin("cpu");
    struct hsgd_data *d = sequences();
    REQUIRE(!hsgd_data_set_buckets(ctx, d, 12, bound));
    struct hsgd_model *m = make(HSGD_ANY);
    struct hsgd_trainer *t = trainer_of(m, 4, 2, NULL);
    struct hsgd_fit_result r;
    if (bytes) t->state.plans.bytes = bytes;
    REQUIRE(!hsgd_fit(t, d, d, &r, sizeof r));
    *kept = t->state.plans.n, *made = (int)t->state.plans.made;
    hsgd_trainer_destroy(&t);
    hsgd_data_destroy(&d);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

/* Each plan is made once; but for a few, plans give way to others when they take too much. */
static void plans_of_buckets(void)
{
    int kept, made, few, again;
    epochs_of_buckets(0, &kept, &made);
    CHECK_MSG(kept == made && kept > 12, "%d plans were made, %d are kept", made, kept);
    epochs_of_buckets(1, &few, &again);
    CHECK_MSG(few == FEW_PLANS && again > made, "%d plans were made again, %d are kept", again, few);
}

static const struct core_case cases[] = { { "arranging", arranging },
                                          { "statistics", statistics },
                                          { "same_steps_cpu", same_steps_cpu },
                                          { "same_steps_opencl", same_steps_opencl },
                                          { "resumed", resumed },
                                          { "evaluated", evaluated },
                                          { "plans_of_buckets", plans_of_buckets } };
CORE_MAIN(cases)
