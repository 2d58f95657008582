"""What does an attacker reach who knows how the default decides?

    python benchmarks/bench_adaptive.py --data-home DIR --out adaptive.jsonl
    python benchmarks/bench_adaptive.py --summary adaptive.jsonl --rst doc/adaptive.inc

The trigger is a smooth pattern over the image, which has no pixels to be proved. Every
row of the table but the first changes one thing that the rule relies on: the share of
the class, the number of rows, the number of classes that the poison comes from, clean
labels on other rows with the trigger, how much of the trigger is learned from a few
rows, how far poisoned rows lie from clean ones, and how many classes are attacked.
Seeds are in no list of the exam.
"""

import argparse
from functools import partial

import numpy as np
import torch

from _common import append_json, parse_with_results, read_json, timed
from attacks import Attack, all_to_all, common, dirty
from defences import DEFENCES
from exam import load, measure, score, train, version
from render_exam import OUTCOME, outcome
from render_tables import show_table
from sklearn_ispl.datasets import make_adaptive_backdoor

FIRST_SEED, N_SEEDS = 30_000, 2


def _hidden(X, y, target, rate, rng, **options):
    """Poison that a discriminator of latent features takes for clean rows."""
    X, y, poisoned, trigger = make_adaptive_backdoor(
        X, y, target=target, poison_rate=rate, random_state=rng, **options
    )
    others = np.setdiff1d(np.unique(y), [target])
    return Attack(X, y, poisoned, np.zeros_like(poisoned), [(trigger, others, target)])


smooth = partial(dirty, trigger="smooth")
# What is changed, and for each of its values the attack and its rate.
CHANGES = {
    "nothing": {"": (smooth, 0.05)},
    "rate, of all rows": {
        f"{100 * rate:g} %": (smooth, rate) for rate in (0.0025, 0.005, 0.01, 0.1, 0.2)
    },
    "poison comes from": {"one class": (partial(smooth, one_source=True), 0.05)},
    "covers": {
        f"{n} to each poisoned row": (partial(smooth, covers=n), 0.05) for n in (1, 3)
    },
    "strength of the trigger": {
        f"{amplitude:g}": (partial(smooth, amplitude=amplitude), 0.05)
        for amplitude in (0.06, 0.1)
    },
    "poison hides among clean rows": {"a patch": (_hidden, 0.2)},
    "classes attacked": {"all": (partial(all_to_all, trigger="smooth"), 0.1)},
}


def attacks():
    """Yield what is changed, its value, a seed and the attack."""
    for change, values in CHANGES.items():
        for value, attack in values.items():
            for seed in range(FIRST_SEED, FIRST_SEED + N_SEEDS):
                yield change, value, seed, attack


def run(change, value, seed, attack, data_home):
    """Return the line of an attack."""
    recipe, rate = attack
    X, y, X_test, y_test = load("fashion-mnist", seed, data_home)
    rng = np.random.RandomState(seed)
    attack = recipe(X, y, common(y, np.unique(y), rng), rate, rng)
    tests = X_test, y_test, attack.victims
    undefended = train(attack.X, attack.y, seed)
    found, seconds = timed(
        DEFENCES["core"], undefended, attack.X, attack.y, attack.poisoned, rng
    )
    return {
        "change": change, "value": value, "seed": seed, "version": version(),
        "A_undefended": measure(undefended, *tests)[1],
        "n_poisoned": int(attack.poisoned.sum()),
        "targets": sorted({int(to) for _, _, to in attack.victims}),
        **score(found, attack, seed, tests, final=True), "seconds": seconds,
    }  # fmt: skip


def table(lines):
    """Return the rows of a table, a header first."""
    rows = [["what is changed", "", "seed", *OUTCOME]]
    for line in lines:
        what = line["change"], line["value"], str(line["seed"])
        rows.append([*what, *outcome(line, line["A_undefended"])])
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rst", help="with --summary: write the table here")
    options, path = parse_with_results(parser)
    torch.set_num_threads(1)
    done = {(r["change"], r["value"], r["seed"]) for r in read_json(path)}
    for change, value, seed, attack in [] if options.summary else attacks():
        if (change, value, seed) not in done:
            line = run(change, value, seed, attack, options.data_home)
            append_json(path, line)
    title = "What an attacker reaches who knows the rule"
    show_table(title, table(read_json(path)), options.rst)


if __name__ == "__main__":
    main()
