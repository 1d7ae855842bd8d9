/* SPDX-License-Identifier: BSD-3-Clause */
/* How the folders of a set determine splits and classes.  Images are in class
 * folders, at any depth below them; class folders are in a folder for training
 * and one for tests or, without these, at the top.  A folder that contains
 * everything is skipped. */
#include "image_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/c_locale.h"

/* Folder names of the splits, in any letter case; the first that exists is used. */
enum { SPLIT_NAMES = 10 };
static const char *const split_name[2][SPLIT_NAMES] = {
    { "train", "training", "training_set", "train_set", "seg_train" },
    { "test", "testing", "test_set", "seg_test", "val", "valid", "validation", "validation_set", "val_set", "seg_val" },
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct image_entry *)a)->name, ((const struct image_entry *)b)->name);
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool is_image(const struct image_entry *e) { return !e->folder && image_is_supported(e->name); }

/* Is `path` in folder `name` (of n characters), at any depth? */
static bool below(const char *path, const char *name, size_t n) { return !strncmp(path, name, n) && path[n] == '/'; }

/* Images below folder `name`, of n characters, which begins `from` characters
 * into their names.  any: there are some; all: all images are there; direct: some
 * are in the folder itself; nested: some are in folders below it. */
struct census {
    bool any, all, direct, nested;
};

static struct census take_census(const struct image_set *a, size_t from, const char *name, size_t n)
{
    struct census c = { .all = true };
    for (int i = 0; i < a->count; i++) {
        const struct image_entry *e = &a->entry[i];
        if (!is_image(e)) continue;
        bool inside = strlen(e->name) > from && below(e->name + from, name, n);
        c.any |= inside;
        c.all &= inside;
        if (!inside) continue;
        bool nested = strchr(e->name + from + n + 1, '/');
        c.direct |= !nested;
        c.nested |= nested;
    }
    return c;
}

/* Is `name`, of n characters, one of the names of a split? */
static bool is_split_name(const char *name, size_t n, int split)
{
    for (int i = 0; i < SPLIT_NAMES && split_name[split][i]; i++)
        if (strlen(split_name[split][i]) == n && !c_strncasecmp(split_name[split][i], name, n)) return true;
    return false;
}

/* The length of the path that contains all images. */
static size_t find_top(const struct image_set *a, const struct image_entry *first)
{
    for (size_t top = 0;;) {
        const char *name = first->name + top, *slash = strchr(name, '/');
        size_t n = slash ? (size_t)(slash - name) : 0;
        if (!slash || is_split_name(name, n, 0)) return top;
        struct census c = take_census(a, top, name, n);
        if (!c.all || c.direct) return top;
        top += n + 1;
    }
}

/* The first `top` characters of `around` are the path that contains all images;
 * split[i] is the folder of a split below it, of length[i] characters: "" for that
 * path itself, NULL when there is no such split. */
struct layout {
    const char *around;
    size_t top;
    const char *split[2];
    size_t length[2];
};

/* The first folder at the top with images and this name, in any letter case;
 * *second is another one. */
static const char *find_folder(const struct image_set *a, size_t top, const char *name, const char **second)
{
    size_t n = strlen(name);
    const char *first = *second = NULL;
    for (int i = 0; i < a->count && !*second; i++) {
        const char *e = a->entry[i].name + top;
        if (!is_image(&a->entry[i]) || strlen(a->entry[i].name) <= top) continue;
        if (c_strncasecmp(e, name, n) || e[n] != '/') continue;
        if (!first) first = e;
        else if (strncmp(e, first, n)) *second = e;
    }
    return first;
}

/* Sets split[i] to the folder with the first of its names. */
static int find_split(struct hsgd_context *ctx, const struct image_set *a, struct layout *l, int split)
{
    const char *second = NULL;
    for (int i = 0; i < SPLIT_NAMES && split_name[split][i] && !l->split[split]; i++) {
        l->length[split] = strlen(split_name[split][i]);
        l->split[split] = find_folder(a, l->top, split_name[split][i], &second);
    }
    if (!second) return 0;
    int n = (int)l->length[split];
    return hsgd_fail(ctx, EINVAL, "%s: both \"%.*s\" and \"%.*s\" look like the %s split", a->source, n,
                     l->split[split], n, second, split ? "test" : "training");
}

/* Archives of Kaggle have seg_train/seg_train/CLASS. */
static void skip_repeated(const struct image_set *a, struct layout *l, int split)
{
    size_t n = l->length[split];
    const char *inner = l->split[split] ? l->split[split] + n + 1 : NULL;
    if (!inner || c_strncasecmp(inner, l->split[split], n) || inner[n] != '/') return;
    for (int i = 0; i < a->count; i++) {
        const char *e = a->entry[i].name + l->top;
        if (is_image(&a->entry[i]) && strlen(a->entry[i].name) > l->top && below(e, l->split[split], n) &&
            !below(e, l->split[split], 2 * n + 1))
            return;
    }
    l->length[split] = 2 * n + 1;
}

