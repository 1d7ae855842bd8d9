#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Every implementation of OpenCL that is there (tests/opencl_fetch.sh): all operations, with groups of one item and of
# 64, hsgd selftest, and a training with the CPU; then two of them in one step.  Prints how many shapes each operation
# ran, and what was not there.  Run in the build folder.
# HSGD_TEST_OPENCL: where they are.  HSGD_TEST_PART=N: an N-th of the shapes.  ONLY: names of some.
set -u
srcdir=$(cd "${srcdir:-..}" && pwd)
folder=${HSGD_TEST_OPENCL:-${XDG_CACHE_HOME:-$HOME/.cache}/hsgd/opencl}
part=${HSGD_TEST_PART:-1}
work=$(mktemp -d "${TMPDIR:-/tmp}/hsgd-opencl-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
unset HSGD_OPENCL_GROUPS HSGD_OPENCL_BINARIES STARPU_OPENCL_ON_CPUS
export HSGD_CACHE_DIR="$work/cache" RUSTICL_ENABLE=llvmpipe
hsgd=$PWD/.libs/hsgd
[ -x "$hsgd" ] || hsgd=$PWD/hsgd
passed=0 failed=0 columns=

# What the ICD loader finds; PoCL is that of the system.
mkdir -p "$work/pocl/vendors" "$work/two/vendors"
cp /etc/OpenCL/vendors/pocl.icd "$work/pocl/vendors" 2>/dev/null
cp /etc/OpenCL/vendors/pocl.icd "$folder/fpga/vendors/fpga.icd" "$work/two/vendors" 2>/dev/null

with() # NAME COMMAND...: with the drivers of that name alone
{
    at=$folder/$1
    case $1 in pocl | two) at=$work/$1 ;; esac
    libraries=$PWD/.libs:$at/lib
    [ "$1" != two ] || libraries=$PWD/.libs:$folder/fpga/lib
    home=$work/home-$1
    shift
    mkdir -p "$home"
    OCL_ICD_VENDORS=$at/vendors STARPU_HOME=$home LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} "$@"
}

is_there() # NAME
{
    case $1 in pocl) [ -n "$(ls "$work/pocl/vendors")" ] ;; *) [ -d "$folder/$1/vendors" ] ;; esac
}

count() # TEXT STATUS
{
    if [ "$2" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
    echo "$([ "$2" -eq 0 ] && echo ok || echo FAILED): $1"
}

# All shapes for compilers and groups that are fast, a fifth for the others.
part_of() # NAME
{
    case $1 in fpga | rusticl) echo $((part * 5)) ;; *) echo "$part" ;; esac
}

operations() # NAME COLUMN
{
    columns="$columns $2"
    HSGD_TEST_PART=$(part_of "$1") with "$1" ./test_ops --devices=opencl >"$work/$2" 2>&1
    status=$?
    grep -hE 'wrong on|no context|[Ee]rror[ :(]' "$work/$2" | head -n 20
    count "$1: $2, operations: $(grep ' passed, ' "$work/$2")" $status
}

losses() # NETWORK RATE DEVICES FILE
{
    "$hsgd" train --model "$1" --optimizer sgd --lr "$2" --steps 100 --min-share 0.2 --quiet --json --devices "$3" \
        --out "$work/run" >"$4.json" || return
    rm -rf "$work/run"
    sed -n '/"losses": \[/,/\]/p' "$4.json" | grep -Eo '[0-9]+\.[0-9]+([eE][-+]?[0-9]+)?' >"$4"
}

# Of 100 steps, at most 1e-3 from those of the CPU, at rates that do not amplify rounding; no device was idle.
network() # NAME DEVICES NETWORK RATE
{
    [ -s "$work/$3" ] || with pocl losses "$3" "$4" cpu "$work/$3" || return
    with "$1" losses "$3" "$4" "$2" "$work/losses" || return
    [ "$(grep -c '"samples": 0,' "$work/losses.json")" -eq 0 ] || { echo "a device was idle" >"$work/off"; return 1; }
    paste "$work/$3" "$work/losses" | awk -v name="$3" '
        { off = $1 - $2; if (off < 0) off = -off; if (off > most) most = off }
        END { printf "%s, %d losses, at most %.1e from those of the CPU", name, NR, most; exit !(NR == 100 && most <= 1e-3) }' \
        >"$work/off"
}

trains() # NAME DEVICES
{
    for one in "lenet 0.003" "mlp 0.01"; do
        : >"$work/off"
        # shellcheck disable=SC2086 # words
        network "$1" "$2" $one
        count "$1: training on $2: $(cat "$work/off")" $?
    done
}

# A driver that ends loops early is to be refused, and no other.
implementation() # NAME
{
    with "$1" "$hsgd" devices >"$work/devices" 2>"$work/said"
    found=$(grep -c '^opencl:' "$work/devices")
    with "$1" ./opencl_loops >"$work/loops"
    loops=$?
    if [ "$found" -eq 0 ]; then
        [ -s "$work/said" ] && [ $loops -eq 1 ]
        count "$1: refused: $(cat "$work/said")" $?
        return
    fi
    count "$1: loops of 65536 iterations" $loops
    operations "$1" "$1"
    if [ "$1" != fpga ]; then # which is no CPU: groups are of 64 items there
        export HSGD_OPENCL_GROUPS=1
        operations "$1" "$1-64"
        unset HSGD_OPENCL_GROUPS
    fi
    with "$1" "$hsgd" selftest --devices opencl >"$work/selftest" 2>&1
    count "$1: selftest: $(tail -n 1 "$work/selftest")" $?
    trains "$1" cpu,opencl
}

# Names, calibrations, models of StarPU and programs of one are not those of the other.
two_at_once()
{
    trains two cpu,opencl:0,opencl:1
    sed -n 's/^ *"name": "\(.*\)",$/\1/p' "$work/losses.json" | sort -u >"$work/names"
    with two "$hsgd" plan --model lenet --devices cpu,opencl:0,opencl:1 --min-share 0.2 2>&1 | tr -s '\n ' '  ' >"$work/plan"
    named=0
    while IFS= read -r name; do grep -Fq "$name" "$work/plan" && named=$((named + 1)); done <"$work/names"
    count "two: hsgd plan has the names of three devices: $(tr '\n' ',' <"$work/names")" "$([ $named -eq 3 ]; echo $?)"
}

absent=
for name in ${ONLY:-pocl intel fpga rusticl two}; do
    [ "$name" != two ] || continue
    if is_there "$name"; then implementation "$name"; else absent="$absent $name"; fi
done
case " ${ONLY:-two} " in *" two "*)
    if is_there pocl && is_there fpga; then two_at_once; else absent="$absent two"; fi ;;
esac
cd "$work" || exit 1
# shellcheck disable=SC2086 # words
[ -z "$columns" ] || awk -v columns="$columns" -f "$srcdir/tests/counts.awk" $columns
[ -z "$absent" ] || echo "not there:$absent (tests/opencl_fetch.sh unpacks them)"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
