"""How well do the exam's stronger attacks work at their authors' settings?

    python benchmarks/bench_strength.py --data-home DIR --out strength.jsonl
    python benchmarks/bench_strength.py --summary strength.jsonl --rst doc/strength.inc

Some attacks of the exam are stronger than their authors' settings, since nets of its
size learn little from some thousand rows. Here each is made twice from the same rows,
at the exam's strength and at its authors', and an undefended model is trained on both.
Sets are as large as those of the list `report`; their seeds are in no list.
"""

import argparse
import itertools

import torch

from _common import append_json, parse_with_results, read_json
from attacks import ATTACKS, AUTHORS, make_attack
from exam import DATA, NOT_DIGITS, load, measure, train, version
from render_tables import show_table

SEED = 50_000


def sets(data):
    """Yield data, attack and the highest rate of the exam."""
    for name, attack in itertools.product(data, AUTHORS):
        if name != "digits" or attack not in NOT_DIGITS:
            yield name, attack, max(ATTACKS[attack][1])


def run(data, attack, rate, data_home):
    """Return the line of a set: A of an undefended model, at both strengths."""
    X, y, X_test, y_test = load(data, SEED, data_home, "report")
    line = {"data": data, "attack": attack, "rate": rate, "seed": SEED}
    line |= {"n": len(y), "version": version()}
    for strength, options in {"authors": AUTHORS[attack], "exam": {}}.items():
        made = make_attack(attack, X, y, rate, SEED, **options)
        model = train(made.X, made.y, SEED)
        line[f"C_{strength}"], line[f"A_{strength}"] = measure(
            model, X_test, y_test, made.victims
        )
    return line


def table(lines):
    """Return the rows of a table, a header first: an attack a row, a data set a column.

    A cell has A at the authors' setting and at the exam's, in percent.
    """
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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", choices=DATA, default=DATA)
    parser.add_argument("--rst", help="with --summary: write the table here")
    options, path = parse_with_results(parser)
    torch.set_num_threads(1)
    done = {(r["data"], r["attack"]) for r in read_json(path)}
    for data, attack, rate in [] if options.summary else sets(options.data):
        if (data, attack) not in done:
            append_json(path, run(data, attack, rate, options.data_home))
    title = "A of the undefended model, %: at the authors' setting, and at the exam's"
    show_table(title, table(read_json(path)), options.rst)


if __name__ == "__main__":
    main()
