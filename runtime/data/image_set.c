/* SPDX-License-Identifier: BSD-3-Clause */
#include "image_set.h"

#include "../io/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/c_locale.h"

int image_set_begin(struct hsgd_context *ctx, struct image_set *a, const char *path)
{
    *a = (struct image_set){ .source = strdup(path), .passed = passed_new() };
    return a->source && a->passed ? 0 : hsgd_fail(ctx, ENOMEM, "%s: out of memory", path);
}

void image_entry_free(struct image_entry *e)
{
    free(e->name);
    free(e->bytes);
    *e = (struct image_entry){ 0 };
}

void image_set_free(struct image_set *a)
{
    for (int i = 0; i < a->count; i++) image_entry_free(&a->entry[i]);
    free(a->entry);
    free(a->source);
    passed_free(a->passed);
    hsgd_names_free(a->classes);
    *a = (struct image_set){ 0 };
}

static bool hidden(const char *name) { return name[0] == '.' || strstr(name, "/.") || !strncmp(name, "__MACOSX/", 9); }

int image_set_add(struct hsgd_context *ctx, struct image_set *a, struct image_entry *e)
{
    if (hidden(e->name)) {
        image_entry_free(e);
        return 0;
    }
    if (a->count == a->capacity) {
        int capacity = a->capacity ? 2 * a->capacity : 64;
        struct image_entry *bigger =
            capacity > a->capacity ? realloc(a->entry, (size_t)capacity * sizeof *bigger) : NULL;
        if (!bigger) {
            image_entry_free(e);
            return hsgd_fail(ctx, ENOMEM, "%s: out of memory for %d files", a->source, a->count);
        }
        a->entry = bigger;
        a->capacity = capacity;
    }
    a->entry[a->count++] = *e;
    return 0;
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n > m && !c_strcasecmp(name + n - m, end);
}

bool image_is_supported(const char *name)
{
    return ends_with(name, ".png") || ends_with(name, ".jpg") || ends_with(name, ".jpeg");
}

bool image_is_name(const char *name)
{
    static const char *const others[] = { ".webp", ".bmp", ".gif", ".tif", ".tiff", ".jfif", ".jpe",  ".jp2",  ".jxl",
                                          ".ppm",  ".pgm", ".pbm", ".pnm", ".pam",  ".avif", ".heic", ".heif", ".svg",
                                          ".tga",  ".ico", ".exr", ".hdr", ".psd",  ".dng",  ".cr2",  ".nef",  ".arw" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (ends_with(name, others[i])) return true;
    return image_is_supported(name);
}

int image_set_pass_over(struct hsgd_context *ctx, struct image_set *a, const char *name)
{
    bool image = image_is_name(name);
    enum passed_kind kind = image_is_supported(name) ? PASSED_OUTSIDE : image ? PASSED_FORMAT : PASSED_OTHER;
    if (hidden(name) || passed_note(a->passed, kind, name)) return 0;
    return hsgd_fail(ctx, ENOMEM, "%s: out of memory", a->source);
}

bool image_set_wants(const char *name)
{
    return image_is_supported(name) || ends_with(name, ".bin") || ends_with(name, ".meta.txt") ||
           ends_with(name, "_label_names.txt");
}

const struct image_entry *image_set_find(const struct image_set *a, const char *last)
{
    for (int i = 0; i < a->count; i++) {
        const char *slash = strrchr(a->entry[i].name, '/');
        if (!a->entry[i].folder && !strcmp(slash ? slash + 1 : a->entry[i].name, last)) return &a->entry[i];
    }
    return NULL;
}

struct image_set_name image_set_name(const struct image_set *a, const struct image_entry *e)
{
    struct image_set_name n;
    snprintf(n.text, sizeof n.text, "%s/%s", a->source, e->name);
    for (char *c = n.text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f) *c = '?'; /* a message is one line */
    return n;
}

int image_set_load(struct hsgd_context *ctx, const struct image_set *a, const struct image_entry *e,
                   const uint8_t **bytes, size_t *size, void **owned)
{
    *owned = NULL;
    *bytes = e->bytes;
    *size = (size_t)e->size;
    if (e->bytes) return 0;
    size_t capacity = strlen(a->source) + strlen(e->name) + 2;
    char *path = malloc(capacity);
    if (!path) return hsgd_fail(ctx, ENOMEM, "%s: out of memory", a->source);
    snprintf(path, capacity, "%s/%s", a->source, e->name);
    int err = hsgd_file_read(ctx, path, INT64_MAX, owned, size);
    if (err) *owned = NULL;
    *bytes = *owned;
    free(path);
    return err;
}
