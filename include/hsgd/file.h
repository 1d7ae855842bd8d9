/* Files that appear whole or not at all. */
#ifndef HSGD_FILE_H
#define HSGD_FILE_H

#include <hsgd/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes `size` bytes to `path`: to a temporary name in the same folder,
 * flushed to the disk, then renamed over what was there.  On an error nothing
 * is left and an old file stays.
 * Errors: those of open(2), write(2), fsync(2), rename(2); -ENOMEM. */
HSGD_API int hsgd_file_write(struct hsgd_context *ctx, const char *path, const void *bytes, size_t size);

#ifdef __cplusplus
}
#endif
#endif
