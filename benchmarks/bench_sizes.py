"""How long does a fit take for large images, and for many classes?

    python benchmarks/bench_sizes.py --out sizes.jsonl
    python benchmarks/bench_sizes.py --summary sizes.jsonl

Rows are noise around a mean of their class, so that nothing is poisoned. Seconds are of
one thread. A run that is cut off goes on where it stopped.
"""

import argparse

import numpy as np
import torch

from _common import append_json, parse_with_results, read_json, timed
from sklearn_ispl import ISPLFilter

# Rows, classes, and the shape of a row.
SIZES = [
    *((60, 3, (3, side, side)) for side in (32, 64, 128, 224)),
    *((3 * n_classes, n_classes, (30,)) for n_classes in (10, 100, 1000)),
]


def noise(n_rows, n_classes, shape):
    """Return rows around the mean of their class, and their labels."""
    rng = np.random.RandomState(0)
    y = np.arange(n_rows) % n_classes
    means = rng.normal(size=(n_classes, *shape))
    X = means[y] + 0.3 * rng.normal(size=(n_rows, *shape))
    return X.astype(np.float32), y


def main():
    options, path = parse_with_results(argparse.ArgumentParser(description=__doc__))
    torch.set_num_threads(1)
    done = [(r["n_rows"], r["n_classes"], r["shape"]) for r in read_json(path)]
    for n_rows, n_classes, shape in [] if options.summary else SIZES:
        if (n_rows, n_classes, [*shape]) not in done:
            X, y = noise(n_rows, n_classes, shape)
            ispl = ISPLFilter(random_state=0, device="cpu")
            _, seconds = timed(ispl.fit, X, y)
            line = {"n_rows": n_rows, "n_classes": n_classes, "shape": shape}
            line |= {"seconds": seconds, "lost": int((~ispl.support_).sum())}
            append_json(path, line)
    for line in read_json(path):
        print(
            "{n_rows} rows of {n_classes} classes, {shape}: {seconds:.0f} s, {lost} "
            "rows rejected".format(**line)
        )


if __name__ == "__main__":
    main()
