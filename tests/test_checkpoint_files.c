/* SPDX-License-Identifier: BSD-3-Clause */
/* Checkpoints that are refused: damaged ones, and those of another training. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "checkpoint.h"

#include <errno.h>
#include <stdint.h>

/* A checkpoint's file with one thing wrong.  Replacements keep the length. */
struct damage {
    const char *file, *find, *replace;
    long cut;            /* > 0: so many bytes are left; < 0: so many are added */
    int offset;          /* of a number: bytes after the start of the tensor `find`, or -1 */
    const char *message; /* after "<folder>/step-12/<file>: " */
};

#define STATE "state.safetensors"
#define MODEL "model.safetensors"

static const struct damage damages[] = {
    { .file = STATE, .cut = 1, .message = "1 bytes are too few for a safetensors file" },
    { .file = STATE, .cut = 100, .message = "the header's length 2816 is more than the 92 bytes that follow" },
    { .file = STATE,
      .cut = 4000,
      .message = "tensor \"exp_avg.dense1.weight\": data_offsets [320, 3776] are not in 0..1176" },
    { .file = STATE, .cut = -8, .message = "the tensors end at byte 8384 of the data, but there are 8392" },
    { .file = MODEL, .cut = 7, .message = "7 bytes are too few for a safetensors file" },
    { .file = MODEL, .cut = -1, .message = "the tensors end at byte 4112 of the data, but there are 4113" },
    { .file = STATE, .find = "{\"", .replace = "[\"", .message = "the header must begin with \"{\"" },
    { .file = STATE,
      .find = "\"hsgd.state\":\"2\"",
      .replace = "\"hsgd.state\":\"7\"",
      .message = "hsgd.state is \"7\", not \"2\", which this version reads" },
    { .file = STATE,
      .find = "\"hsgd.state\"",
      .replace = "\"hsgd.stage\"",
      .message = "hsgd.state is missing, not \"2\", which this version reads" },
    { .file = STATE,
      .find = "\"hsgd.optimizer\":\"adam\"",
      .replace = "\"hsgd.optimizer\":\"adan\"",
      .message = "the checkpoint was made with optimizer \"adan\", not \"adam\"" },
    { .file = STATE,
      .find = "\\\"format\\\":\\\"memory\\\"",
      .replace = "\\\"format\\\":[\\\"m\\\"   ]",
      .message = "record of the data: format is not a string" },
    { .file = STATE, .find = "\"step\"", .replace = "\"stop\"", .message = "tensor \"step\" is missing" },
    { .file = STATE,
      .find = "\"step\":{\"dtype\":\"I64\"",
      .replace = "\"step\":{\"dtype\":\"F64\"",
      .message = "tensor \"step\": dtype must be I64, but is F64" },
    { .file = STATE,
      .find = "\"epoch_samples\"",
      .replace = "\"epoch\"        ",
      .message = "header, byte 711: duplicate object key near '\"epoch\"'" },
    { .file = STATE,
      .find = "\"exp_avg.dense1.bias\"",
      .replace = "\"exp_avg.dense9.bias\"",
      .message = "tensor \"exp_avg.dense1.bias\" is missing" },
    { .file = STATE,
      .find = "normalisation.mean",
      .replace = "normalisation.main",
      .message = "tensor \"normalisation.mean\" is missing" },
    { .file = STATE,
      .find = "step",
      .replace = "\xff\xff\xff\xff\xff\xff\xff\xff",
      .offset = 8,
      .message = "step is -1, which is not from 0 to 1e+15" },
    { .file = STATE,
      .find = "epoch",
      .replace = "\0\0\0\0\0\0\0\x7f",
      .offset = 8,
      .message = "epoch is 9.15131e+18, which is not from 0 to 1000000000" },
    { .file = STATE,
      .find = "epoch_samples",
      .replace = "\xff\xff\0\0\0\0\0\0",
      .offset = 8,
      .message = "epoch_samples is 65535, more than the 160 there are" },
    { .file = STATE,
      .find = "best_step",
      .replace = "\xff\0\0\0\0\0\0\0",
      .offset = 8,
      .message = "best_step is 255, after step 12" },
    { .file = STATE,
      .find = "best_loss",
      .replace = "\0\0\0\0\0\0\xf8\x7f",
      .offset = 8,
      .message = "best_loss is nan, which is not from -1e+300 to 1e+300" },
    { .file = STATE,
      .find = "best_accuracy",
      .replace = "\0\0\0\0\0\0\0\x40",
      .offset = 8,
      .message = "best_accuracy is 2, which is not from 0 to 1" },
    { .file = STATE,
      .find = "epoch_loss_sum",
      .replace = "\0\0\0\0\0\0\xf0\x7f",
      .offset = 8,
      .message = "epoch_loss_sum is inf, which is not from -1e+300 to 1e+300" },
    { .file = STATE,
      .find = "train_accuracy",
      .replace = "\0\0\0\0\0\0\xf0\xbf",
      .offset = 8,
      .message = "train_accuracy is -1, which is not from 0 to 1" },
    { .file = STATE,
      .find = "batch_size",
      .replace = "\0\0\0\0\0\0\0\0",
      .offset = 8,
      .message = "batch_size is 0, which is not from 1 to 1048576" },
    { .file = STATE,
      .find = "normalisation.inv_std",
      .replace = "\0\0\0\0\0\0\xf8\x7f",
      .offset = 8,
      .message = "tensor \"normalisation.inv_std\": element 0 is NaN" },
    { .file = STATE,
      .find = "exp_avg_sq.dense2.weight",
      .replace = "\0\0\xc0\x7f",
      .offset = 4,
      .message = "tensor \"exp_avg_sq.dense2.weight\": element 0 is NaN" },
    { .file = MODEL,
      .find = "dense1.bias",
      .replace = "\0\0\x80\x7f",
      .offset = 4,
      .message = "tensor \"dense1.bias\": element 0 is infinite" },
    { .file = MODEL,
      .find = "\"dense1.bias\"",
      .replace = "\"dense7.bias\"",
      .message = "tensor \"dense1.bias\" is missing" },
    { .file = MODEL,
      .find = "conv2d1.weight\":{\"dtype\":\"F32\"",
      .replace = "conv2d1.weight\":{\"dtype\":\"I32\"",
      .message = "tensor \"conv2d1.weight\": dtype must be F32, but is I32" },
};

