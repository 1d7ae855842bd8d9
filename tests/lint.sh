#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# make lint: licences, shell scripts, layout of the code and what cppcheck finds.  lint.sh NAME... does some of
# licence shell format cppcheck.  Run in the build folder.
set -eu
srcdir=$(cd "${srcdir:-.}" && pwd)
build=$PWD
cd "$srcdir"
git ls-files --error-unmatch configure.ac >/dev/null 2>&1 || { echo "lint: needs a checkout of git" >&2; exit 1; }
status=0

need() { # PROGRAM
    command -v "$1" >/dev/null || { echo "lint: $1 is missing" >&2; return 1; }
}

lint_licence() { srcdir=. sh tests/check_licence.sh; }

lint_shell() {
    need shellcheck || return 1
    # shellcheck disable=SC2046 # names without spaces
    shellcheck --severity=warning $(git ls-files '*.sh' quickstart bundle/run .ci/run)
}

# Releases of clang-format differ in details: this one is Debian 12's.  Tables of dots are drawn by hand.
lint_format() {
    need clang-format || return 1
    clang-format --version | grep -q 'version 14\.' || { echo "lint: clang-format 14 is wanted" >&2; return 1; }
    git ls-files '*.c' '*.h' '*.cc' | grep -v '^runtime/data/glyphs.h$' |
        xargs clang-format --dry-run --Werror >"$build/lint-format.log" 2>&1 && return
    grep -o '^[^:]*\.[ch]c*:' "$build/lint-format.log" | sort | uniq -c | sort -rn | sed 's/:$//'
    echo "lint: .clang-format wants these files otherwise (lines); clang-format -i FILE"
    return 1
}

lint_cppcheck() {
    need cppcheck || return 1
    git ls-files 'apps/*.c' 'bench/*.c' 'codelets/*.c' 'reference/*.c' 'runtime/*.c' 'tests/*.c' >"$build/lint-files"
    cppcheck -j "$(nproc)" --quiet --std=c11 --enable=warning,performance,portability --error-exitcode=1 --inline-suppr \
        --suppressions-list=tests/cppcheck.supp --library=tests/cppcheck.cfg \
        -Iinclude -Iruntime -Icodelets -Iapps/hsgd -I"$build/codelets" -I"$build" -I. \
        --file-list="$build/lint-files"
}

[ $# -gt 0 ] || set -- licence shell format cppcheck
for check; do
    echo "== $check"
    "lint_$check" || status=1
done
exit $status
