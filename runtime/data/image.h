/* SPDX-License-Identifier: BSD-3-Clause */
/* One image from memory: PNG by libpng, JPEG by TurboJPEG. */
#ifndef HSGD_DATA_IMAGE_H
#define HSGD_DATA_IMAGE_H

#include <hsgd/context.h>
#include <stdint.h>

/* The maximum number of pixels per byte of a file: one bit per pixel, and the
 * maximum expansion of deflate.  More is refused before memory is allocated; no
 * valid PNG or JPEG file reaches it. */
enum { IMAGE_EXPANSION = 8 * 1100 };

struct image {
    int h, w;
    bool colour; /* false: grey */
};

/* Size and colour, from the header.  Returns 0, or -EINVAL with a sentence
 * that begins with name. */
int image_read_header(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n, struct image *p);

/* Writes the h x w x 3 values of an image whose header was read, as they are
 * stored: gAMA, sRGB and colour profiles are not applied, as in Pillow and
 * OpenCV.  Grey gives three equal values, transparent pixels are blended with
 * black (value x alpha), of 16 bits the upper 8 are kept.  Returns 0, -EINVAL or
 * -ENOMEM with a sentence. */
int image_decode(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n, const struct image *p,
                 uint8_t *rgb);

#endif
