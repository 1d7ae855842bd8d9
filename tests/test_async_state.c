/* SPDX-License-Identifier: BSD-3-Clause */
/* The optimizer's state of algorithms with a server: one for all in a
 * checkpoint, with which replicas go on. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "checkpoint.h"

#include <math.h>

#include "train/async_rounds.h"
#include "model/weights.h"

static struct hsgd_model *model;
static struct hsgd_trainer *trainer;

static struct hsgd_train_options options(enum hsgd_algorithm algorithm, enum hsgd_optimizer optimizer)
{
    struct hsgd_train_options o = options_for(optimizer);
    o.algorithm = algorithm;
    o.schedule = HSGD_CONSTANT;
    o.clip_norm = 0;
    return o;
}

static void train_epochs(const char *checkpoint, struct hsgd_train_options o, int epochs, struct outcome *out)
{
    o.epochs = epochs;
    if (!CHECK_MSG(!train_from(checkpoint, &o, out), "%s", hsgd_error(ctx))) core_end();
}

/* One replica makes the same steps in any run, so that it ends with the very
 * same weights where it was interrupted. */
static void goes_on(enum hsgd_algorithm algorithm, enum hsgd_optimizer optimizer)
{
    struct hsgd_train_options o = options(algorithm, optimizer);
    struct outcome whole, first, second;
    train_epochs(NULL, o, EPOCHS, &whole);
    new_folder();
    o.checkpoints = folder;
    train_epochs(NULL, o, 1, &first);
    o.checkpoints = NULL;
    train_epochs(in_folder("last"), o, EPOCHS, &second);
    CHECK_MSG(!memcmp(whole.weights, second.weights, (size_t)whole.count * sizeof *whole.weights),
              "%s, %s: the weights differ after an interruption", hsgd_algorithm_name(algorithm),
              hsgd_optimizer_name(optimizer));
    CHECK(memcmp(whole.weights, first.weights, (size_t)whole.count * sizeof *whole.weights));
    free(whole.weights), free(first.weights), free(second.weights);
}

static void one_replica_goes_on(void)
{
    static const enum hsgd_algorithm algorithms[] = { HSGD_STALE, HSGD_LOCAL, HSGD_HOGWILD, HSGD_ADAPTIVE };
    begin_replicas("cpu");
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        for (int o = 0; o < HSGD_OPTIMIZERS; o++) goes_on(algorithms[i], (enum hsgd_optimizer)o);
    end();
}

/* ---------------------------------------------------------------- the mean */

static void open_trainer(enum hsgd_algorithm algorithm)
{
    struct hsgd_train_options o = options(algorithm, HSGD_ADAM);
    model = make_model("small");
    trainer = hsgd_trainer_create(model, &o);
    REQUIRE(trainer);
}

static void close_trainer(void)
{
    hsgd_trainer_destroy(&trainer);
    hsgd_model_destroy(&model);
}

/* A copy of a shard's state. */
static float *copy_of(struct trainer_state *s, int shard, int64_t n)
{
    float *copy = malloc((size_t)n * sizeof *copy);
    buffer_acquire(s->ctx, &s->optimizer[shard], STARPU_R);
    memcpy(copy, s->optimizer[shard].memory, (size_t)n * sizeof *copy);
    starpu_data_release(s->optimizer[shard].handle);
    return copy;
}

static void check_shard(int shard, double all)
{
    struct trainer_state *s = &trainer->state;
    const struct async *a = trainer->async;
    int64_t n = 2 * s->store.shard[shard].floats, differ = 0;
    float *mean = copy_of(s, shard, n), *part[8] = { 0 };
    for (int k = 0; k < a->n; k++) part[k] = copy_of(&a->replica[k].state, shard, n);
    for (int64_t i = 0; i < n; i++) {
        double want = 0, size = 0;
        for (int k = 0; k < a->n; k++) {
            want += part[k][i] * (double)a->replica[k].updates / all;
            size += fabs(part[k][i]);
        }
        differ += part[0][i] != part[1][i];
        if (!CHECK_MSG(fabs(mean[i] - want) <= 1e-6 * size, "shard %d, float %lld: %g, not %g", shard, (long long)i,
                       mean[i], want))
            break;
    }
    CHECK(differ > 0);
    for (int k = 0; k < a->n; k++) free(part[k]);
    free(mean);
}

