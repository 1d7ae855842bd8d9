/* Checkpoints: a training that goes on from one is the training that was
 * never interrupted; what is published; what is refused. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "core.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAMPLES 200
#define FEATURES 36
#define CLASSES 4
#define TRAINED 160
#define BATCH 48        /* three and one of 16 samples: 4 steps an epoch */
#define EPOCHS 3

static struct hsgd_context *ctx;
static struct hsgd_data *train, *held_back;
static char folder[512];

/* ------------------------------------------------------------------ makers */

static void make_data(void)
{
    static float x[SAMPLES * FEATURES];
    static int32_t labels[SAMPLES];
    unsigned state = 12345;
    struct hsgd_shape shape = { 6, 6, 1 };
    for (int i = 0; i < SAMPLES; i++) {
        labels[i] = i % CLASSES;
        for (int k = 0; k < FEATURES; k++) {
            state = state * 1664525 + 1013904223;
            x[i * FEATURES + k] = (float)(state >> 8) / (1 << 24) + (k % CLASSES == labels[i] ? 0.8f : 0.0f);
        }
    }
    train = hsgd_data_memory(ctx, x, labels, TRAINED, shape, CLASSES, HSGD_BORROW);
    held_back = hsgd_data_memory(ctx, x + TRAINED * FEATURES, labels + TRAINED, SAMPLES - TRAINED, shape, CLASSES,
                                 HSGD_BORROW);
    REQUIRE(train && held_back);
}

static void new_folder(void)
{
    snprintf(folder, sizeof folder, "%s/checkpoints-XXXXXX", getenv("STARPU_HOME"));
    REQUIRE(mkdtemp(folder));
}

static void begin(const char *devices)
{
    ctx = core_context(devices, 2, true);
    make_data();
    new_folder();
}

static void end(void)
{
    hsgd_data_destroy(&train);
    hsgd_data_destroy(&held_back);
    hsgd_destroy(&ctx);
}

/* Convolution, pooling, dropout, two dense layers. */
static struct hsgd_model *make_model(const char *name)
{
    struct hsgd_model *m = hsgd_model_create(ctx, name, (struct hsgd_shape){ 6, 6, 1 });
    m = hsgd_add_conv2d(m, 4, 3, 1, HSGD_RELU);
    m = hsgd_add_max_pool(m, 2);
    m = hsgd_add_flatten(m);
    m = hsgd_add_dropout(m, 0.3f);
    m = hsgd_add_dense(m, 24, HSGD_RELU);
    m = hsgd_add_dense(m, CLASSES, HSGD_NO_ACTIVATION);
    m = hsgd_add_softmax_cross_entropy(m);
    REQUIRE(m && !hsgd_model_initialise(m, 5));
    return m;
}

static struct hsgd_train_options options_for(enum hsgd_optimizer optimizer)
{
    struct hsgd_train_options o;
    hsgd_train_defaults(&o);
    o.batch_size = BATCH;
    o.epochs = EPOCHS;
    o.optimizer = optimizer;
    o.learning_rate = optimizer >= HSGD_ADAM ? 0.01f : 0.05f;
    o.weight_decay = 0.001f;
    o.schedule = HSGD_COSINE;
    o.warmup_steps = 3;
    o.clip_norm = 5;
    o.seed = 9;
    return o;
}

struct outcome { float *weights; int64_t count; struct hsgd_fit_result fit; };

static int train_from(const char *checkpoint, const struct hsgd_train_options *o, struct outcome *out)
{
    struct hsgd_model *m = make_model("small");
    struct hsgd_trainer *t = hsgd_trainer_create(m, o);
    REQUIRE(t);
    if (checkpoint && !CHECK_MSG(!hsgd_checkpoint_load(t, checkpoint), "%s", hsgd_error(ctx))) core_end();
    int err = hsgd_fit(t, train, held_back, &out->fit);
    out->weights = core_weights(m, &out->count);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    return err;
}

static bool stop_after(void *user, const struct hsgd_progress *p)
{
    return p->evaluating || p->epoch_end || p->step < *(const int *)user;
}

