#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# hsgd generate: text of a model that keeps keys and values, of one that keeps nothing, and of bytes; bad input.
. "${srcdir:-.}/tests/cli.sh"

model() # NAME CONTEXT: a small decoder
{
    cat <<EOF >"$1.yaml"
hsgd: 2
name: $1
inputs: {x: {type: i32, shape: [any]}}
targets: {label: {type: i32, shape: [any]}}
layers:
  - {op: embedding, name: wte, entries: classes, channels: 16}
  - {op: positions, name: wpe, length: 20}
  - {op: dense, name: qkv, units: 48}
  - {op: attention, name: att, heads: 2, causal: true, context: $2}
  - {op: dense, name: out, units: 16}
  - {op: add, name: sum, in: [out, wpe]}
  - {op: dense, name: hidden, units: 32, activation: relu}
  - {op: dense, name: scores, units: classes}
  - {op: softmax_cross_entropy, in: [scores, label]}
EOF
}
model keeps 20
model forgets 0
awk 'BEGIN { for (i = 0; i < 500; i++) printf "ab\303\244d, " }' >text
on='--data text --window 20 --stride 3 --devices cpu -b 32 --lr 0.02 --sched constant --deterministic --epochs 2 --quiet'
ok train --model keeps.yaml $on --out keeps
ok train --model forgets.yaml $on --out forgets
cmp -s keeps/checkpoints/last/model.safetensors forgets/checkpoints/last/model.safetensors # but for the model's text
check 'the files differ' "$([ $? -eq 1 ]; echo $?)"
use='generate --devices cpu --checkpoint'

# ------------------------------------------------------------------- greedy
# Longer than a window, which is all that there are places for.
expected=$(awk 'BEGIN { for (i = 0; i < 18; i++) printf "ab\303\244d, " }')
for name in keeps forgets; do
    run $use $name --prompt 'abäd, ' --length 102 --temperature 0 # one long line
    [ $code -eq 0 ] && [ "$(cat out)" = "$expected" ]
    check "what $name has learned: $(cat out)" $?
done

# ----------------------------------------------------------------- sampling
for name in keeps forgets; do
    ok $use $name --prompt ä --length 20 --seed 5 --temperature 20
    cp out $name.first
    ok $use $name --prompt ä --length 20 --seed 5 --temperature 20
    cmp -s out $name.first
    check "the same seed gives the same text of $name" $?
done
cmp -s keeps.first forgets.first
check "$(cat keeps.first) and $(cat forgets.first)" $?
ok $use keeps --prompt ä --length 20 --seed 6 --temperature 20
check 'another seed gives another text' "$(cmp -s out keeps.first; [ $? -eq 1 ]; echo $?)"
ok $use keeps --prompt 'abäd, ' --length 30 --top-k 1 --temperature 3
[ "$(cat out)" = "$(printf %s "$expected" | head -c 42)" ]
check "the most probable token only: $(cat out)" $?
ok $use keeps --prompt d --length 3 --temperature 0 --json
json 'j == {"text": "d, a", "prompt_tokens": 1, "tokens": 3, "tokens_per_second": j["tokens_per_second"]} and j["tokens_per_second"] > 0'
ok $use keeps --prompt d --length 0
[ "$(cat out)" = d ]
check 'nothing generated' $?

# ------------------------------------------------------------------- bytes
ok train --model keeps.yaml --tokens bytes $on --out bytes
ok $use bytes --prompt 'abäd, ab' --length 3 --temperature 0
[ "$(cat out)" = 'abäd, abäd' ]
check "bytes: $(cat out)" $?

# -------------------------------------------------------------- wrong input
refused '--prompt is missing' $use keeps
refused '--checkpoint is missing' generate --prompt a
refused '--prompt is empty' $use keeps --prompt ''
refused '--prompt: text: the character "x" is not among the 6 of the training text' $use keeps --prompt x
refused '"hsgd generate" does not take "more"' $use keeps --prompt a more
sed 's/any/20/g' keeps.yaml >fixed.yaml
ok train --model fixed.yaml $on --out fixed
run $use fixed --prompt a
[ "$code" -eq 2 ]
check 'a model of one length' $?
has err ': its model takes texts of 20 tokens only, not of any length$'
ok train --model linear --data digits --steps 2 --devices cpu --quiet --out linear
run $use linear --prompt a
[ "$code" -eq 2 ]
check 'a model of images' $?
has err ': it was not trained on a text$'
finish
