/* SPDX-License-Identifier: BSD-3-Clause */
/* config.yaml: the options of a run. */
#ifndef HSGD_APP_CONFIG_FILE_H
#define HSGD_APP_CONFIG_FILE_H

#include <stdio.h>

#include "options.h"
#include "session.h"

/* Takes the options of a file that were not given, and marks them as given.  OK,
 * or USAGE after a sentence with file, line and key. */
int config_read(struct settings *s, const char *path);

/* The same for a run that is resumed: options that were given must be the same as
 * in the file, except those that may change. */
int config_resume(struct settings *s, const char *path);

#define CONFIG_MODEL "model.yaml" /* the copy of a model file, beside config.yaml */

/* Writes all options of the run to `folder`/config.yaml, and beside it its model
 * if that is a file. */
int config_write(const struct session *run, const struct settings *s, const char *folder);

/* A line of such a file: an option and its value as option_text() has it.  False: it
 * could not be written. */
bool config_write_value(FILE *out, const struct option_row *o, const char *text);

#endif
