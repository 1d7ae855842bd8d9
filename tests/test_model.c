/* SPDX-License-Identifier: BSD-3-Clause */
/* Models: building, refusing, weights by name, the built-in models. */
#include "core.h"

#include <errno.h>
#include <math.h>

static struct hsgd_context *ctx;
static const struct hsgd_shape image = { 28, 28, 1 };

static void builders_pass_null_on(void)
{
    struct hsgd_type type;
    CHECK(!hsgd_model_create(NULL, "m"));
    CHECK(!hsgd_input(NULL, "x", hsgd_vector(3)) && !hsgd_target(NULL, "label", hsgd_number(HSGD_I32)));
    struct hsgd_value *x = HSGD_OP(NULL, flatten, NULL);
    CHECK(!x && !HSGD_OP(x, dense, NULL, .units = 3) && !HSGD_OP(x, max_pool, NULL, .kernel = 2));
    CHECK(!HSGD_JOIN(HSGD_OF(x, x), add, NULL) && !hsgd_output(x, 0) && hsgd_type_of(x, &type) == -EINVAL);
    hsgd_enter(NULL, "scope");
    hsgd_leave(NULL);
    hsgd_loss(NULL);
    hsgd_result(NULL, "y");
    CHECK(hsgd_model_finish(NULL) == -EINVAL);
    CHECK(!hsgd_trainer_create(NULL, NULL));
    struct hsgd_model *none = NULL;
    hsgd_model_destroy(&none);
    hsgd_model_destroy(NULL);
}

/* The model that the next calls build, and its input. */
static struct hsgd_model *building;

static struct hsgd_value *start_with(struct hsgd_type type)
{
    building = hsgd_model_create(ctx, "m");
    return hsgd_input(building, "x", type);
}

static struct hsgd_value *start(void) { return start_with(hsgd_image(28, 28, 1)); }

/* The call that returned x is refused, and so is the whole model. */
static void refused(const struct hsgd_value *x, const char *sentence)
{
    CHECK(x == NULL);
    CHECK_STR(hsgd_error(ctx), sentence);
    CHECK(hsgd_model_finish(building) < 0);
    CHECK_STR(hsgd_error(ctx), sentence);
    hsgd_model_destroy(&building);
}

static struct hsgd_value *conv(struct hsgd_value *x, int channels, int kernel, int padding)
{
    return HSGD_OP(x, conv2d, NULL, .out_channels = channels, .kernel = kernel, .padding = padding);
}

static struct hsgd_value *loss_of(struct hsgd_value *x)
{
    struct hsgd_value *label = hsgd_target(building, "label", hsgd_number(HSGD_I32));
    return HSGD_JOIN(HSGD_OF(x, label), softmax_cross_entropy, NULL);
}

