/* SPDX-License-Identifier: BSD-3-Clause */
/* Checkpoints: a training that goes on from one is the training that was
 * never interrupted; what is published, and when. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ----------------------------------------------------------------- resuming */

static bool stop_after(void *user, const struct hsgd_progress *p)
{
    return p->evaluating || p->epoch_end || p->step < *(const int *)user;
}

static bool same(const struct outcome *a, const struct outcome *b)
{
    return a->count == b->count && !memcmp(a->weights, b->weights, (size_t)a->count * sizeof *a->weights);
}

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
static void interrupt(const struct hsgd_train_options *options, const struct outcome *whole, int stop)
{
    struct hsgd_train_options o = *options;
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
    compare(whole, &second, hsgd_optimizer_name(o.optimizer), stop);
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
        for (int i = 0; i < nstops; i++) interrupt(&options, &whole, stops[i]);
        free(whole.weights);
    }
    end();
}

static void resumes_on_cpu(void) { resumes("cpu", 5); }
static void resumes_on_both(void) { resumes("cpu,opencl", 1); }

/* PyTorch's ReduceLROnPlateau (mode min, relative threshold) beside the trainer, epoch by epoch. */
struct beside {
    struct hsgd_train_options o;
    double rate, least;
    int since, drops;
};

static bool follow(void *user, const struct hsgd_progress *p)
{
    struct beside *b = user;
    if (!p->epoch_end || p->evaluating) return true;
    CHECK_MSG(fabs(p->learning_rate - b->rate) <= 1e-6 * b->rate, "epoch %d: rate %g, not %g", p->epoch,
              (double)p->learning_rate, b->rate);
    bool better = p->validation_loss < b->least * (1 - (double)b->o.rate_threshold);
    if (better) b->least = p->validation_loss;
    b->since = better ? 0 : b->since + 1;
    if (b->since <= b->o.rate_patience) return true;
    b->rate = fmax(b->rate * (double)b->o.step_gamma, (double)b->o.min_learning_rate);
    b->since = 0;
    b->drops++;
    return true;
}

static void plateau_resumes(void)
{
    struct beside b = { .o = options_for(HSGD_SGD), .least = INFINITY };
    struct outcome plain, whole;
    begin("cpu");
    b.o.schedule = HSGD_PLATEAU;
    b.o.warmup_steps = 0;
    b.o.step_gamma = 0.5f;
    b.o.min_learning_rate = 0.02f;
    b.o.rate_patience = 0;
    b.o.rate_threshold = 0.9f; /* hardly any loss is that much lower */
    b.rate = (double)b.o.learning_rate;
    b.o.progress = follow, b.o.progress_user = &b;
    REQUIRE(!train_from(NULL, &b.o, &whole));
    CHECK_MSG(b.drops >= EPOCHS - 2, "%d drops", b.drops);
    b.o.progress = NULL;
    for (int stop = 3; stop < 4 * EPOCHS; stop += 3) interrupt(&b.o, &whole, stop);
    b.o.schedule = HSGD_CONSTANT;
    REQUIRE(!train_from(NULL, &b.o, &plain));
    CHECK(!same(&plain, &whole));
    free(plain.weights), free(whole.weights);
    end();
}

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
    CHECK(hsgd_fit(t, train, NULL, &r.fit, sizeof r.fit) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "patience 3 needs validation");
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    end();
}

/* ---------------------------------------------------------- target and time */

static bool count_epochs(void *user, const struct hsgd_progress *p)
{
    int *told = user;
    *told += p->epoch_end && p->epoch == 1 && p->seconds > 0 && isfinite(p->validation_loss);
    return true;
}

/* The epoch is validated where the time is over, and done to its end later. */
static void time_limit(void)
{
    struct hsgd_train_options o = options_for(HSGD_ADAM);
    struct outcome whole, first, second;
    int told = 0;
    begin("cpu");
    REQUIRE(!train_from(NULL, &o, &whole));
    o.checkpoints = folder;
    o.checkpoint_every = 1; /* windows of a step */
    o.time_limit = 1e-9;
    o.progress = count_epochs;
    o.progress_user = &told;
    REQUIRE(!train_from(NULL, &o, &first));
    CHECK(first.fit.end == HSGD_FIT_TIME && first.fit.steps == 1 && first.fit.epochs == 1);
    CHECK(told == 1 && isfinite(first.fit.validation_loss) && first.fit.best_step == 0 && linked("last") == 1);
    o.time_limit = 0;
    o.progress = NULL;
    REQUIRE(!train_from(in_folder("last"), &o, &second));
    compare(&whole, &second, "cut short", 1);
    free(whole.weights), free(first.weights), free(second.weights);
    end();
}

