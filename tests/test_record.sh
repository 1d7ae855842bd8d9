#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A checkpoint knows its data: eval, predict, --validation, --resume and
# --initial-checkpoint match, convert or refuse what they read by its record.
. "${srcdir:-.}/tests/cli.sh"
use='--devices cpu --threads 1'
fast="--model linear --epochs 20 -b 16 --lr 0.1 --deterministic $use"

blobs() # HEADER FORMAT: 160 rows of two classes about (0, -2) and (3, -2), by awk
{
    awk -v header="$1" -v format="$2" 'BEGIN { srand(3); if (header) print header
        for (i = 0; i < 160; i++) { c = i % 2; a = 3 * c + 2 * rand() - 1; b = -2 + 2 * rand() - 1
            k = c ? "B" : "A"; row = format; gsub(/a/, sprintf("%.3f", a), row); gsub(/b/, sprintf("%.3f", b), row)
            gsub(/k/, k, row); gsub(/n/, c, row); print row } }'
}
array() # NAME DTYPE ITEM-FORMAT SHAPE: values from stdin, one a line, by printf
{
    head="{'descr': '$2', 'fortran_order': False, 'shape': ($4), }"
    { printf '\223NUMPY\1\0\166\0%-117s\n' "$head"
      while read -r v; do printf "$(printf "$3" "$v")"; done; } >"$1"
}
accurate() # accuracy of more than 90 % in the last output
{
    has out '^accuracy +(9[0-9]|100)\.[0-9]+%'
}

# ---------------------------------------------------------- columns by name
blobs len,wid,kind a,b,k >train.csv
blobs wid,len,kind b,a,k >swapped.csv
blobs kind,len,wid k,a,b >first.csv
blobs len,height,kind a,b,k >renamed.csv
blobs len,wid,more,kind a,b,7,k >extra.csv
blobs len,kind a,k >fewer.csv
blobs len,wid,sort a,b,k >other.csv
blobs len,wid,kind,sort a,b,text,k >both.csv
ok train $fast --data train.csv --out run
for file in train swapped first; do
    ok eval $use --checkpoint run --data $file.csv
    accurate
done
begins '--data "renamed.csv": renamed.csv: column "wid" of the training data is missing, and "height" is unknown' \
    eval $use --checkpoint run --data renamed.csv
begins '--data "extra.csv": extra.csv: column "more" is unknown' eval $use --checkpoint run --data extra.csv
begins '--data "fewer.csv": fewer.csv: column "wid" of the training data is missing' eval $use --checkpoint run --data fewer.csv
begins '--data "other.csv": other.csv: line 1: no column "kind"' eval $use --checkpoint run --data other.csv
ok eval $use --checkpoint run --data other.csv --label sort
accurate
ok eval $use --checkpoint run --data both.csv --label sort
accurate
ok train $fast --data train.csv --validation swapped.csv --out validated --json
json 'j["validation_accuracy"] > 0.9'
begins '--validation "renamed.csv": renamed.csv: column "wid"' train $fast --data train.csv --validation renamed.csv
[ ! -e runs ]
check 'a refused training writes nothing' $?
ok train $fast --data swapped.csv --initial-checkpoint run/checkpoints/last --steps 1 --out warm --json
json 'j["losses"][0] < 0.5'
begins '--data "renamed.csv": renamed.csv: column "wid"' train $fast --data renamed.csv --initial-checkpoint run/checkpoints/last

sed 's/A$/C/;s/B$/D/' train.csv >classes.csv
ok train $fast --data classes.csv --initial-checkpoint run/checkpoints/last --steps 1 --out warm3
has err '^hsgd: warning: --initial-checkpoint: class 0 was "A" and is "C"$'
ok train $fast --data train.csv --test swapped.csv --steps 100 --out tested --json
json 'j["test_accuracy"] > 0.9'

