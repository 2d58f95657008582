"""Does the defence hold? Many scenarios, each drawn by its seed alone.

    python benchmarks/bench_quality.py --list tune --out tune.jsonl --votes votes/
    python benchmarks/bench_quality.py --summary tune.jsonl

A seed draws the data set, the attack (one class, all to one, or none), the classes, the
mark, its colour and position, and the poison rate. Seeds of the list `tune` are for
choosing, those of `report` for nothing but reporting. Each scenario trains the final
model on all rows, on clean rows and on what the filter keeps, and writes one line of
JSON; a run that was cut off goes on. A scenario whose undefended A is below 50 % is no
test of a defence: it is marked, and the next seed takes its place. With --votes, every
fit's predictions and components are kept, to try other rules on.
"""

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
import torch

from _common import append_json, timed
from scenarios import SCALES, final_model, load_split
from sklearn_ispl import ISPLFilter
from sklearn_ispl.datasets import TRIGGER_SHAPES, make_dirty_label_backdoor
from sklearn_ispl.exceptions import ClassVanishedWarning
from sklearn_ispl.metrics import targeted_misclassification_rate

LISTS = {"report": range(1000, 10_000), "tune": range(1000)}
SIZES = {"report": 40, "tune": 24}
DATA = ["digits", "fashion-mnist", "gtsrb", "cifar10"]


def draw(seed):
    """Return what a seed stands for."""
    rng = np.random.RandomState(seed)
    return {
        "seed": seed,
        "data": str(rng.choice(DATA)),
        "attack": str(rng.choice(["one", "one", "one", "one", "all", "none"])),
        "trigger": str(rng.choice(sorted(TRIGGER_SHAPES))),
        "poison_rate": float(rng.choice([0.05, 0.1, 0.2])),
    }


def poison(what, X, y):
    """Return the set that a defence sees, the mask, the classes and the trigger."""
    rng = np.random.RandomState(what["seed"] + 10_000)
    source, target = rng.choice(np.unique(y), 2, replace=False).tolist()
    if what["attack"] == "none":
        return X, y, np.zeros(len(y), dtype=bool), (source, target), None
    source = None if what["attack"] == "all" else source
    X, y, poisoned, trigger = make_dirty_label_backdoor(
        X,
        y,
        source=source,
        target=target,
        poison_rate=what["poison_rate"],
        trigger=what["trigger"],
        random_state=rng,
    )
    return X, y, poisoned, (source, target), trigger


def measure(X, y, test, attack, seed):
    """Train the final model; return its C and A."""
    X_test, y_test, n_classes = test
    settings = SCALES["cpu" if len(X) > 2000 else "smoke"].net
    if len(X) <= 2000:
        settings = {**settings, "max_epochs": 30}
    model = final_model(X, n_classes, seed, settings).fit(X, y)
    C = float(np.mean(model.predict(X_test) == y_test))
    (source, target), trigger = attack
    if trigger is None:
        return C, None
    A = targeted_misclassification_rate(
        y_test, model.predict(trigger(X_test)), source=source, target=target
    )
    return C, A


def run(what, options):
    """Run one scenario; return its line, or None where the attack does not work."""
    seed = what["seed"]
    X_clean, y_clean, X_test, y_test = load_split(
        what["data"], options.n_rows, options.data_home, seed
    )
    X, y, poisoned, (source, target), trigger = poison(what, X_clean, y_clean)
    test = X_test, y_test, int(y_clean.max()) + 1
    attack = (source, target), trigger
    result = {**what, "source": source, "target": target, "n": len(y)}
    result["n_poisoned"] = int(poisoned.sum())
    result["C_none"], result["A_none"] = measure(X, y, test, attack, seed)
    if trigger is not None and result["A_none"] < 0.5:
        return {**result, "weak": True}
    ispl = ISPLFilter(method=options.method, random_state=seed, n_jobs=options.n_jobs)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ClassVanishedWarning)
        _, result["seconds"] = timed(ispl.fit, X, y)
    result["warned"] = any(w.category is ClassVanishedWarning for w in caught)
    result["flagged"] = getattr(ispl, "poisoned_classes_", np.array([])).tolist()
    for stage, support in [("vote", ispl.vote_support_), ("end", ispl.support_)]:
        result[f"poison_{stage}"] = int((support & poisoned).sum())
        result[f"clean_{stage}"] = float(support[~poisoned].mean())
    result["spread"] = [
        np.bincount(labels[poisoned], minlength=labels.max() + 1).tolist()
        for labels in ispl.components_
    ]
    kept = ispl.support_
    result["C"], result["A"] = measure(X[kept], y[kept], test, attack, seed)
    result["C_clean"], result["A_clean"] = measure(X_clean, y_clean, test, attack, seed)
    if options.votes:
        Path(options.votes).mkdir(parents=True, exist_ok=True)
        np.savez_compressed(
            Path(options.votes) / f"{options.method}-{seed}.npz",
            predictions=ispl.predictions_,
            components=ispl.components_,
            y=y,
            poisoned=poisoned,
        )
    return result


