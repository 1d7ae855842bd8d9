/* hsgd train */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app.h"

/* What the progress callback needs and gathers. */
struct training {
    struct session run;
    const struct settings *s;
    struct hsgd_train_options options;
    struct hsgd_fit_result result;
    struct usage mark, used;   /* counters at the last look, and their sum over training proper */
    double began;
    double test_loss, test_accuracy;
    bool terminal;             /* stderr is one */
};

/* ---------------------------------------------------------------- options */

static bool is_adam(int optimizer) { return optimizer == HSGD_ADAM || optimizer == HSGD_ADAMW; }

/* Numbers that were not given are negative. */
static double given(double value, double otherwise) { return value < 0 ? otherwise : value; }

static int choose_optimizer(const struct settings *s, struct hsgd_train_options *o)
{
    o->optimizer = (enum hsgd_optimizer)s->optimizer;
    if (s->momentum >= 0 && is_adam(s->optimizer))
        return complain(USAGE, "--momentum %g does not go with --optimizer %s", s->momentum,
                        hsgd_optimizer_name(o->optimizer));
    if (s->momentum > 0 && s->optimizer == HSGD_SGD) o->optimizer = HSGD_MOMENTUM;
    o->learning_rate = (float)given(s->lr, is_adam(s->optimizer) ? 1e-3 : 1e-2);
    o->momentum = (float)given(s->momentum, 0.9);
    o->weight_decay = (float)given(s->weight_decay, s->optimizer == HSGD_ADAMW ? 1e-2 : 0);
    return OK;
}

static int choose_options(struct training *t)
{
    const struct settings *s = t->s;
    struct hsgd_train_options *o = &t->options;
    hsgd_train_defaults(o);
    bool epochs_govern = s->epochs > 0 || s->steps < 0;
    o->batch_size = (int)s->batch_size;
    if (s->epochs > 0) o->epochs = (int)s->epochs;
    o->steps = s->steps > 0 ? s->steps : 0;
    o->clip_norm = (float)s->clip_grad;
    o->schedule = s->schedule >= 0 ? (enum hsgd_schedule)s->schedule : epochs_govern ? HSGD_COSINE : HSGD_CONSTANT;
    o->warmup_steps = s->warmup_steps;
    o->step_size = s->step_size;
    o->step_gamma = (float)s->gamma;
    o->min_learning_rate = (float)s->min_lr;
    o->seed = (uint64_t)s->seed;
    o->executor = (enum hsgd_executor)s->executor;
    o->progress_user = t;
    return choose_optimizer(s, o);
}

/* With both --epochs and --steps, what ends first counts. */
static void limit_steps(struct training *t)
{
    struct hsgd_train_options *o = &t->options;
    int64_t n = hsgd_data_count(t->run.train);
    int64_t steps = (n + o->batch_size - 1) / o->batch_size * o->epochs;
    if (t->s->epochs > 0 && o->steps > steps) o->steps = steps;
    else if (!o->steps) o->steps = steps;
}

/* --------------------------------------------------------------- progress */

static void clear_line(const struct training *t)
{
    if (t->terminal) fputs("\r\033[K", stderr);
}

static void print_epoch(const struct training *t, const struct hsgd_progress *p)
{
    clear_line(t);
    printf("%5d %10.4f %11.2f%% ", p->epoch, p->loss, 100 * p->train_accuracy);
    if (isnan(p->validation_accuracy)) printf("%12s", "-");
    else printf("%11.2f%%", 100 * p->validation_accuracy);
    printf(" %12.0f %9.1f\n", p->samples_per_second, now_seconds() - t->began);
    fflush(stdout);
}

/* Called after every window of steps, and after an epoch's validation, whose
 * work is not counted. */
static bool progress(void *user, const struct hsgd_progress *p)
{
    struct training *t = user;
    struct usage now;
    usage_now(t->run.ctx, &now);
    if (!p->epoch_end) {
        struct usage window = now;
        usage_since(&t->mark, &window);
        usage_add(&t->used, &window);
    }
    t->mark = now;
    if (p->evaluating) return true;
    if (p->epoch_end && !t->s->quiet && !t->s->json) print_epoch(t, p);
    if (!p->epoch_end && t->terminal)
        fprintf(stderr, "\repoch %d  step %lld/%lld  loss %.4f  %.0f samples/s\033[K", p->epoch, (long long)p->step,
                (long long)p->steps, p->loss, p->samples_per_second);
    return true;
}

/* ----------------------------------------------------------------- report */

