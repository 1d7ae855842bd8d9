/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd train: declarations shared by its files. */
#ifndef HSGD_APP_TRAIN_H
#define HSGD_APP_TRAIN_H

#include "lib/plan_report.h"
#include "lib/regression.h"
#include "lib/run_folder.h"
#include "lib/session.h"
#include "lib/usage.h"

struct training {
    struct session run;
    struct settings *s;
    struct hsgd_train_options options;
    struct hsgd_augment_options augment; /* that it points to, */
    struct hsgd_group *group;            /* and these */
    struct hsgd_fit_result result;
    struct run_folder folder;
    struct plan_report plan;
    struct usage mark, used; /* counters at the last reading, and their sum over the training without evaluation */
    int64_t steps_per_epoch;
    double began, shown, logged; /* times of: start of training, last drawing of the bar, last line of the log */
    int64_t first_step, logged_step;
    struct hsgd_record *record;                                 /* of the training data, for: */
    struct target_columns targets;                              /* if there are classes, size is 0 */
    double test_loss, test_accuracy, tested[HSGD_KEPT_METRICS]; /* NaN; the latter by hsgd_model_metric_name() */
    struct regression validation, test;                         /* score NULL: not measured */
    bool testing;                                               /* the test samples are being scored */
};

/* Fills in the options of the library.  Settings that were not given receive their
 * defaults, so that config.yaml is complete. */
int train_choose_options(struct training *t);
/* Those of --group. */
int train_choose_groups(struct training *t);
/* Options that depend on the number of samples. */
int train_choose_lengths(struct training *t);

/* Reads the record of the data in the checkpoint of --resume or
 * --initial-checkpoint, by which the data of the run is read; compares the two. */
int train_read_known(struct training *t);
int train_check_known(const struct training *t);
/* The file that --initial-checkpoint names. */
int train_initial_path(const struct training *t, char path[4096]);

/* The number of a figure of the model (hsgd_model_metric_name()); -1: it has none. */
int train_metric(const struct training *t, const char *name);
/* That which makes an epoch the best, and which the table shows beside the loss; -1:
 * the loss alone. */
int train_best(const struct training *t);
int train_shown(const struct training *t);

/* The library's progress function. */
bool train_progress(void *user, const struct hsgd_progress *p);
/* A line of the log: an event at this step. */
void train_log_event(struct training *t, const char *event, int64_t step);
void train_log_test(struct training *t);

/* In a line of the header; nothing where there are none. */
void train_print_groups(const struct training *t);
void train_print_header(const struct training *t);
/* With --dry-run, instead of training. */
int train_print_dry_run(const struct training *t);
/* The mean over the steps of this call; NaN without any. */
double train_step_seconds(const struct training *t);
int train_report(const struct training *t);

#endif
