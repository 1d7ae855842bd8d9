#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# hsgd selftest: everything is right on the devices here, and the table says
# so; a device that fails in its trainings is named, and the exit status is 1.
. "${srcdir:-.}/tests/cli.sh"
refused '"hsgd selftest" does not take "now"' selftest now
refused '--devices "tpu": device "tpu" is not one of cpu, cuda, opencl' selftest --devices tpu
refused '--only "dens" is neither an operation nor copy or training' selftest --only conv2d,dens
ok selftest --devices cpu --threads 1 --only conv2d,copy,training
has out '^devices +cpu \(1 core\)'
has out '^check +device +runs +error +allowed$'
has out '^conv2d +cpu +312 shapes +[1-9][0-9.e-]+ +[1-9][0-9.e-]+  ok$'
has out '^copy 64 MiB and back +cpu +1 copy +- +-  ok$'
has out '^training cifar-cnn +cpu +5 steps +[1-9][0-9.e-]+ +0.0001  ok$'
right=$(grep -c ' ok$' out)
check "$right rows are right, of 5" $((right != 5)) # an operation, a copy, three trainings
check "the sum: $(tail -n 1 out)" "$([ "$(tail -n 1 out)" = '5 passed, 0 failed' ]; echo $?)"
export HSGD_FAIL=opencl@3
run selftest --devices cpu,opencl --only dense,flatten,copy,training --json
[ $code -eq 1 ] && [ ! -s err ]
check "exit $code: $(cat err)" $?
json '[c["check"] for c in j["checks"] if c["ok"] and c["unit"] == "shapes" and c["runs"] >= 200] == [
    "dense", "dense", "flatten", "flatten"]' # on two devices
# flatten moves numbers; the others round.
json 'all(0 < c["error"] <= c["allowed"] for c in j["checks"] if c["ok"] and c["error"] is not None)'
json '[c["check"] for c in j["checks"] if c["device"] == "cpu" and c["error"] is None] == [
    "flatten", "copy 64 MiB and back"]'
json '{c["device"] for c in j["checks"]} == {"cpu", "opencl:0", "together"}'
# Together the first training goes on without the device that has failed, and the others begin without it.
json '[(c["check"], c["device"]) for c in j["checks"] if not c["ok"]] == [
    ("training " + m, d) for m, d in (("mlp", "opencl:0"), ("lenet", "opencl:0"), ("cifar-cnn", "opencl:0"),
                                      ("lenet", "together"), ("cifar-cnn", "together"))]'
json 'all(("as HSGD_FAIL says" if c["device"] == "opencl:0" else "no sample was computed on opencl:0") in c["message"]
          for c in j["checks"] if not c["ok"])'
json 'j["failed"] == 5 and j["passed"] == len(j["checks"]) - 5'
finish
