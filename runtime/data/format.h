/* SPDX-License-Identifier: BSD-3-Clause */
/* Formats of data sets: one row each in format.c. */
#ifndef HSGD_DATA_FORMAT_H
#define HSGD_DATA_FORMAT_H

#include "dataset.h"

/* The file or folder at a path, for recognising its format. */
struct data_source {
    const char *path;
    bool folder;
    const uint8_t *head; /* the first bytes of a file, decompressed; NULL for a folder */
    size_t head_bytes;
};

/* What a reader returns: the training split and, if there is one, the test split. */
struct data_splits {
    struct hsgd_data *train, *test;
};

/* Samples of built-in sets from here on are for testing. */
#define TEST_FIRST (INT64_C(1) << 40)

struct data_format {
    const char *name, *what;                             /* what: for messages, "a folder with IDX files" */
    bool (*recognise)(const struct data_source *source); /* by content; formats are tried in order */
    /* Returns 0, or a negative errno with a message; what it has created until
     * then is freed by the caller. */
    int (*read)(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *options,
                struct data_splits *out);
};

extern const struct data_format hsgd_format_idx, hsgd_format_cifar, hsgd_format_images, hsgd_format_tar,
    hsgd_format_zip, hsgd_format_npy, hsgd_format_npz, hsgd_format_libsvm, hsgd_format_csv, hsgd_format_text,
    hsgd_format_coco, hsgd_format_pairs;

#endif
