#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# No result of a jansson call is ignored: what changes a list or an object is
# called in two files only, whose functions pass a failure on.  (What makes a
# value, such as json_pack(), has a result that the compiler looks after.)
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
kinds='json_(array|object)_(append|insert|set|update|extend|remove|del|clear)[a-z_]*|json_(string|integer|real)_set[a-z_]*'

changes() # FILES...
{
    grep -nE "\<($kinds)\(" "$@" /dev/null
}

printf 'json_array_append_new(list, json_string(name));\njson_object_set(o, "a", v);\njson_array_append(&a, b);\n' >"$dir/bad.c"
printf 'json_append(&list, json_text(name));\njson_set(&o, "a", v);\nhsgd_json_append(&a, b);\n' >"$dir/good.c"
if [ "$(changes "$dir/bad.c" | wc -l)" -ne 3 ] || changes "$dir/good.c"; then
    echo 'FAIL: the check does not find such calls'
    exit 1
fi
cd "${srcdir:-.}" || exit 99
find apps bench codelets reference runtime -name '*.c' ! -path apps/hsgd/lib/json.c ! -path runtime/io/json.c >"$dir/files"
[ "$(wc -l <"$dir/files")" -gt 100 ] || { echo 'FAIL: no sources found'; exit 1; }
# shellcheck disable=SC2046 # names without spaces
if changes $(cat "$dir/files"); then
    echo 'FAIL: use json_append(), json_set() (apps) or hsgd_json_append(), hsgd_json_set() (runtime) in their place'
    exit 1
fi
echo "ok: $(wc -l <"$dir/files") files"
