#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""resnet8 and resnet20 are PyTorch's: weights load strictly in both directions (running statistics and
num_batches_tracked included), class probabilities are equal to 1e-5, and the losses of steps of plain SGD from the
same weights on the same batches to 1e-3.

    torch_resnet.py [--steps N] [--double] [MODEL...]       in the build folder

--double  prints how far the losses of hsgd, of PyTorch, and of PyTorch with each batch in reverse order are from those
          of PyTorch in double precision.  Where all of single precision are further away than 1e-3, hsgd may be as far
          as one and a half times the farther of PyTorch's two.

Exit status: 0 the same, 1 not, 77 PyTorch, safetensors or NumPy is not there."""
import argparse
import json
import os
import sys
import tempfile

try:
    import numpy
    import safetensors
    import torch
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
from torch_nets import ResNet
from torch_steps import Steps, largest, losses_of_torch, run, to_torch

BATCH, RATE, CLASSES = 128, 0.01, 10
BLOCKS = {"resnet8": 1, "resnet20": 3}


def make_batches(steps):
    """Images of classes: patterns in noise."""
    random = numpy.random.default_rng(1)
    patterns = random.normal(size=(CLASSES, 32, 32, 3))
    labels = random.integers(0, CLASSES, (steps, BATCH))
    x = patterns[labels] * 0.5 + random.normal(size=(steps, BATCH, 32, 32, 3))
    return x.astype(numpy.float32), labels.astype(numpy.int32)


def rounding(name, weights, x, labels, ours, theirs):
    """Whether hsgd's losses are as near to those of double precision as PyTorch's in single precision are."""
    exact, other = ResNet(BLOCKS[name]), ResNet(BLOCKS[name])
    exact.load_state_dict(weights)
    other.load_state_dict(weights)
    double = losses_of_torch(exact.double(), zip(x, labels), RATE)
    turned = losses_of_torch(other, zip(x[:, ::-1].copy(), labels[:, ::-1].copy()), RATE)
    off = lambda losses, end: max(abs(a - b) for a, b in zip(losses[:end], double))
    for end in range(10, len(double) + 1, 10):
        print(f"{name}: {end} losses from double precision: hsgd {off(ours, end):.1e}, PyTorch {off(theirs, end):.1e}, "
              f"in reverse order {off(turned, end):.1e}", flush=True)
    return off(ours, len(double)) <= max(1e-3, 1.5 * max(off(theirs, len(double)), off(turned, len(double))))


def check(name, steps, folder, compares_double):
    torch.manual_seed(0)
    at = lambda file: os.path.join(folder, file)
    model, again = ResNet(BLOCKS[name]), ResNet(BLOCKS[name])
    x, labels = make_batches(steps)
    losses_of_torch(model, zip(x[:3], labels[:3]), RATE)  # so that the running statistics are some
    before = {key: value.clone() for key, value in model.state_dict().items()}
    ours = Steps(folder, name, BATCH, RATE, "32x32x3", CLASSES)
    ours.write(before, zip(x, labels))
    again.load_state_dict(ours.take(0)[1], strict=True)
    moved = largest(before, again.state_dict())
    (ours, weights), theirs = ours.take(steps), losses_of_torch(model, zip(x, labels), RATE)
    apart = max(abs(a - b) for a, b in zip(ours, theirs))
    again.load_state_dict(weights, strict=True)
    after, trained = again.state_dict(), model.state_dict()
    counts = all(torch.equal(after[key], trained[key]) for key in after if key.endswith("num_batches_tracked"))

    numpy.save(at("images.npy"), x[0])
    predicted = json.loads(run("./hsgd", "predict", "--checkpoint", at("hsgd.safetensors"), "--devices", "cpu",
                               "--json", at("images.npy")))["predictions"]
    again.eval()
    with torch.no_grad():
        want = torch.softmax(again(to_torch(x[0])), 1).numpy()
    far = numpy.abs(numpy.array([row["probabilities"] for row in predicted]) - want).max()
    print(f"{name}: {len(before)} tensors load strictly in both directions, {moved:g} apart; probabilities {far:.1e} "
          f"apart; {steps} losses from {theirs[0]:.4f} to {theirs[-1]:.4f}, {apart:.1e} apart; then weights "
          f"{largest(after, trained):.1e} apart, numbers of batches {'equal' if counts else 'differ'}")
    near = rounding(name, before, x, labels, ours, theirs) if compares_double else apart <= 1e-3
    return len(ours) == steps and moved == 0 and far <= 1e-5 and near and counts


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--steps", type=int, default=100)
    p.add_argument("--double", action="store_true")
    p.add_argument("model", nargs="*", default=list(BLOCKS))
    a = p.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        same = [check(name, a.steps, folder, a.double) for name in a.model]
    sys.exit(0 if all(same) else 1)


main()
