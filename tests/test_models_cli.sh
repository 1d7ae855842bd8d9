#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# --model with a model file, and the list of built-in models.
. "${srcdir:-.}/tests/cli.sh"

ok models --json
json '[m["name"] for m in j["models"]] == ["linear", "mlp", "mlp-small", "lenet", "cifar-cnn", "resnet8", "resnet20"]'
json '[m["parameters"] for m in j["models"]] == [7850, 535818, 109386, 61706, 319178, 78723, 274063]'
json 'j["models"][4]["input"] == {"h": 32, "w": 32, "c": 3} and j["models"][4]["classes"] == 10'

cat >mine.yaml <<'YAML'
name: mine
layers:
  - {op: flatten}
  - {op: dense, units: 16, activation: tanh}
  - {op: dense, units: classes}
  - {op: softmax_cross_entropy}
YAML
ok train --model mine.yaml --devices cpu --steps 5 --json
json 'j["model"] == "mine.yaml" and j["steps"] == 5'
ok plan --model ./mine.yaml --data digits --devices cpu --json
refused 'mine.yaml:1: the shape of samples is not known: neither data nor the keys input, usual_input give it' \
    bench --model mine.yaml --devices cpu
{ cat mine.yaml; echo 'usual_input: {h: 28, w: 28, c: 1}'; } >usual.yml
ok bench --model usual.yml --devices cpu --batch-size 16 --json
json 'j["floor_ms"] is None and j["step_ms"] > 0'
{ cat mine.yaml; echo 'input: {h: 32, w: 32, c: 3}'; } >colour.yaml
refused 'colour.yaml:7: input is 32x32x3, but the data has 28x28x1' train --model colour.yaml --devices cpu
sed 's/units: 16/width: 16/' mine.yaml >bad.yaml
refused 'bad.yaml:4: dense has no key "width"; it has op, name, in, recompute, weights, train, units, activation, no_bias, init, transposed' \
    train --model bad.yaml --devices cpu
sed 's/units: classes/units: 4/' mine.yaml >few.yaml
refused 'few.yaml:6: the model has 4 outputs, but the data has 10 classes' train --model few.yaml --devices cpu

# ---------------------------------------------------------------- summary
ok summary --model lenet --json
json '[l["name"] for l in j["layers"]][:3] == ["conv1", "pool1", "conv2"] and j["layers"][0]["output"] == [28, 28, 6]'
json '[l["parameters"] for l in j["layers"]] == [156, 0, 2416, 0, 0, 48120, 10164, 850, 0] and j["parameters"] == 61706'
json '[l["forward_flops"] for l in j["layers"]][:3] == [2 * 25 * 784 * 6, 4 * 196 * 6, 2 * 25 * 6 * 100 * 16]'
json 'j["layers"][4]["output_bytes"] == 0 and j["layers"][5]["output_bytes"] == 480 and j["parameter_bytes"] == 4 * 61706'
json 'all(abs(sum(l[k] for l in j["layers"]) - j[k]) < 1 for k in ("parameters", "forward_flops", "backward_flops", "output_bytes"))'
json 'j["layers"][5]["inputs"] == ["flatten1"] and j["layers"][5]["input"] == [400] and j["layers"][8]["output"] is None'
ok summary --model resnet8
has out '^18 layer2.0.add2 \(add\) +15 17 +16x16x32 +0 8.19 k 32.8 k$'
has out '^31 softmax_cross_entropy1 +30 label +- +0 +100 +0$'
has out '^ +681 of the parameters are running statistics, not trained$'
[ "$(awk 'length > 80' out | wc -l)" -eq 0 ]
check "80 columns" $?
cat >tokens.yaml <<'EOT'
hsgd: 2
name: tokens
inputs: {token: {type: i32, shape: [12]}, offset: {type: f32, shape: [12, 4]}}
targets: {label: {type: i32}}
layers:
  - {op: embedding, name: wte, in: token, entries: 50, channels: 4}
  - {op: add, in: [wte, offset]}
  - {op: split, name: halves, parts: 2}
  - {op: mul, in: [halves, "halves:1"]}
  - {op: flatten}
  - {op: dense, name: fc, units: classes}
  - {op: softmax_cross_entropy, in: [fc, label]}
EOT
ok summary --model tokens.yaml
has out '^ 2 add1 +1 offset +12x4 +0 +48 +192$'
has out '^ 4 mul1 +3 3:1 +12x2 +0 +24 +96$'
ok summary --model mine.yaml --data digits
has out '^ 2 dense1 +1 +16 +12560 +25.1 k +64$'
has out '^   total +12730 '
ok train --model mine.yaml --devices cpu --steps 1 --out run --quiet
"$hsgd" summary --model mine.yaml --data digits --json >options
ok summary run --json
cmp -s out options
check "a run's model and that of the same options" $?
refused '--model is incompatible with the run "run"' summary run --model lenet
begins 'run "nowhere": ' summary nowhere
refused 'missing.yaml: cannot open: No such file or directory' train --model missing.yaml --devices cpu
refused './: is a folder, not a file' plan --model ./ --devices cpu
finish
