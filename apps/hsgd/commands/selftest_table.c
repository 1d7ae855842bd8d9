/* SPDX-License-Identifier: BSD-3-Clause */
/* The results of hsgd selftest, as a table or as JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/message.h"
#include "lib/text.h"
#include "selftest.h"

void selftest_header(const struct selftest *t)
{
    if (!t->s->json) printf("\n%-24s %-10s %14s %9s %9s\n", "check", "device", "runs", "error", "allowed");
}

static void print_figure(double v)
{
    if (isnan(v)) printf(" %9s", "-");
    else printf(" %9.2g", v);
}

static void print_row(const struct result *r)
{
    printf("%-24s %-10s %7d %-6s", r->check, r->device, r->runs, r->unit);
    print_figure(r->error);
    print_figure(r->bound);
    puts(r->fault ? "  FAILED" : "  ok");
    if (r->fault) text_wrap(printf("%*s", 4, ""), 4, "%s", r->fault);
    fflush(stdout);
}

void selftest_add(struct selftest *t, const struct result *r)
{
    struct result *more = realloc(t->result, (size_t)(t->n + 1) * sizeof *more);
    if (!t->s->json) print_row(r);
    t->failed += r->fault != NULL;
    if (more) {
        t->result = more;
        more[t->n] = *r;
        more[t->n].fault = r->fault ? strdup(r->fault) : NULL;
        t->n++;
    }
    if (!more || (r->fault && !more[t->n - 1].fault)) t->out_of_memory = true;
}

static json_t *json_row(const struct result *r)
{
    return json_pack("{s:s, s:s, s:i, s:s, s:o, s:o, s:b, s:o}", "check", r->check, "device", r->device, "runs",
                     r->runs, "unit", r->unit, "error", json_number(r->error), "allowed", json_number(r->bound), "ok",
                     !r->fault, "message", r->fault ? json_text(r->fault) : json_null());
}

static int print_json(const struct selftest *t, const struct usage *u)
{
    json_t *list = json_array(), *devices = json_array();
    for (int i = 0; i < t->n; i++) json_append(&list, json_row(&t->result[i]));
    for (int k = 0; k < u->n; k++)
        json_append(&devices, json_pack("{s:s, s:o}", "id", u->device[k].id, "name", json_text(u->device[k].name)));
    return json_print(json_pack("{s:o, s:o, s:i, s:i}", "devices", devices, "checks", list, "passed", t->n - t->failed,
                                "failed", t->failed));
}

int selftest_report(const struct selftest *t, const struct usage *devices)
{
    int code = t->out_of_memory ? report_error(FAILED, "out of memory") : OK;
    if (!code && t->s->json) code = print_json(t, devices);
    if (!code && !t->s->json) {
        printf("\n%d passed, %d failed\n", t->n - t->failed, t->failed);
        code = flush_output();
    }
    return !code && t->failed ? FAILED : code;
}

void selftest_free(struct selftest *t)
{
    for (int i = 0; i < t->n; i++) free((char *)t->result[i].fault);
    free(t->result);
}
