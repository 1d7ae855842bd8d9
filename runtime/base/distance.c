/* SPDX-License-Identifier: BSD-3-Clause */
#include "distance.h"

#include <string.h>

static int min(int a, int b) { return a < b ? a : b; }

int text_distance(const char *a, const char *b)
{
    int row[TEXT_DISTANCE_MAX + 1], n = (int)strnlen(b, TEXT_DISTANCE_MAX);
    for (int k = 0; k <= n; k++) row[k] = k;
    for (int i = 0; i < TEXT_DISTANCE_MAX && a[i]; i++) {
        int diagonal = row[0]++;
        for (int k = 1; k <= n; k++) {
            int changed = diagonal + (a[i] != b[k - 1]);
            diagonal = row[k];
            row[k] = min(changed, 1 + min(row[k], row[k - 1]));
        }
    }
    return row[n];
}
