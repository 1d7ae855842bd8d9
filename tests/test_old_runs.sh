#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs of hsgd 0.2.0 (runs-0.2.0/): evaluated, predicted from, compared, trained from, and resumed to the weights that
# 0.2.0 itself reached, where its bits are known for this machine.
case ${srcdir:-.} in /*) ;; *) srcdir=$PWD/${srcdir:-.} ;; esac
key=$(./test_digests key)
# shellcheck source=tests/cli.sh
. "$srcdir/tests/cli.sh"
old=$srcdir/tests/runs-0.2.0

copy() # RUN FOLDER
{
    cp -R "$old/$1" "$2" && chmod -R u+w "$2"
}

awk 'BEGIN { for (i = 0; i < 3; i++) for (k = 0; k < 784; k++)
    printf "%d%s", (i * 31 + k * 7 + int(k / 28) * 13) % 256, k < 783 ? "," : "\n" }' >rows.csv

resumed() # FOLDER STEPS THREADS: prints the digest of the weights
{
    "$hsgd" train --out "$1" --resume --steps "$2" --threads "$3" --json >out 2>err
    check "resuming $1 to step $2: $(cat err)" $?
    sed -n 's/.*"final_weights_sha256": "\([0-9a-f]*\)".*/\1/p' out
}

resume() # RUN: twice, in two steps each
{
    copy "$1" one
    copy "$1" two
    for step in 60 90; do
        digest=$(resumed one $step 1)
        [ ${#digest} -eq 64 ] && [ "$digest" = "$(resumed two $step 2)" ]
        check "$1: step $step with one thread and with two" $?
        want=$(sed -n "s/^$1 $step $key //p" "$old/digests.txt")
        if [ "$want" ]; then
            [ "$digest" = "$want" ]
            check "$1: step $step is $digest, that of 0.2.0 $want" $?
        else echo "  not in runs-0.2.0/digests.txt, so only two resumptions are compared: $1 $step $key"; fi
    done
    rm -r one two
}

for run in direct pooled; do
    copy $run $run
    ok eval --checkpoint $run --devices cpu --threads 1 --json
    json "abs(j['accuracy'] - json.load(open('$run/report.json'))['test_accuracy']) < 2e-4"
    json "abs(j['loss'] - json.load(open('$run/report.json'))['test_loss']) < 1e-4"
    ok predict --checkpoint $run rows.csv --devices cpu --threads 1 --json
    json "all(abs(a - b) < 1e-5 for p, q in zip(j['predictions'], json.load(open('$run/predictions.json'))['predictions']) for a, b in zip(p['probabilities'], q['probabilities'])) and len(j['predictions']) == 3"
    resume $run
done

# The layers of the old model, as a file says it today.
cat >direct.yaml <<'END'
name: direct
layers:
  - {op: conv2d, name: conv, out_channels: 2, kernel: 5, stride: 4, activation: relu}
  - {op: flatten}
  - {op: dense, name: hidden, units: 12, activation: relu}
  - {op: dropout, p: 0.25}
  - {op: dense, name: out, units: classes}
  - {op: softmax_cross_entropy}
END
ok train --model direct.yaml --initial-checkpoint direct/checkpoints/step-30 --devices cpu --threads 1 --steps 1 --lr 1e-9 --json --out from
json "abs(j['test_accuracy'] - json.load(open('direct/report.json'))['test_accuracy']) < 2e-4"
grep -v flatten direct.yaml >unflattened.yaml
refused 'unflattened.yaml:4: dense works on the last axis of 6x6x2: put {op: flatten} before it, or "hsgd: 2" on top if that is meant' \
    train --model unflattened.yaml --devices cpu
ok compare direct pooled
has out 'direct'
says '21.60%'
says '19.50%'
finish