# ----------------------------------------------------------------- predict
printf 'wid,len\n-2,0\n-2,3\n' >rows.csv
ok predict $use --checkpoint run rows.csv
[ "$(awk '{ print $2 }' out | tr '\n' ' ')" = 'A B ' ]
check "rows by name: $(cat out)" $?
printf 'NA,-2\n3,-2\n0,\n' >missing.csv
ok predict $use --checkpoint run missing.csv
[ "$(wc -l <out)" -eq 3 ] && grep -q '^missing.csv:2  B' out
check "a first row with a missing value is no header: $(cat out)" $?
ok predict $use --checkpoint run train.csv swapped.csv
[ "$(wc -l <out)" -eq 320 ]
check 'the training file itself' $?
begins 'renamed.csv: column "wid"' predict $use --checkpoint run renamed.csv
begins 'mixed.csv: column "len" of the training data is missing, and "3" is unknown' \
    predict $use --checkpoint run "$(printf '3,x\n1,2\n' >mixed.csv && echo mixed.csv)"
blobs '' 'n 1:a 2:b' >train.svm
ok train $fast --data train.svm --out svm
printf '1:0 2:-2\n1:3\t2:-2\n' >plain.svm
printf '0\t1:0\t2:-2\n7\t1:3\t2:-2\n' >tabs.svm
ok predict $use --checkpoint svm plain.svm tabs.svm train.svm
[ "$(head -n 4 out | awk '{ print $2 }' | tr '\n' ' ')" = '0 1 0 1 ' ] && [ "$(wc -l <out)" -eq 164 ]
check "LIBSVM without labels and with tabs: $(head -n 4 out)" $?
ok eval $use --checkpoint svm --data train.svm
accurate

# ---------------------------------------------------------------- own data
ok eval $use --checkpoint run --json
json 'j["data"] == "train.csv" and j["config"] == "run/config.yaml" and j["samples"] == 160 and j["accuracy"] > 0.9'
ok eval $use --checkpoint run/checkpoints/last
has out '^ +as in run/config.yaml$'
cp run/checkpoints/last/model.safetensors alone.safetensors
refused '--data is missing: alone.safetensors is not in the folder of a run, which would name its data' \
    eval $use --checkpoint alone.safetensors
ok eval $use --checkpoint alone.safetensors --data swapped.csv
accurate
[ ! -s err ]
check "weights alone know their data: $(cat err)" $?
mkdir away
cp -r run away/
cd away || exit 99
begins 'data "train.csv" of run/config.yaml: data set "train.csv": No such file' eval $use --checkpoint run
cd ..

# ------------------------------------------------------------------ resume
ok train $fast --data train.csv --epochs 2 --out again
cp train.csv saved.csv
ok train --out again --resume
sed '$s/B$/C/' saved.csv >train.csv
begins '--data "train.csv": train.csv: line 161: column "kind": label "C" is not one of the 2 classes A, B' train --out again --resume
sed '5s/^[^,]*/0.125/' saved.csv >train.csv
refused '--resume: the checkpoint was made with other values of the training samples' train --out again --resume
sed '2,9y/AB/BA/' saved.csv >train.csv
begins '--resume: the checkpoint was made with other labels of the training samples' train --out again --resume
sed '$d' saved.csv >train.csv
refused '--resume: the checkpoint was made with 147 training samples, not 146' train --out again --resume
awk -F, -v OFS=, '{ print $2, $1, $3 }' saved.csv >train.csv
ok train --out again --resume
cp saved.csv train.csv

# --------------------------------------------------------- unit of the values
awk 'BEGIN { srand(5); for (i = 0; i < 64; i++) for (k = 0; k < 4; k++) print int((k % 2 == i % 2 ? 200 : 40) + 40 * rand()) }' >numbers
awk 'BEGIN { for (i = 0; i < 64; i++) print i % 2 }' >labels
octal='\\%03o'
array x.npy '|u1' "$octal" '64, 4' <numbers
array x_labels.npy '|u1' "$octal" '64,' <labels
wide() { while read -r v; do echo "$v"; echo 0; done; } # little-endian 16 bits
wide <numbers | array wide.npy '<i2' "$octal" '64, 4'
cp x_labels.npy wide_labels.npy
awk '{ printf "%s%s", $1, NR % 4 ? "," : "\n" }' numbers >whole.csv
awk '{ printf "%.6f%s", $1 / 255, NR % 4 ? "," : "\n" }' numbers >parts.csv
awk '{ printf "%s%s", $1 * 3, NR % 4 ? "," : "\n" }' numbers >large.csv
ok train $fast --data x.npy --out bytes
ok eval $use --checkpoint bytes --data wide.npy
accurate
ok train $fast --data x.npy --validation wide.npy --out bytes2 --json
json 'j["validation_accuracy"] == 1'
ok predict $use --checkpoint bytes --json x.npy wide.npy whole.csv parts.csv
json 'len({round(p["probabilities"][0], 4) for p in j["predictions"] if p["row"] == 5}) == 1'
has err '^hsgd: warning: whole.csv: integers up to 2[0-9]+ are divided by 255'
begins 'large.csv: values range from ' predict $use --checkpoint bytes large.csv
ok train $fast --data wide.npy --out words
ok predict $use --checkpoint words --json x.npy wide.npy
json 'len({round(p["probabilities"][0], 4) for p in j["predictions"] if p["row"] == 5}) == 1'

