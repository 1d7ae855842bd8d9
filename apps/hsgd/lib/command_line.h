/* SPDX-License-Identifier: BSD-3-Clause */
/* Options of the command line, of the environment and of --config. */
#ifndef HSGD_APP_COMMAND_LINE_H
#define HSGD_APP_COMMAND_LINE_H

#include "settings.h"

/* Reads the options that command `bit` takes; argv[0] is the command's name.
 * OK, or USAGE after a sentence on stderr. */
int settings_read(struct settings *s, unsigned bit, int argc, char **argv);

#endif
