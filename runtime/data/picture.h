/* SPDX-License-Identifier: BSD-3-Clause */
/* One picture from memory: PNG by libpng, JPEG by TurboJPEG. */
#ifndef HSGD_DATA_PICTURE_H
#define HSGD_DATA_PICTURE_H

#include <hsgd/context.h>
#include <stdint.h>

/* A picture has at most so many pixels for each byte of its file: one bit a
 * pixel, and what deflate can expand.  More is refused before memory is asked
 * for; no sound PNG or JPEG file reaches it. */
enum { PICTURE_EXPANSION = 8 * 1100 };

struct picture {
    int h, w;
    bool colour;    /* false: grey only */
};

/* Size and colour, from the header.  Returns 0, or -EINVAL with a sentence
 * that begins with name. */
int picture_look(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n, struct picture *p);

/* Writes the h x w x 3 values of a picture that picture_look() has seen, as
 * they are stored: gAMA, sRGB and colour profiles are not applied, as in Pillow
 * and OpenCV.  Grey gives three equal ones, transparent pixels are mixed with
 * black (value x alpha), of 16 bits the upper 8 are kept.  Returns 0, -EINVAL or -ENOMEM with a sentence. */
int picture_decode(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n,
                   const struct picture *p, uint8_t *rgb);

#endif
