/* SPDX-License-Identifier: BSD-3-Clause */
/* demo_models NAME CLASSES FILE: whether the network in a file of weights is the built-in one of this name: the same text
 * (layers, attributes, what they read), weights in the same order with the same sizes, drawn alike from a seed. */
#include <hsgd/hsgd.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int differ(const char *what, const char *a, const char *b)
{
    printf("%s: the file has\n%s\nand the built-in model\n%s\n", what, a, b);
    return 1;
}

/* What counts in a line: features are {n} or {1, 1, n}, and the loss may have another name. */
static const char *meaning(const char *line)
{
    const char *loss = strstr(line, ", label_smoothing: ");
    if (!strncmp(line, "inputs: {x: {type: f32, ", 24)) return "";
    return loss ? loss : line;
}

static int compare_text(const struct hsgd_model *a, const struct hsgd_model *b)
{
    char *of_a = hsgd_model_text(a), *of_b = hsgd_model_text(b), *at_a = of_a, *at_b = of_b;
    int code = !of_a || !of_b;
    while (!code && (at_a || at_b)) {
        const char *line_a = strsep(&at_a, "\n"), *line_b = strsep(&at_b, "\n");
        if (!line_a || !line_b || strcmp(meaning(line_a), meaning(line_b)))
            code = differ("line", line_a ? line_a : "none", line_b ? line_b : "none");
    }
    free(of_a), free(of_b);
    return code;
}

static int compare_weights(struct hsgd_model *a, struct hsgd_model *b)
{
    if (hsgd_model_weight_count(a) != hsgd_model_weight_count(b)) return puts("another number of weights"), 1;
    for (int i = 0; i < hsgd_model_weight_count(a); i++) {
        char of_a[80], of_b[80]; /* a name is valid until the next call */
        snprintf(of_a, sizeof of_a, "%s", hsgd_model_weight_name(a, i));
        snprintf(of_b, sizeof of_b, "%s", hsgd_model_weight_name(b, i));
        if (strcmp(of_a, of_b)) return differ("weight", of_a, of_b);
        if (hsgd_model_weight_size(a, of_a) != hsgd_model_weight_size(b, of_b)) return differ("size of", of_a, of_b);
    }
    return 0;
}

static int compare_seeds(struct hsgd_model *a, struct hsgd_model *b)
{
    char of_a[65], of_b[65];
    if (hsgd_model_initialise(a, 7) || hsgd_model_digest(a, of_a)) return 1;
    if (hsgd_model_initialise(b, 7) || hsgd_model_digest(b, of_b)) return 1;
    return strcmp(of_a, of_b) && differ("digest", of_a, of_b);
}

int main(int argc, char **argv)
{
    struct hsgd_context *ctx;
    if (argc != 4) return 2;
    int err = hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = "none")), code = 1;
    struct hsgd_model *a = err ? NULL : hsgd_model_open(ctx, argv[3]);
    struct hsgd_model *b = a ? hsgd_model_by_name(ctx, argv[1], hsgd_model_input(a), atoi(argv[2])) : NULL;
    if (b) code = compare_text(a, b) || compare_weights(a, b) || compare_seeds(a, b);
    else printf("%s\n", hsgd_error(ctx));
    hsgd_model_destroy(&a);
    hsgd_model_destroy(&b);
    hsgd_destroy(&ctx);
    return code;
}
