#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# --model with a model file, and the list of built-in models.
. "${srcdir:-.}/tests/cli.sh"

ok models --json
json '[m["name"] for m in j["models"]] == ["linear", "mlp", "mlp-small", "lenet", "cifar-cnn", "resnet8", "resnet20", \
    "char-lstm", "seq-rnn", "char-gpt", "mobile-cnn", "tabular", "translate", "detector"]'
json '[m["parameters"] for m in j["models"]] == [7850, 535818, 109386, 61706, 319178, 78723, 274063, 233354, 67594, \
    1830912, 139733, 110349, 242560, 108485]'
json 'j["models"][7]["input"] == {"h": 1, "w": 1, "c": "any"}'
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

# ------------------------------------------------------------- open sizes
cat >open.yaml <<'YAML'
name: open
input: {h: any, w: any, c: 1}
layers:
  - {op: conv2d, out_channels: 8, kernel: 3, padding: 1}
  - {op: batch_norm}
  - {op: relu}
  - {op: max_pool, kernel: 2}
  - {op: global_avg_pool}
  - {op: dense, units: classes}
  - {op: loss}
YAML
sed 's/h: any, w: any/h: 28, w: 28/; s/name: open/name: fixed/' open.yaml >fixed.yaml
ok summary --model open.yaml
has out '^model +open, for samples of any x any x 1$'
has out '^ 4 max_pool1 .* any x any x 8 +0 +- +-$'
ok summary --model open.yaml --json
json 'j["input"] == ["any", "any", 1] and j["layers"][3]["output"] == ["any", "any", 8] and j["layers"][3]["output_bytes"] is None'
json 'j["layers"][4]["output"] == [8] and j["forward_flops"] is None and j["parameters"] == 80 + 33 + 90'
open='model "open" leaves the sizes of "x" open, any x any x 1: give them with --sizes x=SIZES'
refused "$open" bench --model open.yaml --devices cpu
refused "$open" plan --model open.yaml --devices cpu
refused '--sizes "x=12": model "open": "x" is any x any x 1, and cannot be 12' \
    bench --model open.yaml --devices cpu --sizes x=12
refused '--sizes "x": NAME=SIZES is expected, such as x=32x32x3' bench --model open.yaml --devices cpu --sizes x
refused '--sizes "x=4x0x1": NAME=SIZES is expected, such as x=32x32x3' plan --model open.yaml --devices cpu --sizes x=4x0x1
refused '--sizes "y=4": model "open" has no such input or target; it has x, label' bench --model open.yaml --devices cpu --sizes y=4
refused '--sizes "x=1x9x1": model "open", layer 4 (max_pool): a window of 2x2 does not fit into 1x9 with padding 0' \
    bench --model open.yaml --devices cpu --sizes x=1x9x1
ok bench --model open.yaml --devices cpu --sizes x=12x9x1 --seconds 0.1 --batch-size 16 --json
json 'j["step_ms"] > 0'
ok plan --model open.yaml --devices cpu --sizes x=12x9x1 --batch-size 16 --json
ok plan --model open.yaml --devices cpu --data digits --batch-size 16 --json
for name in open fixed; do
    ok train --model $name.yaml --devices cpu,opencl --deterministic --steps 10 --out $name --json
    ok eval --checkpoint $name --devices cpu --deterministic --json
    sed -n 's/^  "\(loss\|accuracy\)": //p' out >$name.eval
done
[ -s open.eval ] && cmp -s open.eval fixed.eval
check 'a model with open sizes learns what one with constants does' $?
ok summary open
has out '^model +open, for samples of any x any x 1$'
finish
