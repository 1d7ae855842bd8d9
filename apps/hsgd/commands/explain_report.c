/* SPDX-License-Identifier: BSD-3-Clause */
/* What hsgd explain prints and draws. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "draw/draw.h"
#include "explain.h"
#include "lib/json.h"
#include "lib/text.h"

enum { NAME = 24, VALUE = 12, NUMBER = 12, BAR = 24, LINE = 300, MAX_BARS = 200 };

static const char *const baselines[BASELINES] = { "mean", "zero" };

/* --------------------------------------------------------------------- words */

void explained_title(const struct explained *x, char *out, size_t size)
{
    const struct integral *i = &x->integral;
    const char *quote = strspn(x->name, " \t\r\n") == strlen(x->name) ? "\"" : ""; /* the class of a blank */
    int used = snprintf(out, size, "%s %s%s%s", isnan(x->probability) ? "target" : "class", quote, x->name, quote);
    if (used < 0 || (size_t)used >= size) return;
    if (!isnan(x->probability)) used += snprintf(out + used, size - (size_t)used, " (%.4f)", x->probability);
    if ((size_t)used < size && i->steps)
        snprintf(out + used, size - (size_t)used, ", score %.5g, at the baseline %.5g", explained_score(x, i->score),
                 explained_score(x, i->baseline));
}

/* Of the difference of the scores; NaN: there is none. */
static double relative_gap(const struct integral *i)
{
    double difference = fabs(i->score - i->baseline);
    return difference > 0 ? integral_gap(i) / difference : NAN;
}

void explained_exactness(const struct explained *x, char *out, size_t size)
{
    const struct integral *i = &x->integral;
    double gap = relative_gap(i);
    int used = snprintf(out, size, "sum %.5g of %.5g, ", x->unit * i->sum, x->unit * (i->score - i->baseline));
    if (isfinite(gap)) used += snprintf(out + used, size - (size_t)used, "gap %.2f %%, ", 100 * gap);
    snprintf(out + used, size - (size_t)used, "%d steps%s", i->steps,
             integral_is_complete(i) ? "" : ": not within 1 %");
}

/* ------------------------------------------------------------------ pictures */

/* DIR/0001-seven-price-integrated.png; a target by its number. */
static const char *next_file(struct explained *x, const char *folder, const char *what)
{
    char *out = x->file[x->nfiles], target[32] = "";
    const char *slash = strrchr(x->input, '/'), *base = slash ? slash + 1 : x->input;
    const char *dot = strrchr(base, '.');
    int length = dot && dot > base ? (int)(dot - base) : (int)strlen(base);
    if (!strcmp(base, "-")) base = "input", length = 5;
    if (isnan(x->probability)) snprintf(target, sizeof target, "-target%lld", (long long)x->index + 1);
    snprintf(out, sizeof x->file[0], "%s/%04d-%.*s%s-%s.png", folder, x->number, length < 100 ? length : 100, base,
             target, what);
    return out;
}

static int draw_over(struct explained *x, const struct source *s, const struct explained_image *with)
{
    const struct hsgd_type *t = &s->type;
    char title[LINE];
    struct explained_image image = *with;
    explained_title(x, title, sizeof title);
    image.title = title;
    image.height = t->dim[0];
    image.width = t->dim[1];
    image.channels = t->dim[2];
    image.image = x->e->raw[s->input];
    int code = draw_explained_image(&image, x->file[x->nfiles]);
    x->nfiles += !code;
    return code;
}

static int draw_integrated(struct explained *x, const char *folder, const struct source *s)
{
    char about[LINE], exact[200];
    float *map = explained_pixels(x, s);
    if (!map) return report_error(FAILED, "out of memory");
    explained_exactness(x, exact, sizeof exact);
    snprintf(about, sizeof about, "integrated gradients: %s", exact);
    next_file(x, folder, s->input ? s->name : "integrated");
    int code = draw_over(
        x, s, &(struct explained_image){ .about = about, .map_name = "attribution", .map = map, .is_signed = true });
    free(map);
    return code;
}

