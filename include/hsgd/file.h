/* SPDX-License-Identifier: BSD-3-Clause */
/* Atomic writing of files, and names of arbitrary bytes as UTF-8 text. */
#ifndef HSGD_FILE_H
#define HSGD_FILE_H

#include <hsgd/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes `size` bytes to `path` atomically: to a temporary name in the same
 * folder, flushed to the disk, then renamed, replacing an existing file.  On an
 * error nothing is left and an existing file is kept.  ctx may be NULL.
 * Errors: those of open(2), write(2), fsync(2), rename(2); -ENOMEM. */
HSGD_API int hsgd_file_write(struct hsgd_context *ctx, const char *path, const void *bytes, size_t size);

/* Names of files, folders and classes may be any bytes; JSON and YAML are UTF-8.
 * hsgd_text_encode() encodes bytes as UTF-8, and hsgd_text_decode() restores
 * them.  Valid UTF-8 is unchanged, except U+007F to U+009F, U+2028, U+2029,
 * U+FEFF, and U+FFFD to U+FFFF: each byte of these, and each byte that is not
 * valid UTF-8, becomes U+FFFD and two hexadecimal digits (E9 is U+FFFD "e9").
 * The result is to be freed with free(); NULL: out of memory, or bytes is NULL. */
HSGD_API char *hsgd_text_encode(const char *bytes);
/* The inverse of hsgd_text_encode(); a U+FFFD without two digits is unchanged.
 * To be freed with free(); NULL: out of memory, or text is NULL. */
HSGD_API char *hsgd_text_decode(const char *text);

#ifdef __cplusplus
}
#endif
#endif
