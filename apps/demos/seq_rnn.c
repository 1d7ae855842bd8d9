/* SPDX-License-Identifier: BSD-3-Clause */
/* Sequences of different lengths, made in memory: a GRU in both directions learns which brackets are well formed,
 * "([]{})" but not "([]{])".  Batches are of similar lengths.  It is the network of models/seq-rnn.yaml.
 *
 *     cc -O2 seq_rnn.c $(pkg-config --cflags --libs hsgd) -o seq_rnn
 *     ./seq_rnn [EPOCHS [WEIGHTS [TEXT...]]]
 *
 * WEIGHTS, a safetensors file, is written at the end, and each TEXT is classified in an inference session.  DEVICES=cpu
 * or DEVICES=cpu,cuda in the environment selects devices; without it all are used. */
#include <hsgd/hsgd.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 11000, HELD_OUT = 1000, LENGTH = 24, TOKENS = 256, CLASSES = 2 };

static bool progress(void *user, const struct hsgd_progress *p)
{
    (void)user;
    if (p->epoch_end)
        printf("epoch %d of %d: loss %.4f, accuracy %.2f %%, %.0f samples/s\n", p->epoch, p->epochs, p->loss,
               100 * p->train_accuracy, p->samples_per_second);
    return true;
}

/* Well-formed brackets, or the same with another one in one place.  The rest of x is padding. */
static void make(int32_t *x, int32_t *length, int32_t *well_formed)
{
    static const char open[] = "([{", closed[] = ")]}", all[] = "([{)]}";
    int stack[LENGTH], depth = 0;
    *length = 2 + 2 * (rand() % (LENGTH / 2));
    for (int i = 0; i < *length; i++)
        if (depth == 0 || (depth < *length - i && rand() % 2)) x[i] = open[stack[depth++] = rand() % 3];
        else x[i] = closed[stack[--depth]];
    *well_formed = rand() % 2;
    int32_t *at = x + rand() % *length, was = *at;
    while (!*well_formed && *at == was) *at = all[rand() % 6];
}

static struct hsgd_data *make_data(struct hsgd_context *ctx)
{
    static int32_t x[SAMPLES][LENGTH], length[SAMPLES], label[SAMPLES];
    const struct hsgd_data_field field[] = {
        { .size = sizeof *field, .name = "x", .type = hsgd_tokens(LENGTH), .classes = TOKENS },
        { .size = sizeof *field, .name = "length", .type = hsgd_number(HSGD_I32) },
        { .size = sizeof *field, .name = "label", .type = hsgd_number(HSGD_I32), .classes = CLASSES },
    };
    for (int i = 0; i < SAMPLES; i++) make(x[i], &length[i], &label[i]);
    return hsgd_data_arrays(ctx, SAMPLES, 3, field, HSGD_FIELDS(x, length, label), HSGD_BORROW);
}

/* Of any length.  Calls pass errors on, up to hsgd_trainer_create(). */
static struct hsgd_model *build(struct hsgd_context *ctx)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "seq-rnn");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_tokens(HSGD_ANY));
    struct hsgd_value *length = hsgd_input(m, "length", hsgd_number(HSGD_I32));
    struct hsgd_value *label = hsgd_target(m, "label", hsgd_number(HSGD_I32));
    x = HSGD_OP(x, embedding, "embed", .entries = TOKENS, .channels = 64);
    x = HSGD_JOIN(HSGD_OF(x, length), gru, "gru", .hidden = 64, .bidirectional = true);
    x = HSGD_JOIN(HSGD_OF(x, length), max_positions, NULL);
    x = HSGD_OP(x, dropout, NULL, .p = 0.2f);
    x = HSGD_OP(x, dense, "fc", .units = CLASSES);
    hsgd_loss(HSGD_JOIN(HSGD_OF(x, label), softmax_cross_entropy, NULL));
    hsgd_result(x, "logits");
    hsgd_model_finish(m);
    return m;
}

/* Each text by itself, in its length. */
static int classify(struct hsgd_model *model, int n, char **text)
{
    struct hsgd_session *s =
        hsgd_session_create(model, HSGD_OPTIONS(session, .result = (const char *[]){ "output", NULL }));
    int err = 0;
    for (int i = 0; !err && i < n; i++) {
        int32_t length = (int32_t)strlen(text[i]), x[length + 1];
        float p[CLASSES];
        for (int k = 0; k < length; k++) x[k] = (unsigned char)text[i][k];
        err = hsgd_session_set_types(s, 2, (struct hsgd_type[]){ hsgd_tokens(length), hsgd_number(HSGD_I32) });
        if (!err) err = hsgd_session_run(s, 1, HSGD_FIELDS(x, &length), HSGD_RESULTS(p));
        if (!err) printf("%s: well formed with %.1f %%\n", text[i], 100 * p[1]);
    }
    hsgd_session_destroy(&s);
    return err;
}

int main(int argc, char **argv)
{
    struct hsgd_context *ctx;
    struct hsgd_data *train = NULL, *test = NULL;
    struct hsgd_train_options o;
    double loss, accuracy;
    int epochs = argc > 1 ? atoi(argv[1]) : 8;
    if (epochs < 1) return fputs("usage: seq_rnn [EPOCHS [WEIGHTS [TEXT...]]]\n", stderr), 2;

    int err = hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = getenv("DEVICES")));
    struct hsgd_data *data = err ? NULL : make_data(ctx);
    if (!err) err = hsgd_data_split(ctx, data, HELD_OUT, 0, &test, &train);
    struct hsgd_model *model = err ? NULL : build(ctx);
    hsgd_train_defaults(&o, sizeof o);
    o.epochs = epochs;
    o.batch_size = 64;
    o.learning_rate = 5e-3f;
    o.schedule = HSGD_COSINE;
    o.clip_norm = 1;
    o.progress = progress;
    struct hsgd_trainer *trainer = hsgd_trainer_create(model, &o);
    if (!err) err = hsgd_fit(trainer, train, NULL, NULL, 0);
    if (!err) err = hsgd_trainer_evaluate(trainer, test, &loss, &accuracy);
    if (!err) printf("test accuracy %.2f %%, loss %.4f\n", 100 * accuracy, loss);
    if (!err && argc > 2) err = hsgd_model_save(model, argv[2]);
    if (!err && argc > 3) err = classify(model, argc - 3, argv + 3);
    if (err) fprintf(stderr, "seq_rnn: %s\n", hsgd_error(ctx));
    hsgd_trainer_destroy(&trainer);
    hsgd_model_destroy(&model);
    hsgd_data_destroy(&train);
    hsgd_data_destroy(&test);
    hsgd_data_destroy(&data);
    hsgd_destroy(&ctx);
    return err != 0;
}
