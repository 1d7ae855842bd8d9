#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# hsgd selftest finds every wrong number that the library gives, names its row
# and device, and exits with 1; the other rows pass.
srcdir=$(cd "${srcdir:-.}" && pwd)
. "$srcdir/tests/cli.sh"
shim=wrong_shim
. "$srcdir/tests/shim.sh"
# Steps 1 to 5 are those of mlp on the first device, 6 to 10 of lenet.
export WRONG="dense@opencl:0 softmax_cross_entropy@cpu update@cpu clip_factor@opencl:0 flatten@cpu step:9 idle@cpu"
right=accuracy,add,conv2d,mse,relu
LD_PRELOAD=$shim "$hsgd" selftest --devices cpu,opencl --json \
    --only dense,softmax_cross_entropy,optimizer,clip_factor,flatten,copy,training,$right >out 2>err
code=$?
[ $code -eq 1 ] && [ ! -s err ]
check "exit $code: $(cat err)" $?
json '{(c["check"], c["device"]) for c in j["checks"] if not c["ok"]} == {
    ("dense", "opencl:0"), ("softmax_cross_entropy", "cpu"), ("optimizer", "cpu"), ("clip_factor", "opencl:0"),
    ("flatten", "cpu"), ("copy 64 MiB and back", "cpu"), ("training lenet", j["devices"][0]["id"])} | {
    ("training " + m, d) for m in ("mlp", "lenet", "cifar-cnn") for d in ("cpu", "together")}'
# On two devices; these move numbers or count, every other one rounds.
json '{c["check"] for c in j["checks"] if c["ok"] and c["unit"] == "shapes" and c["runs"] >= 200} >= set("'$right'".split(","))'
json 'len([c for c in j["checks"] if c["ok"] and c["unit"] == "shapes" and c["runs"] >= 200]) == 2 * 10 - 5'
json 'all(0 < c["error"] <= c["allowed"] or c["check"] in ("accuracy", "add", "relu")
          for c in j["checks"] if c["ok"] and c["error"] is not None)'
message() # CHECK DEVICE WORDS: what a row says
{
    json "'$3' in [c['message'] for c in j['checks'] if (c['check'], c['device']) == ('$1', '$2')][0]"
}
message dense opencl:0 'wrong on opencl:0: y['
message optimizer cpu 'wrong on cpu: w and state['
message 'copy 64 MiB and back' cpu 'float 16777215 of 16777216 came back as'
message 'training mlp' together 'no sample was computed on cpu'
json 'all(c["error"] > c["allowed"] for c in j["checks"] if c["check"] in ("optimizer", "clip_factor") and not c["ok"])'
LD_PRELOAD=$shim "$hsgd" selftest --devices cpu --only optimizer,dense >out 2>err
code=$?
[ $code -eq 1 ] && [ ! -s err ]
check "exit $code as text: $(cat err)" $?
has out '^optimizer +cpu +[0-9]+ shapes +[0-9.e+-]+ +[0-9.e+-]+  FAILED$'
has out '^    wrong on cpu: w and state\['
has out '^dense +cpu +210 shapes +[0-9.e-]+ +[0-9.e-]+  ok$'
has out '^[0-9]+ passed, [0-9]+ failed$'
finish
