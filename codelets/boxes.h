/* SPDX-License-Identifier: BSD-3-Clause */
/* Boxes: centre x and y, width and height; behind device.h, for kernels only. */
#ifndef HSGD_CODELETS_BOXES_H
#define HSGD_CODELETS_BOXES_H

/* Intersection over union; NaN of two boxes without an area. */
DEVICE float box_iou(GLOBAL const float *a, GLOBAL const float *b)
{
    const float left = fmaxf(a[0] - 0.5f * a[2], b[0] - 0.5f * b[2]);
    const float right = fminf(a[0] + 0.5f * a[2], b[0] + 0.5f * b[2]);
    const float upper = fmaxf(a[1] - 0.5f * a[3], b[1] - 0.5f * b[3]);
    const float lower = fminf(a[1] + 0.5f * a[3], b[1] + 0.5f * b[3]);
    const float both = right > left && lower > upper ? (right - left) * (lower - upper) : 0.0f;
    return both / (a[2] * a[3] + b[2] * b[3] - both);
}

#endif
