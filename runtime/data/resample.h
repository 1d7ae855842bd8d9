/* SPDX-License-Identifier: BSD-3-Clause */
/* Scaling pictures: each number of the result is a mean of those around its
 * place, weighted by a triangle that is as wide as the step between places,
 * but at least one pixel (what Pillow calls bilinear). */
#ifndef HSGD_DATA_RESAMPLE_H
#define HSGD_DATA_RESAMPLE_H

#include <stdint.h>

/* A part of a picture, in pixels. */
struct box { float top, left, h, w; };

/* The box of an h x w x c picture as to[to_h x to_w x c].  Returns 0 or
 * -ENOMEM. */
int resample(const uint8_t *from, int h, int w, int c, struct box box, uint8_t *to, int to_h, int to_w);

/* The middle of a picture as size x size, its shorter side kept whole. */
int resample_middle(const uint8_t *from, int h, int w, int c, uint8_t *to, int size);

#endif
