/* SPDX-License-Identifier: BSD-3-Clause */
/* Decodes the images of a sorted set by several threads, each image to its place. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "image_set.h"

#include "image.h"
#include "resample.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_THREADS = 16, IMAGES_PER_THREAD = 32, RGB = 3 };

struct decoding {
    const struct image_set *set;
    int resize;
    bool keep_going;
    struct image size; /* of every image, as it is stored */
    int sized;         /* the image that it was taken from */
    uint8_t *split[2];
    bool *damaged;        /* a flag for each image */
    atomic_int next, bad; /* next image to decode; first that failed without being damaged */
    atomic_bool colour;
};

/* What decode() returns for a damaged image, distinct from other errors. */
enum { DAMAGED = -EBADMSG };

static int damaged(int err) { return err == -EINVAL ? DAMAGED : err; }

static size_t image_bytes(const struct image *p) { return (size_t)p->h * (size_t)p->w * RGB; }

static int check_size(struct hsgd_context *ctx, const struct decoding *d, int i, const struct image *p)
{
    const struct image_set *a = d->set;
    if (p->h == d->size.h && p->w == d->size.w) return 0;
    return hsgd_fail(ctx, EINVAL, "%s: is %d x %d pixels, but %s is %d x %d; --resize N makes all images N x N",
                     image_set_name(a, &a->entry[i]).text, p->h, p->w, image_set_name(a, &a->entry[d->sized]).text,
                     d->size.h, d->size.w);
}

static int decode_resized(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n,
                          const struct image *p, int resize, uint8_t *to)
{
    uint8_t *rgb = calloc(1, image_bytes(p));
    int err =
        rgb ? damaged(image_decode(ctx, name, bytes, n, p, rgb)) : hsgd_fail(ctx, ENOMEM, "%s: out of memory", name);
    if (!err && resample_centre(rgb, p->h, p->w, RGB, to, resize))
        err = hsgd_fail(ctx, ENOMEM, "%s: out of memory", name);
    free(rgb);
    return err;
}

static int decode(struct hsgd_context *ctx, struct decoding *d, int i)
{
    const struct image_set *a = d->set;
    const struct image_entry *e = &a->entry[i];
    struct image_set_name name = image_set_name(a, e);
    struct image p;
    const uint8_t *bytes;
    void *owned;
    size_t n;
    uint8_t *to = d->split[e->split]; /* NULL: nothing is decoded, only a damaged header reported */
    if (to) to += (size_t)(e->split ? i - a->splits[0] : i) * image_bytes(&d->size);
    int err = image_set_load(ctx, a, e, &bytes, &n, &owned);
    if (!err) err = damaged(image_read_header(ctx, name.text, bytes, n, &p));
    if (!err && !d->resize) err = check_size(ctx, d, i, &p);
    if (!err && d->resize) err = decode_resized(ctx, name.text, bytes, n, &p, d->resize, to);
    else if (!err) err = damaged(image_decode(ctx, name.text, bytes, n, &p, to));
    if (!err && p.colour) atomic_store_explicit(&d->colour, true, memory_order_relaxed);
    free(owned);
    return err;
}

/* A context holds one message, so threads only note which images fail; these are
 * decoded again for their messages when all threads have finished.  All damaged
 * images are found; after another error only those before it matter. */
static void *work(void *user)
{
    struct decoding *d = user;
    for (int i; (i = atomic_fetch_add(&d->next, 1)) < atomic_load(&d->bad);) {
        int first = atomic_load(&d->bad), err = decode(NULL, d, i);
        d->damaged[i] = err == DAMAGED;
        if (err && err != DAMAGED)
            while (i < first && !atomic_compare_exchange_weak(&d->bad, &first, i)) continue;
    }
    return NULL;
}

/* One thread per core that the process may use, fewer for few images. */
static int choose_threads(int images)
{
    cpu_set_t cores;
    int n = sched_getaffinity(0, sizeof cores, &cores) ? 1 : CPU_COUNT(&cores), useful = images / IMAGES_PER_THREAD;
    n = n < useful ? n : useful;
    return n < 1 ? 1 : n < MAX_THREADS ? n : MAX_THREADS;
}

/* ----------------------------------------------------------------- damaged */

enum { LISTED = 10, KEPT_GOING = 100 /* images per damaged one */ };

static int count_damaged(const struct decoding *d, int n)
{
    int count = 0;
    for (int i = 0; i < n; i++) count += d->damaged[i];
    return count;
}

