/* SPDX-License-Identifier: BSD-3-Clause */
/* The part of YAML that the library's files use: mappings, lists and scalars,
 * event by event, so that every sentence has a line.  Anchors, aliases, tags
 * and further documents are refused: no file is larger in memory than on disk. */
#ifndef HSGD_IO_YAML_H
#define HSGD_IO_YAML_H

#include <hsgd/context.h>
#include <yaml.h>

struct hsgd_yaml {
    struct hsgd_context *ctx;
    const char *path; /* for sentences; the caller's, as is the text */
    yaml_parser_t parser;
    yaml_event_t event; /* the present one */
    int line;           /* where it begins, from 1 */
};

enum { YAML_KEY = 40, YAML_VALUE = 800, YAML_ITEM = 64, YAML_PAIRS = 32 };

/* A mapping of scalars, or of lists of scalars, which are "[a, b]". */
struct yaml_pair {
    char key[YAML_KEY], value[YAML_VALUE];
    int line;
};
struct yaml_pairs {
    int n, line;
    struct yaml_pair pair[YAML_PAIRS];
};

/* Goes to the first event of the only document.  Each of these returns 0 or a
 * negative errno with a sentence; close() is due in any case. */
int hsgd_yaml_open(struct hsgd_context *ctx, struct hsgd_yaml *y, const char *path, const char *text, size_t size);
void hsgd_yaml_close(struct hsgd_yaml *y);
/* The next event. */
int hsgd_yaml_next(struct hsgd_yaml *y);
/* -EINVAL where the present event has another type; what: its name. */
int hsgd_yaml_expect(struct hsgd_yaml *y, yaml_event_type_t type, const char *what);
/* The text of the present event, a scalar shorter than `capacity`; what: its name. */
int hsgd_yaml_scalar(struct hsgd_yaml *y, char *out, size_t capacity, const char *what);
/* The mapping that begins with the present event, up to its end. */
int hsgd_yaml_pairs(struct hsgd_yaml *y, struct yaml_pairs *p, const char *what);
/* The items of a value: itself, or those of the list that it is.  Their number; -1:
 * there are more than `most`, or one is too long. */
int hsgd_yaml_items(const char *value, int most, char (*item)[YAML_ITEM]);
/* What follows the document's content. */
int hsgd_yaml_end(struct hsgd_yaml *y);

/* -EINVAL with "PATH:LINE: sentence". */
int hsgd_yaml_fail(struct hsgd_yaml *y, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
