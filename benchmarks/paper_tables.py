"""The paper's experiments, scaled to the machine, with the rivals beside them.

    python benchmarks/paper_tables.py --table 1 --scale cpu --out results.jsonl
    python benchmarks/render_tables.py results.jsonl --rst tables.rst --plot tables.svg

Each scenario is poisoned once; every defence gets the same arrays, and what it keeps
trains the same final model. C is its accuracy on clean test rows, A the share of
triggered test images that it takes for the target. One line of JSON is written as each
defence ends; a run that was cut off goes on where it stopped. Scale `smoke` takes a
minute on digits, `cpu` is for a night and two cores, `paper` has the paper's net and
data and wants a GPU.
"""

import argparse
import json

import numpy as np
import torch
from sklearn.model_selection import GridSearchCV, PredefinedSplit

import rivals
from _common import append_json, read_json, timed
from scenarios import SCALES, final_model, load_split, measure, poison, scenarios
from sklearn_ispl import FilteredClassifier, ISPLFilter
from sklearn_ispl.metrics import filter_quality, make_backdoor_scorers

GRID = {"filter__alpha": [1 / 8, 1 / 4, 1 / 2], "filter__beta": [1 / 4, 1 / 8, 1 / 16]}


class Bench:
    """One scenario: its arrays, its undefended model, what defences make of it."""

    def __init__(self, scenario, scale, data_home):
        self.scenario, self.scale = scenario, SCALES[scale]
        self.X_clean, self.y_clean, self.X_test, self.y_test = load_split(
            scenario.data, scenario.n_rows, data_home, scenario.seed
        )
        self.X, self.y, self.poisoned, self.trigger = poison(
            scenario, self.X_clean, self.y_clean, self.scale.attack_epochs
        )
        self.n_classes = int(self.y_clean.max()) + 1
        self._undefended = None

    def net(self):
        """Return the final model, not yet fitted."""
        return final_model(self.X, self.n_classes, self.scenario.seed, self.scale.net)

    def undefended(self):
        """Return the model trained on all rows and its seconds, once."""
        if self._undefended is None:
            self._undefended = timed(self.net().fit, self.X, self.y)
        return self._undefended

    def run(self, defence):
        """Defend, train, measure."""
        training = 0.0
        if defence.startswith(NEEDS_MODEL):
            training = self.undefended()[1]
        (support, model), seconds = timed(DEFENCES[defence], self)
        seconds += training
        if model is None:
            model = self.net().fit(self.X[support], self.y[support])
        source, target = self.scenario.source, self.scenario.target
        C, A = measure(model, self.X_test, self.y_test, source, target, self.trigger)
        result = {"seconds": seconds, "C": C, "A": A}
        if support is not None:
            result |= filter_quality(self.y, support, self.poisoned)
        return result | {"n_poisoned": int(self.poisoned.sum())}


def _ours(method):
    def defend(bench):
        ispl = ISPLFilter(
            method=method, random_state=bench.scenario.seed, **bench.scale.filter
        )
        return ispl.fit(bench.X, bench.y).get_support(), None

    return defend


def _on_model(rival, **settings):
    def defend(bench):
        model, _ = bench.undefended()
        true_rate = max(bench.poisoned.sum(), 1) / np.sum(
            bench.y == bench.scenario.target
        )
        given = {k: true_rate if v == "true" else v for k, v in settings.items()}
        return rival(model, bench.X, bench.y, **given), None

    return defend


def _clean(bench):
    return None, bench.net().fit(bench.X_clean, bench.y_clean)


DEFENCES = {
    "none": lambda bench: (None, bench.undefended()[0]),
    "clean": _clean,
    "ISPLFilter": _ours("core"),
    "ISPLFilter, paper": _ours("paper"),
    "Activation Clustering": _on_model(rivals.activation_clustering),
    "Activation Clustering, distance": _on_model(
        rivals.activation_clustering, cluster_analysis="distance"
    ),
    "Activation Clustering, silhouette": _on_model(
        rivals.activation_clustering, cluster_analysis="silhouette-scores"
    ),
    "Spectral Signatures": _on_model(rivals.spectral_signatures),
    "Spectral Signatures, true rate": _on_model(
        rivals.spectral_signatures, expected_pp_poison="true"
    ),
    "Neural Cleanse": lambda bench: (
        None,
        rivals.neural_cleanse(bench.undefended()[0], bench.X, bench.y),
    ),
    "self-paced": lambda bench: (rivals.self_paced(bench.X, bench.y), None),
    "cleanlab": lambda bench: (rivals.label_issues(bench.net, bench.X, bench.y), None),
}
# Whose cost is, or includes, the training of a model on all rows.
NEEDS_MODEL = ("none", "Activation", "Spectral", "Neural")


