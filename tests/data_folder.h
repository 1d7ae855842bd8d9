/* SPDX-License-Identifier: BSD-3-Clause */
/* What tests of data sets share: a folder of its own for each test, and samples
 * as arrays. */
#ifndef HSGD_TESTS_DATA_FOLDER_H
#define HSGD_TESTS_DATA_FOLDER_H

#include <hsgd/data.h>
#include <stddef.h>
#include <stdint.h>

/* "MNIST/raw" lies below it. */
extern char folder[512];
void make_folder(void);
void remove_folder(void);
/* A path in the folder; four are kept. */
const char *at(const char *name);
/* Writes a file there, plain or with gzip. */
void put(const char *name, const void *bytes, size_t n);
void put_gz(const char *name, const void *bytes, unsigned n);

/* All samples, not normalised; to be freed. */
float *gather_all(const struct hsgd_data *d, int32_t *labels);

#endif