/* What --keep-going would do, or why it did not. */
static const char *damaged_hint(const struct decoding *d, int all)
{
    if (d->keep_going) return "; --keep-going passes over at most 1 % of the images";
    return all <= d->set->count / KEPT_GOING ? "; --keep-going passes over damaged images" : "";
}

/* Reports image `first`, and the names of the next damaged ones among the first n
 * images. */
static int report_damaged(struct hsgd_context *ctx, struct decoding *d, int first, int n)
{
    char others[700] = "", sentence[300];
    int all = count_damaged(d, n), listed = 1, used = 0;
    decode(ctx, d, first);
    snprintf(sentence, sizeof sentence, "%.*s", (int)sizeof sentence - 1, hsgd_error(ctx));
    for (int i = first + 1; i < n && listed < LISTED && used < 600; i++) {
        if (!d->damaged[i]) continue;
        used += snprintf(others + used, sizeof others - (size_t)used, "%s%s", used ? ", " : "",
                         hsgd_show(d->set->entry[i].name).text);
        listed++;
    }
    if (all == 1) return hsgd_fail(ctx, EINVAL, "%s%s", sentence, damaged_hint(d, all));
    return hsgd_fail(ctx, EINVAL, "%s; %d more %s damaged: %s%s%s", sentence, all - 1, all == 2 ? "is" : "are", others,
                     listed < all ? ", ..." : "", damaged_hint(d, all));
}

/* Fails when a training class or the test split has no image left. */
static int check_left(struct hsgd_context *ctx, const struct decoding *d)
{
    const struct image_set *a = d->set;
    int *left = calloc((size_t)a->classes->count + 1, sizeof *left), empty = 0;
    if (!left) return hsgd_fail(ctx, ENOMEM, "%s: out of memory", a->source);
    for (int i = 0; i < a->count; i++)
        if (!d->damaged[i]) left[a->entry[i].split ? a->classes->count : a->entry[i].label]++;
    while (empty < a->classes->count && left[empty]) empty++;
    bool tests = !a->splits[1] || left[a->classes->count];
    free(left);
    if (empty < a->classes->count)
        return hsgd_fail(ctx, EINVAL, "%s: every image of class \"%s\" is damaged", a->source,
                         hsgd_show(a->classes->name[empty]).text);
    return tests ? 0 : hsgd_fail(ctx, EINVAL, "%s: every image of the test split is damaged", a->source);
}

/* With keep_going: logs and counts the damaged images, if they are few. */
static int pass_over_damaged(struct hsgd_context *ctx, struct decoding *d)
{
    const struct image_set *a = d->set;
    int all = count_damaged(d, a->count), err = 0;
    for (int i = 0; all && !err && i < a->count; i++) {
        if (!d->damaged[i]) continue;
        if (all > a->count / KEPT_GOING) return report_damaged(ctx, d, i, a->count);
        decode(ctx, d, i);
        hsgd_log(ctx, HSGD_LOG_WARNING, "%s; passed over", hsgd_error(ctx));
        if (!passed_note(a->passed, PASSED_DAMAGED, a->entry[i].name))
            err = hsgd_fail(ctx, ENOMEM, "%s: out of memory", a->source);
    }
    return err || !all ? err : check_left(ctx, d);
}

static int decode_all(struct hsgd_context *ctx, struct decoding *d)
{
    pthread_t thread[MAX_THREADS];
    int started = 0, wanted = choose_threads(d->set->count) - 1;
    atomic_store(&d->bad, d->set->count);
    while (started < wanted && !pthread_create(&thread[started], NULL, work, d)) started++;
    work(d);
    for (int i = 0; i < started; i++) pthread_join(thread[i], NULL);
    int bad = atomic_load(&d->bad);
    for (int i = 0; i < bad; i++)
        if (d->damaged[i] && !d->keep_going) return report_damaged(ctx, d, i, bad);
    return bad < d->set->count ? decode(ctx, d, bad) : pass_over_damaged(ctx, d);
}

/* -------------------------------------------------------------------- splits */

/* The size of all images: --resize, or that of the first with a valid header. */
static int find_size(struct hsgd_context *ctx, struct decoding *d)
{
    const struct image_set *a = d->set;
    int err = DAMAGED;
    d->size = (struct image){ d->resize, d->resize, false };
    for (int i = 0; !d->resize && err == DAMAGED && i < a->count; i++) {
        const uint8_t *bytes;
        void *owned;
        size_t n;
        err = image_set_load(ctx, a, &a->entry[i], &bytes, &n, &owned);
        if (!err) err = damaged(image_read_header(ctx, image_set_name(a, &a->entry[i]).text, bytes, n, &d->size));
        d->damaged[i] = err == DAMAGED;
        if (!err) d->sized = i;
        free(owned);
    }
    if (d->resize || !err) return 0;
    return err == DAMAGED ? report_damaged(ctx, d, 0, a->count) : err;
}

