/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading options, and their values. */
#include <hsgd/hsgd.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

#include "options.h"

const struct option_row *option_named(const char *name, unsigned bit)
{
    const struct option_row *o;
    for (int i = 0; (o = option_at(i)); i++)
        if (o->commands & bit && !strcmp(o->name, name)) return o;
    return NULL;
}

bool option_given(const struct settings *s, const struct option_row *o) { return s->given[o - option_at(0)]; }
void option_mark_given(struct settings *s, const struct option_row *o) { s->given[o - option_at(0)] = true; }

/* ----------------------------------------------------------------- values */

/* Strict: the entire text, decimal, finite. */
static bool read_number(const char *text, bool whole, double *out)
{
    char *end;
    if (!*text || strspn(text, whole ? "+-0123456789" : "+-.eE0123456789") != strlen(text)) return false;
    errno = 0;
    *out = strtod(text, &end);
    return !*end && end != text && isfinite(*out);
}

void option_choices(choice_fn *choice, char *out, size_t size)
{
    size_t used = 0;
    for (int i = 0; choice(i) && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", choice(i));
}

static int set_number(struct settings *s, const struct option_row *o, const char *name, const char *text)
{
    bool whole = o->kind == INTEGER;
    double v;
    if (!read_number(text, whole, &v) || v < o->low || v > o->high)
        return report_error(USAGE, "%s \"%s\" is not %s from %.16g to %.16g", name, text,
                            whole ? "an integer" : "a number", o->low, o->high);
    if (whole) *(int64_t *)((char *)s + o->offset) = (int64_t)v;
    else *(double *)((char *)s + o->offset) = v;
    return OK;
}

static int set_choice(int *value, const char *name, choice_fn *choice, const char *text)
{
    char names[400];
    for (int i = 0; choice(i); i++)
        if (!strcmp(choice(i), text)) {
            if (value) *value = i;
            return OK;
        }
    option_choices(choice, names, sizeof names);
    return report_error(USAGE, "%s \"%s\" is not one of %s", name, text, names);
}

static int set_flag(bool *value, const char *name, const char *text)
{
    *value = !strcmp(text, "true");
    return *value || !strcmp(text, "false") ? OK
                                            : report_error(USAGE, "%s \"%s\" is neither true nor false", name, text);
}

static int set_list(struct settings *s, const char **value, const char *name, const char *text)
{
    if (!*text) return report_error(USAGE, "%s is empty", name);
    if (!*value) {
        *value = text;
        return OK;
    }
    size_t size = strlen(*value) + strlen(text) + 2;
    char *both = settings_keep(s, malloc(size));
    if (!both) return report_error(FAILED, "out of memory for %s", name);
    snprintf(both, size, "%s,%s", *value, text);
    *value = both;
    return OK;
}

int option_set(struct settings *s, const struct option_row *o, const char *name, const char *text)
{
    void *value = (char *)s + o->offset;
    switch (o->kind) {
    case FLAG: return set_flag(value, name, text);
    case CHOICE: return set_choice(value, name, o->choice, text);
    case TEXT:
        if (!*text) return report_error(USAGE, "%s is empty", name);
        *(const char **)value = text;
        /* A model is one of the names, or a file. */
        return o->choice && !hsgd_model_is_file(text) ? set_choice(NULL, name, o->choice, text) : OK;
    case LIST: return set_list(s, value, name, text);
    default: return set_number(s, o, name, text);
    }
}

char *option_text(const struct settings *s, const struct option_row *o)
{
    const void *value = (const char *)s + o->offset;
    int64_t whole = 0;
    double real = 0;
    char text[40];
    switch (o->kind) {
    case FLAG: return strdup(*(const bool *)value ? "true" : "false");
    case LIST:
    case TEXT: return *(char *const *)value ? strdup(*(char *const *)value) : NULL;
    case CHOICE: return *(const int *)value < 0 ? NULL : strdup(o->choice(*(const int *)value));
    case INTEGER: whole = *(const int64_t *)value; break;
    case REAL: real = *(const double *)value; break;
    }
    if ((o->kind == INTEGER ? (double)whole : real) < o->low) return NULL;
    if (o->kind == INTEGER) snprintf(text, sizeof text, "%lld", (long long)whole);
    else snprintf(text, sizeof text, "%.15g", real); /* as it was typed, if that is exact */
    if (o->kind == REAL && strtod(text, NULL) != real) snprintf(text, sizeof text, "%.17g", real);
    return strdup(text);
}

void option_copy(struct settings *to, const struct settings *from, const struct option_row *o)
{
    static const size_t size[] = { [FLAG] = sizeof(bool),       [TEXT] = sizeof(char *), [LIST] = sizeof(char *),
                                   [INTEGER] = sizeof(int64_t), [REAL] = sizeof(double), [CHOICE] = sizeof(int) };
    memcpy((char *)to + o->offset, (const char *)from + o->offset, size[o->kind]);
}

/* ---------------------------------------------------------------- reading */

/* The options of a command in the forms that getopt_long() wants. */
static void getopt_tables(unsigned bit, struct option *longs, char *shorts)
{
    *shorts++ = ':';
    const struct option_row *o;
    for (int i = 0; (o = option_at(i)); i++) {
        if (!(o->commands & bit)) continue;
        bool flag = o->kind == FLAG;
        *longs++ = (struct option){ o->name, flag ? optional_argument : required_argument, NULL, 256 + i };
        if (o->letter) *shorts++ = o->letter;
        if (o->letter && !flag) *shorts++ = ':';
    }
    *longs = (struct option){ 0 };
    *shorts = 0;
}

static const struct option_row *row_of(int c)
{
    const struct option_row *o;
    for (int i = 0; (o = option_at(i)); i++)
        if (c == 256 + i || (o->letter && c == o->letter)) return o;
    return NULL;
}

static int refuse(const char *command, int c, const char *word)
{
    const struct option_row *o = row_of(optopt);
    if (c == ':') return report_error(USAGE, "--%s needs a value", o ? o->name : "?");
    if (optopt) return report_error(USAGE, "\"hsgd %s\" has no option \"-%c\"", command, optopt);
    return report_error(USAGE, "\"hsgd %s\" has no option \"%s\"", command, word);
}

int options_each(unsigned bit, const char *command, int argc, char **argv, option_fn *each, void *user)
{
    struct option longs[MAX_OPTIONS + 1];
    char shorts[2 * MAX_OPTIONS + 2];
    int code = OK;
    getopt_tables(bit, longs, shorts);
    opterr = 0;
    optind = 0; /* from the beginning, whatever was read before */
    for (int c; !code && (c = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
        if (c == '?' || c == ':') return refuse(command, c, argv[optind - 1]);
        const struct option_row *o = row_of(c);
        code = each(user, o, o->kind == FLAG && !optarg ? "true" : optarg);
    }
    return code;
}
