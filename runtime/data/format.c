/* Opening a data set: finding its format and checking what the reader made. */
#include "format.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../io/stream.h"
#include "../sized.h"

enum { DIGITS_TRAIN = 12000, DIGITS_TEST = 2000 };
#define DIGITS_TEST_FIRST (INT64_C(1) << 40)

/* Text comes last: what looks like one may be another. */
static const struct data_format *const formats[] = { &hsgd_format_idx, &hsgd_format_cifar, &hsgd_format_tar,
                                                    &hsgd_format_images, &hsgd_format_npy, &hsgd_format_npz,
                                                    &hsgd_format_libsvm, &hsgd_format_csv };

enum { FORMATS = sizeof formats / sizeof *formats };

const char *hsgd_data_format_at(int i) { return i >= 0 && i < FORMATS ? formats[i]->name : NULL; }

static int read_digits(struct hsgd_context *ctx, struct data_parts *out)
{
    out->train = hsgd_data_digits(ctx, 0, 0, DIGITS_TRAIN);
    out->test = out->train ? hsgd_data_digits(ctx, 0, DIGITS_TEST_FIRST, DIGITS_TEST) : NULL;
    return out->test ? 0 : -ENOMEM;
}

/* ------------------------------------------------------- finding the format */

static void list_formats(char *out, size_t size, bool long_names)
{
    size_t used = 0;
    for (int i = 0; i < FORMATS && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "",
                                 long_names ? formats[i]->what : formats[i]->name);
}

static const struct data_format *by_content(struct hsgd_context *ctx, const struct data_source *source)
{
    char known[800];
    for (int i = 0; i < FORMATS; i++)
        if (formats[i]->recognise(source)) return formats[i];
    list_formats(known, sizeof known, true);
    hsgd_fail(ctx, EINVAL, "data set \"%s\": not recognised; it is none of: %s", source->path, known);
    return NULL;
}

static const struct data_format *by_name(struct hsgd_context *ctx, const char *path, const char *name)
{
    char known[400];
    for (int i = 0; i < FORMATS; i++)
        if (!strcmp(formats[i]->name, name)) return formats[i];
    list_formats(known, sizeof known, false);
    hsgd_fail(ctx, EINVAL, "data set \"%s\": format \"%s\" is not one of %s", path, name, known);
    return NULL;
}

static int look(struct hsgd_context *ctx, const char *path, const struct data_format **format)
{
    struct stat st;
    struct data_source source = { .path = path };
    if (stat(path, &st))
        return hsgd_fail(ctx, errno, "data set \"%s\": %s; \"digits\" is built in, anything else is a file or folder",
                         path, strerror(errno));
    source.folder = S_ISDIR(st.st_mode);
    if (!source.folder && !S_ISREG(st.st_mode))
        return hsgd_fail(ctx, EINVAL, "data set \"%s\": is no file that can be read twice, so its format must be given",
                         path);
    struct hsgd_stream *s = source.folder ? NULL : hsgd_stream_open(ctx, path);
    if (!source.folder && !s) return -EIO;
    int64_t n = s ? hsgd_stream_peek(s, &source.head, STREAM_PEEK) : 0;
    source.head_bytes = n > 0 ? (size_t)n : 0;
    if (s && n == 0) n = hsgd_fail(ctx, EINVAL, "data set \"%s\": the file is empty", path);
    if (n >= 0) *format = by_content(ctx, &source);
    hsgd_stream_close(&s);
    return n < 0 ? (int)n : *format ? 0 : -EINVAL;
}

/* ------------------------------------------------------------------ reading */

static void note_format(struct data_parts *parts, const char *name)
{
    if (parts->train) parts->train->format = name;
    if (parts->test) parts->test->format = name;
}

static int read_parts(struct hsgd_context *ctx, const char *what, const struct hsgd_data_options *o,
                      struct data_parts *out)
{
    const struct data_format *format = NULL;
    if (!what || !*what) return hsgd_fail(ctx, EINVAL, "data set: no name given; \"digits\", a file or a folder");
    bool digits = !strcmp(what, "digits");
    if (!digits && o->format && !(format = by_name(ctx, what, o->format))) return -EINVAL;
    int err = format || digits ? 0 : look(ctx, what, &format);
    if (!err) err = digits ? read_digits(ctx, out) : format->read(ctx, what, o, out);
    if (!err) note_format(out, digits ? "digits" : format->name);
    return err;
}

int hsgd_data_defaults(struct hsgd_data_options *o, size_t size)
{
    return SIZED_GIVE(NULL, hsgd_data_options, o, size, &(struct hsgd_data_options){ 0 });
}

int hsgd_data_read(struct hsgd_context *ctx, const char *what, const struct hsgd_data_options *options,
                   struct hsgd_data **train, struct hsgd_data **test)
{
    struct hsgd_data_options o = { 0 };
    struct data_parts parts = { 0 };
    int err = SIZED_TAKE(ctx, hsgd_data_options, &o, options);
    if (!err) err = read_parts(ctx, what, &o, &parts);
    if (train) *train = err ? NULL : parts.train;
    if (test) *test = err ? NULL : parts.test;
    if (err || !train) hsgd_data_destroy(&parts.train);
    if (err || !test) hsgd_data_destroy(&parts.test);
    return err;
}

struct hsgd_data *hsgd_data_open(struct hsgd_context *ctx, const char *what, enum hsgd_split split)
{
    struct hsgd_data *d = NULL;
    if (split != HSGD_TRAIN && split != HSGD_TEST) {
        hsgd_fail(ctx, EINVAL, "data set \"%s\": split is %d, neither HSGD_TRAIN nor HSGD_TEST", what ? what : "",
                  (int)split);
        return NULL;
    }
    bool train = split == HSGD_TRAIN;
    if (!hsgd_data_read(ctx, what, NULL, train ? &d : NULL, train ? NULL : &d) && !d)
        hsgd_fail(ctx, ENOENT, "data set \"%s\": has no %s part", what, train ? "training" : "test");
    return d;
}