# ------------------------------------------------------- grey and colour images
if command -v python3 >/dev/null; then
    python3 - <<'EOF'
import os, random, struct, zlib
random.seed(1)
def png(path, side, channels, level):
    raw = b"".join(b"\0" + bytes(min(255, level + random.randrange(30)) for _ in range(side * channels)) for _ in range(side))
    def chunk(kind, data): return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    open(path, "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2 if channels == 3 else 0, 0, 0, 0)) +
                           chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))
for name, side, channels in ("grey", 8, 1), ("colour", 8, 3), ("large", 16, 3):
    for i in range(24):
        png(f"{name}/{'dark' if i % 2 else 'light'}/{i}.png", side, channels, 40 if i % 2 else 180)
open("grey/notes.txt", "w").write("x")
EOF
    for kind in grey:colour colour:grey; do
        mine=${kind%:*} other=${kind#*:}
        ok train $fast --data $mine --out $mine-run --model mlp-small
        ok eval $use --checkpoint $mine-run --data $other
        accurate
        has err "^hsgd: warning: $other: (grey images are converted|colour images are converted)"
        ok train $fast --model mlp-small --data $mine --validation $other --out $mine-run2 --json
        json 'j["validation_accuracy"] > 0.9'
        has err "^hsgd: warning: $other: "
        ok predict $use --checkpoint $mine-run $other
        [ "$(wc -l <out)" -eq 24 ] && [ "$(grep -c '/dark/.*  dark' out)" -eq 12 ] && [ "$(grep -c 'warning: .*\.png' err)" -eq 1 ]
        check "a folder of images, said once: $(cat err)" $?
        ok eval $use --checkpoint $mine-run --data large
        accurate
    done
    has err 'warning: large: images are resized to 8 x 8'
    tar -cf grey.tar grey
    refused 'grey.tar: is a tar archive; unpack it to read its images' predict $use --checkpoint grey-run grey.tar

    # A checkpoint of version 0.1 has no record.
    cp -r run old
    python3 - old/checkpoints/*/model.safetensors old/checkpoints/*/state.safetensors <<'EOF'
import json, struct, sys
for path in sys.argv[1:]:
    f = open(path, "rb").read()
    n, = struct.unpack("<Q", f[:8])
    head = json.loads(f[8:8 + n])
    record = head["__metadata__"].pop("hsgd.data", None)
    if record and path.endswith("state.safetensors"):
        head["__metadata__"]["hsgd.classes"] = json.dumps(json.loads(record)["fields"]["label"]["classes"])
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    open(path, "wb").write(struct.pack("<Q", len(text)) + text + f[8 + n:])
EOF
    ok eval $use --checkpoint old
    accurate
    ok eval $use --checkpoint old --data train.csv
    accurate
    has err '^hsgd: warning: old/checkpoints/best/model.safetensors has no record of its data: '
    [ "$(wc -l <err)" -eq 1 ]
    check "one line about it: $(cat err)" $?
    ok predict $use --checkpoint old missing.csv
    [ "$(wc -l <out)" -eq 3 ]
    check 'rows for a checkpoint without a record' $?
    ok train --out old --resume
    ok train $fast --data train.csv --initial-checkpoint old/checkpoints/last --steps 1 --out warm2
    has err 'has no record of its data'
fi
finish
