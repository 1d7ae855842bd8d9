/* SPDX-License-Identifier: BSD-3-Clause */
/* Steps of plain SGD on given batches, of a model of any fields, for torch_recurrent.py:
 *
 *   field_steps MODEL.yaml WEIGHTS BATCHES BATCH_SIZE STEPS RATE OUT
 *
 * BATCHES has the samples of all fields, one field after the other, for each step.
 * Prints the loss of each step, and writes the weights to OUT. */
#include <hsgd/hsgd.h>

#include <stdio.h>
#include <stdlib.h>

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
    if (argc != 8) return 2;
    FILE *batches = fopen(argv[3], "rb");
    int err = hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = "cpu"));
    struct hsgd_model *m = err ? NULL : hsgd_model_by_name(ctx, argv[1], (struct hsgd_shape){ 0 }, 2);
    hsgd_train_defaults(&o, sizeof o);
    o.batch_size = atoi(argv[4]);
    o.optimizer = HSGD_SGD;
    o.learning_rate = strtof(argv[6], NULL);
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    bool good = batches && t && !hsgd_model_load(m, argv[2]) &&
                !take_steps(m, t, batches, o.batch_size, atoi(argv[5])) && !hsgd_model_save(m, argv[7]);
    if (!good) fprintf(stderr, "field_steps: %s\n", hsgd_error(ctx));
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
    if (batches) fclose(batches);
    return !good;
}
