/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "c_locale.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static locale_t made;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make(void) { made = newlocale(LC_ALL_MASK, "C", (locale_t)0); }

/* Kept as long as the process; glibc makes it without memory. */
static locale_t c_locale(void)
{
    pthread_once(&once, make);
    return made;
}

double c_strtod(const char *text, char **end) { return strtod_l(text, end, c_locale()); }
float c_strtof(const char *text, char **end) { return strtof_l(text, end, c_locale()); }
int c_strcasecmp(const char *a, const char *b) { return strcasecmp_l(a, b, c_locale()); }
int c_strncasecmp(const char *a, const char *b, size_t n) { return strncasecmp_l(a, b, n, c_locale()); }

locale_t c_locale_enter(void) { return uselocale(c_locale()); }
void c_locale_leave(locale_t before) { uselocale(before); }

int c_vsnprintf(char *out, size_t size, const char *format, va_list args)
{
    locale_t before = c_locale_enter();
    int length = vsnprintf(out, size, format, args);
    c_locale_leave(before);
    return length;
}

int c_snprintf(char *out, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = c_vsnprintf(out, size, format, args);
    va_end(args);
    return length;
}