/* "train" with images and no folders in it is a class, unless there is a test
 * folder beside it. */
static int find_layout(struct hsgd_context *ctx, const struct image_set *a, const struct image_entry *first,
                       struct layout *l)
{
    *l = (struct layout){ .around = first->name, .top = find_top(a, first) };
    int err = find_split(ctx, a, l, 0);
    if (!err) err = find_split(ctx, a, l, 1);
    if (err) return err;
    struct census c = { 0 };
    if (l->split[0]) c = take_census(a, l->top, l->split[0], l->length[0]);
    if (c.nested || (c.any && l->split[1])) {
        for (int i = 0; i < 2; i++) skip_repeated(a, l, i);
        return 0;
    }
    l->split[0] = "";
    l->split[1] = NULL;
    l->length[0] = 0;
    return 0;
}

/* An entry's path from its class folder on, and its split; NULL: in no split. */
static const char *class_of(const struct layout *l, const struct image_entry *e, int *split)
{
    if (strncmp(e->name, l->around, l->top)) return NULL;
    const char *name = e->name + l->top;
    for (*split = 0; *split < 2 && l->split[*split]; ++*split) {
        size_t n = l->length[*split];
        if (!n) return name;
        if (below(name, l->split[*split], n)) return name + n + 1;
    }
    return NULL;
}

/* The length of the class folder's name; 0: the entry is not an image, or in no
 * class folder or split. */
static size_t class_length(const struct layout *l, const struct image_entry *e, const char **class, int *split)
{
    *class = is_image(e) ? class_of(l, e, split) : NULL;
    const char *slash = *class ? strchr(*class, '/') : NULL;
    return slash ? (size_t)(slash - *class) : 0;
}

/* -------------------------------------------------------------- class names */

/* Sorts n names and removes duplicates. */
static int unique(char **name, int n)
{
    int kept = 0;
    qsort(name, (size_t)n, sizeof *name, by_text);
    for (int i = 0; i < n; i++)
        if (kept && !strcmp(name[kept - 1], name[i])) free(name[i]);
        else name[kept++] = name[i];
    return kept;
}

/* Class folders of the training split.  Sorted by name, most images have the class
 * of the one before. */
static int collect_classes(struct hsgd_context *ctx, struct image_set *a, const struct layout *l)
{
    int n = 0, split;
    bool whole = true;
    const char *class;
    char **name = malloc((size_t)a->count * sizeof *name);
    for (int i = 0; name && whole && i < a->count; i++) {
        size_t length = class_length(l, &a->entry[i], &class, &split);
        if (!length || split || (n && below(class, name[n - 1], strlen(name[n - 1])))) continue;
        name[n] = strndup(class, length);
        whole = name[n] != NULL;
        n += whole;
    }
    if (name) n = unique(name, n);
    a->classes = name ? hsgd_names_new(name, n) : NULL;
    if (a->classes && whole) return 0;
    return hsgd_fail(ctx, ENOMEM, "%s: out of memory for its class names", a->source);
}

static int label_of(const struct hsgd_names *names, const char *class, size_t length)
{
    for (int low = 0, high = names->count; low < high;) {
        int middle = (low + high) / 2, order = strncmp(class, names->name[middle], length);
        if (!order && names->name[middle][length]) order = -1;
        if (!order) return middle;
        if (order < 0) high = middle;
        else low = middle + 1;
    }
    return -1;
}

static int set_labels(struct hsgd_context *ctx, struct image_set *a, const struct layout *l)
{
    for (int i = 0; i < a->count; i++) {
        struct image_entry *e = &a->entry[i];
        const char *class;
        size_t length = class_length(l, e, &class, &e->split);
        e->label = length ? label_of(a->classes, class, length) : -1;
        if (length && e->label < 0)
            return hsgd_fail(ctx, EINVAL, "%s: class \"%s\" is not one of the %d training classes",
                             image_set_name(a, e).text, hsgd_show_bytes(class, length).text, a->classes->count);
        if (length) a->splits[e->split]++;
    }
    return 0;
}

/* ------------------------------------------------------------------- checks */

/* Entries are sorted by name, so the content of a folder follows it, but not
 * immediately: "a", "a-b", "a/c". */
static bool has_images(const struct image_set *a, int folder)
{
    const char *name = a->entry[folder].name;
    size_t n = strlen(name);
    for (int i = folder + 1; i < a->count && !strncmp(a->entry[i].name, name, n); i++)
        if (is_image(&a->entry[i]) && below(a->entry[i].name, name, n)) return true;
    return false;
}

