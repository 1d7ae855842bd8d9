/* SPDX-License-Identifier: BSD-3-Clause */
/* Folders and archives of images, and CIFAR's binary files in either. */
#include "image_set.h"

#include "cache.h"
#include "record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* How deep a folder is searched to recognise its format. */
enum { IMAGE_DEPTH = 6, CIFAR_DEPTH = 1, MAX_RESIZE = 4096, MIN_CLASSES = 2 };

/* Increased when the result of decoding changes, so that older caches are not
 * used. */
enum { DECODING = 2 };

/* How a set is read, once its files are listed. */
enum meaning { IMAGES, CIFAR, EITHER, PAIRED };

static int interpret(struct hsgd_context *ctx, struct image_set *a, enum meaning meaning,
                     const struct hsgd_data_options *options, struct data_splits *out)
{
    if (meaning == CIFAR || (meaning == EITHER && cifar_is(a))) return cifar_read(ctx, a, options, out);
    int err = image_set_sort(ctx, a);
    return err ? err : image_set_decode(ctx, a, options, out);
}

/* ----------------------------------------------------------------- sources */

/* The cache key covers all that determines the result: the file, the time of its
 * last modification, and the options. */
static void begin_key(struct sha256 *key, const char *path, enum meaning meaning,
                      const struct hsgd_data_options *options)
{
    char *real = realpath(path, NULL), text[200];
    int n = snprintf(text, sizeof text, "\n%d %d %d %d %s\n", DECODING, (int)meaning, options->resize,
                     options->keep_going, options->label ? options->label : "");
    sha256_begin(key);
    sha256_add(key, real ? real : path, strlen(real ? real : path));
    sha256_add(key, text, (size_t)(n < (int)sizeof text ? n : (int)sizeof text - 1));
    free(real);
}

static void add_state(struct sha256 *key, int64_t size, int64_t changed)
{
    int64_t state[2] = { size, changed };
    sha256_add(key, state, sizeof state);
}

static int list_archive(struct hsgd_context *ctx, const char *path, struct image_set *a)
{
    struct stat st;
    const uint8_t *head;
    struct hsgd_stream *stream = hsgd_stream_open(ctx, path);
    if (!stream) return -EIO;
    int64_t n = hsgd_stream_peek(stream, &head, 4);
    bool zip = n == 4 && !memcmp(head, "PK\3\4", 4) && !stat(path, &st);
    int err = n < 0 ? (int)n
              : zip ? image_set_zip(ctx, a, path, NULL, (size_t)st.st_size)
                    : image_set_tar(ctx, a, stream);
    hsgd_stream_close(&stream);
    return err;
}

static int decode_archive(struct hsgd_context *ctx, const char *path, enum meaning meaning,
                          const struct hsgd_data_options *options, struct data_splits *out)
{
    struct image_set a = { 0 };
    int err = list_archive(ctx, path, &a);
    if (!err) err = interpret(ctx, &a, meaning, options, out);
    image_set_free(&a);
    return err;
}

static int read_archive(struct hsgd_context *ctx, const char *path, enum meaning meaning,
                        const struct hsgd_data_options *options, struct data_splits *out)
{
    struct stat st;
    struct sha256 key;
    char hex[65];
    if (stat(path, &st)) return hsgd_fail(ctx, errno, "%s: cannot open: %s", path, strerror(errno));
    begin_key(&key, path, meaning, options);
    add_state(&key, st.st_size, (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
    sha256_end(&key, hex);
    if (cache_load(ctx, hex, path, out)) return 0;
    int err = decode_archive(ctx, path, meaning, options, out);
    if (!err) cache_store(ctx, hex, out);
    return err;
}

int image_set_decode_cached(struct hsgd_context *ctx, const struct image_set *a,
                            const struct hsgd_data_options *options, bool paired, struct data_splits *out)
{
    struct sha256 key;
    char hex[65];
    begin_key(&key, a->source, paired ? PAIRED : IMAGES, options);
    for (int i = 0; i < a->count; i++) {
        sha256_text(&key, a->entry[i].name);
        add_state(&key, a->entry[i].size, a->entry[i].changed);
    }
    for (int i = 0; i < PASSED_KINDS; i++) {
        add_state(&key, a->passed->count[i], 0);
        if (a->passed->first[i]) sha256_text(&key, a->passed->first[i]);
    }
    sha256_end(&key, hex);
    if (cache_load(ctx, hex, a->source, out)) return 0;
    int err = image_set_decode(ctx, a, options, out);
    if (!err) cache_store(ctx, hex, out);
    return err;
}

/* CIFAR's files have no cache: they are read as fast. */
static int read_listed(struct hsgd_context *ctx, struct image_set *a, enum meaning meaning,
                       const struct hsgd_data_options *options, struct data_splits *out)
{
    if (meaning == CIFAR) return cifar_read(ctx, a, options, out);
    int err = image_set_sort(ctx, a);
    return err ? err : image_set_decode_cached(ctx, a, options, false, out);
}

static int read_folder(struct hsgd_context *ctx, const char *path, enum meaning meaning,
                       const struct hsgd_data_options *options, struct data_splits *out)
{
    struct image_set a;
    int err = image_set_folder(ctx, &a, path);
    if (!err) err = read_listed(ctx, &a, meaning, options, out);
    image_set_free(&a);
    return err;
}

static int check_resize(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *options)
{
    if (options->resize >= 0 && options->resize <= MAX_RESIZE) return 0;
    return hsgd_fail(ctx, EINVAL, "data set \"%s\": resize is %d, it must be in 0..%d", path, options->resize,
                     MAX_RESIZE);
}

static int read_any(struct hsgd_context *ctx, const char *path, enum meaning meaning,
                    const struct hsgd_data_options *options, struct data_splits *out)
{
    struct stat st;
    int err = check_resize(ctx, path, options);
    if (err) return err;
    if (stat(path, &st)) return hsgd_fail(ctx, errno, "%s: cannot open: %s", path, strerror(errno));
    return (S_ISDIR(st.st_mode) ? read_folder : read_archive)(ctx, path, meaning, options, out);
}

/* ------------------------------------------------------------ class names */

static int index_of(const char *name, const char *const *names, int n)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(name, names[i])) return i;
    return -1;
}

