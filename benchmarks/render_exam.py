"""Tables of the exam: what each method finds and loses, attack by attack."""

from pathlib import Path

import numpy as np

from attacks import OF_CLASS, UNSEEN
from defences import OURS
from render_tables import list_table

WORKS = 0.5  # undefended A from which a scenario counts
# What `outcome` says of a line.
OUTCOME = ["A undefended, %", "A, %", "rows left", "clean rows lost, %", "said"]
# Those that a column of `sayings` counts; all of a class is most of it, too.
WARNINGS = [["WeakEvidence"], ["UnlearnedClass"], ["MostRejected", "ClassVanished"]]


def render(lines, rst=None):
    """Print the tables of an exam, or write them where a path is given."""
    attacked, _ = of_sets(lines)
    n_tried = sum(r["method"] == "undefended" and r["A"] is not None for r in lines)
    holds = f"What holds: {len(attacked)} of {n_tried} attacked sets count"
    tables = [
        (holds, summary(lines)),
        ("What the default finds, by data, rate and attack", by_data(lines)),
        ("How well the default ranks rows, beside others that do", ranking(lines)),
        ("Attack by attack: true positives, %", by_attack(lines)),
        ("What the default says when it is wrong, and when not", sayings(lines)),
        ("Clean sets: rows lost, %", clean_sets(lines)),
        ("Set by set", each(lines)),
        ("Attacks that do not work undefended, and are not counted", weak_sets(lines)),
    ]
    if rst is None:
        for title, rows in tables:
            print(f"\n{title}")
            print("\n".join(" | ".join(map(str, row)) for row in rows))
    else:
        text = [line for title, rows in tables for line in list_table(title, rows)]
        Path(rst).write_text("\n".join(text))


def of_sets(lines):
    """Return the lines of each set by method: attacked sets that count, clean sets."""
    sets = {}
    for line in lines:
        key = line["data"], line["attack"], line["rate"], line["seed"]
        sets.setdefault(key, {})[line["method"]] = line
    attacked, clean = {}, {}
    for key, found in sets.items():
        undefended = found.get("undefended")
        if undefended is None:
            continue
        if undefended["A"] is None:
            clean[key] = found
        elif undefended["A"] >= WORKS:
            attacked[key] = found
    return attacked, clean


def summary(lines):
    """Return the rows of a table, a header first: what holds, by method."""
    attacked, clean = of_sets(lines)
    header = ["method", "99 % found", "95 % found", "half left, nothing said"]
    header += ["A within 2 points", "clean rows lost, median %", "mean", "worst"]
    header += ["without poison, worst"]
    header += ["true positives at 1 % false positives, median %"]
    header += ["time over that of training"]
    rows = [header]
    for method in _methods(lines):
        found = [s for s in attacked.values() if method in s]
        without = [s[method] for s in clean.values() if method in s]
        mine = [s[method] for s in found]
        silent = [r["tpr"] < 0.5 and not (is_named(r) or r["warned"]) for r in mine]
        close = [s[method]["A"] <= s["undefended"]["A_clean"] + 0.02 for s in found
                 if "A" in s[method]]  # fmt: skip
        lost = [r["fpr"] for r in mine]
        ratio = [r["seconds"] / r["training"] for r in mine if "training" in r]
        ranked = [r["tpr_at_1"] for r in mine if "tpr_at_1" in r]
        rows.append([
            method,
            *(f"{sum(r['tpr'] >= tpr for r in mine)} of {len(mine)}"
              for tpr in (0.99, 0.95)),
            # Rivals name no class and warn of nothing.
            f"{sum(silent)} of {len(mine)}" if method in OURS else "",
            f"{sum(close)} of {len(close)}" if close else "",
            *(_percent(of(lost)) if lost else "" for of in (np.median, np.mean, max)),
            _percent(max((r["fpr"] for r in without), default=None)),
            _percent(np.median(ranked)) if ranked else "",
            f"{np.median(ratio):.1f}" if ratio else "",
        ])  # fmt: skip
    return rows


def by_data(lines):
    """Return the rows of a table: what the default finds, by kinds of sets."""
    attacked, _ = of_sets(lines)
    ours = {key: found for key, found in attacked.items() if "core" in found}
    rows = [["sets", "how many", "99 % found", "more than half left", "rows left",
             "A within 2 points", "no clean row lost", "over 2 % of them lost",
             "a clean class named", "C clean, median %",
             "C lost, median of points", "worst"]]  # fmt: skip
    kinds = {data: lambda key, data=data: key[0] == data for data, *_ in ours}
    kinds["1 and 2 % of all rows"] = lambda key: _share(key) in (0.01, 0.02)
    kinds["a tenth of all rows"] = lambda key: _share(key) == 0.1
    kinds["attacks not in the list for choosing"] = lambda key: key[1] in UNSEEN
    for kind, is_it in {**kinds, "all": lambda key: True}.items():
        mine = [found for key, found in ours.items() if is_it(key)]
        core = [found["core"] for found in mine]
        close = [s["core"]["A"] <= s["undefended"]["A_clean"] + 0.02 for s in mine]
        left, of = (sum(r[name] for r in core) for name in ("left", "n_poisoned"))
        C_clean = [s["undefended"]["C_clean"] for s in mine]
        lost = np.subtract(C_clean, [r["C"] for r in core])
        rows.append([
            kind, len(mine), sum(r["tpr"] >= 0.99 for r in core),
            sum(r["tpr"] < 0.5 for r in core), f"{left} of {of}", sum(close),
            sum(r["fpr"] == 0 for r in core), sum(map(_costs, core)),
            sum(bool(set(r["named"]) - set(r["targets"])) for r in core),
            *map(_percent, [np.median(C_clean), np.median(lost), lost.max()]),
        ])  # fmt: skip
    return rows


