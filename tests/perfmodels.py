# SPDX-License-Identifier: BSD-3-Clause
"""StarPU's files of performance models against the plan of a run.

    perfmodels.py FOLDER PLAN.json    ends with 0 if StarPU's means are those of the plan's cells
    perfmodels.py FOLDER              prints the number of samples of slices"""
import json
import os
import re
import sys


def models(folder):
    """(kind, device, size) -> (mean in microseconds, samples) of each entry; kind and device as in file names."""
    out = {}
    for path in (os.path.join(at, name) for at, _, names in os.walk(folder) for name in names if name[:5] == "hsgd_"):
        kind, device = path.split("/")[-1].split(".")[0].split("_")[-2], None
        for line in open(path):
            named = re.match(r"# Model for (\w+?)_impl0", line)
            device = named.group(1) if named else device
            words = line.split()
            if re.match(r"^[0-9a-f]{8}\s", line) and len(words) == 8 and int(words[7]) > 0:
                out[kind, device, int(words[1])] = float(words[3]), int(words[7])
    return out


def agree(found, plan):
    """Slices have 50 samples, whose mean is within 25 % of what all runs took, the first and disturbed ones too."""
    cells = [c for c in plan["cells"] if c["rows"]]
    seen = 0
    for cell in cells:
        device = cell["device"].replace(":", "") if ":" in cell["device"] else cell["device"] + "0"
        mean, samples = found.get((cell["name"].split()[0], device, cell["rows"]), (0, 0))
        near = samples >= 50 and abs(mean / 1000 / cell["measured_ms"] - 1) <= 0.25
        seen += near
        if not near:
            print(f"{cell['name']}: {samples} samples of {mean:g} us, {cell['measured_ms']:g} ms by the plan")
    return seen == len(cells) >= 2


found = models(sys.argv[1])
if len(sys.argv) == 2:
    print(sum(samples for (kind, _, _), (_, samples) in found.items() if kind == "slice"))
else:
    sys.exit(0 if agree(found, json.load(open(sys.argv[2]))) else 1)
