#!/usr/bin/env python3
"""What a machine's devices reach: each operation, and training over batch sizes, against direct calls and PyTorch.

    gpu.py [--out FOLDER] [--hsgd FILE] [--op-bench FILE] [--models LIST] [--batches LIST] [--devices LIST]
           [--seconds X] [--rounds N] [--quick]

Writes FOLDER/gpu.md (the tables), operations.csv, training.csv and, where Matplotlib is there, training.png:
samples/s over batch size.  Training: every way to run a case takes turns, medians count; `auto` chooses among all
devices.  PyTorch (bench/torch_step.py) takes part where it is installed, eager and as a CUDA graph.  Devices that are
emulated are called so.  Exit status: 0, or 1 when something failed to run."""
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

    def hsgd_step(self, model, batch, devices):
        text = self.tried(self.options.hsgd + ["bench", "--model", MODELS[model], "--batch-size", str(batch), "--devices",
                                               devices, "--seconds", str(self.options.seconds), "--json"])
        return json.loads(text)["step_ms"] if text else None

    def torch_step(self, model, batch, mode):
        text = self.tried([sys.executable, os.path.join(HERE, "torch_step.py"), "--model", model, "--batch-size", str(batch),
                           "--mode", mode, "--seconds", str(self.options.seconds)])
        return json.loads(text)["step_ms"] if text else None

    def ways(self):
        ways = {device: lambda m, b, d=device: self.hsgd_step(m, b, d) for device in self.options.devices}
        if len(ways) > 1:
            ways["auto"] = lambda m, b: self.hsgd_step(m, b, ",".join(self.options.devices))
        if self.torch:
            ways |= {f"torch {mode}": lambda m, b, mode=mode: self.torch_step(m, b, mode) for mode in ("eager", "graphs")}
        return ways

    def training(self):
        probe = self.tried([sys.executable, os.path.join(HERE, "torch_step.py"), "--model", "mlp", "--batch-size", "32",
                            "--seconds", "0.1"]) if "cuda" in self.options.devices else None
        self.torch = json.loads(probe)["torch"] if probe else None
        ways, rows = self.ways(), []
        for model in self.options.models:
            for batch in self.options.batches:
                times = {way: [] for way in ways}
                for _ in range(self.options.rounds):
                    for way, step in ways.items():
                        times[way].append(step(model, batch))
                row = {"model": model, "batch_size": batch}
                row |= {way: statistics.median(t) if None not in t else None for way, t in times.items()}
                rows.append(row)
                print("  ".join(f"{k} {v if not isinstance(v, float) else round(v, 4)}" for k, v in row.items()), flush=True)
        return rows


# ------------------------------------------------------------------- reports


def number(value, digits=4):
    return "-" if value is None else f"{value:.{digits}g}" if isinstance(value, float) else str(value)


def markdown(rows, columns):
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return "\n".join(lines + ["| " + " | ".join(number(r.get(c)) for c in columns) + " |" for r in rows])


def of_best(row, devices):
    alone = [row[d] for d in devices if row.get(d)]
    return min(alone) / row["auto"] if row.get("auto") and alone else None


def operation_table(rows):
    shown = []
    for r in rows:
        direct = r["direct_us"]
        shown.append({"device": r["device"], "operation": r["op"] + (" + gradients" if r["gradients"] else ""),
                      "rows": r["rows"], "in": "x".join(map(str, r["in"])), "out": "x".join(map(str, r["out"])),
                      "us": r["us"], "GFLOP/s": r["gflops"], "GB/s": r["gbytes"],
                      "of direct": direct / r["us"] if direct else None})
    return markdown(shown, ["device", "operation", "rows", "in", "out", "us", "GFLOP/s", "GB/s", "of direct"])


def training_table(rows, options):
    for r in rows:
        r["auto of best"] = of_best(r, options.devices)
        for mode in ("eager", "graphs"):
            peer, ours = r.get(f"torch {mode}"), r.get("cuda")
            if peer and ours:
                r[f"over {mode}"] = ours / peer
    columns = list(dict.fromkeys(k for r in rows for k in r))
    return markdown(rows, columns)


def write_csv(path, rows):
    with open(path, "w", newline="") as f:
        writer = csv.DictWriter(f, list(dict.fromkeys(k for r in rows for k in r)))
        writer.writeheader()
        writer.writerows(rows)


def draw(path, rows, options):
    try:
        import matplotlib
    except ImportError:
        print("training.png is not drawn: Matplotlib is not there")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(1, len(options.models), figsize=(4.5 * len(options.models), 4), squeeze=False)
    known = {"model", "batch_size", "auto of best", "over eager", "over graphs"}
    for axis, model in zip(axes[0], options.models):
        mine = [r for r in rows if r["model"] == model]
        for way in [k for k in mine[0] if k not in known]:
            points = [(r["batch_size"], 1e3 * r["batch_size"] / r[way]) for r in mine if r[way]]
            if points:
                axis.loglog(*zip(*points), marker="o", label=way)
        axis.set(title=model, xlabel="batch size", ylabel="samples/s")
        axis.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def machine(bench):
    info = json.loads(bench.run(bench.options.hsgd + ["devices", "--json"]))
    used = {d.split(":")[0] for d in bench.options.devices}
    return sorted({d["name"] for d in info["devices"] if d["id"].split(":")[0] in used})


def report(bench, operations, training):
    options = bench.options
    out = options.out
    os.makedirs(out, exist_ok=True)
    write_csv(f"{out}/operations.csv", operations)
    write_csv(f"{out}/training.csv", training)
    text = [f"# {', '.join(machine(bench))}", "",
            f"{datetime.date.today()}, {platform.release()}, PyTorch {bench.torch or 'not there'}. "
            f"`{' '.join(['gpu.py'] + sys.argv[1:])}`", "", "## Operations", "",
            "`of direct`: the speed of direct calls of cuBLAS or cuDNN that we reach, in one process.", "",
            operation_table(operations), "", "## Training", "",
            "Milliseconds a step; `auto of best`: the time of the best single device over that of auto; "
            "`over`: our time on CUDA over PyTorch's.", "", training_table(training, options), ""]
    text += [f"FAILED: {f}" for f in bench.failures]
    with open(f"{out}/gpu.md", "w") as f:
        f.write("\n".join(text))
    draw(f"{out}/training.png", training, options)
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
    report(bench, operations, bench.training())
    sys.exit(1 if bench.failures else 0)


if __name__ == "__main__":
    main()
