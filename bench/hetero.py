#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Heterogeneous steps on one CPU core and one core of PoCL, with simulated ratios of speed (HSGD_SLOW).

    hetero.py ratios|choice|slices|placement|predict [--hsgd FILE] [--rounds N] [--seconds X] [--markdown]

ratios   cifar-cnn at 128 and mlp at 2048, OpenCL 1, 3 and 10 times as slow as the CPU: the speed of `sync` relative to
         the sum of both devices' speeds, the same with equal shares, and the share of the possible gain over the
         faster device that is reached
choice   twelve models and batch sizes: whether `--devices auto` chooses a set of devices within 5 % of the fastest, and
         the error of `hsgd plan` on sets and batch sizes that were never calibrated.  The time of auto is shown, too:
         an idle device still costs some microseconds per step
slices   cifar-cnn at 256, speeds set in microseconds a row: slices of one size that a policy places (--slices), relative
         to the default division and to equal shares, where speeds are steady and where OpenCL has a third of its speed
         in every other four steps
placement
         lenet, mlp and cifar-cnn, speeds 1:1, 2:3 and 1:3 set in microseconds a row: HSGD_PLACEMENT=starpu with eight
         policies, relative to the plan; the part of the samples that OpenCL had, and the largest relative difference of
         the losses from those of one device.  Every run has its own empty cache and STARPU_HOME

predict  thirty configurations (models, batch sizes of which none was calibrated, sets of devices): the step that `hsgd plan`
         predicts, with calibrations that are kept, and the step that `hsgd bench` measures, in turns; a configuration
         whose own starts differ by more than 10 % is measured again

