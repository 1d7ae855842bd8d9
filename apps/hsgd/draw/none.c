/* SPDX-License-Identifier: BSD-3-Clause */
/* Stubs for a program that is built without Cairo. */
#include "canvas.h"
#include "draw.h"

int drawing_check(const char *what, const char *path)
{
    return report_error(USAGE, "%s \"%s\": this hsgd was built without Cairo and cannot draw plots", what, path);
}

int draw_confusion(const struct evaluation *e, const char *png, const char *svg)
{
    (void)e;
    return drawing_check(png ? "--png" : "--svg", png ? png : svg);
}

int draw_plan(const struct plan_report *r, const char *png, const char *svg)
{
    (void)r;
    return drawing_check(png ? "--png" : "--svg", png ? png : svg);
}

int draw_comparison(const struct comparison *c, const char *folder)
{
    (void)c;
    return drawing_check("warning: the plot in", folder);
}

int draw_history(const struct history *h, const char *title, const char *what, const char *png, const char *svg)
{
    (void)h, (void)title;
    return drawing_check(what, png ? png : svg);
}

int draw_sheet(const struct hsgd_data *d, int rows, int columns, const char *png, const char *svg)
{
    (void)d, (void)rows, (void)columns;
    return drawing_check(png ? "--png" : "--svg", png ? png : svg);
}

bool drawing_is_built(void) { return false; }

int draw_explained_image(const struct explained_image *e, const char *png)
{
    (void)e;
    return drawing_check("--out", png);
}

int draw_boxed_image(const struct boxed_image *image, const char *png)
{
    (void)image;
    return drawing_check("--out", png);
}

int draw_explained_values(const struct explained_values *e, const char *png)
{
    (void)e;
    return drawing_check("--out", png);
}