static void print_header(const struct training *t)
{
    const struct hsgd_train_options *o = &t->options;
    struct hsgd_shape in = hsgd_data_shape(t->run.train);
    printf("model           %s, %lld parameters\n", t->s->model, (long long)hsgd_model_parameters(t->run.model));
    printf("data            %s: %lld samples to train, %lld to validate (split by seed %lld), %lld to test; %dx%dx%d\n",
           hsgd_data_name(t->run.test), (long long)hsgd_data_count(t->run.train),
           (long long)(t->run.validation ? hsgd_data_count(t->run.validation) : 0), (long long)t->s->seed,
           (long long)hsgd_data_count(t->run.test), in.h, in.w, in.c);
    printf("training        %lld steps of %d, %s, lr %g, %s\n", (long long)o->steps, o->batch_size,
           hsgd_optimizer_name(o->optimizer), o->learning_rate, hsgd_schedule_name(o->schedule));
    print_devices(t->run.ctx, t->s->devices);
    printf("\nepoch       loss    train acc      val acc    samples/s   seconds\n");
    fflush(stdout);
}

static int print_json(const struct training *t)
{
    const struct hsgd_fit_result *r = &t->result;
    char digest[65];
    int err = hsgd_model_digest(t->run.model, digest);
    if (err) return library_error(&t->run, err);
    json_t *losses = json_array();
    for (int i = 0; i < r->losses; i++) json_array_append_new(losses, json_number(r->loss[i]));
    return json_print(json_pack(
        "{s:s, s:s, s:i, s:I, s:i, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "model", t->s->model,
        "data", t->s->data ? t->s->data : "digits", "epochs", r->epochs, "steps", (json_int_t)r->steps, "batch_size",
        t->options.batch_size, "seed", (json_int_t)t->s->seed, "parameters",
        (json_int_t)hsgd_model_parameters(t->run.model), "train_loss", json_number(r->train_loss), "train_accuracy",
        json_number(r->train_accuracy), "validation_accuracy", json_number(r->validation_accuracy), "test_loss",
        json_number(t->test_loss), "test_accuracy", json_number(t->test_accuracy), "samples_per_second",
        json_number((double)r->samples / r->seconds), "step_ms_median", json_number(1e3 * r->step_seconds_median),
        "seconds", json_number(r->seconds), "losses", losses, "devices", json_usage(&t->used, r->seconds),
        "final_weights_sha256", digest));
}

static int report(const struct training *t)
{
    const struct hsgd_fit_result *r = &t->result;
    if (t->s->json) return print_json(t);
    printf("%stest accuracy %.2f%%, loss %.4f; %lld steps in %.2f s, %.0f samples/s, %.3f ms a step\n",
           t->s->quiet ? "" : "\n", 100 * t->test_accuracy, t->test_loss, (long long)r->steps, r->seconds,
           (double)r->samples / r->seconds, 1e3 * r->step_seconds_median);
    if (t->s->quiet) return flush_output();
    putchar('\n');
    print_usage(&t->used, r->seconds);
    return flush_output();
}

/* -------------------------------------------------------------------- run */

/* Plans are made before the counters are read: choosing one runs trials. */
static int make_plans(struct training *t)
{
    int64_t n = hsgd_data_count(t->run.train), batch = t->options.batch_size < n ? t->options.batch_size : n;
    int err = hsgd_trainer_plan(t->run.trainer, (int)batch);
    if (err >= 0 && n % batch && t->options.steps > n / batch) err = hsgd_trainer_plan(t->run.trainer, (int)(n % batch));
    return err < 0 ? library_error(&t->run, err) : OK;
}

static int open_training(struct training *t)
{
    int code = open_context(&t->run, t->s);
    if (!code) code = open_data(&t->run, t->s);
    if (code) return code;
    limit_steps(t);
    t->options.progress = progress;
    code = open_model(&t->run, t->s, hsgd_data_shape(t->run.train), hsgd_data_classes(t->run.train));
    return code ? code : open_trainer(&t->run, &t->options);
}

static int train(struct training *t)
{
    if (!t->s->json && !t->s->quiet) print_header(t);
    t->terminal = isatty(STDERR_FILENO) && !t->s->quiet;
    int code = make_plans(t);
    if (code) return code;
    usage_now(t->run.ctx, &t->mark);
    t->began = now_seconds();
    int err = hsgd_fit(t->run.trainer, t->run.train, t->run.validation, &t->result);
    if (!err) err = hsgd_trainer_evaluate(t->run.trainer, t->run.test, &t->test_loss, &t->test_accuracy);
    clear_line(t);
    return err ? library_error(&t->run, err) : report(t);
}

int cmd_train(struct settings *s)
{
    struct training t = { .s = s };
    int code = require_words(s, 0);
    if (!code) code = require_model(s);
    if (!code) code = choose_options(&t);
    if (code) return code;
    code = open_training(&t);
    if (!code) code = train(&t);
    close_session(&t.run);
    return code;
}
