/* From a sorted album to samples: pictures are decoded by several threads,
 * each to its place. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "album.h"

#include "picture.h"
#include "resample.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { MOST_THREADS = 16, PICTURES_PER_THREAD = 32, RGB = 3 };

struct decoding {
    const struct album *album;
    int resize;
    struct picture size;         /* of every picture, as it is kept */
    uint8_t *part[2];
    atomic_int next, bad;        /* the next to decode; the first that failed */
    atomic_bool colour;
};

static size_t picture_bytes(const struct picture *p) { return (size_t)p->h * (size_t)p->w * RGB; }

static int check_size(struct hsgd_context *ctx, const struct decoding *d, int i, const struct picture *p)
{
    const struct album *a = d->album;
    if (p->h == d->size.h && p->w == d->size.w) return 0;
    return hsgd_fail(ctx, EINVAL, "%s: is %d x %d pixels, but %s is %d x %d; --resize N makes all pictures N x N",
                     album_name(a, &a->entry[i]).text, p->h, p->w, album_name(a, &a->entry[0]).text, d->size.h,
                     d->size.w);
}

static int decode_resized(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n,
                          const struct picture *p, int resize, uint8_t *to)
{
    uint8_t *rgb = calloc(1, picture_bytes(p));
    int err = rgb ? picture_decode(ctx, name, bytes, n, p, rgb) : hsgd_fail(ctx, ENOMEM, "%s: out of memory", name);
    if (!err && resample_middle(rgb, p->h, p->w, RGB, to, resize))
        err = hsgd_fail(ctx, ENOMEM, "%s: out of memory", name);
    free(rgb);
    return err;
}

static int decode(struct hsgd_context *ctx, struct decoding *d, int i)
{
    const struct album *a = d->album;
    const struct album_entry *e = &a->entry[i];
    struct album_name name = album_name(a, e);
    struct picture p;
    const uint8_t *bytes;
    void *owned;
    size_t n;
    uint8_t *to = d->part[e->part] + (size_t)(e->part ? i - a->parts[0] : i) * picture_bytes(&d->size);
    int err = album_load(ctx, a, e, &bytes, &n, &owned);
    if (!err) err = picture_look(ctx, name.text, bytes, n, &p);
    if (!err && !d->resize) err = check_size(ctx, d, i, &p);
    if (!err && d->resize) err = decode_resized(ctx, name.text, bytes, n, &p, d->resize, to);
    else if (!err) err = picture_decode(ctx, name.text, bytes, n, &p, to);
    if (!err && p.colour) atomic_store_explicit(&d->colour, true, memory_order_relaxed);
    free(owned);
    return err;
}

/* A context holds one sentence: failures are found without, and the first is
 * repeated for its sentence when all threads have ended. */
static void *work(void *user)
{
    struct decoding *d = user;
    for (int i; (i = atomic_fetch_add(&d->next, 1)) < atomic_load(&d->bad);) {
        int first = atomic_load(&d->bad);
        if (decode(NULL, d, i))
            while (i < first && !atomic_compare_exchange_weak(&d->bad, &first, i)) continue;
    }
    return NULL;
}

/* The cores that the process may use, fewer for few pictures. */
static int choose_threads(int pictures)
{
    cpu_set_t cores;
    int n = sched_getaffinity(0, sizeof cores, &cores) ? 1 : CPU_COUNT(&cores), useful = pictures / PICTURES_PER_THREAD;
    n = n < useful ? n : useful;
    return n < 1 ? 1 : n < MOST_THREADS ? n : MOST_THREADS;
}

static int decode_all(struct hsgd_context *ctx, struct decoding *d)
{
    pthread_t thread[MOST_THREADS];
    int started = 0, wanted = choose_threads(d->album->count) - 1;
    atomic_store(&d->bad, d->album->count);
    while (started < wanted && !pthread_create(&thread[started], NULL, work, d)) started++;
    work(d);
    for (int i = 0; i < started; i++) pthread_join(thread[i], NULL);
    int bad = atomic_load(&d->bad);
    return bad < d->album->count ? decode(ctx, d, bad) : 0;
}

/* -------------------------------------------------------------------- parts */

/* The size of all pictures: --resize, or that of the first. */
static int find_size(struct hsgd_context *ctx, struct decoding *d)
{
    const struct album *a = d->album;
    const uint8_t *bytes;
    void *owned;
    size_t n;
    d->size = (struct picture){ d->resize, d->resize, false };
    if (d->resize) return 0;
    int err = album_load(ctx, a, &a->entry[0], &bytes, &n, &owned);
    if (!err) err = picture_look(ctx, album_name(a, &a->entry[0]).text, bytes, n, &d->size);
    free(owned);
    return err;
}

/* Resized pictures are bounded one by one, by what picture_look() allows. */
static int check_total(struct hsgd_context *ctx, const struct decoding *d)
{
    const struct album *a = d->album;
    int64_t pixels = (int64_t)d->size.h * d->size.w;
    if (pixels > INT_MAX / RGB)
        return hsgd_fail(ctx, EINVAL, "%s: pictures of %d x %d have more than %d numbers", a->source, d->size.h,
                         d->size.w, INT_MAX);
    double total = (double)pixels * RGB * a->count;
    if (total <= (double)ALBUM_FREE + (double)a->source_bytes * STREAM_EXPANSION) return 0;
    return hsgd_fail(ctx, EINVAL, "%s: %d pictures of %d x %d would need more than %d times their %lld bytes",
                     a->source, a->count, d->size.h, d->size.w, STREAM_EXPANSION, (long long)a->source_bytes);
}

static struct hsgd_data *make_part(struct hsgd_context *ctx, const struct decoding *d, int part)
{
    const struct album *a = d->album;
    struct hsgd_data *made = hsgd_data_new(ctx, a->source);
    if (!made) return NULL;
    made->count = a->parts[part];
    made->shape = (struct hsgd_shape){ d->size.h, d->size.w, RGB };
    made->classes = a->classes->count;
    made->names = hsgd_names_share(a->classes);
    made->passed = passed_share(a->passed);
    if (hsgd_data_allocate(ctx, made)) hsgd_data_destroy(&made);
    for (int i = 0; made && i < a->parts[part]; i++) made->owned_labels[i] = a->entry[part ? a->parts[0] + i : i].label;
    return made;
}

/* Three equal numbers a pixel become one. */
static void make_grey(struct hsgd_data *d)
{
    int64_t n = d->count * d->shape.h * d->shape.w;
    uint8_t *to = d->owned;
    for (int64_t i = 0; i < n; i++) to[i] = to[RGB * i];
    uint8_t *smaller = realloc(to, (size_t)n);
    d->owned = smaller ? smaller : to;
    d->bytes = d->owned;
    d->shape.c = 1;
}

int album_decode(struct hsgd_context *ctx, const struct album *a, int resize, struct data_parts *out)
{
    struct decoding d = { .album = a, .resize = resize };
    struct hsgd_data **part[2] = { &out->train, &out->test };
    int err = find_size(ctx, &d);
    if (!err) err = check_total(ctx, &d);
    for (int i = 0; !err && i < 2; i++) {
        if (!a->parts[i]) continue;
        *part[i] = make_part(ctx, &d, i);
        if (!*part[i]) return -ENOMEM;
        d.part[i] = (*part[i])->owned;
    }
    if (!err) err = decode_all(ctx, &d);
    for (int i = 0; !err && i < 2 && !atomic_load(&d.colour); i++)
        if (*part[i]) make_grey(*part[i]);
    return err;
}
