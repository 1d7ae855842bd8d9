/* SPDX-License-Identifier: BSD-3-Clause */
/* Input of a prediction: samples without labels. */
#include "numpy.h"
#include "origin.h"
#include "image.h"
#include "readers.h"
#include "record.h"
#include "resample.h"
#include "text.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { RGB = 3 };

struct input {
    struct hsgd_context *ctx;
    const char *name;
    const uint8_t *bytes;
    size_t size;
    struct hsgd_shape shape;
    struct hsgd_shape model; /* that of the model, which may be open; then shape is the record's */
    struct hsgd_record *record;
    bool packed; /* the bytes came out of a compressed file */
};

static int read_content(const struct input *in, struct hsgd_data **out);

/* ------------------------------------------------------------------ images */

/* Resizes *rgb to the size that the model takes. */
static int scale(const struct input *in, const struct image *p, uint8_t **rgb)
{
    struct hsgd_shape s = in->shape;
    if (p->h == s.h && p->w == s.w) return 0;
    if (s.h != s.w)
        return hsgd_fail(in->ctx, EINVAL, "%s: is %d x %d pixels, the model takes %d x %d", in->name, p->h, p->w, s.h,
                         s.w);
    uint8_t *scaled = malloc((size_t)s.h * (size_t)s.w * RGB);
    if (!scaled || resample_centre(*rgb, p->h, p->w, RGB, scaled, s.h)) {
        free(scaled);
        return hsgd_fail(in->ctx, ENOMEM, "%s: out of memory", in->name);
    }
    free(*rgb);
    *rgb = scaled;
    return 0;
}

static int decode(const struct input *in, const struct image *p, struct hsgd_data *d)
{
    size_t values = (size_t)hsgd_data_size(d), step = d->x.type.dim[2] == RGB ? 1 : RGB;
    uint8_t *rgb = calloc((size_t)p->h * (size_t)p->w, RGB);
    int err = rgb ? image_decode(in->ctx, in->name, in->bytes, in->size, p, rgb)
                  : hsgd_fail(in->ctx, ENOMEM, "%s: out of memory for %d x %d pixels", in->name, p->h, p->w);
    if (!err) err = scale(in, p, &rgb);
    if (!err) err = hsgd_data_allocate(in->ctx, d);
    uint8_t *to = d->x.owned;
    for (size_t i = 0; !err && i < values; i++) to[i] = rgb[step * i];
    free(rgb);
    return err;
}

static int read_image(const struct input *in, struct hsgd_data **out)
{
    struct image p;
    struct hsgd_shape s = in->shape;
    if (s.c != 1 && s.c != RGB)
        return hsgd_fail(in->ctx, EINVAL, "%s: is an image, the model takes samples of %dx%dx%d", in->name, s.h, s.w,
                         s.c);
    int err = image_read_header(in->ctx, in->name, in->bytes, in->size, &p);
    if (err) return err;
    if (!(*out = hsgd_data_new(in->ctx, in->name))) return -ENOMEM;
    (*out)->count = 1;
    (*out)->x.type = hsgd_image(s.h, s.w, p.colour ? RGB : 1);
    err = decode(in, &p, *out);
    (*out)->fields = 1; /* it has no label */
    return err;
}

/* ------------------------------------------------------------------ arrays */

static int read_array(const struct input *in, struct hsgd_data **out)
{
    struct array a = { .name = strdup(in->name), .bytes = malloc(in->size), .size = in->size };
    int err = a.name && a.bytes ? 0 : hsgd_fail(in->ctx, ENOMEM, "%s: out of memory", in->name);
    if (!err) {
        memcpy(a.bytes, in->bytes, in->size);
        err = numpy_samples(in->ctx, &a, 0, in->record, out);
    }
    array_free(&a);
    return err;
}

static int read_archive(const struct input *in, struct hsgd_data **out)
{
    struct array a = { 0 };
    int err = npz_samples(in->ctx, in->name, in->bytes, in->size, &a);
    if (!err) err = numpy_samples(in->ctx, &a, 0, in->record, out);
    array_free(&a);
    return err;
}

