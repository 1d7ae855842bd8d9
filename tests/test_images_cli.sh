#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The command line on pictures: changes in training, label smoothing, sizes,
# the cache, and what is refused.
. "${srcdir:-.}/tests/cli.sh"
opts='--model mlp-small --devices cpu --deterministic --epochs 2 -b 8 --validation 0 --json'

# A sheet of one sample is a picture of 30 x 30.
mkdir -p set/train/plain set/train/turned set/test/plain set/test/turned
for i in 1 2 3 4 5 6 7 8; do
    "$hsgd" data show --rows 1 --columns 1 --rotate 5 --seed $i --out set/train/plain/$i.png >/dev/null
    "$hsgd" data show --rows 1 --columns 1 --rotate 90 --seed $i --out set/train/turned/$i.png >/dev/null
done
cp set/train/plain/1.png set/train/plain/2.png set/test/plain
cp set/train/turned/1.png set/test/turned
cmp -s set/train/turned/1.png set/train/turned/2.png
[ $? -eq 1 ]
check 'other seeds, other angles' $?

digest() { sed -n 's/.*"final_weights_sha256": "\([0-9a-f]*\)".*/\1/p' out; }

ok data info set
has out '^set: images'
has out '^plain +8 +2'
[ "$(ls cache | wc -l)" -eq 1 ]
check 'a file in the cache' $?
ok train $opts --data set --out one
plain=$(digest)
json 'j["test_accuracy"] is not None and len(j["losses"]) == 4'
HSGD_CACHE=off ok train $opts --data set --out two
[ -n "$plain" ] && [ "$(digest)" = "$plain" ]
check 'the same weights without the cache' $?
ok train $opts --data set --out three --crop 3 --flip --rotate 15
changed=$(digest)
[ "$changed" != "$plain" ]
check 'changes change the weights' $?
ok train $opts --data set --out four --crop 3 --flip --rotate 15 --threads 1 --executor insert
[ "$(digest)" = "$changed" ]
check 'changes do not depend on threads and executor' $?
ok train --config three/config.yaml --json --out five
[ "$(digest)" = "$changed" ]
check 'changes are in config.yaml' $?
ok train $opts --data set --out six --label-smoothing 0.2
[ "$(digest)" != "$plain" ]
check 'label smoothing changes the weights' $?
ok train $opts --data set --out seven --resize 12
has seven/config.yaml '^resize: 12'
ok data show set --resize 12
has out ' 12x12x1, 2 classes'

tar -cf set.tar set && xz -k set.tar
ok train $opts --data set.tar.xz --out eight
[ "$(digest)" = "$plain" ]
check 'the same weights from an archive' $?

python3 -c 'import zipfile' 2>/dev/null && {
    python3 -m zipfile -c set.zip set
    ok train $opts --data set.zip --out nine
    [ "$(digest)" = "$plain" ]
    check 'the same weights from a zip archive' $?
}

# ------------------------------------- letter case, other formats, damaged ones
mkdir Set && cp -r set/train Set/Train && cp -r set/test Set/TEST
ok train $opts --data Set --out ten
[ "$(digest)" = "$plain" ]
check 'the same weights from Train and TEST' $?
for name in plain/1.webp plain/2.BMP turned/1.tif; do : >"Set/Train/$name"; done
ok data info Set --json
json '[(p["why"], p["files"], p["first"]) for p in j["passed_over"]] == [("neither PNG nor JPEG", 3, "Train/plain/1.webp")]'
json 'j["summary"] == "images, 16 samples of 30x30x1, 2 classes (plain, turned); passed over: 3 neither PNG nor JPEG (first: Train/plain/1.webp)"'
[ ! -s err ]
check "no warning of what the summary has: $(cat err)" $?
ok data show Set --out sheet.png
grep -q '^hsgd: warning: Set: 3 images passed over: neither PNG nor JPEG; the first is Train/plain/1.webp$' err
check "a warning: $(cat err)" $?
mkdir many && cp -r set/train/plain set/train/turned many
i=0
while [ $i -lt 92 ]; do
    i=$((i + 1))
    cp set/train/plain/1.png many/plain/x$i.png
done
head -c 100 set/train/plain/1.png >many/plain/x50.png
damaged='many/plain/x50.png: the PNG image is damaged: read beyond end of data'
refused "--data \"many\": $damaged; --keep-going passes over damaged images" train $opts --data many --out kept
ok train $opts --data many --keep-going --out kept
grep -q "^hsgd: warning: $damaged; passed over$" err
check "a warning: $(cat err)" $?
has kept/config.yaml '^keep-going: true'
ok train --out kept --resume --json
ok eval --devices cpu --checkpoint kept --json
json 'j["samples"] == 107'

# ------------------------------------------------------------------ refused
refused '--crop "-1" is not an integer from 0 to 16384' train $opts --crop -1
refused '--crop "2.5" is not an integer from 0 to 16384' train $opts --crop 2.5
refused '--resized-crop "1.5" is not a number from 0 to 1' train $opts --resized-crop 1.5
refused '--rotate "181" is not a number from 0 to 180' train $opts --rotate 181
refused '--rotate "nan" is not a number from 0 to 180' train $opts --rotate nan
refused '--label-smoothing "1" is not a number from 0 to 0.999' train $opts --label-smoothing 1
refused '--resize "5000" is not an integer from 0 to 4096' train $opts --resize 5000
refused '--flip "yes" is neither true nor false' train $opts --flip=yes
refused '"hsgd bench" has no option "--crop"' bench --model mlp --crop 3
refused '--crop 4 is incompatible with --resized-crop 0.5' train $opts --crop 4 --resized-crop 0.5
refused 'crop 4 and resized_crop 0.5 exclude each other' data show --crop 4 --resized-crop 0.5 --out x.png
printf 'x,y,label\n1,2,a\n2,1,b\n3,4,a\n' >rows.csv
refused 'crop, resized_crop, flip and rotate are for images, not for samples of 1x1x2' \
    train --model linear --devices cpu --data rows.csv --flip --out x
head -c 100 set/train/plain/3.png >cut.png && mv cut.png set/train/plain/3.png
refused '--data "set": set/train/plain/3.png: the PNG image is damaged: read beyond end of data' \
    train $opts --data set --out x
cp set/train/plain/4.png set/train/plain/3.png
mkdir set/train/empty
refused '--data "set": set/train/empty: the class folder has no PNG or JPEG image' train $opts --data set --out x
rmdir set/train/empty
"$hsgd" data show --rows 2 --columns 1 --out set/train/turned/9.png >/dev/null
refused '--data "set": set/train/turned/9.png: is 59 x 30 pixels, but set/train/plain/1.png is 30 x 30; --resize N makes all images N x N' \
    train $opts --data set --out x
[ ! -e x ] && [ ! -e x.png ]
check 'nothing is written where the input is bad' $?

# Targets are images of the same names.
rm set/train/turned/9.png
mkdir -p masks && cp -r set/train set/test masks && rm masks/test/plain/2.png
refused 'data "set": masks: no target for "test/plain/2.png": an image of that name, in any format' data info set --target masks
cp set/test/plain/2.png masks/test/plain
ok data info set --target masks --json
json 'j["train"]["samples"] == 16 and j["test"]["samples"] == 3 and j["classes"] == []'
json '"target 30x30x1" in j["summary"] and j["targets"][0]["train"]["mean"] == j["train"]["mean"][0]'
ok data info set --target masks --resize 15
has out '^target +train +0 '
ok train $opts --data set --target masks --out paired --json
json 'set(j["metrics"]["test"]) == {"loss", "rmse", "mae", "r2"} and j["test_accuracy"] is None'

finish
