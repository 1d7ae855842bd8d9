/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding, loading and starting cuDNN, if it is there and wanted (HSGD_CUDNN).
 * Where the build has no cudnn.h there is none. */
#ifndef HSGD_RUNTIME_CUDNN_LIBRARY_H
#define HSGD_RUNTIME_CUDNN_LIBRARY_H

#include "base/core.h"

struct cudnn;

/* For one thread's use of d, which is current; *out is NULL where cuDNN is not
 * to be used.  Fills d->info.cudnn.  -EINVAL: HSGD_CUDNN says nothing known;
 * -ENODEV: it asks for cuDNN, which does not start. */
int cudnn_open(struct hsgd_context *ctx, struct device *d, struct cudnn **out);
/* NULL-safe. */
void cudnn_close(struct cudnn *c);

#endif
