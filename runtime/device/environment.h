/* SPDX-License-Identifier: BSD-3-Clause */
/* Environment variables: doc/environment.md says what they do. */
#ifndef HSGD_RUNTIME_ENVIRONMENT_H
#define HSGD_RUNTIME_ENVIRONMENT_H

#include "base/core.h"

/* Logs a warning for each HSGD_... that is set and that nothing reads: misspelt, it would
 * silently not count. */
void environment_check(struct hsgd_context *ctx);

/* A number of 0 to 65535; `otherwise` when it is not set or not one. */
int environment_number(const char *name, int otherwise);

#endif
