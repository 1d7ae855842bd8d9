#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""lstm, gru and rnn are PyTorch's, with lengths as its packed sequences, and char-lstm is a module of an embedding, an
LSTM and a linear layer: weights load strictly in both directions, and the losses of steps of plain SGD from the same
weights on the same batches are equal to 1e-3 of them.

    torch_recurrent.py [--steps N] [NAME...]       in the build folder

Exit status: 0 the same, 1 not, 77 PyTorch, safetensors or NumPy is not there."""
import argparse
import os
import re
import sys
import tempfile

try:
    import numpy
    import safetensors
    import torch
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from torch import nn

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
from torch_nets import CharLSTM
from torch_steps import Steps, largest, losses_of_torch, model_text

BATCH, STEPS, CHANNELS, CLASSES, TOKENS = 16, 20, 12, 7, 65
NETS = {"lstm": (nn.LSTM, "op: lstm", {"num_layers": 2, "bidirectional": True}),
        "gru": (nn.GRU, "op: gru", {"num_layers": 2, "bidirectional": True}),
        "rnn": (nn.RNN, "op: rnn", {"num_layers": 1, "bidirectional": True}),
        "rnn-relu": (nn.RNN, "op: rnn, nonlinearity: relu", {"num_layers": 2, "nonlinearity": "relu"})}
HIDDEN = 24


class Tagger(nn.Module):
    """Scores of classes at each of the steps that count."""

    def __init__(self, name):
        super().__init__()
        kind, _, options = NETS[name]
        self.net = kind(CHANNELS, HIDDEN, batch_first=True, **options)
        self.fc = nn.Linear(HIDDEN * (2 if options.get("bidirectional") else 1), CLASSES)

    def forward(self, x, length):
        packed = nn.utils.rnn.pack_padded_sequence(x, length, batch_first=True, enforce_sorted=False)
        return self.fc(nn.utils.rnn.pad_packed_sequence(self.net(packed)[0], batch_first=True, total_length=STEPS)[0])


def tagger_file(name):
    _, op, options = NETS[name]
    return f"""hsgd: 2
name: tagger
inputs: {{x: {{type: f32, shape: [{STEPS}, {CHANNELS}]}}, length: {{type: i32}}}}
targets: {{label: {{type: i32, shape: [{STEPS}]}}}}
layers:
  - {{{op}, name: net, in: [x, length], hidden: {HIDDEN}, layers: {options["num_layers"]}, bidirectional: \
{str(options.get("bidirectional", False)).lower()}}}
  - {{op: dense, name: fc, units: {CLASSES}}}
  - {{op: softmax_cross_entropy, in: [fc, label], has_ignore: true, ignore: -1}}
"""


def char_file():
    """The built-in model without dropout, and with known sizes."""
    return re.sub(r", dropout: [0-9.]+", "", model_text("char-lstm")).replace("[any]", f"[{STEPS}]").replace("classes", str(TOKENS))


def tagger_batches(steps):
    random = numpy.random.default_rng(1)
    for _ in range(steps):
        x = random.normal(size=(BATCH, STEPS, CHANNELS)).astype(numpy.float32)
        length = random.integers(1, STEPS + 1, BATCH).astype(numpy.int32)
        label = (numpy.cumsum(x[:, :, 0] > 0, axis=1) % CLASSES).astype(numpy.int32)
        label[numpy.arange(STEPS)[None] >= length[:, None]] = -1
        yield x, length, label


def char_batches(steps):
    """Counting, with a step that differs from sample to sample."""
    random = numpy.random.default_rng(1)
    for _ in range(steps):
        text = random.integers(0, TOKENS, (BATCH, 1)) + random.integers(1, 4, (BATCH, 1)) * numpy.arange(STEPS + 1)
        text = (text % TOKENS).astype(numpy.int32)
        yield text[:, :-1].copy(), text[:, 1:].copy()


def check(name, steps, folder):
    torch.manual_seed(0)
    file = os.path.join(folder, "model.yaml")
    char = name == "char-lstm"
    make, rate = (lambda: CharLSTM(TOKENS, 0)) if char else (lambda: Tagger(name)), 1.0 if char else 0.1
    model, again = make(), make()
    batches = list(char_batches(steps) if char else tagger_batches(steps))
    with open(file, "w") as out:
        out.write(char_file() if char else tagger_file(name))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    ours = Steps(folder, file, BATCH, rate)
    ours.write(before, batches)
    again.load_state_dict(ours.take(0)[1], strict=True)
    moved = largest(before, again.state_dict())
    (ours, weights), theirs = ours.take(steps), losses_of_torch(model, batches, rate)
    again.load_state_dict(weights, strict=True)
    apart = max(abs(a - b) / b for a, b in zip(ours, theirs))
    print(f"{name}: {len(before)} tensors load strictly in both directions, {moved:g} apart; {steps} losses at rate "
          f"{rate:g} from {theirs[0]:.4f} to {theirs[-1]:.4f}, {apart:.1e} of them apart; then weights "
          f"{largest(again.state_dict(), model.state_dict()):.1e} apart", flush=True)
    return len(ours) == steps and moved == 0 and apart <= 1e-3


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--steps", type=int, default=200)
    p.add_argument("name", nargs="*", default=list(NETS) + ["char-lstm"])
    a = p.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        same = [check(name, a.steps, folder) for name in a.name]
    sys.exit(0 if all(same) else 1)


main()
