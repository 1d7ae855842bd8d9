/* SPDX-License-Identifier: BSD-3-Clause */
/* The variables HSGD_...: doc/environment.md says what they do. */
#ifndef HSGD_RUNTIME_ENVIRONMENT_H
#define HSGD_RUNTIME_ENVIRONMENT_H

#include "base/core.h"

/* Logs a warning for each that is set and that nothing reads: misspelt, it would
 * silently not count. */
void environment_check(struct hsgd_context *ctx);

#endif
