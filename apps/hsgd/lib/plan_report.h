/* SPDX-License-Identifier: BSD-3-Clause */
/* Plans as reports: what was predicted, what was measured, as text, JSON and a chart. */
#ifndef HSGD_APP_PLAN_H
#define HSGD_APP_PLAN_H

#include <jansson.h>

#include "session.h"

#define PLAN_MAX 4096 /* maximum cells or devices of a report, more than any plan has */

#define PLAN_CANDIDATES 512

struct plan_cell {
    struct hsgd_plan_cell of; /* predicted before the run, measured in it */
    int worker;               /* in the step shown; -1: not recorded */
    double start_ms, end_ms;  /* from the start of that step; NaN: not recorded */
};

struct plan_device {
    char id[24], name[128], kind[16];
    int workers;
    struct hsgd_plan_device of; /* its part of a step; device empty: replicas train, or a file of an earlier version */
};

struct plan_report {
    char model[64];
    int batch, ndevices, ncells;
    int64_t steps;                              /* that the plan had run before, */
    double seconds;                             /* and their time */
    double predicted_step_ms, measured_step_ms; /* NaN: not known */
    int64_t shown_step;                         /* the step of median length among those recorded; -1: none */
    struct plan_device *device;
    struct plan_cell *cell;
    int ncandidates; /* other sets of devices; not for the plan of a run */
    struct hsgd_candidate candidate[PLAN_CANDIDATES];
};

/* Work of a device in a step. */
struct plan_total {
    int rows, cells;                  /* rows: of one update of each replica */
    double predicted_ms, measured_ms; /* over its workers */
    double share;                     /* of the batch; NaN if each replica has its own batches */
    double busy, idle_ms;             /* fraction of the measured step, and idle time per worker; NaN: not known */
};
/* Whether replicas train: there is no step common to all devices then. */
bool plan_of_replicas(const struct plan_report *r);
struct plan_total plan_total(const struct plan_report *r, int device);

/* The plan for batches of this size as predicted now; compare: beside other sets of
 * devices, the fastest first, which may take trials.  OK or an exit code after a
 * sentence, as all that follow; plan_free() in any case. */
int plan_predict(struct plan_report *r, const struct session *run, const char *model, int batch, bool compare);
/* Adds what was measured since: times per cell, one step from the trace (if
 * there is one), and the time of a step. */
int plan_measure(struct plan_report *r, const struct session *run, double step_ms);
/* Reads a file of plan_write(). */
int plan_read(struct plan_report *r, const char *path);
void plan_free(struct plan_report *r);

json_t *plan_json(const struct plan_report *r);
int plan_write(const struct plan_report *r, const struct session *run, const char *path);
/* The steps that a run records: its first ones, and some of every epoch. */
int trace_begin(const struct session *run, int64_t steps_per_epoch);
int trace_write(const struct session *run, const char *path);

#endif
