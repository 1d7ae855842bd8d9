/* SPDX-License-Identifier: BSD-3-Clause */
/* Children of fork(): StarPU's threads are not there, so no context of the
 * parent works in them. */
#include <pthread.h>
#include <stdio.h>

#include "core.h"

/* How often this process is a child. */
static unsigned generation;

static void after_fork(void) { generation++; }

__attribute__((constructor)) static void watch_forks(void) { pthread_atfork(NULL, NULL, after_fork); }

unsigned context_generation(void) { return generation; }

bool context_is_orphan(const struct hsgd_context *ctx) { return ctx->generation != generation; }

/* Without the lock of the sentence, which another thread may have held. */
int context_check(struct hsgd_context *ctx)
{
    if (!ctx || !context_is_orphan(ctx)) return 0;
    snprintf(ctx->error, sizeof ctx->error, "this is a child process of fork(), and the context its parent's");
    return -ECHILD;
}
