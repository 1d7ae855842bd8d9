/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "pictures.h"

#include <archive.h>
#include <archive_entry.h>
#include <ftw.h>
#include <png.h>
#include <sys/stat.h>
#include <turbojpeg.h>
#include <unistd.h>

void pictures_begin(void)
{
    char folder[600];
    snprintf(folder, sizeof folder, "%s/pictures-XXXXXX", getenv("STARPU_HOME"));
    REQUIRE(mkdtemp(folder) && !chdir(folder));
    setenv("HSGD_CACHE", "off", 1);
}

struct hsgd_context *pictures_context(void)
{
    struct hsgd_context *ctx = NULL;
    struct hsgd_context_options none = { .size = sizeof none, .devices = "none" };
    REQUIRE(!hsgd_create(&ctx, &none));
    return ctx;
}

/* ----------------------------------------------------------------- pictures */

uint8_t pictures_value(int seed, int y, int x, int k) { return (uint8_t)(seed * 53 + y * 31 + x * 7 + k * 101); }

struct bytes make_png(int h, int w, int c, int seed)
{
    static const png_uint_32 format[] = { 0, PNG_FORMAT_GRAY, PNG_FORMAT_GA, PNG_FORMAT_RGB, PNG_FORMAT_RGBA };
    uint8_t *pixels = malloc((size_t)h * w * c);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            for (int k = 0; k < c; k++) pixels[(y * w + x) * c + k] = pictures_value(seed, y, x, k);
    png_image image = {
        .version = PNG_IMAGE_VERSION, .width = (png_uint_32)w, .height = (png_uint_32)h, .format = format[c]
    };
    png_alloc_size_t n = 0;
    REQUIRE(png_image_write_to_memory(&image, NULL, &n, 0, pixels, 0, NULL));
    struct bytes b = { malloc(n), n };
    REQUIRE(png_image_write_to_memory(&image, b.at, &n, 0, pixels, 0, NULL));
    b.n = n;
    free(pixels);
    return b;
}

struct bytes make_jpeg(int h, int w, int c, const uint8_t *colour)
{
    uint8_t *pixels = malloc((size_t)h * w * c);
    for (int i = 0; i < h * w * c; i++) pixels[i] = colour[i % c];
    unsigned char *out = NULL;
    unsigned long n = 0;
    tjhandle tj = tjInitCompress();
    REQUIRE(!tjCompress2(tj, pixels, w, 0, h, c == 1 ? TJPF_GRAY : TJPF_RGB, &out, &n,
                         c == 1 ? TJSAMP_GRAY : TJSAMP_420, 95, 0));
    struct bytes b = { malloc(n), n };
    memcpy(b.at, out, n);
    tjFree(out);
    tjDestroy(tj);
    free(pixels);
    return b;
}

struct bytes make_cifar(int n, int labels, int classes, int seed)
{
    size_t record = (size_t)labels + 3072;
    struct bytes b = { malloc(n * record), n * record };
    for (int i = 0; i < n; i++) {
        uint8_t *r = b.at + i * record;
        for (int k = 0; k < labels; k++) r[k] = (uint8_t)(i % (k ? 5 * classes : classes));
        for (int p = 0; p < 3072; p++) r[labels + p] = pictures_value(seed + i, p % 1024 / 32, p % 32, p / 1024);
    }
    return b;
}

/* -------------------------------------------------------------------- files */

void put_folder(const char *path)
{
    char *copy = strdup(path);
    for (char *slash = strchr(copy, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(copy, 0777);
        *slash = '/';
    }
    free(copy);
}

void put(const char *path, struct bytes b)
{
    put_folder(path);
    FILE *f = fopen(path, "wb");
    REQUIRE(f);
    CHECK(fwrite(b.at, 1, b.n, f) == b.n);
    CHECK(!fclose(f));
    free(b.at);
}

void put_text(const char *path, const char *text)
{
    put(path, (struct bytes){ (uint8_t *)strdup(text), strlen(text) });
}

struct bytes get(const char *path)
{
    struct stat st;
    FILE *f = fopen(path, "rb");
    REQUIRE(f && !fstat(fileno(f), &st));
    struct bytes b = { malloc((size_t)st.st_size + 1), (size_t)st.st_size };
    CHECK(fread(b.at, 1, b.n, f) == b.n);
    fclose(f);
    return b;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    return remove(path);
}

void remove_tree(const char *path) { nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS); }

/* ----------------------------------------------------------------- archives */

struct archive *tar_begin(const char *path, int filter)
{
    struct archive *a = archive_write_new();
    if (filter == 'P') archive_write_set_format_zip(a);
    else archive_write_set_format_pax_restricted(a);
    if (filter == 'z') archive_write_add_filter_gzip(a);
    if (filter == 'J') archive_write_add_filter_xz(a);
    REQUIRE(archive_write_open_filename(a, path) == ARCHIVE_OK);
    return a;
}

void tar_add(struct archive *a, const char *name, struct bytes b, const char *link)
{
    struct archive_entry *e = archive_entry_new();
    bool folder = name[strlen(name) - 1] == '/';
    archive_entry_set_pathname(e, name);
    archive_entry_set_filetype(e, folder ? AE_IFDIR : link ? AE_IFLNK : AE_IFREG);
    archive_entry_set_perm(e, 0755);
    archive_entry_set_size(e, (la_int64_t)b.n);
    if (link) archive_entry_set_symlink(e, link);
    CHECK(archive_write_header(a, e) >= ARCHIVE_WARN); /* names that are not ASCII make it warn */
    if (b.n) CHECK(archive_write_data(a, b.at, b.n) == (la_ssize_t)b.n);
    archive_entry_free(e);
    free(b.at);
}

void tar_end(struct archive *a) { CHECK(archive_write_free(a) == ARCHIVE_OK); }

/* ------------------------------------------------------------------ samples */

int sample(const struct hsgd_data *d, int i, uint8_t *pixels)
{
    struct hsgd_shape s = hsgd_data_shape(d);
    int n = s.h * s.w * s.c;
    float *x = malloc((size_t)n * sizeof *x);
    int32_t label;
    int64_t index = i;
    hsgd_data_gather(d, &index, 1, NULL, x, &label);
    for (int k = 0; k < n; k++) pixels[k] = (uint8_t)(x[k] * 255 + 0.5f);
    free(x);
    return label;
}

bool same_data(const struct hsgd_data *a, const struct hsgd_data *b)
{
    struct hsgd_shape s = hsgd_data_shape(a), t = hsgd_data_shape(b);
    bool same = hsgd_data_count(a) == hsgd_data_count(b) && s.h == t.h && s.w == t.w && s.c == t.c &&
                hsgd_data_classes(a) == hsgd_data_classes(b);
    uint8_t *pixels = malloc(2 * (size_t)s.h * s.w * s.c), *other = pixels + s.h * s.w * s.c;
    for (int i = 0; same && i < hsgd_data_count(a); i++) {
        same = sample(a, i, pixels) == sample(b, i, other);
        same = same && !memcmp(pixels, other, (size_t)s.h * s.w * s.c);
    }
    for (int i = 0; same && i < hsgd_data_classes(a); i++) {
        char *name = strdup(hsgd_data_class_name(a, i));
        same = !strcmp(name, hsgd_data_class_name(b, i));
        free(name);
    }
    free(pixels);
    return same;
}
