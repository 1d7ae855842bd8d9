/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening a data set: finding its format and reading it. */
#include "format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../io/stream.h"
#include "base/sized.h"
#include "record.h"
#include "text_pairs.h"
#include "well_known.h"

/* Sets that are generated, "digits" or "digits:SEED": samples 0 to train - 1 for training, others for testing. */
static const struct builtin {
    const char *name;
    int64_t train, test;
    struct hsgd_data *(*make)(struct hsgd_context *ctx, uint64_t seed, int64_t first, int64_t count);
} builtins[] = { { "digits", 12000, 2000, hsgd_data_digits },
                 { "shapes", 8000, 1000, hsgd_data_shapes },
                 { "dates", 20000, 2000, dates_generate } };

/* A seed has up to 9 digits, behind a colon. */
static const struct builtin *builtin_named(const char *what)
{
    size_t length = strcspn(what, ":"), digits = what[length] ? strspn(what + length + 1, "0123456789") : 0;
    bool fits = what[length] ? digits > 0 && digits < 10 && !what[length + 1 + digits] : true;
    for (size_t i = 0; fits && i < sizeof builtins / sizeof *builtins; i++)
        if (strlen(builtins[i].name) == length && !strncmp(builtins[i].name, what, length)) return &builtins[i];
    return NULL;
}

/* In the order in which they are tried; text is the least specific, and "text" and "pairs" must be asked for. */
static const struct data_format *const formats[] = { &hsgd_format_idx, &hsgd_format_cifar, &hsgd_format_tar,
                                                     &hsgd_format_zip, &hsgd_format_coco,  &hsgd_format_images,
                                                     &hsgd_format_npy, &hsgd_format_npz,   &hsgd_format_libsvm,
                                                     &hsgd_format_csv, &hsgd_format_pairs, &hsgd_format_text };

enum { FORMATS = sizeof formats / sizeof *formats };

const char *hsgd_data_format_at(int i) { return i >= 0 && i < FORMATS ? formats[i]->name : NULL; }

