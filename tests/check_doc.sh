#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The documentation: links lead somewhere, and every public function, struct
# and enum has a comment (that half needs Doxygen).
set -eu
src=${srcdir:-.}
status=0
for page in "$src"/*.md "$src"/doc/*.md "$src"/doc/decisions/*.md; do
    links=$(grep -o '](\([^)#]*\)' "$page" | sed -e 's/^](//' -e '/^http/d' | sort -u)
    for link in $links; do
        [ -e "$(dirname "$page")/$link" ] || { echo "$page: no file \"$link\""; status=1; }
    done
done
if man --version >/dev/null 2>&1; then
    for page in doc/*.7; do
        warnings=$(man -l --warnings "$page" 2>&1 >/dev/null)
        [ -z "$warnings" ] || { echo "$page: $warnings"; status=1; }
    done
fi
if command -v doxygen >/dev/null; then
    ${MAKE:-make} -s doc || status=1
else
    echo "no doxygen here: comments were not checked"
fi
exit $status
