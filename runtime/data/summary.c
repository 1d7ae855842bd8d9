/* SPDX-License-Identifier: BSD-3-Clause */
/* One line that describes what was read. */
#include "table.h"
#include "text_pairs.h"
#include "../../codelets/type_text.h"
#include "base/sized.h"

#include <stdarg.h>
#include <stdio.h>

enum { NAMES_SHOWN = 3 };

/* A text that is appended to; `used` keeps counting beyond its size. */
struct line {
    char *text;
    size_t size;
    int used;
};

static void add(struct line *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct line *l, const char *format, ...)
{
    va_list args;
    bool fits = (size_t)l->used < l->size;
    va_start(args, format);
    l->used += vsnprintf(fits ? l->text + l->used : NULL, fits ? l->size - (size_t)l->used : 0, format, args);
    va_end(args);
}

/* "(a, b, c, ...)" */
static void add_names(struct line *l, const struct hsgd_names *names)
{
    for (int i = 0; names && i < names->count && i < NAMES_SHOWN; i++)
        add(l, "%s%s", i ? ", " : " (", hsgd_show(names->name[i]).text);
    if (names && names->count) add(l, "%s)", names->count > NAMES_SHOWN ? ", ..." : "");
}

static const char *plural(int64_t n) { return n == 1 ? "" : "s"; }

/* The longest texts, without what is behind the last character of a target. */
static void add_pairs(struct line *l, const struct hsgd_data *d)
{
    add(l, "%s, %lld pair%s of at most %d and %d characters, %d classes", hsgd_data_format(d), (long long)d->count,
        plural(d->count), d->x.type.dim[0], d->y.type.dim[0] - 1, d->y.classes);
}

/* What became of the columns of the file. */
static void add_table(struct line *l, const struct table *t)
{
    int categories = 0, filled = 0;
    for (int i = 0; i < t->count; i++) {
        categories += t->column[i].category != NULL;
        filled += t->column[i].indicator;
    }
    add(l, " of %d column%s, %d categorical, %d filled", t->count, plural(t->count), categories, filled);
}

static void add_samples(struct line *l, const struct hsgd_data *d)
{
    struct hsgd_shape s = hsgd_data_shape(d);
    add(l, "%s, %lld sample%s of ", hsgd_data_format(d), (long long)d->count, plural(d->count));
    if (d->x.type.dtype == HSGD_I32 && d->x.type.rank == 1) {
        add(l, "%d %s%s", s.c, d->x.names ? "character" : d->x.step ? "byte" : "token", plural(s.c));
        if (d->x.step && d->x.step != s.c) add(l, ", every %d", d->x.step);
        return;
    }
    if (s.h != 1 || s.w != 1) {
        add(l, "%dx%dx%d", s.h, s.w, s.c);
        return;
    }
    add(l, "%d feature%s", s.c, plural(s.c));
    add_names(l, d->x.columns);
    if (d->table) add_table(l, d->table);
}

static void add_label(struct line *l, const struct data_field *f)
{
    if (f->columns && f->columns->count) add(l, ", label \"%s\"", hsgd_show(f->columns->name[0]).text);
    add(l, ", %d class%s", f->classes, f->classes == 1 ? "" : "es");
    if (!f->type.rank) add_names(l, f->names);
}

/* "target "price"", "2 targets (height, width)", "target 28x28x1" */
static void add_field(struct line *l, const struct data_field *f)
{
    const struct hsgd_names *names = f->columns;
    if (f->type.rank == 1 && names && names->count == 1) add(l, ", %s \"%s\"", f->name, hsgd_show(names->name[0]).text);
    else if (f->type.rank == 1) add(l, ", %d %s%s", f->type.dim[0], f->name, plural(f->type.dim[0]));
    else add(l, ", %s %s", f->name, type_text(&f->type).text);
    if (f->type.rank == 1 && names && names->count > 1) add_names(l, names);
    if (f->classes && f->names) add_label(l, &(struct data_field){ .classes = f->classes, .names = f->names });
}

int hsgd_data_summary(const struct hsgd_data *d, char *text, size_t size)
{
    struct line l = { text, text ? size : 0, 0 };
    if (l.size) *text = 0;
    if (!d) return 0;
    bool pairs = text_pairs_are(d);
    (pairs ? add_pairs : add_samples)(&l, d);
    for (int i = 1; i < d->fields && !pairs; i++) {
        bool label = &d->field[i] == data_classes(d) && d->field[i].type.dtype == HSGD_I32;
        (label ? add_label : add_field)(&l, &d->field[i]);
    }
    if (d->ignored && d->ignored->count) {
        add(&l, ", ignored");
        add_names(&l, d->ignored);
    }
    if (!passed_text(d->passed, NULL, 0)) return l.used;
    add(&l, "; ");
    bool fits = (size_t)l.used < size;
    return l.used + passed_text(d->passed, fits ? text + l.used : NULL, fits ? size - (size_t)l.used : 0);
}

bool hsgd_data_passed(const struct hsgd_data *d, int i, struct hsgd_passed *out, size_t size)
{
    for (int kind = 0; d && d->passed && i >= 0 && kind < PASSED_KINDS; kind++) {
        if (!d->passed->count[kind] || i--) continue;
        const struct hsgd_passed full = { .why = passed_why(kind),
                                          .first = d->passed->first[kind],
                                          .count = d->passed->count[kind] };
        return !SIZED_GIVE(NULL, hsgd_passed, out, size, &full);
    }
    return false;
}
