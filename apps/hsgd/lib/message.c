/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bar.h"
#include "text.h"

void print_message(const char *kind, const char *sentence)
{
    char *clean = text_clean(sentence);
    bar_clear();
    fprintf(stderr, "hsgd: %s%s\n", kind, clean ? clean : "out of memory for a message");
    free(clean);
}

static void print(const char *kind, const char *format, va_list args)
{
    char *sentence;
    bool printed = vasprintf(&sentence, format, args) >= 0;
    print_message(kind, printed ? sentence : "out of memory for a message");
    if (printed) free(sentence);
}

int report_error(int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print("", format, args);
    va_end(args);
    return code;
}

void report_warning(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print("warning: ", format, args);
    va_end(args);
}

int exit_code(int err)
{
    static const int input[] = { EINVAL, ENODEV, ENOENT, ENOTDIR, EISDIR, EACCES, EPERM, EROFS, ENAMETOOLONG, ELOOP };
    for (size_t i = 0; i < sizeof input / sizeof *input; i++)
        if (err == -input[i]) return USAGE;
    return err == -EDOM ? NOT_FINITE : FAILED;
}

int data_exit_code(int err) { return err == -ENOMEM ? FAILED : USAGE; }

int flush_output(void)
{
    if (fflush(stdout) || ferror(stdout))
        return report_error(FAILED, "cannot write to standard output: %s", strerror(errno));
    return OK;
}
