"""Does the defence hold? Many scenarios, each drawn by its seed alone.

    python benchmarks/bench_quality.py --list tune --out tune.jsonl --votes votes/
    python benchmarks/bench_quality.py --summary tune.jsonl

A seed draws the data set, the attack (one class, all to one, or none), the classes, the
mark, its colour and position, and the poison rate. Seeds of the list `tune` are for
choosing, those of `report` for nothing but reporting. Each scenario trains the final
model on all rows, on clean rows and on what the filter keeps, and writes one line of
JSON; a run that was cut off goes on. Methods and data sets may be run one after the
other, or side by side, into one file. A scenario whose undefended A is below 50 % is no
test of a defence: it is marked, and the next seed takes its place. With --votes, every
fit's predictions and components are kept, to try other rules on. With --change, all
images come out of lossy compression or have noise after the mark was put on, or the
mark is moved from image to image, or noise or one of the images is blended over the
image in its place, or the filter gets the images as a table; give each change a file of
its own.
"""

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
import torch

from _common import append_json, parse_with_results, read_json, timed
from changes import CHANGES, changed_trigger
from render_tables import list_table
from scenarios import SCALES, attack_success, final_model, load_split, measure
from sklearn_ispl import ISPLFilter
from sklearn_ispl.datasets import TRIGGER_SHAPES, make_dirty_label_backdoor
from sklearn_ispl.exceptions import ClassVanishedWarning

LISTS = {"report": range(1000, 10_000), "tune": range(1000)}
SIZES = {"report": 40, "tune": 24}
METHODS = ["core", "paper", "paper-2023"]
DATA = ["digits", "fashion-mnist", "gtsrb", "cifar10"]
UNDEFENDED = ["C_none", "A_none", "C_clean", "A_clean"]
SHARES = ["method", "data", "A under 1 %", "A under 5 %", "A within 1 point of clean"]
SHARES += ["trigger adds under 1 point", "C lost, median", "worst"]
SHARES += ["clean rows kept, median", "least", "seconds, median"]
EACH = ["A", "without trigger", "C lost", "poison left", "clean kept"]


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


def poison(what, X, y, change="none"):
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
        trigger=changed_trigger(change, X, what["trigger"], rng),
        random_state=rng,
    )
    return X, y, poisoned, (source, target), trigger


def train_and_measure(X, y, test, seed):
    """Train the final model; return its C, its A, and A without the trigger."""
    X_test, X_triggered, y_test, n_classes, source, target = test
    settings = SCALES["cpu" if len(X) > 2000 else "smoke"].net
    if len(X) <= 2000:
        settings = {**settings, "max_epochs": 30}
    model = final_model(X, n_classes, seed, settings).fit(X, y)
    C, _ = measure(model, X_test, y_test, source, target, None)
    if X_triggered is None:
        return C, None, None
    A = attack_success(model, X_triggered, y_test, source, target)
    return C, A, attack_success(model, X_test, y_test, source, target)


def changed(name, seed, *sets):
    """Return what a change makes of sets of images, None of None."""
    return [
        images if images is None else CHANGES[name](images, np.random.RandomState(s))
        for s, images in enumerate(sets, 1000 * seed)
    ]


def run(what, method, known, options):
    """Run one scenario; return its line.

    What another method's line of the same scenario says of the models trained on all
    rows and on the clean ones is taken from there.
    """
    seed = what["seed"]
    X_clean, y_clean, X_test, y_test = load_split(
        what["data"], options.n_rows, options.data_home, seed
    )
    X, y, poisoned, (source, target), trigger = poison(
        what, X_clean, y_clean, options.change
    )
    X_triggered = trigger and trigger(X_test)
    if options.change != "none":
        X_clean, X, X_test, X_triggered = changed(
            options.change, seed, X_clean, X, X_test, X_triggered
        )
        what = {**what, "change": options.change}
    test = X_test, X_triggered, y_test, int(y_clean.max()) + 1, source, target
    result = {**what, "source": source, "target": target, "n": len(y)}
    result["n_poisoned"] = int(poisoned.sum())
    if known is None:
        result["C_none"], result["A_none"], _ = train_and_measure(X, y, test, seed)
        if trigger is not None and result["A_none"] < 0.5:
            return {**result, "weak": True}
        clean = train_and_measure(X_clean, y_clean, test, seed)
        result["C_clean"], result["A_clean"], _ = clean
    else:
        result |= {name: known[name] for name in UNDEFENDED}
    rows = X.reshape(len(X), -1) if options.change == "table" else X
    ispl = ISPLFilter(method=method, random_state=seed, n_jobs=options.n_jobs)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ClassVanishedWarning)
        _, seconds = timed(ispl.fit, rows, y)
    result |= {"method": method, "seconds": seconds}
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
    final = train_and_measure(X[kept], y[kept], test, seed)
    result["C"], result["A"], result["A_plain"] = final
    if options.votes:
        Path(options.votes).mkdir(parents=True, exist_ok=True)
        np.savez_compressed(
            Path(options.votes) / f"{method}-{seed}.npz",
            predictions=ispl.predictions_,
            components=ispl.components_,
            y=y,
            poisoned=poisoned,
        )
    return result


