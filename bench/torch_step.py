#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Milliseconds of a training step in PyTorch, fp32 without TF32, Adam, data on the device, for comparison
by bench/gpu.py and bench/torch_speed.py.

    torch_step.py --model NAME --batch-size N [--classes N] [--device cuda|cpu] [--mode eager|compiled] [--threads N]
                  [--seconds X]
    torch_step.py --model char-lstm|char-gpt --generate N [--device cuda|cpu] [--threads N] [--seconds X]

--generate: the time of N tokens of one text instead, each drawn with its probability, where what the network has seen
(keys and values, or states) is kept.

compiled: torch.compile() in mode "max-autotune-no-cudagraphs"; on CUDA the whole step is captured as one CUDA graph.
Prints one JSON object.  Exit status 77: PyTorch or the device is missing."""
import argparse
import json
import statistics
import sys
import time

try:
    import torch
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from torch_nets import NETS, is_text


class Step:
    def __init__(self, options):
        make, shape = NETS[options.model]
        torch.manual_seed(0)
        compiled = options.mode == "compiled"
        captured = compiled and options.device == "cuda"
        self.model = make(options.classes).to(options.device)
        self.run_model = torch.compile(self.model, mode="max-autotune-no-cudagraphs") if compiled else self.model
        self.optimizer = torch.optim.Adam(self.model.parameters(), capturable=captured, fused=not captured or None)
        tokens = is_text(options.model)
        self.labels = torch.randint(options.classes, (options.batch_size, shape) if tokens else (options.batch_size,),
                                    device=options.device)
        self.x = self.labels.roll(1, 1) if tokens else torch.rand(options.batch_size, *shape, device=options.device)

    def __call__(self):
        self.optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(self.run_model(self.x).flatten(0, -2), self.labels.flatten()).backward()
        self.optimizer.step()


class Generation:
    """The same calls with a batch of one, after one token."""

    def __init__(self, options):
        self.model = NETS[options.model][0](options.classes).to(options.device).eval()
        self.tokens, self.first = options.generate, torch.zeros(1, 1, dtype=torch.long, device=options.device)

    @torch.no_grad()
    def __call__(self):
        token, kept = self.first, None
        for _ in range(self.tokens):
            scores, kept = self.model.step(token, kept)
            token = torch.multinomial(torch.softmax(scores[:, -1], 1), 1)


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
    parser.add_argument("--model", choices=NETS, required=True)
    parser.add_argument("--batch-size", type=int, default=0)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--generate", type=int, default=0)
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
    if not options.generate and options.batch_size < 1:
        parser.error("--batch-size must be 1 or more")
    if options.generate and not is_text(options.model):
        parser.error(f"{options.model} does not generate text")
    run = Generation(options) if options.generate else Step(options)
    if options.mode == "compiled" and options.device == "cuda":
        run = captured(run)
    timed(run, wait, 3)
    n = max(1, int(0.02 / timed(run, wait, 3)))
    times, end = [], time.perf_counter() + options.seconds
    while len(times) < 5 or time.perf_counter() < end:
        times.append(timed(run, wait, n))
    said = {"model": options.model, "batch_size": options.batch_size, "mode": options.mode, "torch": torch.__version__,
            "step_ms": 1e3 * statistics.median(times)}
    if options.generate:
        said["tokens_per_second"] = options.generate / statistics.median(times)
    print(json.dumps(said))


if __name__ == "__main__":
    main()
