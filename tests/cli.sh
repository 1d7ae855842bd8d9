# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
# What tests of the command line share: a folder of their own, and checks that count.
hsgd=${builddir:-.}/hsgd
case $hsgd in /*) ;; *) hsgd=$PWD/$hsgd ;; esac
build=${hsgd%/*}
if [ -x "$build/.libs/hsgd" ]; then # the program itself: libtool's script takes longer to start
    hsgd=$build/.libs/hsgd
    export LD_LIBRARY_PATH="$build/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
STARPU_HOME=$dir/starpu HSGD_CACHE_DIR=$dir/cache HWLOC_HIDE_ERRORS=2
export STARPU_HOME HSGD_CACHE_DIR HWLOC_HIDE_ERRORS
unset HSGD_EXECUTOR STARPU_OPENCL_ON_CPUS
mkdir "$STARPU_HOME"
cd "$dir" || exit 99
passed=0 failed=0

check() # NAME STATUS: counts one check
{
    if [ "$2" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL: $1"; fi
}

run() # ARGS...: leaves out, err and code
{
    "$hsgd" "$@" >out 2>err
    code=$?
}

narrow() # NAME [FILE]: text for a screen: 80 characters a line, no control characters
{
    file=${2:-out}
    if ! LC_ALL=C grep -q '.\{81\}\|[^ -~]' "$file"; then passed=$((passed + 1)); return; fi
    case $(head -c 1 "$file") in "{") return ;; esac
    wide=$(LC_ALL=C.UTF-8 grep -n '.\{81\}' "$file")
    check "lines of $1 that are longer than 80 characters: $wide" "$([ -z "$wide" ]; echo $?)"
    check "control characters of $1" "$(LC_ALL=C tr -d '\n\040-\176\200-\377' <"$file" | head -c 1 | wc -c)"
    iconv -f UTF-8 -t UTF-8 "$file" >/dev/null 2>&1
    check "bytes of $1 that are not UTF-8" $?
}

ok() # ARGS...: must succeed
{
    run "$@"
    check "hsgd $* (exit $code: $(cat err))" $code
    case " $* " in " compare "* | *" --man "* | *" --completion "*) ;; *) narrow "hsgd $*" ;; esac
}

refused() # MESSAGE ARGS...: exit 2, exactly this sentence, nothing on stdout
{
    message=$1
    shift
    run "$@"
    [ "$code" -eq 2 ] && [ ! -s out ] && [ "$(cat err)" = "hsgd: $message" ]
    check "hsgd $* (exit $code: $(cat err))" $?
}

has() # FILE REGEX
{
    grep -Eq "$2" "$1"
    check "$1 has $2: $(cat "$1")" $?
}

says() # TEXT: out has it, wherever lines were wrapped
{
    tr -s '\n ' '  ' <out | grep -Fq -- "$1"
    check "out says $1: $(cat out)" $?
}

# Until the command succeeds, which looks at a state; about a minute at most.
await() # COMMAND...
{
    for _ in $(seq 600); do
        "$@" && return
        sleep 0.1
    done
    return 1
}

logged() # RUN COUNT: its log has more lines
{
    [ -s "$1/log.jsonl" ] && [ "$(wc -l <"$1/log.jsonl")" -gt "$2" ]
}

interpreter() # ARGS...: the interpreter; a launcher such as pyenv's takes several times as long to start
{
    : "${python:=$(python3 -c 'import sys; print(sys.executable)')}"
    "$python" "$@"
}

json() # EXPRESSION: about j, the one object in out
{
    if command -v python3 >/dev/null; then
        interpreter -I -S -c 'import json, math, sys
def no(name): raise ValueError(name)
j = json.load(open("out"), parse_constant=no)
sys.exit(0 if isinstance(j, dict) and ('"$1"') else 1)'
    else
        [ "$(head -c 1 out)" = "{" ] && ! grep -Eqi 'nan|inf[^o]' out
    fi
    check "JSON of the last run: $1" $?
}

begins() # MESSAGE ARGS...: exit 2, one line that begins so, nothing on stdout
{
    message=$1
    shift
    run "$@"
    [ "$code" -eq 2 ] && [ ! -s out ] && [ "$(wc -l <err)" -eq 1 ] &&
        case $(cat err) in "hsgd: $message"*) ;; *) false ;; esac
    check "hsgd $* (exit $code: $(cat err))" $?
}

finish() # ends the test
{
    echo "$passed passed, $failed failed"
    [ $failed -eq 0 ]
    exit
}
