/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of options, for what reads and writes their values. */
#ifndef HSGD_APP_OPTIONS_H
#define HSGD_APP_OPTIONS_H

#include "app.h"

/* A LIST that is given several times is a text with commas between the values. */
enum option_kind { FLAG, TEXT, LIST, INTEGER, REAL, CHOICE };
typedef const char *choice_fn(int i);

/* What --resume does with an option: FREE may have another value than in the
 * run's config.yaml, PASSING belongs to the call and is not there; all others
 * must be as they were.  SINGLE ones hsgd compare decides about itself.  Beside
 * the commands that take it. */
enum { FREE = 1 << 30, PASSING = 1 << 29, SINGLE = 1 << 28 };

struct option_row {
    const char *name;
    char letter;
    enum option_kind kind;
    unsigned commands;       /* and FREE, PASSING, SINGLE */
    size_t offset;           /* of the value in struct settings */
    double low, high;        /* of numbers */
    choice_fn *choice;       /* names to choose from; NULL after the last */
    const char *argument, *help;
};

/* NULL after the last. */
const struct option_row *option_at(int i);
/* NULL: the command has none of that name. */
const struct option_row *option_named(const char *name, unsigned bit);

/* "adam, adamw": the names to choose from. */
void option_choices(choice_fn *choice, char *out, size_t size);

/* Hears of an option that was found; not OK ends the reading. */
typedef int option_fn(void *user, const struct option_row *o, const char *text);
/* Reads the options that command `bit` takes, which a message calls `command`;
 * a flag may have "=true" or "=false".  argv[0] is passed over; words that are
 * no options come last, from optind on.  OK or USAGE after a sentence, or what
 * `each` returned. */
int options_each(unsigned bit, const char *command, int argc, char **argv, option_fn *each, void *user);

/* Sets it from text, which must outlive s; `name` is what a message calls it.
 * OK, or USAGE after a sentence. */
int option_set(struct settings *s, const struct option_row *o, const char *name, const char *text);
/* The value as option_set() takes it, to be freed; NULL: none was given, and
 * the default is no value. */
char *option_text(const struct settings *s, const struct option_row *o);
/* The value of another call, which must outlive s. */
void option_copy(struct settings *to, const struct settings *from, const struct option_row *o);

/* Whether the command line or --config has it. */
bool option_given(const struct settings *s, const struct option_row *o);
void option_mark_given(struct settings *s, const struct option_row *o);

#endif
