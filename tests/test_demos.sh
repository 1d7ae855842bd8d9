#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The demo trainers learn, and mlp goes on from its checkpoint.
. "${srcdir:-.}/tests/cli.sh"
demos=$build/apps/demos

demo() # NAME ARGS...: must succeed
{
    name=$1
    shift
    "$demos/$name" "$@" >out 2>err
    check "$name $* (exit $?: $(cat err))" $?
}

more() # FIGURE LEAST: the number behind FIGURE in out
{
    sed -n "s/.*$1 \([0-9.]*\) %.*/\1/p" out | tail -n 1 | awk -v least="$2" '{ ok = $1 > least } END { exit !ok }'
    check "$1 is more than $2: $(cat out)" $?
}

demo mlp digits 2 checkpoints
has out '^epoch 2 of 2: loss '
more 'test accuracy' 80
[ -f checkpoints/last/model.safetensors ]
check 'a checkpoint' $?
demo mlp digits 3 checkpoints
has out '^resuming after step 170$'
has out '^epoch 3 of 3: loss '
demo cnn digits 1 weights.safetensors
more 'test accuracy' 80
ok eval --checkpoint weights.safetensors --data digits --json
json 'j["model"] == "cnn-demo" and j["samples"] == 2000'
demo embedded 200
sed -n 's/^step 200: \([0-9.]*\) %.*/\1/p' out | awk '{ ok = $1 > 70 } END { exit !ok }'
check "embedded learns: $(cat out)" $?
"$demos/mlp" missing >out 2>err
[ $? -eq 1 ] && grep -q '^mlp: .*missing' err
check "mlp missing: $(cat err)" $?
"$demos/cnn" digits 0 >out 2>err
[ $? -eq 2 ] && grep -q '^usage: cnn ' err
check "cnn digits 0: $(cat err)" $?
finish
