/* SPDX-License-Identifier: BSD-3-Clause */
/* Files that appear whole or not at all, and names of any bytes as text. */
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

/* Names of files, folders and classes may be any bytes; JSON and YAML are
 * UTF-8.  hsgd_text_encode() gives UTF-8 from which hsgd_text_decode() makes
 * the same bytes again.  Text that is UTF-8 stays as it is; a byte that is
 * not becomes U+FFFD and two hexadecimal digits (the byte E9 is U+FFFD "e9"),
 * and so does each byte of U+007F to U+009F, U+2028, U+2029, U+FEFF, and
 * U+FFFD to U+FFFF.  hsgd_text_decode() leaves a U+FFFD without digits as it is.
 * The result is to be freed; NULL: out of memory, or NULL was given. */
HSGD_API char *hsgd_text_encode(const char *bytes);
/* The bytes again; see hsgd_text_encode(). */
HSGD_API char *hsgd_text_decode(const char *text);

#ifdef __cplusplus
}
#endif
#endif
