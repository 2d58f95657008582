"""Time and peak memory of a fit as the rows grow.

    python benchmarks/bench_growth.py --data digits fashion-mnist --out growth.jsonl
    python benchmarks/bench_growth.py --data fashion-mnist --n-rows 60000
    python benchmarks/bench_growth.py --plot doc/images/growth.svg --out growth.jsonl

Rows are drawn from the data set, with replacement where it has fewer. The schedule is
shortened (one repeat of four components, one epoch), since only growth is of interest;
every phase takes place. Each fit runs in a fresh process, with one thread. Peak memory
is the resident size of that process at its largest during the fit, interpreter and
libraries and X included; it is read from /proc, so this runs on Linux only.
"""

import argparse
import json
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from _common import DATA, append_json, load_rows
from sklearn_ispl import ISPLFilter

SHORT = {
    "n_repeats": 1,
    "n_epochs": 1,
    "beta": 1 / 4,
    "n_iter": 2,
    "self_training_epochs": 1,
    "random_state": 0,
}


def resident(field):
    """Return a field of this process's memory status in MB."""
    status = Path("/proc/self/status").read_text()
    (line,) = (row for row in status.splitlines() if row.startswith(field))
    return int(line.split()[1]) / 1024


def draw(name, n_rows, data_home):
    """Draw rows, without a second copy left behind."""
    X, y = load_rows(name, data_home=data_home)
    rows = np.random.RandomState(0).choice(len(X), n_rows, replace=n_rows > len(X))
    return X[rows], y[rows]


def measure(name, n_rows, data_home):
    """Fit once in this process; return seconds and memory."""
    X, y = draw(name, n_rows, data_home)
    ISPLFilter(**SHORT).fit(X[:500], y[:500])  # imports and pools of memory
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
    start = time.perf_counter()
    ISPLFilter(**SHORT).fit(X, y)
    return {
        "data": name,
        "n": n_rows,
        "seconds": time.perf_counter() - start,
        "X_mb": X.nbytes / 2**20,
        "before_mb": before,
        "peak_mb": resident("VmHWM"),
    }


def plot(records, path):
    """Draw seconds and memory over rows, both axes logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name in sorted({record["data"] for record in records}):
        rows = sorted((r for r in records if r["data"] == name), key=lambda r: r["n"])
        n = np.array([row["n"] for row in rows])
        left.plot(n, [row["seconds"] for row in rows], "o-", label=name)
        (line,) = right.plot(n, [row["peak_mb"] for row in rows], "o-", label=name)
        right.plot(n, [row["X_mb"] for row in rows], ":", color=line.get_color())
    left.plot(n, n * rows[-1]["seconds"] / n[-1], "--", color="grey", label="linear")
    left.set(ylabel="seconds of a shortened fit")
    right.set(ylabel="peak memory, MB (dotted: X alone)")
    for axes in (left, right):
        axes.set(xlabel="rows", xscale="log", yscale="log")
        axes.legend()
    figure.savefig(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", default=["digits"], choices=DATA)
    parser.add_argument("--data-home")
    parser.add_argument(
        "--n-rows",
        type=int,
        nargs="+",
        default=[1_000, 3_000, 10_000, 30_000, 100_000, 300_000],
    )
    parser.add_argument("--out", default="growth.jsonl")
    parser.add_argument("--plot", help="only draw what is in --out, to this file")
    options = parser.parse_args()
    if options.plot:
        lines = Path(options.out).read_text().splitlines()
        return plot([json.loads(line) for line in lines], options.plot)
    spawn = multiprocessing.get_context("spawn")
    print("data  rows  seconds  us per row  X, MB  peak, MB  peak less X, MB")
    for name in options.data:
        for n_rows in options.n_rows:
            with ProcessPoolExecutor(1, mp_context=spawn) as pool:
                found = pool.submit(measure, name, n_rows, options.data_home).result()
            append_json(options.out, found)
            print(
                "{data}  {n}  {seconds:.2f}  {0:.0f}  {X_mb:.0f}  {peak_mb:.0f}  "
                "{1:.0f}".format(
                    found["seconds"] / n_rows * 1e6,
                    found["peak_mb"] - found["X_mb"],
                    **found,
                ),
                flush=True,
            )


if __name__ == "__main__":
    main()
