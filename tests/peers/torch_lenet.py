#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""PyTorch loads the model.safetensors of a trained lenet strictly into the same network and gives the
same class probabilities as `hsgd predict`, to 1e-5.

    torch_lenet.py [--hsgd PROGRAM] [--checkpoint FOLDER] [--samples N]

Without --checkpoint it trains lenet on the built-in digits for an epoch first.  Exit status: 0 the same,
1 not, 77 PyTorch, safetensors or NumPy is not there."""
import argparse
import json
import os
import subprocess
import sys
import tempfile

try:
    import numpy
    import safetensors.torch
    import torch
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)


sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
from torch_nets import LeNet


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(words)}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def train(hsgd, folder):
    run(hsgd, "train", "--model", "lenet", "--data", "digits", "--devices", "cpu", "--epochs", "1", "--out", folder)
    return os.path.join(folder, "checkpoints", "last")


def pictures(n):
    """Grey pictures n x 28 x 28 x 1 in 0..1 with some structure: bright bars on a noisy ground."""
    random = numpy.random.default_rng(0)
    x = random.uniform(0, 0.3, (n, 28, 28, 1)).astype(numpy.float32)
    for i in range(n):
        at, width = random.integers(3, 22), random.integers(2, 5)
        if i % 2:
            x[i, at:at + width, 4:24] = 1
        else:
            x[i, 4:24, at:at + width] = 1
    return x


def probabilities_of_torch(checkpoint, x):
    model = LeNet()
    weights = safetensors.torch.load_file(os.path.join(checkpoint, "model.safetensors"))
    model.load_state_dict(weights, strict=True)
    state = safetensors.torch.load_file(os.path.join(checkpoint, "state.safetensors"))
    mean, inv_std = state["normalisation.mean"], state["normalisation.inv_std"]
    z = torch.from_numpy(x).permute(0, 3, 1, 2)
    if len(mean):
        z = (z - mean.view(1, -1, 1, 1)) * inv_std.view(1, -1, 1, 1)
    with torch.no_grad():
        return torch.softmax(model(z), 1).numpy()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--hsgd", default="./hsgd")
    p.add_argument("--checkpoint")
    p.add_argument("--samples", type=int, default=64)
    a = p.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["STARPU_HOME"] = folder
        checkpoint = a.checkpoint or train(a.hsgd, os.path.join(folder, "run"))
        x, given = pictures(a.samples), os.path.join(folder, "pictures.npy")
        numpy.save(given, x)
        said = json.loads(run(a.hsgd, "predict", "--checkpoint", checkpoint, "--json", given))["predictions"]
        ours = numpy.array([row["probabilities"] for row in said])
        theirs = probabilities_of_torch(checkpoint, x)
    if ours.shape != theirs.shape:
        sys.exit(f"hsgd predict gives {ours.shape} probabilities, PyTorch {theirs.shape}")
    far = numpy.abs(ours - theirs).max()
    print(f"{a.samples} samples, largest difference {far:.2e}")
    sys.exit(0 if far <= 1e-5 else 1)


main()
