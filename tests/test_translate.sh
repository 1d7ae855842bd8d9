#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Models that translate: the built-in one on dates and on pairs of one's own, with what the session keeps and without;
# exact matches; bad input.
. "${srcdir:-.}/tests/cli.sh"
root=$(cd "$OLDPWD" && cd "${srcdir:-.}" && pwd)
on='--devices cpu -b 32 --lr 0.002 --sched constant --deterministic --quiet'

# ---------------------------------------------------------------------- dates
ok data info dates
says 'dates: dates, 20000 pairs of at most 32 and 10 characters, 54 classes'
ok data show dates --rows 1
has out '^31 May 1938 -> 1938-05-31$'
for devices in cpu opencl; do
    ok train --model translate --data dates --steps 60 $on --devices $devices --out dates.$devices --json
    json 'j["train_loss"] < 2.2'
    ok eval --checkpoint dates.$devices --devices $devices --json
    json 'j["samples"] == 2000 and j["loss"] < 1.7 and j["exact_match"] < 0.1 and
        abs(j["metrics"]["test"]["perplexity"] - math.exp(j["loss"])) < 1e-4 * j["metrics"]["test"]["perplexity"]'
done
ok generate --devices cpu --checkpoint dates.cpu --prompt '7 August 1991' --json
json 'j["prompt_tokens"] == 13 and j["tokens"] == 10 and len(j["text"]) == 10'

# ---------------------------------------------------------------- one's pairs
# The letters of the source in upper case and their number, by a model whose session keeps keys and values, and by one
# whose session does not.
awk 'BEGIN {
    srand(7)
    for (i = 0; i < 1500; i++) {
        source = ""
        for (k = int(4 * rand()); k >= 0; k--) source = source substr("abcdef", 1 + int(6 * rand()), 1)
        printf "%s\t%s%s\n", source, toupper(source), length(source)
    }
}' >pairs.tsv
sed 's/name: translate/name: forgets/; s/, context: 64//' "$root/models/translate.yaml" >forgets.yaml
ok data info pairs.tsv --format pairs
says 'pairs.tsv: pairs, 1350 pairs of at most 4 and 5 characters, 18 classes'
for name in translate forgets.yaml; do
    run=${name%.yaml}
    ok train --model $name --data pairs.tsv --format pairs $on --epochs 12 --out "$run"
    ok eval --checkpoint "$run" --devices cpu --json
    json 'j["samples"] == 150 and j["exact_match"] > 0.9 and j["loss"] < 0.1'
    sed -n 's/^  "\(loss\|exact_match\)": //p' out >"$run.eval"
    for prompt in a fade bead cc; do
        ok generate --devices cpu --checkpoint "$run" --prompt $prompt
        cat out >>"$run.said"
    done
done
[ "$(wc -l <translate.eval)" -eq 2 ] && cmp -s translate.eval forgets.eval && cmp -s translate.said forgets.said
check "with what the session keeps and without: $(cat translate.said forgets.said)" $?
printf 'A1\nFADE4\nBEAD4\nCC2\n' | cmp -s - translate.said
check "what was learned: $(cat translate.said)" $?
ok generate --devices opencl --checkpoint translate --prompt fade --length 2
[ "$(cat out)" = FA ]
check "the first tokens: $(cat out)" $?
ok eval --checkpoint translate --devices opencl
has out '^exact match +[0-9.]+%$'
printf 'abba\tABBA4\n' >other
ok eval --checkpoint translate --devices cpu --data other --json
json 'j["samples"] == 1 and j["part"] == "all" and j["exact_match"] == 1'
ok train --model translate --data pairs.tsv --format pairs --test 0.5 --validation other --steps 3 $on --out half --json
json 'j["steps"] == 3'

# A recurrent decoder, whose session keeps its state (doc/models.md).
cat >recurrent.yaml <<'EOT'
hsgd: 2
name: recurrent
inputs: {x: {type: i32, shape: [any]}, length: {type: i32}, previous: {type: i32, shape: [any]}}
targets: {label: {type: i32, shape: [any]}}
layers:
  - {op: embedding, name: embedding, in: x, entries: classes, channels: 64}
  - {op: gru, name: encoder, in: [embedding, length], hidden: 32, bidirectional: true}
  - {op: layer_norm, name: memory}
  - {op: embedding, name: embedding_previous, in: previous, entries: classes, channels: 64, weights: embedding}
  - {op: gru, name: decoder, hidden: 64}
  - {op: attention, name: attends, in: [decoder, memory, memory, length], heads: 4}
  - {op: add, in: [attends, decoder]}
  - {op: dense, name: scores, units: classes}
  - {op: softmax_cross_entropy, in: [scores, label], has_ignore: true, ignore: 0}
  - {op: accuracy, in: [scores, label], has_ignore: true, ignore: 0}
results: {logits: scores, memory: memory}
EOT
ok train --model recurrent.yaml --data pairs.tsv --format pairs $on --lr 0.01 --epochs 8 --out recurrent
ok eval --checkpoint recurrent --devices cpu --json
json 'j["exact_match"] > 0.8'

# ---------------------------------------------------------------- wrong input
use='generate --devices cpu --checkpoint translate'
weights=translate/checkpoints/best/model.safetensors
refused '--prompt: text: the character "x" is not among the 18 of the training text' $use --prompt abx
refused '--prompt is empty' $use --prompt ''
refused '--prompt has the control character U+0003' $use --prompt "$(printf 'a\003')"
refused "--temperature: $weights translates, by the most probable token each time" $use --prompt a --temperature 1
long=$(printf '%065d' 0 | tr 0 a)
refused "$weights: model \"translate\", layer 2 (positions): 65 positions are more than length, 64" $use --prompt "$long"
printf 'abba\tABBAAA\n' >longer
refused '--data "longer": longer: line 1: the target has 6 characters, in the training data at most 5' \
    eval --checkpoint translate --devices cpu --data longer
printf 'a\n' >input
refused "$weights: its model translates texts, which is done by \"hsgd generate\"" \
    predict --devices cpu --checkpoint translate input
refused '--model "translate": x is any i32, but the data has 28x28x1' \
    train --model translate --data digits --devices cpu --out new
begins '--data "pairs.tsv": data set "pairs.tsv": --window, --stride, --tokens and a fraction as --test are of texts' \
    train --model translate --data pairs.tsv --format pairs --window 4 --devices cpu --out new
sed '/^results:/d' "$root/models/translate.yaml" >nothing.yaml
ok train --model nothing.yaml --data pairs.tsv --format pairs --steps 2 $on --out nothing
refused 'nothing/checkpoints/best/model.safetensors: model "translate" has no result "memory"' \
    generate --devices cpu --checkpoint nothing --prompt a
finish