All ways to run a case alternate; medians are reported.  Exit status: 0 if the results in doc/algorithms.md hold, else 1."""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

BOTH = ["--devices", "cpu,opencl", "--threads", "1"]
WAYS = {
    "cpu": ["--devices", "cpu", "--threads", "1"],
    "opencl": ["--devices", "opencl"],
    "cpu,opencl": BOTH,
    "equal": BOTH + ["--algorithm", "data-parallel"],
    "forced": BOTH + ["--min-share", "0.0625"],
    "auto": ["--devices", "auto", "--threads", "1"],
}
RATIOS = [(model, batch, ratio) for model, batch in (("cifar-cnn", 128), ("mlp", 2048)) for ratio in (1, 3, 10)]
MIN_OF_SUM = {1: 0.90, 3: 0.88}
CASES = [
    ("mlp-small", 8, ""), ("lenet", 8, "opencl:10"), ("mlp-small", 32, "opencl:4"), ("cifar-cnn", 16, "opencl:20"),
    ("mlp", 16, "cpu:10"), ("lenet", 32, "cpu:12"), ("mlp-small", 64, "cpu:20"), ("cifar-cnn", 32, "cpu:20"),
    ("mlp", 512, ""), ("mlp", 1024, "opencl:3"), ("lenet", 256, ""), ("cifar-cnn", 128, "opencl:2"),
]
STEADY, CHANGING = ("cpu:500us,opencl:500us", "cpu:500us,opencl:1500us"), "cpu:500us,opencl:500us,opencl:1500us/4"
SLICES = [(n, policy) for n in (8, 16) for policy in ("eager", "dmdas")]
SLICED_STEPS = 96
BY_MODEL, BY_PULL = ("dm", "dmda", "dmdas", "dmdar"), ("eager", "prio", "lws", "ws")
PLACED = [("lenet", 256, 200), ("mlp", 512, 150), ("cifar-cnn", 128, 500)]  # batch, and microseconds a row of the CPU
PLACED_SPEEDS, PLACED_SECONDS = {"1:1": 1, "2:3": 1.5, "1:3": 3}, 1
MAX_OF_PLAN = {"1:1": 1.1, "2:3": 1.1, "1:3": 1.2}
MAX_LOSS_ERROR, MAX_SHARE_ERROR = 1e-3, 0.1
CALIBRATED = {8, 16, 32, 64, 128, 256, 512}
PREDICTED = [(model, batch, way) for model, batches in (("mlp-small", (24, 384, 2000)), ("mlp", (48, 200, 1000)),
                                                        ("lenet", (24, 200, 750)), ("cifar-cnn", (96,)))
             for batch in batches for way in ("cpu", "opencl", "cpu,opencl")]


class Runner:
    def __init__(self, options):
        self.options = options
        self.folder = tempfile.TemporaryDirectory(prefix="hetero-")
        self.environment = dict(os.environ, POCL_MAX_PTHREAD_COUNT="1", STARPU_OPENCL_ON_CPUS="1",
                                STARPU_HOME=self.folder.name, HSGD_CACHE_DIR=self.folder.name + "/cache")

    def hsgd(self, command, model, batch, way, slow):
        words = [self.options.hsgd, command, "--model", model, "--batch-size", str(batch), *WAYS[way], "--json"]
        if command == "bench":
            words += ["--seconds", str(self.options.seconds)]
        done = subprocess.run(words, capture_output=True, text=True, env=dict(self.environment, HSGD_SLOW=slow))
        if done.returncode:
            sys.exit(f"{' '.join(words)}: exit status {done.returncode}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def interleaved(self, model, batch, ways, slow):
        """Milliseconds of a step, the median, and the last report of each way."""
        times, last = {way: [] for way in ways}, {}
        for _ in range(self.options.rounds):
            for way in ways:
                last[way] = self.hsgd("bench", model, batch, way, slow)
                times[way].append(last[way]["step_ms"])
        return {way: statistics.median(t) for way, t in times.items()}, last


def used(report):
    return ",".join(sorted(d["kind"] for d in report["devices"] if d["samples"]))


def slowness(runner, model, batch, ratio):
    """HSGD_SLOW that makes OpenCL `ratio` times as slow as the CPU."""
    ms, _ = runner.interleaved(model, batch, ("cpu", "opencl"), "")
    factor = ratio * ms["cpu"] / ms["opencl"]
    return f"opencl:{factor:.3f}" if factor >= 1 else f"cpu:{1 / factor:.3f}"


def print_row(options, cells):
    print(("| " + " | ".join(cells) + " |") if options.markdown else "  ".join(f"{c:>14}" for c in cells), flush=True)


def print_head(options, names):
    print_row(options, names)
    if options.markdown:
        print("|" + "---|" * len(names))


def ratios(runner):
    options, well = runner.options, True
    print_head(options, ["model", "batch", "ratio", "cpu ms", "opencl ms", "sync ms", "of the sum", "equal ms", "of the sum",
                         "of the gain", "used"])
    for model, batch, ratio in RATIOS:
        slow = slowness(runner, model, batch, ratio)
        ms, last = runner.interleaved(model, batch, ("cpu", "opencl", "cpu,opencl", "equal"), slow)
        total = 1 / (1 / ms["cpu"] + 1 / ms["opencl"])
        best = min(ms["cpu"], ms["opencl"])
        gain = (best / ms["cpu,opencl"] - 1) / (best / total - 1)
        alone = "," not in used(last["cpu,opencl"])
        print_row(options, [model, str(batch), f"1:{ms['opencl'] / ms['cpu']:.2f}", f"{ms['cpu']:.3f}",
                            f"{ms['opencl']:.3f}", f"{ms['cpu,opencl']:.3f}", f"{total / ms['cpu,opencl']:.3f}",
                            f"{ms['equal']:.3f}", f"{total / ms['equal']:.3f}", f"{gain:.2f}", used(last["cpu,opencl"])])
        well &= total / ms["cpu,opencl"] >= MIN_OF_SUM[ratio] if ratio in MIN_OF_SUM else gain >= 0.5 or alone
        well &= ratio == 1 or ms["equal"] > ms["cpu,opencl"]
    return well


def predictions(runner, model, batch, slow):
    """Of `sync` on each set of devices, in milliseconds."""
    plan = runner.hsgd("plan", model, batch, "forced", slow)
    return {c["devices"].replace(":0", ""): c["predicted_ms"] for c in plan["candidates"] if c["algorithm"] == "sync"}


def choice(runner):
    options, right, wins, errors = runner.options, 0, {}, []
    print_head(options, ["model", "batch", "slow", "cpu ms", "opencl ms", "both ms", "predicted", "auto ms", "auto takes",
                         "over best"])
    for model, batch, slow in CASES:
        ms, last = runner.interleaved(model, batch, ("cpu", "opencl", "forced", "auto"), slow)
        predicted = predictions(runner, model, batch, slow)
        measured = {"cpu": ms["cpu"], "opencl": ms["opencl"], "both": ms["forced"]}
        best = min(measured, key=measured.get)
        wins[best] = wins.get(best, 0) + 1
        chosen = used(last["auto"])
        right += measured["both" if "," in chosen else chosen] <= 1.05 * measured[best]
        shown = {"both" if "," in name else name: t for name, t in predicted.items()}
        errors += [abs(shown[k] / measured[k] - 1) for k in shown if k == "both" or batch not in CALIBRATED]
        print_row(options, [model, str(batch), slow or "-", *(f"{measured[k]:.3f}" for k in measured),
                            " ".join(f"{shown[k]:.3f}" for k in measured if k in shown), f"{ms['auto']:.3f}",
                            chosen, f"{ms['auto'] / measured[best]:.3f}"])
    error = statistics.median(errors)
    print(f"{right} of {len(CASES)} sets within 5 % of the fastest; fastest: "
          + ", ".join(f"{k} {n}" for k, n in sorted(wins.items()))
          + f"; predictions off by {100 * error:.1f} % (median of {len(errors)})")
    return right >= 0.9 * len(CASES) and all(wins.get(k, 0) >= 3 for k in ("cpu", "opencl", "both")) and error <= 0.15


def trained(runner, words, environment):
    """The report of a training on digits."""
    with tempfile.TemporaryDirectory(prefix="hetero-run-") as folder:
        words = [runner.options.hsgd, "train", "--data", "digits", "--out", folder + "/run", "--json", *words]
        done = subprocess.run(words, capture_output=True, text=True, env=dict(runner.environment, **environment))
        if done.returncode:
            sys.exit(f"{' '.join(words)}: exit status {done.returncode}: {done.stderr.strip()}")
        return json.loads(done.stdout)


def sliced(runner, way, policy, slow):
    """Samples per second of a training."""
    words = ["--model", "cifar-cnn", "--batch-size", "256", "--steps", str(SLICED_STEPS), *BOTH, *way]
    return trained(runner, words, {"HSGD_SLOW": slow, **({"STARPU_SCHED": policy} if policy else {})})["samples_per_second"]


def slices(runner):
    ways = {"default": ([], None), "equal shares": (["--algorithm", "data-parallel"], None)}
    ways.update({f"{n} slices, {policy}": (["--slices", str(n)], policy) for n, policy in SLICES})
    options, well = runner.options, True
    print_head(options, ["speeds", "way", "samples/s", "of the default", "of equal shares"])
    for slow in (*STEADY, CHANGING):
        speeds = {way: [] for way in ways}
        for _ in range(options.rounds):
            for way, (words, policy) in ways.items():
                speeds[way].append(sliced(runner, words, policy, slow))
        median = {way: statistics.median(s) for way, s in speeds.items()}
        for way, speed in median.items():
            print_row(options, [slow, way, f"{speed:.0f}", f"{speed / median['default']:.3f}",
                                f"{speed / median['equal shares']:.3f}"])
        best = max(speed for way, speed in median.items() if "slices" in way)
        well &= best >= (1.12 if slow == CHANGING else 0.95) * median["default"]
        well &= slow != CHANGING or best >= 1.4 * median["equal shares"]
    return well


def predicted_and_measured(runner, model, batch, way):
    """Milliseconds, as medians of starts in turns, and how far the measured ones lie apart."""
    plans, steps = [], []
    for _ in range(runner.options.rounds):
        plans.append(runner.hsgd("plan", model, batch, way, "")["predicted_step_ms"])
        steps.append(runner.hsgd("bench", model, batch, way, "")["step_ms"])
    return statistics.median(plans), statistics.median(steps), max(steps) / min(steps) - 1


def predict(runner):
    options, errors = runner.options, []
    print_head(options, ["model", "batch", "devices", "predicted ms", "measured ms", "starts differ by", "error"])
    for model, batch, way in PREDICTED:
        runner.hsgd("plan", model, batch, way, "")  # calibrates
        for _ in range(2):
            predicted, measured, spread = predicted_and_measured(runner, model, batch, way)
            error = predicted / measured - 1
            print_row(options, [model, str(batch), way, f"{predicted:.4f}", f"{measured:.4f}", f"{100 * spread:.1f} %",
                                f"{100 * error:+.1f} %"])
            if spread <= 0.10:
                break
        errors.append(abs(error))
    median, most = statistics.median(errors), max(errors)
    near = sum(e <= 0.15 for e in errors)
    print(f"median error {100 * median:.1f} %, {near} of {len(errors)} within 15 %, at most {100 * most:.1f} %")
    return median <= 0.08 and near >= 0.9 * len(errors) and most <= 0.3


def placed(runner, words, way, slow):
    """Milliseconds of a step, OpenCL's part of the samples, and the losses; with nothing known before but the speed of
    the links, which is measured once."""
    bus = ".starpu/sampling/bus"
    with tempfile.TemporaryDirectory(prefix="hetero-home-") as home:
        if os.path.isdir(f"{runner.folder.name}/{bus}"):
            shutil.copytree(f"{runner.folder.name}/{bus}", f"{home}/{bus}")
        environment = {"STARPU_HOME": home, "HSGD_CACHE_DIR": home + "/cache", "HSGD_SLOW": slow}
        if way != "plan":
            environment.update(HSGD_PLACEMENT="starpu", STARPU_SCHED=way)
        report = trained(runner, words, environment)
        shutil.copytree(f"{home}/{bus}", f"{runner.folder.name}/{bus}", dirs_exist_ok=True)
    samples = {d["kind"]: d["samples"] for d in report["devices"]}
    return report["step_ms_median"], samples.get("opencl", 0) / sum(samples.values()), report["losses"]


def placement_row(runner, model, speeds, way, runs, plan_ms, alone):
    """Prints what a way gave; whether it is within the bounds."""
    ms, share = (statistics.median(run[k] for run in runs) for k in (0, 1))
    ideal = 1 / (1 + PLACED_SPEEDS[speeds])
    error = max(abs(a / b - 1) for run in runs for a, b in zip(run[2], alone))
    well = error <= MAX_LOSS_ERROR
    if way in BY_MODEL:
        well &= ms <= MAX_OF_PLAN[speeds] * plan_ms and abs(share - ideal) <= MAX_SHARE_ERROR
    print_row(runner.options, [model, speeds, way, f"{ms:.3f}", f"{ms / plan_ms:.3f}", f"{100 * share:.1f} %",
                               f"{100 * ideal:.1f} %", f"{error:.1e}", "" if well else "no"])
    return well


def placement(runner):
    well, ways = True, ("plan", *BY_MODEL, *BY_PULL)
    print_head(runner.options, ["model", "speeds", "placed by", "ms", "of the plan", "opencl", "ideal", "losses", "within"])
    for model, batch, us in PLACED:
        for speeds, ratio in PLACED_SPEEDS.items():
            steps = int(PLACED_SECONDS / (1e-6 * us * batch * ratio / (1 + ratio)))
            words = ["--model", model, "--batch-size", str(batch), "--steps", str(steps), "--optimizer", "sgd", "--lr", "0.001"]
            alone = placed(runner, words + WAYS["cpu"], "plan", "")[2]
            runs = {way: [] for way in ways}
            for _ in range(runner.options.rounds):
                for way in ways:
                    runs[way].append(placed(runner, words + BOTH, way, f"cpu:{us}us,opencl:{us * ratio:g}us"))
            plan_ms = statistics.median(run[0] for run in runs["plan"])
            for way in ways:
                well &= placement_row(runner, model, speeds, way, runs[way], plan_ms, alone)
    return well


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("ratios", "choice", "slices", "placement", "predict"))
    parser.add_argument("--hsgd", default="./hsgd")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--markdown", action="store_true")
    runner = Runner(parser.parse_args())
    what = {"ratios": ratios, "choice": choice, "slices": slices, "placement": placement,
            "predict": predict}[runner.options.what]
    sys.exit(0 if what(runner) else 1)


if __name__ == "__main__":
    main()
