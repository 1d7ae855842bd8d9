/* SPDX-License-Identifier: BSD-3-Clause */
/* Explains what an open checkpoint predicts for a sample: integrated gradients by its
 * inputs, and Grad-CAM. */
#ifndef HSGD_APP_EXPLAINER_H
#define HSGD_APP_EXPLAINER_H

#include "attribution.h"
#include "checkpoint.h"

enum explain_method { EXPLAIN_INTEGRATED, EXPLAIN_GRAD_CAM, EXPLAIN_METHODS };
enum explain_baseline { BASELINE_MEAN, BASELINE_ZERO, BASELINES };

/* What attributions are by: an input of floats, or what an embedding makes of tokens. */
struct source {
    char name[64];         /* of the input or embedding */
    struct hsgd_type type; /* of the value */
    int input; /* the predictor's, which it is, or whose tokens it embeds; -1: what other nodes make of one */
    bool embeds;
    int64_t first, size; /* its numbers among those of all sources */
};

struct explainer {
    const struct opened *o;
    enum explain_baseline baseline;
    int steps, chunk;
    struct hsgd_session *gradients;  /* of "output" by all sources; embeddings are given */
    struct hsgd_session *embeddings; /* what they make; NULL: there are none */
    struct hsgd_session *layer;      /* "output" and the layer of Grad-CAM, and the gradient by it; NULL: no Grad-CAM */
    char layer_name[64];
    bool integrates;
    int nsources;
    struct source source[MAX_INPUTS];

    /* Of the sample that is explained: */
    int64_t size;           /* numbers of all sources */
    int64_t outputs;        /* of the model */
    int64_t classes, shown; /* those that count: at the last position, from this output on */
    struct hsgd_type layer_type;
    float *x, *base;         /* [size] */
    float *output;           /* [outputs] */
    void *input[MAX_INPUTS]; /* as the model takes it, */
    void *raw[MAX_INPUTS];   /* and in the unit of the data */
    int64_t explained;       /* the output that is explained now */
};

/* Chooses sources and the layer by --method, --layer, --baseline, --steps.  OK or an
 * exit code after a sentence; explainer_close() in any case. */
int explainer_open(struct explainer *e, const struct opened *o, const struct settings *s);
void explainer_close(struct explainer *e);

/* Reads sample `row` of an input and computes its outputs. */
int explainer_read(struct explainer *e, const struct hsgd_data *d, int64_t row);
/* Integrated gradients of the score that is output i; integral_free() in any case. */
int explainer_integrate(struct explainer *e, int64_t i, struct integral *out);
/* Grad-CAM of it: *map, to be freed, of the first two dimensions of e->layer_type. */
int explainer_grad_cam(struct explainer *e, int64_t i, float **map);

/* Height, width, channels. */
bool source_is_image(const struct source *s);

#endif
