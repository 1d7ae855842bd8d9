#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The command line: exit codes, messages, JSON, small runs.
. "${srcdir:-.}/tests/cli.sh"

models=$("$hsgd" models | sed 's/ .*//' | paste -sd, | sed 's/,/, /g')
opts='--model mlp-small --devices cpu'

# ------------------------------------------------------------ wrong input
refused 'a command is missing; "hsgd help" lists the commands'
refused 'command "fly" is not one of train, devices, selftest, bench, tune, calibrate, plan, plot, compare, eval, predict, explain, generate, data, models, summary, convert, onnx-test, help' fly
refused 'command "fly" is not one of train, devices, selftest, bench, tune, calibrate, plan, plot, compare, eval, predict, explain, generate, data, models, summary, convert, onnx-test, help' help fly
refused "--model is missing; it is one of $models" train
refused "--model \"resnet9000\" is not one of $models" train --model resnet9000
refused '--model is empty' bench --model=
refused '"hsgd train" has no option "--colour"' train --colour
refused '"hsgd train" has no option "-z"' train -z
refused '"hsgd devices" has no option "--epochs"' devices --epochs 3
refused '--json "yes" is neither true nor false' train $opts --json=yes
refused '--epochs needs a value' train $opts --epochs
refused '--epochs "-1" is not an integer from 1 to 1000000' train $opts --epochs -1
refused '--epochs "1.5" is not an integer from 1 to 1000000' train $opts --epochs 1.5
refused '--epochs "99999999999999999999999" is not an integer from 1 to 1000000' train $opts --epochs 99999999999999999999999
refused '--steps "0" is not an integer from 1 to 1000000000000' train $opts --steps 0
refused '--steps "20x" is not an integer from 1 to 1000000000000' train $opts --steps 20x
refused '--batch-size "0" is not an integer from 1 to 1048576' train $opts --batch-size 0
refused '--batch-size "2000000" is not an integer from 1 to 1048576' bench $opts -b 2000000
refused '--batch-size " 8" is not an integer from 1 to 1048576' plan $opts -b ' 8'
refused '--batch-size "" is not an integer from 1 to 1048576' plan $opts -b ''
refused '--lr "nan" is not a number from 1e-12 to 1000' train $opts --lr nan
refused '--lr "inf" is not a number from 1e-12 to 1000' train $opts --lr inf
refused '--lr "1e999" is not a number from 1e-12 to 1000' train $opts --lr 1e999
refused '--lr "-0.1" is not a number from 1e-12 to 1000' train $opts --lr -0.1
refused '--lr "0x1p-3" is not a number from 1e-12 to 1000' train $opts --lr 0x1p-3
optimizers='sgd, momentum, nesterov, adam, adamw, adagrad, rmsprop, rmsprop-momentum, lamb'
refused '--momentum "2" is not a number from 0 to 1' train $opts --momentum 2
refused '--momentum 0.9 is incompatible with --optimizer adam' train $opts --momentum 0.9
refused '--accumulate "0" is not an integer from 1 to 1024' train $opts --accumulate 0
refused '--momentum 0.9 is incompatible with --optimizer adagrad' train $opts --optimizer adagrad --momentum 0.9
refused '--group "fc1*": "PATTERN:lr=X", "PATTERN:decay=X" or "PATTERN:lr=X,decay=X" is expected, X a number from 0' train $opts --group 'fc1*'
refused 'group "fc4*": model "mlp-small" has no such weight; the nearest are "fc1.bias", "fc2.bias", "fc3.bias"' train $opts --group 'fc4*:lr=0'
refused '--seed "-3" is not an integer from 0 to 9000000000000000' train $opts --seed -3
refused '--threads "0" is not an integer from 1 to 65536' train $opts --threads 0
refused "--optimizer \"lion\" is not one of $optimizers" train $opts --optimizer lion
refused '--sched "linear" is not one of constant, step, cosine, one-cycle, polynomial, plateau' train $opts --sched linear
refused '--executor "fast" is not one of replay, insert' train $opts --executor fast
refused '--data is empty' train $opts --data ''
refused '"hsgd train" does not take "mnist"' train $opts mnist
refused '"hsgd devices" does not take "cpu"' devices cpu
refused '--devices "gpu": device "gpu" is not one of cpu, cuda, opencl' train --model mlp-small --devices gpu
refused '--devices "cpu,": device list "cpu," has an empty name' train --model mlp-small --devices cpu,
refused '--devices "0": device list "0" starts with a number' train --model mlp-small --devices 0
refused '"hsgd data" needs "info" or "show"' data
refused '"hsgd data" takes "info" or "show", not "sell"' data sell
refused '--rows "0" is not an integer from 1 to 10000' data show digits --out x.png --rows 0
HSGD_EXECUTOR=fast
export HSGD_EXECUTOR
refused 'HSGD_EXECUTOR "fast" is not one of replay, insert' train $opts
unset HSGD_EXECUTOR

