/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd summary */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "lib/checkpoint.h"
#include "lib/json.h"
#include "lib/sizes.h"
#include "lib/text.h"

#define FLOAT_BYTES 4

enum { NAME = 34, OUTPUT = 9, MOST = 28 }; /* characters of columns */

struct sums {
    int64_t parameters, states, frozen, output_bytes;
    double forward, backward;
    bool open; /* flops and bytes depend on sizes that are open */
};

static bool layer_is_open(const struct hsgd_model_layer *l)
{
    bool open = false;
    for (int i = 0; i < l->inputs; i++) open |= type_is_open(&l->in[i]);
    for (int i = 0; i < l->outputs; i++) open |= type_is_open(&l->out[i]);
    return open;
}

/* The output of a view shares the memory of the input. */
static int64_t output_bytes(const struct hsgd_model_layer *l)
{
    int64_t bytes = 0;
    for (int i = 0; !l->is_view && i < l->outputs; i++) bytes += hsgd_type_bytes(&l->out[i]);
    return bytes;
}

static struct sums sum_up(const struct hsgd_model *m)
{
    struct sums all = { 0 };
    struct hsgd_model_layer l;
    for (int i = 0; !hsgd_model_layer_get(m, i, &l, sizeof l); i++) {
        all.parameters += l.parameters;
        all.states += l.states;
        all.frozen += l.frozen;
        all.open |= layer_is_open(&l);
        all.output_bytes += output_bytes(&l);
        all.forward += l.forward_flops;
        all.backward += l.backward_flops;
    }
    return all;
}

/* -------------------------------------------------------------------- JSON */

static json_t *type_json(const struct hsgd_type *t)
{
    json_t *dims = json_array();
    for (int i = 0; i < t->rank; i++)
        json_append(&dims, t->dim[i] == HSGD_ANY ? json_text("any") : json_integer(t->dim[i]));
    return dims;
}

static json_t *json_bytes(bool open, int64_t bytes) { return open ? json_null() : json_integer(bytes); }

static json_t *layer_json(const struct hsgd_model_layer *l)
{
    json_t *from = json_array();
    bool open = layer_is_open(l);
    for (int i = 0; i < l->inputs; i++) json_append(&from, json_text(l->from[i]));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:o, s:I, s:o, s:o, s:o}", "name", json_text(l->name),
                     "operation", json_text(l->op), "inputs", from, "input", type_json(&l->in[0]), "output",
                     l->outputs ? type_json(&l->out[0]) : json_null(), "parameters", (json_int_t)l->parameters,
                     "states", (json_int_t)l->states, "frozen", (json_int_t)l->frozen, "weights_of",
                     *l->weights_of ? json_text(l->weights_of) : json_null(), "parameter_bytes",
                     (json_int_t)(FLOAT_BYTES * l->parameters), "forward_flops",
                     json_number(open ? NAN : l->forward_flops), "backward_flops",
                     json_number(open ? NAN : l->backward_flops), "output_bytes", json_bytes(open, output_bytes(l)));
}

static int print_json(const struct hsgd_model *m)
{
    struct hsgd_shape in = hsgd_model_input(m);
    struct sums all = sum_up(m);
    struct hsgd_model_layer l;
    json_t *layers = json_array();
    for (int i = 0; !hsgd_model_layer_get(m, i, &l, sizeof l); i++) json_append(&layers, layer_json(&l));
    const struct hsgd_type sample = hsgd_image(in.h, in.w, in.c);
    double forward = all.open ? NAN : all.forward, backward = all.open ? NAN : all.backward;
    return json_print(json_pack("{s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "model",
                                json_text(hsgd_model_name(m)), "input", type_json(&sample), "layers", layers,
                                "parameters", (json_int_t)all.parameters, "states", (json_int_t)all.states, "frozen",
                                (json_int_t)all.frozen, "parameter_bytes", (json_int_t)(FLOAT_BYTES * all.parameters),
                                "forward_flops", json_number(forward), "backward_flops", json_number(backward),
                                "output_bytes", json_bytes(all.open, all.output_bytes)));
}

/* ------------------------------------------------------------------- table */

/* Three digits: "884 k", "4.72 M"; fewer than a thousand as they are. */
static void short_number(double n, char out[16])
{
    static const char *const units[] = { "", " k", " M", " G", " T", " P" };
    size_t unit = 0;
    while (n >= 999.5 && unit < sizeof units / sizeof *units - 1) n /= 1000, unit++;
    snprintf(out, 16, "%.*f%s", unit && n < 9.995 ? 2 : unit && n < 99.95 ? 1 : 0, n, units[unit]);
}

