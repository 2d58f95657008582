"""How much longer does the default take than the printed procedure?

    python benchmarks/bench_cost.py --seeds 1 10 --data-home DIR --out cost.jsonl
    python benchmarks/bench_cost.py --summary cost.jsonl

Scenarios are those of the list `tune` of bench_quality.py. Both methods are fitted to
the same rows in turn, on one thread; seconds are the processor's, so that other jobs
beside them count for little. A run that is cut off goes on where it stopped.
"""

import argparse
import time

import torch

from _common import append_json, parse_with_results, read_json
from bench_quality import attack_of, draw, poison
from scenarios import load_split
from sklearn_ispl import ISPLFilter


def run(seed, options):
    """Return the line of a seed."""
    what = draw(seed)
    X, y, *_ = load_split(what["data"], options.n_rows, options.data_home, seed)
    X, y, _, (source, target), _ = poison(what, X, y)
    if options.table:
        X, what = X.reshape(len(X), -1), {**what, "change": "table"}
    line = {**what, "n": len(y), "source": source, "target": target}
    for method in ("core", "paper"):
        ispl = ISPLFilter(method=method, random_state=seed)
        start = time.process_time()
        ispl.fit(X, y)
        line[f"seconds_{method}"] = time.process_time() - start
    return line


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--table", action="store_true", help="images as flat rows")
    options, path = parse_with_results(parser)
    if not options.summary:
        torch.set_num_threads(1)
        done = {(r["seed"], "change" in r) for r in read_json(path)}
        for seed in options.seeds:
            if (seed, options.table) not in done:
                append_json(path, run(seed, options))
    for line in read_json(path):
        core, paper = line["seconds_core"], line["seconds_paper"]
        table = " as a table" if line.pop("change", None) else ""
        print(
            f"seed {line['seed']}, {line['data']}{table}, {attack_of(line)}: "
            f"{core:.0f} s against {paper:.0f} s, {core / paper:.2f}"
        )


if __name__ == "__main__":
    main()
