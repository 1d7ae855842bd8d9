# SPDX-License-Identifier: BSD-3-Clause
"""Losses of steps of plain SGD, by hsgd (bench/torch_steps.c) and by PyTorch, from the same weights on the same batches.
In the build folder."""
import os
import re
import subprocess
import sys

import safetensors.torch
import torch
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(words)}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def model_text(name):
    with open(os.path.join(HERE, "..", "models", f"{name}.yaml")) as file:
        return file.read()


class Steps:
    """The program, in a folder that it may use.  model: a name or file; shape: of its images, or 0."""

    def __init__(self, folder, model, batch, rate, shape="0", classes=2):
        self.at = lambda file: os.path.join(folder, file)
        self.head, self.batch, self.rate = (model, shape, str(classes)), batch, rate
        if os.path.exists(self.at("torch_steps")):
            return
        os.environ["STARPU_HOME"] = os.environ["HSGD_CACHE_DIR"] = folder
        with open("Makefile") as makefile:
            cc = re.search(r"^CC = (.*)$", makefile.read(), re.M).group(1).split()
        run("./libtool", "--quiet", "--tag=CC", "--mode=link", *cc, "-std=gnu11", "-O2",
            f"-I{os.path.join(HERE, '..', 'include')}", "-o", self.at("torch_steps"),
            os.path.join(HERE, "torch_steps.c"), "libhsgd.la")

    def write(self, weights, batches):
        """weights: a state dictionary; batches: for each step the arrays of all fields."""
        safetensors.torch.save_file(weights, self.at("torch.safetensors"))
        with open(self.at("batches"), "wb") as out:
            for fields in batches:
                out.write(b"".join(field.tobytes() for field in fields))

    def take(self, steps):
        """The losses, and the weights after the last step."""
        said = run("./libtool", "--quiet", "--mode=execute", self.at("torch_steps"), *self.head,
                   self.at("torch.safetensors"), self.at("batches"), str(self.batch), str(steps), str(self.rate),
                   self.at("hsgd.safetensors"))
        return [float(line) for line in said.split()], safetensors.torch.load_file(self.at("hsgd.safetensors"))


def to_torch(field):
    """Images become NCHW, numbers of classes and tokens 64 bits."""
    x = torch.from_numpy(field)
    return x.permute(0, 3, 1, 2).contiguous() if x.ndim == 4 else x if x.is_floating_point() else x.long()


def losses_of_torch(model, batches, rate):
    """The last field has the classes; -1 is none."""
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    kind, losses = next(model.parameters()).dtype, []
    model.train()
    for fields in batches:
        *inputs, label = map(to_torch, fields)
        optimizer.zero_grad()
        scores = model(*[x.to(kind) if x.is_floating_point() else x for x in inputs])
        loss = nn.functional.cross_entropy(scores.flatten(0, -2), label.flatten(), ignore_index=-1)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def largest(a, b):
    return max((a[name].double() - b[name].double()).abs().max().item() for name in a)
