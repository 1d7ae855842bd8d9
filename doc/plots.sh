#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# make doc-plots: the plots of doc/ from real runs on the built-in digits, a minute
# on two cores.  plots.sh SOURCE-FOLDER BUILD-FOLDER
set -eu
doc=$(cd "$1/doc" && pwd)
hsgd=$(cd "$2" && pwd)/hsgd
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
STARPU_HOME=$folder HSGD_CACHE_DIR=$folder/cache
export STARPU_HOME HSGD_CACHE_DIR
max=200000

run() { "$hsgd" "$@" >log 2>&1 || { cat log >&2; exit 1; }; }

put() # FILE NAME: into doc/
{
    [ "$(wc -c <"$1")" -lt $max ] || { echo "$2 has more than $max bytes" >&2; exit 1; }
    cp "$1" "$doc/$2"
    echo "doc/$2: $(wc -c <"$1") bytes"
}

run train --model lenet --devices cpu --epochs 8 --lr 0.002 --out lenet
put lenet/curves.png curves.png
run eval --checkpoint lenet --devices cpu --png confusion.png
put confusion.png confusion.png
run compare --out rates --repeat 3 -- --model mlp-small --devices cpu --threads 1 --optimizer sgd --epochs 6 \
    --lr 0.02 --lr 0.2
put rates/compare.png compare.png
run plan --model mlp --batch-size 64 --devices cpu,opencl --threads 1 --algorithm dpsgd --svg plan.svg
put plan.svg plan.svg
run data show digits --rows 3 --columns 12 --png sheet.png
put sheet.png sheet.png
run data show digits --split test --rows 1 --columns 1 --out five.png
run explain --checkpoint lenet --devices cpu --method integrated --out explained five.png
put explained/0001-five-integrated.png explain.png
