/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HSGD_RUNTIME_TRAIN_FIT_H
#define HSGD_RUNTIME_TRAIN_FIT_H

#include "trainer.h"

/* -EINVAL when the trainer cannot train on these samples as its options say. */
int fit_check(const struct hsgd_trainer *t, const struct hsgd_data *train, const struct hsgd_data *validation);

/* Takes over how the data is normalised, and its record. */
int fit_adopt(struct hsgd_trainer *t, const struct hsgd_data *train);

#endif
