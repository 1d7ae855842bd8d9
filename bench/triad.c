/* SPDX-License-Identifier: BSD-3-Clause */
#pragma GCC optimize("O3")

#include "triad.h"

#include "floor_impl.h"
#include "floor_team.h"

#include <stdlib.h>

enum { ROUNDS = 15, ALIGN_FLOATS = 16 };
static const size_t BYTES_PER_ROUND = 16u << 20; /* long enough that the barrier is negligible */

struct triad {
    struct team *team;
    float *a, *b;
    int n, passes;
    double best; /* seconds per round */
};

VECTORISED static void triad_pass(float *restrict a, const float *restrict b, int n)
{
    for (int i = 0; i < n; i++) a[i] = 0.5f * b[i] + 0.25f * a[i];
}

static void triad_work(void *arg, int rank)
{
    struct triad *t = arg;
    int begin, end;
    team_share(t->n, ALIGN_FLOATS, team_threads(t->team), rank, &begin, &end);
    floor_random(t->b + begin, (size_t)(end - begin), FLOOR_SEED_INPUT, 0, 1);
    for (int round = 0; round <= ROUNDS; round++) {
        team_barrier(t->team);
        double start = floor_now();
        for (int pass = 0; pass < t->passes; pass++) triad_pass(t->a + begin, t->b + begin, end - begin);
        team_barrier(t->team);
        double seconds = floor_now() - start;
        if (rank == 0 && round > 0 && (round == 1 || seconds < t->best)) t->best = seconds;
    }
}

double triad_bandwidth(int threads, size_t working_set)
{
    size_t n = working_set / (2 * sizeof(float));
    if (n < ALIGN_FLOATS) n = ALIGN_FLOATS;
    struct triad t = { .team = team_create(threads), .n = (int)n, .a = floor_floats(n), .b = floor_floats(n) };
    double bytes = 3.0 * sizeof(float) * (double)n;
    if (t.team && t.a && t.b) {
        t.passes = 1 + (int)((double)BYTES_PER_ROUND / bytes);
        team_run(t.team, triad_work, &t);
    }
    team_destroy(t.team);
    free(t.a);
    free(t.b);
    return t.best > 0 ? bytes * t.passes / t.best : 0;
}
