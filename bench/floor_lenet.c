/* SPDX-License-Identifier: BSD-3-Clause */
/* LeNet with oneDNN 2.x.  A replica is the list of primitives for its share of
 * the batch, with its own activations and gradients; all replicas read the same
 * weights.  Either one replica runs on an OpenMP team, or every thread runs one
 * and then, after a barrier, sums the gradients of its share of the parameters
 * and updates them. */
#include "floor_impl.h"

#ifndef HAVE_DNNL

struct floor *floor_lenet_create(int batch, int threads, enum lenet_split split, enum lenet_layout layout)
{
    (void)batch, (void)threads, (void)split, (void)layout;
    return 0;
}

#else

#include "floor_lenet.h"
#include "triad.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Running */

static void enqueue(const struct replica *r, int begin, int end)
{
    for (int i = begin; i < end; i++)
        dnnl_primitive_execute(r->call[i].primitive, r->stream, r->call[i].args, r->call[i].arg);
    dnnl_stream_wait(r->stream);
}

static void forward_backward(struct replica *r)
{
    enqueue(r, 0, r->forward_calls);
    r->loss = softmax_cross_entropy(r->dlogits, r->logits, r->net->label + r->first, r->batch, r->net->batch);
    enqueue(r, r->forward_calls, r->calls);
}

/* Sums the replicas' gradients into the first one's and updates, for member `rank`'s share. */
static void update(struct lenet *net, const struct adam *adam, int rank)
{
    int begin, end;
    team_share((int)net->parameters, LINE_FLOATS, net->replicas, rank, &begin, &end);
    size_t n = (size_t)(end - begin);
    float *gradient = net->replica[0].gradient + begin;
    for (int i = 1; i < net->replicas; i++) add_to(gradient, net->replica[i].gradient + begin, n);
    adam_update(adam, net->parameter + begin, net->m + begin, net->v + begin, gradient, n);
}

static int openmp_threads(const struct lenet *net) { return net->split == LENET_OPENMP ? net->floor.threads : 1; }

static void steps(void *arg, int rank)
{
    struct lenet *net = arg;
    struct adam adam = net->adam;
    int openmp = omp_get_max_threads();
    omp_set_num_threads(openmp_threads(net));
    if (openmp_threads(net) > 1) forward_backward(&net->replica[rank]); /* starts OpenMP's threads */
    team_barrier(net->team);
    double start = floor_now();
    for (int i = 0; i < net->steps; i++) {
        adam_next(&adam);
        forward_backward(&net->replica[rank]);
        team_barrier(net->team);
        update(net, &adam, rank);
        team_barrier(net->team);
    }
    if (rank == 0) {
        net->seconds = floor_now() - start;
        net->adam = adam;
    }
    omp_set_num_threads(openmp);
}

/* OpenMP's threads spin for a while after their last work: stop them, or they
 * would occupy the cores during the next measurement. */
static void release_openmp(const struct lenet *net)
{
#if _OPENMP >= 201811
    if (openmp_threads(net) > 1) omp_pause_resource_all(omp_pause_soft);
#else
    (void)net;
#endif
}

static double lenet_run(struct floor *f, int count)
{
    struct lenet *net = (struct lenet *)f;
    net->steps = count;
    team_run(net->team, steps, net);
    release_openmp(net);
    return net->seconds / count;
}

static double lenet_loss(const struct floor *f)
{
    const struct lenet *net = (const struct lenet *)f;
    double loss = 0;
    for (int i = 0; i < net->replicas; i++) loss += net->replica[i].loss;
    return loss;
}

/* ---- The lower bound */

struct bound {
    struct lenet *net;
    double call_seconds;
};

/* The first replica has the largest share, up to rounding, and all run concurrently. */
static void bound_calls(void *arg, int rank)
{
    struct bound *bound = arg;
    struct replica *r = &bound->net->replica[rank];
    omp_set_num_threads(openmp_threads(bound->net));
    for (int i = 0; i < r->calls; i++) bound->call_seconds += floor_time_call(lenet_execute, &r->call[i]);
    omp_set_num_threads(1);
}

static double lenet_bound(struct floor *f)
{
    struct lenet *net = (struct lenet *)f;
    struct bound bound = { .net = net };
    struct team *alone = team_create(1);
    size_t working_set = 3 * sizeof(float) * net->parameters;
    double bandwidth = triad_bandwidth(net->replicas, working_set);
    double sums = 3.0 * sizeof(float) * (net->replicas - 1);
    double bytes = (FLOOR_ADAM_BYTES + sums) * (double)net->parameters;
    if (alone) team_run(alone, bound_calls, &bound);
    release_openmp(net);
    team_destroy(alone);
    return bound.call_seconds + (bandwidth > 0 ? bytes / bandwidth : 0);
}

/* ---- Building */

