/* SPDX-License-Identifier: BSD-3-Clause */
#include "floor_team.h"

#include "floor_impl.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#ifdef _OPENMP
#include <omp.h>
#endif
#ifndef HAVE_DNNL
#include <cblas.h>
#endif

/* About 50 µs of spinning; then the core is yielded, for machines with more threads than cores. */
enum { SPINS_BEFORE_YIELD = 2000, CACHE_LINE = 64 };

struct member {
    struct team *team;
    int rank;
    pthread_t thread;
};

struct team {
    int threads;
    struct member *member;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    unsigned long runs; /* number started; protected by mutex, as are the next four */
    void (*work)(void *arg, int rank);
    void *arg;
    bool quit;
    _Alignas(CACHE_LINE) atomic_int arrived;
    _Alignas(CACHE_LINE) atomic_uint generation;
};

static void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Arithmetic on denormals is a hundred times slower, and the moments of a unit
 * that no longer fires decay into them: a step of a converged network would
 * take four to eight times as long.  Returns the thread's previous mode. */
static unsigned flush_denormals(void)
{
#ifdef __x86_64__
    enum { FLUSH_TO_ZERO = 0x8000, DENORMALS_ARE_ZERO = 0x40 };
    unsigned before = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(before | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO);
    return before;
#else
    return 0;
#endif
}

static void restore_denormals(unsigned mode)
{
#ifdef __x86_64__
    __builtin_ia32_ldmxcsr(mode);
#else
    (void)mode;
#endif
}

/* OpenMP's thread count is per calling thread, OpenBLAS's per process. */
static int openmp_threads(int threads)
{
#ifdef _OPENMP
    int before = omp_get_max_threads();
    omp_set_num_threads(threads);
    return before;
#else
    return threads;
#endif
}

static int blas_threads(int threads)
{
#ifndef HAVE_DNNL
    int before = openblas_get_num_threads();
    if (before != threads) openblas_set_num_threads(threads);
    return before;
#else
    return threads;
#endif
}

void team_barrier(struct team *team)
{
    unsigned generation = atomic_load_explicit(&team->generation, memory_order_acquire);
    if (atomic_fetch_add_explicit(&team->arrived, 1, memory_order_acq_rel) == team->threads - 1) {
        atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
        atomic_fetch_add_explicit(&team->generation, 1, memory_order_release);
        return;
    }
    for (int spins = 0; atomic_load_explicit(&team->generation, memory_order_acquire) == generation; spins++) {
        if (spins < SPINS_BEFORE_YIELD) cpu_relax();
        else sched_yield();
    }
}

static void *member_main(void *arg)
{
    struct member *self = arg;
    struct team *team = self->team;
    openmp_threads(1);
    flush_denormals();
    for (unsigned long seen = 0;; seen++) {
        pthread_mutex_lock(&team->mutex);
        while (team->runs == seen && !team->quit) pthread_cond_wait(&team->wake, &team->mutex);
        bool quit = team->quit;
        pthread_mutex_unlock(&team->mutex);
        if (quit) return NULL;
        team->work(team->arg, self->rank);
        team_barrier(team);
    }
}

void team_run(struct team *team, void (*work)(void *arg, int rank), void *arg)
{
    int openmp_before = openmp_threads(1), blas_before = blas_threads(1);
    unsigned mode = flush_denormals();
    pthread_mutex_lock(&team->mutex);
    team->work = work;
    team->arg = arg;
    team->runs++;
    pthread_cond_broadcast(&team->wake);
    pthread_mutex_unlock(&team->mutex);
    work(arg, 0);
    team_barrier(team);
    restore_denormals(mode);
    blas_threads(blas_before);
    openmp_threads(openmp_before);
}

static void stop(struct team *team, int started)
{
    pthread_mutex_lock(&team->mutex);
    team->quit = true;
    pthread_cond_broadcast(&team->wake);
    pthread_mutex_unlock(&team->mutex);
    for (int rank = 1; rank < started; rank++) pthread_join(team->member[rank].thread, NULL);
    pthread_cond_destroy(&team->wake);
    pthread_mutex_destroy(&team->mutex);
    free(team->member);
    free(team);
}

struct team *team_create(int threads)
{
    struct team *team = aligned_alloc(CACHE_LINE, sizeof *team);
    struct member *member = calloc((size_t)threads, sizeof *member);
    if (!team || !member) {
        free(member);
        free(team);
        return NULL;
    }
    *team = (struct team){ .threads = threads, .member = member };
    pthread_mutex_init(&team->mutex, NULL);
    pthread_cond_init(&team->wake, NULL);
    for (int rank = 1; rank < threads; rank++) {
        member[rank] = (struct member){ .team = team, .rank = rank };
        if (pthread_create(&member[rank].thread, NULL, member_main, &member[rank])) {
            stop(team, rank);
            return NULL;
        }
    }
    return team;
}

int team_threads(const struct team *team) { return team->threads; }

void team_destroy(struct team *team)
{
    if (team) stop(team, team->threads);
}
