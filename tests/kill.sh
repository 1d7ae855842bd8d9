#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# kill -9 at random moments, some of them inside write, fsync and rename, with
# a checkpoint every 5 steps: the newest checkpoint always loads, and the run
# ends with the weights of one that was never interrupted.
# ROUNDS: how many kills (6); every other round tries one inside a call.
srcdir=$(cd "${srcdir:-.}" && pwd)
. "$srcdir/tests/cli.sh"
. "$srcdir/tests/shim.sh"
rounds=${ROUNDS:-6} i=0 inside=0 outside=0 finished=0
opts="--model mlp-small --devices cpu --threads 1 --deterministic --steps 150 --checkpoint-every 5 --checkpoint-hist 2"

random() # N: 0 to N-1
{
    echo $(($(od -An -N4 -tu4 /dev/urandom) % $1))
}

newest() # the step of the newest checkpoint; -1: none
{
    ls run/checkpoints 2>/dev/null | sed -n 's/^step-//p' | sort -n | tail -1 | grep . || echo -1
}

kill_inside() # dies in one of its calls
{
    SHIM_PATH=run/ SHIM_WHAT=any SHIM_AT=$((1 + $(random 600))) SHIM_ERRNO=0 SHIM_REPORT=$dir/report \
        LD_PRELOAD=$shim "$hsgd" train $opts --out run --resume --quiet >out 2>err
    code=$?
    grep -q ^hit report 2>/dev/null && inside=$((inside + 1))
    rm -f report
}

kill_outside() # dies at some time
{
    "$hsgd" train $opts --out run --resume --quiet >out 2>err &
    pid=$!
    sleep 0.$((10 + $(random 80)))
    kill -9 $pid 2>/dev/null && outside=$((outside + 1))
    wait $pid 2>/dev/null
    code=$?
}

check_whole() # the finished run is the one that was never interrupted
{
    cmp -s run/checkpoints/step-150/model.safetensors whole/checkpoints/step-150/model.safetensors
    check "the weights after interruptions" $?
    finished=$((finished + 1))
    rm -rf run
}

ok train $opts --out whole
while [ $((inside + outside)) -lt "$rounds" ]; do
    i=$((i + 1))
    if [ $((i % 2)) -eq 0 ]; then kill_inside; else kill_outside; fi
    [ $code -eq 0 ] || [ $code -eq 137 ]
    check "round $i: exit $code: $(cat err)" $?
    step=$(newest)
    run train $opts --out run --resume --dry-run --json
    check "round $i: step $step does not load: $(cat err)" $code
    json "j['resume_step'] == ($step if $step >= 0 else None)"
    if [ "$step" -eq 150 ]; then check_whole; fi
done
ok train $opts --out run --resume
find run/checkpoints -name '.tmp*' | grep -q .
[ $? -ne 0 ] && [ "$(readlink run/checkpoints/last)" = step-150 ]
check "nothing half-written is left" $?
check_whole
echo "$inside kills inside calls, $outside at other times, $finished runs finished"
finish
