/* SPDX-License-Identifier: BSD-3-Clause */
/* Help on the options of a command. */
#include <stdio.h>

#include "lib/options.h"
#include "lib/text.h"

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

void settings_help(unsigned bit)
{
    printf("\nOptions (defaults in parentheses):\n");
    const struct option_row *o;
    for (int i = 0; (o = option_at(i)); i++)
        if (o->commands & bit) print_row(o);
}
