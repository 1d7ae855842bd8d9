/* SPDX-License-Identifier: BSD-3-Clause */
#include "command_line.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "config_file.h"
#include "options.h"

static int read_environment(struct settings *s, unsigned bit)
{
    const struct option_row *executor = option_named("executor", bit);
    const char *name = executor ? getenv("HSGD_EXECUTOR") : NULL;
    return name && *name ? option_set(s, executor, "HSGD_EXECUTOR", name) : OK;
}

/* Options after --help are ignored. */
static int set_given(void *user, const struct option_row *o, const char *text)
{
    struct settings *s = user;
    char name[40];
    snprintf(name, sizeof name, "--%s", o->name);
    if (s->help) return OK;
    option_mark_given(s, o);
    return option_set(s, o, name, text);
}

int settings_read(struct settings *s, unsigned bit, int argc, char **argv)
{
    settings_defaults(s, argv[0]);
    int code = read_environment(s, bit);
    if (!code) code = options_each(bit, s->command, argc, argv, set_given, s);
    s->words = argc - optind;
    s->word = argv + optind;
    return !code && s->config && !s->help ? config_read(s, s->config) : code;
}
