"""How well do the exam's stronger attacks work at their authors' settings?

    python benchmarks/bench_strength.py --data-home DIR --out strength.jsonl
    python benchmarks/bench_strength.py --summary strength.jsonl --rst doc/strength.inc

Some attacks of the exam are stronger than their authors' settings, since nets of its
size learn little from some thousand rows. Here each is made twice from the same rows,
at the exam's strength and at its authors', and an undefended model is trained on both.
Where it works at its authors' setting, the default is asked about it. Sets are as large
as those of the list `report`; their seed is in no list.
"""

import argparse
import itertools

import numpy as np
import torch

from _common import append_json, parse_with_results, read_json
from attacks import ATTACKS, AUTHORS, make_attack
from defences import DEFENCES
from exam import DATA, NOT_DIGITS, load, measure, score, train, version
from render_exam import OUTCOME, WORKS, outcome
from render_tables import show_tables

SEED = 50_000


def sets(data):
    """Yield data, attack and the highest rate of the exam."""
    for name, attack in itertools.product(data, AUTHORS):
        if name != "digits" or attack not in NOT_DIGITS:
            yield name, attack, max(ATTACKS[attack][1])


def poisoned(data, attack, rate, data_home, **options):
    """Return a set, on which rows it is measured, and the line that names it."""
    X, y, X_test, y_test = load(data, SEED, data_home, "report")
    made = make_attack(attack, X, y, rate, SEED, **options)
    line = {"data": data, "attack": attack, "rate": rate, "seed": SEED}
    line |= {"n": len(y), "version": version()}
    return made, (X_test, y_test, made.victims), line


def undefended(one, data_home):
    """Return a line: A of an undefended model, at both strengths."""
    measured = {}
    for strength, options in {"authors": AUTHORS[one[1]], "exam": {}}.items():
        made, tests, line = poisoned(*one, data_home, **options)
        C, A = measure(train(made.X, made.y, SEED), *tests)
        measured |= {f"C_{strength}": C, f"A_{strength}": A}
    return line | measured


def defended(one, data_home):
    """Return a line: what the default makes of the authors' setting."""
    made, tests, line = poisoned(*one, data_home, **AUTHORS[one[1]])
    rng = np.random.RandomState([SEED, *one[1].encode()])
    verdict = DEFENCES["core"](None, made.X, made.y, made.poisoned, rng)
    line |= {"method": "core", "n_poisoned": int(made.poisoned.sum())}
    line["targets"] = sorted({int(to) for *_, to in made.victims})
    return line | score(verdict, made, SEED, tests, final=True)


def strengths(lines):
    """Return the rows of a table, a header first: an attack a row, a data set a column.

    A cell has A at the authors' setting and at the exam's, in percent.
    """
    lines = [line for line in lines if "method" not in line]
    columns = list(dict.fromkeys(line["data"] for line in lines))
    cells = {
        (line["attack"], line["data"]): f"{100 * line['A_authors']:.0f}, "
        f"{100 * line['A_exam']:.0f}"
        for line in lines
    }
    rows = [["attack", "rate, % of all rows", "authors' setting", *columns]]
    for attack in dict.fromkeys(line["attack"] for line in lines):
        rate = next(line["rate"] for line in lines if line["attack"] == attack)
        setting = ", ".join(f"{k} {v:.2g}" for k, v in AUTHORS[attack].items())
        mine = [cells.get((attack, data), "") for data in columns]
        rows.append([attack, f"{100 * rate:g}", setting.replace("_", " "), *mine])
    return rows


def defences(lines):
    """Return the rows of a table, a header first: the default at authors' settings."""
    before = {(r["attack"], r["data"]): r for r in lines if "method" not in r}
    rows = [["attack", "data", *OUTCOME]]
    for line in lines:
        if "method" in line:
            key = line["attack"], line["data"]
            rows.append([*key, *outcome(line, before[key]["A_authors"])])
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", choices=DATA, default=DATA)
    parser.add_argument("--rst", help="with --summary: write the tables here")
    options, path = parse_with_results(parser)
    torch.set_num_threads(1)
    for one in [] if options.summary else sets(options.data):
        mine = [r for r in read_json(path) if (r["data"], r["attack"]) == one[:2]]
        if not mine:
            mine = [undefended(one, options.data_home)]
            append_json(path, mine[0])
        # What does not work undefended tests no defence.
        if len(mine) == 1 and mine[0]["A_authors"] >= WORKS:
            append_json(path, defended(one, options.data_home))
    lines = read_json(path)
    tables = {
        "A of the undefended model, %: authors' setting, exam's": strengths(lines),
        "What the default makes of the authors' setting": defences(lines),
    }
    show_tables(tables, options.rst)


if __name__ == "__main__":
    main()
