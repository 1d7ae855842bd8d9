/* SPDX-License-Identifier: BSD-3-Clause */
/* A team of threads that spins inside a run and sleeps between two runs. */
#ifndef BENCH_FLOOR_TEAM_H
#define BENCH_FLOOR_TEAM_H

struct team;

/* The caller of team_run() is rank 0, so threads - 1 are started.  NULL when they cannot be. */
struct team *team_create(int threads);
/* Runs work(arg, rank) once on every member with OpenMP and BLAS thread counts
 * of 1 and with denormals flushed to zero; the caller's settings are restored
 * before it returns. */
void team_run(struct team *team, void (*work)(void *arg, int rank), void *arg);
/* Only inside work(): waits until every member has arrived. */
void team_barrier(struct team *team);
int team_threads(const struct team *team);
void team_destroy(struct team *team);

/* The share of [0, n) of member `rank` of `threads`, with boundaries at multiples
 * of `granule`. */
static inline void team_share(int n, int granule, int threads, int rank, int *begin, int *end)
{
    long grains = (n + granule - 1) / granule;
    long first = grains * rank / threads * granule, last = grains * (rank + 1) / threads * granule;
    *begin = (int)(first < n ? first : n);
    *end = (int)(last < n ? last : n);
}

#endif
