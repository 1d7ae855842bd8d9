#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# hsgd eval: scores, the confusion matrix and its picture, bad checkpoints.
. "${srcdir:-.}/tests/cli.sh"
"$build/apps/demos/mlp" digits 2 checkpoints >trained 2>&1
check "the demo trains: $(cat trained)" $?
accuracy=$(sed -n 's/^test accuracy \([0-9.]*\) %.*/\1/p' trained)

# ----------------------------------------------------------------- scores
ok eval --checkpoint checkpoints --devices cpu --json --png confusion.png
json "abs(100 * j['accuracy'] - $accuracy) < 0.006 and 0 < j['loss'] < 1"
json 'j["part"] == "test" and j["samples"] == 2000 and j["data"] == "digits" and j["model"] == "mlp-demo" and j["step"] == 170'
json 'sum(map(sum, j["confusion"])) == 2000 and sum(j["confusion"][i][i] for i in range(10)) / 2000 == j["accuracy"]'
json 'all(c["samples"] == sum(j["confusion"][i]) and c["predicted"] == sum(r[i] for r in j["confusion"]) for i, c in enumerate(j["classes"]))'
json 'all(abs(c["precision"] - j["confusion"][i][i] / c["predicted"]) < 1e-8 and abs(c["recall"] - j["confusion"][i][i] / c["samples"]) < 1e-8 for i, c in enumerate(j["classes"]))'
json 'all(abs(c["f1"] - 2 * c["precision"] * c["recall"] / (c["precision"] + c["recall"])) < 1e-8 for c in j["classes"])'
json 'abs(j["recall"] - sum(c["recall"] for c in j["classes"]) / 10) < 1e-8 and [c["name"] for c in j["classes"]] == list("0123456789")'
[ "$(head -c 8 confusion.png | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ]
check 'a PNG file' $?
ok eval --checkpoint checkpoints/last --devices opencl
has out "^accuracy +$accuracy%"
has out '^class +samples +predicted +precision +recall +F1'
has out '^9 +191( +[0-9.]+%?){4}$'
has out '^true +predicted'
ok eval --checkpoint checkpoints/step-170/model.safetensors --split train -b 1000 --devices cpu
has out '^data +digits \(train\): digits, 12000 samples of 28x28x1, 10 classes$'
cp checkpoints/last/model.safetensors alone.safetensors
ok eval --checkpoint alone.safetensors --devices cpu
has out "^accuracy +$accuracy%"
[ ! -s err ]
check "weights know their data: $(cat err)" $?
mkdir -p run
mv checkpoints run/
ok eval --checkpoint run --devices cpu
has out '^checkpoint +run/checkpoints/best/model.safetensors, step 170'
has out "^accuracy +$accuracy%"

# ------------------------------------------------------------ peak memory
# Adam keeps two numbers per weight, 7840 and 10 (16 with padding); every batch has three places.
for optimizer in sgd adam; do
    ok train --model linear --steps 2 --optimizer $optimizer --deterministic --devices cpu --json --out $optimizer
    json 'list(j["peak_memory"]) == ["cpu"] and j["peak_memory"]["cpu"] > 4 * 7856 + 3 * 128 * 785 * 4'
    sed -n 's/^ *"cpu": \([0-9]*\).*/\1/p' $optimizer/report.json >>peaks
done
[ "$(($(sed -n 2p peaks) - $(sed -n 1p peaks)))" = $((2 * 4 * 7856)) ]
check "the optimizer's state in the peak: $(cat peaks)" $?
ok train --model linear --steps 2 --devices cpu,opencl --out both
has out '^peak memory +opencl:0 [0-9.]+ MiB, cpu [0-9.]+ MiB$'
ok eval --checkpoint both --devices opencl
has out '^peak memory +opencl:0 [0-9.]+ MiB$'
ok eval --checkpoint both --devices opencl --json
json 'list(j["peak_memory"]) == ["opencl:0"] and j["peak_memory"]["opencl:0"] > 4 * 7856 + 3 * 128 * 785 * 4'

# ------------------------------------------------------------ wrong input
refused '--checkpoint is missing' eval
refused '--checkpoint "none": No such file or directory' eval --checkpoint none
mkdir empty
refused '--checkpoint "empty": it contains no model.safetensors' eval --checkpoint empty
refused '"hsgd eval" does not take "digits"' eval --checkpoint run digits
begins '--data "none": ' eval --checkpoint run --data none
begins '--png "none/x.png": ' eval --checkpoint run --png none/x.png
head -c 1000 run/checkpoints/best/model.safetensors >short.safetensors
begins 'short.safetensors: ' eval --checkpoint short.safetensors
mkdir cut
cp run/checkpoints/best/model.safetensors cut/
head -c 100 run/checkpoints/best/state.safetensors >cut/state.safetensors
begins './cut/state.safetensors: ' eval --checkpoint ./cut --png cut/x.png
[ ! -e cut/x.png ]
check 'nothing written' $?
finish
