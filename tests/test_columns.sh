#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# What every command prints fits 80 columns, whatever the names are, and has no
# escapes where the terminal knows none.
. "${srcdir:-.}/tests/cli.sh"
use='--devices cpu --threads 1'

# ------------------------------------------------------------- help of each
ok help
narrow usage
for command in $(sed -n 's/^  \([a-z]*\)  .*/\1/p' out); do
    ok help "$command"
    ok "$command" --help
done
ok --version
ok devices
ok models

# ---------------------------------------------- classes with names of any kind
long=$(printf 'a-class-with-a-name-longer-than-%03d-lines-' 1 2 3 4 5)
awk -v long="$long" 'BEGIN {
    print "one,two,three,four,five,six,seven,eight,nine,ten,eleven,twelve,label"
    for (i = 0; i < 240; i++) {
        for (k = 0; k < 12; k++) printf "%.6f,", (i * (k + 3) * 7919 % 10007) / (k % 3 ? 1e-3 : 3e4)
        k = i % 30
        print k == 0 ? long : k == 1 ? "\"two\nlines\"" : k == 2 ? "a\tb" : k == 3 ? "größe-ΔΘΛ-汉字汉字汉字汉字汉字汉字" : \
              k == 4 ? "names with blanks in them more than once and again" : "class number " k
    }
}' >many.csv
deep=$(printf '%060d' 0)/$(printf '%060d' 1)
mkdir -p "$deep"
cp many.csv "$deep/$(printf 'new\nline.csv')"
path=$deep/$(printf 'new\nline.csv')
ok data info "$path"
has out 'two.nlines'
ok data show "$path"
ok train --model linear $use --data "$path" --epochs 2 --out "$deep/run"
has out '^run +0+'
ok train --model linear $use --data "$path" --epochs 1 --dry-run
ok eval --checkpoint "$deep/run" $use --data "$path"
ok predict --checkpoint "$deep/run" $use "$path"
ok predict --checkpoint "$deep/run" $use many.csv
ok plan "$deep/run"
awk 'BEGIN { print "x,y,label"; for (i = 0; i < 200; i++) print i % 17 "," i % 5 ",class " i % 18 }' >some.csv
ok train --model linear $use --data some.csv --epochs 1 --out some --quiet
has out '^best validation accuracy [0-9.]+%; [0-9]+ steps in [0-9.]+ s$'
ok eval --checkpoint some $use --data some.csv
[ "$(grep -c '^true ' out)" -gt 1 ]
check 'a wide confusion matrix in parts' $?

# ---------------------------------------------------------- names of devices
name=$(printf 'A device with a name of %d letters, as drivers have them; ' 1 2)
mkdir named
sed '/ on /!s/"name": "[^"]*"/"name": "'"$name"'"/' some/plan.json >named/plan.json
ok plan named
says 'as drivers have them; A device with a name of 2 letters'

# ------------------------------------------------------- several devices, bench
for algorithm in sync local; do
    ok plan --model mlp --batch-size 64 --devices cpu,opencl --threads 1 --algorithm $algorithm
done
ok train --model mlp-small --devices cpu,opencl --threads 1 --algorithm stale --steps 20
ok bench --model linear --seconds 0.1 --devices cpu

# -------------------------------------------------------- on a dumb terminal
terminal() # TERM ARGS...: leaves what a terminal would get in `screen`
{
    TERM=$1
    shift
    export TERM
    script -qec "'$hsgd' $*" /dev/null >screen 2>&1 </dev/null
    check "hsgd $* on a terminal ($TERM): $(tail -n 3 screen)" $?
}
escapes() { LC_ALL=C tr -cd '\033' <screen | wc -c; }
if command -v script >/dev/null; then
    terminal dumb train --model mlp-small $use --epochs 2 --out dumb
    check 'escapes on a dumb terminal' "$(escapes)"
    tr -d '\r' <screen >plain
    narrow 'a dumb terminal' plain
    terminal dumb eval --checkpoint dumb $use
    check 'escapes of eval on a dumb terminal' "$(escapes)"
    terminal xterm train --model mlp-small $use --epochs 3 --out xterm
    [ "$(escapes)" -gt 0 ]
    check 'a bar on another terminal' $?
fi
finish
