#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes a table with categorical and missing values whose labels depend on products of
columns, trains hsgd's `tabular` on it and scikit-learn's gradient boosting and logistic
regression, and prints the test accuracies.  scikit-learn is a package of PyPI:

    python3 -m venv VENV && VENV/bin/pip install scikit-learn
    VENV/bin/python bench/tabular.py HSGD [FOLDER]

Exit status 1: hsgd is more than one point below gradient boosting, or not above logistic
regression."""

import csv
import json
import math
import random
import subprocess
import sys
import tempfile

ROWS, TEST, SEED = 20000, 5000, 1
COLOURS = ["red", "green", "blue", "white", "black"]
PLACES = ["p%d" % i for i in range(12)]


def row(rng):
    """Labels: a sum of products, of numbers with each other and with effects of categories."""
    a, b, c, d, e, f = (rng.gauss(0, 1) for _ in range(6))
    colour, place, size = rng.choice(COLOURS), rng.choice(PLACES), rng.choice(["S", "M", "L"])
    of_colour = [-1.5, -0.5, 0.5, 1, 1.5][COLOURS.index(colour)]
    of_place = math.cos(PLACES.index(place))
    score = a * b + of_colour * c + 1.5 * of_place * d - (1 if size == "L" else 0) * e + 0.3 * f
    missing = lambda x, p: "" if rng.random() < p else "%.4f" % x
    return [missing(a, 0.03), "%.4f" % b, missing(c, 0.1), "%.4f" % (20 + 5 * d), missing(1000 * e, 0.05),
            "%.4f" % f, colour if rng.random() > 0.05 else "NA", place, size,
            "yes" if score + rng.gauss(0, 0.3) > 0 else "no"]


def make(path, rows, seed):
    rng = random.Random(seed)
    with open(path, "w", newline="") as f:
        out = csv.writer(f)
        out.writerow(["a", "b", "c", "d", "e", "f", "colour", "place", "size", "label"])
        out.writerows(row(rng) for _ in range(rows))


def ours(hsgd, folder):
    """Epochs are chosen by validation samples that are held back, as always."""
    words = [hsgd, "train", "--model", "tabular", "--data", folder + "/train.csv", "--test", folder + "/test.csv",
             "--categorical", "auto", "--impute", "median", "--epochs", "40", "--lr", "0.003", "--weight-decay", "0.02",
             "--optimizer", "adamw", "--batch-size", "256", "--validation", "0.1", "--out", folder + "/run", "--json"]
    subprocess.run(words, check=True, stdout=subprocess.PIPE)
    words = [hsgd, "eval", "--checkpoint", folder + "/run", "--json"]
    return json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout)["metrics"]["test"]["accuracy"]


def read(path):
    with open(path, newline="") as f:
        rows = list(csv.reader(f))[1:]
    numbers = [[float(v) if v else math.nan for v in r[:6]] for r in rows]
    return numbers, [r[6:9] for r in rows], [r[9] for r in rows]


def theirs(folder):
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    import numpy

    x, words, y = read(folder + "/train.csv")
    u, other, v = read(folder + "/test.csv")
    hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(words)
    x, u = numpy.hstack([x, hot.transform(words)]), numpy.hstack([u, hot.transform(other)])
    boosting = max(HistGradientBoostingClassifier(max_iter=n, learning_rate=rate, random_state=SEED).fit(x, y).score(u, v)
                   for n, rate in [(100, 0.1), (300, 0.1), (600, 0.05)])
    logistic = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler(),
                             LogisticRegression(max_iter=1000)).fit(x, y).score(u, v)
    return boosting, logistic


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder = sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp()
    make(folder + "/train.csv", ROWS, SEED)
    make(folder + "/test.csv", TEST, SEED + 1)
    tabular = ours(sys.argv[1], folder)
    boosting, logistic = theirs(folder)
    print("%d rows, %d for the test: hsgd tabular %.2f %%, gradient boosting %.2f %% (the best of three settings), "
          "logistic regression %.2f %%" % (ROWS, TEST, 100 * tabular, 100 * boosting, 100 * logistic))
    sys.exit(0 if tabular >= boosting - 0.01 and tabular > logistic else 1)


main()
