#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# hsgd calibrate: what is kept of this machine, what is measured again, and what is removed.
. "${srcdir:-.}/tests/cli.sh"
export STARPU_HOSTNAME=node HSGD_SLOW=cpu:30us
models=$STARPU_HOME/.starpu/sampling/codelets/45 bus=$STARPU_HOME/.starpu/sampling/bus
mkdir -p "$models" "$bus" "$HSGD_CACHE_DIR"
device="--model mlp-small --devices cpu --threads 1 -b 32"
kept() { find "$HSGD_CACHE_DIR" -name 'calibration-node-*' -newermt 2010-01-01; }
count() { find "$1" -name "$2" | wc -l; }
# Old, and with repeats that differ by so much.
age() # SPREAD
{
    sed -i -e 's/^taken .*/taken 2001-01-01T00:00:00Z/' -e "s/^\(step [^ ]* [^ ]*\) .*/\1 $1/" "$one"
}
old() { grep -q '^taken 2001' "$one"; }

# ---------------------------------------------------------- of whom files are
ok calibrate
says 'nothing is kept'
for i in $(seq 10 79); do
    printf '8 0.5\n16 0.5\n32 0.5\n' >"$HSGD_CACHE_DIR/calibration-node-000000000000000000000000000000$i"
    : >"$models/hsgd_mlp-small_slice_00000000000000$i.node"
done
foreign="$models/application.node $models/hsgd_application.node $models/hsgd_mlp-small_slice_00000000000000aa.other
    $models/hsgd_mlp-small_slice_00000000000000AA.node $models/hsgd__slice_00000000000000aa.node
    $bus/node.config $bus/other_hsgd_1-3_2.config $bus/node_hsgd_x.config
    $HSGD_CACHE_DIR/calibration-other-00000000000000000000000000000000 $HSGD_CACHE_DIR/calibration-node-short"
# shellcheck disable=SC2086 # paths
touch $foreign "$models/hsgd_lenet_step_00000000000000aa.node"
touch -d 2001-01-01 "$HSGD_CACHE_DIR"/* "$models"/*
ok calibrate
says 'nothing is kept'

# ---------------------------------------------------------------- measuring
ok calibrate $device
has out '^mlp-small: adam, input 28x28x1, 1 device in use, HSGD_SLOW=cpu:30us$'
one=$(kept)
head -n 1 "$one" | grep -q '^hsgd calibration 2$' && grep -q '^network mlp-small$' "$one"
check "it says what it is: $(cat "$one")" $?
[ "$(count "$HSGD_CACHE_DIR" 'calibration-node-00000000*')" -eq 64 ] && [ "$(count "$models" 'hsgd_mlp-small_slice_*.node')" -le 66 ]
check "many are limited: $(count "$HSGD_CACHE_DIR" '*'), $(count "$models" '*')" $?
[ -e "$models/hsgd_lenet_step_00000000000000aa.node" ]
check "those of others are not" $?
ok calibrate --json
json 'len(j["calibrations"]) == 1 and [s["rows"] for s in j["calibrations"][0]["sizes"]] == [8, 16, 32]'
json 'all(30e-6 * s["rows"] <= s["seconds"] < 0.5 for s in j["calibrations"][0]["sizes"])'

age 0.0100
before=$(cksum <"$one")
ok calibrate $device
has out '^cpu .* 1%  2001-01-01 00:00$'
ok calibrate --show --model lenet
says 'nothing is kept'
[ "$(cksum <"$one")" = "$before" ]
check "what is known is not measured again" $?
ok calibrate $device --force
! old
check "but it is with --force" $?
age 0.3000
ok calibrate --json
json 'j["calibrations"][0]["noisy"]'
ok calibrate $device
! old
check "a busy machine is measured again" $?

# -------------------------------------------------------- damaged, other forms
whole=$(cat "$one")
for damage in '$d' '2,8d' 's/^step 16 .*/step 16 -1 0.1/' 's/^taken .*/taken now/' '1s/2/3/'; do
    echo "$whole" | sed "$damage" >"$one"
    ok calibrate
    says 'nothing is kept'
done
printf '8 0.5\n16 0.5\n32 0.5\n' >"$one"
ok calibrate $device -v
has err '^hsgd: .*/calibration-node-[0-9a-f]* is damaged, or of another version: it is not used$'
has "$one" '^hsgd calibration 2$'

# ------------------------------------------------------------------ clearing
: >"$bus/node_hsgd_1-3_2.config"
ok calibrate --clear --model lenet
[ ! -e "$models/hsgd_lenet_step_00000000000000aa.node" ] && [ "$(kept)" = "$one" ] && [ -e "$bus/node_hsgd_1-3_2.config" ]
check "one network: $(cat out)" $?
ok calibrate --clear --json
json 'j["calibrations"] >= 65 and j["models"] >= 64 and j["transfers"] > 0'
[ -z "$(kept)" ] && [ ! -e "$bus/node_hsgd_1-3_2.config" ]
check "all that is hsgd's: $(find "$HSGD_CACHE_DIR" "$STARPU_HOME")" $?
# shellcheck disable=SC2086 # paths
ls $foreign >/dev/null 2>err
check "and nothing else: $(cat err)" $?

# -------------------------------------------------------------------- bad use
refused '--force is incompatible with --show' calibrate --show --force --model mlp-small
refused '--clear is incompatible with --show' calibrate --show --clear
refused '--devices needs --model' calibrate --devices cpu
refused '--batch-size is incompatible with --clear' calibrate --clear -b 32
begins '--model is missing' calibrate --force
export HSGD_CACHE_DIR=/dev/null/cache
begins '/dev/null/cache/calibration-node-' calibrate $device
finish
