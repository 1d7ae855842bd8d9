/* SPDX-License-Identifier: BSD-3-Clause */
#include "append.h"

#include <errno.h>
#include <unistd.h>

int append_whole(int file, const void *bytes, size_t size)
{
    off_t end = lseek(file, 0, SEEK_END);
    ssize_t written = write(file, bytes, size);
    if (written == (ssize_t)size) return 0;
    int err = written < 0 ? errno : ENOSPC;
    if (written > 0 && (end < 0 || ftruncate(file, end))) err = EIO;
    errno = err;
    return -1;
}
