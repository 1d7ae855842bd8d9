/* SPDX-License-Identifier: BSD-3-Clause */
#include "predict_boxes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "draw/draw.h"
#include "lib/folders.h"
#include "lib/json.h"
#include "lib/sizes.h"
#include "lib/text.h"

enum { CLASS, X, Y, W, H, SCORE, FOUND, INPUT = 26, NAME = 16 /* columns */ };

static const char *name_of(const struct boxes_prediction *p, const float *row)
{
    return class_name(p->o, NULL, (int)row[CLASS]);
}

/* Rows of at least --min-score, which are the first. */
static int count_shown(const struct boxes_prediction *p, const float *y)
{
    int n = 0;
    while (n < p->rows && y[n * FOUND + CLASS] >= 0 && (double)y[n * FOUND + SCORE] >= p->s->min_score) n++;
    return n;
}

/* ------------------------------------------------------------------ pictures */

static int open_folder(struct boxes_prediction *p)
{
    const char *out = p->s->out;
    if (!out) return OK;
    if (snprintf(p->folder, sizeof p->folder, "%s", out) >= (int)sizeof p->folder)
        return report_error(USAGE, "--out is longer than %zu bytes", sizeof p->folder - 1);
    int code = drawing_check("--out", out), filled = folder_is_filled(out);
    if (code) return code;
    if (filled < 0) return report_error(USAGE, "--out \"%s\": %s", out, strerror(-filled));
    if (filled) return report_error(USAGE, "--out \"%s\": the folder is not empty", out);
    int err = folder_make(p->folder);
    return err ? report_error(exit_code(err), "--out \"%s\": cannot create the folder: %s", out, strerror(-err)) : OK;
}

/* DIR/0001-street.png */
static void file_name(const struct boxes_prediction *p, const char *input, char *out, size_t size)
{
    const char *slash = strrchr(input, '/'), *base = slash ? slash + 1 : input, *dot = strrchr(base, '.');
    int length = dot && dot > base ? (int)(dot - base) : (int)strlen(base);
    if (!strcmp(base, "-")) base = "input", length = 5;
    snprintf(out, size, "%s/%04d-%.*s.png", p->folder, p->samples, length < 100 ? length : 100, base);
}

static int draw(const struct boxes_prediction *p, const char *input, const struct hsgd_data *d, int64_t row,
                const float *y, int n)
{
    struct hsgd_shape s = hsgd_data_shape(d);
    char file[sizeof p->folder + 120], (*name)[80] = calloc((size_t)n + 1, sizeof *name);
    float *pixels = malloc((size_t)s.h * (size_t)s.w * (size_t)s.c * sizeof *pixels);
    struct drawn_box *box = calloc((size_t)n + 1, sizeof *box);
    bool room = name && pixels && box;
    if (room) hsgd_data_gather(d, &row, 1, NULL, pixels, NULL);
    for (int i = 0; room && i < n; i++, y += FOUND) {
        snprintf(name[i], sizeof name[i], "%s", name_of(p, y));
        box[i] = (struct drawn_box){ (int)y[CLASS], y[X], y[Y], y[W], y[H], y[SCORE], name[i] };
    }
    file_name(p, input, file, sizeof file);
    int code = room ? draw_boxed_image(&(struct boxed_image){ input, s.h, s.w, s.c, pixels, n, box }, file)
                    : report_error(FAILED, "out of memory for a picture of %s", input);
    free(name);
    free(pixels);
    free(box);
    return code;
}

/* -------------------------------------------------------------------- output */

static json_t *found_json(const struct boxes_prediction *p, const float *y, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++, y += FOUND) {
        json_t *box = json_array();
        for (int k = X; k <= H; k++) json_append(&box, json_number((double)y[k]));
        json_append(&list, json_pack("{s:o, s:i, s:o, s:o}", "class", json_text(name_of(p, y)), "index", (int)y[CLASS],
                                     "score", json_number((double)y[SCORE]), "box", box));
    }
    return list;
}

static void print_head(void)
{
    text_cell("input", INPUT);
    putchar(' ');
    text_cell("class", NAME);
    printf("  score      x      y      w      h\n");
}

static void print_rows(const struct boxes_prediction *p, const char *input, const float *y, int n)
{
    for (int i = 0; i < n; i++, y += FOUND) {
        text_cell(input, INPUT);
        putchar(' ');
        text_cell(name_of(p, y), NAME);
        printf(" %6.4f", (double)y[SCORE]);
        for (int k = X; k <= H; k++) printf(" %6.4f", (double)y[k]);
        putchar('\n');
    }
    if (n) return;
    text_cell(input, INPUT);
    puts(" -");
}

int boxes_show(struct boxes_prediction *p, const char *input, const struct hsgd_data *d, int64_t row, const float *y)
{
    int n = count_shown(p, y);
    char numbered[600];
    bool several = hsgd_data_count(d) > 1;
    snprintf(numbered, sizeof numbered, several ? "%s:%lld" : "%s", input, (long long)row + 1);
    if (!p->samples++ && !p->s->json) print_head();
    if (p->s->json)
        json_append(p->list, json_pack("{s:o, s:I, s:o}", "input", json_text(input), "row", (json_int_t)row,
                                       "detections", found_json(p, y, n)));
    else print_rows(p, several ? numbered : input, y, n);
    return *p->folder ? draw(p, input, d, row, y, n) : OK;
}

int boxes_open(struct boxes_prediction *p)
{
    struct hsgd_session_value v = { .name = "" };
    if (!p->o->predicts_boxes)
        return p->s->out
                   ? report_error(USAGE, "--out \"%s\": the model predicts no boxes that could be drawn", p->s->out)
                   : OK;
    hsgd_session_result_get(p->o->run.predictor, 0, &v, sizeof v);
    if (v.type.rank != 2 || v.type.dim[1] != FOUND)
        return report_error(USAGE, "%s: its result \"detections\" is %s, not N x %d", p->o->path,
                            type_words(&v.type).text, FOUND);
    p->rows = v.type.dim[0];
    return open_folder(p);
}
