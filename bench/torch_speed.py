#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Training steps and generation of text on the CPU's cores: hsgd beside PyTorch in eager mode, fp32, Adam.

    torch_speed.py [--hsgd FILE] [--rounds N] [--seconds X] [--threads N] [--markdown] [CASE...]

A case is a network, for steps, or generate-char-lstm or generate-char-gpt, for 256 tokens of one text after a prompt of
two, by whose runs hsgd has made its plans.  Batches are of 128 samples, of char-gpt 32.  Both programs run in turns, in processes of their own; medians over the rounds are reported, and of the ratios of
each round.  Networks of text learn a text of 65 random characters in samples of 128.  Exit status: 0 if each ratio is at
least what it should be, 1 if not, 77 if PyTorch is missing."""
import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CHARACTERS, WINDOW, TOKENS = 65, 128, 256
# Batch size, and how many times as fast as PyTorch it should be.
CASES = {"lenet": (128, 1), "cifar-cnn": (128, 1), "resnet20": (128, 1.5), "mobile-cnn": (128, 1.5),
         "char-lstm": (128, 2), "char-gpt": (32, 1.25), "generate-char-lstm": (1, 3), "generate-char-gpt": (1, 3)}


class Skipped(Exception):
    pass


def run(words, environment):
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    if done.returncode == 77:
        raise Skipped(done.stdout.strip())
    if done.returncode:
        sys.exit(f"{' '.join(words)}: exit status {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stdout


class Sides:
    """Both programs, and what hsgd reads."""

    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.environment = dict(os.environ, STARPU_HOME=folder, HSGD_CACHE_DIR=os.path.join(folder, "cache"))
        self.text = os.path.join(folder, "text.txt")
        draw = random.Random(1)
        with open(self.text, "w") as file:
            file.write("".join(chr(48 + draw.randrange(CHARACTERS)) for _ in range(200000)))
        self.cpu = ["--devices", "cpu"] + (["--threads", str(options.threads)] if options.threads else [])

    def data(self, network, window=WINDOW):
        return ["--data", self.text, "--window", str(window)] if network.startswith("char-") else []

    def trained(self, network):
        """A checkpoint after two steps."""
        out = os.path.join(self.folder, network)
        if not os.path.exists(out):
            run([self.options.hsgd, "train", "--model", network, *self.data(network, TOKENS), *self.cpu, "-b", "16", "--steps",
                 "2", "--out", out], self.environment)
        return out

    def hsgd(self, case):
        """Samples or tokens a second."""
        if case.startswith("generate-"):
            words = ["generate", "--checkpoint", self.trained(case[9:]), "--prompt", "00", "--length", str(TOKENS)]
            return json.loads(run([self.options.hsgd, *words, *self.cpu, "--json"], self.environment))["tokens_per_second"]
        words = ["bench", "--model", case, *self.data(case), "-b", str(CASES[case][0]), "--seconds",
                 str(self.options.seconds)]
        return json.loads(run([self.options.hsgd, *words, *self.cpu, "--json"], self.environment))["samples_per_second"]

    def torch(self, case):
        words = [sys.executable, os.path.join(HERE, "torch_step.py"), "--device", "cpu", "--threads",
                 str(self.options.threads), "--seconds", str(self.options.seconds)]
        if case.startswith("generate-"):
            words += ["--model", case[9:], "--classes", str(CHARACTERS), "--generate", str(TOKENS)]
            return json.loads(run(words, os.environ))["tokens_per_second"]
        classes = CHARACTERS if case.startswith("char-") else 10
        words += ["--model", case, "--classes", str(classes), "--batch-size", str(CASES[case][0])]
        return 1e3 * CASES[case][0] / json.loads(run(words, os.environ))["step_ms"]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--hsgd", default="./hsgd")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seconds", type=float, default=2)
    p.add_argument("--threads", type=int, default=0, help="of both; 0: each as it chooses")
    p.add_argument("--markdown", action="store_true")
    p.add_argument("case", nargs="*", metavar="CASE", default=list(CASES))
    a = p.parse_args()
    for case in a.case:
        if case not in CASES:
            p.error(f"case {case} is not one of {', '.join(CASES)}")
    good = True
    with tempfile.TemporaryDirectory(prefix="torch-speed-") as folder:
        sides = Sides(a, folder)
        try:
            for case in a.case:
                sides.hsgd(case)  # calibrates, and warms the caches
                pairs = [(sides.hsgd(case), sides.torch(case)) for _ in range(a.rounds)]
                ratios = sorted(ours / theirs for ours, theirs in pairs)
                ratio, least = statistics.median(ratios), CASES[case][1]
                good = good and ratio >= least
                row = (case, str(CASES[case][0]), "%.0f" % statistics.median(x for x, _ in pairs),
                       "%.0f" % statistics.median(x for _, x in pairs), "%.2f" % ratio,
                       "%.2f to %.2f" % (ratios[0], ratios[-1]), "%g" % least)
                print("| " + " | ".join(row) + " |" if a.markdown else
                      "%-20s batch %4s  hsgd %8s  PyTorch %8s  ratio %s (%s), at least %s" % row, flush=True)
        except Skipped as why:
            print(why)
            sys.exit(77)
    sys.exit(0 if good else 1)


main()
