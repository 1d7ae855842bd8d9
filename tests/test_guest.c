/* SPDX-License-Identifier: BSD-3-Clause */
/* The library as a guest in an application's StarPU: it works, and leaves
 * everything as it was. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "core.h"

#include <cblas.h>
#include <errno.h>
#include <omp.h>
#include <semaphore.h>
#include <signal.h>
#include <starpu.h>
#include <stdatomic.h>
#include <unistd.h>

extern char **environ;

static atomic_int ran;
static sem_t gate, entered;
static atomic_int openmp_threads[STARPU_NMAXWORKERS];

static void count_run(void *buffers[], void *arg)
{
    (void)buffers, (void)arg;
    atomic_fetch_add(&ran, 1);
}

static void wait_at_gate(void *buffers[], void *arg)
{
    (void)buffers, (void)arg;
    sem_post(&entered);
    sem_wait(&gate);
    atomic_fetch_add(&ran, 1);
}

static void read_openmp(void *buffers[], void *arg)
{
    (void)buffers, (void)arg;
    atomic_store(&openmp_threads[starpu_worker_get_id()], omp_get_max_threads());
}

static struct starpu_codelet counting = { .cpu_funcs = { count_run } };
static struct starpu_codelet blocking = { .cpu_funcs = { wait_at_gate } };
static struct starpu_codelet reading = { .cpu_funcs = { read_openmp } };

static void submit(struct starpu_codelet *cl, int worker, bool wait)
{
    struct starpu_task *t = starpu_task_create();
    t->cl = cl;
    if (worker >= 0) {
        t->execute_on_a_specific_worker = 1;
        t->workerid = (unsigned)worker;
    }
    t->detach = !wait;
    REQUIRE(!starpu_task_submit(t));
    if (wait) REQUIRE(!starpu_task_wait(t));
}

/* Everything of the process that a guest must leave alone. */
struct surroundings {
    struct starpu_sched_policy *policy;
    int blas_threads, openmp[STARPU_NMAXWORKERS], nsettings;
    char *settings[2000];
    struct sigaction signals[64];
};

static void look(struct surroundings *s)
{
    s->policy = starpu_sched_ctx_get_sched_policy(0);
    s->blas_threads = openblas_get_num_threads();
    for (unsigned w = 0; w < starpu_worker_get_count(); w++) {
        submit(&reading, (int)w, true);
        s->openmp[w] = atomic_load(&openmp_threads[w]);
    }
    for (s->nsettings = 0; environ[s->nsettings] && s->nsettings < 2000; s->nsettings++)
        s->settings[s->nsettings] = strdup(environ[s->nsettings]);
    for (int i = 1; i < 64; i++) sigaction(i, NULL, &s->signals[i]);
}

static void compare(const struct surroundings *a, const struct surroundings *b)
{
    CHECK(a->policy == b->policy);
    CHECK_STR(b->policy->policy_name, "lws");
    CHECK_MSG(a->blas_threads == b->blas_threads, "OpenBLAS threads: %d, before %d", b->blas_threads, a->blas_threads);
    for (unsigned w = 0; w < starpu_worker_get_count(); w++)
        CHECK_MSG(a->openmp[w] == b->openmp[w], "OpenMP threads of worker %u: %d, before %d", w, b->openmp[w],
                  a->openmp[w]);
    CHECK_MSG(a->nsettings == b->nsettings, "%d environment variables, before %d", b->nsettings, a->nsettings);
    for (int i = 0; i < a->nsettings && i < b->nsettings; i++) CHECK_STR(b->settings[i], a->settings[i]);
    for (int i = 1; i < 64; i++)
        CHECK_MSG(a->signals[i].sa_sigaction == b->signals[i].sa_sigaction &&
                      a->signals[i].sa_flags == b->signals[i].sa_flags,
                  "the handler of signal %d changed", i);
}

static void start_starpu(void)
{
    struct starpu_conf conf;
    starpu_conf_init(&conf);
    conf.ncpus = 2;
    conf.nopencl = conf.ncuda = 0;
    conf.sched_policy_name = "lws";
    REQUIRE(!starpu_init(&conf));
    sem_init(&gate, 0, 0);
    sem_init(&entered, 0, 0);
}

static struct hsgd_trainer *make_trainer(struct hsgd_context *ctx, const char *name, struct hsgd_model **m)
{
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    *m = hsgd_model_by_name(ctx, name, (struct hsgd_shape){ 28, 28, 1 }, 10);
    struct hsgd_trainer *t = hsgd_trainer_create(*m, &o);
    REQUIRE(t);
    return t;
}

static void train(struct hsgd_trainer *t, int steps)
{
    static float x[128 * 784];
    static int32_t labels[128];
    double first = 0, loss = 0;
    core_digits(0, 128, x, labels);
    for (int i = 0; i < steps; i++) {
        REQUIRE(!hsgd_trainer_step(t, 128, HSGD_FIELDS(x, labels), &loss));
        if (i == 0) first = loss;
    }
    CHECK_MSG(loss < 0.5 * first, "the loss went from %g to %g", first, loss);
}

