/* SPDX-License-Identifier: BSD-3-Clause */
/* A small encoder and decoder (Vaswani et al. 2017) learns to translate texts, then translates some: the encoder runs
 * once, the decoder once for each character, in an inference session that keeps keys and values.  It is the network of
 * models/translate.yaml.
 *
 *     cc -O2 translate.c $(pkg-config --cflags --libs hsgd) -o translate
 *     ./translate dates|PAIRS [EPOCHS [WEIGHTS [TEXT...]]]
 *
 * PAIRS has lines of a source, a tab and its target, in UTF-8; the last tenth is for validation.  WEIGHTS, a safetensors
 * file, is written at the end.  DEVICES=cpu or DEVICES=cpu,cuda in the environment selects devices; without it all are
 * used. */
#include <hsgd/hsgd.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH = 64, CHANNELS = 64, HEADS = 4, LAYERS = 2, START = 0, END = 1 };

static bool progress(void *user, const struct hsgd_progress *p)
{
    (void)user;
    if (p->epoch_end)
        printf("epoch %d of %d: loss %.4f, validation %.4f, %.0f samples/s\n", p->epoch, p->epochs, p->loss,
               p->validation_loss, p->samples_per_second);
    return true;
}

/* x + mlp(norm(x)). */
static struct hsgd_value *mlp(struct hsgd_value *x, const char *norm)
{
    struct hsgd_value *y = HSGD_OP(x, layer_norm, norm);
    y = HSGD_OP(y, dense, "linear1", .units = 4 * CHANNELS, .activation = HSGD_RELU);
    y = HSGD_OP(y, dense, "linear2", .units = CHANNELS);
    return HSGD_JOIN(HSGD_OF(y, x), add, NULL);
}

/* x + attention(norm(x)) to the same text: all of a source, or what is before in a target. */
static struct hsgd_value *self_attention(struct hsgd_value *x, struct hsgd_value *length)
{
    struct hsgd_value *y = HSGD_OP(x, layer_norm, "norm1");
    y = HSGD_OP(y, dense, "self_attn.in_proj", .units = 3 * CHANNELS);
    if (length) y = HSGD_JOIN(HSGD_OF(y, length), attention, NULL, .heads = HEADS);
    else y = HSGD_OP(y, attention, NULL, .heads = HEADS, .causal = true, .context = LENGTH);
    y = HSGD_OP(y, dense, "self_attn.out_proj", .units = CHANNELS);
    return HSGD_JOIN(HSGD_OF(y, x), add, "self_attn");
}

/* The same to what the encoder makes. */
static struct hsgd_value *cross_attention(struct hsgd_value *x, struct hsgd_value *memory, struct hsgd_value *length)
{
    struct hsgd_value *y = HSGD_OP(x, layer_norm, "norm2");
    struct hsgd_value *q = HSGD_OP(y, dense, "multihead_attn.q_proj", .units = CHANNELS);
    struct hsgd_value *k = HSGD_OP(memory, dense, "multihead_attn.k_proj", .units = CHANNELS);
    struct hsgd_value *v = HSGD_OP(memory, dense, "multihead_attn.v_proj", .units = CHANNELS);
    y = HSGD_JOIN(HSGD_OF(q, k, v, length), attention, NULL, .heads = HEADS);
    y = HSGD_OP(y, dense, "multihead_attn.out_proj", .units = CHANNELS);
    return HSGD_JOIN(HSGD_OF(y, x), add, "multihead_attn");
}

static struct hsgd_value *encoder(struct hsgd_model *m, struct hsgd_value *x, struct hsgd_value *length)
{
    x = HSGD_OP(x, positions, "encoder.positions", .length = LENGTH);
    for (int i = 0; i < LAYERS; i++) {
        hsgd_enter(m, "encoder.layers.%d", i);
        x = mlp(self_attention(x, length), "norm2");
        hsgd_leave(m);
    }
    return HSGD_OP(x, layer_norm, "encoder.norm");
}

static struct hsgd_value *decoder(struct hsgd_model *m, struct hsgd_value *x, struct hsgd_value *memory,
                                  struct hsgd_value *length)
{
    x = HSGD_OP(x, positions, "decoder.positions", .length = LENGTH);
    for (int i = 0; i < LAYERS; i++) {
        hsgd_enter(m, "decoder.layers.%d", i);
        x = mlp(cross_attention(self_attention(x, NULL), memory, length), "norm3");
        hsgd_leave(m);
    }
    return HSGD_OP(x, layer_norm, "decoder.norm");
}

