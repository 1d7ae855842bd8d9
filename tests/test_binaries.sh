#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Compiled OpenCL programs: kept, used, and never when they do not belong.
srcdir=$(cd "${srcdir:-.}" && pwd)
. "$srcdir/tests/cli.sh"
shim=driver_shim
. "$srcdir/tests/shim.sh"
"$hsgd" devices | grep -q '^opencl:0 ' || { echo "skipped: there is no OpenCL device"; exit 77; }
export HSGD_OPENCL_BINARIES=1 STARPU_HOSTNAME=node DRIVER_REPORT=$dir/report
train() # leaves the losses in `losses`, the messages in err, and how many programs were made of texts and of binaries
{
    : >report
    LD_PRELOAD=$shim "$hsgd" train --model linear -b 20 --steps 3 --devices opencl --deterministic --verbose --json \
        >out 2>err
    check "training: $(cat err)" $?
    sed 's/.*"loss": *\([0-9.]*\).*/\1/;q' out >losses
    sources=$(grep -c source report) binaries=$(grep -c binary report)
}
programs() { find "$HSGD_CACHE_DIR" -name 'program-node-*' | sort; }
made() # WHAT SOURCES BINARIES: the numbers of this run, with the results of the first
{
    [ "$sources $binaries" = "$2 $3" ]
    check "$1: $sources programs of texts, $binaries of binaries" $?
    cmp -s losses first
    check "$1: the results are those of the first run" $?
    # Bytes may differ: drivers do not compile a text to the same ones each time.
    [ "$(head -n 1 "$one")" = 'hsgd OpenCL program 1' ] && [ "$(wc -c <"$one")" -gt $(($(wc -c <whole) / 2)) ]
    check "$1: the file is whole afterwards: $(wc -c <"$one") bytes" $?
}

train
cp losses first
all=$sources
[ "$all" -gt 3 ] && [ "$binaries" -eq 0 ] && [ "$(programs | wc -l)" -eq "$all" ]
check "the first run keeps its $all programs: $(programs)" $?
one=$(programs | head -n 1) two=$(programs | tail -n 1)
cp "$one" whole
train
made "the second run" 0 "$all"

spoilt() # WHAT: the file is not used, and one is written anew
{
    train
    made "$1" 1 $((all - 1))
    has err 'is damaged, or another program: it is compiled again$'
}
head -c 1000 whole >"$one"
spoilt "a truncated file"
head -c 256 whole >"$one"
spoilt "a file without a program"
: >"$one"
train
made "an empty file" 1 $((all - 1))
sed 's/program 1/program 0/' whole >"$one"
spoilt "a file of another version"
cp "$two" "$one"
spoilt "the file of another program"
{ head -c 2000 whole; printf X; tail -c +2002 whole; } >"$one"
cmp -s whole "$one" && { head -c 2000 whole; printf Y; tail -c +2002 whole; } >"$one"
spoilt "a byte that has changed"
train
made "after a byte that has changed" 0 "$all"
DRIVER_LACKS=binary train
made "a driver that takes none" "$all" "$all"
has err 'the driver does not take a program that it compiled earlier: it is compiled again$'
HSGD_OPENCL_GROUPS=1 train
[ "$sources $binaries" = "$all 0" ]
check "groups of many items have other programs: $sources, $binaries" $?

# ------------------------------------------------------------ none are kept
HSGD_OPENCL_BINARIES=yes refused '--devices "opencl": HSGD_OPENCL_BINARIES is "yes", not 0 or 1' \
    bench --model linear --devices opencl
n=$(programs | wc -l)
HSGD_OPENCL_BINARIES=0 train
[ "$sources $binaries" = "$all 0" ]
check "without them: $sources, $binaries" $?
HSGD_CACHE=off train
[ "$sources $binaries" = "$all 0" ]
check "without a cache: $sources, $binaries" $?
HSGD_CACHE_DIR=/proc/nowhere train
[ "$sources $binaries" = "$all 0" ]
check "in a folder that cannot be: $sources, $binaries" $?
[ "$(programs | wc -l)" -eq "$n" ]
check "no file more than before: $(programs | wc -l), $n" $?

# ---------------------------------------------------------------- not too many
for i in $(seq 1000 2099); do : >"$HSGD_CACHE_DIR/program-node-0000000000000000000000000000$i"; done
touch -d 2001-01-01 "$HSGD_CACHE_DIR"/program-node-0000000000000000000000000000*
: >"$HSGD_CACHE_DIR/program-other-00000000000000000000000000000000"
rm "$one"
train
[ "$(programs | wc -l)" -eq 1000 ] && [ -s "$one" ] && [ -e "$HSGD_CACHE_DIR/program-other-00000000000000000000000000000000" ]
check "the last used are kept, of this host: $(programs | wc -l)" $?
finish
