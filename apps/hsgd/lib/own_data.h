/* SPDX-License-Identifier: BSD-3-Clause */
/* The data of the run that wrote a checkpoint, from its config.yaml. */
#ifndef HSGD_APP_OWN_DATA_H
#define HSGD_APP_OWN_DATA_H

#include "settings.h"

struct own_data {
    char config[4096]; /* the file; "": the checkpoint is not in the folder of a run */
    struct settings s; /* the options of the run */
};

/* Finds the run that contains a file of weights, RUN/checkpoints/STEP/FILE,
 * and reads its options.  OK, also when there is none, or an exit code after a
 * sentence; own_data_free() in any case. */
int own_data_find(struct own_data *own, const char *weights);
void own_data_free(struct own_data *own);

#endif
