#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Kernels under Oclgrind: invalid memory accesses, races between items and reads of what was not written, with groups of
# one item and of 64, on small shapes.  Run in the build folder; ends with one line of counts.
# oclgrind.sh [OPERATION...]: those alone.  oclgrind.sh faults: planted faults, each of which must be found.
# HSGD_TEST_OPENCL: where tests/opencl_fetch.sh has unpacked it, unless it is installed.  HSGD_TEST_PART=N: an N-th of the
# shapes (10).
set -u
srcdir=$(cd "${srcdir:-..}" && pwd)
folder=${HSGD_TEST_OPENCL:-${XDG_CACHE_HOME:-$HOME/.cache}/hsgd/opencl}/oclgrind
oclgrind=$(command -v oclgrind || echo "$folder/usr/bin/oclgrind")
[ -x "$oclgrind" ] || { echo "skipped: Oclgrind is not there (tests/opencl_fetch.sh unpacks it)"; exit 77; }
if [ -z "${OCLGRIND_WORK:-}" ]; then
    work=$(mktemp -d "${TMPDIR:-/tmp}/hsgd-oclgrind-XXXXXX") || exit 1
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
else work=$OCLGRIND_WORK
fi
unset HSGD_OPENCL_GROUPS
# It stops at `restrict` in functions that are inlined, and does not know `freeze` of optimised code.
export OCLGRIND_BUILD_OPTIONS="-Drestrict= -cl-opt-disable" HSGD_OPENCL_BINARIES=0 HSGD_TEST_SMALL=1
export HSGD_TEST_PART="${HSGD_TEST_PART:-10}" HSGD_TEST_STARPU_HOME="$work/starpu" HSGD_CACHE_DIR="$work/cache"
mkdir -p "$work/starpu" "$work/cache" "$work/vendors"

# StarPU measures transfers, for minutes under a checker: PoCL's are taken.
measure()
{
    cp /etc/OpenCL/vendors/pocl.icd "$work/vendors" || return
    export OCL_ICD_VENDORS="$work/vendors"
    HSGD_TEST_PART=100 ./test_ops --devices=opencl relu >"$work/measured" 2>&1 || { cat "$work/measured"; return 1; }
}

checked() # GROUPS PROGRAM OPERATION...: leaves log and out
{
    groups=$1 program=$2
    shift 2
    rm -f "$work/log"
    HSGD_OPENCL_GROUPS=$groups LD_LIBRARY_PATH="$PWD/.libs:$folder/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" \
        "$oclgrind" --data-races --uninitialized --max-errors 20 --log "$work/log" "$program" --devices=opencl "$@" \
        >"$work/out" 2>&1
}

# One word for what was found first; "" if nothing.
found()
{
    if grep -qs 'FATAL' "$work/log"; then echo fatal
    elif grep -qs 'data race' "$work/log"; then echo race
    elif grep -qs 'Uninitialized' "$work/log"; then echo uninitialized
    elif grep -qs 'Invalid read' "$work/log"; then echo read
    elif grep -qs 'Invalid write' "$work/log"; then echo write
    elif grep -qs 'divergence' "$work/log"; then echo divergence
    elif [ -s "$work/log" ]; then echo other
    elif grep -q 'wrong on' "$work/out"; then echo numbers
    fi
}

# An operation in a process of its own; its results are in FOLDER/results.
one() # GROUPS OPERATION
{
    checked "$1" ./test_ops "$2"
    status=$?
    n=$(sed -n "s/^$2: \([0-9]*\) shapes.*/\1/p" "$work/out")
    what=$(found)
    if [ $status -eq 0 ] && [ -z "$what" ]; then
        echo "ok ${n:-0} $2" >>"$OCLGRIND_WORK/results"
        return
    fi
    echo "FAILED ${n:-0} $2" >>"$OCLGRIND_WORK/results"
    {
        echo "FAILED: $2, groups of $([ "$1" = 1 ] && echo 64 || echo 1): ${what:-exit $status}"
        head -n 25 "$work/log" 2>/dev/null
        grep -E 'wrong on|rror' "$work/out" | head -n 5
    } >"$work/said"
    cat "$work/said"
}
if [ -n "${OCLGRIND_WORK:-}" ]; then
    work=$(mktemp -d "$OCLGRIND_WORK/one-XXXXXX") || exit 1
    one 0 "$1"
    one 1 "$1"
    exit 0
