/* SPDX-License-Identifier: BSD-3-Clause */
/* StarPU's own environment variables.  StarPU ends the process at a value that
 * it cannot read, or takes another: they are read here first. */
#ifndef HSGD_RUNTIME_STARPU_ENVIRONMENT_H
#define HSGD_RUNTIME_STARPU_ENVIRONMENT_H

#include <stdbool.h>

#include "base/core.h"

/* Before 1.4, StarPU loses a transfer for idle time that a prefetch promotes:
 * decision 0056. */
#define STARPU_HAS_SAFE_PREFETCH (STARPU_MAJOR_VERSION > 1 || STARPU_MINOR_VERSION >= 4)

/* The defaults of doc/environment.md where the user has set nothing. */
void starpu_environment_defaults(void);

/* -EINVAL for a value or a program's policy (NULL: none) that StarPU cannot use, or the
 * error of the folder of its measurements when that cannot be written. */
int starpu_environment_check(struct hsgd_context *ctx, const char *policy);

/* The folder of StarPU's measurements, with a / at its end, by the variables; false: there is none.  Whether it exists
 * is not looked at. */
bool measurements_folder(char *out, size_t size);

/* starpu_init() with the devices of `conf`, whatever variables name others, and
 * with the folder that was checked; the variables are afterwards what the user
 * has set. */
int starpu_environment_init(struct hsgd_context *ctx, struct starpu_conf *conf);

#endif