/* Over the first input, which is an image. */
static int draw_grad_cam(struct explained *x, const char *folder)
{
    struct hsgd_session_value in;
    const struct hsgd_type *l = &x->e->layer_type;
    if (hsgd_session_input_get(x->e->o->run.predictor, 0, &in, sizeof in)) return FAILED;
    struct source s = { .type = in.type, .input = 0 };
    float *map = malloc((size_t)hsgd_type_positions(&in.type) * sizeof *map);
    char about[LINE];
    if (!map) return report_error(FAILED, "out of memory");
    enlarge(x->map, l->dim[0], l->dim[1], map, in.type.dim[0], in.type.dim[1]);
    snprintf(about, sizeof about, "Grad-CAM by layer %s, %d x %d", x->e->layer_name, l->dim[0], l->dim[1]);
    next_file(x, folder, "grad-cam");
    int code = draw_over(x, &s, &(struct explained_image){ .about = about, .map_name = "Grad-CAM", .map = map });
    free(map);
    return code;
}

static int draw_bars(struct explained *x, const char *folder, const struct item *item, int n)
{
    char title[LINE], about[LINE], exact[200], name[MAX_BARS][120], value[24];
    const char *names[MAX_BARS];
    double values[MAX_BARS];
    for (int i = 0; i < n; i++) {
        item_name(x, &item[i], name[i], sizeof name[i] - 30);
        item_value(x, &item[i], value, sizeof value);
        if (*value) snprintf(name[i] + strlen(name[i]), 30, " = %s", value);
        names[i] = name[i];
        values[i] = item[i].value;
    }
    explained_title(x, title, sizeof title);
    explained_exactness(x, exact, sizeof exact);
    snprintf(about, sizeof about, "integrated gradients: %s", exact);
    int code = draw_explained_values(&(struct explained_values){ title, about, n, names, values },
                                     next_file(x, folder, "attributions"));
    x->nfiles += !code;
    return code;
}

int explain_draw(struct explained *x, const char *folder, int rows)
{
    int n = 0, code = OK;
    for (int i = 0; !code && x->integral.steps && i < x->e->nsources; i++)
        if (source_is_image(&x->e->source[i])) code = draw_integrated(x, folder, &x->e->source[i]);
    if (!code && x->map) code = draw_grad_cam(x, folder);
    if (code || !x->integral.steps) return code;
    struct item *item = explained_items(x, &n);
    if (!item) return report_error(FAILED, "out of memory");
    items_rank(item, n);
    if (rows > MAX_BARS) rows = MAX_BARS;
    if (n) code = draw_bars(x, folder, item, n < rows ? n : rows);
    free(item);
    return code;
}

/* ---------------------------------------------------------------------- text */

static void print_item(const struct explained *x, const struct item *i, double largest)
{
    char name[120], value[24];
    item_name(x, i, name, sizeof name);
    item_value(x, i, value, sizeof value);
    printf("    ");
    text_cell(name, NAME);
    text_cell(value, -VALUE);
    printf("%*.4g", NUMBER, i->value);
    int length = largest > 0 ? (int)(BAR * fabs(i->value) / largest + 0.5) : 0;
    if (length) printf("  ");
    for (int k = 0; k < length; k++) putchar(i->value < 0 ? '-' : '+');
    putchar('\n');
}

static int print_items(const struct explained *x, int rows)
{
    int n = 0;
    struct item *item = explained_items(x, &n);
    if (!item) return report_error(FAILED, "out of memory");
    items_rank(item, n);
    if (n) {
        printf("    ");
        text_cell("", NAME);
        text_cell("value", -VALUE);
        text_cell("attribution", -NUMBER);
        putchar('\n');
    }
    for (int i = 0; i < n && i < rows; i++) print_item(x, &item[i], fabs(item[0].value));
    if (n > rows) text_wrap(printf("%4s", ""), 4, "and %d of less magnitude", n - rows);
    free(item);
    return OK;
}

/* Whether the map of Grad-CAM has anything but 0. */
static bool speaks(const struct explained *x)
{
    bool any = false;
    for (int64_t i = 0; i < hsgd_type_positions(&x->e->layer_type); i++) any |= x->map[i] > 0;
    return any;
}

