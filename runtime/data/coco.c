/* SPDX-License-Identifier: BSD-3-Clause */
/* Images with boxes: a folder of images and an annotations.json in COCO's form.
 * Source: COCO, "Data format", object detection. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../io/file.h"
#include "../io/json.h"
#include "format.h"
#include "image.h"
#include "record.h"
#include "resample.h"

#define ANNOTATIONS "annotations.json"
enum { RGB = 3, BOX = 5, MAX_BOXES = 512, MAX_SPLIT_PATH = 4096 };
#define MIN_LEFT 0.2 /* of a box's area after cropping; less is no object any more */

static const char *const column_names[BOX] = { "class", "x", "y", "w", "h" };

/* A split being read. */
struct coco {
    struct hsgd_context *ctx;
    const char *folder; /* of the images and the annotations */
    int resize, size_h, size_w;
    json_t *all;
    const json_t *images, *annotations, *categories;
    struct hsgd_names *names; /* of the classes, which are fixed in other data */
    json_int_t *category_id;  /* of each entry of the file, in ascending order, */
    int *class_of;            /* and its class */
    int *count, most;         /* boxes of each image; the most of one */
    struct hsgd_data *d;
    int64_t cropped; /* boxes that cropping took away */
};

static int bad(const struct coco *r, const char *what)
{
    return hsgd_fail(r->ctx, EINVAL, "%s/" ANNOTATIONS ": %s", r->folder, what);
}

static int out_of_memory(const struct coco *r) { return hsgd_fail(r->ctx, ENOMEM, "%s: out of memory", r->folder); }

/* --------------------------------------------------------------------- text */

static int open_text(struct coco *r)
{
    char path[MAX_SPLIT_PATH];
    void *text;
    size_t size;
    json_error_t error;
    snprintf(path, sizeof path, "%s/" ANNOTATIONS, r->folder);
    int err = hsgd_file_read(r->ctx, path, INT_MAX, &text, &size);
    if (err) return err;
    r->all = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    free(text);
    if (!r->all)
        return hsgd_fail(r->ctx, EINVAL, "%s:%d: not valid JSON: %s", path, error.line, hsgd_show(error.text).text);
    r->images = json_object_get(r->all, "images");
    r->annotations = json_object_get(r->all, "annotations");
    r->categories = json_object_get(r->all, "categories");
    if (!json_is_array(r->images) || !json_array_size(r->images) || json_array_size(r->images) > INT_MAX)
        return bad(r, "\"images\" is not a list of images");
    if (!json_is_array(r->annotations)) return bad(r, "\"annotations\" is not a list");
    if (!json_is_array(r->categories) || !json_array_size(r->categories) || json_array_size(r->categories) > INT_MAX)
        return bad(r, "\"categories\" is not a list of categories");
    return 0;
}

/* ------------------------------------------------------------------- classes */

static int by_id(const void *a, const void *b)
{
    json_int_t x = json_integer_value(json_object_get(*(json_t *const *)a, "id"));
    json_int_t y = json_integer_value(json_object_get(*(json_t *const *)b, "id"));
    return (x > y) - (x < y);
}

/* The entries of a list by "id", which are integers, each once; to be freed. */
static const json_t **sorted(const struct coco *r, const json_t *list, const char *what)
{
    size_t n = json_array_size(list);
    char sentence[100];
    const json_t **entry = malloc((n + 1) * sizeof *entry);
    if (!entry) out_of_memory(r);
    for (size_t i = 0; entry && i < n; i++) entry[i] = json_array_get(list, i);
    bool good = entry;
    for (size_t i = 0; good && i < n; i++) good = json_is_integer(json_object_get(entry[i], "id"));
    if (good) qsort(entry, n, sizeof *entry, by_id);
    for (size_t i = 1; good && i < n; i++) good = by_id(&entry[i - 1], &entry[i]) < 0;
    if (good || !entry) return entry;
    snprintf(sentence, sizeof sentence, "each of the %s needs an integer \"id\" of its own", what);
    bad(r, sentence);
    free(entry);
    return NULL;
}

static int class_named(const struct hsgd_names *names, const char *name)
{
    for (int i = 0; names && i < names->count; i++)
        if (!strcmp(names->name[i], name)) return i;
    return -1;
}

