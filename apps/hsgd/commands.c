/* SPDX-License-Identifier: BSD-3-Clause */
/* What help and manual pages say about the commands. */
#include "app.h"

const struct command commands[] = {
    { "train", TRAIN, "train --model NAME [--data digits|PATH] [OPTION...]", "train a model",
      "Trains a built-in model or that of a model file.  A part of the training\n"
      "samples is held back for validation; the test samples are scored once, at the\n"
      "end.  A folder gets config.yaml (all options, for --config), log.jsonl,\n"
      "TensorBoard's event file, plan.json, trace.json, and checkpoints.  SIGINT,\n"
      "SIGTERM, SIGHUP and SIGPIPE end the training after a checkpoint, a second SIGINT\n"
      "or SIGTERM at once; SIGUSR1 asks for a checkpoint.\n"
      "PATH is a folder with IDX or CIFAR-10 files or pictures in folders of their\n"
      "classes, a tar archive of these, a LIBSVM or CSV text, or NumPy arrays." },
    { "devices", DEVICES, "devices [--json]", "list the devices of this machine",
      "Lists the devices that can be named in a device list, and which of them \"auto\"\n"
      "uses: every physical device once." },
    { "selftest", SELFTEST, "selftest [--devices LIST] [--json]", "check what devices compute",
      "Runs every operation on each device with some 200 shapes and holds the results\n"
      "against a reference in double precision, optimizers and clipping included;\n"
      "copies 64 MiB there and back; trains three networks on each device and on all\n"
      "together, where each must do a part, and compares the losses with those of plain\n"
      "loops in double precision.  On CUDA devices graphs must be captured, and launch\n"
      "what plain launches do, bit by bit.\n"
      "The table has for each check the number nearest to its bound: how far it is off,\n"
      "and may be; \"-\" where every bit is compared.  Exit status 1 when something is\n"
      "wrong." },
    { "bench", BENCH, "bench --model NAME [OPTION...]", "time training steps",
      "Times training steps on made-up data.  On the CPU alone, mlp, mlp-small and\n"
      "lenet are compared with a hand-written step (the floor): both run in turns in\n"
      "this process; medians are reported, and the median of the ratios of the turns.\n"
      "The bound is the time of the floor's bare library calls and memory traffic." },
    { "plan", PLAN, "plan RUN | --model NAME [OPTION...]", "show how a training step is divided",
      "Prints the cells (tasks) of one training step, where they run and why, their\n"
      "predicted and measured times, and each device's share and idle time.  With RUN,\n"
      "the folder of a run, it shows that run; else it makes a plan for the model and\n"
      "runs 20 steps of it on made-up data." },
    { "plot", PLOT, "plot RUN [OPTION...]", "draw the curves of a run",
      "Draws loss and accuracy over the epochs of RUN, the folder of a run, which may\n"
      "still be under way.  A training that ends does so itself." },
    { "compare", COMPARE, "compare RUN RUN... | --out DIR [OPTION...] -- TRAIN-OPTION...",
      "runs side by side, or train with all combinations of options",
      "With folders of runs, compares these; runs that differ in their seeds only are a\n"
      "group.  Else runs train once for every combination of the options after \"--\",\n"
      "or --repeat N times with other seeds; one that is\n"
      "given several times is a list: --algorithm sync --algorithm stale --lr 0.1; of a\n"
      "flag, --flip --flip=false.  Every run has the same seed, unless there is a list\n"
      "of them.  A run that fails is a row with the reason, and the others go on; after\n"
      "SIGINT or SIGTERM what there is by then is reported.  Prints tables; DIR gets the\n"
      "runs, summary.csv, epochs.csv, devices.csv, groups.csv (of repeated runs),\n"
      "compare.png and compare.svg.  The exit\n"
      "status is 0 when one run at least has ended well, else the first one's." },
    { "eval", EVAL, "eval --checkpoint PATH [--data digits|PATH] [OPTION...]", "score a model on data",
      "Prints loss and accuracy of a checkpoint's model on labelled data, precision,\n"
      "recall and F1 of every class, and how often which class was taken for which.\n"
      "Without --data on the data of its run; with it, columns are matched by name,\n"
      "and label, features and unit of the values are those of the training." },
    { "predict", PREDICT, "predict --checkpoint PATH INPUT... [OPTION...]",
      "what a model makes of samples",
      "Prints the most probable classes of every sample.  An INPUT is a PNG or JPEG\n"
      "image, a folder of these, a NumPy array (.npy, .npz), IDX images, or a text with\n"
      "a row of numbers for each sample (comma, semicolon or tab between them) or\n"
      "LIBSVM's; \"-\" is standard input.  Columns are matched by their names, and the\n"
      "one that was the label in training is passed over.\n"
      "An input that cannot be read is reported and the others are predicted;\n"
      "the exit status is then 1." },
    { "data", DATA, "data info|show digits|PATH [OPTION...]", "look at a data set",
      "info prints format, sizes, statistics and how many samples each class has.\n"
      "show prints the first samples that are no pictures; --out writes a sheet of\n"
      "images, --png and --svg draw them with the names of their classes." },
    { "models", MODELS, "models [--json]", "list the built-in models",
      "Lists the built-in models, with their parameters for their usual data.  They\n"
      "are model files (YAML), installed with the program; --model takes others too." },
    { "summary", SUMMARY, "summary RUN | --model NAME [--data digits|PATH] [OPTION...]",
      "list the layers of a model",
      "Lists the layers of a model with their outputs, parameters, floating-point\n"
      "operations and bytes, the latter two for one sample: the model of RUN (a run, a\n"
      "checkpoint or a file with weights), or --model for samples as those of --data." },
    { "help", HELP, "help [COMMAND] [OPTION...]", "explain a command", "Prints how a command is used." },
    { 0 }
};

const char exit_statuses[] = "0 done, 1 the run failed, 2 wrong input or usage, 3 the loss is not\n"
                             "finite, 129, 130, 141 and 143 ended by SIGHUP, SIGINT, SIGPIPE and SIGTERM\n"
                             "after a checkpoint.";
