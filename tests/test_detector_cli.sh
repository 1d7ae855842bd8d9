#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Detectors on the command line: train, eval, predict, and what is refused.
models=$(cd "${srcdir:-.}" && pwd)/models
. "${srcdir:-.}/tests/cli.sh"

# ---------------------------------------------------------- train and eval
ok train --model detector --data shapes --devices cpu --steps 60 -b 32 --lr 0.003 --sched one-cycle --validation 0 \
    --out run --quiet
ok eval --checkpoint run --devices cpu --json
json 'j["samples"] == 1000 and sorted(j["metrics"]["test"]) == ["loss", "loss_box", "loss_class", "map"]'
json '0 < j["metrics"]["test"]["map"] < 1 and "classes" not in j'
ok eval --checkpoint run --devices cpu --data shapes:7
has out '^data +shapes \(test\): shapes, 1000 samples'
has out '^map +0\.[0-9]+$'
refused '--png: a confusion matrix needs one class per sample, and the model predicts boxes' \
    eval --checkpoint run --devices cpu --png confusion.png

# ------------------------------------------------------------------ predict
mkdir pictures
for seed in 1 2; do
    ok data show "shapes:$seed" --rows 1 --columns 1 --out "pictures/scene$seed.png"
done
cmp -s pictures/scene1.png pictures/scene2.png
check "seeds differ" $((1 - $?))
ok predict --checkpoint run --devices cpu pictures --min-score 0 --json
json '[p["input"] for p in j["predictions"]] == ["pictures/scene1.png", "pictures/scene2.png"]'
json 'all(d["class"] == ["rectangle", "disc", "triangle"][d["index"]] for p in j["predictions"] for d in p["detections"])'
json 'all(0 <= v <= 1 for p in j["predictions"] for d in p["detections"] for v in d["box"] + [d["score"]])'
json 'all(p["detections"] == sorted(p["detections"], key=lambda d: -d["score"]) for p in j["predictions"])'
json 'sum(len(p["detections"]) for p in j["predictions"]) > 0'
ok predict --checkpoint run --devices cpu pictures --min-score 0.1
has out '^input +class +score +x +y +w +h$'
[ "$(awk 'length > 80' out | wc -l)" -eq 0 ]
check "80 columns" $?
ok predict --checkpoint run --devices cpu pictures/scene1.png --min-score 1
has out '^pictures/scene1.png +-$'
if [ "$("$hsgd" help plot | grep -c RUN)" -gt 0 ]; then # built with plots
    ok predict --checkpoint run --devices cpu pictures --min-score 0 --out found
    head -c 4 found/0001-scene1.png | grep -q PNG && head -c 4 found/0002-scene2.png | grep -q PNG
    check "pictures" $?
    refused '--out "found": the folder is not empty' predict --checkpoint run --devices cpu pictures --out found
fi

# ------------------------------------------------------------------- refusals
refused 'data "digits" has no "boxes", which model "detector" needs' \
    train --model detector --data digits --devices cpu --steps 1
run train --model lenet --data shapes --devices cpu --steps 1
[ "$code" -eq 2 ] && [ "$(cat err)" = 'hsgd: data "shapes" has no "label", which model "lenet" needs; it has x, boxes' ]
check "lenet has no boxes (exit $code: $(cat err))" $?
refused 'run/checkpoints/step-60/model.safetensors: it predicts boxes, and only scores of classes and targets are explained' \
    explain --checkpoint run --devices cpu pictures/scene1.png
run train --model detector --data shapes --devices cpu --steps 1 --flip
[ "$code" -eq 2 ] && [ "$(cat err)" = 'hsgd: data "shapes" has boxes, which crop, resized_crop, flip and rotate do not move' ]
check "boxes are not flipped (exit $code: $(cat err))" $?
begins 'data "shapes:x": data set "shapes:x": ' data info shapes:x
python3 - <<'PY'
import struct, zipfile
def npy(shape, values):
    head = ("{'descr': '<f4', 'fortran_order': False, 'shape': %s, }" % (shape,)).encode()
    head += b" " * (63 - (10 + len(head)) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + struct.pack("<%df" % len(values), *values)
with zipfile.ZipFile("four.npz", "w") as z:
    z.writestr("x.npy", npy((2, 64, 64, 3), [0.5, 0.25] * (64 * 64 * 3)))
    z.writestr("boxes.npy", npy((2, 3, 4), [0.5] * 24))
PY
sed 's/: classes/: 3/' "$models/detector.yaml" >mine.yaml
refused 'data "four.npz": model "detector": "boxes" is any x 5, and cannot be 3x4' \
    train --model mine.yaml --data four.npz --fields x,boxes --devices cpu --steps 1 --out new
ok train --model linear --data digits --devices cpu --steps 1 --out classes --quiet
refused '--out "pictures2": the model predicts no boxes that could be drawn' \
    predict --checkpoint classes --devices cpu pictures/scene1.png --out pictures2
finish
