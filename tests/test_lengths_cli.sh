#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# hsgd on sequences of different lengths, from an .npz.
. "${srcdir:-.}/tests/cli.sh"
command -v python3 >/dev/null || { echo "no python3"; exit 77; }

cat >net.yaml <<'EOF'
hsgd: 2
name: net
inputs: {x: {type: f32, shape: [any, 2]}, length: {type: i32}}
layers:
  - {op: dense, in: x, name: each, units: 8, activation: tanh}
  - {op: global_avg_pool, name: mean}
  - {op: embedding, in: length, name: of, entries: 31, channels: 8}
  - {op: add, in: [mean, of]}
  - {op: dense, name: scores, units: classes}
  - {op: softmax_cross_entropy, in: [scores, label]}
EOF
interpreter -I -S -c '
import random, struct, zipfile
def npy(shape, kind, data):
    text = "{\"descr\": \"%s\", \"fortran_order\": False, \"shape\": (%s,)}\n" % (kind, ", ".join(map(str, shape)))
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(text)) + text.encode() + data
random.seed(1)
n, most = 150, 30
length = [random.randint(1, most) for i in range(n)]
kind = [i % 3 for i in range(n)]
x = [(kind[i] + random.random() if t < length[i] else 0) for i in range(n) for t in range(most) for c in range(2)]
token = [(kind[i] * 20 + random.randint(0, 30) if t < length[i] else 255) for i in range(n) for t in range(most)]
with zipfile.ZipFile("set.npz", "w") as z:
    z.writestr("seq.npy", npy((n, most, 2), "<f4", struct.pack("<%df" % len(x), *x)))
    z.writestr("token.npy", npy((n, most), "<i4", struct.pack("<%di" % len(token), *token)))
    z.writestr("length.npy", npy((n,), "<i4", struct.pack("<%di" % n, *length)))
    z.writestr("kind.npy", npy((n,), "<i4", struct.pack("<%di" % n, *kind)))
for name, kind_of, code in ("tokens.npy", "<i8", "q"), ("bytes.npy", "|u1", "B"):
    open(name, "wb").write(npy((n, most), kind_of, struct.pack("<%d%s" % (len(token), code), *token)))
    open(name[:-4] + "_labels.npy", "wb").write(npy((n,), "<i4", struct.pack("<%di" % n, *kind)))'
on="--model net.yaml --data set.npz --fields x=seq,length,label=kind --devices cpu -b 16 --sched constant --deterministic"

ok data info set.npz --fields x=seq,length,label=kind
says 'set.npz: npz, 150 samples of 1x30x2, length one number i32, 3 classes'
ok train $on --buckets 10,20 --epochs 4 --lr 0.02 --out whole --json
json 'j["steps"] == 36 and j["train_loss"] < 0.8'
has whole/config.yaml '^fields: "x=seq,length,label=kind"$'
ok train $on --buckets 10,20 --epochs 2 --lr 0.02 --out parts --quiet
ok train $on --buckets 10,20 --epochs 4 --lr 0.02 --out parts --resume --quiet
cmp -s whole/checkpoints/last/model.safetensors parts/checkpoints/last/model.safetensors
check 'weights of a run that was resumed' $?
ok eval --devices cpu --checkpoint whole --json
json 'j["samples"] == 150 and len(j["classes"]) == 3'
ok train --model seq-rnn --data set.npz --fields x=token,length,label=kind --devices cpu -b 16 --lr 0.01 --epochs 6 --json
json 'j["model"] == "seq-rnn" and j["train_loss"] < 0.5'
# Arrays of integers are tokens for a network of tokens.
cat >bag.yaml <<'EOF'
hsgd: 2
name: bag
inputs: {x: {type: i32, shape: [any]}}
layers:
  - {op: embedding, name: of, entries: 256, channels: 8}
  - {op: global_avg_pool, name: mean}
  - {op: dense, name: scores, units: classes}
  - {op: softmax_cross_entropy, in: [scores, label]}
  - {op: accuracy, in: [scores, label]}
EOF
ok train --model bag.yaml --data set.npz --fields x=token,label=kind --devices cpu -b 16 --lr 0.05 --epochs 2 --out bag --quiet
ok eval --devices cpu --checkpoint bag --data set.npz --fields x=token,label=kind --split train --json
cp out whole.json
for name in tokens bytes; do
    ok eval --devices cpu --checkpoint bag --data $name.npy --json
    json 'j["samples"] == 150 and all(abs(j[k] - json.load(open("whole.json"))[k]) < 1e-5 for k in ("loss", "accuracy"))'
done

refused '--buckets "10,,20": at most 32 numbers from 1 are expected' train $on --buckets 10,,20 --out new
refused '--buckets "20,10": data set "set.npz": bounds of buckets must be positive and ascend, 10 does not' train $on --buckets 20,10 --out new
refused '--buckets "8": data set "digits": has no field "length", so there are no buckets' train --model linear --devices cpu --buckets 8 --out new
finish
