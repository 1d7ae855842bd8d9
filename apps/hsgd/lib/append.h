/* SPDX-License-Identifier: BSD-3-Clause */
/* Appending to a file. */
#ifndef HSGD_APP_APPEND_H
#define HSGD_APP_APPEND_H

#include <stddef.h>

/* Appends all of it or nothing; 0 or -1 with errno. */
int append_whole(int file, const void *bytes, size_t size);

#endif
