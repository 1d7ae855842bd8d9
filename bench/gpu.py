#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Speed of a machine's devices: each operation, and training over batch sizes, compared with direct calls and PyTorch.

    gpu.py [--out FOLDER] [--hsgd COMMAND] [--op-bench COMMAND] [--models LIST] [--batches LIST] [--devices LIST]
           [--seconds X] [--rounds N] [--quick]

Writes FOLDER/gpu.md (the tables), operations.csv, training.csv and, if Matplotlib is installed, training.png:
samples/s over batch size.  Training: each device of --devices alone, and --devices auto; all ways to run a case
alternate, medians are reported.  PyTorch (bench/torch_step.py) is included if it can be imported, eager and compiled,
on the CUDA device, or on the CPU if it has none.  Emulated devices are named as such.  Exit status: 0, or 1 if a run
failed."""
import argparse
import csv
import datetime
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = {"mlp": "mlp", "lenet": "lenet", "cifar-cnn": "cifar-cnn", "stack": os.path.join(HERE, "stack.yaml")}
BATCHES = [32, 64, 128, 256, 512, 1024, 2048, 4096]
TORCH_MODES = ["eager", "compiled"]


def kind_of(device):
    return device.split(":")[0]


class Failed(Exception):
    pass


class Bench:
    def __init__(self, options):
        self.options = options
        self.home = tempfile.TemporaryDirectory(prefix="gpu-bench-")
        self.environment = dict(os.environ, STARPU_HOME=self.home.name, HSGD_CACHE_DIR=self.home.name + "/cache")
        self.failures = []

    def run(self, words):
        done = subprocess.run(words, capture_output=True, text=True, env=self.environment)
        if done.returncode == 77:
            return None
        if done.returncode:
            raise Failed(f"{' '.join(words)}: exit status {done.returncode}: {done.stderr.strip()[-300:]}")
        return done.stdout

    def tried(self, words):
        try:
            return self.run(words)
        except Failed as why:
            self.failures.append(str(why))
            print(f"FAILED  {why}", file=sys.stderr)
            return None

    # ------------------------------------------------------------ operations

    def operations(self):
        rows = []
        for device in self.options.devices:
            words = self.options.op_bench + ["--devices", device] + (["--quick"] if self.options.quick else [])
            rows += [json.loads(line) for line in (self.tried(words) or "").splitlines()]
        return rows

    # -------------------------------------------------------------- training

    def step(self, words, model, batch):
        """Samples a second; None where it failed or is skipped."""
        case = ["--model", model, "--batch-size", str(batch), "--seconds", str(self.options.seconds)]
        text = self.tried(words + case)
        return 1e3 * batch / json.loads(text)["step_ms"] if text else None

    def torch_words(self, device, mode):
        return [sys.executable, os.path.join(HERE, "torch_step.py"), "--device", device, "--mode", mode]

    def find_torch(self):
        """The first kind of device that PyTorch supports, too, and PyTorch's version."""
        for kind in ("cuda", "cpu"):
            if kind in (kind_of(d) for d in self.options.devices):
                case = ["--model", "mlp", "--batch-size", "32", "--seconds", "0"]
                text = self.tried(self.torch_words(kind, "eager") + case)
                if text:
                    return kind, json.loads(text)["torch"]
        return None, None

    def ways(self):
        ours = lambda devices: lambda m, b: self.step(
            self.options.hsgd + ["bench", "--devices", devices, "--json"], MODELS[m], b)
        torch = lambda mode: lambda m, b: self.step(self.torch_words(self.torch, mode), m, b)
        ways = {way: ours(way) for way in self.options.devices + ["auto"]}
        return ways | ({f"torch {mode}": torch(mode) for mode in TORCH_MODES} if self.torch else {})

    def training(self):
        self.torch, self.torch_version = self.find_torch()
        ways, rows = self.ways(), []
        for model in self.options.models:
            for batch in self.options.batches:
                speeds = {way: [] for way in ways}
                for _ in range(self.options.rounds):
                    for way, step in ways.items():
                        speeds[way].append(step(model, batch))
                row = {"model": model, "batch size": batch}
                row |= {way: statistics.median(v) if None not in v else None for way, v in speeds.items()}
                rows.append(row)
                print("  ".join(f"{k} {number(v)}" for k, v in row.items()), flush=True)
        return rows


# ------------------------------------------------------------------- reports


def number(value):
    if not isinstance(value, float):
        return "-" if value is None else str(value)
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def markdown(rows, columns):
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return "\n".join(lines + ["| " + " | ".join(number(r.get(c)) for c in columns) + " |" for r in rows])


def quotient(a, b):
    return a / b if a and b else None


