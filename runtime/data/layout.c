/* What the folders of an album mean.  Pictures lie in class folders, at any
 * depth below them; class folders lie in train/ and in one of test/, val/,
 * valid/, validation/, or, without train/, at the top.  A folder that has all
 * the others in it is looked through. */
#include "album.h"

#include <stdlib.h>
#include <string.h>

static const char *const tests[] = { "test", "val", "valid", "validation" };
enum { TESTS = sizeof tests / sizeof *tests };

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct album_entry *)a)->name, ((const struct album_entry *)b)->name);
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool is_picture(const struct album_entry *e) { return !e->folder && album_is_picture(e->name); }

/* Does `path` lie in folder `name` (of n characters)? */
static bool below(const char *path, const char *name, size_t n) { return !strncmp(path, name, n) && path[n] == '/'; }

/* Pictures below folder `name`, of n characters, that begins `from` characters
 * into their names: any, all that there are, one that lies in it directly. */
struct census { bool any, all, direct; };

static struct census take_census(const struct album *a, size_t from, const char *name, size_t n)
{
    struct census c = { .all = true };
    for (int i = 0; i < a->count; i++) {
        const struct album_entry *e = &a->entry[i];
        if (!is_picture(e)) continue;
        bool inside = strlen(e->name) > from && below(e->name + from, name, n);
        c.any |= inside;
        c.all &= inside;
        c.direct |= inside && !strchr(e->name + from + n + 1, '/');
    }
    return c;
}

/* Characters of the folders around everything. */
static size_t find_top(const struct album *a, const struct album_entry *first)
{
    for (size_t top = 0;;) {
        const char *name = first->name + top, *slash = strchr(name, '/');
        size_t n = slash ? (size_t)(slash - name) : 0;
        if (!slash || below(name, "train", 5)) return top;
        struct census c = take_census(a, top, name, n);
        if (!c.all || c.direct) return top;
        top += n + 1;
    }
}

/* The first `top` characters of `around` are the folders around everything;
 * part[i] is the folder of a part, "" when it is these themselves. */
struct layout { const char *around; size_t top; const char *part[2]; };

static struct layout find_layout(const struct album *a, const struct album_entry *first)
{
    struct layout l = { first->name, find_top(a, first), { "", NULL } };
    if (!take_census(a, l.top, "train", 5).any) return l;
    l.part[0] = "train";
    for (int i = 0; i < TESTS && !l.part[1]; i++)
        if (take_census(a, l.top, tests[i], strlen(tests[i])).any) l.part[1] = tests[i];
    return l;
}

/* A name from its class folder on, and its part; NULL: in no part. */
static const char *class_of(const struct layout *l, const struct album_entry *e, int *part)
{
    if (strncmp(e->name, l->around, l->top)) return NULL;
    const char *name = e->name + l->top;
    for (*part = 0; *part < 2 && l->part[*part]; ++*part) {
        size_t n = strlen(l->part[*part]);
        if (!n) return name;
        if (below(name, l->part[*part], n)) return name + n + 1;
    }
    return NULL;
}

/* Characters of the class folder's name; 0: a picture in no class folder, or
 * in no part. */
static size_t class_length(const struct layout *l, const struct album_entry *e, const char **class, int *part)
{
    *class = is_picture(e) ? class_of(l, e, part) : NULL;
    const char *slash = *class ? strchr(*class, '/') : NULL;
    return slash ? (size_t)(slash - *class) : 0;
}

/* -------------------------------------------------------------- class names */

/* Sorts n names and frees those that repeat. */
static int unique(char **name, int n)
{
    int kept = 0;
    qsort(name, (size_t)n, sizeof *name, by_text);
    for (int i = 0; i < n; i++)
        if (kept && !strcmp(name[kept - 1], name[i])) free(name[i]);
        else name[kept++] = name[i];
    return kept;
}

/* Class folders of the training part.  In order of their names most pictures
 * are of the class of the one before. */
