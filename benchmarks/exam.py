"""The exam: the field's attacks, on every data set, for any method and any rival.

    python benchmarks/exam.py --list tune --out tune.jsonl --methods core flare
    python benchmarks/exam.py --render report.jsonl --rst doc/exam.inc

A scenario is a data set, an attack, a rate and a seed; all else is drawn from these.
Scenarios of the list `tune` are for choosing. Those of `validation` were run with every
form of the default, to see how far the choices on `tune` carry. Those of `report` have
more rows and are run once, with the form that is released. For each scenario the final
model is trained on all rows, on the rows without the poison, and on what each of our
methods keeps. Every line of JSON names the version of the code. A run that was cut off
goes on. A scenario whose undefended A is under 50 % tests no defence; it is written and
left out of the counts.
"""

import argparse
import json
import subprocess
import warnings
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from _common import append_json, read_json, timed
from attacks import ATTACKS, KNOW_OTHER, UNSEEN, make_attack
from defences import DEFENCES, OURS
from scenarios import final_model, load_split
from sklearn_ispl.modules import MLP, ConvNet
from tables import TABLES, load_table

DATA = ["digits", "fashion-mnist", "gtsrb", "cifar10"]
# Rows of each data set: what two cores can do in one hour, and in several.
SMALL = {"digits": None, "fashion-mnist": 3000, "gtsrb": 4000, "cifar10": 3000}
LARGE = {**dict.fromkeys(DATA, 10_000), "digits": None}
N_ROWS = {"tune": SMALL, "validation": SMALL, "report": LARGE}
N_TEST = 2000
FIRST_SEED = {"tune": 0, "validation": 20_000, "report": 40_000}
# Attacks that came after the lists were drawn: all other sets stay as they are.
LATER = {"blend, one class", "features", "quantisation, plain", "narcissus"}
# Of the attack on features; all others are on images.
ATTACKED_TABLES = [
    "digits as a table", "synthetic, 5 classes, 2% flipped",
    "synthetic, 20 classes, 2% flipped", "breast cancer",
]  # fmt: skip
# Small images have no room for these; and no other data are like digits.
NOT_DIGITS = {"patches in turn", "frequency", "photograph", "pixels in turn"}
NOT_DIGITS |= KNOW_OTHER
# The other data of an attacker who knows some, and how many rows.
OTHER = {"fashion-mnist": "gtsrb", "gtsrb": "cifar10", "cifar10": "gtsrb"}
N_OTHER = 3000
N_CLEAN = {"tune": 1, "validation": 3, "report": 3}
# Sets of each attack.
N_SETS = {"tune": 2, "validation": 3, "report": 3}


class Scenario(NamedTuple):
    """One set: data, attack, rate and seed."""

    data: str
    attack: str
    rate: float
    seed: int


def scenarios(name):
    """Return the scenarios of a list, in an order that mixes data sets and attacks."""
    found = [one for one in _attacked(name) if one[1] not in LATER]
    found += [(d, "none", 0.0) for d in DATA for _ in range(N_CLEAN[name])]
    order = np.random.RandomState(0).permutation(len(found))
    # Tables, and what came after them, are last, on seeds of their own.
    tables = [(table, "none", 0.0) for table in TABLES]
    later = [one for one in _attacked(name) if one[1] in LATER]
    blocks = [[found[nth] for nth in order], tables, later]
    return [
        Scenario(*one, FIRST_SEED[name] + 1000 * block + number)
        for block, ones in enumerate(blocks)
        for number, one in enumerate(ones)
    ]


def _attacked(name):
    """Yield data, attack and rate of the attacked sets of a list."""
    for nth_attack, (attack, (_, rates)) in enumerate(ATTACKS.items()):
        if attack == "none" or (name == "tune" and attack in UNSEEN):
            continue
        attacked = ATTACKED_TABLES if attack == "features" else DATA
        data = [d for d in attacked if d != "digits" or attack not in NOT_DIGITS]
        for nth in range(max(N_SETS[name], len(rates))):
            yield data[(nth + nth_attack) % len(data)], attack, rates[nth % len(rates)]


def run(scenario, methods, known, data_home, name="tune"):
    """Yield a line for each method that is missing; the undefended model's first."""
    X_clean, y_clean, X_test, y_test = load(
        scenario.data, scenario.seed, data_home, name
    )
    options = {}
    if scenario.attack in KNOW_OTHER:
        options["other"] = other_images(scenario.data, X_clean.shape[1:], data_home)
    attack = make_attack(
        scenario.attack, X_clean, y_clean, scenario.rate, scenario.seed, **options
    )
    tests = X_test, y_test, attack.victims
    what = {**scenario._asdict(), "n": len(attack.y), "version": version()}
    what["n_poisoned"] = int(attack.poisoned.sum())
    what["targets"] = sorted({int(to) for _, _, to in attack.victims})
    model, training = timed(train, attack.X, attack.y, scenario.seed)
    first = known.get("undefended")
    if first is None:
        first = {**what, "method": "undefended", "seconds": training}
        first["C"], first["A"] = measure(model, *tests)
        clean = train(
            X_clean[~attack.poisoned], y_clean[~attack.poisoned], scenario.seed
        )
        first["C_clean"], first["A_clean"] = measure(clean, *tests)
        yield first
    if attack.victims and first["A"] < 0.5:
        return
    for method in methods:
        if method in known:
            continue
        # Of its own, so that what a method draws does not hang on the others.
        rng = np.random.RandomState([scenario.seed, *method.encode()])
        verdict, seconds = timed(
            DEFENCES[method], model, attack.X, attack.y, attack.poisoned, rng
        )
        scored = score(verdict, attack, scenario.seed, tests, method in OURS)
        line = {**what, "method": method, **scored, "seconds": seconds}
        # Seconds of one run and of another are not to be compared.
        yield {**line, "training": training}


