/* SPDX-License-Identifier: BSD-3-Clause */
/* Signals of a training: they set flags that are read between windows of steps. */
#ifndef HSGD_APP_SIGNALS_H
#define HSGD_APP_SIGNALS_H

#include <stdbool.h>

/* SIGINT, SIGTERM, SIGHUP and SIGPIPE request a stop; a second SIGINT or SIGTERM
 * exits immediately; SIGUSR1 requests a checkpoint.  SIGHUP and SIGPIPE stay
 * ignored if they were. */
void signals_catch(void);
/* The signal that requested a stop; 0: none. */
int signals_stop(void);
/* "SIGINT" */
const char *signals_name(int number);
/* Whether a checkpoint was requested since the last call. */
bool signals_checkpoint(void);

#endif
