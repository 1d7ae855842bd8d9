/* hsgd plan */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"

#define TIMED_STEPS 20

struct planning {
    struct session run;
    const struct settings *s;
    int batch, ncells;
    struct hsgd_plan_cell *cell;
    double step_ms, predicted_step_ms;
};

static int open_planning(struct planning *p)
{
    const struct settings *s = p->s;
    struct hsgd_train_options o;
    hsgd_train_defaults(&o);
    p->batch = o.batch_size = (int)s->batch_size;
    o.seed = (uint64_t)s->seed;
    o.executor = (enum hsgd_executor)s->executor;
    int code = open_context(&p->run, s), classes = 10;
    struct hsgd_shape shape = usual_shape(s->model);
    if (!code && s->data) {
        code = open_data(&p->run, s);
        if (!code) shape = hsgd_data_shape(p->run.train);
        if (!code) classes = hsgd_data_classes(p->run.train);
    }
    if (!code) code = open_model(&p->run, s, shape, classes);
    return code ? code : open_trainer(&p->run, &o);
}

static int read_cells(struct planning *p)
{
    p->ncells = hsgd_trainer_plan(p->run.trainer, p->batch);
    if (p->ncells < 0) return library_error(&p->run, p->ncells);
    p->cell = calloc((size_t)p->ncells, sizeof *p->cell);
    if (!p->cell) return complain(FAILED, "out of memory for %d cells", p->ncells);
    for (int i = 0; i < p->ncells; i++) {
        int err = hsgd_trainer_plan_cell(p->run.trainer, p->batch, i, &p->cell[i]);
        if (err) return library_error(&p->run, err);
    }
    p->predicted_step_ms = hsgd_trainer_plan_ms(p->run.trainer, p->batch);
    return OK;
}

/* A few steps, so that the cost model has measured every cell. */
static int run_steps(struct planning *p)
{
    double seconds;
    int err = hsgd_trainer_time(p->run.trainer, TIMED_STEPS, &seconds);
    p->step_ms = 1e3 * seconds;
    return err ? library_error(&p->run, err) : OK;
}

/* ----------------------------------------------------------------- report */

struct total { int samples, cells; double predicted_ms, measured_ms; };

static struct total device_total(const struct planning *p, const struct hsgd_device *d)
{
    struct total t = { 0 };
    for (int i = 0; i < p->ncells; i++) {
        const struct hsgd_plan_cell *c = &p->cell[i];
        if (strcmp(c->device, d->id)) continue;
        t.samples += c->rows;
        t.cells++;
        t.predicted_ms += c->predicted_ms;
        t.measured_ms += c->measured_ms;
    }
    return t;
}

static json_t *json_cells(const struct planning *p)
{
    json_t *list = json_array();
    for (int i = 0; i < p->ncells; i++) {
        const struct hsgd_plan_cell *c = &p->cell[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:o, s:o, s:I, s:i, s:i}", "name", c->name, "device",
                                              c->device, "rows", c->rows, "predicted_ms", json_number(c->predicted_ms),
                                              "measured_ms", json_number(c->measured_ms), "runs", (json_int_t)c->runs,
                                              "launches", c->launches, "accesses", c->accesses));
    }
    return list;
}

static int print_json(const struct planning *p)
{
    json_t *devices = json_array();
    struct hsgd_device d;
    for (int i = 0; !hsgd_device_get(p->run.ctx, i, &d); i++) {
        struct total t = device_total(p, &d);
        json_array_append_new(devices, json_pack("{s:s, s:s, s:s, s:i, s:i, s:o, s:o}", "name", d.name, "id", d.id, "kind",
                                                 hsgd_device_kind_name(d.kind), "samples", t.samples, "cells", t.cells,
                                                 "predicted_ms", json_number(t.predicted_ms), "measured_ms",
                                                 json_number(t.measured_ms)));
    }
    return json_print(json_pack("{s:s, s:i, s:o, s:o, s:o, s:o}", "model", p->s->model, "batch_size", p->batch,
                                "predicted_step_ms", json_number(p->predicted_step_ms), "measured_step_ms",
                                json_number(p->step_ms), "devices", devices, "cells", json_cells(p)));
}

static int print_text(const struct planning *p)
{
    struct hsgd_device d;
    printf("model           %s, batch of %d\n", p->s->model, p->batch);
    print_devices(p->run.ctx, p->s->devices);
    printf("step            predicted %.4f ms, measured %.4f ms\n\n", p->predicted_step_ms, p->step_ms);
    printf("%-24s %-10s %6s %12s %12s %8s\n", "cell", "device", "rows", "predicted ms", "measured ms", "of step");
    for (int i = 0; i < p->ncells; i++) {
        const struct hsgd_plan_cell *c = &p->cell[i];
        printf("%-24s %-10s %6d %12.4f %12.4f %7.1f%%\n", c->name, c->device, c->rows, c->predicted_ms, c->measured_ms,
               100 * c->measured_ms / p->step_ms);
    }
    printf("\n%-24s %-10s %6s %12s %12s %8s\n", "total", "device", "rows", "predicted ms", "measured ms", "busy");
    for (int i = 0; !hsgd_device_get(p->run.ctx, i, &d); i++) {
        struct total t = device_total(p, &d);
        char cells[24];
        snprintf(cells, sizeof cells, "%d cell%s", t.cells, t.cells == 1 ? "" : "s");
        printf("%-24s %-10s %6d %12.4f %12.4f %7.1f%%\n", cells, d.id, t.samples, t.predicted_ms, t.measured_ms,
               100 * t.measured_ms / (p->step_ms * d.workers));
    }
    return flush_output();
}

int cmd_plan(struct settings *s)
{
    struct planning p = { .s = s };
    int code = require_words(s, 0);
    if (!code) code = require_model(s);
    if (code) return code;
    code = open_planning(&p);
    if (!code) code = run_steps(&p);
    if (!code) code = read_cells(&p);
    if (!code) code = s->json ? print_json(&p) : print_text(&p);
    free(p.cell);
    close_session(&p.run);
    return code;
}
