/* SPDX-License-Identifier: BSD-3-Clause */
/* A table with categories and missing values: three hidden layers with batch norm, a validation set, and a table
 * of confusions from an inference session.  It is the network of models/tabular.yaml.
 *
 *     cc -O2 tabular.c $(pkg-config --cflags --libs hsgd) -o tabular
 *     ./tabular [CSV [EPOCHS [WEIGHTS]]]
 *
 * CSV has the names of the columns in its first line and the class of a row in the column "label", or in the last one.
 * Columns with text become one feature for each of their values, missing numbers the median; without CSV the built-in
 * digits are used.  WEIGHTS, a safetensors file, is written at the end.  DEVICES=cpu or DEVICES=cpu,cuda in the
 * environment selects devices; without it all are used. */
#include <hsgd/hsgd.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool progress(void *user, const struct hsgd_progress *p)
{
    (void)user;
    if (p->epoch_end)
        printf("epoch %d of %d: loss %.4f, validation accuracy %.2f %%\n", p->epoch, p->epochs, p->loss,
               100 * p->validation_accuracy);
    return true;
}

/* Batch norm has an offset, so dense needs none. */
static struct hsgd_value *hidden(struct hsgd_value *x, const char *name, const char *norm, int units)
{
    x = HSGD_OP(x, dense, name, .units = units, .no_bias = true);
    x = HSGD_OP(x, batch_norm, norm);
    return HSGD_OP(x, relu, NULL);
}

/* Calls pass errors on, up to hsgd_trainer_create(). */
static struct hsgd_model *build(struct hsgd_context *ctx, const struct hsgd_data *data)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "tabular");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_data_type(data, "x"));
    struct hsgd_value *label = hsgd_target(m, "label", hsgd_data_type(data, "label"));
    x = HSGD_OP(x, flatten, NULL);
    x = hidden(x, "fc1", "bn1", 256);
    x = hidden(x, "fc2", "bn2", 256);
    x = hidden(x, "fc3", "bn3", 128);
    x = HSGD_OP(x, dropout, NULL, .p = 0.1f);
    x = HSGD_OP(x, dense, "fc4", .units = hsgd_data_classes(data));
    hsgd_loss(HSGD_JOIN(HSGD_OF(x, label), softmax_cross_entropy, NULL));
    hsgd_model_finish(m);
    return m;
}

/* How many samples of each class are taken for which, by one run of an inference session. */
static int confusions(struct hsgd_model *model, const struct hsgd_data *train, const struct hsgd_data *data)
{
    int classes = hsgd_data_classes(train), count[classes][classes];
    struct hsgd_type type = hsgd_data_type(data, "x");
    int64_t n = hsgd_data_count(data), features = hsgd_type_size(&type);
    float *x = calloc((size_t)n, (size_t)features * sizeof *x), (*p)[classes] = calloc((size_t)n, sizeof *p);
    int32_t *label = calloc((size_t)n, sizeof *label);
    struct hsgd_normalisation *norm = hsgd_data_statistics(train); /* that of training */
    struct hsgd_session *s = hsgd_session_create(model, NULL);
    for (int64_t i = 0; x && label && i < n; i++) hsgd_data_gather(data, &i, 1, norm, x + i * features, &label[i]);
    int err = x && p && label ? hsgd_session_run(s, n, HSGD_FIELDS(x), HSGD_RESULTS(p)) : -1;
    memset(count, 0, sizeof count);
    for (int64_t i = 0; !err && i < n; i++) {
        int best = 0;
        for (int k = 1; k < classes; k++)
            if (p[i][k] > p[i][best]) best = k;
        count[label[i]][best]++;
    }
    for (int i = 0; !err && i < classes; i++) {
        printf("%-12s", hsgd_data_class_name(train, i));
        for (int k = 0; k < classes; k++) printf(" %5d", count[i][k]);
        putchar('\n');
    }
    hsgd_session_destroy(&s);
    hsgd_normalisation_destroy(&norm);
    free(x), free(p), free(label);
    return err;
}

int main(int argc, char **argv)
{
    struct hsgd_context *ctx;
    struct hsgd_data *data = NULL, *train = NULL, *held = NULL;
    struct hsgd_data_options *table = HSGD_OPTIONS(data, .format = "csv", .categorical = "auto", .impute = "median");
    struct hsgd_train_options o;
    int epochs = argc > 2 ? atoi(argv[2]) : 10;
    if (argc > 4 || epochs < 1) return fputs("usage: tabular [CSV [EPOCHS [WEIGHTS]]]\n", stderr), 2;

    int err = hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = getenv("DEVICES")));
    if (!err && argc > 1) err = hsgd_data_read(ctx, argv[1], table, &data, NULL);
    else if (!err) err = hsgd_data_read(ctx, "digits", NULL, &data, NULL);
    if (!err) err = hsgd_data_split(ctx, data, hsgd_data_count(data) / 5, 0, &held, &train);
    struct hsgd_model *model = err ? NULL : build(ctx, train);
    hsgd_train_defaults(&o, sizeof o);
    o.epochs = epochs;
    o.batch_size = 256;
    o.optimizer = HSGD_ADAMW;
    o.learning_rate = 3e-3f;
    o.weight_decay = 0.02f;
    o.schedule = HSGD_COSINE;
    o.progress = progress;
    struct hsgd_trainer *trainer = hsgd_trainer_create(model, &o);
    if (!err) err = hsgd_fit(trainer, train, held, NULL, 0);
    if (!err) err = confusions(model, train, held);
    if (!err && argc > 3) err = hsgd_model_save(model, argv[3]);
    if (err) fprintf(stderr, "tabular: %s\n", hsgd_error(ctx));
    hsgd_trainer_destroy(&trainer);
    hsgd_model_destroy(&model);
    hsgd_data_destroy(&train);
    hsgd_data_destroy(&held);
    hsgd_data_destroy(&data);
    hsgd_destroy(&ctx);
    return err != 0;
}
