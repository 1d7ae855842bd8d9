/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd: train neural networks on all devices of a machine. */
#include "config.h"

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <fcntl.h>
#include <hsgd/hsgd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands/commands.h"
#include "lib/command_line.h"
#include "lib/message.h"

/* A closed descriptor 0 to 2 would be reused by the next file, which would then
 * receive what is printed. */
static bool open_standard_files(void)
{
    for (int file = STDIN_FILENO; file <= STDERR_FILENO; file++)
        if (fcntl(file, F_GETFD) < 0 && open("/dev/null", O_RDWR) != file) return false;
    return true;
}

static int run_command(int argc, char **argv)
{
    struct settings s;
    if (argc < 2) return report_error(USAGE, "a command is missing; \"hsgd help\" lists the commands");
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) return print_help(NULL);
    if (!strcmp(argv[1], "--version")) {
        printf("hsgd %s\n", hsgd_version_text());
        return flush_output();
    }
    const struct command *c = command_named(argv[1]);
    if (!c) return USAGE;
    int code = settings_read(&s, c->bit, argc - 1, argv + 1);
    if (!code) code = s.help ? print_help(c) : c->run(&s);
    settings_free(&s);
    return code;
}

#define BLAS_BYTES ((size_t)136 << 20) /* a thread of OpenBLAS allocates nearly as much when it is loaded */

/* Where that allocation fails, the thread retries without end, and exit() waits for it. */
static int leave(int code)
{
    void *volatile block = malloc(BLAS_BYTES);
    if (!block) {
        fflush(NULL);
        _exit(code);
    }
    free(block);
    return code;
}

int main(int argc, char **argv) { return open_standard_files() ? leave(run_command(argc, argv)) : FAILED; }
