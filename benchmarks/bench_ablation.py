"""What is lost where a proposer, or one of the tests, is taken out of the default?

    python benchmarks/bench_ablation.py --data-home DIR --out ablation.jsonl
    python benchmarks/bench_ablation.py --summary ablation.jsonl

Scenarios are those of the list `tune` of exam.py, attacked and clean. Each set is
fitted once. Then the rule decides anew with the same models and the same components,
but without one part: a proposer, the models of other rows (to which all labels are as
likely then), the search for triggers, or one of the ways in which it searches. A run
that is cut off goes on; `--part 0 --parts 2` and `--part 1 --parts 2` share the work.
"""

import argparse
from contextlib import ExitStack
from unittest.mock import patch

import numpy as np
import torch

from _common import append_json, parse_with_results, read_json
from attacks import ATTACKS, make_attack
from exam import key_of, load, measure, scenarios, train, version
from render_exam import WORKS
from sklearn_ispl import ISPLFilter
from sklearn_ispl._compatibility import doubtful_groups
from sklearn_ispl.detectors import _trigger_search
from sklearn_ispl.detectors._proposers import PROPOSERS
from sklearn_ispl.rules import _core
from sklearn_ispl.rules._core import find_poison

WHOLE = "all of it"
RATE = ISPLFilter().false_alarm_rate
# The ways in which triggers are searched, by the functions that do so.
SEARCHES = {
    "windows": "candidates",
    "shared values": "shared_values",
    "patterns": "pattern_groups",
}
PARTS = [WHOLE, *PROPOSERS, "teaching", *SEARCHES, "triggers"]


def searched(*args):
    """Return what `find_triggers` finds with all searches, and without each of them.

    What does not change is searched for once.
    """
    known = {}

    def once(name, function):
        def answer(subject, *args, **settings):
            # Small clusters are asked of the features of a class, all else of its test.
            what = bytes(subject) if name == "small_clusters" else subject.code
            if (name, what) not in known:
                known[name, what] = [*function(subject, *args, **settings)]
            return known[name, what]

        return answer

    found = {}
    names = ["small_clusters", *SEARCHES.values()]
    functions = {name: once(name, getattr(_trigger_search, name)) for name in names}
    for part in [WHOLE, *SEARCHES]:
        with ExitStack() as stack:
            for name, function in functions.items():
                out = name == SEARCHES.get(part)
                function = (lambda *_, **__: []) if out else function
                stack.enter_context(patch.object(_trigger_search, name, function))
            found[part] = _trigger_search.find_triggers(*args)
    return found


def decide_without(part, by_part, models, taught, components, codes, seed, rate):
    """Return the finding of the default without one of its parts."""
    found = by_part.get(part, by_part[WHOLE])
    if part == "teaching":
        taught = np.ones(len(codes))
    if part == "triggers":
        found = []
    proposers = {name: one for name, one in PROPOSERS.items() if name != part}
    rng = np.random.RandomState(seed)
    with patch("sklearn_ispl.detectors._proposers.PROPOSERS", proposers):
        return find_poison(found, models, taught, components, codes, rng, rate)


def findings(X, y, seed):
    """Return what the default finds, whole and without each part."""
    by_part, found = {}, {}

    def search(*args):
        by_part.update(searched(*args))
        return by_part[WHOLE]

    def decide(_, models, taught, components, codes, rng, rate):
        for part in PARTS:
            found[part] = decide_without(
                part, by_part, models, taught, components, codes, seed, rate
            )
        return found[WHOLE]

    ours = {"find_triggers": search, "find_poison": decide}
    with patch.multiple(_core, **ours):
        ISPLFilter(random_state=seed, device="cpu").fit(X, y)
    return found


def run(scenario, data_home):
    """Yield the line of each part that is taken out."""
    X, y, X_test, y_test = load(scenario.data, scenario.seed, data_home)
    attack = make_attack(scenario.attack, X, y, scenario.rate, scenario.seed)
    poisoned, A = attack.poisoned, None
    if attack.victims:
        model = train(attack.X, attack.y, scenario.seed)
        _, A = measure(model, X_test, y_test, attack.victims)
    what = {**scenario._asdict(), "version": version(), "A": A}
    what["n_poisoned"] = int(poisoned.sum())
    for part, found in findings(attack.X, attack.y, scenario.seed).items():
        left = int((found.support & poisoned).sum())
        fpr = float((~found.support[~poisoned]).mean())
        weak = [int(one.label) for one in doubtful_groups(found.evidence, RATE)]
        yield {
            **what, "without": part, "left": left, "fpr": fpr,
            "named": found.poisoned.tolist(), "weak": weak,
            "unlearned": found.unlearned.tolist(),
        }  # fmt: skip


def spoke(line):
    """Whether a class was named, had weak evidence, or was called unlearned."""
    return any(line[name] for name in ("named", "weak", "unlearned"))


def sayings(lines):
    """Yield lines of text: how often the whole default says something, by outcome."""
    whole = [r for r in lines if r["without"] == WHOLE]
    attacked = [r for r in whole if r["A"] is not None and r["A"] >= WORKS]
    outcomes = {
        "some poison left": [r for r in attacked if r["left"]],
        "more than half left": [r for r in attacked if r["left"] > r["n_poisoned"] / 2],
        "clean": [r for r in whole if r["A"] is None],
    }
    for outcome, mine in outcomes.items():
        yield f"{outcome}: something said in {sum(map(spoke, mine))} of {len(mine)}"


def summary(lines):
    """Yield a line of text for each part: what holds without it."""
    for part in PARTS:
        mine = [r for r in lines if r["without"] == part]
        attacked = [r for r in mine if r["A"] is not None and r["A"] >= WORKS]
        clean = [r for r in mine if r["A"] is None]
        left = [r["left"] / r["n_poisoned"] for r in attacked]
        found, half = sum(x <= 0.01 for x in left), sum(x > 0.5 for x in left)
        lost = [r["fpr"] for r in attacked] or [np.nan]
        whole = sum(r["fpr"] == 0 for r in clean)
        without = "" if part == WHOLE else "without "
        silent = sum(x > 0 and not spoke(r) for x, r in zip(left, attacked))
        yield (
            f"{without}{part}: 99 % found in {found} of {len(attacked)}, more than "
            f"half left in {half}, some left and nothing said in {silent}, "
            f"{100 * np.mean(lost):.2f} % of the clean rows lost, {whole} of "
            f"{len(clean)} clean sets lose nothing"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", type=int, default=0, help="of --parts, side by side")
    parser.add_argument("--parts", type=int, default=1)
    parser.add_argument("--attacks", nargs="*", choices=ATTACKS, default=ATTACKS)
    options, path = parse_with_results(parser)
    torch.set_num_threads(1)
    mine = [one for one in scenarios("tune") if one.attack in options.attacks]
    mine = mine[options.part :: options.parts]
    for scenario in [] if options.summary else mine:
        # Read anew: other processes may write to the same file.
        if not any(key_of(line) == scenario for line in read_json(path)):
            for line in run(scenario, options.data_home):
                append_json(path, line)
    found = read_json(path)
    print("\n".join([*summary(found), *sayings(found)]))


if __name__ == "__main__":
    main()
