/* SPDX-License-Identifier: BSD-3-Clause */
/* Images whose targets are images: two folders, paired by the names of the files
 * without what says their format. */
#include "image_set.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "record.h"

/* ----------------------------------------------------------------- matching */

/* The length of a name without ".png" and the like. */
static int stem_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    return (int)(dot ? dot - name : (long)strlen(name));
}

static int compare_stems(const char *a, const char *b)
{
    int n = stem_of(a), m = stem_of(b), order = strncmp(a, b, (size_t)(n < m ? n : m));
    return order ? order : n - m;
}

static int by_stem(const void *a, const void *b)
{
    return compare_stems(((const struct image_entry *)a)->name, ((const struct image_entry *)b)->name);
}

/* Two images of one name would both be the target of a sample. */
static int check_stems(struct hsgd_context *ctx, const struct image_set *t)
{
    for (int i = 1; i < t->count; i++)
        if (!compare_stems(t->entry[i - 1].name, t->entry[i].name))
            return hsgd_fail(ctx, EINVAL, "%s: \"%s\" and \"%s\" have the same name but for the format", t->source,
                             hsgd_show(t->entry[i - 1].name).text, hsgd_show(t->entry[i].name).text);
    return 0;
}

/* Keeps images only, sorted by stem. */
static int sort_targets(struct hsgd_context *ctx, struct image_set *t)
{
    int kept = 0;
    for (int i = 0; i < t->count; i++)
        if (!t->entry[i].folder && image_is_supported(t->entry[i].name)) t->entry[kept++] = t->entry[i];
        else image_entry_free(&t->entry[i]);
    t->count = kept;
    if (kept) qsort(t->entry, (size_t)kept, sizeof *t->entry, by_stem);
    return check_stems(ctx, t);
}

/* Gives t the entries that belong to those of a, in their order. */
static int match(struct hsgd_context *ctx, const struct image_set *a, struct image_set *t)
{
    struct image_entry *entry = calloc((size_t)a->count, sizeof *entry);
    int err = entry ? 0 : hsgd_fail(ctx, ENOMEM, "%s: out of memory for %d files", t->source, a->count), done = 0;
    for (; !err && done < a->count; done++) {
        struct image_entry *found =
            t->count ? bsearch(&a->entry[done], t->entry, (size_t)t->count, sizeof *found, by_stem) : NULL;
        if (!found || !(entry[done].name = strdup(found->name))) {
            err = found ? hsgd_fail(ctx, ENOMEM, "%s: out of memory", t->source)
                        : hsgd_fail(ctx, EINVAL, "%s: no target for \"%s\": an image of that name, in any format",
                                    t->source, hsgd_show(a->entry[done].name).text);
            break;
        }
        entry[done].size = found->size;
        entry[done].changed = found->changed;
        entry[done].split = a->entry[done].split;
    }
    for (int i = 0; err && i < done; i++) image_entry_free(&entry[i]);
    if (err) return free(entry), err;
    for (int i = 0; i < t->count; i++) image_entry_free(&t->entry[i]);
    free(t->entry);
    t->entry = entry;
    t->count = t->capacity = a->count;
    memcpy(t->splits, a->splits, sizeof t->splits);
    t->classes = hsgd_names_share(a->classes);
    return 0;
}

/* ------------------------------------------------------------------ reading */

/* The images of `targets` become the field "target" of d. */
static void join(struct hsgd_data *d, struct hsgd_data *targets)
{
    if (!d) return;
    field_free(&d->y);
    d->y = targets->x;
    hsgd_data_set_targets(d, targets->x.type);
    targets->x = (struct data_field){ 0 };
}

static int read_sets(struct hsgd_context *ctx, struct image_set *a, struct image_set *t,
                     const struct hsgd_data_options *options, struct data_splits *out)
{
    struct data_splits targets = { 0 };
    int err = image_set_sort_splits(ctx, a);
    if (!err) err = sort_targets(ctx, t);
    if (!err) err = match(ctx, a, t);
    if (!err) err = image_set_decode_cached(ctx, a, options, true, out);
    if (!err) err = image_set_decode_cached(ctx, t, options, true, &targets);
    if (!err) {
        join(out->train, targets.train);
        join(out->test, targets.test);
    }
    hsgd_data_destroy(&targets.train);
    hsgd_data_destroy(&targets.test);
    return err;
}

static int check_folder(struct hsgd_context *ctx, const char *path)
{
    struct stat st;
    if (stat(path, &st)) return hsgd_fail(ctx, errno, "--target \"%s\": %s", path, strerror(errno));
    return S_ISDIR(st.st_mode) ? 0 : hsgd_fail(ctx, EINVAL, "--target \"%s\": is not a folder of target images", path);
}

int image_pairs_read(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *options,
                     struct data_splits *out)
{
    struct image_set a = { 0 }, t = { 0 };
    const char *target = options->target;
    if (!target)
        return hsgd_fail(ctx, EINVAL, "%s: the training data had target images; --target names their folder", path);
    if (options->keep_going) return hsgd_fail(ctx, EINVAL, "%s: --keep-going and --target exclude each other", path);
    int err = check_folder(ctx, target);
    if (!err) err = image_set_folder(ctx, &a, path);
    if (!err) err = image_set_folder(ctx, &t, target);
    if (!err) err = read_sets(ctx, &a, &t, options, out);
    image_set_free(&a);
    image_set_free(&t);
    return err;
}
