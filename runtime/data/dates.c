/* SPDX-License-Identifier: BSD-3-Clause */
/* The built-in data set "dates": dates from 1900 to 2099 as people write them in English,
 * German and French, to be translated into ISO 8601's form. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "readers.h"
#include "text_pairs.h"

enum { FIRST_YEAR = 1900, DAYS = 73049 /* from 1900 to 2099 */, SOURCES = 32, TARGETS = 10, LINE = 64 };
enum { DRAWS_BITS = 10, HELD_OUT = 10 /* one day in so many */ };
#define LAST_SAMPLE (INT64_C(1) << 50)

enum language { ENGLISH, GERMAN, FRENCH };

static const char *const months[][12] = {
    { "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
      "December" },
    { "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
      "Dezember" },
    { "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
      "décembre" },
};
static const char *const weekdays[][7] = {
    { "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday" },
    { "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag" },
    { "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche" },
};

/* %d day, %o with what its number ends in, %m month, %b its first three letters, %n its number,
 * %y year, %w weekday. */
static const struct form {
    enum language language;
    const char *text;
} forms[] = {
    { ENGLISH, "%d %m %y" },     { ENGLISH, "%m %d, %y" },    { ENGLISH, "%b %d, %y" },   { ENGLISH, "%d %b %y" },
    { ENGLISH, "%w, %d %m %y" }, { ENGLISH, "%m %o, %y" },    { ENGLISH, "%o of %m %y" }, { ENGLISH, "%n/%d/%y" },
    { GERMAN, "%d. %m %y" },     { GERMAN, "%w, %d. %m %y" }, { GERMAN, "%d.%n.%y" },     { FRENCH, "%o %m %y" },
    { FRENCH, "le %o %m %y" },   { FRENCH, "%w %o %m %y" },
};
enum { FORMS = sizeof forms / sizeof *forms };

/* What the forms are written with. */
static const char alphabet[] = " ,-./0123456789ADFJMNOSTWabcdefghijklmnoprstuvwyzäéû";

struct date {
    int year, month, day, weekday; /* month and weekday from 0 */
};

/* ------------------------------------------------------------------- dates */

static int days_in(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month] + (month == 1 && leap);
}

/* A day by its number; the first of 1900 was a Monday. */
static struct date date_of(int number)
{
    struct date d = { FIRST_YEAR, 0, number + 1, number % 7 };
    while (d.day > days_in(d.year, d.month)) {
        d.day -= days_in(d.year, d.month);
        d.month = (d.month + 1) % 12;
        d.year += d.month == 0;
    }
    return d;
}

static const char *ordinal(enum language language, int day)
{
    static const char *const english[] = { "th", "st", "nd", "rd" };
    if (language == FRENCH) return day == 1 ? "er" : "";
    return english[day % 10 < 4 && day / 10 != 1 ? day % 10 : 0];
}

/* What directives stand for, in the order of `letters`. */
struct parts {
    char text[7][24];
};
static const char letters[] = "dombnyw";

static struct parts parts_of(enum language language, const struct date *d)
{
    struct parts p;
    const size_t size = sizeof p.text[0];
    snprintf(p.text[0], size, "%d", d->day);
    snprintf(p.text[1], size, "%d%s", d->day, ordinal(language, d->day));
    snprintf(p.text[2], size, "%s", months[language][d->month]);
    snprintf(p.text[3], size, "%.3s", months[language][d->month]);
    snprintf(p.text[4], size, "%d", d->month + 1);
    snprintf(p.text[5], size, "%d", d->year);
    snprintf(p.text[6], size, "%s", weekdays[language][d->weekday]);
    return p;
}

/* A line of at most LINE bytes: the date in this form, and in ISO's. */
static int write_line(char *to, const struct form *f, const struct date *d)
{
    const struct parts p = parts_of(f->language, d);
    int n = 0;
    for (const char *c = f->text; *c; c++)
        if (*c == '%') n += sprintf(to + n, "%s", p.text[strchr(letters, *++c) - letters]);
        else to[n++] = *c;
    return n + snprintf(to + n, (size_t)(LINE - n), "\t%04d-%02d-%02d\n", d->year, d->month + 1, d->day);
}

/* ----------------------------------------------------------------- samples */

static bool is_held_out(int day) { return hsgd_random(0xda7e5, (uint64_t)day) % HELD_OUT == 0; }

static int write_sample(uint64_t seed, int64_t sample, char *to)
{
    uint64_t key = hsgd_random(seed, 0xda7e), next = (uint64_t)sample << DRAWS_BITS;
    const struct form *f = &forms[hsgd_random(key, next++) % FORMS];
    int day;
    do day = (int)(hsgd_random(key, next++) % DAYS);
    while (is_held_out(day) != (sample >= TEST_FIRST));
    struct date d = date_of(day);
    return write_line(to, f, &d);
}

/* The text of the samples, to be freed; NULL: out of memory. */
static char *write_samples(uint64_t seed, int64_t first, int64_t count, size_t *size)
{
    char *text = malloc((size_t)count * LINE);
    *size = 0;
    for (int64_t i = 0; text && i < count; i++) *size += (size_t)write_sample(seed, first + i, text + *size);
    return text;
}

static int collect(struct text_pairs *p)
{
    int32_t *code = NULL;
    int64_t n = 0;
    int err = characters_add(p->ctx, p->name, (const uint8_t *)alphabet, sizeof alphabet - 1, CHARACTERS, &code, &n);
    if (!err) err = text_pairs_collect(p, code, n);
    free(code);
    return err;
}

struct hsgd_data *dates_generate(struct hsgd_context *ctx, uint64_t seed, int64_t first, int64_t count)
{
    struct text_pairs p = { .ctx = ctx, .name = "dates", .sources = SOURCES, .targets = TARGETS };
    struct hsgd_data *d = NULL;
    size_t size;
    if (first < 0 || first >= LAST_SAMPLE || count < 1 || count > LAST_SAMPLE - first ||
        count > PTRDIFF_MAX / LINE / 8) {
        hsgd_fail(ctx, EINVAL, "dates: cannot generate %lld samples from sample %lld on", (long long)count,
                  (long long)first);
        return NULL;
    }
    char *text = write_samples(seed, first, count, &size);
    int err = text ? text_pairs_parse(&p, (const uint8_t *)text, size)
                   : hsgd_fail(ctx, ENOMEM, "dates: out of memory for %lld samples", (long long)count);
    free(text);
    if (!err) err = collect(&p);
    if (!err) err = text_pairs_give(&p, 0, p.count, &d);
    text_pairs_free(&p);
    if (err) hsgd_data_destroy(&d);
    return d;
}
