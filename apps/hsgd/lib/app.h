/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line: settings shared by the commands, and their helpers. */
#ifndef HSGD_APP_H
#define HSGD_APP_H

#include <hsgd/hsgd.h>
#include <jansson.h>

#include "message.h"

/* Commands, as bits, so that an option can name those that take it. */
enum {
    TRAIN = 1,
    DEVICES = 2,
    BENCH = 4,
    PLAN = 8,
    DATA = 16,
    MODELS = 32,
    HELP = 64,
    EVAL = 128,
    PREDICT = 256,
    COMPARE = 512,
    SELFTEST = 1024,
    PLOT = 2048,
    SUMMARY = 4096
};

#define MAX_OPTIONS 96

/* Values of all options; numbers that were not given are -1 unless they have a
 * default in settings_defaults(). */
struct settings {
    const char *command, *model, *data, *format, *label, *ignore, *test, *devices, *out, *svg;
    const char *png, *checkpoint;
    const char *algorithm;
    const char *config, *initial_checkpoint, *validation;
    int64_t epochs, steps, batch_size, warmup_steps, step_size, seed, threads, rows, columns, features, crop, resize;
    int64_t patience, checkpoint_every, checkpoint_hist, repeat;
    double lr, momentum, weight_decay, clip_grad, gamma, min_lr, warmup_epochs;
    int64_t local_steps, staleness, min_batch, max_batch, lr_ramp;
    double moving_rate, min_share, stop_at, time_limit, seconds;
    double label_smoothing, resized_crop, rotate;
    int completion; /* a shell; -1: none */
    int optimizer, schedule, executor, split, lr_scaling;
    bool deterministic, tf32, json, quiet, verbose, help, resume, dry_run, man, flip, classes, keep_going;
    bool given[MAX_OPTIONS]; /* by the command line or --config; in the order of the table */
    const char *model_copy;  /* of the model file `model`, in the folder of a run; NULL: none */
    int ntexts;              /* texts from config files, to which values point */
    char **text;
    int words; /* arguments that are not options */
    char **word;
};

struct command {
    const char *name;
    unsigned bit;
    const char *usage, *summary, *description;
};
extern const struct command commands[]; /* ended by a name that is NULL */
extern const char exit_statuses[];

/* Values of --completion. */
enum { BASH, ZSH, FISH, SHELLS };

/* The page of a command, or of hsgd (NULL), for man(1). */
int print_manual(const struct command *c);
int print_completion(int shell);

int cmd_train(struct settings *s);
int cmd_devices(struct settings *s);
int cmd_selftest(struct settings *s);
int cmd_bench(struct settings *s);
int cmd_plan(struct settings *s);
int cmd_compare(struct settings *s);
int cmd_data(struct settings *s);
int cmd_plot(struct settings *s);
int cmd_models(struct settings *s);
int cmd_summary(struct settings *s);
int cmd_eval(struct settings *s);
int cmd_predict(struct settings *s);
int cmd_help(struct settings *s);

/* Reads the options that command `bit` takes; argv[0] is the command's name.
 * OK, or USAGE after a sentence on stderr. */
int settings_read(struct settings *s, unsigned bit, int argc, char **argv);
void settings_defaults(struct settings *s, const char *command);
void settings_free(struct settings *s);
/* Owns the text until settings_free(); NULL, and the text is freed: out of
 * memory. */
char *settings_keep(struct settings *s, char *text);
/* The options that command `bit` takes, one a line, on stdout. */
void settings_help(unsigned bit);

/* Checks the name given with --model, and that there are at most `words` words. */
int require_model(const struct settings *s);
int require_words(const struct settings *s, int words);

/* The objects of a command. */
struct session {
    struct hsgd_context *ctx;
    struct hsgd_data *whole, *train, *validation, *test;
    struct hsgd_model *model;
    struct hsgd_trainer *trainer;
    struct hsgd_checkpoint_info *known; /* of the checkpoint that the run resumes or starts from; NULL: none */
    bool continues;                     /* the run is resumed: classes are those of the checkpoint */
    bool prints_summary;                /* of the data; else images that were skipped are a warning */
};

/* Each returns OK, or an exit code after a sentence on stderr. */
int open_context(struct session *run, const struct settings *s);
/* For commands that only read data or models: StarPU is not started. */
int open_without_devices(struct session *run, const struct settings *s);
int open_data(struct session *run, const struct settings *s);
/* "digits" or a path with --format, --label and the like, and --test; *test is
 * NULL if there is no test split. */
int read_data(struct session *run, const struct settings *s, const char *what, struct hsgd_data **train,
              struct hsgd_data **test);
/* A model for samples of this shape (h 0: the shape in its file), initialised
 * from --seed. */
int open_model(struct session *run, const struct settings *s, struct hsgd_shape shape, int classes);
/* From --crop, --resized-crop, --flip and --rotate. */
struct hsgd_augment_options augment_options(const struct settings *s);
int open_trainer(struct session *run, const struct hsgd_train_options *options);
void close_session(struct session *run);
/* hsgd_data_summary(). */
struct summary {
    char text[1500];
};
struct summary summary_of(const struct hsgd_data *d);
double now_seconds(void);
double median(double *v, int n); /* sorts v */

/* Work of the devices of a context in an interval. */
#define MAX_DEVICES 64
struct usage {
    int n;
    struct hsgd_device device[MAX_DEVICES];
};
void usage_now(const struct hsgd_context *ctx, struct usage *u);
/* The counters of `to` become those since `from`. */
void usage_since(const struct usage *from, struct usage *to);
/* Adds the counters of `more`; copies it when the sum is empty. */
void usage_add(struct usage *sum, const struct usage *more);
double usage_busy(const struct usage *u, int i, double seconds);

/* JSON: numbers that are not finite become null; texts may be any bytes
 * (hsgd_text_encode()). */
json_t *json_number(double v);
json_t *json_text(const char *bytes);
/* Take ownership of `value`.  When it is NULL or memory is exhausted, *list or
 * *object is freed and becomes NULL, so that no value is silently missing. */
void json_append(json_t **list, json_t *value);
void json_set(json_t **object, const char *key, json_t *value);
json_t *json_usage(const struct usage *u, double seconds);
/* Prints and frees the object. */
int json_print(json_t *object);
/* A table of tasks, samples and time per device. */
void print_usage(const struct usage *u, double seconds);
void print_devices(const struct hsgd_context *ctx, const char *list);
#endif