/* Classes in the order of the ids; those of the training data where it is known. */
static int read_categories(struct coco *r)
{
    int n = (int)json_array_size(r->categories), err = 0;
    const json_t **entry = sorted(r, r->categories, "categories");
    const char **name = calloc((size_t)n, sizeof *name);
    r->category_id = calloc((size_t)n, sizeof *r->category_id);
    r->class_of = calloc((size_t)n, sizeof *r->class_of);
    if (!entry) err = -EINVAL;
    else if (!name || !r->category_id || !r->class_of) err = out_of_memory(r);
    for (int i = 0; !err && i < n; i++) {
        name[i] = json_string_value(json_object_get(entry[i], "name"));
        r->category_id[i] = json_integer_value(json_object_get(entry[i], "id"));
        if (!name[i]) err = bad(r, "a category has no \"name\"");
    }
    if (!err && !r->names && !(r->names = hsgd_names_copy(name, n))) err = out_of_memory(r);
    for (int i = 0; !err && i < n; i++) r->class_of[i] = class_named(r->names, name[i]);
    free(name);
    free(entry);
    return err;
}

/* Index of an id in ascending ids; -1: it is not there. */
static int find_id(const json_int_t *id, int n, json_int_t wanted)
{
    int low = 0, high = n;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (id[middle] < wanted) low = middle + 1;
        else high = middle;
    }
    return low < n && id[low] == wanted ? low : -1;
}

/* -------------------------------------------------------------------- images */

/* Where an image was resized and cropped to. */
struct crop {
    double scale, left, top;
    int h, w; /* of the result */
};

static int check_name(const struct coco *r, const char *name)
{
    bool climbs = name && (*name == '/' || strstr(name, ".."));
    if (name && *name && !climbs) return 0;
    return bad(r, climbs ? "a \"file_name\" leads out of the folder" : "an image has no \"file_name\"");
}

/* The values of an image, RGB, as large as the others. */
static int decode(struct coco *r, const char *path, const void *bytes, size_t size, int64_t i, struct crop *crop)
{
    struct image p;
    int err = image_read_header(r->ctx, path, bytes, size, &p);
    if (err) return err;
    int h = r->resize ? r->resize : p.h, w = r->resize ? r->resize : p.w;
    if (!r->size_h) r->size_h = h, r->size_w = w;
    if (h != r->size_h || w != r->size_w)
        return hsgd_fail(r->ctx, EINVAL, "%s: is %d x %d pixels, others are %d x %d; --resize makes them equal", path,
                         p.h, p.w, r->size_h, r->size_w);
    size_t values = (size_t)h * (size_t)w * RGB;
    if (!r->d->x.owned) field_own(&r->d->x, calloc((size_t)r->d->count, values), true);
    uint8_t *rgb = malloc((size_t)p.h * (size_t)p.w * RGB), *to = r->d->x.owned;
    if (!rgb || !to) err = out_of_memory(r);
    if (!err) err = image_decode(r->ctx, path, bytes, size, &p, rgb);
    if (!err && p.h == h && p.w == w) memcpy(to + (size_t)i * values, rgb, values);
    else if (!err && resample_centre(rgb, p.h, p.w, RGB, to + (size_t)i * values, r->resize)) err = out_of_memory(r);
    free(rgb);
    crop->scale = r->resize ? (double)r->resize / (p.h < p.w ? p.h : p.w) : 1;
    crop->left = (p.w * crop->scale - w) / 2;
    crop->top = (p.h * crop->scale - h) / 2;
    crop->h = h, crop->w = w;
    return err;
}

static int read_image(struct coco *r, const json_t *image, int64_t i, struct crop *crop)
{
    char path[MAX_SPLIT_PATH];
    const char *name = json_string_value(json_object_get(image, "file_name"));
    void *bytes;
    size_t size;
    int err = check_name(r, name);
    if (err) return err;
    snprintf(path, sizeof path, "%s/%s", r->folder, name);
    if (access(path, F_OK)) snprintf(path, sizeof path, "%s/images/%s", r->folder, name);
    err = hsgd_file_read(r->ctx, path, INT_MAX, &bytes, &size);
    if (err) return err;
    err = decode(r, path, bytes, size, i, crop);
    free(bytes);
    return err;
}

static int read_images(struct coco *r, const json_t **image, struct crop *crop)
{
    int err = 0;
    for (int64_t i = 0; !err && i < r->d->count; i++) err = read_image(r, image[i], i, &crop[i]);
    r->d->x.type = hsgd_image(r->size_h, r->size_w, RGB);
    return err;
}

