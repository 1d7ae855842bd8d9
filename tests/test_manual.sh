#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Manual pages, completion of shells and the screens of doc/ have every command and option.
screens=$(cd "${srcdir:-.}" && pwd)/doc/screens
. "${srcdir:-.}/tests/cli.sh"
pages=$build/doc
ok help
commands=$(sed -n 's/^  \([a-z-]*\) .*/\1/p' out)
check "commands: $commands" "$([ "$(echo "$commands" | wc -l)" -ge 9 ]; echo $?)"
for command in $commands; do
    page=$pages/hsgd-$command.1
    [ -s "$page" ]
    check "there is $page" $?
    has "$page" '^\.SH SYNOPSIS$'
    grep -q "hsgd.-$command (1)" "$pages/hsgd.1"
    check "hsgd(1) refers to $command" $?
    ok help "$command"
    # Without plots there are fewer options.
    if "$hsgd" help plot | grep -q RUN; then
        sed 1d "$screens/help-$command.txt" | cmp -s - out
        check "doc/screens/help-$command.txt is what is printed (doc/screens.sh makes it)" $?
    fi
    for option in $(sed -n 's/^ .*  *--\([a-z-]*\)\( .*\)*$/\1/p' out | sort -u); do
        grep -q "^.*fB.-.-$(echo "$option" | sed 's/-/\\\\-/g').fR" "$page"
        check "$page has --$option" $?
    done
    if man --version >/dev/null 2>&1; then
        [ -z "$(man -l --warnings "$page" 2>&1 >/dev/null)" ]
        check "$page is sound: $(man -l --warnings "$page" 2>&1 >/dev/null)" $?
    fi
done
refused '"hsgd help" does not take "train"' help train --completion bash
refused '--completion "ksh" is not one of bash, zsh, fish' help --completion ksh

completions() # LINE: what the last word of "hsgd LINE" can become, in one line
{
    bash -c '. "$1"; shift; COMP_WORDS=(hsgd "$@"); COMP_CWORD=$#; _hsgd; echo "${COMPREPLY[@]}"' bash \
        "$pages/completion/hsgd" "$@"
}
if bash --version >/dev/null 2>&1; then
    [ "$(completions pr)" = predict ]
    check 'commands complete' $?
    [ "$(completions help ev)" = eval ]
    check 'commands after help' $?
    [ "$(completions train --opt)" = --optimizer ]
    check 'options complete' $?
    [ "$(completions train --optimizer adam)" = 'adam adamw' ]
    check 'values complete' $?
    : >data.csv
    [ "$(completions train --data da)" = data.csv ]
    check 'files complete' $?
    [ -z "$(completions eval --epo)" ]
    check 'options of the command only' $?
    [ "$(PATH=$build:$PATH completions train --devices cpu,ope)" = "cpu,opencl cpu,opencl:0" ]
    check "devices complete: $(PATH=$build:$PATH completions train --devices cpu,ope)" $?
fi
words='--optimizer adamw --algorithm hogwild --format libsvm --devices opencl'
for shell in zsh fish; do
    file=$pages/completion/_hsgd
    [ $shell = zsh ] || file=$pages/completion/hsgd.fish
    for word in $commands $(echo "$words" | sed 's/--//g'); do
        grep -q -- "$word" "$file"
        check "$file has $word" $?
    done
    if $shell --version >/dev/null 2>&1; then
        $shell -n "$file" 2>err
        check "$file is sound: $(cat err)" $?
    fi
done
if fish --version >/dev/null 2>&1; then
    [ "$(HOME=$dir fish -c "source $pages/completion/hsgd.fish; complete -C 'hsgd train --optimizer adam'" | cut -f 1 |
        paste -sd ' ')" = 'adam adamw' ]
    check 'values complete in fish' $?
fi
finish
