/* A folder of checkpoints: "step-<n>" folders that appear whole or not at
 * all, and relative links to some of them. */
#ifndef HSGD_RUNTIME_TRAIN_PUBLISH_H
#define HSGD_RUNTIME_TRAIN_PUBLISH_H

#include <hsgd/context.h>
#include <stdint.h>

/* Makes the folder if it is not there, takes it for this process alone, and
 * removes what a killed process left there half-written.  The lock is held
 * until *lock is closed.  -EBUSY when another process has it. */
int publish_open(struct hsgd_context *ctx, const char *folder, int *lock);

/* An empty folder in `folder` to write a checkpoint into; *temporary is to be
 * freed. */
int publish_begin(struct hsgd_context *ctx, const char *folder, char **temporary);
/* Gives it its name, in place of what has that name, once it is on the disk. */
int publish_commit(struct hsgd_context *ctx, const char *folder, const char *temporary, int64_t step);
void publish_abandon(const char *temporary);

/* Points the link `name` at a checkpoint. */
int publish_link(struct hsgd_context *ctx, const char *folder, const char *name, int64_t step);

/* Removes all but the newest `keep` checkpoints and the one that "best" names. */
void publish_prune(const char *folder, int keep);

/* The newest checkpoint's step; -1: none. */
int64_t publish_latest(const char *folder);

#endif
