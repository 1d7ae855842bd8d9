#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Numeric targets from the command line: training, evaluation, prediction and
# resuming, in the units of the data.
. "${srcdir:-.}/tests/cli.sh"
use='--devices cpu --threads 1'
fast="--model linear -b 32 --lr 0.02 --sched constant --deterministic --target price,rent $use"

rows() # COUNT SEED: price = 1000 area - 500 age + 1e6, rent = 9 area + 20 age
{
    echo area,age,price,rent
    awk -v n="$1" -v seed="$2" 'BEGIN { srand(seed); for (i = 0; i < n; i++) { a = 20 + 180 * rand(); g = 90 * rand()
        printf "%.3f,%.3f,%.3f,%.3f\n", a, g, 1000 * a - 500 * g + 1e6, 9 * a + 20 * g } }'
}
rows 400 1 >table.csv
rows 100 2 >test.csv

# --------------------------------------------------------------- train, eval
ok train $fast --data table.csv --test test.csv --epochs 12 --out run
has out '^epoch +loss +val loss +samples/s +seconds$'
has out '^best validation loss '
has out '^test loss .*, RMSE .*, MAE .*, R2 (0\.99|1\.00)'
ok eval $use --checkpoint run --data test.csv
has out '^target +RMSE +MAE +R2$'
has out '^price .* (0\.99[0-9]*|1\.0000)$'
has out '^rent .* (0\.99[0-9]*|1\.0000)$'
has out '^mean .* (0\.99[0-9]*|1\.0000)$'
ok eval $use --checkpoint run --data test.csv --json
json 'j["metrics"]["all"]["r2"] > 0.99 and [t["name"] for t in j["targets"]] == ["price", "rent"]'
json '"accuracy" not in j and j["metrics"]["all"]["rmse"] == j["rmse"] < 5000 and j["mae"] < j["rmse"]'
begins '--png: a confusion matrix needs classes, and the model predicts "price"' \
    eval $use --checkpoint run --data test.csv --png confusion.png

# ------------------------------------------------------------------- predict
printf 'area,age\n100,0\n50,40\n' >input.csv
ok predict $use --checkpoint run input.csv
has out '^input\.csv:1  price 1(09|10)[0-9.]* rent (8[5-9]|9[0-4])[0-9][0-9.]*$'
ok predict $use --checkpoint run --json input.csv
json 'abs(j["predictions"][1]["targets"]["rent"] - 1250) < 60'
json 'abs(j["predictions"][0]["targets"]["price"] - 1.1e6) < 1e4'

# -------------------------------------------------------------------- resume
ok train $fast --data table.csv --epochs 3 --out parts
ok train --resume --out parts --epochs 6
ok train $fast --data table.csv --epochs 6 --out whole --json
json 'j["train_accuracy"] is None and j["best_step"] and set(j["metrics"]["train"]) == {"loss"}'
json 'set(j["metrics"]["validation"]) == {"loss", "rmse", "mae", "r2"} and j["metrics"]["test"] is None'
cmp parts/checkpoints/last/model.safetensors whole/checkpoints/last/model.safetensors
check 'the weights of a resumed training' $?
ok compare parts whole
has out parts
has out '^ +1 +6\.00 .* [0-9.e-]+ +[0-9.e-]+ +done'
ok compare parts whole --json
json 'all(r["best_metric"] == "loss" and 0 < r["best_validation"] < 1 for r in j["runs"])'

# ----------------------------------------------------------------- model files
model() { printf 'name: m\nlayers:\n  - {op: dense, units: %s}\n  - {op: %s}\n' "$1" "$2" >model.yaml; }
files="--data table.csv --target price $use --epochs 1"
model 1 mse
ok train $files --model ./model.yaml --out file
model outputs loss
ok train $files --model ./model.yaml --out default
model classes mse
begins './model.yaml:3: the data has no classes, but targets: write "outputs"' train $files --model ./model.yaml
model 2 mse
begins './model.yaml:4: model "m", layer 2 (mse): input and target must be floats of one type, not 1x1x2 and 1' \
    train $files --model ./model.yaml
begins '--stop-at 0.9: the data has no classes, and so no accuracy' \
    train $files --model linear --stop-at 0.9 --out none
check 'a refused training leaves no folder' "$([ ! -e none ]; echo $?)"
finish
