/* SPDX-License-Identifier: BSD-3-Clause */
/* One NumPy array in memory, as np.save() writes it.
 * Source: NumPy manual, "numpy.lib.format", versions 1.0 to 3.0. */
#ifndef HSGD_DATA_NPY_H
#define HSGD_DATA_NPY_H

#include "../error.h"

#include <stdint.h>

enum { NPY_MOST_DIMENSIONS = 4 };

struct npy {
    char kind;                          /* 'b' (0 or 1), 'u', 'i' or 'f' */
    int size;                           /* bytes of a number */
    bool big_endian;
    bool fortran;                       /* the first index runs fastest, in memory */
    int dimensions;
    int64_t dim[NPY_MOST_DIMENSIONS];
    int64_t count;                      /* numbers; positive */
    const uint8_t *data;                /* inside the bytes it was read from */
};

/* Reads the header; all the numbers must be there and nothing after them.
 * Refused: structured and other types, empty arrays.
 * `name` stands for the file in messages. */
int npy_parse(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n, struct npy *out);

/* Number i, counted so that the last index runs fastest. */
double npy_number(const struct npy *a, int64_t i);

/* The same as text that tells all numbers apart: whole numbers exactly, others
 * with as many digits as that takes. */
enum { NPY_TEXT = 40 };
void npy_text(const struct npy *a, int64_t i, char text[NPY_TEXT]);

#endif