static int collect_classes(struct hsgd_context *ctx, struct album *a, const struct layout *l)
{
    int n = 0, part;
    bool whole = true;
    const char *class;
    char **name = malloc((size_t)a->count * sizeof *name);
    for (int i = 0; name && whole && i < a->count; i++) {
        size_t length = class_length(l, &a->entry[i], &class, &part);
        if (!length || part || (n && below(class, name[n - 1], strlen(name[n - 1])))) continue;
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

static int set_labels(struct hsgd_context *ctx, struct album *a, const struct layout *l)
{
    for (int i = 0; i < a->count; i++) {
        struct album_entry *e = &a->entry[i];
        const char *class;
        size_t length = class_length(l, e, &class, &e->part);
        e->label = length ? label_of(a->classes, class, length) : -1;
        if (length && e->label < 0)
            return hsgd_fail(ctx, EINVAL, "%s: class \"%s\" is not among the %d classes to train with",
                             album_name(a, e).text, hsgd_show_bytes(class, length).text, a->classes->count);
        if (length) a->parts[e->part]++;
    }
    return 0;
}

/* ------------------------------------------------------------------- checks */

/* Entries are in order of their names, so what is in a folder follows it,
 * though not at once: "a", "a-b", "a/c". */
static bool has_pictures(const struct album *a, int folder)
{
    const char *name = a->entry[folder].name;
    size_t n = strlen(name);
    for (int i = folder + 1; i < a->count && !strncmp(a->entry[i].name, name, n); i++)
        if (is_picture(&a->entry[i]) && below(a->entry[i].name, name, n)) return true;
    return false;
}

static int check_folders(struct hsgd_context *ctx, const struct album *a, const struct layout *l)
{
    int part;
    for (int i = 0; i < a->count; i++) {
        const struct album_entry *e = &a->entry[i];
        const char *class = e->folder ? class_of(l, e, &part) : NULL;
        if (class && *class && !strchr(class, '/') && !has_pictures(a, i))
            return hsgd_fail(ctx, EINVAL, "%s: the class folder has no PNG or JPEG picture", album_name(a, e).text);
    }
    return 0;
}

static int check_names(struct hsgd_context *ctx, const struct album *a)
{
    for (int i = 1; i < a->count; i++)
        if (!strcmp(a->entry[i].name, a->entry[i - 1].name) && is_picture(&a->entry[i]))
            return hsgd_fail(ctx, EINVAL, "%s: is there twice", album_name(a, &a->entry[i]).text);
    return 0;
}

/* Training pictures first, each part in order of names; others are freed. */
static void keep_pictures(struct album *a, struct album_entry *to)
{
    int at[2] = { 0, a->parts[0] };
    for (int i = 0; i < a->count; i++) {
        struct album_entry *e = &a->entry[i];
        if (e->label >= 0) to[at[e->part]++] = *e;
        else album_forget(e);
    }
    free(a->entry);
    a->entry = to;
    a->count = a->room = a->parts[0] + a->parts[1];
}

int album_sort(struct hsgd_context *ctx, struct album *a)
{
    int first = 0;
    if (a->count) qsort(a->entry, (size_t)a->count, sizeof *a->entry, by_name);
    while (first < a->count && !is_picture(&a->entry[first])) first++;
    if (first == a->count) return hsgd_fail(ctx, EINVAL, "%s: has no PNG or JPEG picture", a->source);
    struct layout l = find_layout(a, &a->entry[first]);
    int err = check_names(ctx, a);
    if (!err) err = check_folders(ctx, a, &l);
    if (!err) err = collect_classes(ctx, a, &l);
    if (!err) err = set_labels(ctx, a, &l);
    if (err) return err;
    if (!a->parts[0])
        return hsgd_fail(ctx, EINVAL, "%s: pictures lie in no class folder; it wants CLASS/*.png or train/CLASS/*.png",
                         a->source);
    struct album_entry *kept = malloc((size_t)(a->parts[0] + a->parts[1]) * sizeof *kept);
    if (!kept) return hsgd_fail(ctx, ENOMEM, "%s: out of memory for %d files", a->source, a->count);
    keep_pictures(a, kept);
    return 0;
}
