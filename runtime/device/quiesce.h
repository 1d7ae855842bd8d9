/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HSGD_RUNTIME_QUIESCE_H
#define HSGD_RUNTIME_QUIESCE_H

#include "base/core.h"

/* Returns when no worker is still leaving a task that it has ended.
 *
 * Where the machine took its core away, a worker may be doing so for several
 * steps; it then marks the task as done, though it was submitted anew, and
 * starpu_task_wait() returns early.  A worker that runs something else has
 * left.  An application's worker may be busy with a task of its own for as
 * long as it likes: after a tenth of a second that is taken for granted. */
void quiesce_tasks(struct hsgd_context *ctx);

/* 0, or -EBUSY where the application has paused its StarPU: what is submitted
 * would be waited for in vain.  StarPU 1.3 cannot be asked: there it is paused
 * when no worker takes a task for five seconds in which the process is idle. */
int quiesce_check_paused(struct hsgd_context *ctx);

#endif
