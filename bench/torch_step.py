#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Milliseconds of a training step in PyTorch, fp32 without TF32, Adam, data on the device, for comparison
by bench/gpu.py.

    torch_step.py --model mlp|lenet|cifar-cnn|stack|char-lstm|mobile-cnn --batch-size N [--device cuda|cpu] [--mode eager|compiled]
                  [--seconds X]

compiled: torch.compile() in mode "max-autotune-no-cudagraphs"; on CUDA the whole step is captured as one CUDA graph.
Prints one JSON object.  Exit status 77: PyTorch or the device is missing."""
import argparse
import json
import statistics
import sys
import time

try:
    import torch
    from torch import nn
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)


def convolutions(channels, sizes):
    for size in sizes:
        yield from (nn.Conv2d(channels, size, 3, padding=1), nn.ReLU())
        channels = size


def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))


def lenet():
    return nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(),
                         nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(),
                         nn.Linear(84, 10))


def cifar_cnn():
    return nn.Sequential(*convolutions(3, [32]), nn.MaxPool2d(2), *convolutions(32, [64]), nn.MaxPool2d(2),
                         *convolutions(64, [64]), nn.Flatten(), nn.Linear(4096, 64), nn.ReLU(), nn.Linear(64, 10))


def stack():
    return nn.Sequential(*convolutions(3, [32] * 4), nn.MaxPool2d(2), *convolutions(32, [64] * 4), nn.MaxPool2d(2),
                         *convolutions(64, [128] * 4), nn.AvgPool2d(8), nn.Flatten(), nn.Linear(128, 10))


def convolution(inputs, channels, kernel, **options):
    yield nn.Conv2d(inputs, channels, kernel, padding=kernel // 2, bias=False, **options)
    yield from (nn.BatchNorm2d(channels), nn.ReLU())


def mobile_cnn():
    layers = [*convolution(3, 32, 3)]
    for inputs, channels, stride in ((32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1)):
        layers += [*convolution(inputs, inputs, 3, stride=stride, groups=inputs), *convolution(inputs, channels, 1)]
    return nn.Sequential(*layers, nn.AvgPool2d(8), nn.Flatten(), nn.Linear(256, 10))


class CharLSTM(nn.Module):
    """models/char-lstm.yaml, as `hsgd bench --sizes x=128 --sizes label=128` has it."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(10, 64)
        self.lstm = nn.LSTM(64, 128, 2, batch_first=True, dropout=0.1)
        self.fc = nn.Linear(128, 10)

    def forward(self, x):
        return self.fc(self.lstm(self.embed(x))[0])


# Shapes of images, or the number of tokens.
MODELS = {"mlp": (mlp, (1, 28, 28)), "lenet": (lenet, (1, 28, 28)), "cifar-cnn": (cifar_cnn, (3, 32, 32)),
          "stack": (stack, (3, 32, 32)), "char-lstm": (CharLSTM, 128),
          "mobile-cnn": (mobile_cnn, (3, 32, 32))}


class Step:
    def __init__(self, options):
        make, shape = MODELS[options.model]
        torch.manual_seed(0)
        compiled = options.mode == "compiled"
        captured = compiled and options.device == "cuda"
        self.model = make().to(options.device)
        self.run_model = torch.compile(self.model, mode="max-autotune-no-cudagraphs") if compiled else self.model
        self.optimizer = torch.optim.Adam(self.model.parameters(), capturable=captured, fused=not captured or None)
        tokens = isinstance(shape, int)
        self.labels = torch.randint(10, (options.batch_size, shape) if tokens else (options.batch_size,),
                                    device=options.device)
        self.x = self.labels.roll(1, 1) if tokens else torch.rand(options.batch_size, *shape, device=options.device)

    def __call__(self):
        self.optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(self.run_model(self.x).flatten(0, -2), self.labels.flatten()).backward()
        self.optimizer.step()


def captured(step):
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def timed(run, wait, n):
    wait()
    began = time.perf_counter()
    for _ in range(n):
        run()
    wait()
    return (time.perf_counter() - began) / n


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--mode", choices=("eager", "compiled"), default="eager")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=1)
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        print("skipped: PyTorch finds no CUDA device")
        sys.exit(77)
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    wait = torch.cuda.synchronize if options.device == "cuda" else lambda: None
    run = Step(options)
    if options.mode == "compiled" and options.device == "cuda":
        run = captured(run)
    timed(run, wait, 3)
    n = max(1, int(0.02 / timed(run, wait, 3)))
    times, end = [], time.perf_counter() + options.seconds
    while len(times) < 5 or time.perf_counter() < end:
        times.append(timed(run, wait, n))
    print(json.dumps({"model": options.model, "batch_size": options.batch_size, "mode": options.mode,
                      "torch": torch.__version__, "step_ms": 1e3 * statistics.median(times)}))


if __name__ == "__main__":
    main()