begins '--devices "opencl:200": device "opencl:200" is not available' train --model mlp-small --devices opencl:200
begins '--devices "cuda:63": device "cuda' train --model mlp-small --devices cuda:63 --json
begins '--devices "cpu" --threads 60000: threads is 60000' train $opts --threads 60000
begins '--data "missing": ' train $opts --data missing --json
mkdir empty
begins '--data "empty": ' train $opts --data empty
begins 'data "empty": ' data show empty
begins '--out "missing/x.png": ' data show digits --out missing/x.png

# ------------------------------------------------------------------- help
ok --help
has out '^  train '
ok --version
has out '^hsgd [0-9]'
ok help train
has out '^  -b, --batch-size N +samples per batch \(128\)'
ok bench --help
has out '^Usage: hsgd bench'
ok models
has out '^mlp-small +109386 parameters'

# ------------------------------------------------------------------- runs
ok devices
ok devices --json
json 'any(d["id"] == "cpu" and d["auto"] and d["workers"] > 0 for d in j["devices"])'
for library in own openblas; do
    HSGD_PRODUCTS=$library ok devices --verbose --json
    json 'len(j["matrix_products"]) == 15 and {p["library"] for p in j["matrix_products"]} == {"'$library'"}'
done
ok devices --verbose
has out '^TN large +(own|openblas|onednn) '
ok devices --verbose --json
json 'all(c["gflops"] > 0 for p in j["matrix_products"] for c in p["candidates"])'
ok train $opts --steps 20 --json
[ ! -s err ]
check 'nothing on stderr' $?
json 'j["steps"] == 20 and len(j["losses"]) == 20 and j["losses"][19] < 0.7 * j["losses"][0]'
json 'set("model data epochs steps batch_size train_loss train_accuracy validation_accuracy test_loss test_accuracy samples_per_second step_ms_median losses devices final_weights_sha256".split()) <= set(j)'
json 'sum(d["samples"] for d in j["devices"]) == 20 * 128 and 0.3 < j["test_accuracy"] <= 1'
json 'len(j["final_weights_sha256"]) == 64 and all(0 < d["busy_fraction"] <= 1 and d["tasks"] >= 20 for d in j["devices"])'
run train $opts --epochs 1 -b 1000 --optimizer sgd --lr 1000 --json
[ $code -eq 3 ] && [ ! -s out ] && grep -Eq '^hsgd: the (validation )?loss (of|after) step [0-9]+ is not finite' err
check "a loss that is not finite (exit $code: $(cat err))" $?
ok train $opts --steps 2 --optimizer rmsprop --momentum 0.5 --weight-decay 0.1 --no-bias-decay --accumulate 3
ok train $opts --steps 2 --group 'fc1*:lr=0' --group '*.bias:decay=0,lr=2'
has out '^groups +fc1\* \(1 weight\): fixed; \*\.bias \(3 weights\): lr 0.002, decay 0$'
ok train $opts --epochs 1 --steps 5 --optimizer adamw --sched step --warmup-steps 2 --clip-grad 1 --executor insert
has out '^model +mlp-small, 109386 parameters'
has out ' 1000 validation'
has out '^test accuracy .* 5 steps'
has out '^cpu +[0-9]+ +640 '
ok train $opts --steps 5 --quiet --deterministic
[ "$(wc -l <out)" -eq 1 ]
check 'one line with --quiet' $?
ok train $opts --steps 5 --seed 3 --deterministic --threads 1 --json
sum=$(grep final_weights out)
ok train $opts --steps 5 --seed 3 --deterministic --json
[ "$sum" = "$(grep final_weights out)" ]
check 'the same weights with --deterministic' $?
ok plan $opts --json
json 'j["batch_size"] == 128 and j["predicted_step_ms"] > 0 and sum(d["samples"] for d in j["devices"]) == 128'
json 'sum(c["rows"] for c in j["cells"]) == 128 and all(c["measured_ms"] > 0 and c["launches"] > 0 for c in j["cells"])'
ok plan $opts --batch-size 64 --data digits
has out '^(step|slice) on cpu '
ok bench --model linear --devices cpu --batch-size 16 --seconds 0.2 --json
json 'j["step_ms"] > 0 and j["floor_ms"] is None and j["ratio"] is None and j["samples_per_second"] > 0'
ok bench $opts --batch-size 64 --seconds 0.2 --json
json 'j["step_ms"] > 0 and j["floor_ms"] > 0 and j["ratio"] > 0 and j["bound_ms"] > 0'
ok data show digits
has out '^digits: 12000 samples of 28x28x1, 10 classes'
ok data show digits --split test --out sheet.png --rows 2 --columns 3
[ "$(head -c 8 sheet.png | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ]
check 'a PNG file' $?
ok data info digits --json
json 'j["format"] == "digits" and j["shape"] == [28, 28, 1] and j["train"]["samples"] == 12000 and j["test"]["samples"] == 2000'
json 'sum(c["train"] for c in j["classes"]) == 12000 and len(j["classes"]) == 10 and abs(j["train"]["mean"][0] - 0.1) < 0.1'
printf 'length,width,species\n1,2,rose\n3,,tulip\n5,4,rose\n' >flowers.csv
printf -- '-1 2:1 5:1\n+1 1:0.5 3:0.25\n-1\n' >small.svm
ok data info flowers.csv
summary='csv, 3 samples of 2 features (length, width), label "species", 2 classes (rose, tulip)'
says "flowers.csv: $summary train: 3 samples of 2 features, 2 classes, mean 3.0000 3.0000, std 1.6330 1.0000 "
has out '^rose +2 +-$'
ok data info flowers.csv --json
json "j['summary'] == '$summary' and j['passed_over'] == []"
ok data show flowers.csv
has out '^tulip +1:3 2:\?$'
ok data show small.svm --features 7
has out '^small.svm: 3 samples of 7 features, 2 classes, mean 0.0000, std 0.3318$'
has out '^\+1 +1:0.5 3:0.25$'
refused 'data "flowers.csv": has no test split' data show flowers.csv --split test
refused '--json works with "hsgd data info" only' data show flowers.csv --json
refused '--format "xls" is not one of idx, cifar, tar, zip, coco, images, npy, npz, libsvm, csv, pairs, text' data info flowers.csv --format xls
refused '--features "0" is not an integer from 1 to 16777216' data info flowers.csv --features 0
refused 'data "flowers.csv": flowers.csv: line 2: column "species": "rose" is not a number; --categorical takes the values of a column as categories, --ignore leaves it out' data info flowers.csv --label 1
refused '--data "small.svm": small.svm: line 1: index of "5:1" is larger than 4, the number of features' train --model linear --data small.svm --features 4
ok train --model linear --devices cpu --data flowers.csv --label 3 --epochs 2 --out flowers-run --json
json 'j["test_accuracy"] is None and j["test_loss"] is None and j["steps"] == 2'
has flowers-run/config.yaml '^label: "3"$'
ok train --model linear --devices cpu --data small.svm --validation small.svm --epochs 1 --out small-run --quiet
awk 'BEGIN { for (k = 1; k <= 20; k++) printf "c%d,", k; print "y"
    for (i = 0; i < 60; i++) { for (k = 1; k <= 20; k++) printf "%d,", (i * k * 7919 % 101) * k + 1000 * (k == 9) * (i % 2); print i % 2 } }' >wide.csv
ok train --model linear --devices cpu --data wide.csv --epochs 60 --lr 0.1 -b 16 --out wide-run --json
json 'j["train_accuracy"] > 0.95'
ok eval --devices cpu --checkpoint wide-run --data wide.csv --json
json 'j["accuracy"] > 0.95'
if [ -w /dev/full ]; then
    "$hsgd" models >/dev/full 2>err
    [ $? -eq 1 ] && grep -q '^hsgd: cannot write to standard output' err
    check 'a full disk' $?
fi

finish
