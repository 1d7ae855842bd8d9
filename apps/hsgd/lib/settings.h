/* SPDX-License-Identifier: BSD-3-Clause */
/* The values of all options of a command. */
#ifndef HSGD_APP_SETTINGS_H
#define HSGD_APP_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

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
    SUMMARY = 4096,
    TUNE = 8192,
    CALIBRATE = 16384,
    CONVERT = 1 << 15,
    ONNX_TEST = 1 << 16,
    GENERATE = 1 << 17,
    EXPLAIN = 1 << 18
};

#define MAX_OPTIONS 128

/* Values of all options; numbers that were not given are -1 unless they have a
 * default in settings_defaults(). */
struct settings {
    const char *command, *model, *data, *format, *label, *target, *ignore, *test, *devices, *only, *out, *svg;
    const char *png, *checkpoint, *group, *sizes, *batch_sizes, *tokens, *fields, *buckets, *categorical, *impute;
    const char *prompt;
    const char *algorithm;
    const char *class_name, *layer;
    const char *config, *initial_checkpoint, *validation, *best, *loss;
    int64_t epochs, steps, batch_size, warmup_steps, step_size, seed, threads, rows, columns, features, crop, resize;
    int64_t window, stride, length, top_k;
    int64_t lr_patience, accumulate, patience, checkpoint_every, checkpoint_hist, repeat;
    double lr, momentum, weight_decay, ema_decay, clip_grad, gamma, min_lr, warmup_epochs;
    double power, pct_start, div_factor, final_div_factor, lr_threshold;
    int64_t local_steps, staleness, min_batch, max_batch, lr_ramp, slices;
    double moving_rate, min_share, stop_at, time_limit, seconds, time, temperature, min_score;
    double label_smoothing, resized_crop, rotate;
    int completion; /* a shell; -1: none */
    int optimizer, schedule, executor, split, lr_scaling;
    int method, baseline; /* method -1: all that are possible */
    bool show, force, clear;
    bool deterministic, tf32, json, quiet, verbose, help, resume, dry_run, man, flip, classes, keep_going,
        no_bias_decay;
    bool given[MAX_OPTIONS]; /* by the command line or --config; in the order of the table */
    const char *model_copy;  /* of the model file `model`, in the folder of a run; NULL: none */
    int ntexts;              /* texts from config files, to which values point */
    char **text;
    int words; /* arguments that are not options */
    char **word;
};

/* Values of --completion. */
enum { BASH, ZSH, FISH, SHELLS };

void settings_defaults(struct settings *s, const char *command);
void settings_free(struct settings *s);
/* Owns the text until settings_free(); NULL, and the text is freed: out of
 * memory. */
char *settings_keep(struct settings *s, char *text);

/* Checks that there are at most `words` words: OK, or USAGE after a sentence. */
int require_words(const struct settings *s, int words);

#endif
