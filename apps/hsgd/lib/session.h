/* SPDX-License-Identifier: BSD-3-Clause */
/* Opens and closes the objects of a command. */
#ifndef HSGD_APP_SESSION_H
#define HSGD_APP_SESSION_H

#include <hsgd/hsgd.h>

#include "message.h"
#include "settings.h"

struct session {
    struct hsgd_context *ctx;
    struct hsgd_data *whole, *train, *validation, *test;
    struct hsgd_model *model;
    struct hsgd_trainer *trainer;
    const char *result;                 /* of the model, for the predictor; NULL: what it predicts */
    struct hsgd_session *predictor;     /* of the model's outputs, */
    int64_t outputs;                    /* so many per sample; 0: as many as its positions have */
    int batch;                          /* of the predictor */
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
/* --buckets, if they were given; d NULL: nothing. */
int set_buckets(const struct session *run, const struct settings *s, struct hsgd_data *d);
/* *part: the fraction of a text that --test is; 0: it is none; -1: none of it. */
int test_part(const struct settings *s, double *part);
/* A model for this data, its classes or targets (NULL: the shape in the model's file,
 * and 10 classes), initialised from --seed. */
int open_model(struct session *run, const struct settings *s, const struct hsgd_data *d);
/* From --crop, --resized-crop, --flip and --rotate. */
struct hsgd_augment_options augment_options(const struct settings *s);
/* Defaults, with what every command that trains or times steps takes. */
void step_options(const struct settings *s, struct hsgd_train_options *o);
int open_trainer(struct session *run, const struct hsgd_train_options *options);
/* From --batch-size and --executor. */
int open_predictor(struct session *run, const struct settings *s);
enum { MAX_INPUTS = 16 }; /* of a model */
/* values[i]: what input i of the predictor takes of samples index[0..n), by name, but the first is the first field of
 * the data; to be freed, and NULL at first. */
int gather_inputs(const struct session *run, const struct hsgd_normalisation *norm, const struct hsgd_data *d,
                  const int64_t *index, int n, void **values);
/* Outputs of samples first to first + n - 1 of a data set, whose x is normalised by
 * `norm`, and their labels (or NULL), by the predictor. */
int predict_samples(const struct session *run, const struct hsgd_normalisation *norm, const struct hsgd_data *d,
                    int64_t first, int n, float *out, int32_t *labels);
void close_session(struct session *run);
/* Reports the library's last error; returns its exit code. */
int library_error(const struct session *run, int err);

/* Checks the name given with --model. */
int require_model(const struct settings *s);

/* hsgd_data_summary(). */
struct summary {
    char text[1500];
};
struct summary summary_of(const struct hsgd_data *d);

#endif
