/* SPDX-License-Identifier: BSD-3-Clause */
/* The plot of a run. */
#ifndef HSGD_APP_PLOT_COMMAND_H
#define HSGD_APP_PLOT_COMMAND_H

/* Plots the run in the folder; messages call the files `what`.  OK or an exit code
 * after a sentence. */
int history_draw(const char *folder, const char *title, const char *what, const char *png, const char *svg);

#endif
