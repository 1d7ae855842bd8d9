#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# hsgd plan: a plan made, written, read again and drawn; bad plan files.
. "${srcdir:-.}/tests/cli.sh"

xml() # FILE: well-formed
{
    if command -v python3 >/dev/null; then
        interpreter -c 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])' "$1"
        check "$1 is well-formed" $?
    fi
}

# ---------------------------------------------------- a plan of two devices
ok plan --model mlp --batch-size 64 --devices cpu,opencl --threads 1 --algorithm dpsgd --json --svg step.svg
xml step.svg
has step.svg 'mlp, a step of 64 samples'
has step.svg 'predicted: [0-9.]+ ms'
has step.svg 'measured: step [0-9]+, of median length'
json 'sum(d["share"] for d in j["devices"]) > 0.999 and all(d["idle_ms"] >= 0 for d in j["devices"])'
json 'all(len(c["reason"]) > 9 and c["start_ms"] >= 0 and c["end_ms"] > c["start_ms"] for c in j["cells"])'
json 'len(j["candidates"]) >= 4 and all(c["predicted_ms"] > 0 and c["algorithm"] for c in j["candidates"])'
json 'all(sum(c["predicted_ms"] for c in j["cells"] if c["device"] == d["id"]) / d["workers"]
    - j["predicted_step_ms"] < 1e-6 for d in j["devices"])'
json 'all(abs(d["predicted_ms"] + d["to_ms"] + d["from_ms"] + d["waiting_ms"]
    - d["workers"] * j["predicted_step_ms"]) < 1e-6 for d in j["devices"])'
json 'all(c["runs"] == 20 and c["worker"] == 0 for c in j["cells"])'
json 'all(c["bytes"] > 4 * 32 * 784 for c in j["cells"] if c["rows"])'

# ------------------------------------------------------------------ of a run
mkdir run
cp out run/plan.json
ok plan run --json --svg again.svg
for plan in out run/plan.json; do sed -n '/"cells": \[/,$p' "$plan" >"$plan.cells"; done
[ -s out.cells ] && cmp -s out.cells run/plan.json.cells # sums over devices may differ in the last digit
check 'a plan read and written again is the same' $?
[ "$(grep -c '<title>' again.svg)" -eq "$(grep -c '<title>' step.svg)" ] # coordinates may differ in the last digit
check 'as many bars in its picture' $?
ok plan run
has out '^slice on cpu +cpu '
has out '^opencl:0, [0-9]+ cells +[0-9.]+%'
has out '^slice on opencl:0 +equal shares, by the algorithm'
has out '^update on cpu +the parameters live in main memory'

ok train --model linear --devices cpu --threads 1 --steps 20 -b 1024 --out short --quiet
ok plan short --json
json 'sum(c["measured_ms"] for c in j["cells"]) <= j["measured_step_ms"]'
json 'all(0 < d["busy_fraction"] <= 1 for d in j["devices"])'

# --------------------------------------------------------------- of replicas
ok plan --model mlp --batch-size 64 --devices cpu,opencl --threads 1 --algorithm local --json
json 'set(c["replica"] for c in j["cells"]) == {0, 1} and j["predicted_step_ms"] > 0'
json 'all(c["rows"] == 32 for c in j["cells"] if c["name"].startswith("step"))'
json 'all(sum(c["name"].startswith("step") and c["replica"] == r for c in j["cells"]) == 3 for r in (0, 1))'
json 'all(c["runs"] > 0 and c["measured_ms"] > 0 for c in j["cells"])'
json '[c["algorithm"] for c in j["candidates"] if c["chosen"]] == ["local"]'
mkdir replicas
cp out replicas/plan.json
ok plan replicas
has out '^replica 1$'
has out '^step on cpu +batches of its own, as the algorithm says'
refused '--svg "step.svg": replicas have no common step to draw' plan replicas --svg step.svg

# --------------------------------------------------------------- wrong input
begins 'unable to open none/plan.json' plan none
refused '--model is incompatible with the run "run"' plan run --model mlp
refused '--data is incompatible with the run "run"' plan run --data digits
refused '"hsgd plan" does not take "more"' plan run more
begins '--svg "none/x.svg": ' plan run --svg none/x.svg
mkdir bad
bad() # MESSAGE SED-SCRIPT: the plan changed by the script is refused
{
    sed "$2" run/plan.json >bad/plan.json
    refused "bad/plan.json: $1" plan bad --svg bad/x.svg
    [ ! -e bad/x.svg ]
    check 'nothing written' $?
}
bad 'version is not an integer from 1 to 1' 's/"version": 1/"version": 2/'
bad 'model is not text of at most 63 bytes' '/"model"/d'
bad 'batch_size is not an integer from 1 to 1048576' 's/"batch_size": 64/"batch_size": 1e99/'
bad 'batch_size is not an integer from 1 to 1048576' 's/"batch_size": 64/"batch_size": 0/'
bad 'measured_step_ms is not a time from 0 to 1e9 ms or null' 's/"measured_step_ms": /&-/'
bad 'devices[0].workers is not an integer from 1 to 4096' 's/"workers": 1/"workers": 2000000000/'
bad 'devices[1].kind is not text of at most 15 bytes' 's/"kind": "cpu"/"kind": "a kind of device that is too long"/'
bad 'devices is not a list of 1 to 4096 objects' 's/"devices": /"devices": [], "old": /'
bad 'cells is not a list of 1 to 4096 objects' 's/"cells": \[/"cells": 3, "old": [/'
bad 'cells[0].rows is not an integer from 0 to 64' '/"name": "slice on/,$s/"rows": [0-9]*/"rows": 65/'
bad 'cells[0].worker is not a worker of its device' 's/"worker": 0/"worker": 7/'
bad 'cells[0].device is not the id of one of the devices' 's/"device": "[a-z:0-9]*"/"device": "tpu"/'
bad 'cells[0].end_ms is not a time from 0 to 1e9 ms or null' 's/"end_ms": .*/"end_ms": "soon"/'
echo '[]' >bad/plan.json
refused 'bad/plan.json: not a JSON object' plan bad
echo '{"version": 1, "version": 1}' >bad/plan.json
begins 'bad/plan.json: line 1: duplicate object key' plan bad
: >bad/plan.json
begins 'bad/plan.json: line 1: ' plan bad
finish
