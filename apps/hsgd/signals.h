/* SPDX-License-Identifier: BSD-3-Clause */
/* Signals of a training: they set flags that are read between windows of steps. */
#ifndef HSGD_APP_SIGNALS_H
#define HSGD_APP_SIGNALS_H

#include <stdbool.h>

/* SIGINT, SIGTERM, SIGHUP and SIGPIPE ask for a stop; a second SIGINT or SIGTERM
 * quits at once; SIGUSR1 asks for a checkpoint.  SIGHUP and SIGPIPE stay ignored
 * where they are. */
void signals_catch(void);
/* The signal that asked for a stop; 0: none. */
int signals_stop(void);
/* "SIGINT" */
const char *signals_name(int number);
/* Whether a checkpoint was asked for since the last call. */
bool signals_checkpoint(void);

#endif