static char *slurp(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    REQUIRE(f);
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    char *bytes = malloc(*size + 64);
    REQUIRE(bytes && fread(bytes, 1, *size, f) == *size);
    memset(bytes + *size, 0, 64);
    fclose(f);
    return bytes;
}

static void spill(const char *path, const char *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");
    REQUIRE(f && fwrite(bytes, 1, size, f) == size && !fclose(f));
}

/* The data of a tensor in the file's bytes. */
static char *tensor_data(char *bytes, const char *name)
{
    char key[100];
    uint64_t header;
    unsigned long long at;
    snprintf(key, sizeof key, "\"%s\":", name);
    memcpy(&header, bytes, 8);
    const char *entry = strstr(bytes + 8, key), *offsets = entry ? strstr(entry, "\"data_offsets\":[") : NULL;
    REQUIRE(offsets && sscanf(offsets, "\"data_offsets\":[%llu", &at) == 1);
    return bytes + 8 + header + at;
}

static void damage(const struct damage *d, char *bytes, size_t *size)
{
    if (d->cut > 0) *size = (size_t)d->cut;
    if (d->cut < 0) *size += (size_t)-d->cut;
    if (!d->find) return;
    if (d->offset) {
        memcpy(tensor_data(bytes, d->find), d->replace, (size_t)d->offset);
        return;
    }
    char *at = memmem(bytes, *size, d->find, strlen(d->find));
    REQUIRE(at && strlen(d->find) == strlen(d->replace));
    memcpy(at, d->replace, strlen(d->replace));
}

static void try_damage(const struct damage *d, const struct hsgd_train_options *o)
{
    char path[700], want[1200];
    size_t size, whole;
    snprintf(path, sizeof path, "%s/step-12/%s", folder, d->file);
    snprintf(want, sizeof want, "%s: %s", path, d->message);
    char *bytes = slurp(path, &size), *original = slurp(path, &whole);
    damage(d, bytes, &size);
    spill(path, bytes, size);
    struct hsgd_model *m = make_model("small");
    struct hsgd_trainer *t = hsgd_trainer_create(m, o);
    char before[65], after[65];
    hsgd_model_digest(m, before);
    CHECK(hsgd_checkpoint_load(t, in_folder("step-12")) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), want);
    hsgd_model_digest(m, after);
    CHECK(!strcmp(before, after));
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    spill(path, original, whole);
    free(bytes), free(original);
}

static void refuses_damaged_files(void)
{
    struct hsgd_train_options o = options_for(HSGD_ADAM);
    struct outcome r;
    begin("cpu");
    o.checkpoints = folder;
    REQUIRE(!train_from(NULL, &o, &r));
    free(r.weights);
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) try_damage(&damages[i], &o);
    end();
}

/* -------------------------------------------------------- another training */

static void load_with(const struct hsgd_train_options *o, struct hsgd_model *m, const char *message)
{
    char want[900];
    struct hsgd_trainer *t = hsgd_trainer_create(m, o);
    REQUIRE(t);
    snprintf(want, sizeof want, "%s/step-12/%s", folder, message);
    CHECK(hsgd_checkpoint_load(t, in_folder("step-12")) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), want);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
}

static void refuses_another_training(void)
{
    struct hsgd_train_options o = options_for(HSGD_ADAM), other;
    struct outcome r;
    begin("cpu");
    o.checkpoints = folder;
    REQUIRE(!train_from(NULL, &o, &r));
    free(r.weights);
    other = o, other.optimizer = HSGD_SGD;
    load_with(&other, make_model("small"), STATE ": the checkpoint was made with optimizer \"adam\", not \"sgd\"");
    other = o, other.batch_size = 50;
    load_with(&other, make_model("small"), STATE ": the checkpoint was made with batch_size 48, not 50");
    other = o, other.seed = 10;
    load_with(&other, make_model("small"), STATE ": the checkpoint was made with seed 9, not 10");
    struct hsgd_model *m = hsgd_model_by_name(ctx, "linear", (struct hsgd_shape){ 6, 6, 1 }, CLASSES);
    load_with(&o, m, MODEL ": tensor \"fc.weight\" is missing");
    m = make_model("small");
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    REQUIRE(!hsgd_checkpoint_load(t, in_folder("last")));
    CHECK(hsgd_fit(t, held_back, NULL, &r.fit, sizeof r.fit) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "the checkpoint was made with 160 training samples, not 40");
    CHECK(hsgd_checkpoint_load(t, in_folder("nothing")) == -ENOENT);
    CHECK(hsgd_checkpoint_latest(ctx, in_folder("nothing")) == -ENOENT);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    end();
}

static const struct core_case cases[] = {
    { "refuses_damaged_files", refuses_damaged_files },
    { "refuses_another_training", refuses_another_training },
};
CORE_MAIN(cases)
