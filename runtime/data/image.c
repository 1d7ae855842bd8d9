/* SPDX-License-Identifier: BSD-3-Clause */
#include "image.h"

#include "base/error.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <turbojpeg.h>

struct kind {
    unsigned char magic[4];
    size_t magic_bytes;
    int (*look)(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n, struct image *p);
    int (*decode)(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n, const struct image *p,
                  uint8_t *rgb);
};

/* -------------------------------------------------------------------- PNG */

/* A file being read. */
struct reader {
    png_structp png;
    png_infop info;
    const uint8_t *next;
    size_t left;
    char why[100]; /* libpng's message */
};

static void png_bad(png_structp png, png_const_charp why)
{
    struct reader *r = png_get_error_ptr(png);
    snprintf(r->why, sizeof r->why, "%s", why);
    png_longjmp(png, 1);
}

static void png_warned(png_structp png, png_const_charp why) { (void)png, (void)why; }

static void png_take(png_structp png, png_bytep to, size_t n)
{
    struct reader *r = png_get_io_ptr(png);
    if (n > r->left) png_error(png, "read beyond end of data");
    memcpy(to, r->next, n);
    r->next += n;
    r->left -= n;
}

/* Of the ancillary chunks only tRNS is used: gAMA, sRGB and iCCP do not change
 * the values. */
static bool png_begin(struct reader *r)
{
    r->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, r, png_bad, png_warned);
    r->info = r->png ? png_create_info_struct(r->png) : NULL;
    if (!r->info) return false;
    if (setjmp(png_jmpbuf(r->png))) return false;
    png_set_benign_errors(r->png, 1);
    png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_read_fn(r->png, r, png_take);
    png_read_info(r->png, r->info);
    return true;
}

static int png_open(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n, struct reader *r)
{
    *r = (struct reader){ .next = bytes, .left = n };
    if (png_begin(r)) return 0;
    bool memory = r->png && r->info;
    png_destroy_read_struct(&r->png, &r->info, NULL);
    return memory ? hsgd_fail(ctx, EINVAL, "%s: the PNG header is invalid: %s", name, r->why)
                  : hsgd_fail(ctx, ENOMEM, "%s: out of memory", name);
}

static int png_look(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n, struct image *p)
{
    struct reader r;
    int err = png_open(ctx, name, bytes, n, &r);
    if (err) return err;
    *p = (struct image){ (int)png_get_image_height(r.png, r.info), (int)png_get_image_width(r.png, r.info),
                         png_get_color_type(r.png, r.info) & PNG_COLOR_MASK_COLOR };
    png_destroy_read_struct(&r.png, &r.info, NULL);
    return 0;
}

/* Rows of h x w x 3 bytes; an interlaced image fills them in several passes. */
static bool png_rows(struct reader *r, const struct image *p, uint8_t *rgb)
{
    static const png_color_16 black;
    if (setjmp(png_jmpbuf(r->png))) return false;
    png_set_expand(r->png);
    png_set_strip_16(r->png);
    png_set_background(r->png, &black, PNG_BACKGROUND_GAMMA_SCREEN, 0, 1);
    png_set_gray_to_rgb(r->png);
    int passes = png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
    if (png_get_rowbytes(r->png, r->info) != (size_t)p->w * 3) png_error(r->png, "not three values per pixel");
    for (int i = 0; i < passes; i++)
        for (int y = 0; y < p->h; y++) png_read_row(r->png, rgb + (size_t)y * (size_t)p->w * 3, NULL);
    return true;
}

static int png_decode(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n, const struct image *p,
                      uint8_t *rgb)
{
    struct reader r;
    int err = png_open(ctx, name, bytes, n, &r);
    if (err) return err;
    if (!png_rows(&r, p, rgb)) err = hsgd_fail(ctx, EINVAL, "%s: the PNG image is damaged: %s", name, r.why);
    png_destroy_read_struct(&r.png, &r.info, NULL);
    return err;
}

/* ------------------------------------------------------------------- JPEG */

static int jpeg_look(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n, struct image *p)
{
    tjhandle tj = tjInitDecompress();
    int sampling, space, err = 0;
    if (!tj) return hsgd_fail(ctx, ENOMEM, "%s: out of memory", name);
    if (tjDecompressHeader3(tj, bytes, n, &p->w, &p->h, &sampling, &space))
        err = hsgd_fail(ctx, EINVAL, "%s: the JPEG header is invalid: %s", name, tjGetErrorStr2(tj));
    else if (space == TJCS_CMYK || space == TJCS_YCCK)
        err = hsgd_fail(ctx, EINVAL, "%s: the JPEG colours are CMYK, only grey and RGB are read", name);
    else p->colour = space != TJCS_GRAY;
    tjDestroy(tj);
    return err;
}

/* Cameras leave bytes between the segments of a file; any other warning means
 * that pixels were invented. */
static bool harmless(tjhandle tj)
{
    return tjGetErrorCode(tj) == TJERR_WARNING && strstr(tjGetErrorStr2(tj), "extraneous bytes");
}

static int jpeg_decode(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n,
                       const struct image *p, uint8_t *rgb)
{
    tjhandle tj = tjInitDecompress();
    int err = 0;
    if (!tj) return hsgd_fail(ctx, ENOMEM, "%s: out of memory", name);
    if (tjDecompress2(tj, bytes, n, rgb, p->w, 0, p->h, TJPF_RGB, TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS) &&
        !harmless(tj))
        err = hsgd_fail(ctx, EINVAL, "%s: the JPEG image is damaged: %s", name, tjGetErrorStr2(tj));
    tjDestroy(tj);
    return err;
}

/* ------------------------------------------------------------------- both */

static const struct kind kinds[] = {
    { { 0x89, 'P', 'N', 'G' }, 4, png_look, png_decode },
    { { 0xff, 0xd8, 0xff }, 3, jpeg_look, jpeg_decode },
};

static const struct kind *kind_of(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (n >= kinds[i].magic_bytes && !memcmp(bytes, kinds[i].magic, kinds[i].magic_bytes)) return &kinds[i];
    return NULL;
}

int image_read_header(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n, struct image *p)
{
    const struct kind *kind = kind_of(bytes, n);
    *p = (struct image){ 0 };
    if (!kind) return hsgd_fail(ctx, EINVAL, "%s: is neither a PNG nor a JPEG image (%zu bytes)", name, n);
    int err = kind->look(ctx, name, bytes, n, p);
    if (!err && (p->h < 1 || p->w < 1)) err = hsgd_fail(ctx, EINVAL, "%s: ends before its size is known", name);
    if (err || (int64_t)p->h * p->w / IMAGE_EXPANSION < (int64_t)n) return err;
    return hsgd_fail(ctx, EINVAL, "%s: %d x %d pixels in a file of %zu bytes; more than %d per byte are impossible",
                     name, p->h, p->w, n, IMAGE_EXPANSION);
}

int image_decode(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n, const struct image *p,
                 uint8_t *rgb)
{
    return kind_of(bytes, n)->decode(ctx, name, bytes, n, p, rgb);
}
