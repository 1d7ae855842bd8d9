#!/bin/sh
# hsgd compare: every combination once; the table, compare.csv and the picture.
. "${srcdir:-.}/tests/cli.sh"

ok compare --out all --target 0.5 -- --model mlp-small --threads 1 --devices cpu --steps 40 --epochs 1 \
    --optimizer=sgd --lr 0.05 --lr 0.1 --algorithm sync --algorithm stale
check 'four runs' "$([ "$(ls -d all/run-00? | wc -l)" -eq 4 ]; echo $?)"
has out '^lr 0.05, algorithm sync +1 '
has out '^lr 0.1, algorithm stale +1 .* cpu 100%'
check 'a line per epoch' "$([ "$(wc -l < all/compare.csv)" -eq 5 ]; echo $?)"
has all/compare.csv '^4,"lr 0.1, algorithm stale",1,'
has all/compare.svg 'lr 0.05, algorithm stale'
has all/run-002/config.yaml 'lr: 0.1'

refused '--out is missing: the folder for the runs' compare -- --model mlp
refused '--out "all": File exists' compare --out all -- --model mlp
refused 'after "--" come options of train, not "mlp"' compare --out new -- mlp
refused '"hsgd compare" decides about --json itself' compare --out new -- --model mlp --json
check 'nothing was made' "$([ ! -e new ]; echo $?)"

finish