static void lenet_destroy(struct floor *f)
{
    struct lenet *net = (struct lenet *)f;
    team_destroy(net->team);
    for (int i = 0; net->replica && i < net->replicas; i++) lenet_replica_destroy(&net->replica[i]);
    free(net->replica);
    dnnl_engine_destroy(net->engine);
    free(net->parameter);
    free(net->m);
    free(net->v);
    free(net->label);
    free(net);
}

/* Draws layer i's weights in the plain layout and stores them in that of its primitive. */
static void fill_weights(struct replica *r, int i)
{
    const struct layer *l = &r->layer[i];
    if (r->failed) return;
    const dnnl_memory_desc_t *desc = lenet_desc_of(l->weights);
    dnnl_memory_desc_t plain = lenet_relayout(r, desc, desc->ndims == 4 ? dnnl_oihw : dnnl_ab);
    dnnl_memory_t drawn = lenet_allocate(r, &plain);
    int first = r->calls;
    lenet_add_reorder(r, drawn, l->weights);
    if (r->failed) return;
    float fan_in = (float)(plain.ndims == 4 ? plain.dims[1] * plain.dims[2] * plain.dims[3] : plain.dims[1]);
    floor_random(lenet_data_of(drawn), dnnl_memory_desc_get_size(&plain) / sizeof(float), FLOOR_SEED_WEIGHTS + i, 0,
                 sqrtf(3 / fan_in));
    enqueue(r, first, r->calls);
    dnnl_primitive_destroy(r->call[--r->calls].primitive); /* not part of the step */
}

/* All replicas must have chosen the same layouts, as they share the weights. */
static bool same_weights(const struct replica *a, const struct replica *b)
{
    for (int i = 0; i < LAYERS; i++)
        if (!dnnl_memory_desc_equal(lenet_desc_of(a->layer[i].weights), lenet_desc_of(b->layer[i].weights)))
            return false;
    return true;
}

static bool build_replicas(struct lenet *net)
{
    static const size_t pixels = IMAGE * IMAGE;
    float *image = floor_floats((size_t)net->batch * pixels);
    bool ok = image;
    if (ok) floor_random(image, (size_t)net->batch * pixels, FLOOR_SEED_INPUT, 0.5f, 0.5f);
    for (int i = 0; ok && i < net->replicas; i++) {
        struct replica *r = &net->replica[i];
        int end;
        r->net = net;
        team_share(net->batch, 1, net->replicas, i, &r->first, &end);
        r->batch = end - r->first;
        lenet_replica_build(r);
        ok = !r->failed && same_weights(r, &net->replica[0]);
        if (ok)
            memcpy(lenet_data_of(r->image), image + (size_t)r->first * pixels,
                   sizeof(float) * (size_t)r->batch * pixels);
    }
    for (int i = 0; ok && i < LAYERS; i++) {
        fill_weights(&net->replica[0], i);
        ok = !net->replica[0].failed;
    }
    free(image);
    return ok;
}

static bool build(struct lenet *net)
{
    bool ok = dnnl_engine_create(&net->engine, dnnl_cpu, 0) == dnnl_success &&
              (net->replica = calloc((size_t)net->replicas, sizeof *net->replica)) &&
              (net->parameter = floor_floats(MAX_PARAMETERS)) && (net->m = floor_floats(MAX_PARAMETERS)) &&
              (net->v = floor_floats(MAX_PARAMETERS)) && (net->label = calloc((size_t)net->batch, sizeof(int))) &&
              (net->team = team_create(net->replicas));
    if (!ok) return false;
    floor_random_labels(net->label, (size_t)net->batch);
    int before = omp_get_max_threads(); /* primitives keep the count they are created with */
    omp_set_num_threads(openmp_threads(net));
    ok = build_replicas(net);
    omp_set_num_threads(before);
    release_openmp(net);
    return ok;
}

struct floor *floor_lenet_create(int batch, int threads, enum lenet_split split, enum lenet_layout layout)
{
    struct lenet *net = calloc(1, sizeof *net);
    if (!net) return NULL;
    net->floor = (struct floor){
        .run = lenet_run, .bound = lenet_bound, .loss = lenet_loss, .destroy = lenet_destroy, .threads = threads
    };
    snprintf(net->floor.variant, sizeof net->floor.variant, "%s, %d %s", layout == LENET_NHWC ? "nhwc" : "any", threads,
             split == LENET_REPLICAS ? "replicas"
             : threads > 1           ? "threads"
                                     : "thread");
    net->split = split;
    net->tag = layout == LENET_NHWC ? dnnl_nhwc : dnnl_format_tag_any;
    net->batch = batch;
    net->replicas = split == LENET_REPLICAS ? threads : 1;
    net->adam = adam_default();
    if (net->replicas > batch || !build(net)) {
        lenet_destroy(&net->floor);
        return NULL;
    }
    return &net->floor;
}

#endif
