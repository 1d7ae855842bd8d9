/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* nftw */
#endif
#include "data_folder.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

char folder[512];

void make_folder(void)
{
    const char *base = getenv("TMPDIR");
    char below[600];
    snprintf(folder, sizeof folder, "%s/hsgd-data-XXXXXX", base && *base ? base : "/tmp");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(below, sizeof below, "%s/MNIST", folder);
    cr_assert_eq(mkdir(below, 0777), 0);
    snprintf(below, sizeof below, "%s/MNIST/raw", folder);
    cr_assert_eq(mkdir(below, 0777), 0);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    return remove(path);
}

void remove_folder(void) { nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS); }

const char *at(const char *name)
{
    static char path[4][1024];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

void put(const char *name, const void *bytes, size_t n)
{
    FILE *f = fopen(at(name), "wb");
    cr_assert_not_null(f);
    cr_assert_eq(fwrite(bytes, 1, n, f), n);
    cr_assert_eq(fclose(f), 0);
}

void put_gz(const char *name, const void *bytes, unsigned n)
{
    gzFile f = gzopen(at(name), "wb");
    cr_assert_not_null(f);
    cr_assert_eq(gzwrite(f, bytes, n), (int)n);
    cr_assert_eq(gzclose(f), Z_OK);
}

float *gather_all(const struct hsgd_data *d, int32_t *labels)
{
    struct hsgd_shape s = hsgd_data_shape(d);
    int n = (int)hsgd_data_count(d);
    float *x = malloc(sizeof *x * (size_t)n * s.h * s.w * s.c);
    int64_t *index = malloc(sizeof *index * (size_t)n);
    cr_assert(x && index);
    for (int i = 0; i < n; i++) index[i] = i;
    hsgd_data_gather(d, index, n, NULL, x, labels);
    free(index);
    return x;
}
