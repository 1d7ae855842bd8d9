/* SPDX-License-Identifier: BSD-3-Clause */
/* Records of a CSV text, split into fields. */
#include "csv.h"

#include <math.h>
#include <string.h>

#include "base/c_locale.h"

static const char separators[] = { ',', ';', '\t' };
enum { SEPARATORS = sizeof separators };

int csv_out_of_memory(const struct csv *r)
{
    return hsgd_fail(r->ctx, ENOMEM, "%s: out of memory after %lld lines", r->name, (long long)r->line);
}

/* -------------------------------------------------------------- separators */

/* The separator that is most frequent outside quotes; 0: there is none. */
static char find_separator(const char *text)
{
    int count[SEPARATORS] = { 0 }, best = 0;
    bool quoted = false;
    for (; *text && (quoted || *text != '\n'); text++) {
        quoted ^= *text == '"';
        for (int i = 0; i < SEPARATORS; i++) count[i] += !quoted && *text == separators[i];
    }
    for (int i = 1; i < SEPARATORS; i++)
        if (count[i] > count[best]) best = i;
    return count[best] ? separators[best] : 0;
}

/* Lines that may stand before the header: blank ones, comments, and Excel's
 * "sep=;".  A column may be called "#". */
static bool is_preamble(const char *line)
{
    line += strspn(line, " \t\r");
    if (!strncmp(line, "sep=", 4) && line[4] && (!line[5] || strchr("\r\n", line[5]))) return true;
    return !*line || *line == '\n' || (*line == '#' && (!line[1] || !memchr(separators, line[1], SEPARATORS)));
}

bool csv_has_separator(char *text)
{
    for (text = text_skip_bom(text); *text && is_preamble(text);) {
        text += strcspn(text, "\n");
        if (*text) text++;
    }
    return find_separator(text) != 0;
}

/* ------------------------------------------------------------------ records */

/* Appends a line to the record's text; *quotes counts the quotes in it. */
static int append(struct csv *r, const char *line, size_t length, int64_t *used, int64_t *quotes)
{
    if (memchr(line, 0, length))
        return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: contains a zero byte; this is not a text file", r->name,
                         (long long)r->line);
    if (!text_grow(&r->text, &r->text_capacity, *used + (int64_t)length + 2, 1)) return csv_out_of_memory(r);
    if (*used) r->text[(*used)++] = '\n';
    memcpy(r->text + *used, line, length + 1);
    *used += (int64_t)length;
    for (size_t i = 0; i < length; i++) *quotes += line[i] == '"';
    return 0;
}

/* The text of the next record: lines until all quotes are closed.  1, 0 at the
 * end, or an error. */
static int read_text(struct csv *r)
{
    int64_t used = 0, quotes = 0;
    char *line;
    size_t length;
    do {
        int more = hsgd_stream_line(r->s, &line, &length);
        if (more < 0) return more;
        if (!more && !used) return 0;
        if (!more)
            return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: a quoted field is not closed", r->name,
                             (long long)r->record);
        char *start = r->line++ ? line : text_skip_bom(line);
        if (!used) r->record = r->line;
        if (!r->separator && !used && is_preamble(start)) continue;
        int err = append(r, start, length - (size_t)(start - line), &used, &quotes);
        if (err) return err;
    } while (!used || quotes % 2);
    return 1;
}

/* ------------------------------------------------------------------- fields */

char *csv_trim(char *field)
{
    field += strspn(field, " \t");
    size_t n = strlen(field);
    while (n && (field[n - 1] == ' ' || field[n - 1] == '\t')) n--;
    field[n] = 0;
    return field;
}

/* Removes the quotes of a field that begins at c; returns its end. */
static char *unquote(char *c)
{
    char *to = c++;
    for (; *c; c++) {
        if (*c == '"' && c[1] != '"') break;
        c += *c == '"';
        *to++ = *c;
    }
    *to = 0;
    return *c ? c + 1 : c;
}

/* Past blanks that do not separate. */
static char *skip_blanks(const struct csv *r, char *c)
{
    while (*c == ' ' || (*c == '\t' && r->separator != '\t')) c++;
    return c;
}

/* Takes a field that begins at *at off the text; false: a quote is inside it. */
static bool take_field(const struct csv *r, char **at, char **field, bool *more)
{
    char *c = skip_blanks(r, *at);
    char *end = *c == '"' ? skip_blanks(r, unquote(c)) : c + strcspn(c, (char[]){ r->separator, '"', 0 });
    *more = *end;
    if (*end && *end != r->separator) return false;
    *end = 0;
    *field = csv_trim(c);
    *at = end + 1;
    return true;
}

static int split(struct csv *r)
{
    char *c = r->text;
    r->fields = 0;
    for (bool more = true; more;) {
        if (!text_grow(&r->field, &r->field_capacity, r->fields + 1, sizeof *r->field)) return csv_out_of_memory(r);
        if (take_field(r, &c, &r->field[r->fields++], &more)) continue;
        return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: field %lld has a quote inside; quote the whole field", r->name,
                         (long long)r->record, (long long)r->fields);
    }
    return 0;
}

int csv_read_record(struct csv *r)
{
    int rc;
    while ((rc = read_text(r)) > 0)
        if (r->text[strspn(r->text, " \t")]) break;
    if (rc <= 0) return rc;
    if (!r->separator && !(r->separator = find_separator(r->text))) r->separator = ',';
    int err = split(r);
    return err ? err : 1;
}

/* ------------------------------------------------------------------ numbers */

static bool is_missing(const char *field)
{
    static const char *const words[] = { "", "NA", "N/A", "NaN", "null", "?" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!c_strcasecmp(field, words[i])) return true;
    return false;
}

/* A number whose decimal separator is a comma. */
static bool comma_number(const char *field, double *v)
{
    char text[64];
    size_t n = strlen(field), at = strcspn(field, ",");
    if (n >= sizeof text || at == n || strchr(field, '.')) return false;
    memcpy(text, field, n + 1);
    text[at] = '.';
    const char *end = text_number(text, v);
    return end && !*end;
}

enum csv_kind csv_parse_number(const struct csv *r, const char *field, double *v)
{
    const char *end = text_number(field, v);
    if (end && !*end && !isnan(*v)) return CSV_NUMBER;
    if (r->separator == ';' && comma_number(field, v)) return CSV_NUMBER;
    *v = NAN;
    return is_missing(field) ? CSV_MISSING : CSV_TEXT;
}
