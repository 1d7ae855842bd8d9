/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd: train neural networks on all devices of a machine. */
#include "config.h"

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/app.h"
#include "lib/text.h"

static const struct {
    unsigned bit;
    int (*run)(struct settings *s);
} runs[] = {
    { TRAIN, cmd_train },     { DEVICES, cmd_devices }, { SELFTEST, cmd_selftest }, { BENCH, cmd_bench },
    { PLAN, cmd_plan },       { PLOT, cmd_plot },       { COMPARE, cmd_compare },   { EVAL, cmd_eval },
    { PREDICT, cmd_predict }, { DATA, cmd_data },       { MODELS, cmd_models },     { SUMMARY, cmd_summary },
    { HELP, cmd_help },
};

static const struct command *find_command(const char *name)
{
    for (const struct command *c = commands; c->name; c++)
        if (!strcmp(c->name, name)) return c;
    return NULL;
}

static int unknown_command(const char *name)
{
    char names[128] = "";
    for (const struct command *c = commands; c->name; c++) strcat(strcat(names, c == commands ? "" : ", "), c->name);
    return report_error(USAGE, "command \"%s\" is not one of %s", name, names);
}

static int print_help(const struct command *c)
{
    if (c) {
        text_wrap(0, 7, "Usage: hsgd %s", c->usage);
        putchar('\n');
        text_paragraph(0, c->description);
        settings_help(c->bit);
        return flush_output();
    }
    printf("Usage: hsgd COMMAND [OPTION...]\n\nCommands:\n");
    for (c = commands; c->name; c++) printf("  %-10s %s\n", c->name, c->summary);
    putchar('\n');
    text_wrap(0, 0, "\"hsgd help COMMAND\" lists a command's options; \"hsgd --version\" prints the version.");
    printf("Exit status: %s\n", exit_statuses);
    return flush_output();
}

int cmd_help(struct settings *s)
{
    const struct command *c = s->words ? find_command(s->word[0]) : NULL;
    if (s->words && !c) return unknown_command(s->word[0]);
    int code = require_words(s, s->completion >= 0 ? 0 : 1);
    if (code) return code;
    return s->completion >= 0 ? print_completion(s->completion) : s->man ? print_manual(c) : print_help(c);
}

/* A closed descriptor 0 to 2 would be reused by the next file, which would then
 * receive what is printed. */
static bool open_standard_files(void)
{
    for (int file = STDIN_FILENO; file <= STDERR_FILENO; file++)
        if (fcntl(file, F_GETFD) < 0 && open("/dev/null", O_RDWR) != file) return false;
    return true;
}

/* runs[] has every command. */
static int run(unsigned bit, struct settings *s)
{
    int i = 0;
    while (runs[i].bit != bit) i++;
    return runs[i].run(s);
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
    const struct command *c = find_command(argv[1]);
    if (!c) return unknown_command(argv[1]);
    int code = settings_read(&s, c->bit, argc - 1, argv + 1);
    if (!code) code = s.help ? print_help(c) : run(c->bit, &s);
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
