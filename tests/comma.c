/* SPDX-License-Identifier: BSD-3-Clause */
#include "comma.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* localedef reads nothing else; -c because the other categories are missing. */
static const char script[] =
    "cd \"$STARPU_HOME\" && mkdir -p locales && cat >comma.source <<END\n"
    "comment_char %\n"
    "escape_char /\n"
    "LC_NUMERIC\n"
    "decimal_point \",\"\n"
    "thousands_sep \".\"\n"
    "grouping 3;3\n"
    "END LC_NUMERIC\n"
    "END\n"
    "cat >ascii.map <<END\n"
    "<code_set_name> ANSI_X3.4-1968\n"
    "<comment_char> %\n"
    "<escape_char> /\n"
    "CHARMAP\n"
    "<U0000>..<U007F> /x00 all\n"
    "END CHARMAP\n"
    "END\n"
    "localedef -c -i ./comma.source -f ./ascii.map --no-archive ./locales/comma >localedef.log 2>&1\n"
    "[ -s locales/comma/LC_NUMERIC ] || { cat localedef.log >&2; exit 1; }\n";

bool comma_locale(void)
{
    char path[600], number[16];
    snprintf(path, sizeof path, "%s/locales", getenv("STARPU_HOME"));
    bool made = !system(script) && !setenv("LOCPATH", path, 1) && setlocale(LC_ALL, "comma");
    snprintf(number, sizeof number, "%.1f", 0.5);
    if (made && !strcmp(number, "0,5")) return true;
    fprintf(stderr, "a locale with a decimal comma cannot be made: is localedef installed?\n");
    return false;
}
