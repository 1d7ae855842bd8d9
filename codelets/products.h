/* SPDX-License-Identifier: BSD-3-Clause */
/* Matrix products on CPUs: which libraries compute them, and how fast each is at products of a class. */
#ifndef HSGD_CODELETS_PRODUCTS_H
#define HSGD_CODELETS_PRODUCTS_H

#include "kernels.h"

/* PRODUCT_OWN: codelets/gemm.cl. */
enum product_library { PRODUCT_ONEDNN, PRODUCT_OPENBLAS, PRODUCT_OWN, PRODUCT_LIBRARIES };

/* A class is a form and a size.  Forms: which operands are transposed (both: as A alone).  Sizes: k, n or m <= 16;
 * fewer than PRODUCT_SMALL multiplications; more. */
enum { PRODUCT_FORMS = 3, PRODUCT_SIZES = 5, PRODUCT_CLASSES = PRODUCT_FORMS * PRODUCT_SIZES };
#define PRODUCT_THIN 16
#define PRODUCT_SMALL (1 << 20)

/* The library of each class. */
struct products {
    enum product_library library[PRODUCT_CLASSES];
    double gflops[PRODUCT_CLASSES][PRODUCT_LIBRARIES]; /* 0: not measured, or not built in */
};

bool product_built_in(enum product_library library);
/* "onednn", "openblas", "own" */
const char *product_library_name(enum product_library library);
/* "oneDNN 2.6.3", "OpenBLAS 0.3.21 (Haswell)", "own kernels (v4)"; "" if not built in. */
void product_library_version(enum product_library library, char *out, size_t size);

/* Independent of any measurement: oneDNN where it is built in; else our own kernels where they are compiled for AVX2
 * or AVX-512; else OpenBLAS. */
enum product_library product_library_fixed(void);
/* Every class by one library. */
struct products products_by(enum product_library library);

int product_class(const struct hsgd_matmul *p);
/* "NN k<=16", ..., "TN large" */
void product_class_name(int product_class, char *out, size_t size);

/* Our own kernels for a product without a bias, on so many units; planned (gemm.h). */
struct gemm_args product_gemm(const struct hsgd_matmul *p, int units);

/* Measures all libraries at all classes, which takes some milliseconds, and chooses for each class: the fixed
 * library, unless another is clearly faster.  Without memory nothing is measured. */
struct products products_measured(void);

#endif
