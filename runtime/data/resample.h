/* SPDX-License-Identifier: BSD-3-Clause */
/* Resizing images: each value of the result is a weighted mean of those around
 * its position.  The weights are a triangle as wide as the step between positions,
 * but at least one pixel (Pillow's BILINEAR). */
#ifndef HSGD_DATA_RESAMPLE_H
#define HSGD_DATA_RESAMPLE_H

#include <stdint.h>

/* A box in an image, in pixels. */
struct box {
    float top, left, h, w;
};

/* Resizes the box of an h x w x c image to to[to_h x to_w x c].  Returns 0 or
 * -ENOMEM. */
int resample(const uint8_t *from, int h, int w, int c, struct box box, uint8_t *to, int to_h, int to_w);

/* The largest centred square of an image, resized to size x size. */
int resample_centre(const uint8_t *from, int h, int w, int c, uint8_t *to, int size);

#endif
