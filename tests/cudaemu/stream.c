/* SPDX-License-Identifier: BSD-3-Clause */
/* Streams: queues whose work runs when somebody asks for the end of
 * something, in the order of each, and in random order among them. */
#include "stream.h"

#include "graph.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STREAMS 512

struct work {
    struct work *next;
    void (*run)(void *data);
    struct emu_event *record, *wait;
    unsigned number; /* of the record that is waited for */
    max_align_t data[];
};

struct emu_stream {
    int device, place;
    struct work *first, **last;
    struct emu_graph *graph; /* it captures */
};

struct emu_event {
    int device;
    unsigned recorded, reached;
    uint64_t ns;
    struct emu_stream *stream; /* of the last record */
    bool destroyed;            /* freed once it is reached */
};

static struct emu_stream *streams[STREAMS];
static struct emu_stream *defaults[EMU_DEVICES];

/* ---------------------------------------------------------------- streams */

struct emu_stream *emu_stream_create(int device)
{
    struct emu_stream *s = calloc(1, sizeof *s);
    int i = 0;
    while (i < STREAMS && streams[i]) i++;
    if (!s || i == STREAMS) emu_fault("more than %d streams", STREAMS);
    s->device = device;
    s->place = i;
    s->last = &s->first;
    return streams[i] = s;
}

struct emu_stream *emu_stream(void *handle)
{
    int device = emu_device();
    if ((uintptr_t)handle > 2) return handle; /* 1 and 2 are names of default streams */
    if (!defaults[device]) defaults[device] = emu_stream_create(device);
    return defaults[device];
}

int emu_stream_device(const struct emu_stream *s) { return s->device; }
void emu_stream_capture(struct emu_stream *s, struct emu_graph *graph) { s->graph = graph; }
struct emu_graph *emu_stream_capturing(const struct emu_stream *s) { return s->graph; }

static void not_captured(const struct emu_stream *s, const char *what)
{
    if (s->graph) emu_fault("%s a stream that captures", what);
}

void emu_stream_destroy(struct emu_stream *s)
{
    not_captured(s, "destroying");
    emu_drain(s);
    streams[s->place] = NULL;
    free(s);
}

static struct work *append(struct emu_stream *s, const void *data, size_t bytes)
{
    struct work *w = calloc(1, sizeof *w + bytes);
    if (!w) emu_fault("no memory");
    if (bytes) memcpy(w->data, data, bytes);
    *s->last = w;
    s->last = &w->next;
    return w;
}

void emu_enqueue(struct emu_stream *s, void (*run)(void *data), const void *data, size_t bytes)
{
    if (s->graph) emu_graph_add(s->graph, run, data, bytes);
    else append(s, data, bytes)->run = run;
}

/* ---------------------------------------------------------------- running */

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool can_run(const struct emu_stream *s)
{
    return s && s->first && !(s->first->wait && s->first->wait->reached < s->first->number);
}

static void run_one(struct emu_stream *s)
{
    struct work *w = s->first;
    if (!(s->first = w->next)) s->last = &s->first;
    if (w->run) w->run(w->data);
    if (w->record) {
        w->record->reached = w->number;
        w->record->ns = now();
        if (w->record->destroyed && emu_event_done(w->record)) free(w->record);
    }
    free(w);
}

static bool run_any(void)
{
    unsigned from = emu_random(STREAMS);
    for (unsigned i = 0; i < STREAMS; i++) {
        struct emu_stream *s = streams[(from + i) % STREAMS];
        if (!can_run(s)) continue;
        run_one(s);
        return true;
    }
    return false;
}

void emu_progress(void)
{
    for (unsigned n = emu_random(4); n; n--) run_any();
}

bool emu_stream_idle(struct emu_stream *s)
{
    not_captured(s, "asking for the end of");
    return !s->first;
}

/* Others may or may not get on meanwhile. */
static void run_some(struct emu_stream *s)
{
    if (can_run(s) && emu_random(4)) run_one(s);
    else if (!run_any()) emu_fault("a stream waits for an event that nobody records");
}

void emu_drain(struct emu_stream *s)
{
    while (!emu_stream_idle(s)) run_some(s);
}

void emu_drain_device(int device)
{
    for (int i = 0; i < STREAMS; i++)
        if (streams[i] && streams[i]->device == device) emu_drain(streams[i]);
}

/* ----------------------------------------------------------------- events */

struct emu_event *emu_event_create(void)
{
    struct emu_event *e = calloc(1, sizeof *e);
    if (!e) emu_fault("no memory");
    e->device = emu_device();
    return e;
}

void emu_event_destroy(struct emu_event *e)
{
    e->destroyed = true;
    if (emu_event_done(e)) free(e);
}

void emu_event_record(struct emu_event *e, struct emu_stream *s)
{
    not_captured(s, "recording an event on");
    if (e->device != s->device) emu_fault("an event of device %d recorded on device %d", e->device, s->device);
    struct work *w = append(s, NULL, 0);
    w->record = e;
    w->number = ++e->recorded;
    e->stream = s;
}

void emu_stream_wait(struct emu_stream *s, struct emu_event *e)
{
    not_captured(s, "waiting on");
    struct work *w = append(s, NULL, 0);
    w->wait = e;
    w->number = e->recorded;
}

bool emu_event_done(const struct emu_event *e) { return e->reached == e->recorded; }

void emu_event_drain(struct emu_event *e)
{
    while (!emu_event_done(e)) run_some(e->stream);
}

uint64_t emu_event_ns(const struct emu_event *e) { return e->ns; }