int explain_print(const struct explained *x, int rows)
{
    char number[24] = "", text[LINE];
    const struct hsgd_type *l = &x->e->layer_type;
    int code = OK;
    if (x->rows > 1) snprintf(number, sizeof number, ":%lld", (long long)x->row + 1);
    explained_title(x, text, sizeof text);
    text_wrap(0, 4, "%s%s  %s", x->input, number, text);
    if (x->integral.steps) {
        explained_exactness(x, text, sizeof text);
        text_wrap(printf("%4s", ""), 4, "integrated gradients: %s", text);
        code = print_items(x, rows);
    }
    if (x->map)
        text_wrap(printf("%4s", ""), 4, "Grad-CAM: layer %s, %d x %d%s", x->e->layer_name, l->dim[0], l->dim[1],
                  speaks(x) ? "" : ": 0 everywhere, nothing speaks for it");
    for (int i = 0; i < x->nfiles; i++) text_wrap(printf("%4s", ""), 4, "%s", x->file[i]);
    return code;
}

/* ---------------------------------------------------------------------- JSON */

static json_t *numbers(const float *v, int64_t n)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < n; i++) json_append(&list, json_number((double)v[i]));
    return list;
}

static json_t *shape_json(const struct hsgd_type *t, int rank)
{
    json_t *list = json_array();
    for (int i = 0; i < rank; i++) json_append(&list, json_integer(t->dim[i]));
    return list;
}

/* Attributions of pixels and features one by one, of tokens as sums over the channels. */
static json_t *source_json(const struct explained *x, const struct source *s, const struct item *item, int n)
{
    json_t *names = json_array(), *values = json_array();
    char name[120];
    for (int64_t i = 0; source_is_image(s) && i < s->size; i++)
        json_append(&values, json_number(x->unit * x->integral.attribution[s->first + i]));
    for (int i = 0; i < n; i++) {
        if (&x->e->source[item[i].source] != s) continue;
        item_name(x, &item[i], name, sizeof name);
        json_append(&names, json_text(name));
        json_append(&values, json_number(item[i].value));
    }
    return json_pack("{s:o, s:o, s:o, s:o}", "name", json_text(s->name), "shape",
                     shape_json(&s->type, s->type.rank - s->embeds), "items", names, "attributions", values);
}

static json_t *integrated_json(const struct explained *x)
{
    const struct integral *i = &x->integral;
    json_t *sources = json_array();
    int n = 0;
    struct item *item = i->steps ? explained_items(x, &n) : NULL;
    if (!i->steps) {
        json_decref(sources);
        return json_null();
    }
    for (int k = 0; item && k < x->e->nsources; k++) json_append(&sources, source_json(x, &x->e->source[k], item, n));
    free(item);
    return json_pack("{s:o, s:o, s:o, s:o, s:i, s:b, s:s, s:o}", "score", json_number(explained_score(x, i->score)),
                     "baseline_score", json_number(explained_score(x, i->baseline)), "sum",
                     json_number(x->unit * i->sum), "gap", json_number(fabs(x->unit) * integral_gap(i)), "steps",
                     i->steps, "complete", integral_is_complete(i), "baseline", baselines[x->e->baseline], "by",
                     item ? sources : NULL);
}

static json_t *grad_cam_json(const struct explained *x)
{
    if (!x->map) return json_null();
    return json_pack("{s:o, s:o, s:o}", "layer", json_text(x->e->layer_name), "shape", shape_json(&x->e->layer_type, 2),
                     "map", numbers(x->map, hsgd_type_positions(&x->e->layer_type)));
}

json_t *explain_json(const struct explained *x)
{
    json_t *files = json_array();
    for (int i = 0; i < x->nfiles; i++) json_append(&files, json_text(x->file[i]));
    return json_pack("{s:o, s:I, s:o, s:I, s:o, s:o, s:o, s:o}", "input", json_text(x->input), "row",
                     (json_int_t)x->row, isnan(x->probability) ? "target" : "class", json_text(x->name), "index",
                     (json_int_t)x->index, "probability", json_number(x->probability), "integrated_gradients",
                     integrated_json(x), "grad_cam", grad_cam_json(x), "files", files);
}
