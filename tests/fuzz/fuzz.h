/* SPDX-License-Identifier: BSD-3-Clause */
/* What the fuzz targets share.  A target is tests/fuzz/NAME.c with one
 * LLVMFuzzerTestOneInput(), its name in FUZZ_TARGETS (local.mk) and seeds in
 * seeds/NAME/. */
#ifndef HSGD_TESTS_FUZZ_H
#define HSGD_TESTS_FUZZ_H

#include <hsgd/context.h>
#include <stddef.h>
#include <stdint.h>

/* What libFuzzer and replay.c call; returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* A context for messages alone, without devices.  Until fuzz_end() each
 * allocation must be at most FUZZ_FREE + FUZZ_FACTOR times n bytes, and
 * STREAM_EXPANSION times that (and xz's dictionary) where the input is
 * compressed: with a sanitizer a larger one stops the program. */
enum { FUZZ_FREE = 1 << 20, FUZZ_FACTOR = 64 };
struct hsgd_context *fuzz_begin(const uint8_t *bytes, size_t n);

/* Until fuzz_end() an allocation may be larger by `bytes`. */
void fuzz_allow(size_t bytes);

/* The property of every reader: it fails (err < 0) with a sentence on one
 * line, or it succeeds.  Stops the program otherwise; returns 0. */
int fuzz_end(struct hsgd_context *ctx, int err);

/* Stops the program where a property does not hold. */
void fuzz_require(int holds, const char *what);

#endif
