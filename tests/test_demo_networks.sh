#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The demo trainers of the networks by name: each builds the built-in network, and learns on the CPU and with OpenCL.
. "${srcdir:-.}/tests/cli.sh"

awk 'BEGIN { for (i = 0; i < 600; i++) {
    x = substr("abcd", 1 + i % 4, 1) substr("abcd", 1 + int(i / 4) % 4, 1) substr("badc", 1 + int(i / 7) % 4, 1) "a"
    print x "\t" toupper(x)
} }' >pairs

images() # NAME COUNT: stripes in three directions with noise, as IDX files; classes are 0, of which there are none, to 3
{
    printf '\0\0\10\3\0\0\0%b\0\0\0\14\0\0\0\14' "\\0$(printf %o "$2")" >"images/$1-images-idx3-ubyte"
    printf '\0\0\10\1\0\0\0%b' "\\0$(printf %o "$2")" >"images/$1-labels-idx1-ubyte"
    LC_ALL=C awk -v n="$2" 'BEGIN { srand(n); for (i = 0; i < n; i++) for (y = 0; y < 12; y++) for (x = 0; x < 12; x++)
        printf "%c", 1 + int(60 * rand()) + 60 * ((i % 3 == 0 ? x : i % 3 == 1 ? y : x + y) % 4 < 2) }' \
        >>"images/$1-images-idx3-ubyte"
    LC_ALL=C awk -v n="$2" 'BEGIN { for (i = 0; i < n; i++) printf "%c", 1 + i % 3 }' >>"images/$1-labels-idx1-ubyte"
}
mkdir images
images train 192
images t10k 48
awk 'BEGIN { for (i = 0; i < 110; i++) printf "the cat sat on the mat. " }' >text
awk 'BEGIN { srand(2); print "a,b,colour,label"
    for (i = 0; i < 640; i++) {
        a = 2 * rand() - 1; red = rand() < 0.5
        print (rand() < 0.1 ? "" : a) "," rand() "," (red ? "red" : "green") "," ((a > 0) == red ? "yes" : "no")
    } }' >table.csv

loss() # FILE: of the last epoch
{
    sed -n 's/^epoch .* loss \([0-9.]*\).*/\1/p' "$1" | tail -n 1
}

# Of both kinds of devices: exit 0, the last epoch's loss is below BOUND, and the devices agree.
demo() # NETWORK CLASSES BOUND NAME ARGS...: the weights are written to the file "weights"
{
    network=$1 classes=$2 bound=$3 name=$4
    shift 4
    for devices in cpu opencl; do
        rm -f weights
        DEVICES=$devices "$build/apps/demos/$name" "$@" >"$name.$devices" 2>err
        check "$name $* on $devices (exit $?: $(cat err))" $?
        awk -v x="$(loss "$name.$devices")" -v bound="$bound" 'BEGIN { exit !(x != "" && x + 0 < bound) }'
        check "$name on $devices has a loss below $bound: $(cat "$name.$devices")" $?
        "$build/demo_models" "$network" "$classes" weights >differences 2>&1
        check "$name builds $network: $(cat differences)" $?
    done
    awk -v a="$(loss "$name.cpu")" -v b="$(loss "$name.opencl")" 'BEGIN { exit !(a - b < 0.02 && b - a < 0.02) }'
    check "$name: losses on cpu and opencl: $(loss "$name.cpu") $(loss "$name.opencl")" $?
}

demo resnet20 4 0.3 resnet images 4 weights
has resnet.cpu '^test accuracy '
demo mobile-cnn 4 0.7 mobile images 4 weights
has mobile.cpu '^test accuracy '
demo char-gpt 11 2.4 char_gpt text 3 'the cat' weights
demo char-lstm 11 2.2 char_lstm text 12 'the cat' weights
for name in char_gpt char_lstm; do
    has $name.cpu '^the cat[a-z. ]{200}'
done
demo seq-rnn 2 0.69 seq_rnn 1 weights '()' ')('
has seq_rnn.cpu '^test accuracy [6-9]'
has seq_rnn.cpu '^\)\(: well formed with [0-9.]+ %$'
demo tabular 2 0.3 tabular table.csv 10 weights
has tabular.cpu '^yes +[0-9] +[0-9]{2}$'

demo translate 10 0.3 translate pairs 12 weights abba
has translate.cpu '^abba: ABBA$'

demo detector 3 1.2 detector 192 3 weights
has detector.cpu '^test loss [0-9.]+, mean average precision 0\.[0-9]+$'
"$build/apps/demos/detector" 0 >out 2>err
[ $? -eq 2 ] && grep -q '^usage: detector ' err
check "detector 0: $(cat err)" $?

# ------------------------------------------------------------------ bad input
for name in resnet mobile char_gpt char_lstm tabular translate; do
    "$build/apps/demos/$name" missing >out 2>err
    [ $? -eq 1 ] && [ ! -s out ] && grep -q "^$name: .*missing" err
    check "$name missing: $(cat err)" $?
    "$build/apps/demos/$name" missing 0 >out 2>err
    [ $? -eq 2 ] && grep -q "^usage: $name " err
    check "$name missing 0: $(cat err)" $?
done
finish
