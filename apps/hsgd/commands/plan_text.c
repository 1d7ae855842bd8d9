/* SPDX-License-Identifier: BSD-3-Clause */
/* A plan's report as text. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/text.h"
#include "plan.h"

/* A value right-aligned, "-" if it is not known. */
static void column(double v, int width, const char *unit)
{
    char text[32];
    snprintf(text, sizeof text, "%.*f%s", *unit ? 1 : 4, v, unit);
    printf(" %*s", width, isnan(v) ? "-" : text);
}

static void print_heading(const struct plan_report *r)
{
    text_field("model", "%s, batch of %d", r->model, r->batch);
    for (int i = 0; i < r->ndevices; i++)
        text_field(i ? "" : "devices", "%s (%d worker%s)  %s", r->device[i].id, r->device[i].workers,
                   r->device[i].workers == 1 ? "" : "s", r->device[i].name);
    printf("step            predicted");
    column(r->predicted_step_ms, 0, "");
    printf(" ms, measured");
    column(r->measured_step_ms, 0, "");
    printf(" ms\n\n");
}

static void print_cells(const struct plan_report *r)
{
    double step = plan_of_replicas(r) ? NAN : r->measured_step_ms;
    printf("%-21s %-9s %6s %8s %12s %11s %7s\n", "cell", "device", "rows", "MiB", "predicted ms", "measured ms",
           "of step");
    for (int i = 0; i < r->ncells; i++) {
        const struct hsgd_plan_cell *c = &r->cell[i].of;
        if (c->replica >= 0 && (!i || c->replica != r->cell[i - 1].of.replica)) printf("replica %d\n", c->replica);
        text_cell(c->name, 21);
        putchar(' ');
        text_cell(c->device, 9);
        printf(" %6d", c->rows);
        column(c->bytes > 0 ? (double)c->bytes / (1 << 20) : NAN, 8, "");
        column(c->known ? c->predicted_ms : NAN, 12, "");
        column(c->measured_ms, 11, "");
        column(100 * c->measured_ms / step, 7, "%");
        putchar('\n');
    }
}

static void print_devices_of(const struct plan_report *r)
{
    printf("\n%-21s %6s %6s %12s %12s %8s %9s\n", "total", "share", "rows", "predicted ms", "measured ms", "busy",
           "idle ms");
    for (int i = 0; i < r->ndevices; i++) {
        struct plan_total t = plan_total(r, i);
        char name[60], share[24] = "-";
        snprintf(name, sizeof name, "%s, %d cell%s", r->device[i].id, t.cells, t.cells == 1 ? "" : "s");
        if (!isnan(t.share)) snprintf(share, sizeof share, "%.1f%%", 100 * t.share);
        text_cell(name, 21);
        printf(" %6s %6d", share, t.rows);
        column(t.predicted_ms, 12, "");
        column(t.measured_ms, 12, "");
        column(100 * t.busy, 8, "%");
        column(t.idle_ms, 9, "");
        putchar('\n');
    }
}

static bool same(const struct hsgd_plan_cell *a, const struct hsgd_plan_cell *b)
{
    return !strcmp(a->name, b->name) && !strcmp(a->reason, b->reason);
}

/* Every reason once. */
static void print_reasons(const struct plan_report *r)
{
    puts("\nplacement");
    for (int i = 0; i < r->ncells; i++) {
        int k = 0;
        while (k < i && !same(&r->cell[k].of, &r->cell[i].of)) k++;
        if (k < i) continue;
        text_cell(r->cell[i].of.name, 24);
        putchar(' ');
        text_wrap(25, 25, "%s", r->cell[i].of.reason);
    }
}

/* Other sets of devices, the fastest first. */
static void print_candidates(const struct plan_report *r)
{
    if (!r->ncandidates) return;
    printf("\n%-24s %-14s %12s\n", "candidate", "algorithm", "predicted ms");
    for (int i = 0; i < r->ncandidates; i++) {
        const struct hsgd_candidate *c = &r->candidate[i];
        if (strlen(c->devices) <= 24) printf("%-24s ", c->devices);
        else text_wrap(0, 2, "%s", c->devices), printf("%-24s ", "");
        printf("%-14s", c->algorithm);
        column(c->predicted_ms, 12, "");
        puts(c->chosen ? "  chosen" : "");
    }
}

int plan_print(const struct plan_report *r)
{
    print_heading(r);
    print_cells(r);
    print_devices_of(r);
    print_reasons(r);
    print_candidates(r);
    return flush_output();
}
