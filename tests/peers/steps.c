/* SPDX-License-Identifier: BSD-3-Clause */
/* Steps of plain SGD on given batches, for torch_resnet.py:
 *
 *   steps MODEL WEIGHTS BATCHES STEPS RATE OUT
 *
 * MODEL is for images of 32x32x3 and 10 classes.  BATCHES has 128 images of floats
 * and then their labels (int32) for each step.  Prints the loss of each step, and
 * writes the weights to OUT. */
#include <hsgd/hsgd.h>

#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 128, SIZE = 32 * 32 * 3, CLASSES = 10 };

static int take_steps(struct hsgd_trainer *t, FILE *batches, int steps)
{
    static float x[BATCH * SIZE];
    static int32_t labels[BATCH];
    for (int i = 0; i < steps; i++) {
        double loss;
        if (fread(x, sizeof x, 1, batches) != 1 || fread(labels, sizeof labels, 1, batches) != 1) return -1;
        if (hsgd_trainer_step(t, BATCH, HSGD_FIELDS(x, labels), &loss)) return -1;
        printf("%.9g\n", loss);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct hsgd_context *ctx;
    struct hsgd_train_options o;
    if (argc != 7) return 2;
    FILE *batches = fopen(argv[3], "rb");
    int err = hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = "cpu"));
    struct hsgd_model *m = err ? NULL : hsgd_model_by_name(ctx, argv[1], (struct hsgd_shape){ 32, 32, 3 }, CLASSES);
    hsgd_train_defaults(&o, sizeof o);
    o.batch_size = BATCH;
    o.optimizer = HSGD_SGD;
    o.learning_rate = strtof(argv[5], NULL);
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    bool good = batches && t && !hsgd_model_load(m, argv[2]) && !take_steps(t, batches, atoi(argv[4])) &&
                !hsgd_model_save(m, argv[6]);
    if (!good) fprintf(stderr, "steps: %s\n", hsgd_error(ctx));
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
    if (batches) fclose(batches);
    return !good;
}
