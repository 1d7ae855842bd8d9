/* SPDX-License-Identifier: BSD-3-Clause */
/* TensorBoard's event file. */
#ifndef HSGD_APP_TENSORBOARD_H
#define HSGD_APP_TENSORBOARD_H

#include <stdint.h>

/* Creates it in the folder, for steps from first_step on; -1 with errno. */
int tensorboard_open(const char *folder, int64_t first_step);
/* Appends a value; -1 with errno, and nothing was appended. */
int tensorboard_scalar(int file, const char *tag, int64_t step, double value);

#endif
