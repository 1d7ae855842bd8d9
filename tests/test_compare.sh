#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# hsgd compare: every combination once; tables, CSV files and pictures agree with
# the runs; what fails, is cut short or interrupted has its reason.
. "${srcdir:-.}/tests/cli.sh"
few='--model mlp-small --threads 1 --optimizer sgd'

lines() # FILE N
{
    check "$1 has $2 lines: $(cat "$1")" "$([ "$(wc -l <"$1")" -eq "$2" ]; echo $?)"
}

picture() # FOLDER: compare.png is an image
{
    mkdir -p "$1-set/train/one" "$1-set/train/two"
    cp "$1/compare.png" "$1-set/train/one/1.png"
    cp "$1/compare.png" "$1-set/train/two/2.png"
    ok data info "$1-set" --json
    json "j['shape'][1:] == [2360, 3] and j['shape'][0] > 1000"
}

python() # NAME SCRIPT: what needs one to look into files
{
    command -v python3 >/dev/null || return
    interpreter -c "import csv, json, math
def table(name): return list(csv.DictReader(open(name)))
def near(text, value): return math.isclose(float(text), value, rel_tol=1e-6)
$2"
    check "$1" $?
}

# ------------------------------------------------------- a list for any option
ok compare --out all -- $few --devices cpu --epochs 1 --lr 0.05 --lr 0.1 --algorithm sync --algorithm=stale -b 64 --flip --flip=false \
    --steps 40
