/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of all options of all commands. */
#include <hsgd/hsgd.h>
#include <stddef.h>

#include "options.h"

static const char *optimizer_at(int i) { return i < HSGD_OPTIMIZERS ? hsgd_optimizer_name(i) : NULL; }
static const char *schedule_at(int i) { return i < HSGD_SCHEDULES ? hsgd_schedule_name(i) : NULL; }
static const char *algorithm_at(int i)
{
    return i < HSGD_ALGORITHMS ? hsgd_algorithm_name(i) : i == HSGD_ALGORITHMS ? "dpsgd" : NULL;
}
static const char *scaling_at(int i) { return i < HSGD_RATE_SCALINGS ? hsgd_rate_scaling_name(i) : NULL; }
static const char *executor_at(int i) { return i < 2 ? (const char *[]){ "replay", "insert" }[i] : NULL; }
static const char *shell_at(int i)
{
    static const char *const names[SHELLS] = { [BASH] = "bash", [ZSH] = "zsh", [FISH] = "fish" };
    return i < SHELLS ? names[i] : NULL;
}
static const char *tokens_at(int i) { return i < 2 ? (const char *[]){ "characters", "bytes" }[i] : NULL; }
static const char *loss_at(int i)
{
    static const char *const names[] = { "softmax_cross_entropy", "mse", "mae", "binary_cross_entropy", "none" };
    return i < (int)(sizeof names / sizeof *names) ? names[i] : NULL;
}
static const char *impute_at(int i) { return i < 3 ? (const char *[]){ "mean", "median", "most-frequent" }[i] : NULL; }
static const char *method_at(int i) { return i < 2 ? (const char *[]){ "integrated", "grad-cam" }[i] : NULL; }
static const char *baseline_at(int i) { return i < 2 ? (const char *[]){ "mean", "zero" }[i] : NULL; }
static const char *split_at(int i) { return i < 2 ? (const char *[]){ "train", "test" }[i] : NULL; }

#define AT(field) offsetof(struct settings, field)
#define RUNS (TRAIN | BENCH | PLAN)
#define USES (EVAL | PREDICT | GENERATE | EXPLAIN)
#define READS (TRAIN | BENCH | TUNE | CALIBRATE | PLAN | DATA | EVAL | SUMMARY)
#define ALL \
    (RUNS | TUNE | CALIBRATE | COMPARE | PLOT | USES | DEVICES | SELFTEST | DATA | MODELS | SUMMARY | CONVERT | \
     ONNX_TEST | EXPLAIN | HELP)

