/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"
#include "vector_math.h"
#include "boxes.h"

struct assign_boxes_args { int cells, rows, columns, boxes; float radius; };

/* A row of class, centre x and y, width and height: it has a class and a size, and all is finite. */
DEVICE int box_is_valid(GLOBAL const float *b)
{
    const int finite = fabsf(b[1]) < 1e30f && fabsf(b[2]) < 1e30f && b[3] < 1e30f && b[4] < 1e30f;
    return b[0] < 1e6f && finite && b[3] > 0.0f && b[4] > 0.0f;
}

/* Per cell i of all samples: the smallest box whose centre it contains, or has within radius of its own centre, as
 * class + 1 and, relative to the cell, in its sizes, centre and logarithms of width and height; 0 of none.  A row that
 * is no box makes all classes of its sample -1. */
KERNEL3(assign_boxes, assign_boxes_args)
{
    BUFFER(0, const float, boxes)
    BUFFER(1, int, classes)
    BUFFER(2, float, offsets)
    const int columns = ARG(columns), rows = ARG(rows);
    FOR_ITEMS(i, ARG(cells)) {
        const int sample = i / (rows * columns), row = i / columns % rows, column = i % columns;
        GLOBAL const float *of = boxes + (size_t)sample * 5 * ARG(boxes);
        float smallest = 0.0f;
        int best = -1, bad = 0;
        for (int k = 0; k < ARG(boxes); k++) {
            GLOBAL const float *b = of + 5 * k;
            if (b[0] < 0.0f) continue;
            bad = bad || !box_is_valid(b);
            const float x = b[1] * (float)columns, y = b[2] * (float)rows, area = b[3] * b[4];
            const float dx = fabsf(x - ((float)column + 0.5f)), dy = fabsf(y - ((float)row + 0.5f));
            const int inside = x >= (float)column && x < (float)(column + 1) && y >= (float)row && y < (float)(row + 1);
            const int near = dx <= ARG(radius) && dy <= ARG(radius);
            if ((inside || near) && (best < 0 || area < smallest)) { best = k; smallest = area; }
        }
        GLOBAL const float *b = of + 5 * (best < 0 ? 0 : best);
        GLOBAL float *to = offsets + 4 * (size_t)i;
        const int there = best >= 0 && !bad;
        classes[i] = bad ? -1 : there ? (int)b[0] + 1 : 0;
        to[0] = there ? b[1] * (float)columns - ((float)column + 0.5f) : 0.0f;
        to[1] = there ? b[2] * (float)rows - ((float)row + 0.5f) : 0.0f;
        to[2] = there ? vector_log(b[3] * (float)columns) : 0.0f;
        to[3] = there ? vector_log(b[4] * (float)rows) : 0.0f;
    }
}

/* -------------------------------------------------------------- detections */

struct detections_args { int samples, rows, columns, classes, background, most; float overlap, least; };

/* Per cell i of all samples: its box within the image, and its scores of classes, -1 where they are less than `least`
 * or an offset is NaN; background: columns before the first class. */
KERNEL4(detections_decode, detections_args)
{
    BUFFER(0, const float, scores)
    BUFFER(1, const float, offsets)
    BUFFER(2, float, boxes)
    BUFFER(3, float, left)
    const int columns = ARG(columns), rows = ARG(rows), classes = ARG(classes);
    FOR_ITEMS(i, ARG(samples) * rows * columns) {
        const int row = i / columns % rows, column = i % columns;
        GLOBAL const float *o = offsets + 4 * (size_t)i, *s = scores + (size_t)i * (classes + ARG(background));
        GLOBAL float *b = boxes + 4 * (size_t)i;
        const float x = ((float)column + 0.5f + o[0]) / (float)columns, w = 0.5f * vector_exp(o[2]) / (float)columns;
        const float y = ((float)row + 0.5f + o[1]) / (float)rows, h = 0.5f * vector_exp(o[3]) / (float)rows;
        const float left_x = fminf(fmaxf(x - w, 0.0f), 1.0f), right = fminf(fmaxf(x + w, 0.0f), 1.0f);
        const float upper = fminf(fmaxf(y - h, 0.0f), 1.0f), lower = fminf(fmaxf(y + h, 0.0f), 1.0f);
        const int bad = x != x || y != y || w != w || h != h;
        b[0] = 0.5f * (left_x + right);
        b[1] = 0.5f * (upper + lower);
        b[2] = right - left_x;
        b[3] = lower - upper;
        for (int c = 0; c < classes; c++) {
            const float score = s[c + ARG(background)];
            left[(size_t)i * classes + c] = !bad && score >= ARG(least) ? score : -1.0f;
        }
    }
}

/* Per sample, by a warp: the best score that is left, again and again; with it goes what has its class and overlaps its
 * box by more than `overlap`.  An item of the warp has cells of its own. */
KERNEL3(detections_select, detections_args)
{
    BUFFER(0, const float, boxes)
    BUFFER(1, float, left)
    BUFFER(2, float, found)
    const int cells = ARG(rows) * ARG(columns), classes = ARG(classes), n = cells * classes;
    FOR_WARPS(r, ARG(samples)) {
        GLOBAL const float *box = boxes + (size_t)r * cells * 4;
        GLOBAL float *score = left + (size_t)r * n, *to = found + (size_t)r * ARG(most) * 6;
        for (int k = 0; k < ARG(most); k++, to += 6) {
            int best = 0;
            float own = -1.0f;
            for (int cell = WARP_LANE; cell < cells; cell += WARP)
                for (int c = 0; c < classes; c++)
                    if (score[cell * classes + c] > own) {
                        best = cell * classes + c;
                        own = score[best];
                    }
            const float top = WARP_MAX(own), first = -WARP_MAX(own == top ? -(float)best : -(float)n);
            const int there = top >= 0.0f, at = there ? (int)first : 0, kind = at % classes;
            GLOBAL const float *b = box + 4 * (at / classes);
            if (WARP_LANE == 0) {
                to[0] = there ? (float)kind : -1.0f;
                for (int i = 0; i < 4; i++) to[i + 1] = there ? b[i] : 0.0f;
                to[5] = there ? top : 0.0f;
            }
            for (int cell = WARP_LANE; there && cell < cells; cell += WARP) {
                const int same = cell == at / classes, over = box_iou(box + 4 * cell, b) > ARG(overlap);
                if (same || over) score[cell * classes + kind] = -1.0f;
            }
        }
    }
}
