#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What other programs read of a run's folder is what its log says: TensorBoard's reader finds every scalar
of log.jsonl in the event file, and trace.json is valid in the Trace Event Format that Chrome and Perfetto read
(https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU).

    run_folder.py RUN

Exit status: 0 all well, 1 not, 77 TensorBoard is not there (the trace is checked all the same)."""
import json
import math
import os
import sys

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError:
    EventAccumulator = None


# Names in the event file, and in log.jsonl.
TAGS = {
    "loss/train": "loss",
    "accuracy/train": "accuracy",
    "loss/validation": "validation_loss",
    "accuracy/validation": "validation_accuracy",
    "learning_rate": "learning_rate",
    "samples_per_second": "samples_per_second",
}


def fail(sentence):
    sys.exit(f"FAIL: {sentence}")


def check_trace(path):
    with open(path) as f:
        trace = json.load(f)
    events = trace["traceEvents"] if isinstance(trace, dict) else trace
    named = {(e["pid"], e["tid"]) for e in events if e["ph"] == "M" and e["name"] == "thread_name"}
    work = [e for e in events if e["ph"] == "X"]
    last = {}
    for e in sorted(work, key=lambda e: e["ts"]):
        for key in "name", "ph", "pid", "tid", "ts", "dur":
            if key not in e:
                fail(f"{path}: an event has no {key}: {e}")
        thread = e["pid"], e["tid"]
        if not (isinstance(e["pid"], int) and isinstance(e["tid"], int) and thread in named):
            fail(f"{path}: an event's thread has no name: {e}")
        if not (math.isfinite(e["ts"]) and e["ts"] >= 0 and math.isfinite(e["dur"]) and e["dur"] >= 0):
            fail(f"{path}: an event's time is no time: {e}")
        if e["ts"] < last.get(thread, 0) - 0.01:
            fail(f"{path}: two events of one thread overlap: {e}")
        last[thread] = e["ts"] + e["dur"]
    if not work:
        fail(f"{path}: there are no events")
    print(f"{path}: {len(work)} events on {len(last)} threads")


def check_events(run):
    reader = EventAccumulator(run, size_guidance={"scalars": 0})
    reader.Reload()
    seen = {tag: {e.step: e.value for e in reader.Scalars(tag)} for tag in reader.Tags()["scalars"]}
    with open(os.path.join(run, "log.jsonl")) as f:
        epochs = [line for line in map(json.loads, f) if line["event"] == "epoch"]
    compared = 0
    for line in epochs:
        for tag, key in TAGS.items():
            value, there = line[key], seen.get(tag, {}).get(line["step"])
            if value is None and there is None:
                continue
            if value is None or there is None or not math.isclose(there, value, rel_tol=1e-6, abs_tol=1e-9):
                fail(f"{run}: {tag} at step {line['step']} is {there}, log.jsonl says {value}")
            compared += 1
    if not compared:
        fail(f"{run}: log.jsonl has no epoch")
    print(f"{run}: {compared} scalars in the event file as in log.jsonl")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    run = sys.argv[1]
    check_trace(os.path.join(run, "trace.json"))
    if EventAccumulator is None:
        print("skipped: TensorBoard is not there")
        sys.exit(77)
    check_events(run)


main()
