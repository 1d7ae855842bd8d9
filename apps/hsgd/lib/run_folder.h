/* SPDX-License-Identifier: BSD-3-Clause */
/* The folder of a run, and the files in it. */
#ifndef HSGD_APP_RUN_H
#define HSGD_APP_RUN_H

#include <jansson.h>

#include "session.h"

#define RUN_NAME 3000
#define RUN_REPORT "report.json" /* the output of train --json, of a successful run */

struct run_folder {
    char name[RUN_NAME], checkpoints[RUN_NAME + 16];
    int64_t step;                   /* of the checkpoint to resume from; -1: from the start */
    int lock;                       /* file descriptor that holds the lock; -1: none yet */
    int log, events;                /* files; -1: not open */
    bool log_failed, events_failed; /* a warning was printed */
};

/* Chooses the folder before anything is opened: refuses an --out that is not
 * empty; with --resume locks the folder and takes the options of the run.
 * Writes nothing. */
int run_choose(struct run_folder *f, struct settings *s);
/* Creates and locks the folder, writes config.yaml, and opens the logs. */
int run_create(struct run_folder *f, const struct session *run, const struct settings *s);
void run_close(struct run_folder *f);
/* The path of a file in the folder, until the next call. */
const char *run_path(const struct run_folder *f, const char *name);

/* Appends a line to log.jsonl; frees the object.  Failing is a warning, once. */
void run_log(struct run_folder *f, json_t *object);

/* Adds a value of a step to the TensorBoard file; failing is a warning, once. */
void run_scalar(struct run_folder *f, const char *tag, int64_t step, double value);

#endif
