/* SPDX-License-Identifier: BSD-3-Clause */
/* What a command reports on stderr, and its exit code. */
#ifndef HSGD_APP_MESSAGE_H
#define HSGD_APP_MESSAGE_H

/* Exit codes. */
enum { OK = 0, FAILED = 1, USAGE = 2, NOT_FINITE = 3 };

/* "hsgd: <kind><sentence>" on stderr, in one line whatever names it has. */
void print_message(const char *kind, const char *sentence);
/* "hsgd: <sentence>"; returns code. */
int report_error(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "hsgd: warning: <sentence>" */
void report_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The exit code for an error of the library, -errno: USAGE for wrong input,
 * NOT_FINITE where the loss or a weight is not finite. */
int exit_code(int err);
/* The same for what hsgd_data_read() returns: damaged data is wrong input too. */
int data_exit_code(int err);
/* FAILED after a sentence when stdout could not be written. */
int flush_output(void);

#endif
