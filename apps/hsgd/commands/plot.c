/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd plot */
#include "plot.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "draw/draw.h"
#include "lib/config_file.h"
#include "lib/text.h"

/* "mlp on digits", by config.yaml where there is one. */
static int write_title(const char *folder, char *title, size_t size)
{
    char path[4096];
    struct settings run;
    snprintf(path, sizeof path, "%s/config.yaml", folder);
    snprintf(title, size, "%s", folder);
    if (access(path, F_OK)) return OK;
    settings_defaults(&run, "train");
    int code = config_read(&run, path);
    if (!code && run.model) snprintf(title, size, "%s on %s", run.model, run.data ? run.data : "digits");
    settings_free(&run);
    return code;
}

static int report(const char *png, const char *svg)
{
    if (png) text_wrap(0, 2, "%s", png);
    if (svg) text_wrap(0, 2, "%s", svg);
    return flush_output();
}

int history_draw(const char *folder, const char *title, const char *what, const char *png, const char *svg)
{
    struct history h;
    int code = history_read(&h, folder);
    if (!code && h.n) code = draw_history(&h, title, what, png, svg);
    history_free(&h);
    return code;
}

/* A log with at least one epoch. */
static int require_history(const char *folder)
{
    char path[4200];
    struct history h;
    snprintf(path, sizeof path, "%s/log.jsonl", folder);
    if (access(path, R_OK))
        return report_error(USAGE, "\"%s\" is not the folder of a run: it has no log.jsonl", folder);
    int code = history_read(&h, folder);
    if (!code && !h.n) code = report_error(USAGE, "%s: it has no epoch yet", path);
    history_free(&h);
    return code;
}

int cmd_plot(struct settings *s)
{
    char title[300], png[4200], svg[4200];
    const char *folder = s->words ? s->word[0] : NULL;
    int code = require_words(s, 1);
    if (!code && !folder) code = report_error(USAGE, "the folder of a run is missing");
    if (!code && strlen(folder) > 4000) code = report_error(USAGE, "the name of the run is longer than 4000 bytes");
    if (code) return code;
    if (!s->png && !s->svg) {
        snprintf(png, sizeof png, "%s/curves.png", folder);
        snprintf(svg, sizeof svg, "%s/curves.svg", folder);
        s->png = png;
        s->svg = svg;
    }
    code = require_history(folder);
    if (!code) code = write_title(folder, title, sizeof title);
    if (!code) code = history_draw(folder, title, "the plot", s->png, s->svg);
    return code ? code : report(s->png, s->svg);
}
