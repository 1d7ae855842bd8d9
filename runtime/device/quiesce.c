/* SPDX-License-Identifier: BSD-3-Clause */
#include "quiesce.h"

#include <semaphore.h>
#include <stdlib.h>

#define GUEST_MS 100
#define LOOK_MS 100       /* between two looks at a worker, */
#define PAUSED_LOOKS 20   /* how many must find it idle, */
#define BUSY_SECONDS 0.01 /* which a process is that has used less of the processors between them */

/* Of StarPU 1.4. */
__attribute__((weak)) int starpu_is_paused(void);

/* Shared by the tasks, which may outlive the wait. */
struct barrier {
    atomic_int users;
    sem_t arrived;
};

static void release(struct barrier *l)
{
    if (atomic_fetch_sub(&l->users, 1) > 1) return;
    sem_destroy(&l->arrived);
    free(l);
}

static void nothing(void *buffers[], void *arg)
{
    (void)buffers;
    (void)arg;
}

static void arrived(void *arg)
{
    struct barrier *l = arg;
    sem_post(&l->arrived);
    release(l);
}

static struct starpu_codelet codelet = {
    .cpu_funcs = { nothing },
    .cuda_funcs = { nothing },
    .opencl_funcs = { nothing },
    .nbuffers = 0,
    .name = "hsgd_quiesce",
};

static bool ask(struct barrier *l, int worker)
{
    struct starpu_task *task = starpu_task_create();
    task->cl = &codelet;
    task->execute_on_a_specific_worker = 1;
    task->workerid = (unsigned)worker;
    task->priority = STARPU_MAX_PRIO;
    task->callback_func = arrived;
    task->callback_arg = l;
    atomic_fetch_add(&l->users, 1);
    if (!starpu_task_submit(task)) return true;
    atomic_fetch_sub(&l->users, 1);
    task->destroy = 0;
    starpu_task_destroy(task);
    return false;
}

/* Every worker of the context; how many there are to come. */
static int ask_all(struct barrier *l, const struct hsgd_context *ctx)
{
    int workers = 0;
    for (int i = 0; i < ctx->ndevices; i++)
        for (int k = 0; k < ctx->device[i].info.workers; k++) workers += ask(l, ctx->device[i].worker[k]);
    return workers;
}

static struct timespec from_now(long ms)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_nsec += ms * 1000000L;
    end.tv_sec += end.tv_nsec / 1000000000L;
    end.tv_nsec %= 1000000000L;
    return end;
}

static void wait_for(struct barrier *l, int workers, bool guest)
{
    struct timespec end = from_now(GUEST_MS);
    for (int err = 0; workers && (!err || errno == EINTR);) {
        err = guest ? sem_timedwait(&l->arrived, &end) : sem_wait(&l->arrived);
        workers -= !err;
    }
}

static struct barrier *start(void)
{
    struct barrier *l = calloc(1, sizeof *l);
    if (!l) return NULL;
    sem_init(&l->arrived, 0, 0);
    atomic_init(&l->users, 1);
    return l;
}

void quiesce_tasks(struct hsgd_context *ctx)
{
    struct barrier *l = start();
    if (!l) return;
    wait_for(l, ask_all(l, ctx), !ctx->owns_starpu);
    release(l);
}

static double processor_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Whether a worker takes a task: one that the application blocks takes none. */
static bool takes_tasks(struct hsgd_context *ctx)
{
    struct barrier *l = start();
    bool taken = !l || !ask_all(l, ctx);
    double used = processor_seconds();
    for (int idle = 0; !taken && idle < PAUSED_LOOKS;) {
        struct timespec end = from_now(LOOK_MS);
        taken = !sem_timedwait(&l->arrived, &end);
        double now = processor_seconds();
        idle = now - used > BUSY_SECONDS ? 0 : idle + 1;
        used = now;
    }
    if (l) release(l);
    return taken;
}

int quiesce_check_paused(struct hsgd_context *ctx)
{
    if (ctx->owns_starpu) return 0;
    bool paused = starpu_is_paused ? starpu_is_paused() : !takes_tasks(ctx);
    return paused ? hsgd_fail(ctx, EBUSY, "StarPU is paused: the application that has started it calls starpu_resume()")
                  : 0;
}