def run_grid(bench):
    """Search alpha and beta as a user would, with a trusted fold; yield the cells."""
    X = np.concatenate([bench.X, bench.X_test])
    y = np.concatenate([bench.y, bench.y_test])
    trusted = np.repeat([-1, 0], [len(bench.X), len(bench.X_test)])
    ispl = ISPLFilter(random_state=bench.scenario.seed, **bench.scale.filter)
    search = GridSearchCV(
        FilteredClassifier(ispl, bench.net()),
        GRID,
        scoring=make_backdoor_scorers(
            bench.trigger,
            source=bench.scenario.source,
            target=bench.scenario.target,
        ),
        refit=False,
        cv=PredefinedSplit(trusted),
    ).fit(X, y)
    found = search.cv_results_
    for number, params in enumerate(found["params"]):
        yield {
            "defence": "alpha={filter__alpha} beta={filter__beta}".format(**params),
            "seconds": float(found["mean_fit_time"][number]),
            "C": float(found["mean_test_C"][number]),
            "A": -float(found["mean_test_neg_A"][number]),
        }


def done(path):
    """Return what a file of results has: table, scenario and defence of each line."""
    return {
        (
            r["table"],
            r["scale"],
            json.dumps(r["scenario"], sort_keys=True),
            r["defence"],
        )
        for r in read_json(path)
    }


def run_scenario(scenario, options):
    """Run what is missing of one scenario, and write it line by line."""
    have = done(options.out)
    key = options.table, options.scale, json.dumps(scenario.asdict(), sort_keys=True)
    grid = options.table in (6, 7)
    missing = [d for d in options.defences if (*key, d) not in have]
    found = any(h[:3] == key and h[3].startswith("alpha") for h in have)
    if grid and found or not missing:
        return
    bench = Bench(scenario, options.scale, options.data_home)
    head = {"table": options.table, "scale": options.scale, "name": scenario.name}
    head["scenario"] = scenario.asdict()
    defended = ({"defence": name, **bench.run(name)} for name in missing)
    for result in run_grid(bench) if grid else defended:
        append_json(options.out, head | result)
        print(
            "{name} | {defence} | C {C:.3f} A {A} | {seconds:.0f} s | "
            "poison kept {poison_kept}, clean lost {clean_lost}".format(
                **{"poison_kept": None, "clean_lost": None} | head | result
            ),
            flush=True,
        )


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=int, choices=range(1, 8), required=True)
    parser.add_argument("--scale", choices=SCALES, default="smoke")
    parser.add_argument("--data-home")
    parser.add_argument("--data", nargs="+", help="only these data sets")
    parser.add_argument("--rates", type=float, nargs="+", help="only these")
    parser.add_argument("--sources", type=int, nargs="+", help="only these classes")
    parser.add_argument("--limit", type=int, help="only so many per data set")
    parser.add_argument("--seeds", type=int, nargs="+", help="only these")
    parser.add_argument(
        "--defences", nargs="+", default=list(DEFENCES), choices=DEFENCES
    )
    parser.add_argument("--out", required=True, help="JSON lines, appended to")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    counts = {}
    for scenario in scenarios(options.table, options.scale):
        if options.data and scenario.data not in options.data:
            continue
        if options.seeds and scenario.seed not in options.seeds:
            continue
        if options.rates and scenario.poison_rate not in options.rates:
            continue
        if options.sources and scenario.source not in options.sources:
            continue
        counts[scenario.data] = counts.get(scenario.data, 0) + 1
        if options.limit and counts[scenario.data] > options.limit:
            continue
        run_scenario(scenario, options)


if __name__ == "__main__":
    main()
