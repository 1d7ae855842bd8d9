/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"
#include "boxes.h"

/* sums: of each class `bins` of detections that are right, `bins` of others, and the number of boxes */
struct map_args { int samples, found, boxes, classes, bins; float overlap; };

/* The class of a row: -1 of none, -2 where it is no class. */
DEVICE int class_of_row(float v, int classes)
{
    return v < 0.0f ? -1 : !(v < (float)classes) || v != (float)(int)v ? -2 : (int)v;
}

/* Per sample: the place in sums of each detection, and behind them of each box; -1 of none, -2 of an invalid row.
 * Detections are taken by their scores, the first of equals first; one is right if, of the boxes of its class that no
 * other has taken, that which it overlaps most, the first of equals, has at least `overlap`: it takes it. */
KERNEL4(map_places, map_args)
{
    BUFFER(0, const float, found)
    BUFFER(1, const float, boxes)
    BUFFER(2, int, places)
    BUFFER(3, int, taken)
    const int n = ARG(found), m = ARG(boxes), classes = ARG(classes), bins = ARG(bins), per_class = 2 * bins + 1;
    FOR_ITEMS(r, ARG(samples)) {
        GLOBAL const float *f = found + (size_t)r * n * 6, *b = boxes + (size_t)r * m * 5;
        GLOBAL int *place = places + (size_t)r * (n + m), *of = taken + (size_t)r * m;
        for (int k = 0; k < m; k++) {
            of[k] = class_of_row(b[5 * k], classes);
            place[n + k] = of[k] < 0 ? of[k] : of[k] * per_class + 2 * bins;
        }
        for (int i = 0; i < n; i++) {
            const int kind = class_of_row(f[6 * i], classes);
            place[i] = kind >= 0 && !(f[6 * i + 5] >= 0.0f && f[6 * i + 5] <= 1.0f) ? -2 : kind;
        }
        int last = -1;
        for (int turn = 0; turn < n; turn++) {
            int next = -1, best = -1;
            float most = 0.0f;
            for (int i = 0; i < n; i++) {
                const float s = f[6 * i + 5];
                if (f[6 * i] < 0.0f || place[i] == -2) continue;
                if (last >= 0 && (s > f[6 * last + 5] || (s == f[6 * last + 5] && i <= last))) continue;
                if (next < 0 || s > f[6 * next + 5]) next = i;
            }
            if (next < 0) break;
            const int kind = (int)f[6 * next], bin = (int)(f[6 * next + 5] * (float)bins);
            for (int k = 0; k < m; k++) {
                if (of[k] != kind) continue;
                const float iou = box_iou(f + 6 * next + 1, b + 5 * k + 1);
                if (iou >= ARG(overlap) && (best < 0 || iou > most)) { best = k; most = iou; }
            }
            if (best >= 0) of[best] = -1;
            place[next] = kind * per_class + (best < 0 ? bins : 0) + (bin < bins ? bin : bins - 1);
            last = next;
        }
    }
}

struct map_count_args { int places, sums; };

/* counts[i] = how many have this place, behind the last one how many are invalid; they are 0 before */
KERNEL2(map_count, map_count_args)
{
    BUFFER(0, const int, places)
    BUFFER(1, int, counts)
    FOR_ITEMS(k, ARG(places)) {
        const int at = places[k] == -2 ? ARG(sums) : places[k];
        if (at >= 0) ATOMIC_ADD(&counts[at], 1);
    }
}

/* The counts as sums, of which the first is NaN where a place is invalid. */
KERNEL2(map_sums, map_count_args)
{
    BUFFER(0, const int, counts)
    BUFFER(1, float, sums)
    FOR_ITEMS(i, ARG(sums)) sums[i] = i == 0 && counts[ARG(sums)] ? BITS_TO_FLOAT(0x7fc00000u) : (float)counts[i];
}