static void target(void)
{
    struct hsgd_train_options o = options_for(HSGD_ADAM);
    struct outcome r;
    begin("cpu");
    o.target_accuracy = 1e-6;
    REQUIRE(!train_from(NULL, &o, &r));
    CHECK(r.fit.end == HSGD_FIT_TARGET && r.fit.steps == 4 && r.fit.validation_accuracy >= 1e-6);
    free(r.weights);
    struct hsgd_model *m = make_model("small");
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    CHECK(hsgd_fit(t, train, NULL, &r.fit, sizeof r.fit) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "target_accuracy 1e-06 needs validation");
    hsgd_trainer_destroy(&t);
    o.time_limit = -1;
    CHECK(!hsgd_trainer_create(m, &o));
    CHECK_STR(hsgd_error(ctx), "time_limit must be from 0 to 1e+09, not -1");
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
    REQUIRE(!hsgd_fit(asked, train, held_back, &r, sizeof r));
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
    begin("cpu");
    o.checkpoints = folder;
    REQUIRE(!train_from(NULL, &o, &r));
    struct hsgd_normalisation *norm = hsgd_data_statistics(train);
    struct hsgd_checkpoint_info *info = hsgd_checkpoint_info_read(ctx, in_folder("last"));
    REQUIRE(norm && info && info->normalisation);
    CHECK(info->step == 12 && info->epochs == 3 && info->classes == CLASSES);
    CHECK_STR(info->class_name[3], "3");
    CHECK(info->normalisation->channels == 1 && info->normalisation->mean[0] == norm->mean[0] &&
          info->normalisation->inv_std[0] == norm->inv_std[0]);
    hsgd_normalisation_destroy(&norm);
    CHECK_STR(hsgd_record_format(info->record), hsgd_data_format(train));
    CHECK(!hsgd_record_check(ctx, info->record, train) && hsgd_record_check(ctx, info->record, held_back) == -EINVAL);
    struct hsgd_checkpoint_info *weights = hsgd_checkpoint_info_read(ctx, in_folder("last/model.safetensors"));
    REQUIRE(weights);
    CHECK(weights->step == -1 && weights->classes == CLASSES && !hsgd_record_check(ctx, weights->record, train));
    CHECK(weights->normalisation && weights->normalisation->mean[0] == info->normalisation->mean[0] &&
          weights->normalisation->inv_std[0] == info->normalisation->inv_std[0]);
    hsgd_checkpoint_info_destroy(&weights);
    struct hsgd_model *m = make_model("small");
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    double loss, accuracy;
    CHECK(!hsgd_model_load(m, in_folder("last/model.safetensors")));
    CHECK(!hsgd_trainer_set_normalisation(t, info->normalisation));
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
    snprintf(want, sizeof want, "%s: there is a checkpoint of step 7 already, and training starts at step 0", folder);
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

static const struct core_case cases[] = {
    { "resumes_on_cpu", resumes_on_cpu },
    { "resumes_on_both", resumes_on_both },
    { "plateau_resumes", plateau_resumes },
    { "saving_changes_nothing", saving_changes_nothing },
    { "keeps_the_newest_and_the_best", keeps_the_newest_and_the_best },
    { "a_finished_run_stays", a_finished_run_stays },
    { "stops_in_validation", stops_in_validation },
    { "patience", patience },
    { "time_limit", time_limit },
    { "target", target },
    { "stops_when_the_loss_is_not_finite", stops_when_the_loss_is_not_finite },
    { "on_request", on_request },
    { "information", information },
    { "refuses_a_folder_of_later_steps", refuses_a_folder_of_later_steps },
    { "one_process_at_a_time", one_process_at_a_time },
};
CORE_MAIN(cases)