static void leaves_things_alone(void)
{
    static struct surroundings before, during, after;
    static const char *const names[] = { "lenet", "mlp" };
    setenv("OMP_NUM_THREADS", "2", 1);
    start_starpu();
    look(&before);
    for (int i = 0; i < 2; i++) {
        struct hsgd_model *m;
        struct hsgd_context *ctx = core_context("cpu", 0, false);
        struct hsgd_trainer *t = make_trainer(ctx, names[i], &m);
        train(t, 30);
        look(&during);
        compare(&before, &during);
        struct hsgd_device d;
        CHECK(!hsgd_device_get(ctx, 0, &d, sizeof d) && d.samples == 30 * 128);
        hsgd_trainer_destroy(&t);
        hsgd_model_destroy(&m);
        hsgd_destroy(&ctx);
        look(&after);
        compare(&before, &after);
    }
    CHECK(starpu_is_initialized());
    starpu_shutdown();
}

/* One task of the application cannot start, another sits on a worker: neither
 * is waited for. */
static void waits_for_nobody(void)
{
    struct hsgd_model *m;
    start_starpu();
    submit(&counting, -1, false);
    struct starpu_task *late = starpu_task_create();
    late->cl = &counting;
    starpu_tag_declare_deps((starpu_tag_t)1, 1, (starpu_tag_t)2);
    late->use_tag = 1;
    late->tag_id = 1;
    REQUIRE(!starpu_task_submit(late));
    if (starpu_worker_get_count() > 1) {
        submit(&blocking, -1, false);
        sem_wait(&entered);
    } else {
        sem_post(&gate);
        submit(&blocking, -1, false);
        core_skip("only one worker: none is blocked");
    }
    struct hsgd_context *ctx = core_context("cpu", 0, false);
    struct hsgd_trainer *t = make_trainer(ctx, "mlp", &m);
    for (int i = 0; i < 20; i++) submit(&counting, -1, false);
    train(t, 20);
    for (int i = 0; i < 20; i++) submit(&counting, -1, false);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
    CHECK(atomic_load(&ran) <= 41 + (starpu_worker_get_count() == 1));
    CHECK(starpu_is_initialized());
    submit(&counting, -1, true);
    sem_post(&gate);
    starpu_tag_notify_from_apps((starpu_tag_t)2);
    starpu_task_wait_for_all();
    CHECK_MSG(atomic_load(&ran) == 44, "%d of the application's tasks ran", atomic_load(&ran));
    starpu_shutdown();
}

static int files_of(const char *symbol)
{
    char command[600];
    int n = -1;
    snprintf(command, sizeof command, "find '%s' -name '%s*' | wc -l", getenv("STARPU_HOME"), symbol);
    FILE *f = popen(command, "r");
    REQUIRE(f && fscanf(f, "%d", &n) == 1);
    pclose(f);
    return n;
}

/* From the first record on StarPU writes all models of the process when it ends, the
 * application's as well. */
static void keep_times(bool asked)
{
    static struct starpu_perfmodel own = { .type = STARPU_HISTORY_BASED, .symbol = "application" };
    struct starpu_codelet measured = counting;
    struct hsgd_model *m;
    measured.model = &own;
    start_starpu();
    struct hsgd_context *ctx = core_context("cpu", 0, false);
    struct hsgd_trainer *t = make_trainer(ctx, "mlp", &m);
    submit(&measured, -1, true);
    train(t, 20);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
    starpu_shutdown();
    CHECK_MSG((files_of("hsgd_mlp_") > 0) == asked && (files_of("application") > 0) == asked,
              "%d files of ours, %d of the application", files_of("hsgd_mlp_"), files_of("application"));
}

static void keeps_no_times(void) { keep_times(false); }

static void keeps_times_when_asked(void)
{
    setenv("HSGD_PERFMODELS", "1", 1);
    keep_times(true);
}

/* What a paused StarPU is given is waited for in vain. */
static void says_that_it_is_paused(void)
{
    struct hsgd_model *m;
    double loss;
    static float x[128 * 784];
    static int32_t labels[128];
    start_starpu();
    struct hsgd_context *ctx = core_context("cpu", 0, false);
    struct hsgd_trainer *t = make_trainer(ctx, "mlp", &m);
    core_digits(0, 128, x, labels);
    starpu_pause();
    CHECK(hsgd_trainer_step(t, 128, HSGD_FIELDS(x, labels), &loss) == -EBUSY);
    CHECK_STR(hsgd_error(ctx), "StarPU is paused: the application that has started it calls starpu_resume()");
    starpu_resume();
    train(t, 20);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
    starpu_shutdown();
}

static const struct core_case cases[] = { { "leaves_things_alone", leaves_things_alone },
                                          { "waits_for_nobody", waits_for_nobody },
                                          { "keeps_no_times", keeps_no_times },
                                          { "keeps_times_when_asked", keeps_times_when_asked },
                                          { "says_that_it_is_paused", says_that_it_is_paused } };
CORE_MAIN(cases)
