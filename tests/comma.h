/* SPDX-License-Identifier: BSD-3-Clause */
/* A locale with a decimal comma, which the test makes itself: what is installed
 * differs from machine to machine. */
#ifndef HSGD_TESTS_COMMA_H
#define HSGD_TESTS_COMMA_H

#include <stdbool.h>

/* Sets it for all categories, as setlocale(LC_ALL, "") does for a user who has
 * chosen such a one.  False after a sentence on stderr when it cannot be made. */
bool comma_locale(void);

#endif
