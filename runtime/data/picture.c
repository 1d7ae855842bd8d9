#include "picture.h"

#include "../error.h"

#include <png.h>
#include <string.h>
#include <turbojpeg.h>

struct kind {
    unsigned char magic[4];
    size_t magic_bytes;
    int (*look)(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n, struct picture *p);
    int (*decode)(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n, const struct picture *p,
                  uint8_t *rgb);
};

/* -------------------------------------------------------------------- PNG */

static int png_open(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n, png_image *image)
{
    *image = (png_image){ .version = PNG_IMAGE_VERSION };
    if (png_image_begin_read_from_memory(image, bytes, n)) return 0;
    return hsgd_fail(ctx, EINVAL, "%s: the PNG header is bad: %s", name, image->message);
}

static int png_look(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n, struct picture *p)
{
    png_image image;
    int err = png_open(ctx, name, bytes, n, &image);
    if (err) return err;
    *p = (struct picture){ (int)image.height, (int)image.width, image.format & PNG_FORMAT_FLAG_COLOR };
    png_image_free(&image);
    return 0;
}

/* 16-bit files are taken as what they nearly always are, sRGB. */
static int png_decode(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n,
                      const struct picture *p, uint8_t *rgb)
{
    png_image image;
    static const png_color black;
    (void)p;
    int err = png_open(ctx, name, bytes, n, &image);
    if (err) return err;
    image.format = PNG_FORMAT_RGB;
    image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
    if (png_image_finish_read(&image, &black, rgb, 0, NULL)) return 0;
    return hsgd_fail(ctx, EINVAL, "%s: the PNG picture is damaged: %s", name, image.message);
}

/* ------------------------------------------------------------------- JPEG */

static int jpeg_look(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n, struct picture *p)
{
    tjhandle tj = tjInitDecompress();
    int sampling, space, err = 0;
    if (!tj) return hsgd_fail(ctx, ENOMEM, "%s: out of memory", name);
    if (tjDecompressHeader3(tj, bytes, n, &p->w, &p->h, &sampling, &space))
        err = hsgd_fail(ctx, EINVAL, "%s: the JPEG header is bad: %s", name, tjGetErrorStr2(tj));
    else if (space == TJCS_CMYK || space == TJCS_YCCK)
        err = hsgd_fail(ctx, EINVAL, "%s: the JPEG colours are CMYK, only grey and RGB are read", name);
    else
        p->colour = space != TJCS_GRAY;
    tjDestroy(tj);
    return err;
}

/* Cameras leave bytes between the parts of a file; any other warning means
 * that pixels were made up. */
static bool harmless(tjhandle tj)
{
    return tjGetErrorCode(tj) == TJERR_WARNING && strstr(tjGetErrorStr2(tj), "extraneous bytes");
}

static int jpeg_decode(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n,
                       const struct picture *p, uint8_t *rgb)
{
    tjhandle tj = tjInitDecompress();
    int err = 0;
    if (!tj) return hsgd_fail(ctx, ENOMEM, "%s: out of memory", name);
    if (tjDecompress2(tj, bytes, n, rgb, p->w, 0, p->h, TJPF_RGB, TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS) &&
        !harmless(tj))
        err = hsgd_fail(ctx, EINVAL, "%s: the JPEG picture is damaged: %s", name, tjGetErrorStr2(tj));
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

int picture_look(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n, struct picture *p)
{
    const struct kind *kind = kind_of(bytes, n);
    *p = (struct picture){ 0 };
    if (!kind) return hsgd_fail(ctx, EINVAL, "%s: is neither a PNG nor a JPEG picture (%zu bytes)", name, n);
    int err = kind->look(ctx, name, bytes, n, p);
    if (!err && (p->h < 1 || p->w < 1)) err = hsgd_fail(ctx, EINVAL, "%s: ends before it says its size", name);
    if (err || (int64_t)p->h * p->w / PICTURE_EXPANSION < (int64_t)n) return err;
    return hsgd_fail(ctx, EINVAL, "%s: %d x %d pixels in a file of %zu bytes; more than %d a byte are not possible",
                     name, p->h, p->w, n, PICTURE_EXPANSION);
}

int picture_decode(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n,
                   const struct picture *p, uint8_t *rgb)
{
    return kind_of(bytes, n)->decode(ctx, name, bytes, n, p, rgb);
}