/* The images of a training set such as MNIST's. */
static int read_idx(const struct input *in, struct hsgd_data **out)
{
    struct idx f = { 0 };
    struct hsgd_stream *s = hsgd_stream_memory(in->ctx, in->name, in->bytes, in->size);
    int err = s ? idx_parse(in->ctx, s, false, &f) : -EINVAL;
    struct hsgd_data *d = *out = err ? NULL : hsgd_data_new(in->ctx, in->name);
    if (!err && !d) err = -ENOMEM;
    if (!err) {
        d->count = f.dim[0];
        d->x.type = hsgd_image((int)f.dim[1], (int)f.dim[2], f.dimensions == 4 ? (int)f.dim[3] : 1);
        d->x.owned = f.bytes;
        d->x.bytes = f.bytes;
        f.bytes = NULL;
    }
    idx_free(&f);
    hsgd_stream_close(&s);
    return err;
}

/* -------------------------------------------------------------- compression */

/* Everything that a compressed file expands to. */
static int unpack(const struct input *in, uint8_t **bytes, size_t *size)
{
    struct hsgd_stream *s = hsgd_stream_memory(in->ctx, in->name, in->bytes, in->size);
    int err = s ? text_read_all(in->ctx, s, bytes, size) : -EINVAL;
    hsgd_stream_close(&s);
    return err;
}

static int read_packed(const struct input *in, struct hsgd_data **out)
{
    struct input inside = *in;
    uint8_t *bytes = NULL;
    inside.size = 0;
    int err = unpack(in, &bytes, &inside.size);
    inside.bytes = bytes;
    inside.packed = true;
    if (!err) err = read_content(&inside, out);
    free(bytes);
    return err;
}

/* -------------------------------------------------------------------- text */

static bool is_libsvm(const struct input *in, struct hsgd_stream *s)
{
    const uint8_t *head;
    int64_t n = hsgd_stream_peek(s, &head, STREAM_PEEK);
    bool rows = n < 1 || memchr(head, ',', (size_t)n) || memchr(head, ';', (size_t)n) || memchr(head, '\t', (size_t)n);
    if (n > 0 && libsvm_is_text(head, (size_t)n)) return true;
    return !rows && !strcmp(hsgd_record_format(in->record), "libsvm"); /* nothing but labels */
}

/* The last tokens of a text, as many as the model takes; the next is to be predicted. */
static int read_tokens(const struct input *in, struct hsgd_data **out)
{
    int32_t *token = NULL;
    int64_t n = 0, most = in->shape.c;
    int err = record_tokens(in->ctx, in->record, in->name, in->bytes, in->size, &token, &n);
    if (!err && n < most && in->model.c != HSGD_ANY)
        err = hsgd_fail(in->ctx, EINVAL, "%s: has %lld tokens, the model takes %lld", in->name, (long long)n,
                        (long long)most);
    if (!err && n < 1) err = hsgd_fail(in->ctx, EINVAL, "%s: has no tokens", in->name);
    if (!err && !(*out = hsgd_data_new(in->ctx, in->name))) err = -ENOMEM;
    if (err) {
        free(token);
        return err;
    }
    if (n > most) memmove(token, token + (n - most), (size_t)most * sizeof *token);
    (*out)->count = 1;
    tokens_give(*out, token, in->record, (int)(n < most ? n : most));
    return 0;
}

static int read_text(const struct input *in, struct hsgd_data **out)
{
    struct hsgd_data_options options = { .features = in->shape.h * in->shape.w * in->shape.c, .record = in->record };
    if (record_has_tokens(in->record)) return read_tokens(in, out);
    if (record_has_pairs(in->record))
        return hsgd_fail(in->ctx, EINVAL, "%s: samples of the training data were pairs of texts, not one text",
                         in->name);
    struct hsgd_stream *s = hsgd_stream_memory(in->ctx, in->name, in->bytes, in->size);
    if (!s) return -EINVAL;
    int err = is_libsvm(in, s) ? libsvm_parse(in->ctx, s, options.features, NULL, NULL, out)
                               : csv_parse(in->ctx, s, &options, NULL, out);
    hsgd_stream_close(&s);
    return err;
}

/* ------------------------------------------------------------------ public */