fi

# name|file|sed script|operation|groups|what finds it.  All arrays of an operation are parts of one buffer: beyond the end
# of one is another, where a race, what was never written, or wrong numbers show it.
faults()
{
    cat <<'LIST'
column sums: no barrier before they are added|dense.cl|/partial\[LOCAL_ID\] = s;/{n;s/BARRIER();//}|dense|1|race
column sums: parts are read before they are written|dense.cl|s/partial\[LOCAL_ID\] = s;//|dense|1|uninitialized
square sum: no barrier before it is added|merge.cl|/partial\[LOCAL_ID \/ WARP\] = s;/{n;s/BARRIER();//}|clip_factor|1|race
ctc: no barrier between two steps|ctc.cl|/total += top;/{n;s/BARRIER();//}|ctc|1|race
ctc: a label before the first|ctc.cl|s/s ? before\[s - 1\] : CTC_NONE/before[s - 1]/|ctc|1|race
activation: one value beyond the last|activation.cl|s/FOR_ITEMS(i, ARG(n))/FOR_ITEMS(i, ARG(n) + 1)/|activate|0|uninitialized
mse: one row beyond the last|mse.cl|s/FOR_ITEMS(r, ARG(rows))/FOR_ITEMS(r, ARG(rows) + 1)/|mse|1|race
embedding: every item has every column|embedding.cl|s/FOR_COLS(c, width) to\[c\] += d\[c\];/for (int c = 0; c < width; c++) to[c] += d[c];/|embedding|1|race
embedding: the row behind|embedding.cl|s/(tokens\[i\] - ARG(first)) \* cols : 0/(tokens[i] - ARG(first) + 1) * cols : 0/|embedding|0|numbers
lstm: the channel before|recurrent.cl|s/yr\[j\] = value;/yr[j - 1] = value;/|lstm|0|numbers
normalisation: lanes that were not stored|layer_norm.cl|s/V16_STORE(lane, v);//|layer_norm|0|uninitialized
LIST
}

planted() # LINE: a build of its own
{
    IFS='|' read -r name file script operation groups finds <<LINE
$1
LINE
    here=$work/variant
    rm -rf "$here"
    mkdir -p "$here/codelets"
    cp "$srcdir"/codelets/*.c "$srcdir"/codelets/*.cl "$srcdir"/codelets/*.h "$srcdir"/codelets/*.sh "$here/codelets"
    sed "$script" "$srcdir/codelets/$file" >"$here/codelets/$file"
    if cmp -s "$srcdir/codelets/$file" "$here/codelets/$file"; then what="not injected"
    elif ! ${MAKE:-make} -s test-ops-variant VARIANT="$here" CHANGED="$file" >"$work/built" 2>&1; then
        what="not built"
        tail -n 5 "$work/built"
    else
        checked "$groups" "$here/test_ops" "$operation"
        what=$(found)
    fi
    if [ "$what" = "$finds" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
    echo "$([ "$what" = "$finds" ] && echo ok || echo FAILED): $name: ${what:-not found} ($finds)"
}

passed=0 failed=0
measure || exit 1
case ${1:-} in
faults)
    faults >"$work/list"
    while IFS= read -r line; do planted "$line" </dev/null; done <"$work/list"
    echo "$passed passed, $failed failed: planted faults"
    [ $failed -eq 0 ]
    exit ;;
esac
# shellcheck disable=SC2046 # words
[ $# -gt 0 ] || set -- $(./test_ops --list)
export OCLGRIND_WORK="$work"
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 sh "$srcdir/tests/oclgrind.sh"
awk -v operations=$# '
    { shapes += $2; if ($1 == "ok") passed++; else failed++ }
    END { printf "%d passed, %d failed: %d shapes of %d operations, with groups of 1 and of 64\n", passed, failed, shapes, operations
          exit failed || passed != 2 * operations }' "$work/results"
