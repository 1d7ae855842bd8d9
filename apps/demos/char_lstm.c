/* SPDX-License-Identifier: BSD-3-Clause */
/* An LSTM of two layers learns a text character by character, then writes one in an inference session, which keeps the
 * state of the LSTM from run to run.  It is the network of models/char-lstm.yaml.
 *
 *     cc -O2 char_lstm.c $(pkg-config --cflags --libs hsgd) -o char_lstm
 *     ./char_lstm TEXT [EPOCHS [PROMPT [WEIGHTS]]]
 *
 * TEXT is a text in UTF-8, or a folder of texts; its last tenth is for validation.  WEIGHTS, a safetensors file, is
 * written at the end.  DEVICES=cpu or DEVICES=cpu,cuda in the environment selects devices; without it all are used. */
#include <hsgd/hsgd.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = 128, WRITTEN = 400 };

static bool progress(void *user, const struct hsgd_progress *p)
{
    (void)user;
    if (p->epoch_end)
        printf("epoch %d of %d: loss %.4f, validation %.4f, %.0f samples/s\n", p->epoch, p->epochs, p->loss,
               p->validation_loss, p->samples_per_second);
    return true;
}

/* Texts of any length.  Calls pass errors on, up to hsgd_trainer_create(). */
static struct hsgd_model *build(struct hsgd_context *ctx, int classes)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "char-lstm");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_tokens(HSGD_ANY));
    struct hsgd_value *label = hsgd_target(m, "label", hsgd_tokens(HSGD_ANY));
    x = HSGD_OP(x, embedding, "embed", .entries = classes, .channels = 64);
    x = HSGD_OP(x, lstm, "lstm", .hidden = 128, .layers = 2, .dropout = 0.1f);
    x = HSGD_OP(x, dense, "fc", .units = classes);
    hsgd_loss(HSGD_JOIN(HSGD_OF(x, label), softmax_cross_entropy, NULL));
    hsgd_result(x, "logits");
    hsgd_model_finish(m);
    return m;
}

/* A token, drawn with these probabilities. */
static int draw(const float *p, int classes)
{
    int i = 0;
    for (double left = rand() / (RAND_MAX + 1.0); i < classes - 1 && (left -= p[i]) >= 0;) i++;
    return i;
}

/* Prints the prompt and what follows, WRITTEN characters in all. */
static int generate(struct hsgd_context *ctx, struct hsgd_model *model, const struct hsgd_data *data,
                    const char *prompt)
{
    int classes = hsgd_data_classes(data);
    float p[classes];
    int32_t token[WRITTEN];
    int64_t given;
    size_t size;
    struct hsgd_record *record = hsgd_record_create(ctx, data);
    struct hsgd_session *s =
        hsgd_session_create(model, HSGD_OPTIONS(session, .result = (const char *[]){ "output", NULL }));
    int err = hsgd_record_encode(ctx, record, prompt, strlen(prompt), token, WRITTEN, &given);
    if (!err) err = hsgd_session_set_types(s, 1, (struct hsgd_type[]){ hsgd_tokens(1) });
    for (int i = 0; !err && i < WRITTEN; i++) {
        if (i >= given) token[i] = draw(p, classes);
        const char *text = hsgd_record_decode(record, token[i], &size);
        fwrite(text, 1, size, stdout);
        fflush(stdout);
        err = hsgd_session_run(s, 1, HSGD_FIELDS(&token[i]), HSGD_RESULTS(p));
    }
    putchar('\n');
    hsgd_session_destroy(&s);
    hsgd_record_destroy(&record);
    return err;
}

int main(int argc, char **argv)
{
    struct hsgd_context *ctx;
    struct hsgd_data *train = NULL, *test = NULL;
    struct hsgd_train_options o;
    int epochs = argc > 2 ? atoi(argv[2]) : 10;
    if (argc < 2 || argc > 5 || epochs < 1)
        return fputs("usage: char_lstm TEXT [EPOCHS [PROMPT [WEIGHTS]]]\n", stderr), 2;

    int err = hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = getenv("DEVICES")));
    if (!err) err = hsgd_data_read(ctx, argv[1], HSGD_OPTIONS(data, .format = "text", .window = WINDOW), &train, &test);
    struct hsgd_model *model = err ? NULL : build(ctx, hsgd_data_classes(train));
    hsgd_train_defaults(&o, sizeof o);
    o.epochs = epochs;
    o.batch_size = 16;
    o.learning_rate = 3e-3f;
    o.clip_norm = 1;
    o.schedule = HSGD_COSINE;
    o.progress = progress;
    struct hsgd_trainer *trainer = hsgd_trainer_create(model, &o);
    if (!err) err = hsgd_fit(trainer, train, test, NULL, 0);
    if (!err) err = generate(ctx, model, train, argc > 3 ? argv[3] : "\n");
    if (!err && argc > 4) err = hsgd_model_save(model, argv[4]);
    if (err) fprintf(stderr, "char_lstm: %s\n", hsgd_error(ctx));
    hsgd_trainer_destroy(&trainer);
    hsgd_model_destroy(&model);
    hsgd_data_destroy(&train);
    hsgd_data_destroy(&test);
    hsgd_destroy(&ctx);
    return err != 0;
}
