#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Every source file says its licence in its first lines.  --list prints which files are meant.
set -eu
cd "${srcdir:-.}"
git ls-files --error-unmatch configure.ac >/dev/null 2>&1 || { echo "no checkout of git: the files are not known"; exit 77; }

sources() {
    git ls-files | grep -E '\.(ac|am|c|cc|cff|cl|cu|h|m4|mk|py|scm|sed|sh|supp|yaml|yml)$|\.in$|^quickstart$|/run$|^\.ci/|/rules$' |
        grep -vE '^tests/(fuzz/seeds|runs-[0-9.]*)/'
}

[ "${1-}" != --list ] || { sources; exit; }
bad=$(sources | while IFS= read -r file; do
    head -n 3 "$file" | grep -qF "SPDX-License-Identifier: BSD-3-Clause" || echo "$file"
done)
[ -z "$bad" ] || { echo "without SPDX-License-Identifier: BSD-3-Clause in the first three lines:"; echo "$bad"; exit 1; }
