#include "leave.h"

#include <semaphore.h>
#include <stdlib.h>

#define GUEST_MS 100

/* Shared by the tasks, which may outlive the wait. */
struct leaving {
    atomic_int users;
    sem_t left;
};

static void release(struct leaving *l)
{
    if (atomic_fetch_sub(&l->users, 1) > 1) return;
    sem_destroy(&l->left);
    free(l);
}

static void nothing(void *buffers[], void *arg)
{
    (void)buffers;
    (void)arg;
}

static void left(void *arg)
{
    struct leaving *l = arg;
    sem_post(&l->left);
    release(l);
}

static struct starpu_codelet codelet = {
    .cpu_funcs = { nothing },
    .cuda_funcs = { nothing },
    .opencl_funcs = { nothing },
    .nbuffers = 0,
    .name = "hsgd_leave",
};

static bool ask(struct leaving *l, int worker)
{
    struct starpu_task *task = starpu_task_create();
    task->cl = &codelet;
    task->execute_on_a_specific_worker = 1;
    task->workerid = (unsigned)worker;
    task->priority = STARPU_MAX_PRIO;
    task->callback_func = left;
    task->callback_arg = l;
    atomic_fetch_add(&l->users, 1);
    if (!starpu_task_submit(task)) return true;
    atomic_fetch_sub(&l->users, 1);
    task->destroy = 0;
    starpu_task_destroy(task);
    return false;
}

static void wait_for(struct leaving *l, int workers, bool guest)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_nsec += GUEST_MS * 1000000L;
    end.tv_sec += end.tv_nsec / 1000000000L;
    end.tv_nsec %= 1000000000L;
    for (int err = 0; workers && (!err || errno == EINTR);) {
        err = guest ? sem_timedwait(&l->left, &end) : sem_wait(&l->left);
        workers -= !err;
    }
}

void leave_tasks(struct hsgd_context *ctx)
{
    struct leaving *l = calloc(1, sizeof *l);
    int workers = 0;
    if (!l) return;
    sem_init(&l->left, 0, 0);
    atomic_init(&l->users, 1);
    for (int i = 0; i < ctx->ndevices; i++)
        for (int k = 0; k < ctx->device[i].info.workers; k++) workers += ask(l, ctx->device[i].worker[k]);
    wait_for(l, workers, !ctx->owns_starpu);
    release(l);
}
