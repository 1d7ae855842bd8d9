/* SPDX-License-Identifier: BSD-3-Clause */
/* Versions: of the headers that a program was compiled with, and of the library
 * that it runs with.  doc/abi.md documents which are compatible. */
#ifndef HSGD_VERSION_H
#define HSGD_VERSION_H

/* configure reads these three. */
#define HSGD_VERSION_MAJOR 0
#define HSGD_VERSION_MINOR 3
#define HSGD_VERSION_PATCH 0

/* For comparisons: HSGD_VERSION >= 300 is 0.3.0 or later. */
#define HSGD_VERSION (HSGD_VERSION_MAJOR * 10000 + HSGD_VERSION_MINOR * 100 + HSGD_VERSION_PATCH)

#ifdef __cplusplus
extern "C" {
#endif

/* Exports a function or object from the library. */
#define HSGD_API __attribute__((visibility("default")))

/* HSGD_VERSION of the library. */
HSGD_API int hsgd_version(void);
/* The same as text: "0.3.0". */
HSGD_API const char *hsgd_version_text(void);

#ifdef __cplusplus
}
#endif
#endif
