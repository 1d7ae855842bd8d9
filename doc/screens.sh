#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Makes doc/screens/*.txt from real runs: what each command prints in 80 columns.
# doc/screens.sh SOURCE BUILD
set -eu
source=$(cd "$1" && pwd)
PATH=$(cd "$2" && pwd):$PATH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export STARPU_HOME="$work" HSGD_CACHE_DIR="$work/cache" HWLOC_HIDE_ERRORS=2
mkdir -p "$source/doc/screens"
cd "$work"

screen() # FILE ARGS...: adds a command and what it prints to doc/screens/FILE.txt
{
    file=$source/doc/screens/$1.txt
    shift
    [ ! -s "$file-new" ] || echo >>"$file-new"
    echo "\$ hsgd $*" | fold -s -w 78 | sed -e '$!s/$/\\/' -e '2,$s/^/    /' >>"$file-new"
    status=0
    "hsgd" "$@" >>"$file-new" 2>&1 || status=$?
    [ $status -eq 0 ] || { echo "hsgd $*: exit status $status"; cat "$file-new"; exit 1; }
}
rm -f "$source"/doc/screens/*-new

# Flowers that are made up: two measures and a name, one of them missing.
awk 'BEGIN { srand(4); print "length,width,species"
    for (i = 0; i < 300; i++) { k = i % 3
        printf "%s,%.1f,%s\n", i == 7 ? "" : sprintf("%.1f", 3 + k + rand()), 1 + 2 * (k == 1) + rand(),
               k == 0 ? "dog rose" : k == 1 ? "field poppy" : "wild tulip" } }' >flowers.csv

screen help help
for command in $(hsgd help | sed -n 's/^  \([a-z-]*\)  .*/\1/p'); do screen "help-$command" help "$command"; done
screen devices devices
screen models models
screen summary summary --model lenet
screen summary summary --model resnet8
screen data data info flowers.csv
screen data data show flowers.csv --rows 4
screen data data info digits
screen train train --model lenet --epochs 3 --out lenet
screen train train --model mlp --data flowers.csv --epochs 20 --lr 0.01 --out flowers --quiet
screen train train --model mlp-small --devices cpu,opencl --threads 1 --algorithm elastic --epochs 1 --out elastic
screen train train --out lenet --resume --epochs 4
screen train train --model lenet --dry-run
screen eval eval --checkpoint lenet
screen eval eval --checkpoint flowers
screen predict predict --checkpoint flowers flowers.csv
head -n 16 "$source/doc/screens/predict.txt-new" >predict && mv predict "$source/doc/screens/predict.txt-new"
head -n 2 flowers.csv >one.csv
screen explain explain --checkpoint flowers one.csv --out explained
screen plan plan lenet
screen plan plan --model mlp --devices cpu,opencl --threads 1
screen bench bench --model mlp --seconds 2
screen calibrate calibrate --model lenet --devices cpu,opencl --threads 1
screen calibrate calibrate --clear
screen tune tune --model lenet --time 60 --out tuned
screen compare compare --out compared -- --model mlp-small --epochs 2 --lr 0.001 --lr 0.01
if hsgd help plot | grep -q RUN; then screen plot plot lenet; fi
screen selftest selftest --devices cpu
for new in "$source"/doc/screens/*-new; do mv "$new" "${new%-new}"; done
# Sentences on stderr are one line each.
! LC_ALL=C.UTF-8 grep -n '.\{81\}' "$source"/doc/screens/*.txt | grep -v ':hsgd: '
