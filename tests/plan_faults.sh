#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Injected faults: each line of the list breaks one thing in a copy of a file of
# runtime/plan/, which must make its test fail.  Run in the build folder.
set -u
srcdir=$(cd "${srcdir:-..}" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/hsgd-plan-faults-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
passed=0
failed=0

say() {
    echo "$1 $2"
    case $1 in ok*) passed=$((passed + 1)) ;; *) failed=$((failed + 1)) ;; esac
}

# inject NAME FILE SCRIPT TEST CASE
inject() {
    sed "$3" "$srcdir/runtime/plan/$2" >"$work/$2"
    if [ -n "$3" ] && cmp -s "$srcdir/runtime/plan/$2" "$work/$2"; then
        say "NOT INJECTED:" "$1"
    elif ! ${MAKE:-make} -s test-plan-variant VARIANT="$work" CHANGED="$2" TEST="$4" >"$work/log" 2>&1; then
        cat "$work/log" >&2
        say "NOT BUILT:" "$1"
    elif STARPU_HOME=$work HSGD_CACHE_DIR=$work "$work/$4" "$5" >"$work/log" 2>&1; then
        if [ -n "$3" ]; then say "NOT CAUGHT:" "$1"; else say "ok, passes without a fault:" "$1"; fi
    elif [ -z "$3" ]; then
        cat "$work/log" >&2
        say "FAILS WITHOUT A FAULT:" "$1"
    elif grep -q 'from the exact gradient\|changes the gradient' "$work/log"; then
        say "ok, caught:" "$1"
    else
        say "CRASHES:" "$1"
    fi
}

inject "random graphs" tape.c "" test_graph_gradients on_cpu
inject "recomputed blocks" emit_slice.c "" test_lives same_bits_on_one_device
while IFS='|' read -r name file script test case; do
    inject "$name" "$file" "$script" "$test" "$case"
done <<'LIST'
fan-out: a sum is left out|tape_backward.c|s/    move(m, WORK_ADD, dy, to);/    (void)to;/|test_graph_gradients|on_cpu
fan-out: added where the first writes|tape_backward.c|s/w->adds = adds;/w->adds = n->op->adds;/|test_graph_gradients|on_cpu
fan-out: a place with two owners is changed|tape_backward.c|s/m->owners\[slot\] < 2/true/|test_graph_gradients|on_cpu
lives: a place is free one work too early|lives.c|s/a->birth <= b->death .. b->birth <= a->death/a->birth < b->death \&\& b->birth < a->death/|test_graph_gradients|on_cpu
losses: weights are left out|emit_slice.c|s/if (number < 0 .. a.factor == 1) return;/return;/|test_graph_gradients|on_cpu
shared weights: the second gradient replaces the first|tape_backward.c|s/if (m->made.*) w->adds_weight .*/;/|test_graph_gradients|on_cpu
shared weights: added where the first writes|tape_backward.c|s/if (m->made.*) w->adds_weight/w->adds_weight/|test_graph_gradients|on_cpu
recomputing: backward reads where forward wrote|slice_places.c|s/t->value\[turn\]\[value\]/t->value[FIRST][value]/|test_graph_gradients|on_cpu
recomputing: what is read outside is made again|recompute.c|s/leaves\[root\] .= .*/(void)root;/|test_graph_gradients|on_cpu
recomputing: other random numbers|slice_places.c|s/n->of->number : -1/n->of->number + (int)turn : -1/|test_lives|same_bits_on_one_device
LIST
echo "plan faults: $passed passed, $failed failed"
test $failed -eq 0
