#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# hsgd on tables with categories and missing values, and the model tabular.
. "${srcdir:-.}/tests/cli.sh"

awk 'BEGIN {
    srand(1)
    print "size,colour,age,kind"
    for (i = 0; i < 600; i++) {
        c = int(3 * rand()); s = 2 * rand() - 1
        split("red green blue", name, " ")
        age = i % 7 ? 10 + i % 5 : "NA"
        print s "," name[c + 1] "," age "," ((c == 1) == (s > 0) ? "yes" : "no")
    }
}' >set.csv
{ head -1 set.csv; echo '0.9,pink,11,no'; tail -40 set.csv; } >other.csv

ok data info set.csv --categorical auto --impute median
says '7 features (size, colour=blue, colour=green, ...) of 3 columns, 1 categorical, 1 filled, label "kind", 2 classes'
ok train --model tabular --data set.csv --categorical auto --impute median --devices cpu --epochs 8 -b 32 --lr 0.01 --out run --json
json 'j["validation_accuracy"] > 0.9'
has run/config.yaml '^categorical: "auto"$'
ok eval --devices cpu --checkpoint run --data other.csv --json
json 'j["samples"] == 41 and j["metrics"]["all"]["accuracy"] > 0.9'
has err 'column "colour": 1 rows have categories that the training data lacked, such as "pink"; they count as unknown'
printf 'colour,age,size\ngreen,12,0.8\nred,?,0.8\n' >rows.csv
ok predict --devices cpu --checkpoint run rows.csv --json
json '[p["class"] for p in j["predictions"]] == ["yes", "no"]'
ok train --model tabular --data set.csv --categorical 2 --devices cpu --steps 2 --out named --verbose
has err 'column "colour": 3 categories'
refused 'data "set.csv": data set "set.csv": --categorical and --impute are of columns of a CSV, and this is text' data info set.csv --format text --impute mean
finish