static bool same(const struct outcome *a, const struct outcome *b)
{
    return a->count == b->count && !memcmp(a->weights, b->weights, (size_t)a->count * sizeof *a->weights);
}

static const char *in_folder(const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* ----------------------------------------------------------------- resuming */

static void compare(const struct outcome *whole, const struct outcome *resumed, const char *what, int stop)
{
    const struct hsgd_fit_result *a = &whole->fit, *b = &resumed->fit;
    CHECK_MSG(same(whole, resumed), "%s: the weights differ after an interruption at step %d", what, stop);
    CHECK_MSG(a->train_loss == b->train_loss && a->train_accuracy == b->train_accuracy &&
              a->validation_loss == b->validation_loss && a->validation_accuracy == b->validation_accuracy &&
              a->best_step == b->best_step && a->best_loss == b->best_loss && a->best_accuracy == b->best_accuracy,
              "%s: figures differ after an interruption at step %d", what, stop);
    CHECK(b->end == HSGD_FIT_DONE && b->steps == a->steps && b->epochs == a->epochs);
}

/* Stops at a step, then goes on in a new trainer and model. */
static void interrupt(enum hsgd_optimizer optimizer, const struct outcome *whole, int stop)
{
    struct hsgd_train_options o = options_for(optimizer);
    struct outcome first, second;
    char step[600];
    new_folder();
    o.checkpoints = folder;
    o.checkpoint_every = stop;
    o.progress = stop_after;
    o.progress_user = &stop;
    REQUIRE(!train_from(NULL, &o, &first));
    CHECK_MSG(first.fit.steps == stop && first.fit.end == HSGD_FIT_STOPPED, "stopped at step %lld, not %d",
              (long long)first.fit.steps, stop);
    snprintf(step, sizeof step, "%s/step-%d", folder, stop);
    o.progress = NULL;
    o.checkpoints = NULL;
    REQUIRE(!train_from(step, &o, &second));
    compare(whole, &second, hsgd_optimizer_name(optimizer), stop);
    free(first.weights), free(second.weights);
}

/* In an epoch, before and after its last partial batch, in the warmup. */
static void resumes(const char *devices, int nstops)
{
    static const int stops[] = { 6, 1, 3, 4, 11 };
    begin(devices);
    for (int o = 0; o < HSGD_OPTIMIZERS; o++) {
        struct hsgd_train_options options = options_for((enum hsgd_optimizer)o);
        struct outcome whole;
        REQUIRE(!train_from(NULL, &options, &whole));
        CHECK(whole.fit.steps == EPOCHS * 4 && whole.fit.end == HSGD_FIT_DONE);
        for (int i = 0; i < nstops; i++)
            interrupt((enum hsgd_optimizer)o, &whole, stops[i]);
        free(whole.weights);
    }
    end();
}

static void resumes_on_cpu(void) { resumes("cpu", 5); }
static void resumes_on_both(void) { resumes("cpu,opencl", 1); }

/* The trainer that saved goes on as well. */
static void saving_changes_nothing(void)
{
    struct hsgd_train_options o = options_for(HSGD_ADAM);
    struct outcome plain, saving;
    begin("cpu");
    REQUIRE(!train_from(NULL, &o, &plain));
    o.checkpoints = folder;
    o.checkpoint_every = 1;
    REQUIRE(!train_from(NULL, &o, &saving));
    CHECK(same(&plain, &saving));
    free(plain.weights), free(saving.weights);
    end();
}

static int count_entries(const char *prefix)
{
    int n = 0;
    DIR *d = opendir(folder);
    REQUIRE(d);
    for (struct dirent *e; (e = readdir(d));) n += !strncmp(e->d_name, prefix, strlen(prefix));
    closedir(d);
    return n;
}

static int64_t linked(const char *name)
{
    char target[100] = "";
    long long step = -1;
    if (readlink(in_folder(name), target, sizeof target - 1) < 0 || sscanf(target, "step-%lld", &step) != 1) return -1;
    return step;
}

static void keeps_the_newest_and_the_best(void)
{
    struct hsgd_train_options o = options_for(HSGD_ADAM);
    struct outcome r;
    begin("cpu");
    REQUIRE(!mkdir(in_folder(".tmp-1-1"), 0777) && !symlink("step-3", in_folder(".tmp-1-2")));
    o.checkpoints = folder;
    o.checkpoint_every = 1;
    o.checkpoint_hist = 2;
    REQUIRE(!train_from(NULL, &o, &r));
    CHECK(hsgd_checkpoint_latest(ctx, folder) == r.fit.steps && linked("last") == r.fit.steps);
    CHECK_MSG(linked("best") == r.fit.best_step, "best is step %lld, not %lld", (long long)linked("best"),
              (long long)r.fit.best_step);
    CHECK(count_entries("step-") == 2 + (r.fit.best_step < r.fit.steps - 1));
    CHECK(count_entries(".tmp-") == 0);
    free(r.weights);
    end();
}

/* What is the same when asked again: the last one is there already. */
static void a_finished_run_stays(void)
{
    struct hsgd_train_options o = options_for(HSGD_MOMENTUM);
    struct outcome first, again;
    struct stat before, after;
    begin("cpu");
    o.checkpoints = folder;
    REQUIRE(!train_from(NULL, &o, &first));
    REQUIRE(!stat(in_folder("step-12/state.safetensors"), &before));
    REQUIRE(!train_from(in_folder("last"), &o, &again));
    REQUIRE(!stat(in_folder("step-12/state.safetensors"), &after));
    CHECK(same(&first, &again) && before.st_ino == after.st_ino && again.fit.samples == 0);
    CHECK(again.fit.validation_accuracy == first.fit.validation_accuracy);
    CHECK(again.fit.steps == 12 && again.fit.epochs == 3);
    free(first.weights), free(again.weights);
    end();
}

/* A stop during validation: the epoch's steps are done, its end is not. */
static bool stop_evaluating(void *user, const struct hsgd_progress *p)
{
    bool *seen = user;
    *seen = *seen || p->evaluating;
    return !p->evaluating;
}

static void stops_in_validation(void)
{
    struct hsgd_train_options o = options_for(HSGD_ADAM);
    struct outcome whole, first, second;
    bool seen = false;
    begin("cpu");
    hsgd_data_destroy(&held_back);
    static float x[131 * BATCH * FEATURES];
    static int32_t labels[131 * BATCH];
    for (int i = 0; i < 131 * BATCH * FEATURES; i++) x[i] = (float)(i % 97) / 97;
    held_back = hsgd_data_memory(ctx, x, labels, 131 * BATCH, (struct hsgd_shape){ 6, 6, 1 }, CLASSES, HSGD_BORROW);
    REQUIRE(!train_from(NULL, &o, &whole));
    o.checkpoints = folder;
    o.progress = stop_evaluating;
    o.progress_user = &seen;
    REQUIRE(!train_from(NULL, &o, &first));
    CHECK(seen && first.fit.end == HSGD_FIT_STOPPED && first.fit.steps == 4 && first.fit.best_step == 0);
    CHECK(isnan(first.fit.validation_loss) && linked("last") == 4 && linked("best") == -1);
    o.progress = NULL;
    REQUIRE(!train_from(in_folder("last"), &o, &second));
    compare(&whole, &second, "in validation", 4);
    CHECK(linked("best") == whole.fit.best_step);
    free(whole.weights), free(first.weights), free(second.weights);
    end();
}

/* ------------------------------------------------------- patience and NaN */

static void patience(void)
{
    struct hsgd_train_options o = options_for(HSGD_SGD);
    struct outcome r, again;
    begin("cpu");
    o.learning_rate = 1e-12f; /* nothing gets better */
    o.warmup_steps = 0;
    o.weight_decay = 0;
    o.epochs = 50;
    o.patience = 3;
    o.checkpoints = folder;
    REQUIRE(!train_from(NULL, &o, &r));
    CHECK_MSG(r.fit.end == HSGD_FIT_PATIENCE && r.fit.epochs >= 4 && r.fit.epochs < 50, "%d epochs", r.fit.epochs);
    CHECK(r.fit.steps - r.fit.best_step == 3 * 4 && linked("best") == r.fit.best_step && linked("last") == r.fit.steps);
    REQUIRE(!train_from(in_folder("last"), &o, &again));
    CHECK(again.fit.end == HSGD_FIT_PATIENCE && again.fit.steps == r.fit.steps);
    free(r.weights), free(again.weights);
    struct hsgd_model *m = make_model("small");
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    CHECK(hsgd_fit(t, train, NULL, &r.fit) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "patience 3 needs validation");
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    end();
}

static void stops_when_the_loss_is_not_finite(void)
{
    struct hsgd_train_options o = options_for(HSGD_SGD);
    struct outcome r;
    begin("cpu");
    o.learning_rate = 1e6f;
    o.clip_norm = 0;
    o.epochs = 200;
    o.checkpoints = folder;
    o.checkpoint_every = 1;
    CHECK(train_from(NULL, &o, &r) == -EDOM);
    CHECK_MSG(strstr(hsgd_error(ctx), "is not finite"), "%s", hsgd_error(ctx));
    free(r.weights);
    int64_t last = hsgd_checkpoint_latest(ctx, folder);
    CHECK(last < r.fit.steps && count_entries(".tmp-") == 0);
    struct hsgd_model *m = make_model("small");
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    char step[40];
    snprintf(step, sizeof step, "step-%lld", (long long)last);
    if (last > 0) CHECK_MSG(!hsgd_checkpoint_load(t, in_folder(step)), "%s", hsgd_error(ctx));
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    end();
}

/* ---------------------------------------------------------------- requests */

static struct hsgd_trainer *asked;

static bool ask_once(void *user, const struct hsgd_progress *p)
{
    if (p->step == *(const int *)user && !p->epoch_end) hsgd_checkpoint_request(asked);
    return true;
}

static void on_request(void)
{
    struct hsgd_train_options o = options_for(HSGD_ADAM);
    struct hsgd_fit_result r;
    int step = 4;
    begin("cpu");
    o.checkpoints = folder;
    o.progress = ask_once;
    o.progress_user = &step;
    o.checkpoint_hist = 10;
    struct hsgd_model *m = make_model("small");
    asked = hsgd_trainer_create(m, &o);
    REQUIRE(!hsgd_fit(asked, train, held_back, &r));
    CHECK(!access(in_folder("step-4"), F_OK) && !access(in_folder("step-12"), F_OK));
    CHECK(!hsgd_checkpoint_save(asked, folder));
    hsgd_trainer_destroy(&asked);
    hsgd_model_destroy(&m);
    end();
}

/* ----------------------------------------------------------- what it says */

static void information(void)
{
    struct hsgd_train_options o = options_for(HSGD_ADAM);
    struct outcome r;
    struct hsgd_normalisation norm;
    begin("cpu");
    o.checkpoints = folder;
    REQUIRE(!train_from(NULL, &o, &r));
    hsgd_data_statistics(train, &norm);
    struct hsgd_checkpoint_info *info = hsgd_checkpoint_info_read(ctx, in_folder("last"));
    REQUIRE(info);
    CHECK(info->step == 12 && info->epochs == 3 && info->classes == CLASSES);
    CHECK_STR(info->class_name[3], "3");
    CHECK(info->normalisation.channels == 1 && info->normalisation.mean[0] == norm.mean[0] &&
          info->normalisation.inv_std[0] == norm.inv_std[0]);
    struct hsgd_model *m = make_model("small");
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    double loss, accuracy;
    CHECK(!hsgd_model_load(m, in_folder("last/model.safetensors")));
    hsgd_trainer_set_normalisation(t, &info->normalisation);
    REQUIRE(!hsgd_trainer_evaluate(t, held_back, &loss, &accuracy));
    CHECK(loss == r.fit.validation_loss && accuracy == r.fit.validation_accuracy);
    hsgd_checkpoint_info_destroy(&info);
    CHECK(info == NULL && !hsgd_checkpoint_info_read(ctx, in_folder("step-11")));
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    free(r.weights);
    end();
}

static void refuses_a_folder_of_later_steps(void)
{
    struct hsgd_train_options o = options_for(HSGD_ADAM);
    struct outcome r;
    char want[700];
    begin("cpu");
    REQUIRE(!mkdir(in_folder("step-7"), 0777));
    o.checkpoints = folder;
    CHECK(train_from(NULL, &o, &r) == -EEXIST);
    snprintf(want, sizeof want, "%s: there is a checkpoint of step 7 already, and training begins at step 0", folder);
    CHECK_STR(hsgd_error(ctx), want);
    free(r.weights);
    end();
}

/* The lock is the folder's, and goes with its process. */
static void one_process_at_a_time(void)
{
    struct hsgd_train_options o = options_for(HSGD_ADAM);
    begin("cpu");
    int other = open(folder, O_RDONLY | O_DIRECTORY);
    REQUIRE(!flock(other, LOCK_EX | LOCK_NB));
    struct hsgd_model *m = make_model("small");
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    CHECK(hsgd_checkpoint_save(t, folder) == -EBUSY);
    CHECK_MSG(strstr(hsgd_error(ctx), ": another process keeps its checkpoints there"), "%s", hsgd_error(ctx));
    close(other);
    CHECK(!hsgd_checkpoint_save(t, folder) && linked("last") == 0);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    end();
}

/* ------------------------------------------------------------- bad files */

/* A checkpoint's file with one thing wrong.  Replacements keep the length. */
struct damage {
    const char *file, *find, *replace;
    long cut;                   /* > 0: so many bytes are left; < 0: so many are added */
    int offset;                 /* of a number: bytes after the start of the tensor `find`, or -1 */
    const char *message;        /* after "<folder>/step-12/<file>: " */
};

#define STATE "state.safetensors"
#define MODEL "model.safetensors"

static const struct damage damages[] = {
    { .file = STATE, .cut = 1, .message = "1 bytes are too few for a safetensors file" },
    { .file = STATE, .cut = 100, .message = "the header's length 2320 is more than the 92 bytes that follow" },
    { .file = STATE, .cut = 4000,
      .message = "tensor \"exp_avg.dense1.weight\": data_offsets [304, 3760] do not lie in 0..1672" },
    { .file = STATE, .cut = -8, .message = "the tensors end at byte 8368 of the data, but there are 8376" },
    { .file = MODEL, .cut = 7, .message = "7 bytes are too few for a safetensors file" },
    { .file = MODEL, .cut = -1, .message = "the tensors end at byte 4112 of the data, but there are 4113" },
    { .file = STATE, .find = "{\"", .replace = "[\"", .message = "the header must begin with \"{\"" },
    { .file = STATE, .find = "\"hsgd.state\":\"1\"", .replace = "\"hsgd.state\":\"7\"",
      .message = "hsgd.state is \"7\", not \"1\"" },
    { .file = STATE, .find = "\"hsgd.state\"", .replace = "\"hsgd.stage\"",
      .message = "hsgd.state is missing, not \"1\"" },
    { .file = STATE, .find = "\"hsgd.optimizer\":\"adam\"", .replace = "\"hsgd.optimizer\":\"adan\"",
      .message = "the checkpoint was made with optimizer \"adan\", not \"adam\"" },
    { .file = STATE, .find = "\"hsgd.classes\":\"[", .replace = "\"hsgd.classes\":\"{",
      .message = "hsgd.classes is not a JSON array of strings" },
    { .file = STATE, .find = "\"step\"", .replace = "\"stop\"", .message = "tensor \"step\" is missing" },
    { .file = STATE, .find = "\"step\":{\"dtype\":\"I64\"", .replace = "\"step\":{\"dtype\":\"F64\"",
      .message = "tensor \"step\": dtype must be I64, but is F64" },
    { .file = STATE, .find = "\"epoch_samples\"", .replace = "\"epoch\"        ",
      .message = "header, byte 221: duplicate object key near '\"epoch\"'" },
    { .file = STATE, .find = "\"exp_avg.dense1.bias\"", .replace = "\"exp_avg.dense9.bias\"",
      .message = "tensor \"exp_avg.dense1.bias\" is missing" },
    { .file = STATE, .find = "normalisation.mean", .replace = "normalisation.main",
      .message = "tensor \"normalisation.mean\" is missing" },
    { .file = STATE, .find = "step", .replace = "\xff\xff\xff\xff\xff\xff\xff\xff", .offset = 8,
      .message = "step is -1, which is not from 0 to 1e+15" },
    { .file = STATE, .find = "epoch", .replace = "\0\0\0\0\0\0\0\x7f", .offset = 8,
      .message = "epoch is 9.15131e+18, which is not from 0 to 1000000000" },
    { .file = STATE, .find = "epoch_samples", .replace = "\xff\xff\0\0\0\0\0\0", .offset = 8,
      .message = "epoch_samples is 65535, more than the 160 there are" },
    { .file = STATE, .find = "best_step", .replace = "\xff\0\0\0\0\0\0\0", .offset = 8,
      .message = "best_step is 255, after step 12" },
    { .file = STATE, .find = "best_loss", .replace = "\0\0\0\0\0\0\xf8\x7f", .offset = 8,
      .message = "best_loss is nan, which is not from -1e+300 to 1e+300" },
    { .file = STATE, .find = "best_accuracy", .replace = "\0\0\0\0\0\0\0\x40", .offset = 8,
      .message = "best_accuracy is 2, which is not from 0 to 1" },
    { .file = STATE, .find = "epoch_loss_sum", .replace = "\0\0\0\0\0\0\xf0\x7f", .offset = 8,
      .message = "epoch_loss_sum is inf, which is not from -1e+300 to 1e+300" },
    { .file = STATE, .find = "train_accuracy", .replace = "\0\0\0\0\0\0\xf0\xbf", .offset = 8,
      .message = "train_accuracy is -1, which is not from 0 to 1" },
    { .file = STATE, .find = "batch_size", .replace = "\0\0\0\0\0\0\0\0", .offset = 8,
      .message = "batch_size is 0, which is not from 1 to 1048576" },
    { .file = STATE, .find = "normalisation.inv_std", .replace = "\0\0\xc0\x7f", .offset = 4,
      .message = "tensor \"normalisation.inv_std\": element 0 is NaN" },
    { .file = STATE, .find = "exp_avg_sq.dense2.weight", .replace = "\0\0\xc0\x7f", .offset = 4,
      .message = "tensor \"exp_avg_sq.dense2.weight\": element 0 is NaN" },
    { .file = MODEL, .find = "dense1.bias", .replace = "\0\0\x80\x7f", .offset = 4,
      .message = "tensor \"dense1.bias\": element 0 is infinite" },
    { .file = MODEL, .find = "\"dense1.bias\"", .replace = "\"dense7.bias\"",
      .message = "tensor \"dense1.bias\" is missing" },
    { .file = MODEL, .find = "conv2d1.weight\":{\"dtype\":\"F32\"", .replace = "conv2d1.weight\":{\"dtype\":\"I32\"",
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
    CHECK(hsgd_fit(t, held_back, NULL, &r.fit) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "the checkpoint was made with 160 training samples, not 40");
    CHECK(hsgd_checkpoint_load(t, in_folder("nothing")) == -ENOENT);
    CHECK(hsgd_checkpoint_latest(ctx, in_folder("nothing")) == -ENOENT);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    end();
}

static const struct core_case cases[] = {
    { "resumes_on_cpu", resumes_on_cpu }, { "resumes_on_both", resumes_on_both },
    { "saving_changes_nothing", saving_changes_nothing },
    { "keeps_the_newest_and_the_best", keeps_the_newest_and_the_best },
    { "a_finished_run_stays", a_finished_run_stays },
    { "stops_in_validation", stops_in_validation }, { "patience", patience },
    { "stops_when_the_loss_is_not_finite", stops_when_the_loss_is_not_finite }, { "on_request", on_request },
    { "information", information }, { "refuses_a_folder_of_later_steps", refuses_a_folder_of_later_steps },
    { "one_process_at_a_time", one_process_at_a_time }, { "refuses_damaged_files", refuses_damaged_files },
    { "refuses_another_training", refuses_another_training },
};
CORE_MAIN(cases)