def attack_of(result):
    """Return the attack in words."""
    if result["attack"] == "none":
        return "none"
    source = "all" if result["source"] is None else result["source"]
    rate = result["poison_rate"]
    change = result.get("change", "none")
    marks = {"none": result["trigger"], "blended": "blended", "picture": "picture"}
    mark = marks.get(change, f"{result['trigger']}, {change}")
    return f"{mark}, {source} to {result['target']}, {rate:.0%}"


def percent(value):
    """Return a share as text, nothing for none."""
    return "" if value is None else f"{100 * value:.1f}"


def shares(results):
    """Return the rows of a table, a header first: what holds, by method and data set.

    A set without poison counts for C and for the clean rows kept, but not for A.
    """
    rows = [SHARES]
    for method in dict.fromkeys(r["method"] for r in results):
        of_method = [r for r in results if r["method"] == method]
        parts = {data: [r for r in of_method if r["data"] == data] for data in DATA}
        parts["all but digits"] = [r for r in of_method if r["data"] != "digits"]
        parts["no poison"] = [r for r in of_method if r["A_none"] is None]
        parts["all"] = of_method
        rows += [
            [f"``{method}``", *_shares(n, part)] for n, part in parts.items() if part
        ]
    return rows


def _shares(name, results):
    attacked = [r for r in results if r["A_none"] is not None]
    A = np.array([r["A"] for r in attacked])
    over = A - [r["A_clean"] for r in attacked]
    # Lines of before it was measured do not have it.
    plain = [r for r in attacked if r.get("A_plain") is not None]
    added = np.array([r["A"] - r["A_plain"] for r in plain])
    loss = [r["C_clean"] - r["C"] for r in results]
    kept = [r["clean_end"] for r in results]
    return [
        name,
        f"{np.sum(A < 0.01)} of {len(A)}",
        f"{np.sum(A < 0.05)} of {len(A)}",
        f"{np.sum(over < 0.01)} of {len(A)}",
        f"{np.sum(added < 0.01)} of {len(added)}",
        percent(np.median(loss)),
        percent(max(loss)),
        percent(np.median(kept)),
        percent(min(kept)),
        f"{np.median([r['seconds'] for r in results]):.0f}",
    ]


def totals(attacked):
    """Yield in words what methods leave, on scenarios that the default was run on."""
    core = {r["seed"] for r in attacked if r["method"] == "core"}
    for method in dict.fromkeys(r["method"] for r in attacked):
        found = [r for r in attacked if r["method"] == method and r["seed"] in core]
        yield (
            f"{method}: {sum(r['poison_end'] for r in found)} of "
            f"{sum(r['n_poisoned'] for r in found)} poisoned rows left, none in "
            f"{sum(r['poison_end'] == 0 for r in found)} of {len(found)}, "
            f"A under 5 % in {sum(r['A'] < 0.05 for r in found)}"
        )
        images = [r for r in found if r["data"] != "digits"]
        added = [r["A"] - r["A_plain"] for r in images if r.get("A_plain") is not None]
        yield (
            "  all but digits: clean models under 1 % in "
            f"{sum(r['A_clean'] < 0.01 for r in images)} of {len(images)}, the trigger "
            f"adds at most {percent(max(added, default=None))}"
        )


def beside(results):
    """Yield in words what the default does beside clean models and other methods."""
    core = [r for r in results if r["method"] == "core"]
    lost, listed = [], []
    for r in sorted(core, key=lambda r: r["clean_end"]):
        scenario = [r["seed"], *_change(r)]
        n_lost = round((1 - r["clean_end"]) * (r["n"] - r["n_poisoned"]))
        if n_lost:
            lost.append(" ".join(map(str, [*scenario, n_lost])))
        # Lines of before it was measured do not have it.
        honest = {*r.get("flagged", [])} - {r["target"] if r["n_poisoned"] else None}
        if honest:
            listed.append(" ".join(map(str, [*scenario, *sorted(honest)])))
    yield f"core: honest rows lost, by seed: {', '.join(lost) or 'none'}"
    yield f"core: honest classes listed, by seed: {', '.join(listed) or 'none'}"
    images = [r for r in core if r["data"] != "digits" and r["A_none"] is not None]
    if images:
        only = [
            [r["seed"] for r in images if r[low] < 0.01 <= r[high]]
            for low, high in (("A_clean", "A"), ("A", "A_clean"))
        ]
        over = np.median([r["A"] - r["A_clean"] for r in images])
        yield (
            f"all but digits: A under 1 % with the clean model alone in {only[0]}, "
            f"with core alone in {only[1]}; core's is higher by {percent(over)} in the "
            "median"
        )
        # The same rows make the same model: no filter can keep better ones there.
        ideal = [r for r in images if r["poison_end"] == 0 and r["clean_end"] == 1]
        n_over = sum(r["A"] >= 0.01 for r in ideal)
        yield (
            f"all but digits: core keeps all clean rows and no other in {len(ideal)} "
            f"of {len(images)}, and A is 1 % or more in {n_over} of these, C lost "
            f"{_range([r['C_clean'] - r['C'] for r in ideal])}"
        )
    for method in dict.fromkeys(r["method"] for r in results if r["method"] != "core"):
        run = {
            (r["seed"], *_change(r))
            for r in results
            if r["method"] == method and r["n_poisoned"]
        }
        same = [r for r in core if (r["seed"], *_change(r)) in run]
        yield (
            f"core where {method} was run: {sum(r['poison_end'] for r in same)} left, "
            f"none in {sum(r['poison_end'] == 0 for r in same)} of {len(same)}, "
            f"A under 5 % in {sum(r['A'] < 0.05 for r in same)}"
        )


