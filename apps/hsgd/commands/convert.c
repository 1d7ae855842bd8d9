/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd convert */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "lib/checkpoint.h"
#include "lib/message.h"
#include "lib/text.h"

static bool is_onnx(const char *path)
{
    size_t n = strlen(path), end = strlen(".onnx");
    return n > end && !strcmp(path + n - end, ".onnx");
}

/* The operation at the end of a model that compares what it computes; NULL: none. */
static const char *loss_of(const struct hsgd_model *m)
{
    static struct hsgd_model_layer l;
    for (int i = hsgd_model_layers(m) - 1; i >= 0 && !hsgd_model_layer_get(m, i, &l, sizeof l); i--)
        if (!l.outputs) return l.op;
    return NULL;
}

static int report(const struct hsgd_model *m, const char *to)
{
    const char *loss = loss_of(m);
    text_field("model", "%s, %d layers, %lld parameters", hsgd_model_name(m), hsgd_model_layers(m),
               (long long)hsgd_model_parameters(m));
    for (int i = 0; i < hsgd_model_fields(m); i++) {
        struct hsgd_model_field f;
        if (hsgd_model_field_get(m, i, &f, sizeof f)) break;
        char shape[100] = "";
        for (int k = 0; k < f.type.rank; k++)
            snprintf(shape + strlen(shape), sizeof shape - strlen(shape), "%s%d", k ? " x " : "", f.type.dim[k]);
        text_field(f.is_target ? "target" : "input", "%s, %s", f.name, f.type.rank ? shape : "one number");
    }
    text_field("loss", "%s", loss ? loss : "none: it can predict, but not be trained");
    text_field("written", "%s", to);
    return flush_output();
}

static int from_onnx(struct opened *o, const struct settings *s, const char *from, const char *to)
{
    int code = open_without_devices(&o->run, s);
    if (code) return code;
    o->run.model = hsgd_model_from_onnx(o->run.ctx, from, s->loss);
    if (!o->run.model) return report_error(USAGE, "%s", hsgd_error(o->run.ctx));
    int err = hsgd_model_save(o->run.model, to);
    return err ? library_error(&o->run, err) : report(o->run.model, to);
}

/* A run, a checkpoint or a file of weights. */
static int to_onnx(struct opened *o, struct settings *s, const char *from, const char *to)
{
    s->checkpoint = from;
    if (s->loss) return report_error(USAGE, "--loss is for models from ONNX files");
    int code = open_weights(o, s, "model");
    int err = code ? 0 : hsgd_model_to_onnx(o->run.model, to);
    return err ? library_error(&o->run, err) : code ? code : report(o->run.model, to);
}

int cmd_convert(struct settings *s)
{
    struct opened o = { 0 };
    if (s->words != 2) return report_error(USAGE, "\"hsgd convert\" needs two files, what is read and what is written");
    const char *from = s->word[0], *to = s->word[1];
    if (is_onnx(from) == is_onnx(to))
        return report_error(USAGE, "\"%s\" to \"%s\": one of them, and not both, must end in .onnx", from, to);
    int code = is_onnx(from) ? from_onnx(&o, s, from, to) : to_onnx(&o, s, from, to);
    close_checkpoint(&o);
    return code;
}
