/* SPDX-License-Identifier: BSD-3-Clause */
/* What holds for every data set that a reader accepts. */
#ifndef HSGD_TESTS_FUZZ_DATA_H
#define HSGD_TESTS_FUZZ_DATA_H

#include "data/dataset.h"

/* Labels are those of classes that have names; statistics and samples are
 * finite, except for missing values. */
void fuzz_check_data(const struct hsgd_data *d);

/* Both have the same samples and labels. */
void fuzz_check_same(const struct hsgd_data *a, const struct hsgd_data *b);

#endif
