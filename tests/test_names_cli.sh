#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Names of classes, files and folders that are not UTF-8: they are kept byte
# for byte, and JSON has them with U+FFFD and two digits for a byte.
. "${srcdir:-.}/tests/cli.sh"
cafe=$(printf 'caf\351') run=$(printf 'r\374n') set=$(printf 's\353t')
coded='caf\ufffde9'   # as Python and JSON write it
opts='--model linear --devices cpu --threads 1 --deterministic -b 16 --lr 0.1'

# ---------------------------------------------------------- class names, CSV
{
    echo 'a,b,drink'
    i=0
    while [ $i -lt 60 ]; do
        echo "$((i % 7)).5,-4,$cafe"
        echo "-$((i % 5)).5,4,tea"
        i=$((i + 1))
    done
} >drinks.csv
printf '5,-4\n-3,4\n' >two.csv
ok train $opts --data drinks.csv --epochs 10 --out plain
ok predict --devices cpu --checkpoint plain --json two.csv
json '[p["class"] for p in j["predictions"]] == ["'$coded'", "tea"] and [p["index"] for p in j["predictions"]] == [0, 1]'
ok eval --devices cpu --checkpoint plain --data drinks.csv --json
json 'j["accuracy"] == 1 and [c["name"] for c in j["classes"]] == ["'$coded'", "tea"]'
json '[c["samples"] for c in j["classes"]] == [60, 60]'
ok data info drinks.csv --json
json '[c["name"] for c in j["classes"]] == ["'$coded'", "tea"]'
sed "s/$cafe/caf/" drinks.csv >other.csv
run eval --devices cpu --checkpoint plain --data other.csv
[ "$code" -eq 2 ]
check "another name is another class (exit $code: $(cat err))" $?

# --------------------------------------------------- paths, also in config.yaml
cp drinks.csv "$set.csv"
ok train $opts --data "$set.csv" --epochs 2 --out "$run" --json
json 'j["run"] == "r\ufffdfcn" and j["data"] == "s\ufffdebt.csv"'
[ -f "$run/config.yaml" ] && [ ! -e "$(printf 'r\357\277\275fcn')" ]
check 'the folder has the name as it was given' $?
ok train --out "$run" --resume --json
json 'j["run"] == "r\ufffdfcn"'
ok train --config "$run/config.yaml" --out again --json
json 'j["data"] == "s\ufffdebt.csv"'
ok eval --devices cpu --checkpoint "$run" --data "$set.csv" --json
json 'j["checkpoint"].startswith("r\ufffdfcn/") and j["data"] == "s\ufffdebt.csv"'
cp two.csv "$cafe.csv"
ok predict --devices cpu --checkpoint "$run" --json "$cafe.csv"
json 'all(p["input"] == "caf\ufffde9.csv" for p in j["predictions"]) and len(j["predictions"]) == 2'
begins 'caf\xe9.none: cannot open' predict --devices cpu --checkpoint "$run" "$cafe.none"

printf 'name: own\nlayers:\n  - {op: flatten}\n  - {op: dense, name: fc, units: classes}\n  - {op: softmax_cross_entropy}\n' >"$cafe.yaml"
ok train $opts --model "./$cafe.yaml" --data drinks.csv --epochs 1 --out model --json
json 'j["model"] == "./caf\ufffde9.yaml"'
ok train --out model --resume
ok plan model
has out '^model +./caf.xe9.yaml, batch of 16$'

# What YAML would not keep: DEL, a control character, a line separator, a mark.
odd=$(printf 'x\177\302\205\342\200\250\357\273\277\357\277\275e9"\\\001')
cp drinks.csv "$odd.csv"
ok train $opts --data "$odd.csv" --epochs 1 --out odd
ok train --out odd --resume
ok train --config odd/config.yaml --out odd2

# ------------------------------------------------------ class folders, cache
ok data show digits --rows 1 --columns 1 --out one.png
for class in "$cafe" "$(printf 'caf\350')" caf; do
    mkdir -p "images/$class"
    cp one.png "images/$class/1.png"
done
: >"images/$cafe/$cafe.webp"
names='[c["name"] for c in j["classes"]] == ["caf", "caf\ufffde8", "'$coded'"]'
for _ in files cache; do
    ok data info images --json
    json "$names and j['passed_over'][0] == {'why': 'neither PNG nor JPEG', 'files': 1, 'first': '$coded/$coded.webp'}"
done
[ "$(find cache -type f ! -name 'products-*' | wc -l)" -eq 1 ]
check 'one cache' $?
tar -cf images.tar images
ok data info images.tar --json
json "$names"

# ------------------------------------------------------------------- compare
run compare --json --out "$cafe" -- $opts --data "$set.csv" --seed 1 --seed 2 --epochs 1
check "compare (exit $code: $(cat err))" "$code"
json 'j["out"] == "'$coded'"'
finish
