#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Where the machine gives little: no home, a home that cannot be written, no
# entry in passwd, limited addresses.  A run trains, or ends with one sentence.
. "${srcdir:-.}/tests/cli.sh"
opts='--model linear --threads 1 --epochs 1 --quiet'
n=0

sentence() # FILE: one line that is ours
{
    [ "$(wc -l <"$1")" -eq 1 ] && grep -q '^hsgd: ' "$1"
}

# ------------------------------------------------------------------- places
unset STARPU_HOME XDG_CACHE_HOME TMPDIR
mkdir open none
chmod 755 "$dir"
chmod 777 open
# Another user where root runs this, whom no file of root's stops.
as_user=
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null && [ -x "$hsgd" ]; then
    as_user='setpriv --reuid 54321 --regid 54321 --clear-groups'
    $as_user "$hsgd" --version >/dev/null 2>&1 || as_user=
fi
[ -n "$as_user" ] || echo 'skipped: a user without a home (needs root and setpriv, and a build folder that others can read)'
kept='StarPU.s measurements are not kept; set STARPU_HOME to another folder'

placed() # REGEX ENV... -- ARGS...: succeeds with this warning alone, or without one where REGEX is empty
{
    expected=$1
    shift
    settings=
    while [ "$1" != -- ]; do settings="$settings $1"; shift; done
    shift
    (cd open && env $settings $as_user "$hsgd" "$@" >../out 2>../err)
    code=$?
    if [ "$expected" ]; then
        [ $code -eq 0 ] && sentence err && grep -Eq "^hsgd: warning: $expected\$" err
    else
        [ $code -eq 0 ] && [ ! -s err ]
    fi
    check "$settings hsgd $* (exit $code: $(cat err))" $?
}
everywhere() # REGEX ENV...
{
    n=$((n + 1))
    placed "$@" -- train $opts --devices cpu --out run$n
    shift
    placed '' "$@" -- data info digits
}
# Of the other user where there is one: other tests may run beside this one.
left() { find /tmp -maxdepth 1 ${as_user:+-user 54321} \( -name 'hsgd-??????' -o -name .starpu \) 2>/dev/null; }
before=$(left)
everywhere "HOME is not set: $kept" -u HOME
everywhere "HOME is not set: $kept" HOME=
everywhere "/proc/nobody/.starpu/sampling/: No such file or directory: $kept" HOME=/proc/nobody
placed "HOME is not set: $kept" -u HOME OCL_ICD_VENDORS=/dev/null -- devices
if [ -n "$as_user" ]; then
    everywhere "//.starpu/sampling/: Permission denied: $kept" HOME=/
    everywhere "$dir/none/.starpu/sampling/: Permission denied: $kept" HOME="$dir/none"
    # Root has been here before.
    HOME=$dir/open "$hsgd" train $opts --devices cpu --out used >out 2>err
    check "root trains: $(cat err)" $?
    everywhere "$dir/open/.starpu/sampling/: Permission denied: $kept" HOME="$dir/open"
fi
[ "$before" = "$(left)" ]
check "nothing is left in /tmp: $(left)" $?
# What is named is not replaced.
STARPU_HOME=/proc/nobody
export STARPU_HOME
refused "/proc/nobody/.starpu/sampling/: No such file or directory; StarPU keeps its measurements there: set STARPU_HOME \
to another folder" train --model linear --epochs 1
STARPU_HOME=$dir/starpu

# PoCL finds no device where it has no folder.
mkdir home
[ -z "$as_user" ] || chown 54321 home
if [ -n "$as_user" ] && grep -q '^#define HSGD_USE_OPENCL 1' "$build/config.h"; then
    (cd open && STARPU_HOME=$dir/home HOME=/ $as_user "$hsgd" train $opts --devices opencl --out cl >../out 2>../err)
    code=$?
    [ $code -eq 0 ] && sentence err && grep -q '^hsgd: warning: PoCL cannot keep compiled kernels' err
    check "OpenCL without a home (exit $code: $(cat err))" $?
fi

# ----------------------------------------------------------------- threads
threads_of() # COUNT: with so many threads of this user
{
    (cd open && STARPU_HOME=$dir/home OPENBLAS_NUM_THREADS=1 prlimit --nproc="$1:$1" $as_user \
        "$hsgd" train $opts --devices cpu --out threads"$1" >../out 2>../err)
    code=$?
}
if [ -n "$as_user" ] && command -v prlimit >/dev/null; then
    threads_of 3
    [ $code -eq 1 ] && sentence err && grep -q 'more threads are needed.* (ulimit -u 3)$' err
    check "3 threads (exit $code: $(cat err))" $?
    threads_of 300
    check "300 threads (exit $code: $(cat err))" $code
fi

# ---------------------------------------------------------- address space
if grep -q 'asan\|libtsan' /proc/self/maps || ldd "$hsgd" 2>/dev/null | grep -q asan ||
    grep -aq __asan_init "$build/.libs/libhsgd.so" 2>/dev/null; then
    echo 'skipped: limited addresses (a sanitizer needs them all)'
    finish
fi
export HOME="$dir"
limited() # KIBIBYTES ARGS...: trains, or ends with a sentence and status 1
{
    # shellcheck disable=SC3045  # dash and bash have it
    (ulimit -v "$1" && shift && exec "$hsgd" "$@" >out 2>err)
    code=$?
    # 127: the libraries themselves do not fit, and the dynamic linker says so.
    # 0 with a warning: it has trained, and there is no room to draw its curves.
    [ $code -eq 127 ] || { [ $code -eq 1 ] && sentence err; } ||
        { [ $code -eq 0 ] && { [ ! -s err ] || { sentence err && grep -q 'warning: the plot' err; }; }; }
    check "ulimit -v $1 hsgd $2 $3 $4 (exit $code: $(cat err))" $?
}
trained=0 ended=0
trains_within() # DEVICES KIBIBYTES...
{
    devices=$1
    shift
    for k; do
        limited $k train $opts --devices $devices --out limited-$devices-$k
        [ $code -eq 0 ] && trained=$((trained + 1))
        [ $code -eq 1 ] && ended=$((ended + 1))
    done
}
# Between the first two the libraries fit, but nothing else: there even the stack may not grow, and no sentence helps.
trains_within auto 100000 200000 300000 400000 560000 67108864
trains_within cpu 200000 400000 67108864
[ $trained -ge 2 ] && [ $ended -ge 4 ] # of 9; how many fit depends on the machine's libraries
check "$trained runs have trained, $ended ended with a sentence" $?
for k in 200000 300000 500000; do
    # They are listed, with a sentence where "auto" cannot use them.
    # shellcheck disable=SC3045
    (ulimit -v $k && exec "$hsgd" devices >out 2>err)
    code=$?
    [ $code -eq 127 ] || { [ $code -eq 0 ] && grep -Eq '^(device |no device )' out && { [ ! -s err ] || sentence err; }; }
    check "ulimit -v $k hsgd devices (exit $code: $(cat out err))" $?
    limited $k --version
    limited $k data info digits
    [ $code -eq 0 ] || [ $k -lt 300000 ]
    check "ulimit -v $k hsgd data info digits: no StarPU is needed" $?
done
limited 500000 train $opts --devices opencl --out limited-opencl
[ $code -ne 0 ]
check 'there is no OpenCL with so few addresses' $?
finish