/* Replaces the labels by those of the options' classes. */
static int relabel(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *o, struct hsgd_data *d)
{
    int32_t *all = d->y.owned;
    for (int64_t i = 0; i < d->count; i++) {
        const char *class = hsgd_data_class_name(d, all[i]);
        int label = o->class_name ? index_of(class, o->class_name, o->classes) : all[i];
        if (label < 0 || label >= o->classes)
            return hsgd_fail(ctx, EINVAL, "%s: class \"%s\" is not one of the %d known classes", path,
                             hsgd_show(class).text, o->classes);
        all[i] = label;
    }
    return 0;
}

static int use_classes(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *o,
                       struct hsgd_data *d)
{
    int err = d ? relabel(ctx, path, o, d) : 0;
    if (err || !d) return err;
    struct hsgd_names *names =
        o->class_name ? hsgd_names_copy(o->class_name, o->classes) : hsgd_names_share(d->y.names);
    if (o->class_name && !names) return hsgd_fail(ctx, ENOMEM, "%s: out of memory", path);
    hsgd_names_free(d->y.names);
    d->y.names = names;
    d->y.classes = o->classes;
    return 0;
}

static int settle_classes(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *o,
                          struct data_splits *out)
{
    if (o->classes > 0) {
        int err = use_classes(ctx, path, o, out->train);
        return err ? err : use_classes(ctx, path, o, out->test);
    }
    if (out->train->y.classes >= MIN_CLASSES) return 0;
    return hsgd_fail(ctx, EINVAL, "%s: has only one class, \"%s\"; training needs %d", path,
                     hsgd_show(hsgd_data_class_name(out->train, 0)).text, MIN_CLASSES);
}

/* ----------------------------------------------------------------- formats */

/* Warns of images that are not used; other files are in the summary only. */
static void warn_of_passed(struct hsgd_context *ctx, const char *path, const struct passed *p)
{
    for (int i = PASSED_FORMAT; p && i <= PASSED_DAMAGED; i++)
        if (p->count[i])
            hsgd_log(ctx, HSGD_LOG_WARNING, "%s: %lld image%s passed over: %s; the first is %s", path,
                     (long long)p->count[i], p->count[i] == 1 ? "" : "s", passed_why(i), hsgd_show(p->first[i]).text);
}

static int read_as(struct hsgd_context *ctx, const char *path, enum meaning meaning,
                   const struct hsgd_data_options *options, struct data_splits *out)
{
    int err = read_any(ctx, path, meaning, options, out);
    if (!err && !options->reports_passed) warn_of_passed(ctx, path, out->train->passed);
    return err ? err : settle_classes(ctx, path, options, out);
}

static int read_pairs(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *options,
                      struct data_splits *out)
{
    int err = check_resize(ctx, path, options);
    if (!err) err = image_pairs_read(ctx, path, options, out);
    if (!err && !options->reports_passed) warn_of_passed(ctx, path, out->train->passed);
    return err;
}

static int read_images(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *options,
                       struct data_splits *out)
{
    if (record_wants_targets(options)) return read_pairs(ctx, path, options, out);
    return read_as(ctx, path, IMAGES, options, out);
}

static int read_cifar(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *options,
                      struct data_splits *out)
{
    return read_as(ctx, path, CIFAR, options, out);
}

static int read_tar(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *options,
                    struct data_splits *out)
{
    return read_as(ctx, path, EITHER, options, out);
}

static bool is_images(const struct data_source *source)
{
    return source->folder && image_set_folder_has(source->path, image_is_name, IMAGE_DEPTH);
}

static bool is_cifar(const struct data_source *source)
{
    return source->folder && image_set_folder_has(source->path, cifar_is_name, CIFAR_DEPTH);
}

const struct data_format hsgd_format_cifar = { "cifar", "a folder with CIFAR's binary files", is_cifar, read_cifar };
const struct data_format hsgd_format_images = { "images", "a folder with a folder of PNG or JPEG images for each class",
                                                is_images, read_images };
const struct data_format hsgd_format_zip = { "zip", "a .zip archive of images", image_set_is_zip, read_tar };
const struct data_format hsgd_format_tar = { "tar", "a .tar, .tar.gz or .tar.xz archive of either", image_set_is_tar,
                                             read_tar };
