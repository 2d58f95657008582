"""What does each lever change? Variants of the filter, on seeds for choosing.

    python benchmarks/bench_variants.py --data digits --n-sets 10 --out variants.jsonl
    python benchmarks/bench_variants.py --summary variants.jsonl --rst doc/variants.inc

The sets are the first attacked ones of the list `tune` of bench_quality.py on which the
undefended model learns the trigger. Variants of the printed procedure change one
parameter of it, or how its votes are counted, before self-training; those of the
default leave out one of its two ways to a verdict. One line of JSON for each set and
variant: poisoned rows left, and the share of clean rows kept. A run that is cut off
goes on where it stopped.
"""

import argparse

import numpy as np
import torch

from _common import append_json, parse_with_results, read_json, timed
from bench_quality import DATA, LISTS, draw, percent, poison, train_and_measure
from render_tables import show_table
from scenarios import load_split
from sklearn_ispl import ISPLFilter
from sklearn_ispl._rules import contrast, out_of_bag_agreement

# How much more of one side than of the other has to agree to a label: the bound of the
# first experiments, by eye.
CONTRAST = 0.55
HEADER = ["data", "variant", "none left", "poisoned rows left"]
HEADER += ["clean rows kept, median", "least", "seconds, median"]


def filtered(X, y, seed, **params):
    """Return the rows that a filter with some parameters keeps."""
    return ISPLFilter(random_state=seed, **params).fit(X, y).support_


def twice(X, y, seed, **params):
    """Return the rows that a filter keeps of those that it keeps."""
    support = filtered(X, y, seed, **params)
    support[support] = filtered(X[support], y[support], seed, **params)
    return support


def voted(X, y, seed, rule, **params):
    """Return the rows that a rule keeps by the votes of the printed procedure."""
    ispl = ISPLFilter(method="paper", self_training=False, random_state=seed, **params)
    return rule(ispl.fit(X, y), ispl.predictions_ == y, y)


def modal_vote(ispl, hits, y):
    return ispl.support_


def out_of_bag_majority(ispl, hits, y):
    return out_of_bag_agreement(hits, ispl.components_) > 0.5


def vote_and_contrast(ispl, hits, y):
    support = ispl.support_.copy()
    for code in np.unique(y):
        rows = np.flatnonzero(y == code)
        support[rows] &= contrast(hits[:, rows]) <= CONTRAST
    return support


PAPER = {"method": "paper"}
VARIANTS = {
    "paper": (filtered, PAPER),
    "beta 1/16": (filtered, PAPER | {"beta": 1 / 16}),
    "beta 1/32": (filtered, PAPER | {"beta": 1 / 32}),
    "alpha 1/16": (filtered, PAPER | {"alpha": 1 / 16}),
    "1 epoch": (filtered, PAPER | {"n_epochs": 1}),
    "8 epochs": (filtered, PAPER | {"n_epochs": 8}),
    "9 repeats": (filtered, PAPER | {"n_repeats": 9}),
    "twice": (twice, PAPER),
    "the vote alone": (voted, {"rule": modal_vote}),
    "majority out of bag": (voted, {"rule": out_of_bag_majority}),
    "vote and contrast": (voted, {"rule": vote_and_contrast}),
    "paper-2023": (filtered, {"method": "paper-2023"}),
    "core": (filtered, {}),
}


def sets(options):
    """Yield what the first sets that count are drawn as, and what a defence sees."""
    n_left = options.n_sets
    for seed in LISTS["tune"]:
        what = draw(seed)
        if n_left == 0:
            break
        if what["data"] != options.data or what["attack"] == "none":
            continue
        split = load_split(what["data"], options.n_rows, options.data_home, seed)
        X, y, poisoned, (source, target), trigger = poison(what, *split[:2])
        X_test, y_test = split[2:]
        test = X_test, trigger(X_test), y_test, int(y.max()) + 1, source, target
        _, A, _ = train_and_measure(X, y, test, seed)
        if A >= 0.5:
            n_left -= 1
            yield what, X, y, poisoned


def run(what, name, X, y, poisoned):
    """Return the line of a set and a variant."""
    variant, params = VARIANTS[name]
    support, seconds = timed(variant, X, y, what["seed"], **params)
    return {
        **what,
        "variant": name,
        "n_poisoned": int(poisoned.sum()),
        "poison_left": int((support & poisoned).sum()),
        "clean_kept": float(support[~poisoned].mean()),
        "seconds": seconds,
    }


def table(lines):
    """Return the rows of a table, a header first: what variants leave and keep."""
    rows = [HEADER]
    for data in dict.fromkeys(line["data"] for line in lines):
        for name in VARIANTS:
            found = [
                line
                for line in lines
                if line["data"] == data and line["variant"] == name
            ]
            if found:
                rows.append([data, name, *_scores(found)])
    return rows


def _scores(lines):
    left = np.array([line["poison_left"] for line in lines])
    kept = [line["clean_kept"] for line in lines]
    return [
        f"{np.sum(left == 0)} of {len(left)}",
        f"{left.sum()} of {sum(line['n_poisoned'] for line in lines)}",
        percent(np.median(kept)),
        percent(min(kept)),
        f"{np.median([line['seconds'] for line in lines]):.0f}",
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="digits", choices=DATA)
    parser.add_argument("--n-sets", type=int, default=10)
    parser.add_argument("--variants", nargs="+", default=VARIANTS, choices=VARIANTS)
    parser.add_argument("--rst", help="with --summary: write tables of it")
    options, path = parse_with_results(parser)
    if not options.summary:
        torch.set_num_threads(1)
        done = {(line["seed"], line["variant"]) for line in read_json(path)}
        for what, *arrays in sets(options):
            for name in options.variants:
                if (what["seed"], name) not in done:
                    append_json(path, run(what, name, *arrays))
    rows = table(read_json(path))
    show_table("Poisoned rows left, and clean rows kept, by variant", rows, options.rst)


if __name__ == "__main__":
    main()
