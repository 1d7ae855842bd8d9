#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""lenet, resnet8, char-lstm and char-gpt follow PyTorch's losses: from the same initial weights and batches, steps of SGD
without momentum.  Dropout is left out, as it is random.

    torch_losses.py [--steps N] [--text FILE] [NAME...]       in the build folder

Prints for each network the rate, the first and the last loss, and by how much of PyTorch's loss hsgd's differs at most;
it must be 1 % or less.  Images are patterns of ten classes in noise; the text is FILE, or numbers in words.  Exit status:
0 the same, 1 not, 77 PyTorch, safetensors or NumPy is missing."""
import argparse
import re
import sys
import tempfile

try:
    import numpy
    import safetensors.torch
    import torch
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from torch_nets import NETS, CharLSTM, is_text
from torch_steps import Steps, losses_of_torch, model_text

WINDOW = 64
BATCH = {"lenet": 128, "resnet8": 128, "char-lstm": 32, "char-gpt": 32}
RATE = {"lenet": 0.05, "resnet8": 0.05, "char-lstm": 1.0, "char-gpt": 0.1}
DIGITS = "zero one two three four five six seven eight nine".split()


def images(shape, steps, batch):
    random = numpy.random.default_rng(1)
    channels, height, width = shape
    patterns = random.normal(size=(10, height, width, channels))
    for _ in range(steps):
        label = random.integers(0, 10, batch)
        x = patterns[label] * 0.5 + random.normal(size=(batch, height, width, channels))
        yield x.astype(numpy.float32), label.astype(numpy.int32)


def text(file):
    """Its characters as numbers from 0."""
    if file:
        with open(file, encoding="utf-8") as opened:
            said = opened.read()
    else:
        said = " ".join(DIGITS[int(digit)] for i in range(20000) for digit in str(i * 7919))
    return numpy.unique(list(said), return_inverse=True)


def windows(tokens, steps, batch):
    random = numpy.random.default_rng(1)
    for _ in range(steps):
        begin = random.integers(0, len(tokens) - WINDOW, (batch, 1)) + numpy.arange(WINDOW + 1)
        taken = tokens[begin].astype(numpy.int32)
        yield taken[:, :-1].copy(), taken[:, 1:].copy()


def token_file(name, classes, path):
    """The built-in model without dropout, and with known sizes."""
    said = re.sub(r", dropout: [0-9.]+", "", model_text(name)).replace("[any]", f"[{WINDOW}]")
    with open(path, "w") as file:
        file.write(re.sub(r"\bclasses\b", str(classes), said))
    return path


def check(name, options, folder):
    torch.manual_seed(0)
    batch, rate = BATCH[name], RATE[name]
    if is_text(name):
        characters, tokens = text(options.text)
        model = CharLSTM(len(characters), dropout=0) if name == "char-lstm" else NETS[name][0](len(characters))
        batches = list(windows(tokens, options.steps, batch))
        steps = Steps(folder, token_file(name, len(characters), f"{folder}/{name}.yaml"), batch, rate)
    else:
        (make, shape), (channels, height, width) = NETS[name], NETS[name][1]
        model, batches = make(10), list(images(shape, options.steps, batch))
        steps = Steps(folder, name, batch, rate, f"{height}x{width}x{channels}", 10)
    steps.write({key: value.clone() for key, value in model.state_dict().items()}, batches)
    (ours, weights), theirs = steps.take(options.steps), losses_of_torch(model, batches, rate)
    model.load_state_dict(weights, strict=True)
    apart = max(abs(a - b) / b for a, b in zip(ours, theirs))
    print(f"{name}: {len(ours)} losses at rate {rate:g} from {theirs[0]:.4f} to {theirs[-1]:.4f}, at most {100 * apart:.3f} % "
          "apart", flush=True)
    return len(ours) == options.steps and apart <= 0.01


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--steps", type=int, default=200)
    p.add_argument("--text", metavar="FILE")
    p.add_argument("name", nargs="*", metavar="NAME", default=list(BATCH))
    a = p.parse_args()
    for name in a.name:
        if name not in BATCH:
            p.error(f"{name} is not one of {', '.join(BATCH)}")
    with tempfile.TemporaryDirectory() as folder:
        same = [check(name, a, folder) for name in a.name]
    sys.exit(0 if all(same) else 1)


main()
