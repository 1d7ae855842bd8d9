/* SPDX-License-Identifier: BSD-3-Clause */
/* A folder of checkpoints: "step-<n>" folders that appear whole or not at
 * all, and relative links to some of them.  The links are for people: which is
 * the newest and the best is known without them. */
#ifndef HSGD_RUNTIME_TRAIN_PUBLISH_H
#define HSGD_RUNTIME_TRAIN_PUBLISH_H

#include <hsgd/context.h>
#include <stdbool.h>
#include <stdint.h>

/* What is in a checkpoint. */
#define MODEL_FILE "model.safetensors"
#define STATE_FILE "state.safetensors"

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

/* Points the link `name` at a checkpoint, in place of a file, a link or a copy
 * of a checkpoint that has the name. */
int publish_link(struct hsgd_context *ctx, const char *folder, const char *name, int64_t step);

/* Removes all but the newest `keep` checkpoints, the one of step `best` and the
 * one that the link "best" names. */
void publish_prune(const char *folder, int keep, int64_t best);

bool publish_exists(const char *folder, int64_t step);
/* The step of the checkpoint that the link `name` names; -1: there is no such link. */
int64_t publish_linked(const char *folder, const char *name);

/* The newest checkpoint's step; -1: none. */
int64_t publish_latest(const char *folder);

#endif
