/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions: a model's results for samples in memory, without a trainer. */
#ifndef HSGD_SESSION_H
#define HSGD_SESSION_H

#include <hsgd/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A model that is ready to run on the context's devices.  It has no gradients,
 * no optimizer and no targets: a device holds the model's parameters, and for each
 * plan that is kept one batch of inputs, the arena of the operations and the results.
 * Operations do what they do in evaluation: batch_norm takes its running statistics,
 * dropout nothing away.
 *
 * Sessions and the trainer of a model work on the same parameters: nothing is
 * copied, and a run sees the weights as they are then.  Neither a trainer nor
 * hsgd_model_load() or hsgd_model_set_weight() has to tell a session.  A session
 * goes on after its model's trainer has been destroyed.
 *
 * Threads: as for all objects of a context, one at a time.  A session must not run
 * while hsgd_fit() does, its progress function included. */
struct hsgd_session;

/* 0 is the default of every field. */
struct hsgd_session_options {
    size_t size;
    int batch; /* samples that are computed at once; more are computed in parts of so many; 0: 128 */
    int plans; /* plans that are kept, one per number of samples and sizes; a new one replaces the least recently used; 0: 8 */
    enum hsgd_executor executor;
    const char *const *result;   /* names of the results, the last followed by NULL; read by the call only.  NULL: all
                                    that the model names (hsgd_result()), or "output" if it names none.  "output" is
                                    what the model predicts: the input of its loss, as probabilities where that is
                                    softmax or binary cross-entropy.  Else what nodes make ("conv1") */
    const char *const *gradient; /* names of values by which the gradient of the results is wanted, the last followed by
                                    NULL: inputs, or what nodes make ("conv1", as model files call it); read by the
                                    call only.  NULL: none.  hsgd_session_run() */
    const char *const *given;    /* names of results, or of what nodes make, which the caller gives in their place; read
                                    by the call only.  NULL: none */
};

/* The defaults.  -EINVAL: o is NULL, or its size is wrong. */
HSGD_API int hsgd_session_defaults(struct hsgd_session_options *o, size_t size);

/* A session on a finished model, which must outlive it; options NULL: the defaults.
 * What the results do not depend on is not computed.
 *
 * With `gradient` the session takes, after the model's inputs, for each result z_i a
 * tensor u_i of its type (named "gradient of RESULT"), and gives, after the results,
 * for each value v of these names the gradient sum_i d(u_i . z_i)/dv of each sample,
 * of the type of v (named "gradient by VALUE").  Operations do what they do in
 * evaluation.  "output" is then what enters the loss, without softmax or sigmoid, and
 * nothing is kept from run to run.
 * Source: Griewank & Walther, Evaluating Derivatives, 3.2.
 *
 * With `given` the session takes, last, a tensor for each of these values, of its type;
 * the nodes that make them are not computed.  A gradient by such a value is that by what
 * is given.
 *
 * Errors (NULL): -EINVAL naming the field and value; the model has no such result, or
 * it depends on a target; there is no value of a name in `gradient` or `given`, a node
 * that makes a given one has several outputs; a result or what a gradient is by is not
 * of 32-bit floats, or an operation between them has no gradient outside training; the
 * context has no device; -ENOMEM. */
HSGD_API struct hsgd_session *hsgd_session_create(struct hsgd_model *model, const struct hsgd_session_options *options);
/* NULL-safe. */
HSGD_API void hsgd_session_destroy(struct hsgd_session **session);

/* Gives the types of all inputs, which are hsgd_session_inputs(), where the model left
 * sizes open: from now on the session runs with these, and results have the types that
 * follow.  Plans for other sizes are kept, as those for other numbers of samples; how a
 * batch is best divided is found out at the first sizes.  A session on a model without open
 * sizes does not need it.
 * Errors (the types are as before): -EINVAL there are not n inputs, a type does not fit the
 * model's, or an operation cannot work on these sizes; -ENOMEM. */
HSGD_API int hsgd_session_set_types(struct hsgd_session *session, int n, const struct hsgd_type *input);

/* The places of results, as hsgd_session_run() takes them. */
#define HSGD_RESULTS(...) \
    (void *const[]) { __VA_ARGS__ }

/* Computes the results of n samples, 1 or more.  input[i] has n samples of the
 * session's input i and is only read; NULL where no result depends on it.
 * result[i] gets n samples of result i; NULL: not wanted.  Results overlap neither
 * inputs nor each other.  A number of samples that is new needs a plan; where devices
 * or cores could share so many, short trials find out how, once for the numbers
 * between two powers of 2.
 * Errors: -EINVAL n is below 1, an input that is needed is NULL, a size is still open, or operations
 * keep something between runs and n is not that of the run before (hsgd_session_reset()); -ENOMEM; -EIO a
 * device has failed, and no other is left, or what operations have kept is lost with it. */
HSGD_API int hsgd_session_run(struct hsgd_session *session, int64_t n, const void *const *input, void *const *result);

/* Where operations keep something between runs (a key-value cache, the state of a
 * recurrent network): sample i of a run goes on where sample i of the run before has
 * ended.  Such runs have the same number of samples, at most options.batch, all on one
 * device, the same for all; sizes may change from run to run.  After this call the next
 * run begins anew, with any number.  Evaluation and training always begin anew.
 * A session whose operations keep nothing is left as it is.  Errors: -EINVAL. */
HSGD_API int hsgd_session_reset(struct hsgd_session *session);

/* What a session takes or gives for a sample. */
struct hsgd_session_value {
    size_t size; /* of this struct */
    char name[64];
    struct hsgd_type type;
};
/* Number of inputs: those of the model, in the order in which it declares them,
 * targets left out. */
HSGD_API int hsgd_session_inputs(const struct hsgd_session *session);
/* Fills *out, of `size` bytes, with input i, from 0; dimensions that are still open are
 * HSGD_ANY.  -EINVAL: i is out of range. */
HSGD_API int hsgd_session_input_get(const struct hsgd_session *session, int i, struct hsgd_session_value *out,
                                    size_t size);
/* Number of results. */
HSGD_API int hsgd_session_results(const struct hsgd_session *session);
/* Fills *out, of `size` bytes, with result i, from 0.  -EINVAL: i is out of range. */
HSGD_API int hsgd_session_result_get(const struct hsgd_session *session, int i, struct hsgd_session_value *out,
                                     size_t size);

/* Bytes of all that a session has, each buffer counted once, on whatever device it
 * is.  Sessions and the trainer of a model share the parameters. */
struct hsgd_session_memory {
    size_t size; /* of this struct */
    int plans;   /* kept now */
    int64_t parameters, inputs, arena, results;
    int64_t cache; /* what operations keep between runs */
};
/* Fills *out, of `size` bytes. */
HSGD_API int hsgd_session_memory_get(const struct hsgd_session *session, struct hsgd_session_memory *out, size_t size);

#ifdef __cplusplus
}
#endif
#endif
