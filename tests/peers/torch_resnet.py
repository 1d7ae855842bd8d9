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
import re
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

from torch import nn

BATCH, RATE, CLASSES = 128, 0.01, 10
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "steps.c")
BLOCKS = {"resnet8": 1, "resnet20": 3}


class Basic(nn.Module):
    """torchvision's BasicBlock."""

    def __init__(self, inputs, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = None
        if stride > 1:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + (self.downsample(x) if self.downsample else x))


class ResNet(nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        stages, inputs = [], 16
        for channels, stride in ((16, 1), (32, 2), (64, 2)):
            stages.append(nn.Sequential(*[Basic(channels if i else inputs, channels, 1 if i else stride)
                                          for i in range(blocks)]))
            inputs = channels
        self.layer1, self.layer2, self.layer3 = stages
        self.fc = nn.Linear(64, CLASSES)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        return self.fc(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(words)}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def compile_steps(folder):
    with open("Makefile") as makefile:
        cc = re.search(r"^CC = (.*)$", makefile.read(), re.M).group(1).split()
    include = os.path.join(os.path.dirname(SOURCE), "..", "..", "include")
    run("./libtool", "--quiet", "--tag=CC", "--mode=link", *cc, "-std=gnu11", "-O2", f"-I{include}", "-o",
        os.path.join(folder, "steps"), SOURCE, "libhsgd.la")


def make_batches(steps):
    """Images of classes: patterns in noise."""
    random = numpy.random.default_rng(1)
    patterns = random.normal(size=(CLASSES, 32, 32, 3))
    labels = random.integers(0, CLASSES, (steps, BATCH))
    x = patterns[labels] * 0.5 + random.normal(size=(steps, BATCH, 32, 32, 3))
    return x.astype(numpy.float32), labels.astype(numpy.int32)


def to_torch(x):
    return torch.from_numpy(x).permute(0, 3, 1, 2).contiguous()


def losses_of_torch(model, x, labels):
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    losses = []
    model.train()
    for images, classes in zip(x, labels):
        optimizer.zero_grad()
        scores = model(to_torch(images).to(model.fc.weight.dtype))
        loss = nn.functional.cross_entropy(scores, torch.from_numpy(classes).long())
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def largest(a, b):
    return max((a[name].double() - b[name].double()).abs().max().item() for name in a)


def rounding(name, weights, x, labels, ours, theirs):
    """Whether hsgd's losses are as near to those of double precision as PyTorch's in single precision are."""
    exact, other = ResNet(BLOCKS[name]), ResNet(BLOCKS[name])
    exact.load_state_dict(weights)
    other.load_state_dict(weights)
    double = losses_of_torch(exact.double(), x, labels)
    turned = losses_of_torch(other, x[:, ::-1].copy(), labels[:, ::-1].copy())
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
    with open(at("batches"), "wb") as out:
        for images, classes in zip(x, labels):
            out.write(images.tobytes() + classes.tobytes())
    losses_of_torch(model, x[:3], labels[:3])  # so that the running statistics are some
    before = {key: value.clone() for key, value in model.state_dict().items()}
    safetensors.torch.save_file(before, at("torch.safetensors"))
    run("./libtool", "--quiet", "--mode=execute", at("steps"), name, at("torch.safetensors"), at("batches"), "0",
        str(RATE), at("same.safetensors"))
    again.load_state_dict(safetensors.torch.load_file(at("same.safetensors")), strict=True)
    moved = largest(before, again.state_dict())

    said = run("./libtool", "--quiet", "--mode=execute", at("steps"), name, at("torch.safetensors"), at("batches"),
               str(steps), str(RATE), at("hsgd.safetensors"))
    ours, theirs = [float(line) for line in said.split()], losses_of_torch(model, x, labels)
    apart = max(abs(a - b) for a, b in zip(ours, theirs))
    again.load_state_dict(safetensors.torch.load_file(at("hsgd.safetensors")), strict=True)
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
        os.environ["STARPU_HOME"] = os.environ["HSGD_CACHE_DIR"] = folder
        compile_steps(folder)
        same = [check(name, a.steps, folder, a.double) for name in a.model]
    sys.exit(0 if all(same) else 1)


main()
