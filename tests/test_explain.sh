#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# hsgd explain: known attributions of models of known weights, completeness of trained ones, files, bad arguments.
. "${srcdir:-.}/tests/cli.sh"
"$build/explain_models" >models 2>&1
check "models of known weights: $(cat models)" $?
draws=$("$hsgd" help plot | grep -c RUN) # 0: built without plots

png() # FILE: its width and height; nothing if it is no PNG file
{
    [ "$(od -An -tx1 -N8 "$1" | tr -d ' ')" = 89504e470d0a1a0a ] &&
        od -An -tu1 -j16 -N8 "$1" | awk '{ print ($1 * 256 + $2) * 65536 + $3 * 256 + $4, ($5 * 256 + $6) * 65536 + $7 * 256 + $8 }'
}

# ------------------------------------------------------------- known answers
# score_0 = x1 + 0.5 x2 - x3 + 0.25: an attribution is w x, where the baseline is 0.
printf '1,2,3\n' >row.csv
ok explain --checkpoint linear.safetensors --devices cpu --class 0 row.csv --json
json 'len(j["explanations"]) == 1 and j["explanations"][0]["grad_cam"] is None and j["explanations"][0]["files"] == [] and all(abs(a - b) < 1e-5 for a, b in zip(j["explanations"][0]["integrated_gradients"]["by"][0]["attributions"], [1, 1, -3])) and all(abs(j["explanations"][0]["integrated_gradients"][k] - v) < 1e-5 for k, v in [("score", -0.75), ("baseline_score", 0.25), ("sum", -1), ("gap", 0)])'
ok explain --checkpoint linear.safetensors --devices cpu row.csv --json # class 1, which is the predicted one
json 'j["explanations"][0]["index"] == 1 and all(abs(a - b) < 1e-5 for a, b in zip(j["explanations"][0]["integrated_gradients"]["by"][0]["attributions"], [-2, 6, 12]))'
ok explain --checkpoint linear.safetensors --devices cpu row.csv --out linear --rows 2
has out '^    x 3  *3  *12  \++$'
says 'and 1 of less magnitude'

# By both channels: w = (16, 4) / 16, and 16 x / 16 - 2 * 4 x / 16 = x / 2; of class 1 it is -x.
printf '0,1,2,3,-4,-3,-2,-1,0,0,0,0,4,4,4,4\n' >pixels.csv
ok explain --checkpoint pixels.safetensors --devices cpu --class 0 pixels.csv --json
json 'j["explanations"][0]["grad_cam"]["layer"] == "conv" and j["explanations"][0]["grad_cam"]["shape"] == [4, 4] and all(abs(a - max(0, x) / 2) < 1e-5 for a, x in zip(j["explanations"][0]["grad_cam"]["map"], [0, 1, 2, 3, -4, -3, -2, -1, 0, 0, 0, 0, 4, 4, 4, 4])) and all(abs(a - x / 2) < 1e-5 for a, x in zip(j["explanations"][0]["integrated_gradients"]["by"][0]["attributions"], [0, 1, 2, 3, -4, -3, -2, -1, 0, 0, 0, 0, 4, 4, 4, 4]))'
ok explain --checkpoint pixels.safetensors --devices cpu --class 1 --method grad-cam pixels.csv --json
json 'j["explanations"][0]["integrated_gradients"] is None and abs(j["explanations"][0]["grad_cam"]["map"][4] - 4) < 1e-5 and sum(j["explanations"][0]["grad_cam"]["map"]) < 10.001'

# ------------------------------------------------------------ trained networks
ok train --model lenet --steps 60 --devices cpu --out lenet --quiet
ok data show digits --split test --out sheet.png --rows 1 --columns 1
ok explain --checkpoint lenet --devices cpu sheet.png --out seen --json
json 'abs(j["explanations"][0]["integrated_gradients"]["sum"] - (j["explanations"][0]["integrated_gradients"]["score"] - j["explanations"][0]["integrated_gradients"]["baseline_score"])) <= 0.01 * abs(j["explanations"][0]["integrated_gradients"]["score"] - j["explanations"][0]["integrated_gradients"]["baseline_score"]) + 1e-4 and j["explanations"][0]["integrated_gradients"]["complete"] and abs(sum(j["explanations"][0]["integrated_gradients"]["by"][0]["attributions"]) - j["explanations"][0]["integrated_gradients"]["sum"]) < 1e-4 and j["explanations"][0]["grad_cam"]["layer"] == "pool2" and min(j["explanations"][0]["grad_cam"]["map"]) >= 0'
cp out first
ok explain --checkpoint lenet --devices cpu sheet.png --baseline zero --class 3 --layer conv1 --json
json 'j["explanations"][0]["class"] == "3" and j["explanations"][0]["grad_cam"]["shape"] == [28, 28] and j["explanations"][0]["integrated_gradients"]["baseline"] == "zero" and j["explanations"][0]["integrated_gradients"]["complete"]'

# A class by name, columns by name: what a column at the baseline owes is 0.
awk 'BEGIN { print "width,height,label"; srand(3); for (i = 0; i < 200; i++) { x = 2 * rand() - 1; y = 2 * rand() - 1;
     print x "," y "," (x > y ? "wide" : "high") } }' >boxes.csv