static void refuses_bad_attributes(void)
{
    ctx = core_context("cpu", 1, false);
    refused(start_with(hsgd_image(28, 0, 1)), "model \"m\": the type of \"x\" is not valid");
    refused(HSGD_OP(start(), dense, NULL, .units = 0),
            "model \"m\", layer 1 (dense): units must be in 1..1048576, not 0");
    refused(HSGD_OP(start(), dense, NULL), "model \"m\", layer 1 (dense): units must be in 1..1048576, not 0");
    refused(HSGD_OP(HSGD_OP(start(), dense, NULL, .units = 5), dense, NULL, .units = -3),
            "model \"m\", layer 2 (dense): units must be in 1..1048576, not -3");
    refused(conv(start(), 0, 5, 2), "model \"m\", layer 1 (conv2d): out_channels must be in 1..65536, not 0");
    refused(conv(start(), 6, 5, 5), "model \"m\", layer 1 (conv2d): kernel 5, stride 1, padding 5: "
                                    "needs kernel >= 1, stride >= 1, 0 <= padding < kernel");
    refused(conv(start(), 6, 29, 0),
            "model \"m\", layer 1 (conv2d): a 29x29 kernel does not fit into 28x28 with padding 0");
    refused(HSGD_OP(start(), max_pool, NULL), "model \"m\", layer 1 (max_pool): kernel 0, stride 0, padding 0: "
                                              "needs kernel >= 1, stride >= 1, 0 <= padding < kernel");
    refused(HSGD_OP(start(), max_pool, NULL, .kernel = 30),
            "model \"m\", layer 1 (max_pool): a window of 30x30 does not fit into 28x28 with padding 0");
    refused(HSGD_OP(start(), dropout, NULL, .p = 1), "model \"m\", layer 1 (dropout): p must be in [0, 1), not 1");
    refused(HSGD_OP(start(), activate, NULL, .activation = (enum hsgd_activation)9),
            "model \"m\", layer 1 (activate): activation 9 is not one of none, relu, tanh, sigmoid");
    refused(HSGD_OP(start(), dense, NULL, .units = 2, .activation = (enum hsgd_activation)4),
            "model \"m\", layer 1 (dense): activation 4 is not one of none, relu, tanh, sigmoid");
    refused(HSGD_OP(start(), dense, NULL, .units = 2, .init = (enum hsgd_init) - 1),
            "model \"m\", layer 1 (dense): init -1 is not one of glorot, he, zero, one");
    refused(HSGD_OP(start(), reduce, NULL, .axes = { .count = HSGD_MAX_INTS + 1 }),
            "model \"m\", layer 1 (reduce): axes has 65 values, not 0 to 64");
    refused(loss_of(start_with(hsgd_vector(1))),
            "model \"m\", layer 1 (softmax_cross_entropy): the input must be C >= 2 scores per sample, not 1");
    refused(HSGD_OP(loss_of(start_with(hsgd_vector(4))), flatten, NULL), "model \"m\" (flatten): input 1 is a loss");
    CHECK(!hsgd_model_by_name(ctx, "resnet", image, 10));
    CHECK_STR(hsgd_error(ctx),
              "model \"resnet\" is not one of linear, mlp, mlp-small, lenet, cifar-cnn, resnet8, resnet20, char-lstm, "
              "seq-rnn, char-gpt, mobile-cnn, tabular, translate, detector");
    hsgd_destroy(&ctx);
}

/* Layers are counted as the application applied them, in whatever layout the
 * library runs them. */
static void numbers_layers_as_applied(void)
{
    ctx = core_context("cpu", 1, false);
    refused(conv(HSGD_OP(conv(start(), 6, 5, 2), max_pool, NULL, .kernel = 2), 0, 5, 0),
            "model \"m\", layer 3 (conv2d): out_channels must be in 1..65536, not 0");
    hsgd_destroy(&ctx);
}

static void names_are_unique(void)
{
    ctx = core_context("cpu", 1, false);
    refused(HSGD_OP(HSGD_OP(start(), dense, "a", .units = 4), dense, "a", .units = 4),
            "model \"m\", layer 2 (dense): another layer is called \"a\"");
    hsgd_destroy(&ctx);
}

/* Attributes are optional, also for several inputs, and may be lists. */
static void attributes_by_name(void)
{
    ctx = core_context("cpu", 1, false);
    struct hsgd_type t;
    struct hsgd_value *x = start_with(hsgd_image(4, 4, 6)), *y = HSGD_OP(x, avg_pool, NULL, .kernel = 2);
    CHECK(!hsgd_type_of(y, &t) && t.dim[0] == 2 && t.dim[1] == 2 && t.dim[2] == 6);
    x = HSGD_OP(x, reshape, NULL, .dims = { 4, { 2, 2, -1, 6 } });
    CHECK(!hsgd_type_of(x, &t) && t.rank == 4 && t.dim[2] == 4);
    y = hsgd_output(HSGD_OP(x, split, NULL, .sizes = { 3, { 1, 3, 2 } }), 1);
    CHECK(!hsgd_type_of(y, &t) && t.dim[3] == 3);
    y = HSGD_JOIN(HSGD_OF(x, x, y), concat, "all");
    CHECK(!hsgd_type_of(y, &t) && t.dim[3] == 15);
    struct hsgd_model_layer l;
    CHECK(!hsgd_model_layer_get(building, 3, &l, sizeof l) && l.inputs == 3 && l.outputs == 1 && l.out[0].dim[3] == 15);
    CHECK_STR(l.name, "all");
    CHECK_STR(l.from[0], "reshape1");
    CHECK_STR(l.from[2], "split1:1");
    CHECK(!hsgd_model_layer_get(building, 0, &l, sizeof l) && l.in[0].dim[0] == 4 && l.out[0].dim[0] == 2);
    CHECK_STR(l.from[0], "x");
    CHECK(!HSGD_JOIN(HSGD_OF(y, loss_of(y)), softmax_cross_entropy, NULL, .has_ignore = true, .ignore = -1));
    hsgd_model_destroy(&building);
    hsgd_destroy(&ctx);
}

