/* SPDX-License-Identifier: BSD-3-Clause */
/* Makers of compressed files and NumPy arrays for tests. */
#ifndef HSGD_TESTS_FILES_H
#define HSGD_TESTS_FILES_H

#include "pictures.h"

/* A copy of bytes that are freed elsewhere, or of a text. */
struct bytes bytes_of(const void *from, size_t n);
struct bytes text_of(const char *text);
/* n times the byte. */
struct bytes many(int byte, size_t n);
/* a and then b; both are freed. */
struct bytes joined(struct bytes a, struct bytes b);
/* Only the first n bytes. */
struct bytes cut(struct bytes b, size_t n);
/* With byte i changed. */
struct bytes changed(struct bytes b, size_t i);

/* 'z' gzip, 'J' xz; frees b. */
struct bytes packed(struct bytes b, int filter);
/* xz with a dictionary of so many bytes. */
struct bytes packed_xz(struct bytes b, uint32_t dictionary);

/* An array with this header text, version 1.0; frees data. */
struct bytes npy_with(const char *header, struct bytes data);
/* An array of type "<f4" and the like and shape "(2, 3)". */
struct bytes npy(const char *type, const char *shape, struct bytes data);

/* A zip archive; members by tar_add(), end by tar_end(). */
struct archive *zip_begin(const char *path, bool deflate);

/* A data set of both parts; the test part is NULL where there is none. */
struct set {
    struct hsgd_data *train, *test;
};
struct set read_set(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *options);
void close_set(struct set *s);

void expect_shape(const struct hsgd_data *d, int64_t count, int h, int w, int c);
/* Names separated by spaces. */
void expect_classes(const struct hsgd_data *d, const char *names);
/* Label and raw numbers of sample i. */
void expect_sample(const struct hsgd_data *d, int64_t i, int label, const float *want);
#define SAMPLE(d, i, label, ...) expect_sample(d, i, label, (const float[]){ __VA_ARGS__ })

/* Reads a data set and expects this sentence; options may be NULL. */
void expect_refused(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *options,
                    const char *sentence);

#endif
