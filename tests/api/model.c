/* SPDX-License-Identifier: BSD-3-Clause */
/* Random calls: models and their weights. */
#include "fuzz.h"

#include <math.h>

#define CTX(i) OR_NULL(i, world.ctx)
#define MODEL(i) OR_NULL(i, some_model())
static const struct hsgd_shape shape = { 1, 1, FEATURES };

static bool destroy(void)
{
    hsgd_model_destroy(OR_NULL(0, &world.models[below(PLACES)]));
    return true;
}

static bool by_name(void)
{
    static const char *const names[] = { "linear", "mlp-small", "model.yaml", "linear" };
    return keep_model(
        hsgd_model_by_name(CTX(0), OR_NULL(1, any_text(names[below(4)])), wild_shape(shape), wild(CLASSES)));
}

static bool for_targets(void)
{
    struct hsgd_type target = hsgd_vector(wild(2));
    return keep_model(hsgd_model_for_targets(CTX(0), OR_NULL(1, any_text("linear")), wild_shape(shape), target));
}

static bool name_at(void) { return hsgd_model_name_at(wild(below(5))); }
static bool is_file(void) { return hsgd_model_is_file(OR_NULL(0, any_text("net/model.yaml"))); }

static bool from_file(void)
{
    return keep_model(hsgd_model_from_file(CTX(0), OR_NULL(1, any_path("model.yaml")), wild_shape(shape),
                                           one_in(2) ? wild(CLASSES) : 0));
}

static bool from_text(void)
{
    return keep_model(hsgd_model_from_text(CTX(0), OR_NULL(1, any_text(world.text)), wild_shape(shape),
                                           one_in(2) ? wild(CLASSES) : 0));
}

static bool text_of(void)
{
    char *text = hsgd_model_text(MODEL(0));
    bool made = text != NULL;
    free(text);
    return made;
}

static bool initialise(void) { return !hsgd_model_initialise(MODEL(0), draw()); }
static bool weight_count(void) { return hsgd_model_weight_count(MODEL(0)) > 0; }
static bool weight_name(void) { return hsgd_model_weight_name(MODEL(0), wild(0)); }
static bool weight_size(void) { return hsgd_model_weight_size(MODEL(0), OR_NULL(1, any_text("dense1.weight"))) > 0; }

static bool get_weight(void)
{
    return !hsgd_model_get_weight(OR_NULL(0, world.model), OR_NULL(1, any_text("dense1.bias")), OR_NULL(2, results),
                                  wild64(5));
}

static bool set_weight(void)
{
    return !hsgd_model_set_weight(OR_NULL(0, one_in(2) ? world.model : world.trained),
                                  OR_NULL(1, any_text("dense1.bias")), OR_NULL(2, floats), wild64(5));
}

static bool digest(void)
{
    char hex[65];
    return !hsgd_model_digest(MODEL(0), OR_NULL(1, hex));
}

static bool save(void) { return !hsgd_model_save(MODEL(0), OR_NULL(1, any_path("weights.safetensors"))); }

static bool load(void)
{
    return !hsgd_model_load(OR_NULL(0, one_in(2) ? world.model : some_model()),
                            OR_NULL(1, any_path("weights.safetensors")));
}

static bool open_saved(void)
{
    return keep_model(hsgd_model_open(CTX(0), OR_NULL(1, any_path("weights.safetensors"))));
}

static bool from_onnx(void)
{
    return keep_model(hsgd_model_from_onnx(CTX(0), OR_NULL(1, any_path("model.onnx")),
                                           OR_NULL(2, any_text("softmax_cross_entropy"))));
}

static bool to_onnx(void) { return !hsgd_model_to_onnx(MODEL(0), OR_NULL(1, any_path("model.onnx"))); }
static bool onnx_test(void) { return hsgd_onnx_test(CTX(0), OR_NULL(1, any_path("case"))) >= 0; }

static bool parameters(void) { return hsgd_model_parameters(MODEL(0)) > 0; }
static bool name(void) { return hsgd_model_name(MODEL(0)); }
static bool metric_name(void) { return hsgd_model_metric_name(MODEL(0), wild(0)); }
static bool input(void) { return hsgd_model_input(MODEL(0)).c > 0; }
static bool outputs(void) { return hsgd_model_outputs(MODEL(0)) > 0; }

static bool layer_get(void)
{
    struct hsgd_model_layer l;
    return !hsgd_model_layer_get(MODEL(0), wild(0), OR_NULL(1, &l), one_in(8) ? 0 : sizeof l);
}

static bool fields(void) { return hsgd_model_fields(MODEL(0)); }

static bool field_get(void)
{
    struct hsgd_model_field f;
    return !hsgd_model_field_get(MODEL(0), wild(0), OR_NULL(1, &f), one_in(8) ? 0 : sizeof f);
}

static bool layers(void) { return hsgd_model_layers(MODEL(0)) > 0; }

const struct call model_calls[] = { { "hsgd_model_destroy", destroy, 1, false },
                                    { "hsgd_model_by_name", by_name, 2, false },
                                    { "hsgd_model_for_targets", for_targets, 2, false },
                                    { "hsgd_model_metric_name", metric_name, 1, false },
                                    { "hsgd_model_name_at", name_at, 0, false },
                                    { "hsgd_model_is_file", is_file, 1, false },
                                    { "hsgd_model_from_file", from_file, 2, false },
                                    { "hsgd_model_from_text", from_text, 2, false },
                                    { "hsgd_model_text", text_of, 1, false },
                                    { "hsgd_model_initialise", initialise, 1, false },
                                    { "hsgd_model_weight_count", weight_count, 1, false },
                                    { "hsgd_model_weight_name", weight_name, 1, false },
                                    { "hsgd_model_weight_size", weight_size, 2, false },
                                    { "hsgd_model_get_weight", get_weight, 3, false },
                                    { "hsgd_model_set_weight", set_weight, 3, false },
                                    { "hsgd_model_digest", digest, 2, false },
                                    { "hsgd_model_save", save, 2, false },
                                    { "hsgd_model_load", load, 2, false },
                                    { "hsgd_model_open", open_saved, 2, false },
                                    { "hsgd_model_from_onnx", from_onnx, 3, false },
                                    { "hsgd_model_to_onnx", to_onnx, 2, false },
                                    { "hsgd_onnx_test", onnx_test, 2, false },
                                    { "hsgd_model_parameters", parameters, 1, false },
                                    { "hsgd_model_name", name, 1, false },
                                    { "hsgd_model_input", input, 1, false },
                                    { "hsgd_model_outputs", outputs, 1, false },
                                    { "hsgd_model_layer_get", layer_get, 2, false },
                                    { "hsgd_model_fields", fields, 1, false },
                                    { "hsgd_model_field_get", field_get, 2, false },
                                    { "hsgd_model_layers", layers, 1, false },
                                    { NULL, NULL, 0, false } };
