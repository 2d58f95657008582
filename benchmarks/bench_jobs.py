"""How much faster two processes are than one.

    python benchmarks/bench_jobs.py --data fashion-mnist --n-rows 10000

Fits the same filter with n_jobs=1 and with --n-jobs alternately, checks that the
supports are identical, and prints the ratio of the seconds of each pair. The pool of
processes is warm: starting it, which imports torch in every process, is timed apart.
"""

import argparse

import numpy as np

from _common import DATA, append_json, load_rows, spread, timed
from sklearn_ispl import ISPLFilter


def timed_fit(X, y, **settings):
    """Return the support and the seconds of a fit."""
    ispl, seconds = timed(ISPLFilter(**settings).fit, X, y)
    return ispl.get_support(), seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="digits-images", choices=DATA)
    parser.add_argument("--data-home")
    parser.add_argument("--n-rows", type=int, default=10_000)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", help="file of JSON lines to append to")
    options = parser.parse_args()
    X, y = load_rows(options.data, options.n_rows, options.data_home)

    quick = {"n_repeats": options.n_jobs, "self_training_epochs": 1, "beta": 1}
    for state in ("cold", "warm"):
        seconds = timed_fit(X[:200], y[:200], n_jobs=options.n_jobs, **quick)[1]
        print(f"tiny fit, {state} pool: {seconds:.2f} s", flush=True)

    ratios = []
    for seed in range(options.repeats):
        alone, slow = timed_fit(X, y, n_jobs=1, random_state=seed)
        shared, fast = timed_fit(X, y, n_jobs=options.n_jobs, random_state=seed)
        np.testing.assert_array_equal(alone, shared)
        ratios.append(slow / fast)
        record = {"data": options.data, "n": len(X), "seed": seed, "one": slow}
        print(f"{slow:.1f} s / {fast:.1f} s = {ratios[-1]:.2f}", flush=True)
        if options.out:
            append_json(options.out, record | {"n_jobs": options.n_jobs, "many": fast})
    print(f"n_jobs=1 over n_jobs={options.n_jobs}: {spread(ratios)}, same support")


if __name__ == "__main__":
    main()