/* --------------------------------------------------------------------- boxes */

static bool read_corner(const json_t *annotation, double v[4])
{
    const json_t *box = json_object_get(annotation, "bbox");
    bool good = json_array_size(box) == 4;
    for (size_t k = 0; k < 4; k++) {
        v[k] = json_number_value(json_array_get(box, k));
        good = good && json_is_number(json_array_get(box, k)) && fabs(v[k]) < 1e9;
    }
    return good && v[2] > 0 && v[3] > 0;
}

/* Cuts [at, at + size) to [0, side); both become fractions of it, `at` that of the centre. */
static void cut(double *at, double *size, int side)
{
    double low = *at < 0 ? 0 : *at, high = *at + *size > side ? side : *at + *size;
    *size = high > low ? (high - low) / side : 0;
    *at = (low + high) / 2 / side;
}

/* false: cropping has left too little. */
static bool place(const struct crop *c, double v[4])
{
    for (int k = 0; k < 4; k++) v[k] *= c->scale;
    double area = v[2] * v[3];
    v[0] -= c->left;
    v[1] -= c->top;
    cut(&v[0], &v[2], c->w);
    cut(&v[1], &v[3], c->h);
    return v[2] * c->w * v[3] * c->h >= MIN_LEFT * area && v[2] > 0 && v[3] > 0;
}

/* box NULL: they are counted only. */
static int add_box(struct coco *r, const json_t *annotation, const json_int_t *image_id, const struct crop *crop,
                   float *box)
{
    double v[4];
    char sentence[120];
    json_int_t of = json_integer_value(json_object_get(annotation, "image_id"));
    json_int_t category = json_integer_value(json_object_get(annotation, "category_id"));
    int image = find_id(image_id, (int)r->d->count, of);
    int k = find_id(r->category_id, (int)json_array_size(r->categories), category);
    if (json_is_true(json_object_get(annotation, "iscrowd")) ||
        json_integer_value(json_object_get(annotation, "iscrowd")))
        return 0;
    snprintf(sentence, sizeof sentence, "an annotation has the unknown %s %lld", image < 0 ? "image_id" : "category_id",
             (long long)(image < 0 ? of : category));
    if (image < 0 || k < 0) return bad(r, sentence);
    if (!read_corner(annotation, v)) return bad(r, "a \"bbox\" is not [x, y, width, height] with positive sizes");
    if (r->class_of[k] < 0)
        return hsgd_fail(r->ctx, EINVAL, "%s/" ANNOTATIONS ": category %lld is not among the %d of the training data",
                         r->folder, (long long)category, r->names->count);
    if (!place(&crop[image], v)) {
        r->cropped += !box;
        return 0;
    }
    int at = r->count[image]++;
    if (!box && r->count[image] > r->most) r->most = r->count[image];
    if (!box) return r->most <= MAX_BOXES ? 0 : bad(r, "an image has more than 512 boxes");
    const float row[BOX] = { (float)r->class_of[k], (float)v[0], (float)v[1], (float)v[2], (float)v[3] };
    memcpy(box + ((int64_t)image * r->d->y.type.dim[0] + at) * BOX, row, sizeof row);
    return 0;
}

static int add_boxes(struct coco *r, const json_int_t *image_id, const struct crop *crop, float *box)
{
    int err = 0;
    size_t i;
    json_t *annotation;
    memset(r->count, 0, (size_t)r->d->count * sizeof *r->count);
    json_array_foreach((json_t *)r->annotations, i, annotation) if (!err) err =
        add_box(r, annotation, image_id, crop, box);
    return err;
}

