/* SPDX-License-Identifier: BSD-3-Clause */
/* Creating and printing JSON. */
#ifndef HSGD_APP_JSON_H
#define HSGD_APP_JSON_H

#include <jansson.h>

/* JSON: numbers that are not finite become null; texts may be any bytes
 * (hsgd_text_encode()). */
json_t *json_number(double v);
json_t *json_text(const char *bytes);
/* Take ownership of `value`.  When it is NULL or memory is exhausted, *list or
 * *object is freed and becomes NULL, so that no value is silently missing. */
void json_append(json_t **list, json_t *value);
void json_set(json_t **object, const char *key, json_t *value);
/* Prints and frees the object. */
int json_print(json_t *object);

#endif