/* Calls pass errors on, up to hsgd_trainer_create(). */
static struct hsgd_model *build(struct hsgd_context *ctx, int classes)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "translate");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_tokens(HSGD_ANY));
    struct hsgd_value *length = hsgd_input(m, "length", hsgd_number(HSGD_I32));
    struct hsgd_value *previous = hsgd_input(m, "previous", hsgd_tokens(HSGD_ANY));
    struct hsgd_value *label = hsgd_target(m, "label", hsgd_tokens(HSGD_ANY));
    struct hsgd_value *table = HSGD_OP(x, embedding, "embedding", .entries = classes, .channels = CHANNELS);
    struct hsgd_value *memory = encoder(m, table, length);
    previous = HSGD_OP(previous, embedding, "embedding_previous", .entries = classes, .channels = CHANNELS);
    hsgd_share(previous, table);
    struct hsgd_value *y = decoder(m, previous, memory, length);
    y = HSGD_OP(y, dense, "generator", .units = classes, .no_bias = true, .transposed = true);
    hsgd_share(y, table); /* scores are products with the tokens' vectors */
    hsgd_loss(HSGD_JOIN(HSGD_OF(y, label), softmax_cross_entropy, NULL, .has_ignore = true, .ignore = START));
    HSGD_JOIN(HSGD_OF(y, label), accuracy, NULL, .has_ignore = true, .ignore = START);
    HSGD_JOIN(HSGD_OF(y, label), perplexity, NULL, .has_ignore = true, .ignore = START);
    hsgd_result(y, "logits");
    hsgd_result(memory, "memory");
    hsgd_model_finish(m);
    return m;
}

/* Prints a text and its translation, the most probable character each time. */
static int translate(struct hsgd_model *model, const struct hsgd_record *record, struct hsgd_context *ctx, int classes,
                     const char *text)
{
    static const char *const memory[] = { "memory", NULL }, *const output[] = { "output", NULL };
    static float encoded[LENGTH * CHANNELS];
    float p[classes];
    int32_t x[LENGTH], n = 0, token = START;
    int64_t count;
    struct hsgd_session *first = hsgd_session_create(model, HSGD_OPTIONS(session, .result = memory));
    struct hsgd_session *each = hsgd_session_create(model, HSGD_OPTIONS(session, .result = output, .given = memory));
    int err = hsgd_record_encode(ctx, record, text, strlen(text), x, LENGTH, &count);
    if (!err) n = (int32_t)(count < LENGTH ? count : LENGTH);
    const struct hsgd_type types[] = { hsgd_tokens(n), hsgd_number(HSGD_I32), hsgd_tokens(1) };
    if (!err) err = hsgd_session_set_types(first, 3, types);
    if (!err) err = hsgd_session_set_types(each, 3, types);
    if (!err) err = hsgd_session_run(first, 1, HSGD_FIELDS(x, &n, NULL), HSGD_RESULTS(encoded));
    if (!err) printf("%s: ", text);
    for (int i = 0; !err && token != END && i < LENGTH; i++) {
        err = hsgd_session_run(each, 1, HSGD_FIELDS(NULL, &n, &token, encoded), HSGD_RESULTS(p));
        token = END;
        for (int k = END; k < classes; k++)
            if (p[k] > p[token]) token = k;
        if (!err && token != END) fputs(hsgd_record_decode(record, token, NULL), stdout);
    }
    putchar('\n');
    hsgd_session_destroy(&first);
    hsgd_session_destroy(&each);
    return err;
}

int main(int argc, char **argv)
{
    struct hsgd_context *ctx;
    struct hsgd_data *train = NULL, *test = NULL;
    struct hsgd_train_options o;
    int epochs = argc > 2 ? atoi(argv[2]) : 8;
    if (argc < 2 || epochs < 1) return fputs("usage: translate dates|PAIRS [EPOCHS [WEIGHTS [TEXT...]]]\n", stderr), 2;

    int err = hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = getenv("DEVICES")));
    const char *format = strcmp(argv[1], "dates") ? "pairs" : NULL;
    if (!err) err = hsgd_data_read(ctx, argv[1], HSGD_OPTIONS(data, .format = format), &train, &test);
    struct hsgd_model *model = err ? NULL : build(ctx, hsgd_data_classes(train));
    hsgd_train_defaults(&o, sizeof o);
    o.epochs = epochs;
    o.batch_size = 64;
    o.learning_rate = 2e-3f;
    o.schedule = HSGD_COSINE;
    o.progress = progress;
    struct hsgd_trainer *trainer = hsgd_trainer_create(model, &o);
    if (!err) err = hsgd_fit(trainer, train, test, NULL, 0);
    if (!err && argc > 3) err = hsgd_model_save(model, argv[3]);
    struct hsgd_record *record = err ? NULL : hsgd_record_create(ctx, train);
    for (int i = 4; !err && i < argc; i++) err = translate(model, record, ctx, hsgd_data_classes(train), argv[i]);
    if (err) fprintf(stderr, "translate: %s\n", hsgd_error(ctx));
    hsgd_record_destroy(&record);
    hsgd_trainer_destroy(&trainer);
    hsgd_model_destroy(&model);
    hsgd_data_destroy(&train);
    hsgd_data_destroy(&test);
    hsgd_destroy(&ctx);
    return err != 0;
}
