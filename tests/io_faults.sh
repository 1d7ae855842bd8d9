#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Every nth write, fsync and rename of a run fails once with ENOSPC or EIO: a
# message, training goes on or ends with status 1, and the checkpoints that are
# there load.  STRIDE: hits every so manyth call; unset: four of each kind.
srcdir=$(cd "${srcdir:-.}" && pwd)
. "$srcdir/tests/cli.sh"
. "$srcdir/tests/shim.sh"
opts="--model linear --devices cpu --threads 1 --deterministic --steps 30 --checkpoint-every 10"

shimmed() # WHAT AT ERRNO
{
    rm -rf run report
    SHIM_PATH=run/ SHIM_WHAT=$1 SHIM_AT=$2 SHIM_ERRNO=$3 SHIM_REPORT=$dir/report \
        LD_PRELOAD=$shim "$hsgd" train $opts --out run --quiet >out 2>err
    code=$?
}

loads() # the newest checkpoint is whole
{
    [ ! -d run/checkpoints ] || [ -z "$(find run/checkpoints -name "step-*")" ] ||
        "$hsgd" train --out run --resume --dry-run --quiet >/dev/null 2>&1
}

# A folder that cannot be synced loses no file, and only checkpoints insist.
# Some calls depend on time, so that the last ones may not come.
says_so()
{
    [ -s err ] || ! grep -q ^hit report || grep -q '^hit fsync folder' report
}

fault() # WHAT AT ERRNO
{
    shimmed "$@"
    [ $code -eq 0 ] || [ $code -eq 1 ]
    check "$* ($(head -1 report)): exit $code: $(cat err)" $?
    says_so
    check "$* ($(head -1 report)): no message" $?
    grep -Evq '^hsgd: ' err
    [ $? -ne 0 ]
    check "$* ($(head -1 report)): $(cat err)" $?
    loads
    check "$* ($(head -1 report)): the checkpoint does not load" $?
    if [ $code -eq 0 ]; then
        cmp -s run/checkpoints/step-30/model.safetensors whole/checkpoints/step-30/model.safetensors
        check "$* ($(head -1 report)): training went on, to other weights" $?
    fi
}

ok train $opts --out whole
for what in write fsync rename; do
    shimmed $what 0 0
    calls=$(sed -n 's/^calls //p' report | tail -1)
    [ "$calls" -ge 5 ]
    check "$what: $calls calls" $?
    for at in $(seq 1 "${STRIDE:-$((calls / 4 + 1))}" "$calls"); do
        fault $what "$at" $((at % 2 ? 28 : 5)) # ENOSPC or EIO
    done
    echo "$what: $calls calls in a run"
done
finish
