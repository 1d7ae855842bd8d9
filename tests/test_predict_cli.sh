#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# hsgd predict: pictures, arrays, rows, standard input; bad inputs.
. "${srcdir:-.}/tests/cli.sh"
"$build/apps/demos/mlp" digits 2 digits >trained 2>&1
check "the demo trains: $(cat trained)" $?

# Points in a plane, of two classes, and a network for them.
awk 'BEGIN { print "x,y,label"; srand(3); for (i = 0; i < 400; i++) { x = 2 * rand() - 1; y = 2 * rand() - 1;
     print x "," y "," (x > y ? "below" : "above") } }' >points.csv
"$build/apps/demos/mlp" points.csv 40 points >trained 2>&1
check "the demo learns points: $(cat trained)" $?
use='--devices cpu --checkpoint points'

# -------------------------------------------------------------------- rows
printf '0.9,-0.9\n-0.9,0.9\n' >rows.csv
ok predict $use rows.csv
[ "$(awk '{ print $1, $2 }' out)" = "rows.csv:1 below
rows.csv:2 above" ]
check "rows are predicted: $(cat out)" $?
ok predict $use --json rows.csv
json '[p["class"] for p in j["predictions"]] == ["below", "above"] and [p["index"] for p in j["predictions"]] == [1, 0]'
json 'all(p["input"] == "rows.csv" and p["row"] == i and abs(sum(p["probabilities"]) - 1) < 1e-5 and max(p["probabilities"]) == p["probabilities"][p["index"]] for i, p in enumerate(j["predictions"]))'
cp out separate
"$hsgd" predict $use --json - <rows.csv 2>err | sed 's/"-"/"rows.csv"/' >out
cmp -s out separate
check "standard input: $(cat err)" $?
printf 'x;label;y\n0.9.1;oops;1\n' >bad.csv
refused 'bad.csv: line 2: column "x": "0.9.1" is not a number' predict $use bad.csv
printf 'x;label;y\n0.9;below;-0.9\n;above;0.8\n' >labelled.csv
ok predict $use labelled.csv
has out '^labelled.csv:1  below [0-9.]+ above [0-9.]+$'
has out '^labelled.csv:2  above '
printf '+1 1:0.9 2:-0.9\n-1 2:0.9\n' >rows.libsvm
ok predict $use rows.libsvm
has out '^rows.libsvm:2  above '
gzip -kn rows.csv
ok predict $use rows.csv.gz rows.csv
[ "$(wc -l <out)" -eq 4 ]
check 'two inputs' $?

# ---------------------------------------------------- pictures and arrays
ok data show digits --split test --out sheet.png --rows 1 --columns 1
use='--devices cpu --checkpoint digits'
ok predict $use sheet.png --json
json 'len(j["predictions"]) == 1 and len(j["predictions"][0]["probabilities"]) == 10'
array() # NAME DTYPE ITEM SHAPE ITEMS: a .npy file of such items
{
    head="{'descr': '$2', 'fortran_order': False, 'shape': ($4), }"
    { printf '\223NUMPY\1\0\166\0%-117s\n' "$head"; i=0; while [ $i -lt "$5" ]; do printf "$3"; i=$((i + 1)); done; } >"$1"
}
array images.npy '|u1' '\0' '2, 28, 28' 1568
ok predict $use images.npy
has out '^images.npy:1  '
array flat.npy '<f4' '\0\0\0\0' '2, 784' 1568
ok predict $use images.npy flat.npy --json
json 'len(j["predictions"]) == 4 and j["predictions"][0]["probabilities"] == j["predictions"][3]["probabilities"]'

# ------------------------------------------------------------ wrong input
refused '"hsgd predict" needs an input; "-" is standard input' predict $use
refused '--checkpoint is missing' predict rows.csv
begins 'none.png: cannot open: No such file' predict $use none.png
mkdir folder
refused 'folder: has no PNG or JPEG image' predict $use folder
: >empty
refused 'empty: is empty' predict $use empty
refused 'rows.csv: line 1: 2 columns, 784 features are expected' predict $use rows.csv
array small.npy '|u1' '\0' '2, 8, 8' 128
refused 'small.npy: samples are 8x8x1, the model takes 28x28x1' predict $use small.npy
head -c 60 sheet.png >cut.png
begins 'cut.png: ' predict $use cut.png
refused 'sheet.png: is an image, the model takes samples of 1x1x2' predict --devices cpu --checkpoint points sheet.png
printf '\377\330\377\340' >cut.jpg
begins 'cut.jpg: ' predict $use cut.jpg

# A bad input does not keep the others from being predicted.
use='--devices cpu --checkpoint points'
run predict $use none.csv rows.csv cut.png rows.csv.gz
[ "$code" -eq 1 ] && [ "$(cut -d' ' -f1 out | tr '\n' ' ')" = 'rows.csv:1 rows.csv:2 rows.csv.gz:1 rows.csv.gz:2 ' ] &&
    [ "$(grep -c '^hsgd: none.csv: cannot open: \|^hsgd: cut.png: ' err)" -eq 2 ]
check "two of four inputs are bad (exit $code: $(cat err))" $?
run predict $use --json cut.png rows.csv
[ "$code" -eq 1 ]
check "one of two inputs is bad (exit $code: $(cat err))" $?
json 'len(j["predictions"]) == 2'
run predict $use --json none.csv cut.png
[ "$code" -eq 2 ] && [ ! -s out ] && [ "$(wc -l <err)" -eq 2 ]
check "all inputs are bad (exit $code: $(cat err))" $?
ok predict $use rows.csv
finish
