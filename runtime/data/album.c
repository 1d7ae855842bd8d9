/* SPDX-License-Identifier: BSD-3-Clause */
#include "album.h"

#include "../io/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "c_locale.h"

int album_begin(struct hsgd_context *ctx, struct album *a, const char *path)
{
    *a = (struct album){ .source = strdup(path), .passed = passed_new() };
    return a->source && a->passed ? 0 : hsgd_fail(ctx, ENOMEM, "%s: out of memory", path);
}

void album_forget(struct album_entry *e)
{
    free(e->name);
    free(e->bytes);
    *e = (struct album_entry){ 0 };
}

void album_free(struct album *a)
{
    for (int i = 0; i < a->count; i++) album_forget(&a->entry[i]);
    free(a->entry);
    free(a->source);
    passed_free(a->passed);
    hsgd_names_free(a->classes);
    *a = (struct album){ 0 };
}

static bool hidden(const char *name)
{
    return name[0] == '.' || strstr(name, "/.") || !strncmp(name, "__MACOSX/", 9);
}

int album_add(struct hsgd_context *ctx, struct album *a, struct album_entry *e)
{
    if (hidden(e->name)) {
        album_forget(e);
        return 0;
    }
    if (a->count == a->room) {
        int room = a->room ? 2 * a->room : 64;
        struct album_entry *bigger = room > a->room ? realloc(a->entry, (size_t)room * sizeof *bigger) : NULL;
        if (!bigger) {
            album_forget(e);
            return hsgd_fail(ctx, ENOMEM, "%s: out of memory for %d files", a->source, a->count);
        }
        a->entry = bigger;
        a->room = room;
    }
    a->entry[a->count++] = *e;
    return 0;
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n > m && !c_strcasecmp(name + n - m, end);
}

bool album_is_picture(const char *name)
{
    return ends_with(name, ".png") || ends_with(name, ".jpg") || ends_with(name, ".jpeg");
}

bool album_is_image(const char *name)
{
    static const char *const others[] = { ".webp", ".bmp", ".gif", ".tif", ".tiff", ".jfif", ".jpe", ".jp2", ".jxl",
                                          ".ppm", ".pgm", ".pbm", ".pnm", ".pam", ".avif", ".heic", ".heif", ".svg",
                                          ".tga", ".ico", ".exr", ".hdr", ".psd", ".dng", ".cr2", ".nef", ".arw" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (ends_with(name, others[i])) return true;
    return album_is_picture(name);
}

int album_pass_over(struct hsgd_context *ctx, struct album *a, const char *name)
{
    bool image = album_is_image(name);
    enum passed_kind kind = album_is_picture(name) ? PASSED_OUTSIDE : image ? PASSED_FORMAT : PASSED_OTHER;
    if (hidden(name) || passed_note(a->passed, kind, name)) return 0;
    return hsgd_fail(ctx, ENOMEM, "%s: out of memory", a->source);
}

bool album_wanted(const char *name)
{
    return album_is_picture(name) || ends_with(name, ".bin") || ends_with(name, ".meta.txt") ||
           ends_with(name, "_label_names.txt");
}

const struct album_entry *album_find(const struct album *a, const char *last)
{
    for (int i = 0; i < a->count; i++) {
        const char *slash = strrchr(a->entry[i].name, '/');
        if (!a->entry[i].folder && !strcmp(slash ? slash + 1 : a->entry[i].name, last)) return &a->entry[i];
    }
    return NULL;
}

struct album_name album_name(const struct album *a, const struct album_entry *e)
{
    struct album_name n;
    snprintf(n.text, sizeof n.text, "%s/%s", a->source, e->name);
    for (char *c = n.text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f) *c = '?'; /* a sentence is one line */
    return n;
}

int album_load(struct hsgd_context *ctx, const struct album *a, const struct album_entry *e, const uint8_t **bytes,
               size_t *size, void **owned)
{
    *owned = NULL;
    *bytes = e->bytes;
    *size = (size_t)e->size;
    if (e->bytes) return 0;
    size_t room = strlen(a->source) + strlen(e->name) + 2;
    char *path = malloc(room);
    if (!path) return hsgd_fail(ctx, ENOMEM, "%s: out of memory", a->source);
    snprintf(path, room, "%s/%s", a->source, e->name);
    int err = hsgd_file_read(ctx, path, INT64_MAX, owned, size);
    if (err) *owned = NULL;
    *bytes = *owned;
    free(path);
    return err;
}
