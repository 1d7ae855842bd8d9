#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# hsgd tune: what it writes and says in a second, what it leaves out, and wrong input.
. "${srcdir:-.}/tests/cli.sh"

ok tune --model linear --devices cpu --batch-size 64 --time 1 --seed 3 --json
json 'j["trials"] >= 1 and j["model"] == "linear" and j["data"] == "digits" and j["files_written"]'
json 'j["order"][0]["settings"] == "default" and j["order"][0]["samples_per_second"] > 0'
json 'j["better"] or j["chosen"] == {}'
json '{r["setting"] for r in j["reasons"]} >= {"devices", "threads", "STARPU_SCHED", "HSGD_ISA", "slices"}'
json '[r["left_out"] for r in j["reasons"] if r["setting"] == "devices"] == ["--devices cpu is given"]'
json '[r["left_out"] for r in j["reasons"] if r["setting"] == "batch-size"] == ["--batch-size is no list"]'
has tune.yaml '^model: "linear"$'
has tune.yaml '^batch-size: 64$'
has tune.yaml '^devices: "cpu"$'
sh -eu ./tune.sh
check 'a shell reads tune.sh' $?
ok train --config tune.yaml --steps 1 --out run --quiet
has run/config.yaml '^batch-size: 64$'
refused './tune.yaml exists; --out names another folder' tune --model linear --time 1

# With a list of batch sizes, and nothing that changes bits but these.
STARPU_SCHED=eager HSGD_EXECUTOR=insert
export STARPU_SCHED HSGD_EXECUTOR
ok tune --model linear --devices cpu --threads 1 --batch-size 64,128 --deterministic --time 1 --seed 3 --out more
unset STARPU_SCHED HSGD_EXECUTOR
says 'linear on digits'
says 'HSGD_ISA not searched: it may change bits, and --deterministic is given'
says 'slices not searched: it may change bits, and --deterministic is given'
says '--threads 1 is given'
says 'STARPU_SCHED=eager is set'
says 'HSGD_EXECUTOR=insert is set'
has out '^ +[0-9]+ .* default$'
has more/tune.yaml '^deterministic: true$'
has more/tune.yaml '^batch-size: (64|128)$'

# An interrupt ends it, and its trial, without files.
"$hsgd" tune --model linear --devices cpu --time 60 --out stopped >out 2>err &
await [ -d stopped ]
kill -INT $!
wait $!; code=$?
check "an interrupt ends it ($code)" "$([ $code -eq 130 ]; echo $?)"
has err 'stopped by SIGINT'
[ ! -e stopped ]
check 'no file after an interrupt' $?

refused '--model is missing; it is one of '"$("$hsgd" models --json | sed -n 's/.*"name": "\(.*\)",*/\1/p' |
    paste -sd, | sed 's/,/, /g')" tune
refused '--batch-size "x" is not an integer from 1 to 1048576' tune --model linear --out new --batch-size 64,x
refused '--time "0" is not a number from 1 to 1000000' tune --model linear --out new --time 0
refused '"hsgd tune" does not take "more"' tune --model linear more
begins '--data "none": ' tune --model linear --data none --out new
[ ! -e new ]
check 'nothing written' $?
finish
