/* SPDX-License-Identifier: BSD-3-Clause */
/* When hsgd_fit() writes checkpoints, and the thread that does. */
#ifndef HSGD_RUNTIME_TRAIN_CHECKPOINT_H
#define HSGD_RUNTIME_TRAIN_CHECKPOINT_H

#include "trainer.h"

/* Makes `folder` the one that checkpoints go to.  -EEXIST when it has later
 * ones than where training begins. */
int checkpoint_open(struct hsgd_trainer *t, const char *folder);

/* Between windows, and at the end of an epoch: begins a checkpoint when it is
 * time for one.  -EDOM when an earlier one found something that is not finite;
 * other failures are warnings. */
int checkpoint_in_epoch(struct hsgd_trainer *t);
/* Whether that would begin one. */
bool checkpoint_is_due(const struct hsgd_trainer *t);
int checkpoint_after_epoch(struct hsgd_trainer *t, bool best);

/* At the end of a training that gave `err`: a last checkpoint, unless it
 * failed, on the disk before this returns.  Returns err or the last
 * checkpoint's. */
int checkpoint_finish(struct hsgd_trainer *t, int err);

void checkpoint_close(struct hsgd_trainer *t);

#endif
