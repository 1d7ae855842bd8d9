/* SPDX-License-Identifier: BSD-3-Clause */
/* The data that a checkpoint was made with, as the config.yaml of its run says. */
#ifndef HSGD_APP_OWN_DATA_H
#define HSGD_APP_OWN_DATA_H

#include "app.h"

struct own_data {
    char config[4096];      /* the file; "": the checkpoint lies in no run */
    struct settings s;      /* the options of the run */
};

/* Looks for the run that a file of weights belongs to, RUN/checkpoints/STEP/FILE,
 * and reads its options.  OK, also when there is none, or an exit code after a
 * sentence; own_data_free() in any case. */
int own_data_find(struct own_data *own, const char *weights);
void own_data_free(struct own_data *own);

#endif