def operation_table(rows):
    shown = []
    for r in rows:
        direct = r["direct_us"]
        shown.append({"device": r["device"], "operation": r["op"] + (" + gradients" if r["gradients"] else ""),
                      "rows": r["rows"], "in": "x".join(map(str, r["in"])), "out": "x".join(map(str, r["out"])),
                      "us": r["us"], "GFLOP/s": r["gflops"], "GB/s": r["gbytes"],
                      "of direct": quotient(direct, r["us"])})
    return markdown(shown, ["device", "operation", "rows", "in", "out", "us", "GFLOP/s", "GB/s", "of direct"])


def ratios(row, bench):
    """Of auto to the best single device, and of our speed on PyTorch's device to PyTorch's."""
    devices = bench.options.devices
    found = {"auto of best": quotient(row["auto"], max((row[d] for d in devices if row[d]), default=None))}
    if bench.torch:
        ours = max((row[d] for d in devices if kind_of(d) == bench.torch and row[d]), default=None)
        found |= {f"of {mode}": quotient(ours, row[f"torch {mode}"]) for mode in TORCH_MODES}
    return row | found


def columns_of(rows):
    return list(dict.fromkeys(k for r in rows for k in r))


def write_csv(path, rows):
    with open(path, "w", newline="") as f:
        writer = csv.DictWriter(f, columns_of(rows))
        writer.writeheader()
        writer.writerows(rows)


def draw(path, rows, bench):
    try:
        import matplotlib
    except ImportError:
        print("training.png is not drawn: Matplotlib is not installed")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot
    options = bench.options
    figure, axes = pyplot.subplots(1, len(options.models), figsize=(4.5 * len(options.models), 4), squeeze=False)
    for axis, model in zip(axes[0], options.models):
        for way in bench.ways():
            points = [(r["batch size"], r[way]) for r in rows if r["model"] == model and r[way]]
            if points:
                axis.plot(*zip(*points), marker="o", label=way)
        axis.set(xscale="log", yscale="log")
        axis.set_xticks(options.batches, labels=options.batches, rotation=90, minor=False)
        axis.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)
        axis.set(title=model, xlabel="batch size", ylabel="samples/s")
        axis.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def machine(bench):
    info = json.loads(bench.run(bench.options.hsgd + ["devices", "--json"]))
    used = {kind_of(d) for d in bench.options.devices}
    return sorted({d["name"] for d in info["devices"] if kind_of(d["id"]) in used})


def report(bench, operations, training):
    options = bench.options
    out = options.out
    os.makedirs(out, exist_ok=True)
    write_csv(f"{out}/operations.csv", operations)
    write_csv(f"{out}/training.csv", training)
    torch = f"PyTorch {bench.torch_version} on {bench.torch}" if bench.torch else "no PyTorch"
    text = [f"# {', '.join(machine(bench))}", "", f"{datetime.date.today()}, {platform.release()}, {torch}.", "",
            f"    {shlex.join(['gpu.py'] + sys.argv[1:])}", "", "## Operations", "",
            "`of direct`: our speed divided by that of direct calls of cuBLAS or cuDNN, in one process. GB/s of "
            "optimizers include the copy of weights and state before the step.", "",
            operation_table(operations), "", "## Training", "",
            "Samples per second, medians. `auto of best`: relative to the best single device; `of eager`, "
            "`of compiled`: relative to PyTorch on the same device.", "", markdown(training, columns_of(training)), ""]
    text += [f"FAILED: {f}" for f in bench.failures]
    with open(f"{out}/gpu.md", "w") as f:
        f.write("\n".join(text))
    draw(f"{out}/training.png", training, bench)
    print(f"written: {out}/gpu.md")


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = lambda text: text.split(",")
    parser.add_argument("--out", default="gpu-bench")
    parser.add_argument("--hsgd", type=shlex.split, default=["./hsgd"], help="a command")
    parser.add_argument("--op-bench", type=shlex.split, default=["./op_bench"], help="a command")
    parser.add_argument("--models", type=names, default=list(MODELS))
    parser.add_argument("--batches", type=lambda t: [int(b) for b in t.split(",")], default=BATCHES)
    parser.add_argument("--devices", type=names, default=["cpu", "cuda"])
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="small operations only")
    chosen = parser.parse_args()
    unknown = set(chosen.models) - set(MODELS)
    if unknown:
        parser.error(f"--models: \"{sorted(unknown)[0]}\" is not one of {', '.join(MODELS)}")
    return chosen


def main():
    bench = Bench(options())
    operations = bench.operations()
    training = bench.training()
    report(bench, operations, [ratios(row, bench) for row in training])
    sys.exit(1 if bench.failures else 0)


if __name__ == "__main__":
    main()
