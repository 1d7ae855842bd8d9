/* SPDX-License-Identifier: BSD-3-Clause */
/* All commands, and what help and manual pages say about them. */
#include "commands.h"

const struct command commands[] = {
    { "train", TRAIN, cmd_train, "train --model NAME [--data digits|PATH] [OPTION...]", "train a model",
      "Trains a built-in model or one from a model file.  A fraction of the training\n"
      "samples is held out for validation; the test samples are evaluated once, at the\n"
      "end.  The folder of the run receives config.yaml (all options, for --config),\n"
      "log.jsonl, a TensorBoard event file, plan.json, trace.json and checkpoints.\n"
      "SIGINT, SIGTERM, SIGHUP and SIGPIPE stop the training after a checkpoint, a\n"
      "second SIGINT or SIGTERM immediately; SIGUSR1 requests a checkpoint.\n"
      "PATH is a folder with IDX or CIFAR-10 files or with one folder of images per\n"
      "class, an archive of these, a LIBSVM or CSV file, or NumPy arrays." },
    { "devices", DEVICES, cmd_devices, "devices [--verbose] [--json]", "list the devices of this machine",
      "Lists the devices that a device list can name, and which of them \"auto\" uses:\n"
      "every physical device once.  --verbose adds the libraries of matrix products on\n"
      "the CPU, how fast they are, and which is used (HSGD_PRODUCTS)." },
    { "selftest", SELFTEST, cmd_selftest, "selftest [--devices LIST] [--only CHECK,...] [--json]",
      "check the results of all devices",
      "Runs every operation, the optimizers and gradient clipping included, on each\n"
      "device with about 200 shapes and compares the results with a reference in double\n"
      "precision; copies 64 MiB to the device and back; trains three networks on each\n"
      "device and on all together, each of which must compute a share, and compares the\n"
      "losses with those of plain loops in double precision.  On CUDA devices, graphs\n"
      "must be captured, with results bitwise equal to those of plain launches.\n"
      "For each check the table shows the error that is closest to its bound, and the\n"
      "bound; \"-\" where results must be bitwise equal.  The exit status is 1 if a check\n"
      "fails." },
    { "bench", BENCH, cmd_bench, "bench --model NAME [OPTION...]", "time training steps",
      "Times training steps on synthetic data.  On the CPU alone, mlp, mlp-small and\n"
      "lenet are compared with a hand-written baseline (the floor): both run\n"
      "alternately in this process; the medians of both and of their ratios are\n"
      "reported.  The bound is the time of the floor's library calls and memory traffic\n"
      "alone.  With --data it trains on that data, eight steps or more, reports the\n"
      "loss, too, and does not count the first quarter of the time." },
    { "tune", TUNE, cmd_tune, "tune --model NAME [--data digits|PATH] [--time SECONDS] [OPTION...]",
      "search the fastest settings for a model",
      "Trains the model for some tenths of a second with many combinations of devices,\n"
      "threads, slices, placement, scheduling policy, executor, instruction set and\n"
      "library of matrix products, each in a process of its own, in turns, and drops the\n"
      "slower half again and again.  The fastest meet the default in a final.  Prints\n"
      "medians, spreads, how often each was the first, and why each setting was chosen,\n"
      "or that nothing is better than the default by more than the noise.  DIR receives\n"
      "tune.yaml, for --config of hsgd train, and tune.sh, with the environment\n"
      "variables.  What is set by an option or in the environment stays as it is.  What\n"
      "is computed never changes: a combination whose losses differ from the default's\n"
      "by more than 0.1 % is dropped, and with --deterministic no setting that may change\n"
      "bits is tried." },
    { "calibrate", CALIBRATE, cmd_calibrate, "calibrate [--model NAME] [--show | --force | --clear] [OPTION...]",
      "measure, show or forget times of this machine",
      "Measures what a training step of a model takes on each device, at three sizes, and\n"
      "keeps it for later processes, which divide batches by it; what is known is not\n"
      "measured again, except with --force.  Without --model, or with --show, it shows\n"
      "what is kept: times, by how much repeats differed, and when they were measured.\n"
      "--clear removes it, and StarPU's performance models of hsgd; without --model also\n"
      "the choice of matrix products and StarPU's measurements of transfers that hsgd\n"
      "made.  Nothing of other programs is removed." },
    { "plan", PLAN, cmd_plan, "plan RUN | --model NAME [OPTION...]", "show how a training step is partitioned",
      "Prints the cells (tasks) of one training step, where they run and why, their\n"
      "predicted and measured times, and each device's share and idle time.  With RUN,\n"
      "the folder of a run, it shows the plan of that run; otherwise it plans the model\n"
      "and runs 20 steps on synthetic data." },
    { "plot", PLOT, cmd_plot, "plot RUN [OPTION...]", "plot the curves of a run",
      "Plots loss and accuracy over the epochs of RUN, the folder of a run, which may\n"
      "still be in progress.  hsgd train writes the same plot when it finishes." },
    { "compare", COMPARE, cmd_compare, "compare RUN RUN... | --out DIR [OPTION...] -- TRAIN-OPTION...",
      "compare runs, or train with all combinations of options",
      "Compares existing runs when their folders are given; runs that differ in their\n"
      "seeds only form a group.  Otherwise it trains once for each combination of the\n"
      "options after \"--\", or --repeat N times with different seeds.  An option that\n"
      "appears several times lists its values: --algorithm sync --algorithm stale\n"
      "--lr 0.1; for a flag, --flip --flip=false.  All runs have the same seed unless\n"
      "several are listed.  A run that fails is a row with the reason, and the others\n"
      "continue; after SIGINT or SIGTERM the finished runs are reported.  Prints tables;\n"
      "DIR receives the runs, summary.csv, epochs.csv, devices.csv, groups.csv (for\n"
      "repeated runs), compare.png and compare.svg.  The exit status is 0 if at least\n"
      "one run succeeded, otherwise that of the first run." },
    { "eval", EVAL, cmd_eval, "eval --checkpoint PATH [--data digits|PATH] [OPTION...]",
      "evaluate a model on labelled data",
      "Prints loss and accuracy of a checkpoint's model on labelled data, precision,\n"
      "recall and F1 of every class, and the confusion matrix; of a model with numeric\n"
      "targets RMSE, MAE and R2 of each; of one that translates texts, how many are\n"
      "translated exactly; of one that predicts boxes its losses and metrics.  Without\n"
      "--data it uses the data of the run; with --data, columns are matched by name, and\n"
      "label column, features and unit of the values are those of the training data." },
    { "predict", PREDICT, cmd_predict, "predict --checkpoint PATH INPUT... [OPTION...]",
      "predict the classes, targets or boxes of samples",
      "Prints the most probable classes of every sample, its targets in the unit of the\n"
      "data, or the boxes that were found in it.  An INPUT is a PNG or JPEG image, a\n"
      "folder of images, a NumPy array (.npy, .npz), IDX images, a text file with one row\n"
      "of values per sample (separated by commas, semicolons or tabs), or a LIBSVM file;\n"
      "\"-\" is standard input.  Columns are matched by name; the label column of the\n"
      "training data is ignored.  An input that cannot be read is reported, the others are\n"
      "predicted, and the exit status is 1." },
    { "explain", EXPLAIN, cmd_explain, "explain --checkpoint PATH INPUT... [OPTION...]",
      "show what predictions are owed to",
      "Shows which pixels, features or tokens of a sample the score of its class, or its\n"
      "targets, are owed to: integrated gradients, whose attributions sum to the\n"
      "difference between the score and that of a baseline, and for networks on images\n"
      "Grad-CAM, the regions that speak for the class.  Draws PNG files: maps over the\n"
      "image, or bars; prints the largest of features and tokens.  Inputs are those of\n"
      "hsgd predict." },
    { "generate", GENERATE, cmd_generate, "generate --checkpoint PATH --prompt TEXT [OPTION...]",
      "continue or translate a text",
      "Continues a text by a model that was trained on one, token by token, each drawn\n"
      "with its probability, and prints them as they come.  The session keeps what the\n"
      "model has seen (keys and values of attention, the states of a recurrent network),\n"
      "so that a token takes one run on one position; after as many tokens as a sample\n"
      "of the training had it begins anew with the last half of them.  A model that\n"
      "keeps nothing, or not all, runs on the last of the text for each token.  A model\n"
      "that was trained on pairs of texts translates the prompt: each token is the most\n"
      "probable one." },
    { "data", DATA, cmd_data, "data info|show digits|PATH [OPTION...]", "inspect a data set",
      "info prints format, sizes, statistics and the number of samples per class.\n"
      "show prints the values of the first samples; of images, --out writes a contact\n"
      "sheet, and --png and --svg draw one with the names of the classes." },
    { "models", MODELS, cmd_models, "models [--json]", "list the built-in models",
      "Lists the built-in models with their number of parameters for their default\n"
      "input.  They are model files (YAML) installed with the program; --model also\n"
      "accepts other model files." },
    { "summary", SUMMARY, cmd_summary, "summary RUN | --model NAME [--data digits|PATH] [OPTION...]",
      "list the layers of a model",
      "Lists the layers of a model: what each reads (layers by number, inputs and targets\n"
      "by name), its output, parameters, floating-point operations and bytes of output,\n"
      "the latter two per sample: the model of RUN (a run, a checkpoint or a file of\n"
      "weights), or --model for samples of the shape of --data." },
    { "convert", CONVERT, cmd_convert, "convert FROM TO [OPTION...]", "convert a model from or to ONNX",
      "FROM FILE.onnx: writes its network and weights to a file of weights, as checkpoints\n"
      "have them, which --checkpoint of eval and predict, --initial-checkpoint of train, and\n"
      "summary take.  TO FILE.onnx: writes the model of FROM, a run, a checkpoint or a file\n"
      "of weights.  What of ONNX is read and written is in doc/onnx.md." },
    { "onnx-test", ONNX_TEST, cmd_onnx_test, "onnx-test DIR... [OPTION...]", "run test cases of ONNX",
      "Runs test cases of ONNX's back-end tests: each DIR is a case, with model.onnx and\n"
      "test_data_set_0/, or a folder of cases.  Inputs that are weights of an operator\n"
      "become weights of the model; the first axis is the batch, or else a sample is a\n"
      "whole tensor.  Prints each case that fails or is not supported with the reason;\n"
      "--verbose also those that pass.  The exit status is 1 if a case fails." },
    { "help", HELP, cmd_help, "help [COMMAND] [OPTION...]", "explain a command",
      "Prints the usage and options of a command." },
    { 0 }
};

const char exit_statuses[] = "0 success, 1 failure, 2 wrong input or usage, 3 the loss is not\n"
                             "finite, 129, 130, 141 and 143 stopped by SIGHUP, SIGINT, SIGPIPE and SIGTERM\n"
                             "after a checkpoint.";
