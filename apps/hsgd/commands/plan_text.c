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

/* A line of a device's totals: predicted, measured, and that as a part of its workers' step. */
static void print_total(const char *name, const char *share, const char *rows, double mib, double predicted,
                        double measured, double of)
{
    text_cell(name, 21);
    printf(" %6s %6s", share, rows);
    column(mib, 8, "");
    column(predicted, 12, "");
    column(measured, 11, "");
    column(100 * measured / of, 7, "%");
    putchar('\n');
}

static void print_copies(const char *way, int n, int64_t bytes, double ms)
{
    char name[40];
    snprintf(name, sizeof name, "  %d cop%s %s", n, n == 1 ? "y" : "ies", way);
    if (n) print_total(name, "", "", (double)bytes / (1 << 20), ms, NAN, NAN);
}

/* Cells, copies over its link, and the rest, which add up to the step of its workers. */
static void print_device(const struct plan_report *r, int i)
{
    const struct plan_device *d = &r->device[i];
    struct plan_total t = plan_total(r, i);
    double step = d->workers * r->measured_step_ms;
    char name[60], share[24] = "-", rows[24];
    snprintf(name, sizeof name, "%s, %d cell%s", d->id, t.cells, t.cells == 1 ? "" : "s");
    if (!isnan(t.share)) snprintf(share, sizeof share, "%.1f%%", 100 * t.share);
    snprintf(rows, sizeof rows, "%d", t.rows);
    print_total(name, share, rows, NAN, t.predicted_ms, t.measured_ms, plan_of_replicas(r) ? NAN : step);
    if (!*d->of.device) return;
    print_copies("to it", d->of.copies_to, d->of.bytes_to, d->of.to_ms);
    print_copies("back", d->of.copies_from, d->of.bytes_from, d->of.from_ms);
    print_total("  waiting", "", "", NAN, d->of.waiting_ms, step - t.measured_ms, step);
}

static void print_devices_of(const struct plan_report *r)
{
    printf("\n%-21s %6s %6s %8s %12s %11s %7s\n", "total", "share", "rows", "MiB", "predicted ms", "measured ms",
           "of step");
    for (int i = 0; i < r->ndevices; i++) print_device(r, i);
}

static bool same(const struct hsgd_plan_cell *a, const struct hsgd_plan_cell *b)
{
    return !strcmp(a->name, b->name) && !strcmp(a->reason, b->reason) && !strcmp(a->chosen_by, b->chosen_by);
}

static void print_line(const char *name, const char *text)
{
    text_cell(name, 24);
    putchar(' ');
    text_wrap(25, 25, "%s", text);
}

static void print_reason(const struct hsgd_plan_cell *c)
{
    char text[400];
    bool choice = *c->chosen_by && strcmp(c->chosen_by, "one worker");
    snprintf(text, sizeof text, "%s%s%s", c->reason, choice ? "; worker chosen by " : "", choice ? c->chosen_by : "");
    print_line(c->name, text);
}

/* Every reason once; then why devices are left idle. */
static void print_reasons(const struct plan_report *r)
{
    puts("\nplacement");
    for (int i = 0; i < r->ncells; i++) {
        int k = 0;
        while (k < i && !same(&r->cell[k].of, &r->cell[i].of)) k++;
        if (k < i) continue;
        print_reason(&r->cell[i].of);
    }
    for (int i = 0; i < r->ndevices; i++) {
        const struct hsgd_plan_device *d = &r->device[i].of;
        if (*d->device && !d->cells && *d->reason) print_line(d->device, d->reason);
    }
}

/* What cells are for, by their numbers in a drawing. */
static void print_work(const struct plan_report *r)
{
    char text[300];
    if (!*r->cell[0].of.about) return; /* the file of an earlier version */
    puts("\nwork");
    for (int i = 0; i < r->ncells; i++) {
        const struct hsgd_plan_cell *c = &r->cell[i].of;
        int n = snprintf(text, sizeof text, "%s", *c->about ? c->about : "-");
        if (c->weights)
            snprintf(text + n, sizeof text - (size_t)n, "; %d weight%s, %.4f MiB", c->weights,
                     c->weights == 1 ? "" : "s", (double)c->weight_bytes / (1 << 20));
        printf("%-3d ", i);
        text_cell(c->name, 20);
        putchar(' ');
        text_wrap(25, 25, "%s", text);
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
    print_work(r);
    print_reasons(r);
    print_candidates(r);
    return flush_output();
}
