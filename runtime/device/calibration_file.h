/* SPDX-License-Identifier: BSD-3-Clause */
/* What was measured on this host and is kept in the cache folder: small text files that
 * say what they are.
 *
 *   hsgd calibration 2
 *   kind calibration
 *   key <64 hexadecimal digits>
 *   <name> <value>             names may repeat
 *   end
 *
 * A file is called <kind>-<host>-<the first 32 digits of its key>.  The key is a digest of all that the
 * times depend on, so a file is right or is not found; the other lines are for people, and what was
 * measured.  A new kind of entry is another `kind`; another form of lines is another version. */
#ifndef HSGD_RUNTIME_CALIBRATION_FILE_H
#define HSGD_RUNTIME_CALIBRATION_FILE_H

#include <hsgd/context.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define CALIBRATION_VERSION 2
#define CALIBRATION_FILES_KEPT 64 /* of a network and host */

struct calibration_file {
    char path[PATH_MAX];
    size_t used;
    bool overflow;   /* a line did not fit */
    char text[4096]; /* lines, each ended by a 0 */
};

/* Begins one.  False: nothing is kept (HSGD_CACHE=off, no folder). */
bool calibration_file_begin(struct calibration_file *f, const char *kind, const char key[65]);

/* Adds a line, with numbers as in C; control characters become blanks. */
void calibration_file_add(struct calibration_file *f, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Writes it, and removes the least recently used of its kind with the same `network` line where there are more than
 * CALIBRATION_FILES_KEPT.  0, or a negative errno with a sentence. */
int calibration_file_write(struct hsgd_context *ctx, struct calibration_file *f);

/* Reads the file of a kind and key, and marks it as used.  False: it is not there, or, with a line in the log, it
 * is damaged or of another version. */
bool calibration_file_read(struct hsgd_context *ctx, struct calibration_file *f, const char *kind, const char key[65]);

/* The value of the i-th line of that name, from 0; NULL: there is none. */
const char *calibration_file_value(const struct calibration_file *f, const char *name, int i);

/* Calls each() for all files of a kind of this host, also for those that are damaged or of another version
 * (!readable), until it returns something else than 0; returns that. */
typedef int calibration_file_fn(void *user, const struct calibration_file *f, bool readable);
int calibration_file_each(const char *kind, calibration_file_fn *each, void *user);

#endif
