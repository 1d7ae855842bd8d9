# SPDX-License-Identifier: BSD-3-Clause
# A table of how many shapes each operation ran, from the outputs of test_ops in files that are named as the columns,
# and below it their last lines.  columns: names, in order; "cuda" is an emulated device.
$3 == "shapes" {
    name = $1
    sub(/:$/, "", name)
    if (!(name in known)) order[++rows] = name
    known[name] = 1
    count[name, FILENAME] += $2
}
/ passed, / { summary[FILENAME] = $0 }
END {
    n = split(columns, column, " ")
    printf "%-24s", "operation"
    for (k = 1; k <= n; k++) printf "%11s", column[k]
    print ""
    for (i = 1; i <= rows; i++) {
        printf "%-24s", order[i]
        for (k = 1; k <= n; k++) printf "%11s", count[order[i], column[k]] + 0
        print ""
    }
    for (k = 1; k <= n; k++) print (column[k] == "cuda" ? "emulated CUDA" : column[k]) ": " summary[column[k]]
}