/* Both states of the weights in the first shard; between weights there may be
 * anything. */
static void check_weights(const float *saved, const float *read)
{
    struct weight_place w;
    int64_t all = trainer->state.store.shard[0].floats, seen = 0;
    for (int i = 0; model_weight(model, i, &w); i++) {
        int64_t n = spec_size(w.spec);
        if (w.offset + n > all) continue;
        for (int k = 0; k < 2; k++)
            CHECK(!memcmp(saved + k * all + w.offset, read + k * all + w.offset, (size_t)n * sizeof *read));
        seen++;
    }
    CHECK(seen > 0);
}

/* The mean of what two replicas have, by their updates; who loads it has it,
 * in the replicas that it makes, too. */
static void a_checkpoint_has_the_mean(void)
{
    struct hsgd_fit_result r;
    begin_replicas("cpu,opencl");
    open_trainer(HSGD_STALE);
    REQUIRE(!hsgd_fit(trainer, train, NULL, &r, sizeof r));
    REQUIRE(!hsgd_checkpoint_save(trainer, folder));
    const struct async *a = trainer->async;
    double u = (double)a->replica[0].updates, v = (double)a->replica[1].updates;
    REQUIRE(a->n == 2 && u > 0 && v > 0);
    CHECK(trainer->at.updates == llround((u * u + v * v) / (u + v)));
    for (int i = 0; i < trainer->state.store.nshards; i++) check_shard(i, u + v);
    int64_t updates = trainer->at.updates, n = 2 * trainer->state.store.shard[0].floats;
    float *mean = copy_of(&trainer->state, 0, n);
    close_trainer();
    open_trainer(HSGD_STALE);
    REQUIRE(!hsgd_checkpoint_load(trainer, in_folder("last")));
    REQUIRE(!async_open(trainer));
    CHECK(trainer->at.updates == updates && trainer->async->replica[1].before == updates);
    float *read = copy_of(&trainer->async->replica[1].state, 0, n);
    check_weights(mean, read);
    free(mean), free(read);
    close_trainer();
    end();
}

/* What the replicas had is gone, their parameters and their figures, too. */
static void loading_begins_anew(void)
{
    struct hsgd_fit_result r;
    struct outcome once;
    begin_replicas("cpu");
    struct hsgd_train_options o = options(HSGD_ELASTIC, HSGD_MOMENTUM);
    o.checkpoints = folder;
    train_epochs(NULL, o, 1, &once);
    o.checkpoints = NULL;
    o.epochs = 2;
    model = make_model("small");
    trainer = hsgd_trainer_create(model, &o);
    REQUIRE(trainer);
    float *weights[2];
    int64_t count;
    for (int i = 0; i < 2; i++) {
        REQUIRE(!hsgd_checkpoint_load(trainer, in_folder("last")));
        REQUIRE(!hsgd_fit(trainer, train, NULL, &r, sizeof r));
        weights[i] = core_weights(model, &count);
        CHECK_MSG(r.replica[0].samples == TRAINED, "%lld samples", (long long)r.replica[0].samples);
    }
    CHECK(!memcmp(weights[0], weights[1], (size_t)count * sizeof(float)));
    free(weights[0]), free(weights[1]), free(once.weights);
    close_trainer();
    end();
}

static const struct core_case cases[] = {
    { "one_replica_goes_on", one_replica_goes_on },
    { "a_checkpoint_has_the_mean", a_checkpoint_has_the_mean },
    { "loading_begins_anew", loading_begins_anew },
};
CORE_MAIN(cases)
