/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd help: a command and its options. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "lib/message.h"
#include "lib/options.h"
#include "lib/text.h"

static void report_unknown(const char *name)
{
    char names[400] = "";
    size_t used = 0;
    for (const struct command *c = commands; c->name && used < sizeof names; c++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", c->name);
    report_error(USAGE, "command \"%s\" is not one of %s", name, names);
}

const struct command *command_named(const char *name)
{
    for (const struct command *c = commands; c->name; c++)
        if (!strcmp(c->name, name)) return c;
    report_unknown(name);
    return NULL;
}

/* Help starts in a fixed column, on the next line if the option extends beyond it. */
static void print_row(const struct option_row *o)
{
    enum { HELP_COLUMN = 30 };
    char names[400];
    int at = printf("  %c%c%c --%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ', o->letter ? ',' : ' ',
                    o->name, o->argument ? " " : "", o->argument ? o->argument : "");
    if (at > HELP_COLUMN - 2) putchar('\n'), at = 0;
    printf("%*s", HELP_COLUMN - at, "");
    text_paragraph(HELP_COLUMN, o->help);
    if (!o->choice) return;
    option_choices(o->choice, names, sizeof names);
    printf("%*s", HELP_COLUMN, "");
    text_wrap(HELP_COLUMN, HELP_COLUMN, "one of %s", names);
}

static void settings_help(unsigned bit)
{
    printf("\nOptions (defaults in parentheses):\n");
    const struct option_row *o;
    for (int i = 0; (o = option_at(i)); i++)
        if (o->commands & bit) print_row(o);
}

int print_help(const struct command *c)
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
    const struct command *c = s->words ? command_named(s->word[0]) : NULL;
    if (s->words && !c) return USAGE;
    int code = require_words(s, s->completion >= 0 ? 0 : 1);
    if (code) return code;
    return s->completion >= 0 ? print_completion(s->completion) : s->man ? print_manual(c) : print_help(c);
}
