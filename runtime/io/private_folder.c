/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "private_folder.h"

#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX];
static pid_t owner;

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    return remove(path);
}

/* StarPU uses the first path that it was given until the process ends. */
__attribute__((destructor)) static void remove_folder(void)
{
    if (*folder && owner == getpid()) nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* Private: mkdtemp() creates it under a new name, with mode 0700. */
static void create(void)
{
    const char *const bases[] = { getenv("TMPDIR"), "/tmp", "/var/tmp", "/dev/shm" };
    for (size_t i = 0; !*folder && i < sizeof bases / sizeof *bases; i++) {
        if (!bases[i] || snprintf(folder, sizeof folder, "%s/hsgd-XXXXXX", bases[i]) >= (int)sizeof folder ||
            !mkdtemp(folder))
            *folder = '\0';
    }
    owner = getpid();
}

const char *private_folder(void)
{
    pthread_mutex_lock(&lock);
    if (*folder && owner != getpid()) *folder = '\0'; /* the parent's */
    if (!*folder) create();
    pthread_mutex_unlock(&lock);
    return *folder ? folder : NULL;
}
