#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Prints the model files named as a C table of names and texts.
set -eu
echo "/* Made by models/embed.sh; do not edit. */"
echo '#include "model/builtin_models.h"'
echo 'const struct model_source model_text_at[] = {'
for f; do
    echo "{ \"$(basename "$f" .yaml)\","
    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$/\\n"/' "$f"
    echo '},'
done
echo '};'
echo "const int model_texts = $#;"