static const struct option_row table[] = {
    { "model", 0, TEXT, RUNS | TUNE | CALIBRATE | SUMMARY, AT(model), 0, 0, hsgd_model_name_at, "NAME|FILE.yaml",
      "the model, or a model file" },
    { "checkpoint", 0, TEXT, USES, AT(checkpoint), 0, 0, NULL, "PATH",
      "a checkpoint, the folder of a run (its best checkpoint), or a\nfile of weights" },
    { "prompt", 0, TEXT, GENERATE, AT(prompt), 0, 0, NULL, "TEXT", "what the text begins with, or what is translated" },
    { "length", 0, INTEGER, GENERATE, AT(length), 0, 1 << 24, NULL, "N", "tokens to generate (256)" },
    { "temperature", 0, REAL, GENERATE, AT(temperature), 0, 1000, NULL, "X",
      "divide the logarithms of probabilities by X: less is safer, more\n"
      "is freer; 0: always the most probable token (1)" },
    { "top-k", 0, INTEGER, GENERATE, AT(top_k), 0, 1 << 24, NULL, "K",
      "only among the K most probable tokens (0: all)" },
    { "seed", 0, INTEGER, GENERATE, AT(seed), 0, 9e15, NULL, "N", "seed of the choice of tokens (0)" },
    { "data", 0, TEXT, TRAIN | BENCH | TUNE | PLAN | EVAL | SUMMARY, AT(data), 0, 0, NULL, "digits|shapes|dates|PATH",
      "the data (train, tune: digits; eval: that of the run; bench,\n"
      "plan, summary: none, only the model's default input shape)" },
    { "data", 0, TEXT, CALIBRATE, AT(data), 0, 0, NULL, "digits|shapes|dates|PATH",
      "the data of the training (none, only the model's default input\nshape)" },
    { "test", 0, TEXT, TRAIN | DATA, AT(test), 0, 0, NULL, "X|PATH",
      "the test data (the test split of the data, if it has one); of a\n"
      "text or pairs also the fraction at its end that is the test split, such\n"
      "as 0.1 or 1/12, 0 for none (0.1)" },
    { "format", 0, TEXT, READS, AT(format), 0, 0, hsgd_data_format_at, "NAME",
      "the format of the data (detected from its content; pairs and\n"
      "text must be given, the latter unless --window or --tokens is)" },
    { "label", 0, TEXT, READS, AT(label), 0, 0, NULL, "NAME|N",
      "the labels: a column of a CSV by name or number, an array of an\n"
      ".npz, a file beside an .npy (found by common names)" },
    { "target", 0, LIST, READS, AT(target), 0, 0, NULL, "NAME,...",
      "predict numbers in place of labels: columns of a CSV by name or\n"
      "number (may be repeated), an array of an .npz, a file beside an\n"
      ".npy, or a folder with an image for each image" },
    { "features", 0, INTEGER, TRAIN | BENCH | TUNE | CALIBRATE | PLAN | DATA | SUMMARY, AT(features), 1, 1 << 24, NULL,
      "N", "features of a sample that is not an image (all)" },
    { "window", 0, INTEGER, READS, AT(window), 1, 1 << 24, NULL, "N",
      "read a text, in samples of N tokens and the next N as labels\n"
      "(128; eval: as in training)" },
    { "stride", 0, INTEGER, READS, AT(stride), 1, 1 << 24, NULL, "N",
      "tokens of a text from one sample to the next (--window)" },
    { "tokens", 0, TEXT, READS, AT(tokens), 0, 0, tokens_at, "NAME",
      "the tokens of a text: characters, or bytes (characters)" },
    { "fields", 0, LIST, READS, AT(fields), 0, 0, NULL, "NAME[=ARRAY][:TYPE],...",
      "arrays of an .npz as fields of the samples, of type f32, i32 or\n"
      "u8; with x among them there are only these; may be repeated" },
    { "buckets", 0, LIST, TRAIN | BENCH | EVAL, AT(buckets), 0, 0, NULL, "N,...",
      "bounds of the lengths of sequences in a batch, where the data\n"
      "has a field \"length\" (powers of two from 8)" },
    { "ignore", 0, LIST, READS, AT(ignore), 0, 0, NULL, "COLUMN,...",
      "ignore columns of a CSV, by name or number; may be repeated" },
    { "categorical", 0, LIST, READS & ~EVAL, AT(categorical), 0, 0, NULL, "auto|COLUMN,...",
      "columns of a CSV whose values are categories, by name or number;\n"
      "may be repeated; auto: all that have text" },
    { "impute", 0, TEXT, READS & ~EVAL, AT(impute), 0, 0, impute_at, "NAME",
      "fill missing numbers of a CSV with the mean, median or\n"
      "most-frequent value of the training data, and add a feature that\n"
      "says where (mean, without that feature)" },
    { "classes", 0, FLAG, READS, AT(classes), 0, 0, NULL, NULL,
      "treat numeric labels as classes even if they have fractions or\n"
      "very many distinct values" },
    { "resize", 0, INTEGER, READS, AT(resize), 0, 4096, NULL, "N",
      "resize images to shorter side N and centre-crop them, so that\n"
      "sizes may differ (0: all images have the same size)" },
    { "keep-going", 0, FLAG, READS, AT(keep_going), 0, 0, NULL, NULL, "skip damaged images, up to 1 % of all" },
    { "epochs", 0, INTEGER, TRAIN | FREE, AT(epochs), 1, 1e6, NULL, "N",
      "number of epochs (5); with --resume, including those done" },
    { "steps", 0, INTEGER, TRAIN | FREE, AT(steps), 1, 1e12, NULL, "N",
      "stop after N batches; without --epochs, only N counts" },
    { "batch-size", 'b', INTEGER, RUNS | CALIBRATE | EVAL | PREDICT | EXPLAIN, AT(batch_size), 1, 1 << 20, NULL, "N",
      "samples per batch (128)" },
    { "batch-size", 'b', LIST, TUNE, AT(batch_sizes), 0, 0, NULL, "N,...",
      "samples per batch (128); of several the fastest is searched, too" },
    { "accumulate", 0, INTEGER, TRAIN, AT(accumulate), 1, 1024, NULL, "K",
      "compute each batch in K parts, one after another, and add up\n"
      "their gradients: the same steps in less memory (1)" },
    { "optimizer", 0, CHOICE, TRAIN | CALIBRATE, AT(optimizer), 0, 0, optimizer_at, "NAME", "the optimizer (adam)" },
    { "lr", 0, REAL, TRAIN, AT(lr), 1e-12, 1000, NULL, "X",
      "learning rate (0.001 for adam, adamw and\nlamb, else 0.01)" },
    { "momentum", 0, REAL, TRAIN, AT(momentum), 0, 1, NULL, "X",
      "momentum (0.9); with sgd and rmsprop it selects the optimizers\n"
      "momentum and rmsprop-momentum; not for adam, adamw, adagrad\nand lamb" },
    { "weight-decay", 0, REAL, TRAIN, AT(weight_decay), 0, 100, NULL, "X",
      "weight decay (0; 0.01 for adamw and lamb)" },
    { "no-bias-decay", 0, FLAG, TRAIN, AT(no_bias_decay), 0, 0, NULL, NULL,
      "no weight decay of biases, and factors and offsets of norms" },
    { "group", 0, LIST, TRAIN, AT(group), 0, 0, NULL, "PATTERN:lr=X,decay=X",
      "weights whose names match, with * and ?, have X times the\n"
      "learning rate (0: they stay as they are), and a weight decay of\n"
      "their own; may be repeated, the last that matches counts" },
    { "ema-decay", 0, REAL, TRAIN, AT(ema_decay), 0, 0.999999, NULL, "X",
      "keep a moving average of the weights with this decay, such as\n"
      "0.999, for validation, the best epoch and checkpoints (0: off)" },
    { "clip-grad", 0, REAL, TRAIN, AT(clip_grad), 0, 1e12, NULL, "X",
      "scale gradients so that their 2-norm is at most X (0: off)" },
    { "label-smoothing", 0, REAL, TRAIN, AT(label_smoothing), 0, 0.999, NULL, "X",
      "fraction of each label spread over all classes (0)" },
    { "crop", 0, INTEGER, TRAIN | DATA, AT(crop), 0, 16384, NULL, "PIXELS",
      "train on random crops of images padded with PIXELS black pixels\n"
      "on each side (0)" },
    { "resized-crop", 0, REAL, TRAIN | DATA, AT(resized_crop), 0, 1, NULL, "X",
      "train on random crops of at least this fraction of the area,\n"
      "resized to the full size (0: off)" },
    { "flip", 0, FLAG, TRAIN | DATA, AT(flip), 0, 0, NULL, NULL, "flip images horizontally at random in training" },
    { "rotate", 0, REAL, TRAIN | DATA, AT(rotate), 0, 180, NULL, "DEGREES",
      "rotate images by up to DEGREES, either way, in training (0)" },
    { "sched", 0, CHOICE, TRAIN, AT(schedule), 0, 0, schedule_at, "NAME",
      "learning-rate schedule (cosine; constant with --steps)" },
    { "warmup-steps", 0, INTEGER, TRAIN, AT(warmup_steps), 0, 1e12, NULL, "N",
      "steps of linear warmup of the learning rate from 0 (0)" },
    { "warmup-epochs", 0, REAL, TRAIN, AT(warmup_epochs), 0, 1e6, NULL, "N", "the same in epochs (0)" },
    { "step-size", 0, INTEGER, TRAIN, AT(step_size), 1, 1e12, NULL, "N", "steps between drops of --sched step (1000)" },
    { "gamma", 0, REAL, TRAIN, AT(gamma), 0, 1, NULL, "X", "factor of each drop of --sched step and plateau (0.1)" },
    { "min-lr", 0, REAL, TRAIN, AT(min_lr), 0, 1000, NULL, "X",
      "minimum learning rate of --sched step, cosine, polynomial and\n"
      "plateau (0)" },
    { "power", 0, REAL, TRAIN, AT(power), 0, 100, NULL, "X", "power of --sched polynomial (1)" },
    { "pct-start", 0, REAL, TRAIN, AT(pct_start), 0, 1, NULL, "X",
      "fraction of the training in which the rate of --sched one-cycle\n"
      "rises to --lr (0.3)" },
    { "div-factor", 0, REAL, TRAIN, AT(div_factor), 1, 1e9, NULL, "X",
      "--sched one-cycle begins with --lr divided by X (25)" },
    { "final-div-factor", 0, REAL, TRAIN, AT(final_div_factor), 1, 1e9, NULL, "X",
      "and ends with its first rate divided by X (10000)" },
    { "lr-patience", 0, INTEGER, TRAIN, AT(lr_patience), 0, 1e9, NULL, "N",
      "--sched plateau multiplies the rate by --gamma after more than N\n"
      "epochs without a lower validation loss (10)" },
    { "lr-threshold", 0, REAL, TRAIN, AT(lr_threshold), 0, 1, NULL, "X",
      "fraction by which it must be lower (0.0001)" },
    { "patience", 0, INTEGER, TRAIN | FREE, AT(patience), 0, 1e6, NULL, "N",
      "stop after N epochs without better validation (0: never)" },
    { "best", 0, TEXT, TRAIN | FREE, AT(best), 0, 0, NULL, "NAME",
      "what makes an epoch the best: loss, accuracy, or the name of a\n"
      "loss or metric of the model (accuracy; without classes loss)" },
    { "stop-at", 0, REAL, TRAIN | COMPARE | FREE, AT(stop_at), 0, 1, NULL, "X",
      "stop after the first epoch with this validation accuracy (0: off)" },
    { "time-limit", 0, REAL, TRAIN | COMPARE | FREE, AT(time_limit), 0, 1e9, NULL, "SECONDS",
      "stop after SECONDS of training, without evaluation time; the\n"
      "epoch is stopped early and evaluated (0: off)" },
    { "validation", 0, TEXT, TRAIN, AT(validation), 0, 0, NULL, "X|PATH",
      "fraction of the training samples held out for validation, such\n"
      "as 0.1 or 1/12, 0 for none; or the validation data (1/12)" },
    { "seed", 0, INTEGER, RUNS | TUNE | DATA, AT(seed), 0, 9e15, NULL, "N",
      "seed of initial weights, order, validation split and\naugmentation (0)" },
    { "devices", 0, TEXT, RUNS | TUNE | CALIBRATE | USES | SELFTEST | ONNX_TEST | FREE, AT(devices), 0, 0, NULL,
      "auto|LIST",
      "devices to use: auto for each physical device once, or a list\n"
      "such as cpu,opencl:1 (auto)" },
    { "threads", 0, INTEGER, RUNS | TUNE | CALIBRATE | USES | SELFTEST | ONNX_TEST | FREE, AT(threads), 1, 1 << 16,
      NULL, "N", "CPU cores to use (all that this process may use)" },
    { "deterministic", 0, FLAG, RUNS | TUNE | USES, AT(deterministic), 0, 0, NULL, NULL,
      "the same result with any number of threads" },
    { "tf32", 0, FLAG, RUNS | TUNE | CALIBRATE | USES, AT(tf32), 0, 0, NULL, NULL,
      "CUDA devices: faster matrix products with TF32 operands" },
    { "algorithm", 0, TEXT, RUNS, AT(algorithm), 0, 0, algorithm_at, "NAME",
      "training algorithm, see doc/algorithms.md (sync)" },
    { "local-steps", 0, INTEGER, TRAIN, AT(local_steps), 0, 128, NULL, "N",
      "local, elastic: steps between two merges (0: 8, 4)" },
    { "staleness", 0, INTEGER, TRAIN, AT(staleness), 0, 1e6, NULL, "N",
      "stale: maximum staleness, in merges of other devices (0: 4)" },
    { "moving-rate", 0, REAL, TRAIN, AT(moving_rate), 0, 1, NULL, "X", "elastic: strength of a merge (0.9)" },
    { "min-batch", 0, INTEGER, TRAIN, AT(min_batch), 0, 1 << 20, NULL, "N",
      "adaptive: minimum samples per update (0: --batch-size / 8);\n"
      "hogbatch: samples per update on CPU cores (0: / 4)" },
    { "max-batch", 0, INTEGER, TRAIN, AT(max_batch), 0, 1 << 20, NULL, "N",
      "adaptive: maximum samples per update (0: twice --batch-size);\n"
      "hogbatch: samples per update on accelerators (0: --batch-size)" },
    { "lr-scaling", 0, CHOICE, TRAIN, AT(lr_scaling), 0, 0, scaling_at, "NAME",
      "hogbatch, adaptive: scaling of the learning rate with the samples\n"
      "per update (auto: linear; square root for adam to\n"
      "lamb)" },
    { "lr-ramp", 0, INTEGER, TRAIN, AT(lr_ramp), 0, 1000000000, NULL, "N",
      "adaptive: updates over which the rate changes to that of a new\nbatch size (10)" },
    { "min-share", 0, REAL, RUNS, AT(min_share), 0, 1, NULL, "X",
      "sync: minimum share of the batch per device; with 0, devices\n"
      "that would not help stay idle (0)" },
    { "slices", 0, INTEGER, RUNS | TUNE, AT(slices), 0, 32, NULL, "N",
      "sync, data-parallel: cut the batch into N slices of one size, each\n"
      "placed by StarPU's policy when it can begin; 0: a share for each\n"
      "device (0, or $HSGD_SLICES)" },
    { "executor", 0, CHOICE, RUNS | TUNE | USES | FREE, AT(executor), 0, 0, executor_at, "NAME",
      "how steps are submitted (replay, or $HSGD_EXECUTOR)" },
    { "config", 0, TEXT, TRAIN | PASSING, AT(config), 0, 0, NULL, "FILE",
      "options from a config.yaml; those given here take precedence" },
    { "out", 0, TEXT, TRAIN | PASSING | SINGLE, AT(out), 0, 0, NULL, "DIR", "folder of the run (runs/DATE-MODEL)" },
    { "resume", 0, FLAG, TRAIN | PASSING | SINGLE, AT(resume), 0, 0, NULL, NULL,
      "resume from the newest checkpoint in --out, if there is one" },
    { "initial-checkpoint", 0, TEXT, TRAIN, AT(initial_checkpoint), 0, 0, NULL, "FILE",
      "initial weights: a model.safetensors, or a folder with one" },
    { "checkpoint-every", 0, INTEGER, TRAIN | FREE, AT(checkpoint_every), 0, 1e12, NULL, "N",
      "steps between checkpoints (0: after epochs, and every 5 minutes)" },
    { "checkpoint-hist", 0, INTEGER, TRAIN | FREE, AT(checkpoint_hist), 1, 1e6, NULL, "N",
      "checkpoints to keep besides the best (3)" },
    { "dry-run", 0, FLAG, TRAIN | PASSING | SINGLE, AT(dry_run), 0, 0, NULL, NULL,
      "check options, data, model, memory and plan; write nothing" },
    { "out", 0, TEXT, DATA, AT(out), 0, 0, NULL, "FILE.png", "show: write a contact sheet, one pixel per pixel" },
    { "out", 0, TEXT, COMPARE, AT(out), 0, 0, NULL, "DIR", "folder for the runs, the tables and the plots" },
    { "out", 0, TEXT, TUNE, AT(out), 0, 0, NULL, "DIR", "folder for tune.yaml and tune.sh (the current folder)" },
    { "time", 0, REAL, TUNE, AT(time), 1, 1e6, NULL, "SECONDS", "how long to search (120)" },
    { "repeat", 0, INTEGER, COMPARE, AT(repeat), 1, 64, NULL, "N",
      "train every combination N times, with seeds counted up from\n"
      "--seed, and report means and standard deviations (1)" },
    { "sizes", 0, LIST, BENCH | TUNE | CALIBRATE | PLAN, AT(sizes), 0, 0, NULL, "NAME=SIZES,...",
      "sizes of an input or target, where the model leaves them open,\n"
      "such as x=32x32x3; may be repeated (those of the data)" },
    { "seconds", 0, REAL, BENCH, AT(seconds), 0.1, 3600, NULL, "X", "approximate measuring time (5)" },
    { "png", 0, TEXT, DATA, AT(png), 0, 0, NULL, "FILE.png", "show: draw enlarged images with their classes" },
    { "svg", 0, TEXT, DATA, AT(svg), 0, 0, NULL, "FILE.svg", "the same as SVG" },
    { "png", 0, TEXT, PLAN, AT(png), 0, 0, NULL, "FILE.png", "draw the timeline of a step, predicted and measured" },
    { "svg", 0, TEXT, PLAN, AT(svg), 0, 0, NULL, "FILE.svg", "the same as SVG, with details in tooltips" },
    { "only", 0, TEXT, SELFTEST, AT(only), 0, 0, NULL, "CHECK,...",
      "these checks of the table only: names of operations, copy,\ntraining (all)" },
    { "png", 0, TEXT, EVAL, AT(png), 0, 0, NULL, "FILE.png", "draw the confusion matrix" },
    { "svg", 0, TEXT, EVAL, AT(svg), 0, 0, NULL, "FILE.svg", "the same as SVG" },
    { "png", 0, TEXT, PLOT, AT(png), 0, 0, NULL, "FILE.png", "the plot (RUN/curves.png and .svg)" },
    { "svg", 0, TEXT, PLOT, AT(svg), 0, 0, NULL, "FILE.svg", "the same as SVG" },
    { "rows", 0, INTEGER, DATA, AT(rows), 1, 10000, NULL, "N", "rows of the sheet, or samples shown (8)" },
    { "columns", 0, INTEGER, DATA, AT(columns), 1, 10000, NULL, "N", "columns of the sheet, or values shown (16)" },
    { "split", 0, CHOICE, DATA | EVAL, AT(split), 0, 0, split_at, "NAME",
      "the split to use (train; eval: test if there is one)" },
    { "loss", 0, TEXT, CONVERT, AT(loss), 0, 0, loss_at, "NAME",
      "what compares the first output with a target, so that the model\n"
      "can be trained; none: nothing (softmax_cross_entropy for a\n"
      "vector, else mse)" },
    { "class", 0, TEXT, EXPLAIN, AT(class_name), 0, 0, NULL, "NAME|N",
      "explain the score of this class (the predicted one)" },
    { "target", 0, TEXT, EXPLAIN, AT(target), 0, 0, NULL, "NAME|N", "explain this target of several (all)" },
    { "method", 0, CHOICE, EXPLAIN, AT(method), 0, 0, method_at, "NAME",
      "integrated gradients, or Grad-CAM (both, where the model has a\n"
      "layer of height x width x channels)" },
    { "layer", 0, TEXT, EXPLAIN, AT(layer), 0, 0, NULL, "NAME",
      "Grad-CAM by this layer (the last of height x width x channels)" },
    { "steps", 0, INTEGER, EXPLAIN, AT(steps), 1, 1 << 20, NULL, "N",
      "integrated gradients: points on the path, doubled up to 2048\n"
      "until attributions sum to the difference within 1 % (64)" },
    { "baseline", 0, CHOICE, EXPLAIN, AT(baseline), 0, 0, baseline_at, "NAME",
      "where the path starts: the mean of the training data, or 0 in\n"
      "its unit, which is black in images (mean)" },
    { "rows", 0, INTEGER, EXPLAIN, AT(rows), 1, 200, NULL, "N", "features or tokens to show, by magnitude (8)" },
    { "out", 0, TEXT, EXPLAIN, AT(out), 0, 0, NULL, "DIR",
      "a new folder for the pictures (explained/DATE-MODEL; with --json\n"
      "none)" },
    { "out", 0, TEXT, PREDICT, AT(out), 0, 0, NULL, "DIR",
      "a new folder for pictures of the samples with the boxes that were\n"
      "found, by a model that predicts boxes" },
    { "min-score", 0, REAL, PREDICT, AT(min_score), 0, 1, NULL, "X", "show boxes of at least this score (0.5)" },
    { "show", 0, FLAG, CALIBRATE, AT(show), 0, 0, NULL, NULL, "show what is kept, and measure nothing" },
    { "force", 0, FLAG, CALIBRATE, AT(force), 0, 0, NULL, NULL, "measure again what is known" },
    { "clear", 0, FLAG, CALIBRATE, AT(clear), 0, 0, NULL, NULL, "remove what is kept, of --model or of all networks" },
    { "json", 0, FLAG,
      RUNS | TUNE | CALIBRATE | COMPARE | USES | DEVICES | SELFTEST | DATA | MODELS | SUMMARY | PASSING | SINGLE,
      AT(json), 0, 0, NULL, NULL, "print one JSON object and nothing else" },
    { "quiet", 'q', FLAG, TRAIN | PASSING | SINGLE, AT(quiet), 0, 0, NULL, NULL, "print only the last line" },
    { "verbose", 'v', FLAG, RUNS | TUNE | CALIBRATE | USES | DEVICES | SELFTEST | ONNX_TEST | PASSING, AT(verbose), 0,
      0, NULL, NULL, "print messages of the library, too" },
    { "man", 0, FLAG, HELP, AT(man), 0, 0, NULL, NULL, "print the manual page in roff format" },
    { "completion", 0, CHOICE, HELP, AT(completion), 0, 0, shell_at, "SHELL",
      "print the completion script for a shell" },
    { "help", 'h', FLAG, ALL | PASSING | SINGLE, AT(help), 0, 0, NULL, NULL, "print this help" },
};

enum { ROWS = sizeof table / sizeof *table };
_Static_assert(ROWS <= MAX_OPTIONS, "struct settings has a flag per option");

const struct option_row *option_at(int i) { return i < ROWS ? &table[i] : NULL; }