static void weights_by_name(void)
{
    ctx = core_context("cpu", 1, false);
    struct hsgd_value *x = HSGD_OP(start_with(hsgd_vector(6)), dense, NULL, .units = 5, .activation = HSGD_RELU);
    struct hsgd_model *m = building;
    x = HSGD_OP(x, dense, "last", .units = 3, .no_bias = true);
    CHECK(hsgd_model_initialise(m, 1) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "model \"m\" has no loss");
    hsgd_loss(loss_of(x));
    CHECK(hsgd_model_initialise(m, 1) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "model \"m\" is not finished");
    REQUIRE(!hsgd_model_finish(m));
    static const char *const names[] = { "dense1.weight", "dense1.bias", "last.weight" };
    static const int sizes[] = { 30, 5, 15 };
    CHECK(hsgd_model_weight_count(m) == 3 && hsgd_model_parameters(m) == 50 && hsgd_model_layers(m) == 3);
    CHECK(!hsgd_model_weight_name(m, 3) && !hsgd_model_weight_name(m, -1));
    for (int i = 0; i < 3; i++) {
        float in[30], out[30];
        CHECK_STR(hsgd_model_weight_name(m, i), names[i]);
        CHECK(hsgd_model_weight_size(m, names[i]) == sizes[i]);
        for (int k = 0; k < sizes[i]; k++) in[k] = (float)(100 * i + k);
        CHECK(!hsgd_model_set_weight(m, names[i], in, sizes[i]));
        CHECK(!hsgd_model_get_weight(m, names[i], out, sizes[i]));
        CHECK(!memcmp(in, out, (size_t)sizes[i] * sizeof *in));
    }
    float all[50];
    CHECK(hsgd_model_weight_size(m, "dense2.weight") == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "model \"m\" has no weight \"dense2.weight\"");
    CHECK(hsgd_model_get_weight(m, "last.bias", all, 3) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "model \"m\" has no weight \"last.bias\"");
    CHECK(hsgd_model_set_weight(m, "dense1.bias", all, 6) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "weight \"dense1.bias\" has 5 floats, not 6");
    hsgd_model_destroy(&m);
    CHECK(m == NULL);
    hsgd_destroy(&ctx);
}

static void digests(void)
{
    char a[65], b[65], c[65];
    ctx = core_context("cpu", 1, false);
    struct hsgd_model *m = hsgd_model_by_name(ctx, "lenet", image, 10);
    struct hsgd_model *n = hsgd_model_by_name(ctx, "lenet", image, 10);
    REQUIRE(m && n);
    CHECK(!hsgd_model_digest(m, a) && !hsgd_model_digest(n, b));
    CHECK(strlen(a) == 64 && strspn(a, "0123456789abcdef") == 64);
    CHECK_STR(a, b);
    CHECK(!hsgd_model_initialise(m, 5) && !hsgd_model_digest(m, c));
    CHECK(strcmp(a, c));
    CHECK(!hsgd_model_initialise(n, 5) && !hsgd_model_digest(n, b));
    CHECK_STR(b, c);
    float w = 0;
    int64_t size = hsgd_model_weight_size(m, "fc3.bias");
    float bias[10];
    REQUIRE(size == 10 && !hsgd_model_get_weight(m, "fc3.bias", bias, 10));
    w = bias[9];
    bias[9] = nextafterf(w, 1);
    CHECK(!hsgd_model_set_weight(m, "fc3.bias", bias, 10) && !hsgd_model_digest(m, a));
    CHECK(strcmp(a, c));
    bias[9] = w;
    CHECK(!hsgd_model_set_weight(m, "fc3.bias", bias, 10) && !hsgd_model_digest(m, a));
    CHECK_STR(a, c);
    CHECK(!hsgd_model_initialise(m, 0) && !hsgd_model_digest(m, a));
    hsgd_model_destroy(&m);
    hsgd_model_destroy(&n);
    hsgd_destroy(&ctx);
}

