/* What a model is asked to predict: samples without labels. */
#include "numpy.h"
#include "picture.h"
#include "readers.h"
#include "resample.h"

#include <stdlib.h>
#include <string.h>

enum { RGB = 3 };

struct input {
    struct hsgd_context *ctx;
    const char *name;
    const uint8_t *bytes;
    size_t size;
    struct hsgd_shape shape;
};

/* ---------------------------------------------------------------- pictures */

static void to_grey(const uint8_t *rgb, int64_t pixels, uint8_t *grey)
{
    for (int64_t i = 0; i < pixels; i++)
        grey[i] = (uint8_t)((299 * rgb[RGB * i] + 587 * rgb[RGB * i + 1] + 114 * rgb[RGB * i + 2] + 500) / 1000);
}

/* The picture in the size that is wanted, in place of *rgb. */
static int scale(const struct input *in, const struct picture *p, uint8_t **rgb)
{
    struct hsgd_shape s = in->shape;
    if (p->h == s.h && p->w == s.w) return 0;
    if (s.h != s.w)
        return hsgd_fail(in->ctx, EINVAL, "%s: is %d x %d pixels, the model takes %d x %d", in->name, p->h, p->w, s.h,
                         s.w);
    uint8_t *scaled = malloc((size_t)s.h * (size_t)s.w * RGB);
    if (!scaled || resample_middle(*rgb, p->h, p->w, RGB, scaled, s.h)) {
        free(scaled);
        return hsgd_fail(in->ctx, ENOMEM, "%s: out of memory", in->name);
    }
    free(*rgb);
    *rgb = scaled;
    return 0;
}

static int decode(const struct input *in, const struct picture *p, struct hsgd_data *d)
{
    size_t pixels = (size_t)d->shape.h * (size_t)d->shape.w;
    uint8_t *rgb = calloc((size_t)p->h * (size_t)p->w, RGB);
    int err = rgb ? picture_decode(in->ctx, in->name, in->bytes, in->size, p, rgb)
                  : hsgd_fail(in->ctx, ENOMEM, "%s: out of memory for %d x %d pixels", in->name, p->h, p->w);
    if (!err) err = scale(in, p, &rgb);
    if (!err) err = hsgd_data_allocate(in->ctx, d);
    if (!err && d->shape.c == 1) to_grey(rgb, (int64_t)pixels, d->owned);
    else if (!err) memcpy(d->owned, rgb, pixels * RGB);
    free(rgb);
    return err;
}

static int read_picture(const struct input *in, struct hsgd_data **out)
{
    struct picture p;
    struct hsgd_shape s = in->shape;
    if (s.c != 1 && s.c != RGB)
        return hsgd_fail(in->ctx, EINVAL, "%s: is a picture, the model takes samples of %dx%dx%d", in->name, s.h, s.w,
                         s.c);
    int err = picture_look(in->ctx, in->name, in->bytes, in->size, &p);
    if (err) return err;
    if (!(*out = hsgd_data_new(in->ctx, in->name))) return -ENOMEM;
    (*out)->count = 1;
    (*out)->shape = s;
    return decode(in, &p, *out);
}

/* ------------------------------------------------------------------ arrays */

static int read_array(const struct input *in, struct hsgd_data **out)
{
    struct array a = { .name = strdup(in->name), .bytes = malloc(in->size), .size = in->size };
    int err = a.name && a.bytes ? 0 : hsgd_fail(in->ctx, ENOMEM, "%s: out of memory", in->name);
    if (!err) {
        memcpy(a.bytes, in->bytes, in->size);
        err = numpy_samples(in->ctx, &a, 0, out);
    }
    array_free(&a);
    return err;
}

/* -------------------------------------------------------------------- text */

/* LIBSVM's lines hold numbers and colons, and nothing that separates columns. */
static bool is_libsvm(struct hsgd_stream *s)
{
    const uint8_t *head;
    int64_t n = hsgd_stream_peek(s, &head, STREAM_PEEK), i = 0;
    while (i < n && head[i] != ':' && head[i] != ',' && head[i] != ';' && head[i] != '\t') i++;
    return i < n && head[i] == ':';
}

static int read_text(const struct input *in, struct hsgd_data **out)
{
    struct hsgd_data_options options = { .features = in->shape.h * in->shape.w * in->shape.c };
    struct labels labels = { 0 };
    struct hsgd_stream *s = hsgd_stream_memory(in->ctx, in->name, in->bytes, in->size);
    if (!s) return -EINVAL;
    int err = is_libsvm(s) ? libsvm_parse(in->ctx, s, options.features, &labels, out)
                           : csv_parse(in->ctx, s, &options, NULL, out);
    labels_free(&labels);
    hsgd_stream_close(&s);
    return err;
}

/* ------------------------------------------------------------------ public */

static const struct content {
    const char *begin;
    size_t bytes;
    int (*read)(const struct input *in, struct hsgd_data **out);
} contents[] = {
    { "\x89PNG", 4, read_picture }, { "\xff\xd8\xff", 3, read_picture }, { "\x93NUMPY", 6, read_array },
    { "", 0, read_text },
};

/* Plain features get the shape that is wanted. */
static int settle_shape(const struct input *in, struct hsgd_data *d)
{
    struct hsgd_shape have = d->shape, want = in->shape;
    bool plain = have.h == 1 && have.w == 1, same = have.h == want.h && have.w == want.w && have.c == want.c;
    d->shape = want;
    if (same || (plain && have.c == hsgd_data_size(d))) return 0;
    return hsgd_fail(in->ctx, EINVAL, "%s: samples are %dx%dx%d, the model takes %dx%dx%d", in->name, have.h, have.w,
                     have.c, want.h, want.w, want.c);
}

static int unlabelled(const struct input *in, struct hsgd_data *d)
{
    free(d->owned_labels);
    d->labels = d->owned_labels = calloc((size_t)d->count, sizeof *d->owned_labels);
    hsgd_names_free(d->names);
    d->names = NULL;
    d->classes = 1;
    return d->labels ? 0 : hsgd_fail(in->ctx, ENOMEM, "%s: out of memory", in->name);
}

struct hsgd_data *hsgd_data_input(struct hsgd_context *ctx, const char *name, const void *bytes, size_t size,
                                  struct hsgd_shape shape)
{
    struct input in = { ctx, name, bytes, size, shape };
    struct hsgd_data *d = NULL;
    const struct content *c = contents;
    while (size < c->bytes || memcmp(bytes, c->begin, c->bytes)) c++;
    int err = size ? c->read(&in, &d) : hsgd_fail(ctx, EINVAL, "%s: is empty", name);
    if (!err) err = settle_shape(&in, d);
    if (!err) err = unlabelled(&in, d);
    if (err) hsgd_data_destroy(&d);
    return d;
}
