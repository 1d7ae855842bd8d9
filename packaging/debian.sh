#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# make check-deb: Debian packages of the files that a release has, without running the tests again, and what lintian says
# of them; an error ends it.  Run in the build folder:  debian.sh RELEASE-FOLDER
set -eu
release=$1
out=$PWD/debian
for program in dpkg-buildpackage dh lintian; do
    command -v "$program" >/dev/null || { echo "make check-deb: $program is missing (dpkg-dev, debhelper, lintian)" >&2; exit 1; }
done
rm -rf "$out"
mkdir "$out"
trap 'chmod -R u+w "$out/source"; rm -rf "$out/source"' EXIT
cp -R "$release" "$out/source"
chmod -R u+w "$out/source"
cp -R "$out/source/packaging/debian" "$out/source/debian"
unset MAKEFLAGS MFLAGS MAKELEVEL
(cd "$out/source" && DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" dpkg-buildpackage -b -us -uc) >"$out/build.log" 2>&1 ||
    { tail -n 40 "$out/build.log"; exit 1; }
ls "$out"/*.deb
lintian --fail-on error --suppress-tags bogus-mail-host,initial-upload-closes-no-bugs "$out"/*.changes
