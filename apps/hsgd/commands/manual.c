/* SPDX-License-Identifier: BSD-3-Clause */
/* Manual pages, from the tables of commands and options. */
#include <hsgd/hsgd.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "lib/message.h"
#include "lib/options.h"

/* ------------------------------------------------------------- man pages */

/* Text in roff, with requests and escapes quoted. */
static void roff(const char *text)
{
    for (bool starts = true; *text; text++) {
        if (starts && (*text == '.' || *text == '\'')) fputs("\\&", stdout);
        starts = *text == '\n';
        if (*text == '\\') fputs("\\e", stdout);
        else if (*text == '-') fputs("\\-", stdout);
        else putchar(*text);
    }
}

static void section(const char *name, const char *text)
{
    printf(".SH %s\n", name);
    roff(text);
    putchar('\n');
}

static void begin_page(const char *name, const char *summary)
{
    fputs(".TH ", stdout);
    for (const char *c = name; *c; c++) putchar(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    printf(" 1 \"\" \"hsgd %s\" \"hsgd\"\n.SH NAME\n", hsgd_version_text());
    roff(name);
    fputs(" \\- ", stdout);
    roff(summary);
    putchar('\n');
}

static void option(const struct option_row *o)
{
    fputs(".TP\n", stdout);
    if (o->letter) printf("\\fB\\-%c\\fR, ", o->letter);
    fputs("\\fB\\-\\-", stdout);
    roff(o->name);
    fputs("\\fR", stdout);
    if (o->argument) {
        fputs(" \\fI", stdout);
        roff(o->argument);
        fputs("\\fR", stdout);
    }
    putchar('\n');
    roff(o->help);
    putchar('\n');
    for (int i = 0; o->choice && o->choice(i); i++) {
        fputs(i ? ", " : ".br\none of ", stdout);
        roff(o->choice(i));
    }
    if (o->choice) putchar('\n');
}

static void command_page(const struct command *c)
{
    char name[40];
    const struct option_row *o;
    snprintf(name, sizeof name, "hsgd-%s", c->name);
    begin_page(name, c->summary);
    fputs(".SH SYNOPSIS\n.B hsgd\n", stdout);
    roff(c->usage);
    putchar('\n');
    section("DESCRIPTION", c->description);
    fputs(".SH OPTIONS\n", stdout);
    for (int i = 0; (o = option_at(i)); i++)
        if (o->commands & c->bit) option(o);
    section("EXIT STATUS", exit_statuses);
    fputs(".SH SEE ALSO\n.BR hsgd (1)\n", stdout);
}

static void main_page(void)
{
    begin_page("hsgd", "train neural networks on all devices of a machine");
    fputs(".SH SYNOPSIS\n.B hsgd\n.I COMMAND\n[\\fIOPTION\\fR...]\n.SH DESCRIPTION\n", stdout);
    roff("Trains neural networks on the CPU cores and the CUDA and OpenCL devices of a\n"
         "machine, alone or together in one training step, and evaluates and applies the\n"
         "trained models.\n");
    fputs(".SH COMMANDS\n", stdout);
    for (const struct command *c = commands; c->name; c++) {
        printf(".TP\n.BR hsgd\\-%s (1)\n", c->name);
        roff(c->summary);
        putchar('\n');
    }
    section("EXIT STATUS", exit_statuses);
    section("ENVIRONMENT", "HSGD_EXECUTOR, HSGD_ISA, HSGD_PLACEMENT, HSGD_CACHE_DIR and StarPU's variables are\n"
                           "described in hsgd-environment(7).");
    fputs(".SH SEE ALSO\n", stdout);
    for (const struct command *c = commands; c->name; c++) printf(".BR hsgd\\-%s (1),\n", c->name);
    fputs(".BR hsgd\\-algorithms (7),\n.BR hsgd\\-data (7),\n.BR hsgd\\-environment (7),\n"
          ".BR hsgd\\-models (7),\n.BR hsgd\\-runs (7)\n",
          stdout);
}

int print_manual(const struct command *c)
{
    if (c) command_page(c);
    else main_page();
    return flush_output();
}