def _share(key):
    """Return the rate of a set as a share of all rows, None if it is one of a class."""
    return None if key[1] in OF_CLASS else key[2]


def ranking(lines):
    """Return the rows of a table: what is found where 1 % of the clean rows go."""
    attacked, _ = of_sets(lines)
    rows = [["method", "found, median %", "the default is as good or better"]]
    for method in _methods(lines):
        pairs = [
            (s[method]["tpr_at_1"], s["core"]["tpr_at_1"]) for s in attacked.values()
            if all("tpr_at_1" in s.get(one, {}) for one in (method, "core"))
        ]  # fmt: skip
        if pairs:
            theirs, ours = np.transpose(pairs)
            better = f"{np.sum(ours >= theirs)} of {len(pairs)}"
            rows.append([method, _percent(np.median(theirs)), better])
    return rows


def by_attack(lines):
    """Return the rows of a table: the true positive rate of each set of an attack."""
    attacked, _ = of_sets(lines)
    methods = _methods(lines)
    rows = [["attack", *methods]]
    for attack in sorted({key[1] for key in attacked}):
        cells = []
        for method in methods:
            mine = [s[method]["tpr"] for key, s in attacked.items()
                    if key[1] == attack and method in s]  # fmt: skip
            cells.append(" ".join(f"{100 * tpr:.0f}" for tpr in mine))
        rows.append([attack, *cells])
    return rows


def sayings(lines):
    """Return the rows of a table: how often the default names or warns, by outcome."""
    attacked, clean = of_sets(lines)
    mine = [s["core"] for s in [*attacked.values(), *clean.values()] if "core" in s]
    rows = [["outcome", "sets", "a poisoned class named", "only clean ones named",
             "weak evidence", "a class not known", "most of a class rejected",
             "nothing said"]]  # fmt: skip
    outcomes = {
        "more than half of the poison left": lambda r: _tpr(r) < 0.5,
        "some poison left": lambda r: 0.5 <= _tpr(r) < 1,
        "no poison left": lambda r: _tpr(r) == 1,
        "no poison there": lambda r: r["tpr"] is None,
        "over 2 % of the clean rows lost": _costs,
    }
    for outcome, is_it in outcomes.items():
        found = [r for r in mine if is_it(r)]
        warned = (
            sum(any(f"{kind}Warning" in r["warned"] for kind in kinds) for r in found)
            for kinds in WARNINGS
        )
        named = sum(is_named(r) for r in found)
        clean = sum(bool(r["named"]) for r in found) - named
        silent = sum(not (r["named"] or r["warned"]) for r in found)
        rows.append([outcome, len(found), named, clean, *warned, silent])
    return rows


def is_named(line):
    """Whether a class that is poisoned was named."""
    return bool(set(line["named"]) & set(line["targets"]))


def outcome(line, A_undefended):
    """Return the cells of a table that say what came of a set, see `OUTCOME`."""
    said = "warned" if line["warned"] else "nothing"
    if line["named"]:
        said = "named" if is_named(line) else "a clean class named"
    left = f"{line['left']} of {line['n_poisoned']}"
    none, A, lost = map(_percent, [A_undefended, line["A"], line["fpr"]])
    return [none, A, left, lost, said]


def _costs(line):
    return line["fpr"] > 0.02


def _tpr(line):
    return np.nan if line["tpr"] is None else line["tpr"]


def clean_sets(lines):
    """Return the rows of a table: what is lost where nothing is poisoned."""
    _, clean = of_sets(lines)
    methods = _methods(lines)
    rows = [["data", "seed", *methods]]
    for (data, _, _, seed), found in sorted(clean.items()):
        cells = [_percent(found[m]["fpr"]) if m in found else "" for m in methods]
        rows.append([data, seed, *cells])
    return rows


def each(lines):
    """Return the rows of a table: every attacked set, with our default."""
    attacked, _ = of_sets(lines)
    header = ["data", "attack", "rate, %", "seed", "A undefended", "A clean", "A"]
    header += ["C undefended", "C clean", "C", "rows left", "clean rows lost, %"]
    rows = [[*header, "named", "warnings", "time over that of training"]]
    for (data, attack, rate, seed), found in sorted(attacked.items()):
        if "core" not in found:
            continue
        none, core = found["undefended"], found["core"]
        rows.append([
            data, attack, f"{100 * rate:g}", seed,
            *map(_percent, [none["A"], none["A_clean"], core["A"]]),
            *map(_percent, [none["C"], none["C_clean"], core["C"]]),
            f"{core['left']} of {core['n_poisoned']}",
            _percent(core["fpr"]), " ".join(map(str, core["named"])),
            " ".join(core["warned"]).replace("Warning", ""),
            f"{core['seconds'] / core['training']:.1f}" if "training" in core else "",
        ])  # fmt: skip
    return rows


def weak_sets(lines):
    """Return the rows of a table: attacked sets whose undefended A is too low."""
    weak = [r for r in lines if r["method"] == "undefended" and r["A"] is not None]
    rows = [["data", "attack", "rate, %", "A undefended", "C undefended"]]
    for r in sorted(weak, key=lambda r: (r["attack"], r["data"], r["rate"])):
        if r["A"] < WORKS:
            figures = f"{100 * r['rate']:g}", _percent(r["A"]), _percent(r["C"])
            rows.append([r["data"], r["attack"], *figures])
    return rows


def _methods(lines):
    return [m for m in dict.fromkeys(r["method"] for r in lines) if m != "undefended"]


def _percent(value):
    return "" if value is None else f"{100 * value:.1f}"
