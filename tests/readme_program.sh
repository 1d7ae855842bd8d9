# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh disable=SC2034 # sourced: what is set here is used there
# Sourced by tests: prepares a folder of its own with README.md's C program,
# and reads from the Makefile how the library was built.
set -eu
src=${srcdir:-.}
build=$(pwd)
make_variable() { sed -n "s/^$1 = //p" Makefile; }
CC=$(make_variable CC)
SAN_CFLAGS=$(make_variable SAN_CFLAGS)
folder=$(mktemp -d "${TMPDIR:-/tmp}/hsgd-readme-XXXXXX")
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
STARPU_HOME=$folder
export STARPU_HOME

# The first block marked "c" is the program.
awk '/^```c$/ { on = 1; next } /^```/ { if (on) exit } on' "$src/README.md" >"$folder/program.c"
[ -s "$folder/program.c" ] || { echo "README.md holds no C program"; exit 1; }

# Runs a command that must print a test accuracy of at least 90 %.
expect_training() {
    "$@" | tee "$folder/output"
    awk '/test accuracy/ && $NF == "%" && $(NF - 1) >= 90 { good = 1 } END { exit !good }' "$folder/output"
}