/* Resized images are bounded one by one by image_read_header(). */
static int check_total(struct hsgd_context *ctx, const struct decoding *d)
{
    const struct image_set *a = d->set;
    int64_t pixels = (int64_t)d->size.h * d->size.w;
    if (pixels > INT_MAX / RGB)
        return hsgd_fail(ctx, EINVAL, "%s: images of %d x %d have more than %d values", a->source, d->size.h, d->size.w,
                         INT_MAX);
    double total = (double)pixels * RGB * a->count;
    if (total <= (double)IMAGE_SET_FREE + (double)a->source_bytes * STREAM_EXPANSION) return 0;
    return hsgd_fail(ctx, EINVAL, "%s: %d images of %d x %d would need more than %d times their %lld bytes", a->source,
                     a->count, d->size.h, d->size.w, STREAM_EXPANSION, (long long)a->source_bytes);
}

static struct hsgd_data *make_split(struct hsgd_context *ctx, const struct decoding *d, int split)
{
    const struct image_set *a = d->set;
    struct hsgd_data *made = hsgd_data_new(ctx, a->source);
    if (!made) return NULL;
    made->count = a->splits[split];
    made->x.type = hsgd_image(d->size.h, d->size.w, RGB);
    made->y.classes = a->classes->count;
    made->y.names = hsgd_names_share(a->classes);
    made->passed = passed_share(a->passed);
    if (hsgd_data_allocate(ctx, made)) hsgd_data_destroy(&made);
    for (int i = 0; made && i < a->splits[split]; i++)
        ((int32_t *)made->y.owned)[i] = a->entry[split ? a->splits[0] + i : i].label;
    return made;
}

/* Keeps one of three equal channels. */
static void make_grey(struct hsgd_data *d)
{
    int64_t n = d->count * hsgd_type_positions(&d->x.type);
    uint8_t *to = d->x.owned;
    for (int64_t i = 0; i < n; i++) to[i] = to[RGB * i];
    uint8_t *smaller = realloc(to, (size_t)n);
    d->x.owned = smaller ? smaller : to;
    d->x.bytes = d->x.owned;
    d->x.type.dim[2] = 1;
}

/* Closes the gaps of damaged images in a split whose first entry is `from`. */
static void close_gaps(const struct decoding *d, int from, struct hsgd_data *split)
{
    size_t n = image_bytes(&d->size);
    uint8_t *bytes = split->x.owned;
    int32_t *label = split->y.owned;
    int64_t kept = 0;
    for (int64_t i = 0; i < split->count; i++) {
        if (d->damaged[from + i]) continue;
        if (kept < i) memcpy(bytes + (size_t)kept * n, bytes + (size_t)i * n, n);
        label[kept++] = label[i];
    }
    split->count = kept;
}

static int decode_splits(struct hsgd_context *ctx, struct decoding *d, struct data_splits *out)
{
    const struct image_set *a = d->set;
    struct hsgd_data **split[2] = { &out->train, &out->test };
    int err = find_size(ctx, d);
    if (!err) err = check_total(ctx, d);
    for (int i = 0; !err && i < 2; i++) {
        if (!a->splits[i]) continue;
        *split[i] = make_split(ctx, d, i);
        if (!*split[i]) return -ENOMEM;
        d->split[i] = (*split[i])->x.owned;
    }
    if (!err) err = decode_all(ctx, d);
    for (int i = 0; !err && i < 2; i++) {
        if (!*split[i]) continue;
        close_gaps(d, i ? a->splits[0] : 0, *split[i]);
        if (!atomic_load(&d->colour)) make_grey(*split[i]);
    }
    return err;
}

int image_set_decode(struct hsgd_context *ctx, const struct image_set *a, const struct hsgd_data_options *options,
                     struct data_splits *out)
{
    struct decoding d = { .set = a,
                          .resize = options->resize,
                          .keep_going = options->keep_going,
                          .damaged = calloc((size_t)a->count, sizeof *d.damaged) };
    int err = d.damaged ? decode_splits(ctx, &d, out) : hsgd_fail(ctx, ENOMEM, "%s: out of memory", a->source);
    free(d.damaged);
    return err;
}
