/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd compare: declarations shared by its files. */
#ifndef HSGD_APP_COMPARE_COMMAND_H
#define HSGD_APP_COMPARE_COMMAND_H

#include "lib/comparison.h"

/* Reads the folders that the command line names.  OK or an exit code after a sentence. */
int compare_open(struct comparison *c);

/* Each returns OK or an exit code after a sentence. */
int compare_write_csv(const struct comparison *c);
int compare_print(const struct comparison *c, bool drawn);
int compare_print_json(const struct comparison *c);

#endif
