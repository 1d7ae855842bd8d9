/* SPDX-License-Identifier: BSD-3-Clause */
/* Which library computes a matrix product on CPUs: HSGD_PRODUCTS (doc/environment.md). */
#ifndef HSGD_RUNTIME_PRODUCT_CHOICE_H
#define HSGD_RUNTIME_PRODUCT_CHOICE_H

#include "products.h"

#define PRODUCTS_KIND "products" /* of the file that keeps the choice (calibration_file.h) */

struct device;
struct hsgd_context;

/* Reads the variable for the CPU of a context, after devices_collect(); -EINVAL with a sentence. */
int product_choice_read(struct hsgd_context *ctx);

/* The libraries of all classes on a CPU, the same as long as the process lives.  Where they are chosen by measurement,
 * and none is kept on this machine, the first call measures. */
const struct products *product_choice(const struct device *d);

/* In one word, for digests of what times depend on. */
void product_choice_text(const struct device *d, char out[PRODUCT_CLASSES + 1]);

#endif
