"""Results of paper_tables.py as a page of tables and a plot.

    python benchmarks/render_tables.py results.jsonl --rst tables.rst --plot tables.svg

First an overview, one row per defence; then one table per scenario. A cell is C and A
in percent, medians over the seeds; after them poisoned rows kept and clean rows lost,
and seconds. A scenario whose undefended A is below 50 % is marked and left out of the
overview: it says nothing about a defence.
"""

import argparse
import json
from pathlib import Path

import numpy as np

TITLES = {
    1: "Dirty label",
    2: "All-to-one and blended triggers",
    3: "Clean label",
    4: "Adaptive",
    5: "No poison",
    6: "alpha and beta",
    7: "alpha and beta",
}


def read(path):
    """Return the results, those of one scenario and defence together."""
    groups = {}
    for line in Path(path).read_text().splitlines():
        result = json.loads(line)
        key = result["table"], result["name"], result["defence"]
        groups.setdefault(key, []).append(result)
    return groups


def _median(results, name, scale=1.0):
    values = [r[name] for r in results if r.get(name) is not None]
    return scale * float(np.median(values)) if values else None


def _text(value, digits=1):
    return "" if value is None or np.isnan(value) else f"{value:.{digits}f}"


def rows_of(groups, table, name):
    """Return the rows of one scenario's table, as text."""
    for (t, n, defence), results in groups.items():
        if (t, n) != (table, name):
            continue
        kept = ""
        if results[0].get("poison_kept") is not None:
            kept = ", ".join(
                f"{r['poison_kept']} of {r['n_poisoned']}" for r in results
            )
        yield [
            defence,
            _text(_median(results, "C", 100)),
            _text(_median(results, "A", 100)),
            kept,
            _text(_median(results, "clean_lost", 100)),
            _text(_median(results, "seconds"), 0),
        ]


def is_weak(groups, table, name):
    """Return whether the attack of a scenario does not work undefended."""
    none = groups.get((table, name, "none"))
    attack = _median(none, "A") if none else None
    return attack is not None and attack < 0.5


def overview(groups):
    """Yield, for each defence, its rows of the overview: one, of text."""
    of_defence = {}
    for (table, name, defence), results in groups.items():
        if table <= 5 and not is_weak(groups, table, name):
            clean = groups.get((table, name, "clean"))
            C = _median(clean, "C", 100) if clean else np.nan
            of_defence.setdefault(defence, []).append((C, results))
    for defence, found in of_defence.items():
        A = [_median(results, "A", 100) for _, results in found]
        A = np.array([a for a in A if a is not None])
        loss = [C - _median(results, "C", 100) for C, results in found]
        lost = [_median(results, "clean_lost", 100) for _, results in found]
        lost = [share for share in lost if share is not None]
        yield [
            defence,
            f"{np.sum(A < 5)} of {len(A)}",
            _text(np.median(A)) if len(A) else "",
            _text(A.max()) if len(A) else "",
            _text(np.median(loss)),
            _text(max(loss)),
            _text(np.median(lost)) if lost else "",
        ]


OVERVIEW = ["defence", "A under 5 %", "A, median", "A, worst"]
OVERVIEW += ["C lost, median", "C lost, worst", "clean rows lost, %, median"]


def list_table(title, rows):
    """Return the lines of a table; the first row is the header."""
    lines = [f".. list-table:: {title}", "    :header-rows: 1", ""]
    for row in rows:
        lines += [f"    * - {row[0]}", *(f"      - {cell}" for cell in row[1:])]
    return [*lines, ""]


def show_table(title, rows, path=None):
    """Print a table, and write it to a file of reStructuredText where one is named."""
    show_tables({title: rows}, path)


def show_tables(tables, path=None):
    """Print tables by title, and write them to a file where one is named."""
    for rows in tables.values():
        for row in rows:
            print(" | ".join(row))
    if path:
        text = [line for one in tables.items() for line in list_table(*one)]
        Path(path).write_text("\n".join(text))


def rst(groups):
    """Return the page."""
    title = "Overview: A in percent, C lost against the clean model in points"
    lines = list_table(title, [OVERVIEW, *overview(groups)])
    for table in sorted({key[0] for key in groups}):
        title = f"Table {table}: {TITLES[table]}"
        lines += [title, "-" * len(title), ""]
        names = dict.fromkeys(key[1] for key in groups if key[0] == table)
        for name in names:
            weak = is_weak(groups, table, name)
            mark = " (undefended A below 50 %: no test of a defence)" if weak else ""
            header = ["defence", "C", "A", "poison kept", "clean lost, %", "seconds"]
            lines += list_table(name + mark, [header, *rows_of(groups, table, name)])
    return "\n".join(lines)


def plot(groups, path):
    """Draw A against C, one point for each scenario and defence."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for defence in dict.fromkeys(key[2] for key in groups if key[0] < 5):
        found = [groups[key] for key in groups if key[0] < 5 and key[2] == defence]
        axes.plot(
            [_median(results, "C", 100) for results in found],
            [_median(results, "A", 100) for results in found],
            "o",
            label=defence,
        )
    axes.set(xlabel="clean accuracy C, %", ylabel="attack success rate A, %")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(path)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", help="JSON lines of paper_tables.py")
    parser.add_argument("--rst")
    parser.add_argument("--plot")
    options = parser.parse_args(arguments)
    groups = read(options.results)
    page = rst(groups)
    if options.rst:
        Path(options.rst).write_text(page)
    else:
        print(page)
    if options.plot:
        plot(groups, options.plot)


if __name__ == "__main__":
    main()
