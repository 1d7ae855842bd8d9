/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd summary */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "lib/checkpoint.h"
#include "lib/json.h"
#include "lib/text.h"

#define FLOAT_BYTES 4

struct sums {
    int64_t parameters, output_bytes;
    double forward, backward;
};

static int64_t floats_of(struct hsgd_shape s) { return (int64_t)s.h * s.w * s.c; }

/* The output of a view shares the memory of the input. */
static int64_t output_bytes(const struct hsgd_model_layer *l)
{
    return l->is_view ? 0 : FLOAT_BYTES * floats_of(l->out);
}

static struct sums sum_up(const struct hsgd_model *m)
{
    struct sums all = { 0 };
    struct hsgd_model_layer l;
    for (int i = 0; !hsgd_model_layer_get(m, i, &l, sizeof l); i++) {
        all.parameters += l.parameters;
        all.output_bytes += output_bytes(&l);
        all.forward += l.forward_flops;
        all.backward += l.backward_flops;
    }
    return all;
}

/* ----------------------------------------------------------------- report */

static int print_json(const struct hsgd_model *m)
{
    struct hsgd_shape in = hsgd_model_input(m);
    struct sums all = sum_up(m);
    struct hsgd_model_layer l;
    json_t *layers = json_array();
    for (int i = 0; !hsgd_model_layer_get(m, i, &l, sizeof l); i++)
        json_append(&layers, json_pack("{s:o, s:o, s:[i,i,i], s:[i,i,i], s:I, s:I, s:o, s:o, s:I}", "name",
                                       json_text(l.name), "operation", json_text(l.op), "input", l.in.h, l.in.w, l.in.c,
                                       "output", l.out.h, l.out.w, l.out.c, "parameters", (json_int_t)l.parameters,
                                       "parameter_bytes", (json_int_t)(FLOAT_BYTES * l.parameters), "forward_flops",
                                       json_number(l.forward_flops), "backward_flops", json_number(l.backward_flops),
                                       "output_bytes", (json_int_t)output_bytes(&l)));
    return json_print(
        json_pack("{s:o, s:[i,i,i], s:o, s:I, s:I, s:o, s:o, s:I}", "model", json_text(hsgd_model_name(m)), "input",
                  in.h, in.w, in.c, "layers", layers, "parameters", (json_int_t)all.parameters, "parameter_bytes",
                  (json_int_t)(FLOAT_BYTES * all.parameters), "forward_flops", json_number(all.forward),
                  "backward_flops", json_number(all.backward), "output_bytes", (json_int_t)all.output_bytes));
}

static void print_layer(const struct hsgd_model_layer *l)
{
    char name[120], shape[40];
    bool named = !strncmp(l->name, l->op, strlen(l->op)); /* the name starts with the operation */
    snprintf(name, sizeof name, named ? "%s" : "%s (%s)", l->name, l->op);
    snprintf(shape, sizeof shape, "%dx%dx%d", l->out.h, l->out.w, l->out.c);
    text_cell(name, 27);
    printf(" %12s %11lld %14.0f %12lld\n", shape, (long long)l->parameters, l->forward_flops,
           (long long)output_bytes(l));
}

/* Flops and bytes are per sample. */
static int print_text(const struct hsgd_model *m)
{
    struct hsgd_shape in = hsgd_model_input(m);
    struct sums all = sum_up(m);
    struct hsgd_model_layer l;
    text_field("model", "%s, for samples of %dx%dx%d", hsgd_model_name(m), in.h, in.w, in.c);
    printf("\n%-27s %12s %11s %14s %12s\n", "layer", "output", "parameters", "forward flops", "output bytes");
    for (int i = 0; !hsgd_model_layer_get(m, i, &l, sizeof l); i++) print_layer(&l);
    printf("%-27s %12s %11lld %14.0f %12lld\n\n", "total", "", (long long)all.parameters, all.forward,
           (long long)all.output_bytes);
    text_field("parameters", "%lld bytes", (long long)(FLOAT_BYTES * all.parameters));
    text_field("one sample", "%.0f flops forward, %.0f backward", all.forward, all.backward);
    text_field("", "%lld bytes of outputs", (long long)all.output_bytes);
    return flush_output();
}

/* ---------------------------------------------------------------- command */

static int from_options(struct session *run, const struct settings *s)
{
    int code = require_model(s);
    if (!code) code = open_without_devices(run, s);
    if (!code && s->data) code = read_data(run, s, s->data, &run->whole, &run->test);
    return code ? code : open_model(run, s, run->whole);
}

static int from_run(struct opened *o, struct settings *s)
{
    s->checkpoint = s->word[0];
    if (s->model) return report_error(USAGE, "--model is incompatible with the run \"%s\"", s->word[0]);
    if (s->data) return report_error(USAGE, "--data is incompatible with the run \"%s\"", s->word[0]);
    return open_weights(o, s, "run");
}

int cmd_summary(struct settings *s)
{
    struct opened o = { 0 };
    int code = require_words(s, 1);
    s->devices = "cpu";
    s->threads = 1;
    if (!code) code = s->words ? from_run(&o, s) : from_options(&o.run, s);
    if (!code) code = s->json ? print_json(o.run.model) : print_text(o.run.model);
    close_checkpoint(&o);
    return code;
}