/* Uniform within the bound: none outside, some close to it, mean 0. */
static void check_draw(struct hsgd_model *m, const char *name, int64_t count, double bound)
{
    float *w = malloc((size_t)count * sizeof *w);
    double most = 0, sum = 0;
    REQUIRE(hsgd_model_weight_size(m, name) == count && !hsgd_model_get_weight(m, name, w, count));
    for (int64_t i = 0; i < count; i++) {
        most = fmax(most, fabs(w[i]));
        sum += w[i];
    }
    CHECK_MSG(most <= bound * 1.000001 && most >= 0.9 * bound, "%s: up to %g, bound %g", name, most, bound);
    CHECK_MSG(fabs(sum / (double)count) <= 5 * bound / sqrt(3.0 * (double)count), "%s: mean %g", name,
              sum / (double)count);
    free(w);
}

static void initial_weights(void)
{
    ctx = core_context("cpu", 1, false);
    struct hsgd_model *m = hsgd_model_by_name(ctx, "lenet", image, 10);
    for (uint64_t seed = 0; seed < 3; seed++) {
        CHECK(!hsgd_model_initialise(m, seed));
        check_draw(m, "conv1.weight", 150, sqrt(6.0 / (25 + 150)));
        check_draw(m, "conv2.weight", 2400, sqrt(6.0 / (150 + 400)));
        check_draw(m, "fc1.weight", 48000, sqrt(6.0 / (400 + 120)));
        check_draw(m, "fc2.weight", 10080, sqrt(6.0 / (120 + 84)));
        check_draw(m, "fc3.weight", 840, sqrt(6.0 / (84 + 10)));
        float bias[120];
        CHECK(!hsgd_model_get_weight(m, "fc1.bias", bias, 120));
        for (int i = 0; i < 120; i++) CHECK(bias[i] == 0);
    }
    hsgd_model_destroy(&m);
    struct hsgd_value *x = start_with(hsgd_vector(54));
    x = HSGD_OP(HSGD_OP(x, dense, NULL, .units = 300, .init = HSGD_INIT_HE), dense, NULL, .units = 10,
                .init = HSGD_INIT_ZERO);
    REQUIRE((m = core_classifier(building, x)));
    check_draw(m, "dense1.weight", 54 * 300, sqrt(6.0 / 54));
    static float weight[3000];
    CHECK(!hsgd_model_get_weight(m, "dense2.weight", weight, 3000) && core_norm(weight, 3000) == 0);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

static void built_in_models(void)
{
    static const struct {
        const char *name;
        struct hsgd_shape in;
        int64_t parameters;
        int weights;
    } want[] = { { "linear", { 28, 28, 1 }, 7850, 2 },        { "mlp", { 28, 28, 1 }, 535818, 6 },
                 { "mlp-small", { 28, 28, 1 }, 109386, 6 },   { "lenet", { 28, 28, 1 }, 61706, 10 },
                 { "cifar-cnn", { 32, 32, 3 }, 319178, 10 },  { "resnet8", { 32, 32, 3 }, 78723, 56 },
                 { "resnet20", { 32, 32, 3 }, 274063, 128 },  { "char-lstm", { 1, 1, 100 }, 233354, 11 },
                 { "seq-rnn", { 1, 1, 9 }, 67594, 11 },       { "char-gpt", { 1, 1, 9 }, 1830912, 52 },
                 { "mobile-cnn", { 32, 32, 3 }, 139733, 68 }, { "tabular", { 1, 1, 32 }, 110349, 20 },
                 { "translate", { 1, 1, 9 }, 242560, 75 },    { "detector", { 64, 64, 3 }, 108485, 42 } };
    ctx = core_context("cpu", 1, false);
    for (int i = 0; i < (int)(sizeof want / sizeof *want); i++) {
        CHECK_STR(hsgd_model_name_at(i), want[i].name);
        struct hsgd_model *m = hsgd_model_by_name(ctx, want[i].name, want[i].in, 10);
        REQUIRE(m);
        CHECK_MSG(hsgd_model_parameters(m) == want[i].parameters, "%s has %lld parameters", want[i].name,
                  (long long)hsgd_model_parameters(m));
        CHECK(hsgd_model_weight_count(m) == want[i].weights);
        hsgd_model_destroy(&m);
    }
    CHECK(!hsgd_model_name_at((int)(sizeof want / sizeof *want)) && !hsgd_model_name_at(-1));
    struct hsgd_model *m = hsgd_model_by_name(ctx, "lenet", (struct hsgd_shape){ 32, 32, 3 }, 10);
    CHECK(m && hsgd_model_parameters(m) == 61706 + 300);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

/* As torchvision's. */
static void names_of_resnets(void)
{
    static const struct {
        const char *name;
        int64_t size;
    } want[] = { { "conv1.weight", 16 * 3 * 9 },
                 { "bn1.running_mean", 16 },
                 { "bn1.num_batches_tracked", 1 },
                 { "layer1.2.conv2.weight", 16 * 16 * 9 },
                 { "layer2.0.downsample.0.weight", 32 * 16 },
                 { "layer2.0.downsample.1.running_var", 32 },
                 { "layer3.2.bn2.bias", 64 },
                 { "fc.weight", 640 } };
    ctx = core_context("none", 1, false);
    struct hsgd_model *m = hsgd_model_by_name(ctx, "resnet20", (struct hsgd_shape){ 32, 32, 3 }, 10);
    if (!CHECK_MSG(m != NULL, "%s", hsgd_error(ctx))) core_end();
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        CHECK_MSG(hsgd_model_weight_size(m, want[i].name) == want[i].size, "%s", want[i].name);
    CHECK(hsgd_model_weight_size(m, "conv1.bias") == -EINVAL);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

static void one_trainer_per_model(void)
{
    ctx = core_context("cpu", 1, false);
    struct hsgd_model *m = hsgd_model_by_name(ctx, "linear", image, 10);
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    CHECK(t && !hsgd_trainer_create(m, &o));
    CHECK_STR(hsgd_error(ctx), "model \"linear\" is in use by another trainer");
    hsgd_trainer_destroy(&t);
    t = hsgd_trainer_create(m, &o);
    CHECK(t != NULL);
    hsgd_trainer_destroy(&t);
    start();
    CHECK(!hsgd_trainer_create(building, &o));
    CHECK_STR(hsgd_error(ctx), "model \"m\" has no loss");
    hsgd_model_destroy(&building);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

static const struct core_case cases[] = { { "builders_pass_null_on", builders_pass_null_on },
                                          { "refuses_bad_attributes", refuses_bad_attributes },
                                          { "numbers_layers_as_applied", numbers_layers_as_applied },
                                          { "names_are_unique", names_are_unique },
                                          { "attributes_by_name", attributes_by_name },
                                          { "weights_by_name", weights_by_name },
                                          { "digests", digests },
                                          { "initial_weights", initial_weights },
                                          { "built_in_models", built_in_models },
                                          { "names_of_resnets", names_of_resnets },
                                          { "one_trainer_per_model", one_trainer_per_model } };
CORE_MAIN(cases)
