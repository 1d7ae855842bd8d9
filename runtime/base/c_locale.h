/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers as text, and words in any letter case, whatever locale the
 * application has set: the library uses these in place of their namesakes in
 * the C library (tests/check_locale.sh). */
#ifndef HSGD_RUNTIME_C_LOCALE_H
#define HSGD_RUNTIME_C_LOCALE_H

#include <locale.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

double c_strtod(const char *text, char **end);
float c_strtof(const char *text, char **end);
int c_snprintf(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
int c_vsnprintf(char *out, size_t size, const char *format, va_list args) __attribute__((format(printf, 3, 0)));
int c_strcasecmp(const char *a, const char *b);
int c_strncasecmp(const char *a, const char *b, size_t n);

/* Of ASCII alone. */
static inline char c_tolower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c; }
static inline bool c_isalnum(char c) { return (c_tolower(c) >= 'a' && c_tolower(c) <= 'z') || (c >= '0' && c <= '9'); }

/* The calling thread's locale becomes "C", for other libraries that read and
 * write numbers; returns the one it had, for c_locale_leave(). */
locale_t c_locale_enter(void);
void c_locale_leave(locale_t before);

#endif
