#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# hsgd's options for tables and arrays, and what it says of them.
. "${srcdir:-.}/tests/cli.sh"

train="train --model linear --devices cpu --validation 0 --quiet"

# ------------------------------------------------------------------ --stop-at
ok train --model linear --devices cpu --data digits --epochs 9 --stop-at 0.5 --out stop --json
json 'j["end"] == "stop-at" and j["epochs"] < 9 and j["validation_accuracy"] >= 0.5'
has stop/config.yaml '^stop-at: 0.5$'
sed 's/^stop-at/target/' stop/config.yaml >old.yaml
ok train --config old.yaml --out old --json
json 'j["end"] == "stop-at" and j["epochs"] < 9'
has old/config.yaml '^stop-at: 0.5$'
printf 'least-batch: 8\nmost-batch: 64\n' >bounds.yaml
ok train --config bounds.yaml --model linear --devices cpu --data digits --steps 2 --out bounds
has bounds/config.yaml '^min-batch: 8$'
has bounds/config.yaml '^max-batch: 64$'
printf 'stop-at: 0.5\ntarget: 0.5\n' >both.yaml
refused 'both.yaml, line 2: "target" appears twice' train --config both.yaml --model linear
printf 'target: 1\n' >column.yaml
refused '--data "digits": data set "digits": --target names columns of a CSV, an array or a folder of images, and this is digits' train --config column.yaml --model linear --data digits
refused '--stop-at 0.5 needs validation samples, and --validation "0" leaves none' $train --stop-at 0.5 --out new

# ------------------------------------------------------------------- --target
awk 'BEGIN { print "size,price,age"; for (i = 0; i < 40; i++) print i % 7 "," 2.5 * i - 10 "," i }' >houses.csv
ok data info houses.csv --target price
says 'houses.csv: csv, 40 samples of 2 features (size, age), target "price"'
has out '^price  *train  *-10  *87.5  *38.75  *28.8585$'
ok data info houses.csv --target age --target price --test houses.csv --json
json 'j["classes"] == [] and [t["name"] for t in j["targets"]] == ["age", "price"]'
json 'j["targets"][1]["test"] == {"min": -10, "max": 87.5, "mean": 38.75, "deviation": 28.858491}'
ok data show houses.csv --target price --rows 2
has out '^-7.5  *1:1 2:1$'
refused 'data "houses.csv": houses.csv: line 1: no column "weight"; there are 3, from "size" to "age"' data info houses.csv --target weight
ok $train --data houses.csv --target price --out houses
array() # FILE TYPE SHAPE < values: an .npy file
{
    text="{'descr': '$2', 'fortran_order': False, 'shape': $3}"
    printf '\223NUMPY\1\0%b%b%s' "\\0$(printf %o ${#text})" '\0' "$text" >"$1"
    cat >>"$1"
}
head -c 24 /dev/zero | array heat.npy '|u1' '(4, 6)'
printf '\001\002\003\004\005\006\007\377' | array warm.npy '|u1' '(4, 2, 1)'
ok data info heat.npy --target warm.npy --json
json '"target 2x1" in j["summary"] and [t["train"]["max"] for t in j["targets"]] == [255]'
ok data info heat.npy --target warm.npy
has out '^target  *train  *1  *255 '

# --------------------------------------------------------------------- --test
awk 'BEGIN { for (i = 0; i < 60; i++) print i % 2 ? "-1,0,b" : "1,0,a" }' >rows
{ echo 'x,z,kind'; cat rows; } >points.csv
{ echo 'kind,z,x'; awk -F, '{ print $3 "," $2 "," $1 }' rows | head -20; } >other.csv
ok data info points.csv --test other.csv --json
json 'j["test"]["samples"] == 20 and [c["test"] for c in j["classes"]] == [10, 10]'
ok $train --data points.csv --test other.csv --epochs 20 -b 8 --lr 0.1 --out points --json
json 'j["test_accuracy"] == 1'
has points/config.yaml '^test: "other.csv"$'
ok eval --devices cpu --checkpoint points --json
json 'j["samples"] == 20 and j["part"] == "test" and j["accuracy"] == 1'
ok eval --devices cpu --checkpoint points --split train --json
json 'j["samples"] == 60'
refused '--test "none.csv": data set "none.csv": No such file or directory; "digits", "shapes" and "dates" are built in, anything else is a file or folder' $train --data points.csv --test none.csv --out new
{ cat other.csv; echo 'c,1,1'; } >new.csv
refused '--test "new.csv": new.csv: line 22: column "kind": label "c" is not one of the 2 classes a, b' $train --data points.csv --test new.csv --out new