check 'eight runs' "$([ "$(ls -d all/run-00? | wc -l)" -eq 8 ]; echo $?)"
has out '^  1 lr 0.05, algorithm sync, flip true$'
has out '^  8 lr 0.1, algorithm stale, flip false$'
check 'eight ended well' "$([ "$(grep -c ' done$' out)" -eq 8 ]; echo $?)"
has all/run-002/config.yaml '^lr: 0.1'
has all/run-008/config.yaml '^flip: false'
has all/run-008/config.yaml '^batch-size: 64'
has all/compare.svg '4  lr 0.1, algorithm stale, flip true'
lines all/epochs.csv 9
lines all/summary.csv 9
lines all/devices.csv 9
picture all
python 'CSV files hold what the runs have measured' '
summary, epochs, devices = table("all/summary.csv"), table("all/epochs.csv"), table("all/devices.csv")
for i, (s, e, d) in enumerate(zip(summary, epochs, devices)):
    r = json.load(open("all/run-%03d/report.json" % (i + 1)))
    log = [json.loads(l) for l in open("all/run-%03d/log.jsonl" % (i + 1))]
    line = [l for l in log if l["event"] == "epoch"][-1]
    assert s["run"] == e["run"] == d["run"] == str(i + 1) and s["end"] == "done" and s["exit_status"] == "0"
    assert (s["lr"], s["algorithm"], s["flip"]) == (["0.05", "0.1"][i % 2], r["algorithm"], ["true", "false"][i // 4])
    assert near(s["steps"], r["steps"]) and near(s["seconds"], r["seconds"]) and near(s["loss"], r["train_loss"])
    assert near(s["test_accuracy"], r["test_accuracy"]) and near(s["best_validation_accuracy"], r["validation_accuracy"])
    assert near(e["loss"], line["loss"]) and near(e["validation_loss"], line["validation_loss"])
    assert near(e["seconds"], r["seconds"]) and near(e["epochs"], 40 / 172) and near(s["epochs"], 40 / 172)
    assert d["device"] == "cpu" and float(d["updates"]) == 40 and float(d["samples"]) == 40 * 64
    assert near(d["busy_seconds"], r["devices"][0]["busy_seconds"]) and 0 < float(d["busy_fraction"]) <= 1.05
    assert near(d["busy_fraction"], float(d["busy_seconds"]) / float(s["seconds"])) and float(d["mean_batch_size"]) == 64
    stale = r["server"] is not None
    assert (float(s["merges"]) == r["server"]["merges"] and float(d["mean_staleness"]) == 0 and
            float(d["stale_fraction"]) == 0) if stale else s["merges"] == d["mean_staleness"] == ""
assert summary[0]["loss"] != summary[1]["loss"]
'

# -------------------------------------------------------- two devices, and JSON
ok compare --out two --json -- $few --devices=cpu,opencl --algorithm hogbatch --algorithm stale --epochs 2
json 'all(r["merges"] > 0 and r["loss"] > 0 for r in j["runs"]) and [r["end"] for r in j["runs"]] == ["done", "done"]'
json 'all(len(r["devices"]) == 2 and len(r["epochs"]) == 2 for r in j["runs"])'
json 'all(sum(d["samples"] for d in r["devices"]) == 22000 for r in j["runs"])'
json '0 < j["runs"][1]["stale_fraction"] < 1 and max(d["largest_staleness"] for d in j["runs"][1]["devices"]) <= 4'
json 'all(d["mean_staleness"] <= d["largest_staleness"] for r in j["runs"] for d in r["devices"])'
json 'j["runs"][0]["options"] == {"model": "mlp-small", "threads": "1", "devices": "cpu,opencl", "epochs": "2",
      "optimizer": "sgd", "algorithm": "hogbatch"}'
json '[d["last_batch_size"] for d in j["runs"][0]["devices"] if d["id"] == "cpu"] == [32]'

# ------------------------------------------------------------ target and time
ok compare --out target --stop-at 0.85 -- $few --devices cpu --epochs 30 --lr 0.1 --lr 1e-12 --patience 2
has out '^  1 .* stop-at +lr 0.1$'
has out '^  2 .* patience +lr 1e-12$'
python 'the first epoch on target is the last' '
one, two = table("target/summary.csv")
last = [e for e in table("target/epochs.csv") if e["run"] == "1"][-1]
assert one["target_epochs"] == one["epochs"] == last["epochs"] and one["target_seconds"] == last["seconds"]
assert float(last["validation_accuracy"]) >= 0.85 and two["target_seconds"] == ""'
ok compare --out time --time-limit 0.3 -- $few --devices cpu --epochs 100000 --algorithm sync --algorithm stale
has out '^  1 .* time-limit +algorithm sync$'
has out '^  2 .* time-limit +algorithm stale$'
python 'the time is that of training' '
for s in table("time/summary.csv"):
    assert 0.3 <= float(s["seconds"]) and float(s["epochs"]) < 100000 and float(s["validation_loss"]) > 0'

# ----------------------------------------------------------- what goes wrong
ok compare --out bad -- $few --devices cpu --epochs 1 --lr 1e3 --lr 0.1 --momentum 0.5 --optimizer adam
has out '^  1 optimizer sgd, lr 1e3$'
check 'one was not finite, two were refused' "$([ "$(grep -Ec ' (not finite|refused)$' out)" -eq 3 ]; echo $?)"
has out '^    the loss of step [0-9]+ is not finite; try a smaller --lr or --clip-grad$'
has out '^  3 optimizer sgd, lr 0.1$'
has out '^  4 optimizer adam, lr 0.1$'
has out '^    --momentum 0.5 is incompatible with --optimizer adam$'
has bad/summary.csv '^1,"optimizer sgd, lr 1e3","sgd","1e3",not finite,3,"the loss of step [0-9]+ is not finite'
has bad/summary.csv '^2,"optimizer adam, lr 1e3","adam","1e3",refused,2,'
picture bad
run compare --out none -- $few --devices cpu --data nowhere --data nowhere/where/a/path/as/long/as/this/one/leads/to/the-end
check "exit status $code when nothing was trained" "$([ $code -eq 2 ]; echo $?)"
has none/summary.csv '^1,"data nowhere","nowhere",refused,2,"--data ""nowhere"": '
has out '^  2 data \.\.\.ath/as/long/as/this/one/leads/to/the-end$'

"$hsgd" compare --out cut -- $few --devices cpu --epochs 100000 --lr 0.1 --lr 0.2 >out 2>err &
pid=$!
for _ in $(seq 120); do
    grep -q '"epoch"' cut/run-001/log.jsonl 2>/dev/null && break
    sleep 0.5
done
kill -TERM $pid
wait $pid
code=$?
check "exit status $code after SIGTERM" "$([ $code -eq 143 ]; echo $?)"
has out '^  1 .* interrupted +lr 0.1$'
has cut/summary.csv '^1,"lr 0.1","0.1",interrupted,143,"stopped by SIGTERM at step '
lines cut/summary.csv 2
check 'the run has its checkpoint' "$([ -e cut/run-001/checkpoints/last ]; echo $?)"
check 'no other was begun' "$([ ! -e cut/run-002 ]; echo $?)"

# ------------------------------------------------------------ wrong arguments
refused '--out is missing: the folder for the runs' compare -- --model mlp
refused '--out "all": File exists' compare --out all -- --model mlp
refused 'after "--" come options of train, not "mlp"' compare --out new -- mlp
refused '"hsgd train" has no option "--speed"' compare --out new -- --speed 3
refused '--lr "fast" is not a number from 1e-12 to 1000' compare --out new -- --lr 0.1 --lr fast
refused '--lr "0.1" appears twice' compare --out new -- --lr 0.1 --lr 0.1
refused '--stop-at "2" is not a number from 0 to 1' compare --out new --stop-at 2 -- --model mlp
refused '--time-limit "-1" is not a number from 0 to 1000000000' compare --out new --time-limit -1 -- --model mlp
for option in --json --quiet --resume --dry-run --help --out=x; do
    refused "\"hsgd compare\" sets ${option%=x} itself" compare --out new -- --model mlp $option
done
check 'nothing was made' "$([ ! -e new ]; echo $?)"

finish
