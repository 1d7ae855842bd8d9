#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The step time of builds or libraries of matrix products, relative to the first one, in turns.

    products.py BUILD[=LIBRARY]... [--model NAME] [--batch N] [--threads N] [--starts N] [--steps N]

BUILD is a folder with hsgd, LIBRARY a value of HSGD_PRODUCTS (auto).  Each start trains on the CPU in a process of its
own; a start's time is its median step, and the median of all starts is reported.

    bench/products.py build build-noonednn                  # what oneDNN gains
    bench/products.py build=onednn build=own build=openblas"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile


def step_ms(way, options, folder):
    build, _, library = way.partition("=")
    words = [os.path.join(build, "hsgd"), "train", "--model", options.model, "--data", "digits", "--devices", "cpu",
             "--batch-size", str(options.batch), "--steps", str(options.steps), "--json"]
    if options.threads:
        words += ["--threads", str(options.threads)]
    home = os.path.join(folder, build.replace("/", "-"))
    os.makedirs(home, exist_ok=True)
    environment = dict(os.environ, STARPU_HOME=home, HSGD_CACHE_DIR=home, HSGD_PRODUCTS=library or "auto")
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit("products.py: %s: %s" % (way, done.stderr.strip()))
    return json.loads(done.stdout)["step_ms_median"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ways", nargs="+", metavar="BUILD[=LIBRARY]")
    parser.add_argument("--model", default="mlp")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--starts", type=int, default=9)
    parser.add_argument("--steps", type=int, default=200)
    options = parser.parse_args()
    times = {way: [] for way in options.ways}
    with tempfile.TemporaryDirectory(prefix="products-") as folder:
        for start in range(options.starts + 1):
            for way in options.ways:
                ms = step_ms(way, options, folder)
                if start:  # the first one calibrates
                    times[way].append(ms)
    first = statistics.median(times[options.ways[0]])
    print("%s, batch %d: median of %d starts" % (options.model, options.batch, options.starts))
    for way in options.ways:
        ms = sorted(times[way])
        print("%-28s %8.3f ms  %5.2f  (%.3f to %.3f ms)" % (way, statistics.median(ms), statistics.median(ms) / first,
                                                            ms[0], ms[-1]))


main()