static int read_builtin(struct hsgd_context *ctx, const struct builtin *b, const char *what, struct data_splits *out)
{
    const char *seed = strchr(what, ':');
    uint64_t of = seed ? strtoull(seed + 1, NULL, 10) : 0;
    out->train = b->make(ctx, of, 0, b->train);
    out->test = out->train ? b->make(ctx, of, TEST_FIRST, b->test) : NULL;
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
    if (source->head_bytes > 1 && (!memcmp(source->head, "\xff\xfe", 2) || !memcmp(source->head, "\xfe\xff", 2))) {
        hsgd_fail(ctx, EINVAL, "data set \"%s\": is UTF-16 text; save it as UTF-8", source->path);
        return NULL;
    }
    if (well_known_hint(source->path, known, sizeof known)) {
        hsgd_fail(ctx, EINVAL, "data set \"%s\": not recognised; %s", source->path, known);
        return NULL;
    }
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

static int missing(struct hsgd_context *ctx, const char *path, int err)
{
    char hint[WELL_KNOWN_HINT];
    if (err == ENOENT && well_known_hint(path, hint, sizeof hint))
        return hsgd_fail(ctx, err, "data set \"%s\": no such folder; %s", path, hint);
    return hsgd_fail(
        ctx, err,
        "data set \"%s\": %s; \"digits\", \"shapes\" and \"dates\" are built in, anything else is a file or folder",
        path, strerror(err));
}

static int look(struct hsgd_context *ctx, const char *path, const struct data_format **format)
{
    struct stat st;
    struct data_source source = { .path = path };
    if (stat(path, &st)) return missing(ctx, path, errno);
    source.folder = S_ISDIR(st.st_mode);
    if (!source.folder && !S_ISREG(st.st_mode))
        return hsgd_fail(ctx, EINVAL, "data set \"%s\": is not a regular file, so its format must be given", path);
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

/* Notes the format and, unless the reader did, the requested label; a label file
 * with an absolute path is for this data only. */
static int note_options(struct hsgd_context *ctx, const char *format, const struct hsgd_data_options *o,
                        struct hsgd_data *d)
{
    if (!d) return 0;
    d->format = format;
    if (d->y.columns || o->target || !o->label || *o->label == '/') return 0;
    d->y.columns = hsgd_names_copy(&o->label, 1);
    return d->y.columns ? 0 : hsgd_fail(ctx, ENOMEM, "%s: out of memory", d->name);
}

static void free_splits(struct data_splits *splits)
{
    hsgd_data_destroy(&splits->train);
    hsgd_data_destroy(&splits->test);
}

static bool has_size(const struct hsgd_data *d, const struct hsgd_record *r)
{
    struct hsgd_shape s = hsgd_data_shape(d);
    struct hsgd_shape was = record_shape(r);
    return !d || (s.h == was.h && s.w == was.w);
}

/* Images of other sizes than the record's, or of several, are resized to it if it
 * is square. */
static bool wants_resize(const struct hsgd_record *r, const char *format, const struct hsgd_data_options *o, int err,
                         const struct data_splits *splits)
{
    struct hsgd_shape s = r ? record_shape(r) : (struct hsgd_shape){ 0, 0, 0 };
    bool square = s.h > 1 && s.h == s.w;
    bool images = !strcmp(format, "images") || !strcmp(format, "tar") || !strcmp(format, "zip");
    if (!square || o->resize || !images) return false;
    return err == -EINVAL || (!err && !(has_size(splits->train, r) && has_size(splits->test, r)));
}

static int read_format(struct hsgd_context *ctx, const struct data_format *format, const char *what,
                       struct hsgd_data_options *o, struct data_splits *out)
{
    int err = format->read(ctx, what, o, out);
    if (!wants_resize(o->record, format->name, o, err, out)) return err;
    free_splits(out);
    o->resize = record_shape(o->record).h;
    err = format->read(ctx, what, o, out);
    if (!err)
        hsgd_log(ctx, HSGD_LOG_WARNING, "%s: images are resized to %d x %d for the model", what, o->resize, o->resize);
    return err;
}

/* Reads as the record says, if there is one. */
static int read_as_known(struct hsgd_context *ctx, const struct data_format *format, const char *what,
                         const struct hsgd_data_options *o, struct data_splits *out)
{
    struct hsgd_data_options with = *o;
    const char *name = format ? format->name : builtin_named(what)->name;
    if (o->record) record_options(o->record, name, &with);
    if (with.classes < 0) with.classes = 0; /* it was for the record: readers take those of the training split */
    int err = format ? read_format(ctx, format, what, &with, out) : read_builtin(ctx, builtin_named(what), what, out);
    if (!err) err = note_options(ctx, name, &with, out->train);
    if (!err) err = note_options(ctx, name, &with, out->test);
    if (!err) err = record_fit(ctx, o->record, out->train);
    return err ? err : record_fit(ctx, o->record, out->test);
}

/* Options that only texts have. */
static bool has_token_options(const struct hsgd_data_options *o) { return o->window || o->stride || o->tokens; }

static int check_options(struct hsgd_context *ctx, const char *what, const char *format,
                         const struct hsgd_data_options *o)
{
    static const char *const with_targets[] = { "csv", "libsvm", "npy", "npz", "images" };
    bool targets = false;
    for (size_t i = 0; i < sizeof with_targets / sizeof *with_targets; i++)
        targets = targets || !strcmp(format, with_targets[i]);
    bool text = !strcmp(format, "text"), pairs = !strcmp(format, "pairs");
    if ((has_token_options(o) && !text) || (o->test_part != 0 && !text && !pairs))
        return hsgd_fail(
            ctx, EINVAL,
            "data set \"%s\": --window, --stride, --tokens and a fraction as --test are of texts, and this "
            "is %s",
            what, format);
    if ((o->label || o->features) && (text || pairs))
        return hsgd_fail(ctx, EINVAL, "data set \"%s\": is a text, which has no %s", what,
                         o->label ? "labels: --label is for other data" : "features: --features is for other data");
    if ((o->categorical || o->impute) && strcmp(format, "csv"))
        return hsgd_fail(ctx, EINVAL,
                         "data set \"%s\": --categorical and --impute are of columns of a CSV, and this is %s", what,
                         format);
    if (o->fields && strcmp(format, "npz"))
        return hsgd_fail(ctx, EINVAL, "data set \"%s\": --fields names arrays of an .npz, and this is %s", what,
                         format);
    if (o->fields && o->target)
        return hsgd_fail(ctx, EINVAL, "data set \"%s\": --fields and --target exclude each other", what);
    if (o->ignore && strcmp(format, "csv"))
        return hsgd_fail(ctx, EINVAL, "data set \"%s\": --ignore names columns of a CSV, and this is %s", what, format);
    if (o->target && !targets)
        return hsgd_fail(ctx, EINVAL,
                         "data set \"%s\": --target names columns of a CSV, an array or a folder of images, and this "
                         "is %s",
                         what, format);
    if (o->target && o->label)
        return hsgd_fail(ctx, EINVAL, "data set \"%s\": --label and --target exclude each other", what);
    return 0;
}

static int read_splits(struct hsgd_context *ctx, const char *what, const struct hsgd_data_options *o,
                       struct data_splits *out)
{
    const struct data_format *format = NULL;
    if (!what || !*what)
        return hsgd_fail(ctx, EINVAL, "data set: no name given; \"digits\", \"shapes\", \"dates\", a file or a folder");
    bool builtin = builtin_named(what), pairs = record_has_pairs(o->record);
    bool tokens = o->window || o->tokens || pairs || record_has_tokens(o->record);
    if (!builtin && !o->format && tokens) format = pairs ? &hsgd_format_pairs : &hsgd_format_text;
    if (!builtin && o->format && !(format = by_name(ctx, what, o->format))) return -EINVAL;
    int err = format || builtin ? 0 : look(ctx, what, &format);
    if (!err) err = check_options(ctx, what, builtin ? what : format->name, o);
    if (err) return err;
    if (!builtin && !o->format && !tokens && record_prefers(o->record, format->name)) {
        err = read_as_known(ctx, by_name(ctx, what, o->record->format), what, o, out);
        if (err != -EINVAL) return err;
        free_splits(out);
    }
    return read_as_known(ctx, format, what, o, out);
}

int hsgd_data_defaults(struct hsgd_data_options *o, size_t size)
{
    return SIZED_GIVE(NULL, hsgd_data_options, o, size, &(struct hsgd_data_options){ 0 });
}

int hsgd_data_read(struct hsgd_context *ctx, const char *what, const struct hsgd_data_options *options,
                   struct hsgd_data **train, struct hsgd_data **test)
{
    struct hsgd_data_options o = { 0 };
    struct data_splits splits = { 0 };
    int err = context_check(ctx);
    if (!err) err = SIZED_TAKE(ctx, hsgd_data_options, &o, options);
    if (!err) err = read_splits(ctx, what, &o, &splits);
    if (train) *train = err ? NULL : splits.train;
    if (test) *test = err ? NULL : splits.test;
    if (err || !train) hsgd_data_destroy(&splits.train);
    if (err || !test) hsgd_data_destroy(&splits.test);
    return err;
}

struct hsgd_data *hsgd_data_open(struct hsgd_context *ctx, const char *what, enum hsgd_subset split)
{
    struct hsgd_data *d = NULL;
    if (split != HSGD_TRAIN && split != HSGD_TEST) {
        hsgd_fail(ctx, EINVAL, "data set \"%s\": split is %d, neither HSGD_TRAIN nor HSGD_TEST", what ? what : "",
                  (int)split);
        return NULL;
    }
    bool train = split == HSGD_TRAIN;
    if (!hsgd_data_read(ctx, what, NULL, train ? &d : NULL, train ? NULL : &d) && !d)
        hsgd_fail(ctx, ENOENT, "data set \"%s\": has no %s split", what, train ? "training" : "test");
    return d;
}