ok train --model linear --data boxes.csv --epochs 20 --lr 0.1 --devices cpu --out boxes --quiet
printf 'height,width\n-0.9,0.9\n-0.9,0\n,0.9\n' >some.csv
ok explain --checkpoint boxes --devices cpu some.csv --class wide --baseline zero --json
json '[e["class"] for e in j["explanations"]] == ["wide"] * 3 and j["explanations"][0]["integrated_gradients"]["by"][0]["items"] == ["width", "height"] and abs(j["explanations"][0]["integrated_gradients"]["by"][0]["attributions"][0] - j["explanations"][0]["integrated_gradients"]["score"] + j["explanations"][1]["integrated_gradients"]["score"]) < 1e-4 and abs(j["explanations"][1]["integrated_gradients"]["by"][0]["attributions"][0]) < 1e-5'
ok explain --checkpoint boxes --devices cpu some.csv --out named
has out '^some.csv:1  class wide \('
has out '^    (width|height)  *-?0.9  *[-0-9.e]+  [-+]+$'
has out '^    height  *missing '

# Targets in the unit of the data: price = 100 + 3 rooms.
awk 'BEGIN { print "rooms,noise,price,rent"; srand(5); for (i = 0; i < 200; i++) { r = int(9 * rand()) + 1;
     print r "," rand() "," 100 + 3 * r "," 2 * r } }' >homes.csv
ok train --model linear --data homes.csv --target price,rent --epochs 40 --lr 0.05 --devices cpu --out homes --quiet
printf 'rooms,noise\n4,0.5\n' >home.csv
ok explain --checkpoint homes --devices cpu home.csv --json
json '[e["target"] for e in j["explanations"]] == ["price", "rent"] and abs(j["explanations"][0]["integrated_gradients"]["score"] - 112) < 4'
ok explain --checkpoint homes --devices cpu home.csv --target price --baseline zero --json
json 'len(j["explanations"]) == 1 and abs(j["explanations"][0]["integrated_gradients"]["by"][0]["attributions"][0] - 12) < 1.5'

# Tokens: the scores use the table of the embedding, and only the last token counts.
cat >next.yaml <<'EOF'
hsgd: 2
name: next
inputs: {x: {type: i32, shape: [any]}}
targets: {label: {type: i32, shape: [any]}}
layers:
  - {op: embedding, name: table, entries: classes, channels: 8}
  - {op: tanh}
  - {op: dense, name: scores, units: classes, transposed: true, no_bias: true, weights: table}
  - {op: softmax_cross_entropy, in: [scores, label]}
EOF
awk 'BEGIN { for (i = 0; i < 200; i++) printf "abcd%s", i % 9 ? "" : "\n" }' >alphabet.txt
ok train --model next.yaml --data alphabet.txt --window 8 --stride 4 --devices cpu -b 16 --lr 0.05 --epochs 2 --out next --quiet
printf 'dab' >ends
ok explain --checkpoint next --devices cpu ends --json
json 'j["explanations"][0]["integrated_gradients"]["by"][0]["items"] == ["1 \"d\"", "2 \"a\"", "3 \"b\""] and j["explanations"][0]["integrated_gradients"]["by"][0]["attributions"][:2] == [0, 0] and j["explanations"][0]["integrated_gradients"]["complete"] and abs(j["explanations"][0]["integrated_gradients"]["by"][0]["attributions"][2]) > 0'
ok explain --checkpoint next --devices cpu ends --baseline zero --class d --out tokens --rows 1
has out '^    3 "b"  '

# --------------------------------------------------------------------- files
if [ "$draws" -gt 0 ]; then
    # Two panels of 252 pixels, a margin of 16 around, 50 above and 22 below, twice as large.
    for file in seen/0001-sheet-integrated.png seen/0001-sheet-grad-cam.png; do
        png $file | { read -r wide high; [ "$high" -eq 712 ] && [ "$wide" -ge 1200 ]; }
        check "$file is a picture: $(png $file)" $?
    done
    for file in linear/0001-row-attributions.png named/0003-some-attributions.png tokens/0001-ends-attributions.png; do
        png $file | { read -r wide high; [ "$high" -ge 240 ] && [ "$wide" -ge 800 ]; }
        check "$file is a picture: $(png $file)" $?
    done
    refused '--out "seen": the folder is not empty' explain --checkpoint lenet --devices cpu sheet.png --out seen
    ok explain --checkpoint lenet --devices cpu --method integrated sheet.png
    set -- explained/*-lenet/*
    [ $# -eq 1 ] && [ "${1##*/}" = 0001-sheet-integrated.png ]
    check "a folder of its own: $*" $?
fi

# ------------------------------------------------------------------- refusals
use='explain --devices cpu --json --checkpoint'
refused '"hsgd explain" needs an input; "-" is standard input' $use lenet
refused '--checkpoint is missing' explain sheet.png
refused '--class "ten" is not one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9' $use lenet --class ten sheet.png
refused '--class "low" is not one of high, wide' $use boxes --class low some.csv
refused '--target "size" is not one of price, rent' $use homes --target size home.csv
refused '--class "1": the model predicts numbers; --target names one' $use homes --class 1 home.csv
refused '--target "a": the model predicts classes; --class names one' $use boxes --target a some.csv
refused '--layer "fc1": Grad-CAM is by a layer of height x width x channels: conv1, pool1, conv2, pool2' $use lenet --layer fc1 sheet.png
refused '--layer is for --method grad-cam, not integrated' $use lenet --layer conv1 --method integrated sheet.png
begins "boxes/checkpoints/best/model.safetensors: Grad-CAM needs a layer of height x width x channels" $use boxes --method grad-cam some.csv
refused '--method "saliency" is not one of integrated, grad-cam' $use lenet --method saliency sheet.png
begins 'none.png: cannot open' $use lenet none.png
finish
