"""What each step of the search for marks is worth, on seeds for choosing.

    python benchmarks/bench_marks.py --seeds 1 20 31 --out marks.jsonl --data-home DIR
    python benchmarks/bench_marks.py --summary marks.jsonl --rst doc/marks.inc

Scenarios are those of the list `tune` of bench_quality.py. A model of all rows is
trained for 20 epochs, searched, and trained for 20 more. Six rules reject rows:

- windows: those for which one of the best windows is necessary and sufficient;
- grown: those, and what is like them in the features of the model;
- pixels: those that have the pixels that the first have in common;
- painted: the same, if these pixels, with all others that these rows share, turn images
  of other classes. This is the rule of ISPLFilter for marks in a window that are the
  same in all rows;
- moved: those that have such pixels and others like them, if what lies around does.
  This is its rule for marks that are moved, which --change makes, as it does patterns;
- patterns: those that share a pattern, its rule for marks all over the image.

Marks that vary in other ways, and those that clusters share, are not looked for here.

One line of JSON for each seed and number of epochs: poisoned rows left and honest rows
lost, and what the pixels turn, by whether most rows that have them are poisoned.
"""

import argparse
import json
from functools import partial

import numpy as np
import torch

from _common import append_json, parse_with_results, read_json
from bench_quality import attack_of, draw, percent, poison
from render_tables import show_table
from scenarios import load_split
from sklearn_ispl import _marks
from sklearn_ispl._groups import expand, small_clusters
from sklearn_ispl._patterns import class_means, pattern_groups, spread_of_values
from sklearn_ispl._settings import one_thread
from sklearn_ispl._weak_learner import make_learner

RULES = ["windows", "grown", "pixels", "painted", "moved", "patterns"]
N_EPOCHS = 20
# What may take the place of a mark.
POISON_CHANGES = ["none", "moved", "blended", "picture"]


def searched(X, codes, predicted, features, estimator, poisoned, seed):
    """Return the rows that each rule rejects, and what pixels turn."""
    rejected = {rule: np.zeros(len(codes), dtype=bool) for rule in RULES}
    turned = {"poison": [], "honest": []}
    factor = spread_of_values(X, codes)
    means = class_means(X, codes, predicted == codes)
    for code in range(codes.max() + 1):
        test = _marks.WindowTest(X, codes, predicted, code, estimator, seed)
        groups = [*small_clusters(features[test.of_class], test.rng)]
        for rows in pattern_groups(test, groups, factor, means):
            rejected["patterns"][rows] = True
        for found in _marks.candidates(test):
            if len(found.marked) < 2:
                continue
            rejected["windows"][found.marked] = True
            group = np.isin(np.arange(len(codes)), found.marked)
            rng = np.random.RandomState(seed)
            rejected["grown"] |= expand(features, codes, group, rng)
            if len(found.alike) < _marks.MIN_ROWS:
                continue
            kind = "poison" if poisoned[found.alike].mean() > 0.5 else "honest"
            turned[kind].append(found.turned)
            rejected["pixels"][found.alike] = True
            if found.turned >= _marks.TURNED:
                rejected["painted"][found.alike] = True
            else:
                moved = _marks.moved_rows(test, found, found.alike[:0])
                rejected["moved"][moved.rows] = True
    return rejected, turned


def run(seed, options):
    """Return the lines of a seed."""
    what = draw(seed)
    X, codes, *_ = load_split(what["data"], options.n_rows, options.data_home, seed)
    X, codes, poisoned, (source, target), _ = poison(what, X, codes, options.change)
    what["change"] = options.change
    rows, lines = np.arange(len(codes)), []
    new_learner = partial(make_learner, None, X, codes, codes.max() + 1, "cpu")
    with one_thread():
        learner = new_learner()
        learner.start(seed)
        for n_epochs in (N_EPOCHS, 2 * N_EPOCHS):
            learner.train(rows, learner.epochs_for(len(rows), N_EPOCHS))
            _, predicted = learner.score(rows)
            rejected, turned = searched(
                X, codes, predicted, learner.features(rows), learner.estimator_,
                poisoned, seed,
            )  # fmt: skip
            line = {**what, "source": source, "target": target, "n_epochs": n_epochs}
            line["n_poisoned"] = int(poisoned.sum())
            line["known"] = int((predicted == codes)[poisoned].sum())
            line |= {f"turned_{kind}": shares for kind, shares in turned.items()}
            for rule, found in rejected.items():
                line[f"left_{rule}"] = int((poisoned & ~found).sum())
                line[f"lost_{rule}"] = int((found & ~poisoned).sum())
            lines.append(line)
    return lines


def table(lines):
    """Return the rows of a table, a header first."""
    header = ["seed", "data", "attack", "epochs", "poison known", *RULES]
    header += ["turned by poison", "by honest rows"]
    rows = [header]
    for line in sorted(lines, key=lambda line: (line["seed"], line["n_epochs"])):
        cells = [line["seed"], line["data"], attack_of(line), line["n_epochs"]]
        cells.append("{known} of {n_poisoned}".format(**line))
        cells += [_left_and_lost(line, rule) for rule in RULES]
        for kind in ("poison", "honest"):
            shares = line[f"turned_{kind}"]
            cells.append(", ".join(percent(share) for share in sorted(shares)))
        rows.append([str(cell) for cell in cells])
    return rows


def _left_and_lost(line, rule):
    # Lines of before there was a rule do not have it.
    if f"left_{rule}" not in line:
        return ""
    return f"{line[f'left_{rule}']}, {line[f'lost_{rule}']}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=range(24))
    parser.add_argument("--change", default="none", choices=POISON_CHANGES)
    parser.add_argument("--rst", help="with --summary: write tables of it")
    options, path = parse_with_results(parser)
    if not options.summary:
        torch.set_num_threads(1)
        known = {(line["seed"], line.get("change", "none")) for line in read_json(path)}
        for seed in options.seeds:
            done = (seed, options.change) in known
            for line in [] if done else run(seed, options):
                append_json(path, line)
                print(json.dumps(line), flush=True)
    rows = table(read_json(path))
    show_table("Poisoned rows left, and honest rows lost, by rule", rows, options.rst)


if __name__ == "__main__":
    main()
