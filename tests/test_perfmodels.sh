#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Times of cells in StarPU's own files: whose they are, how many, when none are kept, and what happens to them where
# their folder has gone.
srcdir_abs=$(cd "${srcdir:-.}" && pwd)
. "${srcdir:-.}/tests/cli.sh"
if ! command -v python3 >/dev/null; then echo "skipped: no python3"; exit 77; fi
few="--model mlp-small --threads 1 -b 64 --sched constant --quiet --algorithm data-parallel"
names() { (cd "$STARPU_HOME" && find . -name 'hsgd_*' | sed 's#.*/##; s#_[0-9a-f]*\.[^.]*$##' | sort -u | tr '\n' ' '); }
# Of slices, whose speed is set: StarPU forgets times of a cell that vary too much.
samples() { interpreter "$srcdir_abs/tests/perfmodels.py" "$STARPU_HOME"; }

# ------------------------------------------------------- times of two devices
# A row's time is set, many times what it takes here, and the division is fixed: so are the cells.
export HSGD_SLOW="cpu:150us,opencl:225us"
ok train $few --devices cpu,opencl --steps 70 --out both
for kind in slice gradient update; do
    names | grep -q "hsgd_mlp-small_$kind "
    check "cells of kind $kind: $(names)" $?
done
interpreter "$srcdir_abs/tests/perfmodels.py" "$STARPU_HOME" both/plan.json
check "StarPU's means are the plan's" $?
first=$(samples)
ok train $few --devices cpu,opencl --steps 70 --out again
second=$(samples)
[ "$second" -ge $((first + 20)) ]
check "samples are added: $first, then $second" $?

# ------------------------------------------------------------- what is recorded
speeds=$HSGD_SLOW
unset HSGD_SLOW
export STARPU_CALIBRATE=0
ok train $few --devices cpu,opencl --steps 8 --out none
[ "$(samples)" = "$second" ]
check "nothing with STARPU_CALIBRATE=0" $?
unset STARPU_CALIBRATE
export HSGD_PERFMODELS=0
ok train $few --devices cpu,opencl --steps 8 --out none0
[ "$(samples)" = "$second" ]
check "nothing with HSGD_PERFMODELS=0" $?
HSGD_PERFMODELS=2
refused '--devices "cpu" --threads 1: HSGD_PERFMODELS is "2", not 0 or 1' train $few --devices cpu --steps 2 --out no
unset HSGD_PERFMODELS
export STARPU_CALIBRATE=2 HSGD_SLOW="$speeds"
ok train $few --devices cpu,opencl --steps 20 --out anew
third=$(samples)
[ "$third" -gt 0 ] && [ "$third" -lt "$second" ]
check "anew with STARPU_CALIBRATE=2: $second, then $third" $?

unset STARPU_CALIBRATE HSGD_SLOW

# ------------------------------------------- parts, of a process that was killed
# StarPU ends the process that reads one.
part() # FILE BYTES
{
    head -c "$2" "$1" >part
    cp part "$1"
}
small="--model linear --devices cpu --threads 1 -b 64 --sched constant --quiet --steps 8"
ok train $small --out whole
measured=$STARPU_HOME/.starpu/sampling
step=$(ls "$measured"/codelets/*/hsgd_linear_step_* | head -n 1)
for bytes in 0 9 300 $(($(wc -c <"$step") - 1)); do
    part "$step" "$bytes"
    ok train $small --out "step-$bytes"
done
part "$step" 300
ok train $small --verbose --out told
has err "^hsgd: .*/hsgd_linear_step_.* is damaged: this model of StarPU's begins anew$"
part "$(ls "$measured"/bus/*_hsgd_*.config | head -n 1)" 0
part "$(ls "$measured"/bus/*_hsgd_*.latency | tail -n 1)" 100
ok train $small --verbose --out links
ok train $small --devices cpu,opencl --verbose --out links-of-both
has err "^hsgd: .*/bus/.*_opencl is damaged: transfers are measured again$"

# ------------------------------------------------------- hsgd's own calibrations
kept() { (cd "$HSGD_CACHE_DIR" 2>/dev/null && cksum calibration-* 2>/dev/null); }
ok train $few --algorithm sync --devices cpu,opencl --steps 2 --out plan
before=$(kept)
[ -n "$before" ]
check "calibrations are kept: $before" $?
export HSGD_PLACEMENT=starpu
ok train $few --algorithm sync --devices cpu,opencl --steps 5 --out placed
[ "$(kept)" = "$before" ]
check "HSGD_PLACEMENT=starpu leaves them alone" $?
ok train $few --algorithm sync --slices 4 --devices cpu,opencl --steps 5 --out sliced
[ "$(kept)" = "$before" ]
check "slices leave them alone" $?
export HSGD_CACHE_DIR="$dir/empty"
ok train $few --algorithm sync --devices cpu,opencl --steps 5 --out placed0
[ -z "$(kept)" ]
check "HSGD_PLACEMENT=starpu keeps none: $(kept)" $?
unset HSGD_PLACEMENT
ok train $few --algorithm sync --slices 4 --devices cpu,opencl --steps 5 --out sliced0
[ -z "$(kept)" ]
check "slices keep none: $(kept)" $?

# ------------------------------------------------------- measurements of transfers
# Each set of drivers has one, which other sets leave as it is.
export STARPU_HOME="$dir/bus"
transfers() { (cd "$STARPU_HOME" && find . -path '*bus*' -name '*_hsgd_*' -type f -exec ls -i --time-style=full-iso -l {} +); }
for devices in cpu cpu,opencl; do ok train $few --devices $devices --steps 2 --out "bus-$devices"; done
first=$(transfers)
[ "$(echo "$first" | grep -c opencl)" -ge 3 ] && [ "$(echo "$first" | grep -vc opencl)" -ge 3 ]
check "transfers of both sets: $first" $?
for devices in cpu cpu,opencl; do ok train $few --devices $devices --steps 2 --out "again-$devices"; done
[ "$(transfers)" = "$first" ]
check "they are not measured again" $?
export STARPU_HOME="$dir/starpu"

# ----------------------------------------------------------- any name, no folder
sed 's/^name: .*/name: "a b.c"/' "$srcdir_abs/models/mlp-small.yaml" >odd.yaml
ok train --model odd.yaml --devices cpu --threads 1 -b 64 --steps 20 --quiet --out odd
names | grep -q 'hsgd_a_b_c_step '
check "the name is letters: $(names)" $?
"$hsgd" train $few --devices cpu --steps 100000 --out gone >out 2>err &
child=$!
await logged gone 0
rm -rf "$STARPU_HOME"
kill -INT $child
wait $child
code=$?
[ $code -eq 130 ]
check "its folder is removed: exit $code, $(cat err)" $?
finish
