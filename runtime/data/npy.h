/* SPDX-License-Identifier: BSD-3-Clause */
/* One NumPy array in memory, as np.save() writes it.
 * Source: NumPy manual, "numpy.lib.format", versions 1.0 to 3.0. */
#ifndef HSGD_DATA_NPY_H
#define HSGD_DATA_NPY_H

#include "base/error.h"
#include <hsgd/type.h>

#include <stdint.h>

enum { NPY_MAX_DIMENSIONS = 1 + HSGD_MAX_RANK };

struct npy {
    char kind; /* 'b' (0 or 1), 'u', 'i' or 'f' */
    int size;  /* bytes of a value */
    bool big_endian;
    bool fortran; /* column-major: the first index runs fastest */
    int dimensions;
    int64_t dim[NPY_MAX_DIMENSIONS];
    int64_t count;       /* values; positive */
    const uint8_t *data; /* inside the bytes it was read from */
};

/* Reads the header; the values must be complete, with nothing after them.
 * Refused: structured and other types, empty arrays.
 * `name` stands for the file in messages. */
int npy_parse(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n, struct npy *out);

/* Value i in row-major order: the last index runs fastest. */
double npy_value(const struct npy *a, int64_t i);

/* The same as text that is different for different values: integers exactly,
 * others with the fewest digits that do. */
enum { NPY_TEXT = 40 };
void npy_text(const struct npy *a, int64_t i, char text[NPY_TEXT]);

#endif