def _range(values):
    least, most = min(values, default=None), max(values, default=None)
    return f"{percent(least)} to {percent(most)}"


def _change(result):
    return [result["change"]] if "change" in result else []


def each(results):
    """Return the rows of a table, a header first: scenarios, with every method."""
    methods = list(dict.fromkeys(r["method"] for r in results))
    header = ["seed", "data", "attack", "A undefended", "A clean"]
    rows = [header + [f"{name}, ``{method}``" for method in methods for name in EACH]]
    of_seed = {}
    for r in results:
        key = r["seed"], r.get("change", "none")
        of_seed.setdefault(key, {})[r["method"]] = r
    for (seed, _), found in sorted(of_seed.items()):
        r = next(iter(found.values()))
        undefended = [percent(r["A_none"]), percent(r["A_clean"])]
        cells = [cell for method in methods for cell in _each(found.get(method))]
        rows.append([seed, r["data"], attack_of(r), *undefended, *cells])
    return rows


def _each(result):
    if result is None:
        return [""] * len(EACH)
    return [
        percent(result["A"]),
        percent(result.get("A_plain")),
        percent(result["C_clean"] - result["C"]),
        "{poison_end} of {n_poisoned}".format(**result),
        percent(result["clean_end"]),
    ]


def summary(results):
    """Print the shares of scenarios that hold, and the worst by name."""
    for row in shares(results):
        print(" | ".join(row).replace("``", ""))
    attacked = [r for r in results if r["A_none"] is not None]
    for line in [*totals(attacked), *beside(results)]:
        print(line)
    print("\nworst:")
    for r in sorted(attacked, key=lambda r: -r["A"])[:8]:
        print(
            "  {method}, seed {seed}, {data} {attack}: A {A_none:.2f} to {A:.3f} "
            "(clean {A_clean:.3f}), poison kept {poison_vote}, then {poison_end} of "
            "{n_poisoned}".format(**{**r, "attack": attack_of(r)})
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", choices=LISTS, default="tune")
    parser.add_argument("--n-scenarios", type=int, help="default: 24 or 40, by list")
    parser.add_argument("--seeds", type=int, nargs="+", help="only these of the list")
    parser.add_argument("--data", nargs="+", default=DATA, choices=DATA)
    parser.add_argument("--rst", help="with --summary: write tables of it")
    parser.add_argument("--method", default="core", choices=METHODS)
    parser.add_argument("--change", default="none", choices=CHANGES)
    parser.add_argument("--n-jobs", type=int)
    parser.add_argument("--votes", help="folder for predictions and components")
    parser.add_argument(
        "--only-scenarios", action="store_true", help="with --rst: without shares"
    )
    options, path = parse_with_results(parser)
    if not options.summary:
        torch.set_num_threads(1)
        run_list(path, options)
    lines = read_json(path)
    weak = [r["data"] for r in lines if r.get("weak")]
    print("left out:", ", ".join(f"{weak.count(d)} {d}" for d in DATA if d in weak))
    counted = [r for r in lines if not r.get("weak")]
    summary(counted)
    if options.rst:
        lines = []
        if not options.only_scenarios:
            lines += list_table("What holds", shares(counted))
        lines += list_table("Scenario by scenario", each(counted))
        Path(options.rst).write_text("\n".join(lines))


def run_list(path, options):
    """Run what is missing, until so many scenarios count as the list is long."""
    n_left = options.n_scenarios or SIZES[options.list]
    for seed in LISTS[options.list]:
        what = draw(seed)
        if n_left == 0:
            break
        if options.seeds and seed not in options.seeds:
            continue
        # Read anew: another process may have run this scenario with another method.
        known = [r for r in read_json(path) if r["seed"] == seed]
        weak = any(r.get("weak") for r in known)
        missing = not weak and options.method not in [r["method"] for r in known]
        if missing and what["data"] in options.data:
            line = run(what, options.method, next(iter(known), None), options)
            append_json(path, line)
            print(json.dumps(line), flush=True)
            weak = line.get("weak", False)
        n_left -= not weak


if __name__ == "__main__":
    main()
