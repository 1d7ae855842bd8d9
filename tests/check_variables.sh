#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Environment variables: those that the sources read, those that are known (a
# misspelt one is warned of), and those that doc/environment.md explains are the same.
set -eu
src=${srcdir:-.}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
read='getenv(\|environment_number(\|read_variable(ctx, '
grep -rho "\\($read\\)\"HSGD_[A-Z_]*\"" "$src/runtime" "$src/codelets" "$src/apps" "$src/bench" --include='*.c' |
    grep -o 'HSGD_[A-Z_]*' >"$work/all"
grep -ho 'HSGD_[A-Z_]*:-' "$src/setup/starpu.sh" "$src/quickstart" | sed 's/:-//' >>"$work/all"
sort -u "$work/all" >"$work/used"
sed -n '/known\[\] = {/,/^};/p' "$src/runtime/device/environment.c" | grep -o 'HSGD_[A-Z_]*' | sort >"$work/known"
sed -n 's/^| `\(HSGD_[A-Z_]*\)`.*/\1/p' "$src/doc/environment.md" | sort >"$work/documented"
[ -s "$work/used" ]
diff "$work/used" "$work/known" || { echo 'read (<) and known to runtime/device/environment.c (>)'; exit 1; }
diff "$work/known" "$work/documented" || { echo 'known (<) and in doc/environment.md (>)'; exit 1; }
