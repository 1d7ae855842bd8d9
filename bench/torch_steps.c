/* SPDX-License-Identifier: BSD-3-Clause */
/* Steps of plain SGD on given batches, for torch_steps.py:
 *
 *   torch_steps MODEL SHAPE CLASSES WEIGHTS BATCHES BATCH_SIZE STEPS RATE OUT
 *
 * SHAPE is 28x28x1, or 0 where the model is a file that has the types of its inputs.
 * BATCHES has the samples of all fields, one field after the other, for each step.
 * Prints the loss of each step, and writes the weights to OUT. */
#include <hsgd/hsgd.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 16 };

static int take_steps(const struct hsgd_model *m, struct hsgd_trainer *t, FILE *batches, int batch, int steps)
{
    void *field[MOST] = { 0 };
    size_t bytes[MOST];
    bool good = hsgd_model_fields(m) <= MOST;
    for (int i = 0; good && i < hsgd_model_fields(m); i++) {
        struct hsgd_model_field f;
        hsgd_model_field_get(m, i, &f, sizeof f);
        bytes[i] = (size_t)(batch * hsgd_type_bytes(&f.type));
        good = (field[i] = malloc(bytes[i])) != NULL;
    }
    for (int k = 0; good && k < steps; k++) {
        double loss;
        for (int i = 0; good && i < hsgd_model_fields(m); i++) good = fread(field[i], bytes[i], 1, batches) == 1;
        good = good && !hsgd_trainer_step(t, batch, (const void *const *)field, &loss);
        if (good) printf("%.9g\n", loss);
    }
    for (int i = 0; i < MOST; i++) free(field[i]);
    return good ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct hsgd_context *ctx;
    struct hsgd_train_options o;
    struct hsgd_shape shape = { 0 };
    if (argc != 10 || (sscanf(argv[2], "%dx%dx%d", &shape.h, &shape.w, &shape.c) != 3 && strcmp(argv[2], "0")))
        return 2;
    FILE *batches = fopen(argv[5], "rb");
    int err = hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = "cpu"));
    struct hsgd_model *m = err ? NULL : hsgd_model_by_name(ctx, argv[1], shape, atoi(argv[3]));
    hsgd_train_defaults(&o, sizeof o);
    o.batch_size = atoi(argv[6]);
    o.optimizer = HSGD_SGD;
    o.learning_rate = strtof(argv[8], NULL);
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    bool good = batches && t && !hsgd_model_load(m, argv[4]) &&
                !take_steps(m, t, batches, o.batch_size, atoi(argv[7])) && !hsgd_model_save(m, argv[9]);
    if (!good) fprintf(stderr, "torch_steps: %s\n", hsgd_error(ctx));
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
    if (batches) fclose(batches);
    return !good;
}
