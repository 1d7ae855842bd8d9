/* SPDX-License-Identifier: BSD-3-Clause */
/* StarPU's files of what hsgd measured on this host, found by their names. */
#ifndef HSGD_RUNTIME_PERFMODEL_FILES_H
#define HSGD_RUNTIME_PERFMODEL_FILES_H

#include <hsgd/context.h>
#include <stdbool.h>

#include "io/aged_files.h"

#define PERFMODEL_FILES_KEPT 64 /* of a network and host */
#define PERFMODEL_NETWORK 40    /* characters of a network's name in a symbol */

/* A network's name as in symbols: letters, digits, "_" and "-". */
void perfmodel_network(const char *name, char out[PERFMODEL_NETWORK + 1]);

/* Adds the models of cells, hsgd_<network>_<kind>_<hash>.<host>, of all networks (NULL) or one of which perfmodel_network()
 * made the name; `folder` is StarPU's, with sampling/ at its end.  0 or -ENOMEM. */
int perfmodel_files_find(struct hsgd_context *ctx, const char *folder, const char *network, struct aged_files *out);

/* Adds the measurements of transfers that starpu_environment_init() has made. */
int perfmodel_transfers_find(struct hsgd_context *ctx, const char *folder, struct aged_files *out);

/* Whether a model of StarPU's is there to its end: one that is not ends the process that reads it.  StarPU writes files
 * in place, so whoever is killed meanwhile leaves a part. */
bool perfmodel_is_whole(const char *path);

/* Removes the measurement of transfers under this name if one of its files is a part; returns whether. */
bool perfmodel_transfers_mend(const char *folder, const char *name);

/* Removes the least recently used of a symbol's network where there are more than PERFMODEL_FILES_KEPT. */
void perfmodel_files_limit(const char *folder, const char *symbol);

#endif
