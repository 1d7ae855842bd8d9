#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# OpenCL drivers that lack something: one sentence for a device that is named, and the others go on.
srcdir=$(cd "${srcdir:-.}" && pwd)
. "$srcdir/tests/cli.sh"
shim=driver_shim
. "$srcdir/tests/shim.sh"
"$hsgd" devices | grep -q '^opencl:0 ' || { echo "skipped: there is no OpenCL device"; exit 77; }
network="--model linear -b 20 --steps 3 --quiet"
with() # LACK ARGS...: leaves out, err and code
{
    lack=$1
    shift
    DRIVER_LACKS=$lack LD_PRELOAD=$shim "$hsgd" "$@" >out 2>err
    code=$?
}

cannot() # LACK REGEX: the device is refused
{
    with "$1" train $network --devices opencl
    [ $code -ne 0 ] && [ $code -lt 100 ] && [ ! -s out ] && [ "$(wc -l <err)" -eq 1 ]
    check "$1: exit $code: $(cat err)" $?
    has err "^hsgd: --devices \"opencl\": device \"opencl:0\" cannot be used: .+: $2\$"
}

left_out() # LACK REGEX: by auto, and by the list of devices
{
    STARPU_OPENCL_ON_CPUS=1 with "$1" train $network --threads 1 --devices auto
    check "$1, auto: exit $code: $(cat err)" $code
    tr -s '\n ' '  ' <err >line
    has line "^hsgd: warning: device \"opencl:0\" cannot be used: .+: $2: it is left out $"
    with "$1" devices
    check "$1, devices: exit $code" $code
    ! grep -q '^opencl' out
    check "$1: it is not listed: $(cat out)" $?
    has err "cannot be used: .+: $2"
}

cannot available 'its driver says that it is not available'
cannot compiler 'its driver has no compiler of OpenCL C'
cannot version 'its driver is for "OpenCL 1.1 old", not OpenCL 1.2'
cannot units 'its driver does not say how many compute units there are'
cannot context 'its driver gives no context \(OpenCL error -2\)'
left_out context 'its driver gives no context \(OpenCL error -2\)'
cannot queue 'its driver gives no queue \(OpenCL error -5\)'
# Where groups are of one item, their size is not in question.
with group train $network --devices opencl
check "groups of one item: $(cat err)" $code
export HSGD_OPENCL_GROUPS=1
cannot group 'its groups have at most 32 items, not 64'
left_out group 'its groups have at most 32 items, not 64'
cannot memory 'its groups have 1024 bytes of local memory, not 4096'
with kernel train $network --devices opencl
[ $code -ne 0 ] && [ $code -lt 100 ]
check "kernel: exit $code" $?
has err 'groups of "[a-z_0-9]+" have at most 32 items there, not 64$'
finish
