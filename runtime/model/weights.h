/* SPDX-License-Identifier: BSD-3-Clause */
/* Weights in safetensors files: PyTorch's names and layouts, see
 * hsgd_model_save(). */
#ifndef HSGD_RUNTIME_WEIGHTS_H
#define HSGD_RUNTIME_WEIGHTS_H

#include "io/safetensors.h"
#include "model.h"

/* In the metadata of safetensors files: the record of the data (data/record.h). */
#define RECORD_KEY "hsgd.data"

/* Writes the weights in `bucket`, which has the form of m->weights but may be
 * a copy of it: then this can run in another thread, with a ctx of its own,
 * which is used for sentences only.  record: the text of record_text() for the
 * data that they were trained with, or NULL. */
int weights_save(struct hsgd_context *ctx, const struct hsgd_model *m, const float *bucket, const char *record,
                 const char *path);

/* Reads all weights of m from an open file into a bucket, or none. */
int weights_load(struct hsgd_context *ctx, const struct hsgd_model *m, const struct safetensors *f, float *bucket);

#endif
