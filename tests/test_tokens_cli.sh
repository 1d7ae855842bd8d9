#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# hsgd on a text: characters are learned, resumed to the same weights, evaluated and predicted.
. "${srcdir:-.}/tests/cli.sh"

cat >next.yaml <<'EOF'
hsgd: 2
name: next
inputs: {x: {type: i32, shape: [any]}}
targets: {label: {type: i32, shape: [any]}}
layers:
  - {op: embedding, entries: classes, channels: 16}
  - {op: dense, name: scores, units: classes}
  - {op: softmax_cross_entropy, in: [scores, label]}
  - {op: accuracy, in: [scores, label]}
EOF
awk 'BEGIN { for (i = 0; i < 400; i++) printf "abcd%s", i % 9 ? "" : "\n" }' >alphabet.txt
on="--model next.yaml --data alphabet.txt --window 8 --stride 4 --devices cpu -b 16 --lr 0.05 --sched constant --deterministic"

run data info alphabet.txt
check "a text that was not asked for (exit $code)" "$([ $code -eq 2 ]; echo $?)"
has err 'not recognised.* a text, if --format text says so$'
ok data info alphabet.txt --format text --window 8
says 'alphabet.txt: text, 185 samples of 8 characters, 5 classes'
has out '^test: 20 samples of 8 tokens, 5 classes$'
ok data info alphabet.txt --tokens bytes --test 0 --json
json 'j["summary"] == "text, 12 samples of 128 bytes, 256 classes" and j["test"] is None'
ok data show alphabet.txt --window 6 --rows 2
has out '^abcd.na$'

# ------------------------------------------------------- train, resume, evaluate
ok train $on --epochs 4 --out whole --json
json 'j["test_accuracy"] > 0.85'
has whole/config.yaml '^window: 8$'
ok train $on --epochs 2 --out parts --quiet
ok train --config parts/config.yaml --epochs 4 --out parts --resume --quiet
cmp -s whole/checkpoints/last/model.safetensors parts/checkpoints/last/model.safetensors
check 'weights of a run that was resumed' $?
ok eval --devices cpu --checkpoint whole --json
json 'j["part"] == "test" and j["metrics"]["test"]["accuracy"] > 0.85 and "confusion" not in j'
ok eval --devices cpu --checkpoint whole --data alphabet.txt --window 16 --split train
has out '^accuracy  *0.[89]'
refused '--png: a confusion matrix needs one class per sample, and the model predicts one at each position' eval --devices cpu --checkpoint whole --png new.png

printf 'dab' >ends
ok train --model char-lstm --data alphabet.txt --window 16 --devices cpu -b 16 --lr 0.01 --epochs 8 --out lstm --json
json 'j["test_accuracy"] > 0.85'
ok predict --devices cpu --checkpoint lstm ends --json
json 'j["predictions"][0]["class"] == "c"'

ok predict --devices cpu --checkpoint whole ends --json
json 'j["predictions"][0]["class"] == "c" and len(j["predictions"][0]["probabilities"]) == 5'

# Arrays of integers are tokens, of any length where that is open.
array() # NAME DTYPE SHAPE BYTES
{
    printf '\223NUMPY\1\0\166\0%-117s\n' "{'descr': '$2', 'fortran_order': False, 'shape': ($3), }" >"$1"
    printf "$4" >>"$1"
}
array i1.npy '|i1' '1, 3' '\4\1\2'
array u1.npy '|u1' '1, 3' '\4\1\2'
array i8.npy '<i8' '1, 3' '\4\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0'
array two.npy '|i1' '2, 12' '\1\2\3\4\1\2\3\4\1\2\3\4\1\2\3\4\1\2\3\4\1\2\3\4'
ok predict --devices cpu --checkpoint whole ends i1.npy u1.npy i8.npy two.npy --json
json 'len(j["predictions"]) == 6 and all(p["probabilities"] == j["predictions"][0]["probabilities"] for p in j["predictions"][:4])'
array far.npy '<i2' '2, 2' '\1\0\2\0\3\0\5\0'
refused 'far.npy: value 1 of sample 1 is 5, the training data had 0 to 4' predict --devices cpu --checkpoint whole far.npy
array large.npy '<u4' '1, 1' '\0\0\0\200'
refused 'large.npy: value 0 of sample 0 is 2147483648, a 32-bit integer is expected' predict --devices cpu --checkpoint whole large.npy
array floats.npy '<f4' '1, 2' '\0\0\200\77\0\0\200\77'
refused 'floats.npy: x has floats (2), the training data had integers (8 i32)' predict --devices cpu --checkpoint whole floats.npy
printf 'axb' >odd
refused 'odd: the character "x" is not among the 5 of the training text' predict --devices cpu --checkpoint whole odd
refused '--test "1.5" is not a fraction from 0 to less than 1' data info alphabet.txt --window 8 --test 1.5
finish