/* Files that were passed over may be the reason. */
static int no_image(struct hsgd_context *ctx, const struct image_set *a, const char *name, const char *what)
{
    char others[400];
    int n = a->passed->count[PASSED_FORMAT] ? passed_text(a->passed, others, sizeof others) : 0;
    return hsgd_fail(ctx, EINVAL, "%s: %s%s%s", name, what, n ? "; " : "", n ? others : "");
}

static int check_folders(struct hsgd_context *ctx, const struct image_set *a, const struct layout *l)
{
    int split;
    for (int i = 0; i < a->count; i++) {
        const struct image_entry *e = &a->entry[i];
        const char *class = e->folder ? class_of(l, e, &split) : NULL;
        if (class && *class && !strchr(class, '/') && !has_images(a, i))
            return no_image(ctx, a, image_set_name(a, e).text, "the class folder has no PNG or JPEG image");
    }
    return 0;
}

static int check_names(struct hsgd_context *ctx, const struct image_set *a)
{
    for (int i = 1; i < a->count; i++)
        if (!strcmp(a->entry[i].name, a->entry[i - 1].name) && is_image(&a->entry[i]))
            return hsgd_fail(ctx, EINVAL, "%s: appears twice", image_set_name(a, &a->entry[i]).text);
    return 0;
}

/* Training images first, each split sorted by name; other entries are freed. */
static int keep_images(struct hsgd_context *ctx, struct image_set *a, struct image_entry *to)
{
    int at[2] = { 0, a->splits[0] }, err = 0;
    for (int i = 0; i < a->count; i++) {
        struct image_entry *e = &a->entry[i];
        if (e->label < 0 && !e->folder && !err) err = image_set_pass_over(ctx, a, e->name);
        if (e->label >= 0) to[at[e->split]++] = *e;
        else image_entry_free(e);
    }
    free(a->entry);
    a->entry = to;
    a->count = a->capacity = a->splits[0] + a->splits[1];
    return err;
}

static int keep_sorted(struct hsgd_context *ctx, struct image_set *a)
{
    struct image_entry *kept = malloc((size_t)(a->splits[0] + a->splits[1]) * sizeof *kept);
    if (!kept) return hsgd_fail(ctx, ENOMEM, "%s: out of memory for %d files", a->source, a->count);
    return keep_images(ctx, a, kept);
}

/* Sorts by name; *first is the first image. */
static int sort_names(struct hsgd_context *ctx, struct image_set *a, const struct image_entry **first)
{
    int i = 0;
    if (a->count) qsort(a->entry, (size_t)a->count, sizeof *a->entry, by_name);
    while (i < a->count && !is_image(&a->entry[i])) i++;
    if (i == a->count) return no_image(ctx, a, a->source, "has no PNG or JPEG image");
    *first = &a->entry[i];
    return check_names(ctx, a);
}

int image_set_sort(struct hsgd_context *ctx, struct image_set *a)
{
    const struct image_entry *first;
    struct layout l;
    int err = sort_names(ctx, a, &first);
    if (!err) err = find_layout(ctx, a, first, &l);
    if (!err) err = check_folders(ctx, a, &l);
    if (!err) err = collect_classes(ctx, a, &l);
    if (!err) err = set_labels(ctx, a, &l);
    if (err) return err;
    if (!a->splits[0])
        return hsgd_fail(ctx, EINVAL,
                         "%s: images are not in class folders; expected are CLASS/*.png or train/CLASS/*.png",
                         a->source);
    return keep_sorted(ctx, a);
}

int image_set_sort_splits(struct hsgd_context *ctx, struct image_set *a)
{
    static const char *const only[] = { "images" };
    const struct image_entry *first;
    const char *rest;
    int err = sort_names(ctx, a, &first);
    struct layout l = { .around = err ? NULL : first->name, .top = err ? 0 : find_top(a, first) };
    if (!err) err = find_split(ctx, a, &l, 0);
    if (!err && l.split[0]) err = find_split(ctx, a, &l, 1);
    if (err) return err;
    if (!l.split[0]) l.split[0] = "", l.length[0] = 0;
    a->classes = hsgd_names_copy(only, 1);
    for (int i = 0; i < a->count; i++) {
        struct image_entry *e = &a->entry[i];
        rest = is_image(e) ? class_of(&l, e, &e->split) : NULL;
        e->label = rest ? 0 : -1;
        if (rest) a->splits[e->split]++;
    }
    return a->classes ? keep_sorted(ctx, a) : hsgd_fail(ctx, ENOMEM, "%s: out of memory", a->source);
}