/* The number of the layer of this name, from 1, before layer `end`; 0: it is none. */
static int number_of(const struct hsgd_model *m, const char *name, int end)
{
    struct hsgd_model_layer l;
    for (int i = 0; i < end && !hsgd_model_layer_get(m, i, &l, sizeof l); i++) {
        size_t n = strlen(l.name);
        if (!strncmp(l.name, name, n) && (!name[n] || name[n] == ':')) return i + 1;
    }
    return 0;
}

/* What the layer reads: numbers of layers, and names of inputs and targets. */
static void from_words(const struct hsgd_model *m, int i, const struct hsgd_model_layer *l, char *out, size_t size)
{
    size_t used = 0;
    for (int k = 0; k < l->inputs && used < size; k++) {
        const char *between = k ? " " : "", *output = strchr(l->from[k], ':');
        int number = number_of(m, l->from[k], i);
        used += (size_t)(number ? snprintf(out + used, size - used, "%s%d%s", between, number, output ? output : "")
                                : snprintf(out + used, size - used, "%s%s", between, l->from[k]));
    }
}

/* "-": it depends on open sizes. */
static void number_or_none(bool open, double n, char out[16])
{
    if (open) snprintf(out, 16, "-");
    else short_number(n, out);
}

static void print_layer(const struct hsgd_model *m, int i, const struct hsgd_model_layer *l, int width)
{
    char name[120], from[200] = "", shape[100] = "-", flops[16], bytes[16];
    bool named = !strncmp(l->name, l->op, strlen(l->op)); /* the name starts with the operation */
    snprintf(name, sizeof name, named ? "%s" : "%s (%s)", l->name, l->op);
    from_words(m, i, l, from, sizeof from);
    if (l->outputs) snprintf(shape, sizeof shape, "%s", type_words(&l->out[0]).text);
    number_or_none(layer_is_open(l), l->forward_flops, flops);
    number_or_none(layer_is_open(l), (double)output_bytes(l), bytes);
    printf("%2d ", i + 1);
    text_cell(name, NAME + OUTPUT - width);
    putchar(' ');
    text_cell(from, 8);
    printf(" %*s %9lld %6s %6s\n", width, shape, (long long)l->parameters, flops, bytes);
}

/* Of the column of outputs: open sizes take of that of names. */
static int output_width(const struct hsgd_model *m)
{
    struct hsgd_model_layer l;
    int width = OUTPUT;
    for (int i = 0; !hsgd_model_layer_get(m, i, &l, sizeof l); i++) {
        int here = l.outputs && layer_is_open(&l) ? (int)strlen(type_words(&l.out[0]).text) : 0;
        if (here > width) width = here;
    }
    return width < MOST ? width : MOST;
}

/* Flops and bytes are per sample. */
static int print_text(const struct hsgd_model *m)
{
    char flops[16], bytes[16];
    struct hsgd_shape in = hsgd_model_input(m);
    struct sums all = sum_up(m);
    struct hsgd_model_layer l;
    int width = output_width(m);
    const struct hsgd_type sample = hsgd_image(in.h, in.w, in.c);
    text_field("model", "%s, for samples of %s", hsgd_model_name(m), type_words(&sample).text);
    printf("\n # %-*s %-8s %*s %9s %6s %6s\n", NAME + OUTPUT - width, "layer", "reads", width, "output", "params",
           "flops", "bytes");
    for (int i = 0; !hsgd_model_layer_get(m, i, &l, sizeof l); i++) print_layer(m, i, &l, width);
    number_or_none(all.open, all.forward, flops);
    number_or_none(all.open, (double)all.output_bytes, bytes);
    printf("   %-53s %9lld %6s %6s\n\n", "total", (long long)all.parameters, flops, bytes);
    text_field("parameters", "%lld bytes", (long long)(FLOAT_BYTES * all.parameters));
    for (int i = 0; !hsgd_model_layer_get(m, i, &l, sizeof l); i++) {
        if (*l.weights_of) text_field("", "%s uses the weights of %s", l.name, l.weights_of);
        if (l.frozen) text_field("", "%lld of %s are not trained", (long long)l.frozen, l.name);
    }
    if (all.states) text_field("", "%lld of the parameters are running statistics, not trained", (long long)all.states);
    if (all.open) text_field("one sample", "flops and bytes depend on the sizes that are open");
    if (all.open) return flush_output();
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
