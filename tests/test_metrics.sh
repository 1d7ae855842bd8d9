#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Losses and metrics of a model by their names: tables, reports, logs, the best
# epoch, comparisons.
. "${srcdir:-.}/tests/cli.sh"
use='--devices cpu --threads 1'

# A class by the larger of three sums.
awk 'BEGIN { srand(3); print "a,b,c,label"; for (i = 0; i < 300; i++) { a = rand(); b = rand(); c = rand()
    k = a > b ? (a > c ? "x" : "z") : (b > c ? "y" : "z"); printf "%.4f,%.4f,%.4f,%s\n", a, b, c, k } }' >table.csv
cat >model.yaml <<'END'
hsgd: 2
name: two
layers:
  - {op: flatten}
  - {op: dense, name: hidden, units: 8, activation: tanh}
  - {op: dense, name: scores, units: classes}
  - {op: softmax_cross_entropy, name: entropy, weight: 0.5}
  - {op: mse, name: squares, in: [scores, label], weight: 2}
  - {op: top_k, name: top_2, k: 2, in: [scores, label]}
  - {op: perplexity, in: [scores, label]}
END
fast="--model ./model.yaml --data table.csv -b 32 --lr 0.02 --sched constant --deterministic $use"

# ------------------------------------------------------------ tables, reports
ok train $fast --epochs 4 --validation 0.2 --out plain
has out '^epoch +loss +train acc +val acc +samples/s +seconds$'
has out '^best validation accuracy '
ok train $fast --epochs 4 --validation 0.2 --best perplexity --out named
has out '^epoch +loss train perple +val perplexi +samples/s +seconds$'
has out '^best validation perplexity [0-9.]+ at step [0-9]+$'
ok train $fast --epochs 4 --validation 0.2 --best squares --out squares --json
json 'set(j["metrics"]["validation"]) == {"loss", "accuracy", "entropy", "squares", "top_2", "perplexity"}'
json 'j["best_metric"] == "squares" and j["metrics"]["test"] is None'
json 'all(abs(m["loss"] - 0.5 * m["entropy"] - 2 * m["squares"]) < 1e-6 for m in [j["metrics"][k] for k in
    ("train", "validation", "best")])'
json 'abs(j["metrics"]["validation"]["perplexity"] - __import__("math").exp(j["metrics"]["validation"]["entropy"])) < 1e-4'
json 'j["metrics"]["validation"]["top_2"] >= j["validation_accuracy"] == j["metrics"]["validation"]["accuracy"]'
has squares/log.jsonl '"validation_squares": ?0'
ok eval $use --checkpoint squares --data table.csv --json
json 'j["metrics"]["all"]["top_2"] >= j["accuracy"] and j["metrics"]["all"]["squares"] > 0'
ok eval $use --checkpoint squares --data table.csv
has out '^perplexity +[0-9.]+$'

# ------------------------------------------------------------ resume, compare
ok train $fast --epochs 2 --validation 0.2 --best squares --out parts
ok train --resume --out parts --epochs 4
cmp parts/checkpoints/last/model.safetensors squares/checkpoints/last/model.safetensors
check 'the weights of a resumed training' $?
ok compare plain squares named
has out ' 4\.00 .* [0-9.]+% +[0-9.]+ +done'
has out ' 4\.00 .* 0\.[0-9]+ +[0-9.]+ +done'
ok compare plain squares --json
json '[r["best_metric"] for r in j["runs"]] == ["accuracy", "squares"] and 0 < j["runs"][1]["best_validation"] < 1'

# ------------------------------------------------------------------- refusals
begins 'best is "rmse", which model "two" does not measure; it has loss, accuracy, entropy, squares, top_2, perplexity' \
    train $fast --best rmse --out none
begins '--best loss needs validation samples, and --validation "0" leaves none' \
    train $fast --best loss --validation 0 --out none
check 'a refused training leaves no folder' "$([ ! -e none ]; echo $?)"
finish