static const struct content {
    const char *begin;
    size_t bytes;
    int (*read)(const struct input *in, struct hsgd_data **out);
} contents[] = {
    { "\x89PNG", 4, read_image },
    { "\xff\xd8\xff", 3, read_image },
    { "\x93NUMPY", 6, read_array },
    { "PK\x03\x04", 4, read_archive },
    { "\0\0\x08\x03", 4, read_idx },
    { "\0\0\x08\x04", 4, read_idx },
    { "\x1f\x8b", 2, read_packed },
    { "\xfd"
      "7zXZ",
      5, read_packed },
    { "", 0, read_text },
};

/* The magic of a tar archive is in its first header. */
static bool is_tar(const struct input *in)
{
    return in->size > 262 && !memcmp((const char *)in->bytes + 257, "ustar", 5);
}

static int read_content(const struct input *in, struct hsgd_data **out)
{
    if (is_tar(in)) return hsgd_fail(in->ctx, EINVAL, "%s: is a tar archive; unpack it to read its images", in->name);
    const struct content *c = contents;
    while (in->size < c->bytes || memcmp(in->bytes, c->begin, c->bytes)) c++;
    if (!in->size) return hsgd_fail(in->ctx, EINVAL, "%s: is empty", in->name);
    if (in->packed && c->read == read_packed) return hsgd_fail(in->ctx, EINVAL, "%s: is compressed twice", in->name);
    return c->read(in, out);
}

static bool side_fits(int model, int want, int have) { return model == HSGD_ANY || have == want; }

/* Gives plain features the shape of the model's input; sparse ones with fewer
 * features were widened to it before. */
static int settle_shape(const struct input *in, struct hsgd_data *d)
{
    struct hsgd_shape want = in->shape;
    unsigned said = 0;
    int err = record_fit_channels(in->ctx, want, d, in->record ? &in->record->said : &said);
    struct hsgd_shape have = hsgd_data_shape(d);
    bool plain = have.h == 1 && have.w == 1;
    bool same = side_fits(in->model.h, want.h, have.h) && side_fits(in->model.w, want.w, have.w) &&
                side_fits(in->model.c, want.c, have.c);
    if (!err && !same && !(plain && have.c == (int64_t)want.h * want.w * want.c))
        err = hsgd_fail(in->ctx, EINVAL, "%s: samples are %dx%dx%d, the model takes %dx%dx%d", in->name, have.h, have.w,
                        have.c, want.h, want.w, want.c);
    if (err || same) return err;
    origin_drop(&d->x, d->count);
    d->x.type = shape_type(want);
    return 0;
}

static int unlabelled(const struct input *in, struct hsgd_data *d)
{
    free(d->y.owned);
    d->y.owned = calloc((size_t)d->count, sizeof(int32_t));
    hsgd_data_set_labels(d);
    d->y.classes = 1;
    return d->y.owned ? 0 : hsgd_fail(in->ctx, ENOMEM, "%s: out of memory", in->name);
}

struct hsgd_data *hsgd_data_input(struct hsgd_context *ctx, const char *name, const void *bytes, size_t size,
                                  struct hsgd_shape shape, struct hsgd_record *record)
{
    const struct hsgd_shape model = shape;
    if (record && (shape.h == HSGD_ANY || shape.w == HSGD_ANY || shape.c == HSGD_ANY)) shape = record_shape(record);
    struct input in = {
        .model = model, .ctx = ctx, .name = name, .bytes = bytes, .size = size, .shape = shape, .record = record
    };
    struct hsgd_data *d = NULL;
    int err = ENTER(ctx, name, bytes);
    bool possible = shape.h > 0 && shape.w > 0 && shape.c > 0 && (double)shape.h * shape.w * shape.c <= INT_MAX;
    if (!err && !possible)
        err = hsgd_fail(ctx, EINVAL, "%s: samples cannot be %dx%dx%d", name, shape.h, shape.w, shape.c);
    if (!err) err = read_content(&in, &d);
    if (!err) err = record_fit(ctx, record, d);
    if (!err) err = settle_shape(&in, d);
    if (!err) err = unlabelled(&in, d);
    if (err) hsgd_data_destroy(&d);
    return d;
}