def score(verdict, attack, seed, tests, final):
    """Return what a verdict leaves and loses, and the model trained on it."""
    kept, poisoned = np.asarray(verdict.support, dtype=bool), attack.poisoned
    result = {
        "left": int((kept & poisoned).sum()),
        "tpr": float((~kept[poisoned]).mean()) if poisoned.any() else None,
        "fpr": float((~kept[~poisoned]).mean()),
        "named": verdict.named,
        "warned": verdict.warned,
    }
    if verdict.suspicion is not None and poisoned.any():
        result["tpr_at_1"] = _tpr_at(verdict.suspicion, poisoned, 0.01)
    if final:
        model = train(attack.X[kept], attack.y[kept], seed)
        result["C"], result["A"] = measure(model, *tests)
    return result


def _tpr_at(suspicion, poisoned, fpr):
    """Return the true positive rate where so many clean rows are rejected."""
    limit = np.quantile(suspicion[~poisoned], 1 - fpr)
    return float((suspicion[poisoned] > limit).mean())


@lru_cache(maxsize=1)
def load(data, seed, data_home, name="tune"):
    """Return clean training rows and labels of a list, and those of the test."""
    if data in TABLES:
        return load_table(data, seed)
    X, y, X_test, y_test = load_split(data, N_ROWS[name][data], data_home, seed)
    rows = np.random.RandomState(seed).permutation(len(X_test))[:N_TEST]
    return X, y, X_test[rows], y_test[rows]


def other_images(data, shape, data_home):
    """Return images and labels of other data, as large as those of a data set."""
    n_channels, height, width = shape
    X, y, _, _ = load_split(OTHER[data], N_OTHER, data_home, 0)
    if n_channels == 1:
        X = X.mean(axis=1, keepdims=True)
    top, left = (X.shape[2] - height) // 2, (X.shape[3] - width) // 2
    return X[:, :, top : top + height, left : left + width], y


def train(X, y, seed):
    """Return the final model, which is also the model that rivals look into."""
    small = len(X) < 2000
    settings = {
        "module": MLP if X.ndim == 2 else ConvNet,
        "module__width": 64 if X.ndim == 2 else 16,
        "lr": 0.05,
        "batch_size": 16 if small else 32,
        "max_epochs": 30 if small else 15,
    }
    n_classes = int(y.max()) + 1
    return final_model(X, n_classes, seed, settings).fit(X, y)


def measure(model, X_test, y_test, victims):
    """Return C, and A: triggered images of the source classes taken for the target.

    Of several attackers the one who succeeds most.
    """
    C = float(np.mean(model.predict(X_test) == y_test))
    if not victims:
        return C, None
    hits = [
        (model.predict(trigger(X_test[rows])) == target)
        for trigger, rows, target in _victims(victims, y_test)
    ]
    if len(hits) > 2:  # all to the next: one attack on every class
        return C, float(np.mean(np.concatenate(hits)))
    return C, max(float(np.mean(of_one)) for of_one in hits)


def _victims(victims, y_test):
    for trigger, sources, target in victims:
        of_source = np.isin(y_test, sources) & (y_test != target)
        if of_source.any():
            yield trigger, of_source, target


@cache
def version():
    """Return the commit, with a plus where code was changed since."""
    here = Path(__file__).parent

    def git(*args):
        call = subprocess.run(["git", *args], cwd=here, capture_output=True, text=True)
        return call.stdout.strip()

    changed = git("status", "--porcelain", "--", "../sklearn_ispl", "*.py")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def run_list(options):
    """Run what is missing of a list."""
    for number, scenario in enumerate(scenarios(options.list)):
        if number % options.parts != options.part:
            continue
        if options.data and scenario.data not in options.data:
            continue
        if options.attacks and scenario.attack not in options.attacks:
            continue
        # Read anew: other processes may write to the same file.
        mine = [r for r in read_json(options.out) if key_of(r) == scenario]
        known = {r["method"]: r for r in mine}
        first = known.get("undefended")
        weak = first and first["A"] is not None and first["A"] < 0.5
        if weak or (first and set(options.methods) <= set(known)):
            continue
        for line in run(
            scenario, options.methods, known, options.data_home, options.list
        ):
            append_json(options.out, line)
            print(json.dumps(line), flush=True)


def key_of(line):
    """Return the scenario of a line."""
    return Scenario(*(line[name] for name in Scenario._fields))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", choices=FIRST_SEED, default="tune")
    parser.add_argument("--methods", nargs="*", default=["core"], choices=DEFENCES)
    parser.add_argument("--data", nargs="*", choices=[*DATA, *TABLES])
    parser.add_argument("--attacks", nargs="*", choices=ATTACKS)
    parser.add_argument("--data-home")
    parser.add_argument("--out", help="JSON lines, appended to")
    parser.add_argument("--part", type=int, default=0, help="of --parts, side by side")
    parser.add_argument("--parts", type=int, default=1)
    parser.add_argument("--render", nargs="+", help="print the table of these files")
    parser.add_argument("--rst", help="with --render: write the tables here")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.render:
        from render_exam import render

        render([r for path in options.render for r in read_json(path)], options.rst)
    elif options.out:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run_list(options)
    else:
        parser.error("give --out, or --render")


if __name__ == "__main__":
    main()
