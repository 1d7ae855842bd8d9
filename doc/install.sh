#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# install.sh install|uninstall SOURCE TARGET INCLUDEDIR MODELSDIR: the pages, with links that hold where they are then,
# and the API reference (doc/html here), if it was made.
set -eu
mode=$1 source=$2 target=$3 includedir=$4 modelsdir=$5

pages() {
    (cd "$source" && find AUTHORS CITATION.cff CONTRIBUTING.md COPYING NEWS README.md SECURITY.md)
    (cd "$source/doc" && find . -name '*.md' -o -name '*.svg' -o -name '*.png' -o -path './results/*.csv' \
        -o -path './screens/*.txt') | sed 's|^\./|doc/|'
    [ ! -d doc/html ] || find doc/html -type f
}

# Pages of doc/ are at the top there.
place() { echo "$target/${1#doc/}"; }

pages | while IFS= read -r page; do
    to=$(place "$page")
    if [ "$mode" = uninstall ]; then
        rm -f "$to"
        continue
    fi
    mkdir -p "$(dirname "$to")"
    from=$source/$page
    case $page in
    doc/html/*) cp "$page" "$to" ;;
    *.md)
        sed -e 's|](doc/|](|g' -e 's|](\.\./\([A-Z][A-Za-z]*\(\.md\)\{0,1\}\)\([)#]\)|](\1\3|g' \
            -e "s|](\(\.\./\)*include/|]($includedir/|g" -e "s|](\(\.\./\)*codelets/device.h|]($includedir/hsgd/device.h|g" \
            -e "s|](\(\.\./\)*models/|]($modelsdir/|g" -e 's|](\(\.\./\)*apps/demos|](examples|g' "$from" >"$to" ;;
    *) cp "$from" "$to" ;;
    esac
    chmod 644 "$to"
done
[ "$mode" = install ] || find "$target" -depth -type d -empty -delete 2>/dev/null || :
