"""A dirty-label backdoor on Fashion-MNIST, before and after the filter.

    python benchmarks/bench_backdoor.py --data-home DIR --seeds 0 1 2 --out runs.jsonl

A seed draws the rows, the pair of classes, the trigger's position and the poisoned
rows. DIR holds Fashion-MNIST, see `load_image_data`. One line of JSON is written for
each seed as it ends, and a table printed.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from skorch import NeuralNetClassifier

from sklearn_ispl import ISPLFilter
from sklearn_ispl.datasets import load_image_data, make_dirty_label_backdoor
from sklearn_ispl.metrics import targeted_misclassification_rate
from sklearn_ispl.modules import ConvNet


def measure(X, y, X_test, y_test, attack, seed):
    """Train the final model; return clean accuracy C and attack success rate A."""
    source, target, trigger = attack
    torch.manual_seed(seed)
    model = NeuralNetClassifier(
        ConvNet,
        module__in_channels=1,
        module__n_classes=10,
        module__width=32,
        criterion=torch.nn.CrossEntropyLoss,
        optimizer__momentum=0.9,
        optimizer__weight_decay=5e-4,
        iterator_train__shuffle=True,
        iterator_train__drop_last=True,
        lr=0.02,
        batch_size=128,
        max_epochs=15,
        train_split=None,
        verbose=0,
    ).fit(X, y)
    sources = X_test[y_test == source]
    return model.score(X_test, y_test), targeted_misclassification_rate(
        np.full(len(sources), source),
        model.predict(trigger(sources)),
        source=source,
        target=target,
    )


def run(seed, options, train, test):
    """Run one scenario and return what was measured."""
    rng = np.random.RandomState(seed)
    rows = rng.permutation(len(train[0]))[: options.n_rows]
    X_clean, y = train[0][rows], train[1][rows]
    source, target = rng.choice(10, size=2, replace=False).tolist()
    X, y, poisoned, trigger = make_dirty_label_backdoor(
        X_clean,
        y,
        source=source,
        target=target,
        poison_rate=options.poison_rate,
        trigger=options.trigger,
        random_state=rng,
    )
    start = time.perf_counter()
    ispl = ISPLFilter(
        method=options.method, random_state=seed, n_jobs=options.n_jobs
    ).fit(X, y)
    seconds = time.perf_counter() - start
    kept = ispl.get_support()
    voted = ispl.votes_.argmax(axis=1) == y
    result = {
        "seed": seed,
        "method": options.method,
        "n_rows": options.n_rows,
        "trigger": options.trigger,
        "position": trigger.position,
        "source": source,
        "target": target,
        "n_poisoned": int(poisoned.sum()),
        "poisoned_per_component": [
            np.bincount(labels[poisoned]).tolist() for labels in ispl.components_
        ],
        "poison_kept_by_vote": int((voted & poisoned).sum()),
        "clean_kept_by_vote": float(voted[~poisoned].mean()),
        "poison_kept": int((kept & poisoned).sum()),
        "clean_kept": float(kept[~poisoned].mean()),
        "seconds": seconds,
    }
    attack = (source, target, trigger)
    for name, (X_train, y_train) in {
        "undefended": (X, y),
        "filtered": (X[kept], y[kept]),
        "clean": (X_clean, y),
    }.items():
        result[f"C_{name}"], result[f"A_{name}"] = measure(
            X_train, y_train, *test, attack, seed
        )
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-home")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--method", default="core", choices=["core", "paper"])
    parser.add_argument("--n-rows", type=int, default=10_000)
    parser.add_argument("--poison-rate", type=float, default=0.1)
    parser.add_argument("--trigger", default="ell")
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    data = load_image_data("fashion-mnist", data_home=options.data_home)
    train, test = (data.X_train, data.y_train), (data.X_test, data.y_test)
    print(
        "pair  A before  A after  A clean  C before  C after  C clean  poison  clean  s"
    )
    for seed in options.seeds:
        result = run(seed, options, train, test)
        with options.out.open("a") as file:
            file.write(json.dumps(result) + "\n")
        print(
            "{source} to {target}  "
            "{A_undefended:.3f}  {A_filtered:.3f}  {A_clean:.3f}  "
            "{C_undefended:.3f}  {C_filtered:.3f}  {C_clean:.3f}  "
            "{poison_kept}/{n_poisoned}  {clean_kept:.3f}  {seconds:.0f}".format(
                **result
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
