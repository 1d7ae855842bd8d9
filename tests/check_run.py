# SPDX-License-Identifier: BSD-3-Clause
"""Reads log.jsonl and the event files of runs as strictly as their readers do."""
import glob
import json
import struct
import sys


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


assert crc32c(b"123456789") == 0xE3069283  # RFC 3720


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data):
    at, found = 0, {}
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            size = {1: 8, 5: 4}.get(key & 7)
            if size is None:
                size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        assert at <= len(data) and key >> 3 not in found
        found[key >> 3] = value
    return found


def events(path):
    data, at = open(path, "rb").read(), 0
    while at < len(data):
        head, size = data[at:at + 8], struct.unpack("<Q", data[at:at + 8])[0]
        assert struct.unpack("<I", data[at + 8:at + 12])[0] == masked(head)
        body = data[at + 12:at + 12 + size]
        assert struct.unpack("<I", data[at + 12 + size:at + 16 + size])[0] == masked(body)
        at += 16 + size
        yield fields(body)


def check_events(path):
    first, start, *scalars = events(path)
    assert first[3] == b"brain.Event:2" and fields(start[7]) == {1: 1}
    seen = {}
    for event in scalars:
        value = fields(fields(event[5])[1])
        number = struct.unpack("<f", value[2])[0]
        assert event[2] >= start[2] and struct.unpack("<d", event[1])[0] > 1.7e9 and number == number
        seen.setdefault(value[1].decode(), []).append(event[2])
    for steps in seen.values():
        assert steps == sorted(steps)
    return set(seen)


def check_log(path):
    lines = [json.loads(line) for line in open(path)]
    steps = [line["step"] for line in lines]
    assert lines[0]["event"] == "begin" and lines[-1]["event"] == "end" and steps == sorted(steps)
    epochs = [line for line in lines if line["event"] == "epoch"]
    assert [e["epoch"] for e in epochs] == list(range(1, len(epochs) + 1))
    assert all(0 < e["loss"] < 10 and 0 <= e["validation_accuracy"] <= 1 for e in epochs)


for run in sys.argv[1:]:
    check_log(run + "/log.jsonl")
    tags = set().union(*(check_events(p) for p in glob.glob(run + "/events.out.tfevents.*")))
    assert {"loss/train", "accuracy/train", "loss/validation", "accuracy/validation", "learning_rate"} <= tags, tags
