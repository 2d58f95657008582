"""The filter's cost and effect beside those of two rivals, on the same data and net.

    python benchmarks/bench_rivals.py --data-home DIR

Activation Clustering and Spectral Signatures need a model trained on all rows; that
training is a part of their cost. All get the net of the default weak learner. Spectral
Signatures is also given the true share of poison, which nobody knows in practice.
"""

import argparse

import numpy as np
import torch
from skorch import NeuralNetClassifier

from _common import append_json, load_rows, spread, timed
from rivals import activation_clustering, spectral_signatures
from sklearn_ispl import ISPLFilter
from sklearn_ispl.datasets import make_dirty_label_backdoor
from sklearn_ispl.modules import ConvNet


def poisoned_rows(seed, options):
    """Draw rows, a pair of classes and a trigger."""
    X, y = load_rows(options.data, options.n_rows, options.data_home, seed)
    rng = np.random.RandomState(seed)
    source, target = rng.choice(np.unique(y), 2, replace=False)
    return make_dirty_label_backdoor(
        X, y, source=source, target=target, random_state=rng
    )


def full_model(X, y, seed, n_epochs):
    """Train the net on all rows."""
    torch.manual_seed(seed)
    return NeuralNetClassifier(
        ConvNet,
        module__in_channels=X.shape[1],
        module__n_classes=int(y.max()) + 1,
        criterion=torch.nn.CrossEntropyLoss,
        optimizer__momentum=0.9,
        optimizer__weight_decay=1e-4,
        optimizer__fused=True,
        iterator_train__shuffle=True,
        iterator_train__drop_last=True,
        lr=0.05,
        batch_size=128,
        max_epochs=n_epochs,
        train_split=None,
        callbacks="disable",
        verbose=0,
    ).fit(X, y)


def run(seed, options):
    """Return, for each defence, seconds and what is left."""
    X, y, poisoned, _ = poisoned_rows(seed, options)
    true_rate = poisoned.sum() / np.sum(y == y[poisoned][0])
    activation_clustering(full_model(X[:500], y[:500], 0, 1), X[:500], y[:500])
    kept = {}
    for method in ("core", "paper"):
        fitted, seconds = timed(
            ISPLFilter(method=method, device="cpu", random_state=seed).fit, X, y
        )
        kept[f"ISPLFilter, {method}"] = fitted.get_support(), seconds
    model, training = timed(full_model, X, y, seed, options.epochs)
    for name, defence, settings in [
        ("Activation Clustering", activation_clustering, {}),
        ("Spectral Signatures", spectral_signatures, {}),
        (
            "Spectral Signatures, true rate",
            spectral_signatures,
            {"expected_pp_poison": true_rate},
        ),
    ]:
        support, seconds = timed(defence, model, X, y, **settings)
        kept[name] = support, training + seconds
    return {
        name: {
            "seconds": seconds,
            "poison_kept": int(np.sum(support & poisoned)),
            "n_poisoned": int(poisoned.sum()),
            "clean_kept": float(support[~poisoned].mean()),
        }
        for name, (support, seconds) in kept.items()
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="fashion-mnist")
    parser.add_argument("--data-home")
    parser.add_argument("--n-rows", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=40, help="of the full model")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--out", help="file of JSON lines to append to")
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = []
    what = {"data": options.data, "n": options.n_rows, "epochs": options.epochs}
    for seed in options.seeds:
        results.append(run(seed, options))
        print(seed, results[-1], flush=True)
        if options.out:
            append_json(options.out, {"seed": seed, **what, **results[-1]})
    print("defence: seconds; of the first's; poisoned rows kept; clean rows kept")
    for name in results[0]:
        mine = [result[name] for result in results]
        first = [result["ISPLFilter, core"]["seconds"] for result in results]
        print(
            name,
            spread([m["seconds"] for m in mine]),
            spread([m["seconds"] / one for m, one in zip(mine, first)]),
            [f"{m['poison_kept']}/{m['n_poisoned']}" for m in mine],
            spread([m["clean_kept"] for m in mine]),
            sep="; ",
        )


if __name__ == "__main__":
    main()