/* `most` rows for each image; 0: as many as one has. */
static int read_boxes(struct coco *r, const json_t **image, const struct crop *crop, int most)
{
    struct hsgd_data *d = r->d;
    json_int_t *id = malloc((size_t)d->count * sizeof *id);
    r->count = calloc((size_t)d->count, sizeof *r->count);
    int err = id && r->count ? 0 : out_of_memory(r);
    for (int64_t i = 0; !err && i < d->count; i++) id[i] = json_integer_value(json_object_get(image[i], "id"));
    if (!err) err = add_boxes(r, id, crop, NULL);
    if (!err && most && r->most > most)
        err = hsgd_fail(r->ctx, EINVAL, "%s: an image has %d boxes, the training data had at most %d", r->folder,
                        r->most, most);
    int rows = most ? most : r->most ? r->most : 1;
    d->y = (struct data_field){ .name = "boxes", .type = { HSGD_F32, 2, { rows, BOX } }, .classes = r->names->count };
    d->y.names = hsgd_names_share(r->names);
    d->y.columns = hsgd_names_copy(column_names, BOX);
    d->fields = 2;
    if (!err && (!field_allocate(&d->y, NULL, d->count) || !d->y.columns)) err = out_of_memory(r);
    float *box = d->y.owned;
    for (int64_t i = 0; !err && i < d->count * rows; i++) box[i * BOX] = -1;
    if (!err) err = add_boxes(r, id, crop, box);
    free(id);
    return err;
}

/* -------------------------------------------------------------------- a split */

static int read_samples(struct coco *r, int most)
{
    int64_t n = (int64_t)json_array_size(r->images);
    const json_t **image = sorted(r, r->images, "images");
    struct crop *crop = calloc((size_t)n, sizeof *crop);
    int err = !image ? -EINVAL : !crop ? out_of_memory(r) : 0;
    r->d->count = n;
    if (!err) err = read_images(r, image, crop);
    if (!err) err = read_boxes(r, image, crop, most);
    free(crop);
    free(image);
    return err;
}

/* names and most: of the training data, NULL and 0 where this is it. */
static int read_split(struct hsgd_context *ctx, const char *folder, int resize, struct hsgd_names *names, int most,
                      struct hsgd_data **out)
{
    struct coco r = { .ctx = ctx, .folder = folder, .resize = resize, .names = hsgd_names_share(names) };
    *out = r.d = hsgd_data_new(ctx, folder);
    int err = r.d ? open_text(&r) : -ENOMEM;
    if (!err) err = read_categories(&r);
    if (!err) err = read_samples(&r, most);
    if (!err && r.cropped)
        hsgd_log(ctx, HSGD_LOG_WARNING,
                 "%s: %lld boxes are left out: less than a fifth of each is in the cropped image", folder,
                 (long long)r.cropped);
    json_decref(r.all);
    hsgd_names_free(r.names);
    free(r.category_id);
    free(r.class_of);
    free(r.count);
    return err;
}

/* ------------------------------------------------------------------- reader */

/* FOLDER/PART with annotations; PART "": FOLDER itself. */
static bool has_part(const char *folder, const char *part, char path[MAX_SPLIT_PATH])
{
    char file[MAX_SPLIT_PATH + 32];
    int n = snprintf(path, MAX_SPLIT_PATH, "%s%s%s", folder, *part ? "/" : "", part);
    snprintf(file, sizeof file, "%s/" ANNOTATIONS, path);
    return n < MAX_SPLIT_PATH / 2 && !access(file, F_OK);
}

static int read_coco(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *o,
                     struct data_splits *out)
{
    char train[MAX_SPLIT_PATH], test[MAX_SPLIT_PATH];
    const struct record_field *known = record_field(o->record, "boxes");
    struct hsgd_names *names = known ? known->names : NULL;
    int most = known && known->type.rank == 2 ? known->type.dim[0] : 0, resize = o->resize;
    if (!resize && o->record && record_shape(o->record).h == record_shape(o->record).w)
        resize = record_shape(o->record).h;
    bool parts = !has_part(path, "", train);
    if (parts && !has_part(path, "train", train))
        return hsgd_fail(ctx, EINVAL, "%s: has neither " ANNOTATIONS " nor train/" ANNOTATIONS, path);
    bool tests = has_part(path, "test", test) || has_part(path, "val", test);
    int err = read_split(ctx, train, resize, names, most, &out->train);
    if (err || !parts || !tests) return err;
    err = read_split(ctx, test, resize, out->train->y.names, out->train->y.type.dim[0], &out->test);
    if (err || type_equal(&out->train->x.type, &out->test->x.type)) return err;
    return hsgd_fail(ctx, EINVAL, "%s: training and test images differ in size; --resize makes them equal", path);
}

static bool is_coco(const struct data_source *source)
{
    char path[MAX_SPLIT_PATH];
    return source->folder && (has_part(source->path, "", path) || has_part(source->path, "train", path));
}

const struct data_format hsgd_format_coco = { "coco", "a folder of images with " ANNOTATIONS, is_coco, read_coco };
