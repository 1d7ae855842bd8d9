#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The library's numbers and words are the same in every locale: calls of the C
# library that go by the locale are in runtime/base/c_locale.c alone.
cd "${srcdir:-.}" || exit 99
files=$(find runtime codelets -name '*.[ch]' ! -name 'c_locale.[ch]')
number='%[-+ #0]*[0-9*]*(\.[0-9*]+)?[lL]?[aefgAEFG]'
say() # WHAT, before the lines on stdin, if any
{
    found=$(cat)
    [ -z "$found" ] || printf '%s:\n%s\n' "$1" "$found"
}
# Statements, one a line.
statements() { tr '\n' ' ' <"$1" | tr ';' '\n' | sed "s|^|$1: |"; }

check()
{
    grep -nEw '(strto[df]|strtold|atof|strn?casecmp|strcoll|strftime|setlocale|is(alpha|alnum|upper|lower|punct|graph|print)|to(upper|lower)|localeconv)' $files |
        say 'use what c_locale.h has'
    for f in $files; do
        statements "$f" | grep -E '(^|[^_a-z])v?(sn?|f|d|as)?printf *\(' | grep -E "$number" |
            sed 's/  */ /g'
    done | say 'use c_snprintf()'
    for f in $files; do
        statements "$f" | grep -E '[^_a-z][sf]?scanf *\(' | grep -E '%[*0-9]*l?[efg]'
    done | say 'scanf reads numbers by the locale: use c_strtod()'
    # The command line is in the C locale because nothing there takes another.
    grep -nw 'setlocale' -r apps/hsgd | say 'the command line stays in the C locale'
}
found=$(check)
[ -z "$found" ] && exit
echo "$found"
exit 1
