/* SPDX-License-Identifier: BSD-3-Clause */
#include "own_data.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_file.h"

#define CONFIG "/config.yaml"

/* Removes the last component of a path; false if there is none. */
static bool up(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash) *slash = 0;
    return slash;
}

/* The folder of the run in place of the weights' path. */
static bool find_run(char *path)
{
    if (!up(path) || !up(path)) return false;
    const char *slash = strrchr(path, '/');
    return slash && !strcmp(slash, "/checkpoints") && up(path);
}

/* A path below the current folder, relative to it. */
static const char *shorter(const char *path)
{
    char here[PATH_MAX];
    size_t n = getcwd(here, sizeof here) ? strlen(here) : 0;
    return n && !strncmp(path, here, n) && path[n] == '/' ? path + n + 1 : path;
}

int own_data_find(struct own_data *own, const char *weights)
{
    char path[PATH_MAX + sizeof CONFIG];
    own->config[0] = 0;
    settings_defaults(&own->s, "train");
    if (!realpath(weights, path) || !find_run(path)) return OK;
    strcat(path, CONFIG);
    if (access(path, F_OK)) return OK;
    if (snprintf(own->config, sizeof own->config, "%s", shorter(path)) >= (int)sizeof own->config)
        return report_error(USAGE, "%s: the name is too long", path);
    return config_read(&own->s, own->config);
}

void own_data_free(struct own_data *own) { settings_free(&own->s); }
