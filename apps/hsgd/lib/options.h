/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of options, and access to their values. */
#ifndef HSGD_APP_OPTIONS_H
#define HSGD_APP_OPTIONS_H

#include "settings.h"

/* A LIST that is given several times is a text with commas between the values. */
enum option_kind { FLAG, TEXT, LIST, INTEGER, REAL, CHOICE };
typedef const char *choice_fn(int i);

/* Flags beside the commands that take an option.  With --resume, FREE ones may
 * differ from config.yaml of the run, PASSING ones are not stored there, and all
 * others must be the same.  hsgd compare sets SINGLE ones itself. */
enum { FREE = 1 << 30, PASSING = 1 << 29, SINGLE = 1 << 28 };

struct option_row {
    const char *name;
    char letter;
    enum option_kind kind;
    unsigned commands; /* and FREE, PASSING, SINGLE */
    size_t offset;     /* of the value in struct settings */
    double low, high;  /* of numbers */
    choice_fn *choice; /* names to choose from; NULL after the last */
    const char *argument, *help;
};

/* NULL after the last. */
const struct option_row *option_at(int i);
/* NULL: the command has none of that name. */
const struct option_row *option_named(const char *name, unsigned bit);

/* "adam, adamw": the names to choose from. */
void option_choices(choice_fn *choice, char *out, size_t size);

/* Called for each option; a result other than OK stops the reading. */
typedef int option_fn(void *user, const struct option_row *o, const char *text);
/* Reads the options that command `bit` takes, which a message calls `command`;
 * a flag may have "=true" or "=false".  argv[0] is skipped; other arguments are
 * moved to the end, from optind on.  OK or USAGE after a sentence, or the result
 * of `each`. */
int options_each(unsigned bit, const char *command, int argc, char **argv, option_fn *each, void *user);

/* Sets it from text, which must outlive s; `name` is what a message calls it.
 * OK, or USAGE after a sentence. */
int option_set(struct settings *s, const struct option_row *o, const char *name, const char *text);
/* The value as option_set() takes it, to be freed; NULL: none was given, and
 * there is no default. */
char *option_text(const struct settings *s, const struct option_row *o);
/* Copies a value from other settings, which must outlive `to`. */
void option_copy(struct settings *to, const struct settings *from, const struct option_row *o);

/* Whether the command line or --config gives it. */
bool option_given(const struct settings *s, const struct option_row *o);
void option_mark_given(struct settings *s, const struct option_row *o);

#endif
