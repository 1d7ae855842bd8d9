/* SPDX-License-Identifier: BSD-3-Clause */
/* What hsgd generate prints of a model that translates. */
#ifndef HSGD_APP_GENERATE_H
#define HSGD_APP_GENERATE_H

#include "lib/checkpoint.h"

/* The translation of --prompt. */
int generate_translation(const struct opened *o, const struct settings *s);

#endif
