#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Recipes for package managers can be read, name the version of this release, and Debian's asks for the libraries that
# quickstart installs.
set -eu
src=${srcdir:-.}
version=$(sed -n 's/^PACKAGE_VERSION = //p' Makefile)
status=0

named() { # FILE TEXT: the file has that line, or begins with it
    grep -qF -e "$2" "$src/$1" || { echo "$1 does not have: $2"; status=1; }
}
named CITATION.cff "version: $version"
named packaging/debian/changelog "hsgd ($version)"
named packaging/spack/package.py "version(\"$version\""
named packaging/guix/hsgd.scm "(version \"$version\")"
head -n 1 "$src/NEWS" | grep -qx "hsgd $version" || { echo "NEWS does not begin with hsgd $version"; status=1; }
head -n 1 "$src/packaging/debian/changelog" | grep -qF "hsgd ($version)" || {
    echo "packaging/debian/changelog does not begin with $version"
    status=1
}

for package in $(awk '/^required="/ { on = 1 } on { print } on && /"$/ { exit }' "$src/quickstart" | tr -d '"' |
    sed 's/^required=//' | grep -o '[a-z0-9.+-]*-dev\|opencl-headers'); do
    grep -q "^ *$package\( <!nocheck>\)\{0,1\},\{0,1\}\$" "$src/packaging/debian/control" || {
        echo "packaging/debian/control does not build-depend on $package"
        status=1
    }
done

if command -v python3 >/dev/null; then
    python3 -c 'import sys; compile(open(sys.argv[1]).read(), sys.argv[1], "exec")' "$src/packaging/spack/package.py" ||
        status=1
else
    echo "no python3 here: Spack's recipe was not compiled"
fi
if command -v guile >/dev/null; then
    guile --no-auto-compile -c '
(use-modules (ice-9 match))
(define forms (call-with-input-file (cadr (command-line))
  (lambda (port) (let loop ((form (read port)) (all (list)))
    (if (eof-object? form) (reverse all) (loop (read port) (cons form all)))))))
(match forms
  ((((quote use-modules) . _) ((quote package) . fields)) (exit (if (assq (quote version) fields) 0 1)))
  (_ (exit 1)))' "$src/packaging/guix/hsgd.scm" || { echo "packaging/guix/hsgd.scm is not one package"; status=1; }
else
    echo "no guile here: the recipe for Guix was not read"
fi
exit $status
