/* SPDX-License-Identifier: BSD-3-Clause */
/* The session's inside: plans that look forward only, whoever wants results or
 * losses of them. */
#ifndef HSGD_RUNTIME_INFER_SESSION_H
#define HSGD_RUNTIME_INFER_SESSION_H

#include "exec/run.h"
#include "plan/division.h"
#include "plan/plan_cache.h"

#define SESSION_STEPS 16 /* of a window that keep their results */
#define SESSION_SIZES 21 /* batches of up to 2^20 samples: those from 2^i on are divided alike */

struct session_result {
    char name[64];
    struct hsgd_type type;
    void (*prediction)(float *x, int64_t vectors, int channels); /* NULL: it is given as it is */
};

/* How batches of about a size are divided, as trials found. */
struct session_choice {
    bool known, many;          /* many: a slice per worker */
    struct device *device;     /* that does all; NULL: all devices, */
    double share[MAX_DEVICES]; /* with these parts of a batch */
};

/* What operations keep from run to run, of the samples of a run. */
struct session_cache {
    int64_t floats;      /* per sample; 0: no operation keeps anything */
    int rows;            /* samples that the buffer is for; 0: it is not there */
    bool begun, lost;    /* since the reset a run has been made, and has failed */
    struct device *home; /* that makes all runs from the first on; NULL: it is to be chosen */
    struct buffer buffer;
};

struct hsgd_session {
    struct hsgd_context *ctx; /* NULL: it is closed */
    struct store store;
    int batch;
    enum hsgd_executor executor;
    struct plan_cache plans;
    bool lost[MAX_DEVICES]; /* plans and choices take no account of the device any more */
    struct session_choice choice[SESSION_SIZES];
    /* Divides a batch in place of the session; false: it does not.  NULL: nobody does. */
    bool (*divide)(void *user, int batch, struct division *out);
    void *user;
    int ninputs, input[MAX_MODEL_FIELDS]; /* fields of the model */
    unsigned fields;                      /* bit i: a result depends on field i */
    int nresults, nby, ngiven;            /* and gradients, by values, and values that are given */
    int value[3 * MAX_RESULTS];           /* of the model: the results, and these */
    struct session_cache cache;
    struct session_result result[3 * MAX_RESULTS];
};

static inline struct wanted session_wanted(const struct hsgd_session *s)
{
    const int *by = s->value + s->nresults;
    return (struct wanted){ s->nresults, s->value, s->nby, by, s->ngiven, by + s->nby };
}

/* A session without results on a finished model, or on the parameters of a store of one; options in full. */
int session_open(struct hsgd_session *s, struct hsgd_model *model, const struct hsgd_session_options *o);
int session_open_on(struct hsgd_session *s, const struct store *of, const struct hsgd_session_options *o);
void session_close(struct hsgd_session *s);
/* The results, gradients and given values that the options name.  0, or an errno with the sentence in the context. */
int session_take_names(struct hsgd_session *s, const struct hsgd_session_options *o);

/* Looks at the results of each step when they are there. */
struct session_reader {
    void (*read)(void *user, const struct plan *plan, int steps);
    void *user;
};

/* Runs `steps` batches of `batch` samples: PLAN_PREDICT, at most SESSION_STEPS, whose
 * results are read, or PLAN_EVALUATE, at most WINDOW_STEPS, whose sums are in the
 * store's metrics afterwards.  What fails with a device is repeated without it. */
int session_window(struct hsgd_session *s, enum plan_mode mode, int batch, int steps, const struct batch_source *source,
                   const struct session_reader *reader);

/* Before a run on so many samples: the cache is there, and for them. */
int session_cache_prepare(struct hsgd_session *s, int64_t samples);
void session_cache_close(struct hsgd_session *s);
/* After a run that has failed. */
void session_cache_lose(struct hsgd_session *s);

/* Divides a batch; by trials where it is not known what is best. */
int session_divide(struct hsgd_session *s, enum plan_mode mode, int batch, struct division *out);
/* A plan for a division, which may be a trial's; window: steps that keep their results. */
struct plan *session_make(struct hsgd_session *s, enum plan_mode mode, const struct division *d, int window);

#endif
