/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices and their work, as JSON and as text. */
#ifndef HSGD_APP_REPORT_H
#define HSGD_APP_REPORT_H

#include <jansson.h>

#include "usage.h"

json_t *json_usage(const struct usage *u, double seconds);
/* A table of tasks, samples and time per device. */
void print_usage(const struct usage *u, double seconds);
/* What each device's memory had in use at most, see struct hsgd_device: bytes by
 * device, and a line. */
json_t *json_peak_memory(const struct hsgd_context *ctx);
void print_peak_memory(const struct hsgd_context *ctx);
void print_devices(const struct hsgd_context *ctx, const char *list);

#endif
