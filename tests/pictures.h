/* SPDX-License-Identifier: BSD-3-Clause */
/* Makers of picture files, folders and archives for tests. */
#ifndef HSGD_TESTS_PICTURES_H
#define HSGD_TESTS_PICTURES_H

#include "core.h"

/* Goes to an empty folder of its own; there is no cache. */
void pictures_begin(void);

/* A context that only holds the error. */
struct hsgd_context *pictures_context(void);

/* A file in memory. */
struct bytes {
    uint8_t *at;
    size_t n;
};

/* Number k of pixel (y, x) of picture `seed`. */
uint8_t pictures_value(int seed, int y, int x, int k);
/* h x w x c such numbers as PNG; c 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA. */
struct bytes make_png(int h, int w, int c, int seed);
/* One colour throughout; c 1 or 3. */
struct bytes make_jpeg(int h, int w, int c, const uint8_t *colour);
/* n records of CIFAR: `labels` bytes of label, then pixels; record i has label i % classes and seed + i. */
struct bytes make_cifar(int n, int labels, int classes, int seed);

/* Writes a file, and the folders it lies in; frees the bytes. */
void put(const char *path, struct bytes b);
void put_text(const char *path, const char *text);
void put_folder(const char *path);
struct bytes get(const char *path);
void remove_tree(const char *path);

/* A tar archive: filter 0, 'z' gzip or 'J' xz; or 'P', a zip archive; a name that ends in / is a
 * folder, target not NULL a link. */
struct archive *tar_begin(const char *path, int filter);
void tar_add(struct archive *a, const char *name, struct bytes b, const char *link);
void tar_end(struct archive *a);

/* Sample i as it is kept: pixels as bytes; returns the label. */
int sample(const struct hsgd_data *d, int i, uint8_t *pixels);
bool same_data(const struct hsgd_data *a, const struct hsgd_data *b);

#endif
