"""Does the published procedure do what it says, at the size at which it says it?

    python benchmarks/paper_scale.py --data gtsrb --out scale.jsonl --data-home DIR
    python benchmarks/paper_scale.py --summary scale.jsonl --rst doc/paper_scale.inc

All training rows of a data set, with a patch on a share of one class: pairs of classes,
shares and seeds. For each, `method="paper"` with its defaults: how the poison spreads
over the components, what the vote leaves of it, and what self-training adds; and the
final model on all rows, on those that are kept, and on the clean ones. One line of
JSON for each; a run that was cut off goes on where it stopped.
"""

import argparse
import itertools

import numpy as np
import torch
from _common import append_json, read_json, timed
from exam import train, version
from render_tables import show_table
from scenarios import load_split, measure

from sklearn_ispl import ISPLFilter
from sklearn_ispl.datasets import make_dirty_label_backdoor

# Source and target.
PAIRS = {
    "digits": [(7, 4)],
    "fashion-mnist": [(3, 8), (0, 6)],
    "gtsrb": [(1, 2), (12, 13)],
    "cifar10": [(0, 2), (4, 7)],
}
HEADER = ["data", "pair", "rate, %", "rows", "seeds", "in two of eight components, %"]
HEADER += ["left by the vote", "left in the end", "clean rows kept, %"]
HEADER += ["A undefended", "A", "A clean", "C", "C clean"]


def run(data, pair, rate, seed, options):
    """Return the line of a set."""
    X, y, X_test, y_test = load_split(data, options.n_rows, options.data_home, seed)
    source, target = pair
    X_clean, y_clean = X, y
    X, y, poisoned, trigger = make_dirty_label_backdoor(
        X, y, source=source, target=target, poison_rate=rate, trigger="patch",
        random_state=seed,
    )  # fmt: skip
    ispl, seconds = timed(ISPLFilter(method="paper", random_state=seed).fit, X, y)
    line = {"data": data, "pair": pair, "rate": rate, "seed": seed}
    line |= {"version": version(), "n": len(y), "n_poisoned": int(poisoned.sum())}
    line |= {"seconds": seconds}
    line["spread"] = [np.bincount(one[poisoned]).tolist() for one in ispl.components_]
    for stage, support in [("vote", ispl.vote_support_), ("end", ispl.support_)]:
        line[f"left_{stage}"] = int((support & poisoned).sum())
        line[f"clean_{stage}"] = float(support[~poisoned].mean())
    kept = ispl.support_
    for name, rows in {
        "none": (X, y),
        "kept": (X[kept], y[kept]),
        "clean": (X_clean[~poisoned], y_clean[~poisoned]),
    }.items():
        model = train(*rows, seed)
        line[f"C_{name}"], line[f"A_{name}"] = measure(
            model, X_test, y_test, source, target, trigger
        )
    return line


def _set_of(line):
    return line["data"], tuple(line["pair"]), line["rate"]


def rows_of(lines):
    """Return the rows of a table, a header first: medians over seeds."""
    rows = [HEADER]
    for data, pair, rate in dict.fromkeys(map(_set_of, lines)):
        mine = [r for r in lines if _set_of(r) == (data, pair, rate)]

        def median(name, scale=1.0, mine=mine):
            return f"{scale * np.median([r[name] for r in mine]):.3g}"

        top = [sum(sorted(one)[-2:]) / r["n_poisoned"] for r in mine
               for one in r["spread"]]  # fmt: skip
        n_poisoned = round(np.median([r["n_poisoned"] for r in mine]))
        rows.append([
            data, f"{pair[0]} to {pair[1]}", f"{100 * rate:g}",
            str(mine[0]["n"]), str(len(mine)),
            f"{100 * np.median(top):.0f}",
            *(f"{median(name)} of {n_poisoned}" for name in ("left_vote", "left_end")),
            median("clean_end", 100),
            *(median(f"A_{name}", 100) for name in ("none", "kept", "clean")),
            *(median(f"C_{name}", 100) for name in ("kept", "clean")),
        ])  # fmt: skip
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", choices=PAIRS, default=list(PAIRS)[1:])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rates", type=float, nargs="+", default=[0.1])
    parser.add_argument("--n-pairs", type=int, default=2)
    parser.add_argument("--n-rows", type=int, help="of the data set; all of them")
    parser.add_argument("--data-home")
    parser.add_argument("--out", help="JSON lines, appended to")
    parser.add_argument("--summary", help="only print what is in this file")
    parser.add_argument("--rst", help="write the table here, too")
    options = parser.parse_args()
    path = options.summary or options.out
    if not path:
        parser.error("give --out, or --summary")
    torch.set_num_threads(1)
    if not options.summary:
        for nth, rate, seed, data in itertools.product(
            range(options.n_pairs), options.rates, options.seeds, options.data
        ):
            if nth < len(PAIRS[data]):
                _go_on(path, data, PAIRS[data][nth], rate, seed, options)
    show_table("Medians over seeds", rows_of(read_json(path)), options.rst)


def _go_on(path, data, pair, rate, seed, options):
    done = {(*_set_of(r), r["seed"]) for r in read_json(path)}
    if (data, pair, rate, seed) not in done:
        append_json(path, run(data, pair, rate, seed, options))


if __name__ == "__main__":
    main()
