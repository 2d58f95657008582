"""Does the theory hold on real data? Expansion errors and compatibility margins.

    python benchmarks/bench_theory.py --data fashion-mnist --n-rows 10000

Poisons a set, partitions it, and prints (a) the expansion error (Definition 4.1) of
each component found, beside that of a random set of rows of the same size, and (b) the
compatibility margin (Definition 4.2) of clean-clean, clean-poison and poison-poison
pairs of sets. The paper assumes that homogeneous sets expand best, that clean sets are
compatible with one another, and that poison is not compatible with clean sets. The
masks of poisoned rows make the pairs; no defence sees them.
"""

import argparse

import numpy as np
import torch

from _common import append_json, load_rows
from sklearn_ispl import ISPLPartitioner
from sklearn_ispl.datasets import make_dirty_label_backdoor
from sklearn_ispl.metrics import compatibility_margin, expansion_error


def text(estimate):
    """Return an estimate and its standard error as text."""
    return f"{estimate.value:.3f} +- {estimate.standard_error:.3f}"


def components(X, y, poisoned, settings, seed):
    """Yield, for each component: poisoned rows, its error, that of a random set."""
    rng = np.random.RandomState(seed)
    labels = ISPLPartitioner(random_state=seed).fit_predict(X, y)
    for component in range(labels.max() + 1):
        rows = np.flatnonzero(labels == component)
        mixed = rng.choice(len(y), len(rows), replace=False)
        yield (
            int(poisoned[rows].sum()),
            expansion_error(X, y, rows, **settings),
            expansion_error(X, y, mixed, **settings),
        )


def pairs(X, y, poisoned, settings, seed):
    """Yield the name of a pair of sets and the margin of the second for the first."""
    rng = np.random.RandomState(seed)
    clean = rng.permutation(np.flatnonzero(~poisoned))
    poison = rng.permutation(np.flatnonzero(poisoned))
    half = len(poison) // 2
    few = clean[: len(poison)]
    for name, first, second in [
        ("clean, clean", clean[:1000], clean[1000:2000]),
        ("clean, poison", clean[:1000], poison),
        ("poison, clean", poison, clean[:1000]),
        ("poison, poison", poison[:half], poison[half:]),
        ("clean, as few clean", clean[1000:2000], few),
    ]:
        yield name, compatibility_margin(X, y, first, second, **settings)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="digits-images")
    parser.add_argument("--data-home")
    parser.add_argument("--n-rows", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--n-repeats", type=int, default=5)
    parser.add_argument("--out", help="file of JSON lines to append to")
    options = parser.parse_args()
    torch.set_num_threads(1)
    X, y = load_rows(options.data, options.n_rows, options.data_home, options.seed)
    rng = np.random.RandomState(options.seed)
    source, target = rng.choice(np.unique(y), 2, replace=False)
    X, y, poisoned, _ = make_dirty_label_backdoor(
        X, y, source=source, target=target, random_state=rng
    )
    settings = {
        "alpha": 1 / 2,
        "n_epochs": 20,
        "n_repeats": options.n_repeats,
        "random_state": options.seed,
    }
    what = {"data": options.data, "n": len(y), "seed": options.seed}
    print(f"{options.data}, {len(y)} rows, {source} to {target}")
    print("component: poisoned rows; expansion error; of a random set of that size")
    found = components(X, y, poisoned, settings, options.seed)
    for number, (n_poisoned, error, mixed) in enumerate(found):
        print(f"{number}: {n_poisoned}; {text(error)}; {text(mixed)}", flush=True)
        if options.out:
            record = {"component": number, "n_poisoned": n_poisoned, "error": error}
            append_json(options.out, what | record | {"mixed": mixed})
    print("pair: compatibility margin of the second for the first")
    for name, margin in pairs(X, y, poisoned, settings, options.seed):
        print(f"{name}: {text(margin)}", flush=True)
        if options.out:
            append_json(options.out, what | {"pair": name, "margin": margin})


if __name__ == "__main__":
    main()
