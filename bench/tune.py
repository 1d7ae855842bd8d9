#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""hsgd tune beside a search over all combinations of settings.

    tune.py [--networks NAME,...] [--rounds N] [--seconds X] [--seeds N] [--time X] [--state FILE] [--hsgd FILE]
            [--batch-size N] [--only NAME=VALUE,...] [--markdown]

For each network: measures every combination of the settings that hsgd tune searches on this machine, --rounds times,
each in a process of its own, in turns; then the fastest 40 as often again, and the fastest 10 twice that.  What cannot
matter is left out by measurement, and the tables say so:
- Instruction sets, libraries of matrix products and executors are first tried alone with every set of devices and
  threads.  A value that costs 15 % or more with every set, or makes less than 2 % of difference with every set, goes.
- All other settings are measured together in every combination.  One that is slower than the fastest by 15 % and twice
  what instruction sets, products and executors gain at most is not measured with each of these.
Then hsgd tune runs with several seeds, and its choices take turns with the best of all and with the default.

--only leaves a setting its default and these values, for a shorter search (NAME= its default alone).

All measurements are lines of --state: a second call continues.  Exit status: 0 if each choice is at least 0.97 times as
fast as the best, and where that is at least 1.1 times the default, so is the choice."""
import argparse
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile

TOP, FINAL, FINAL_TURNS = 40, 10, 12
LOSS = 0.15  # a value that costs this much everywhere is left out
ALONE = 5  # turns of a value alone
SAME = 0.02  # so is one that makes less difference than this everywhere
SETS = ("devices", "threads", "POCL_MAX_PTHREAD_COUNT")
PRE = ("HSGD_ISA", "HSGD_PRODUCTS", "executor")  # measured alone first


class Failed(Exception):
    pass


def run(hsgd, args, variables):
    p = subprocess.run([hsgd] + args, capture_output=True, text=True, env={**os.environ, **variables}, timeout=900)
    if p.returncode:
        raise Failed((p.stderr.strip().splitlines() or ["exit %d" % p.returncode])[-1])
    return json.loads(p.stdout)


def label(combination):
    words = [("%s=%s" if k.isupper() else "--%s %s") % kv for kv in sorted(combination.items()) for k in kv[:1]]
    return " ".join(words) or "default"


class Bench:
    """Measurements of one network, kept in a file."""

    def __init__(self, args, network, state):
        self.args, self.network, self.file = args, network, state
        self.speeds, self.failed = {}, {}
        for line in open(state) if os.path.exists(state) else ():
            m = json.loads(line)
            if m.get("network") == network and "settings" in m:
                self.keep(m)

    def keep(self, m):
        key = label(m["settings"])
        if m.get("why"):
            self.failed[key] = m["why"]
        else:
            self.speeds.setdefault(key, {}).setdefault(m["phase"], []).append(m["speed"])

    def write(self, m):
        with open(self.file, "a") as f:
            f.write(json.dumps({"network": self.network, **m}) + "\n")

    def trial(self, combination):
        args = ["bench", "--json", "--model", self.network, "--data", self.args.data, "--batch-size",
                str(self.args.batch_size), "--seconds", str(self.args.seconds)]
        for k, v in combination.items():
            if not k.isupper():
                args += ["--" + k, v]
        variables = {k: v for k, v in combination.items() if k.isupper()}
        return run(self.args.hsgd, args, variables)["samples_per_second"]

    def measure(self, combination, phase):
        m = {"settings": combination, "phase": phase}
        try:
            m["speed"] = self.trial(combination)
        except (Failed, subprocess.TimeoutExpired) as e:
            m["why"] = str(e)
        self.write(m)
        self.keep(m)

    def rounds(self, combinations, n, phase):
        """In turns, until each has n measurements of this phase."""
        for turn in range(1, n + 1):
            order = list(combinations)
            random.Random("%s %s %d" % (self.network, phase, turn)).shuffle(order)
            for i, c in enumerate(order):
                key = label(c)
                if key in self.failed or len(self.speeds.get(key, {}).get(phase, [])) >= turn:
                    continue
                if sys.stderr.isatty():
                    at = (self.network, phase, turn, n, i + 1, len(order))
                    sys.stderr.write("\r%-10s %-6s turn %d/%d %5d/%d " % at)
                self.measure(c, phase)

    def speed(self, combination, phases):
        all_of = [s for p in phases for s in self.speeds.get(label(combination), {}).get(p, [])]
        return statistics.median(all_of) if all_of else 0.0

    def fastest(self, combinations, n, phases):
        known = [c for c in combinations if self.speed(c, phases) and label(c) not in self.failed]
        return sorted(known, key=lambda c: -self.speed(c, phases))[:n]

    def paired(self, a, b, phase):
        """Median of the ratios of two combinations, turn by turn."""
        pairs = list(zip(self.speeds[label(a)][phase], self.speeds[label(b)][phase]))
        return statistics.median(x / y for x, y in pairs)


def devices_of(combination, machine):
    """The devices that take part, as hsgd devices describes them."""
    names = combination.get("devices")
    if not names:
        return [d for d in machine if d["auto"]]
    return [d for d in machine if d["id"] in names.split(",")]


def matters(c, machine):
    """The rules of hsgd tune: a setting without effect stays at its default."""
    used = devices_of(c, machine)
    cores = [d for d in used if d["kind"] == "cpu"]
    workers = len(used) - len(cores) + (int(c.get("threads", cores[0]["workers"])) if cores else 0)
    rules = {
        "threads": cores,
        "POCL_MAX_PTHREAD_COUNT": any(d["is_cpu"] and d["kind"] != "cpu" for d in used),
        "slices": workers > 1,
        "HSGD_PLACEMENT": len(used) > 1 and "slices" not in c,
        "STARPU_SCHED": workers > 1,
        "HSGD_ISA": cores,
        "HSGD_PRODUCTS": cores,
    }
    return all(rules.get(k, True) for k in c)


def product(space, machine, names):
    lists = [[(n, v) for v in space[n]] for n in names]
    for values in itertools.product(*lists):
        c = {n: v for n, v in values if v is not None}
        if matters(c, machine):
            yield c


def alone(b, space, machine):
    """Speeds of each value of PRE alone over the default, one for every set of devices and threads."""
    sets = list(product(space, machine, [n for n in SETS if n in space]))
    values = [(n, v) for n in PRE for v in space.get(n, [])[1:]]
    trials = {nv: [(s, dict(s, **dict([nv]))) for s in sets] for nv in values}
    trials = {nv: [p for p in pairs if matters(p[1], machine)] for nv, pairs in trials.items()}
    b.rounds(sets + [c for pairs in trials.values() for _, c in pairs], ALONE, "alone")
    speed = {label(c): b.speed(c, ["alone"]) for pairs in trials.values() for p in pairs for c in p}
    over = lambda s, c: speed[label(c)] / speed[label(s)]
    return {nv: [over(s, c) for s, c in pairs if speed[label(s)]] for nv, pairs in trials.items()}


def leave_out(ratios, space):
    """Takes values that cannot matter out of the space, and says why."""
    out = []
    for (n, v), r in ratios.items():
        if r and max(r) <= 1 - LOSS:
            out.append((label({n: v}), "at most %.2f times as fast with every set of devices" % max(r)))
        elif r and max(abs(x - 1) for x in r) < SAME:
            out.append((label({n: v}), "%.3f to %.3f times as fast with every set of devices" % (min(r), max(r))))
        else:
            continue
        space[n].remove(v)
    return out


def combinations(b, space, machine, ratios):
    """Every combination that is measured, and a row that says which were not."""
    rest = list(product(space, machine, [n for n in space if n not in PRE]))
    b.rounds(rest, b.args.rounds, "all")
    gain = max([x for (n, v), r in ratios.items() if v in space.get(n, []) for x in r], default=1.0)
    bound = (1 - LOSS) / (1 + 2 * max(gain - 1, 0))
    best = max(b.speed(c, ["all"]) for c in rest)
    near = [c for c in rest if b.speed(c, ["all"]) >= bound * best]
    kept = [c for c in product(space, machine, list(space)) if {n: v for n, v in c.items() if n not in PRE} in near]
    row = ("%d of %d combinations without %s" % (len(rest) - len(near), len(rest), ", ".join(PRE)),
           "less than %.2f times as fast as the fastest; these settings gain at most %.3f" % (bound, gain))
    b.rounds(kept, b.args.rounds, "all")
    return rest + [c for c in kept if c not in rest], row


def tuned(b, seed):
    """The choice of hsgd tune, which is kept."""
    key = "tune %d" % seed
    for line in open(b.file):
        m = json.loads(line)
        if m.get("network") == b.network and m.get("tune") == key:
            return m["report"]
    with tempfile.TemporaryDirectory() as out:
        args = ["tune", "--json", "--model", b.network, "--data", b.args.data, "--batch-size", str(b.args.batch_size)]
        args += ["--seed", str(seed), "--time", str(b.args.time), "--out", out]
        report = run(b.args.hsgd, args, {})
    kept = {k: report[k] for k in ("chosen", "better", "gain", "seconds", "trials", "conclusion")}
    b.write({"tune": key, "report": kept})
    return kept


def space_of(args, network, machine):
    """Values of the settings, as hsgd tune lists them."""
    with tempfile.TemporaryDirectory() as out:
        space = run(args.hsgd, ["tune", "--json", "--model", network, "--data", args.data, "--time", "2", "--out", out],
                    {})["space"]
    for only in args.only:
        name, _, values = only.partition("=")
        space[name] = [v for v in space[name] if v is None or v in values.split(",")]
    return {n: v for n, v in space.items() if len(v) > 1}


def report(args, rows, title):
    print("\n" + title)
    for row in rows:
        print(("| %s |" % " | ".join(row)) if args.markdown else "  " + "  ".join(row))


def network(args, name, machine):
    b = Bench(args, name, args.state)
    space = space_of(args, name, machine)
    count = len(list(product(space, machine, list(space))))
    ratios = alone(b, space, machine)
    left_out = leave_out(ratios, space)
    everything, row = combinations(b, space, machine, ratios)
    b.rounds(b.fastest(everything, TOP, ["all"]), args.rounds, "top")
    first = b.fastest(everything, FINAL, ["all", "top"])
    b.rounds(first + [{}] * ({} not in first), 2 * args.rounds, "ten")
    ten = b.fastest(first, FINAL, ["ten"])
    if not ten:
        raise Failed("%s: no combination can be measured" % name)
    choices = {seed: tuned(b, seed) for seed in range(1, args.seeds + 1)}
    final = {label(c): c for c in [{}] + ten[:3] + [r["chosen"] for r in choices.values()]}
    b.rounds(final.values(), FINAL_TURNS, "final")
    best = max(ten[:3], key=lambda c: b.paired(c, {}, "final"))
    gain = b.paired(best, {}, "final")
    title = "%s: ten fastest of %d combinations (%d in all), samples/s and ratio to the default"
    report(args, [("%8.0f" % b.speed(c, ["ten"]), "%.3f" % (b.speed(c, ["ten"]) / b.speed({}, ["ten"])), label(c))
                  for c in ten], title % (name, len(everything), count))
    report(args, left_out + [row] + list(b.failed.items())[:10], "left out, or failed")
    good, rows = True, []
    for seed, r in choices.items():
        ratio, own = b.paired(r["chosen"], best, "final"), b.paired(r["chosen"], {}, "final")
        passed = ratio >= 0.97 and (gain < 1.1 or own >= 1.1)
        good = good and passed
        rows.append(("seed %d" % seed, "%.3f" % ratio, "%.3f" % own, "%.0f s" % r["seconds"],
                     "ok" if passed else "MISSED", label(r["chosen"])))
    report(args, rows, "%s: choice of hsgd tune over the best (%s, %.3f times the default), and over the default"
           % (name, label(best), gain))
    return good


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--hsgd", default="./hsgd")
    p.add_argument("--networks", default="lenet,mlp-small,cifar-cnn")
    p.add_argument("--data", default="digits")
    p.add_argument("--rounds", type=int, default=2)
    p.add_argument("--seconds", type=float, default=0.5, help="length of a trial")
    p.add_argument("--seeds", type=int, default=3)
    p.add_argument("--time", type=float, default=120, help="of hsgd tune")
    p.add_argument("--batch-size", type=int, default=128)
    p.add_argument("--state", default="tune-state.jsonl")
    p.add_argument("--only", action="append", default=[], metavar="NAME=VALUE", help="may be repeated")
    p.add_argument("--markdown", action="store_true")
    args = p.parse_args()
    try:
        machine = run(args.hsgd, ["devices", "--json"], {})["devices"]
        good = [network(args, n, machine) for n in args.networks.split(",")]
    except Failed as e:
        sys.exit("tune.py: %s" % e)
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
