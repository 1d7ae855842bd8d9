#!/bin/sh
# hsgd selftest: everything is right on the devices here, but for one that
# fails in its trainings: then it is told where, and the exit status is 1.
. "${srcdir:-.}/tests/cli.sh"
refused '"hsgd selftest" does not take "now"' selftest now
refused '--devices "tpu": device "tpu" is not one of cpu, cuda, opencl' selftest --devices tpu
export HSGD_FAIL=opencl@3
run selftest --devices cpu,opencl --json
[ $code -eq 1 ] && [ ! -s err ]
check "exit $code: $(cat err)" $?
json 'len([c for c in j["checks"] if c["ok"] and c["runs"] >= 200]) == 18' # nine operations, two devices
json '{c["device"] for c in j["checks"]} == {"cpu", "opencl:0", "together"}'
json 'all(c["ok"] for c in j["checks"] if c["device"] != "opencl:0")'
json '[c["ok"] for c in j["checks"] if c["device"] == "opencl:0" and c["check"].startswith("training")] == [False] * 3'
json 'j["failed"] == 3 and j["passed"] == len(j["checks"]) - 3'
json 'all("as HSGD_FAIL says" in c["message"] for c in j["checks"] if not c["ok"])'
finish
