/* SPDX-License-Identifier: BSD-3-Clause */
/* Streams and events, between stream.c and runtime.c. */
#ifndef HSGD_TESTS_CUDAEMU_STREAM_H
#define HSGD_TESTS_CUDAEMU_STREAM_H

#include "emu.h"

struct emu_stream *emu_stream_create(int device);
void emu_stream_destroy(struct emu_stream *s);
bool emu_stream_idle(struct emu_stream *s);
__attribute__((visibility("default"))) int emu_stream_device(const struct emu_stream *s);
/* Where what is enqueued goes instead; NULL: it is run. */
void emu_stream_capture(struct emu_stream *s, struct emu_graph *graph);
struct emu_graph *emu_stream_capturing(const struct emu_stream *s);

struct emu_event *emu_event_create(void);
void emu_event_destroy(struct emu_event *e);
void emu_event_record(struct emu_event *e, struct emu_stream *s);
void emu_stream_wait(struct emu_stream *s, struct emu_event *e);
bool emu_event_done(const struct emu_event *e);
void emu_event_drain(struct emu_event *e);
uint64_t emu_event_ns(const struct emu_event *e);
/* Lets some of what is enqueued run, perhaps nothing. */
void emu_progress(void);

#endif
