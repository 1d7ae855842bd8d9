#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Every operation of the library has a reference in double precision, an injected fault that its test must catch, and a
# row in doc/models.md.
set -eu
src=${srcdir:-.}
ops=$(sed -n 's/^OP(\(.*\))$/\1/p' codelets/op_list.h)
[ -n "$ops" ] || { echo "codelets/op_list.h lists no operation"; exit 1; }
status=0
missing() { echo "$op: $1"; status=1; }
for op in $ops; do
    grep -qx "REFERENCE($op)" reference/reference_list.h || missing "no function reference_$op() in reference/"
    awk -F '|' -v op="$op" '$4 == op && $2 ~ /^[a-z0-9_]+\.(c|cl|h)$/ { found = 1 } END { exit !found }' \
        "$src/tests/faults.sh" || missing "no fault for its test in tests/faults.sh"
    awk -F '|' -v op="\`$op\`" 'index($2, op) { found = 1 } END { exit !found }' "$src/doc/models.md" ||
        missing "no row in doc/models.md"
done
exit $status