def summary(results):
    """Print the shares of scenarios that hold, the loss of C, and the worst."""
    for data in [*DATA, None]:
        chosen = [r for r in results if not r.get("weak") and data in (None, r["data"])]
        attacked = [r for r in chosen if r["A_none"] is not None]
        if not chosen:
            continue
        print(f"\n{data or 'all'}: {len(attacked)} attacked", end="")
        if attacked:
            A = np.array([r["A"] for r in attacked])
            print(f", A < 1 %: {np.mean(A < 0.01):.0%}, < 5 %: {np.mean(A < 0.05):.0%}")
        loss = [100 * (r["C_clean"] - r["C"]) for r in chosen]
        print(
            f"  loss of C: median {np.median(loss):.1f}, worst {max(loss):.1f} points"
        )
        kept = [100 * r["clean_end"] for r in chosen]
        print(
            f"  clean rows kept: median {np.median(kept):.1f} %, least {min(kept):.1f}"
        )
    attacked = [r for r in results if not r.get("weak") and r["A_none"] is not None]
    print("\nworst:")
    for r in sorted(attacked, key=lambda r: -r["A"])[:8]:
        print(
            "  seed {seed} {data} {trigger} {source} to {target} {poison_rate:.0%}: A "
            "{A_none:.2f} to {A:.3f} (clean {A_clean:.3f}), poison kept {poison_vote}, "
            "then {poison_end} of {n_poisoned}".format(**r)
        )


def rst(results):
    """Return one row of a table per scenario, in percent."""
    header = ["seed", "data", "attack", "n", "A undefended", "A", "A clean", "C"]
    header += ["C clean", "poison left", "clean kept", "seconds"]
    lines = [".. list-table::", "    :header-rows: 1", ""]

    def add(cells):
        lines.append(f"    * - {cells[0]}")
        lines.extend(f"      - {cell}" for cell in cells[1:])

    add(header)
    for r in results:
        if r.get("weak"):
            continue
        attack = "none"
        if r["A_none"] is not None:
            pair = f"{'all' if r['source'] is None else r['source']} to {r['target']}"
            attack = f"{r['trigger']}, {pair}, {r['poison_rate']:.0%}"
        cells = [r["seed"], r["data"], attack, r["n"]]
        for name in ("A_none", "A", "A_clean", "C", "C_clean"):
            cells.append("" if r[name] is None else f"{100 * r[name]:.1f}")
        cells.append(f"{r['poison_end']} of {r['n_poisoned']}")
        add([*cells, f"{100 * r['clean_end']:.1f}", f"{r['seconds']:.0f}"])
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", choices=LISTS, default="tune")
    parser.add_argument("--n-scenarios", type=int, help="default: the list's size")
    parser.add_argument("--seeds", type=int, nargs="+", help="only these of the list")
    parser.add_argument("--data", nargs="+", default=DATA, choices=DATA)
    parser.add_argument("--data-home")
    parser.add_argument("--n-rows", type=int, default=10_000)
    parser.add_argument("--method", default="core", choices=["core", "paper"])
    parser.add_argument("--n-jobs", type=int)
    parser.add_argument("--votes", help="folder for predictions and components")
    parser.add_argument("--out", help="JSON lines, appended to")
    parser.add_argument("--summary", help="only print what is in this file")
    parser.add_argument("--rst", help="with --summary: write a table of its scenarios")
    options = parser.parse_args()
    if options.summary:
        results = list(map(json.loads, Path(options.summary).read_text().splitlines()))
        if options.rst:
            Path(options.rst).write_text(rst(results))
        return summary(results)
    torch.set_num_threads(1)
    path = Path(options.out)
    results = list(
        map(json.loads, path.read_text().splitlines() if path.exists() else [])
    )
    have = {r["seed"]: r for r in results}
    n_left = options.n_scenarios or SIZES[options.list]
    for seed in LISTS[options.list]:
        what = draw(seed)
        if n_left == 0:
            break
        if what["data"] not in options.data:
            continue
        if options.seeds and seed not in options.seeds:
            continue
        if seed not in have:
            have[seed] = run(what, options)
            append_json(path, have[seed])
            print(json.dumps(have[seed]), flush=True)
        n_left -= not have[seed].get("weak", False)
    summary(list(have.values()))


if __name__ == "__main__":
    main()
