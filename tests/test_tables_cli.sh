#!/bin/sh
# hsgd's options for tables and arrays, and what it says of them.
. "${srcdir:-.}/tests/cli.sh"

train="train --model linear --devices cpu --validation 0 --quiet"

# ------------------------------------------------------------------ --stop-at
ok train --model linear --devices cpu --data digits --epochs 9 --stop-at 0.5 --out stop --json
json 'j["end"] == "stop-at" and j["epochs"] < 9 and j["validation_accuracy"] >= 0.5'
has stop/config.yaml '^stop-at: 0.5$'
sed 's/^stop-at/target/' stop/config.yaml >old.yaml
ok train --config old.yaml --out old --json
json 'j["end"] == "stop-at" and j["epochs"] < 9'
has old/config.yaml '^stop-at: 0.5$'
printf 'stop-at: 0.5\ntarget: 0.5\n' >both.yaml
refused 'both.yaml, line 2: "target" is there twice' train --config both.yaml --model linear
refused '"hsgd train" has no option "--target"' train --model linear --target 0.5
refused '--stop-at 0.5 needs validation samples, and --validation "0" leaves none' $train --stop-at 0.5 --out new

finish