# --------------------------------------------------------- --ignore, --classes
printf 'id,city,x,kind\n7,Paris,1,a\n8,Rome,-1,b\n' >cities.csv
refused 'data "cities.csv": cities.csv: line 2: column "city": "Paris" is not a number; --categorical takes the values of a column as categories, --ignore leaves it out' data info cities.csv
for list in '--ignore city,id' '--ignore city --ignore 1' '--ignore=city --ignore=id'; do
    ok data info cities.csv $list --json
    has out '"csv, 2 samples of 1 feature \(x\), label ."kind.", 2 classes \(a, b\), ignored \(id, city\)"'
done
ok $train --data cities.csv --ignore city --ignore id --epochs 1 --out cities
has cities/config.yaml '^ignore: "city,id"$'
ok $train --config cities/config.yaml --out again
ok eval --devices cpu --checkpoint cities
printf 'x,city,id\n1,Oslo,9\n' >query.csv
ok predict --devices cpu --checkpoint cities query.csv
refused 'data "digits": data set "digits": --ignore names columns of a CSV, and this is digits' data info digits --ignore a
printf 'x,price\n1,2.5\n2,3\n' >prices.csv
refused '--data "prices.csv": prices.csv: column "price": label "2.5" has a fraction, like a measurement; --target predicts numbers, --classes treats them as classes' $train --data prices.csv --out new
ok $train --data prices.csv --classes --epochs 1 --out prices
has prices/config.yaml '^classes: true$'
ok eval --devices cpu --checkpoint prices

# ------------------------------------------- what differs in the last digits
awk 'BEGIN { print "t,y"; for (i = 0; i < 40; i++) printf "%.0f,%s\n", 1700000000 + i, i < 20 ? "a" : "b" }' >time.csv
ok $train --data time.csv --epochs 30 -b 8 --lr 0.1 --out time
ok eval --devices cpu --checkpoint time --json
json 'j["accuracy"] > 0.9'
printf 't\n1700000001\n' >first.csv
ok predict --devices cpu --checkpoint time first.csv
has out '^first.csv +a '

# ----------------------------------- columns beyond 1024 are as good as others
awk 'BEGIN { for (k = 1; k <= 1100; k++) printf "c%d,", k
    print "y"
    for (i = 0; i < 40; i++) {
        for (k = 1; k < 1100; k++) printf "%d,", k == 4 ? i * 25000 : k == 1099 ? 2 * (i % 2) - 1 : 0
        print (i < 2 ? "?" : i % 2 ? 5 : 15) "," i % 2 } }' >wide.csv
ok $train --data wide.csv --epochs 20 -b 8 --lr 0.01 --out wide
ok eval --devices cpu --checkpoint wide --json
json 'j["accuracy"] > 0.95'
# The mean of the last column is 10, and a missing value is it.
{ head -1 wide.csv; sed -n 5p wide.csv | sed 's/,[0-9]*,\([01]\)$/,?,\1/'; sed -n 5p wide.csv | sed 's/,[0-9]*,\([01]\)$/,10,\1/'; } >pair.csv
ok predict --devices cpu --checkpoint wide --json pair.csv
json 'all(abs(a - b) < 1e-6 for a, b in zip(*[p["probabilities"] for p in j["predictions"]]))'

finish
