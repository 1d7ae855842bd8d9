#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Every operation of the library has a reference in double precision, an injected fault that its test must catch, and a
# row in doc/models.md.  Changes of layout have tests of their own and are in no model.
set -eu
src=${srcdir:-.}
relayouts='to_lanes to_nhwc'
ops=$(sed -n 's/^OP(\(.*\))$/\1/p' codelets/op_list.h)
[ -n "$ops" ] || { echo "codelets/op_list.h lists no operation"; exit 1; }
status=0
missing() { echo "$op: $1"; status=1; }
for op in $ops; do
    case " $relayouts " in *" $op "*) continue ;; esac
    grep -q "R($op)" "$src/reference/reference.h" || missing "not in REFERENCE_LIST of reference/reference.h"
    awk -F '|' -v op="$op" '$4 == op && $2 ~ /^[a-z0-9_]+\.(c|cl)$/ { found = 1 } END { exit !found }' \
        "$src/tests/faults.sh" || missing "no fault for its test in tests/faults.sh"
    awk -F '|' -v op="\`$op\`" 'index($2, op) { found = 1 } END { exit !found }' "$src/doc/models.md" ||
        missing "no row in doc/models.md"
done
exit $status
