/* SPDX-License-Identifier: BSD-3-Clause */
/* Folders that commands write to. */
#ifndef HSGD_APP_FOLDERS_H
#define HSGD_APP_FOLDERS_H

#include <stddef.h>

/* 1: not empty; 0: empty or missing; else -errno. */
int folder_is_filled(const char *folder);
/* Creates it and its parents: 0 or -errno. */
int folder_make(char *path);
/* Creates a new one, "PARENT/2026-11-25_10-30-00-lenet", and writes its name, of 200 bytes and more;
 * model: its name, or its file.  0 or -errno. */
int folder_make_dated(char *name, size_t size, const char *parent, const char *model);

#endif
