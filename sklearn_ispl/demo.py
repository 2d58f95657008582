"""The main job on scikit-learn's bundled digits: ``python -m sklearn_ispl.demo``.

A tenth of one class is replaced by triggered images of another. A model trained on the
data has a backdoor; one trained on what ISPLFilter keeps should have none.
"""

import argparse
import time

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from skorch import NeuralNetClassifier

from . import ISPLFilter
from .datasets import make_dirty_label_backdoor
from .learners._settings import one_thread
from .metrics import targeted_misclassification_rate
from .modules import ConvNet


def make_scenario(seed, poison_rate=0.1):
    """Return poisoned digits: a random pair of classes, an ell at a random position.

    Parameters
    ----------
    seed : int
        Draws the split, the pair, the trigger's position and the poisoned rows.

    poison_rate : float, default=0.1
        Poisoned rows as a share of the target class.

    Returns
    -------
    scenario : dict
        The arrays `X_clean`, `X`, `y`, `poisoned`, `X_test`, `y_test`, the classes
        `source` and `target`, and the callable `trigger`.

    Examples
    --------
    >>> from sklearn_ispl.demo import make_scenario
    >>> make_scenario(seed=0)["X"].shape
    (1347, 1, 8, 8)
    """
    rng = np.random.RandomState(seed)
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32).reshape(-1, 1, 8, 8)
    X_clean, X_test, y_clean, y_test = train_test_split(
        X, y, test_size=0.25, stratify=y, random_state=rng
    )
    source, target = rng.choice(10, size=2, replace=False).tolist()
    X, y, poisoned, trigger = make_dirty_label_backdoor(
        X_clean,
        y_clean,
        source=source,
        target=target,
        poison_rate=poison_rate,
        random_state=rng,
    )
    return {
        "X_clean": X_clean,
        "X": X,
        "y": y,
        "poisoned": poisoned,
        "X_test": X_test,
        "y_test": y_test,
        "source": source,
        "target": target,
        "trigger": trigger,
    }


def train_and_measure(X, y, scenario, seed):
    """Train the final model and return its clean accuracy and attack success rate.

    Parameters
    ----------
    X : ndarray of shape (n, 1, 8, 8)
        Training images.

    y : ndarray of shape (n,)
        Their labels.

    scenario : dict
        See `make_scenario`.

    seed : int
        Seed of the model.

    Returns
    -------
    clean_accuracy, attack_success_rate : float, float
        C and A, 0 to 1.

    Examples
    --------
    >>> from sklearn_ispl.demo import make_scenario, train_and_measure
    >>> scenario = make_scenario(seed=0)
    >>> C, A = train_and_measure(scenario["X"], scenario["y"], scenario, seed=0)
    >>> C > 0.9
    True
    """
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = NeuralNetClassifier(
            ConvNet,
            module__in_channels=1,
            module__n_classes=10,
            criterion=torch.nn.CrossEntropyLoss,
            optimizer__momentum=0.9,
            optimizer__weight_decay=5e-4,
            iterator_train__shuffle=True,
            lr=0.05,
            batch_size=32,
            iterator_train__drop_last=True,  # batch norm cannot train on one row
            max_epochs=15,
            train_split=None,
            verbose=0,
        ).fit(X, y)
    X_test, y_test = scenario["X_test"], scenario["y_test"]
    return model.score(X_test, y_test), targeted_misclassification_rate(
        y_test,
        model.predict(scenario["trigger"](X_test)),
        source=scenario["source"],
        target=scenario["target"],
    )


def run_demo(seed=0, method="core", n_jobs=None, verbose=False):
    """Poison the digits, filter them, and train models before and after.

    Parameters
    ----------
    seed : int, default=0
        Seed of everything.

    method : {"core", "paper"}, default="core"
        Passed to `ISPLFilter`.

    n_jobs : int, default=None
        Passed to `ISPLFilter`.

    verbose : bool, default=False
        Passed to `ISPLFilter`.

    Returns
    -------
    scenario : dict
        See `make_scenario`.

    ispl : ISPLFilter
        The fitted filter.

    rows : list of dict
        One per model: `model`, `C`, `A`, `poison_kept`, `clean_kept` (counts) and
        `seconds`, the filter's included.

    Examples
    --------
    >>> from sklearn_ispl.demo import run_demo
    >>> scenario, ispl, rows = run_demo(seed=0, method="paper")
    >>> [row["model"] for row in rows]
    ['undefended', 'filtered', 'clean']
    >>> undefended, filtered, clean = rows
    >>> undefended["A"] > 0.8 > 0.05 > clean["A"]
    True
    >>> int(scenario["poisoned"].sum()) == undefended["poison_kept"]
    True
    >>> kept = scenario["poisoned"][ispl.support_]
    >>> int(kept.sum()) == filtered["poison_kept"]
    True
    >>> int((~kept).sum()) == filtered["clean_kept"]
    True
    """
    scenario = make_scenario(seed)
    X, y, poisoned = scenario["X"], scenario["y"], scenario["poisoned"]
    start = time.perf_counter()
    ispl = ISPLFilter(
        method=method, random_state=seed, n_jobs=n_jobs, verbose=verbose
    ).fit(X, y)
    filter_seconds = time.perf_counter() - start
    kept = ispl.get_support()
    trainings = {
        "undefended": (X, y, poisoned.sum(), (~poisoned).sum(), 0.0),
        "filtered": (
            X[kept],
            y[kept],
            (kept & poisoned).sum(),
            (kept & ~poisoned).sum(),
            filter_seconds,
        ),
        "clean": (scenario["X_clean"], y, 0, len(y), 0.0),
    }
    rows = []
    for name, (X_train, y_train, n_poison, n_clean, seconds) in trainings.items():
        start = time.perf_counter()
        C, A = train_and_measure(X_train, y_train, scenario, seed)
        rows.append(
            {
                "model": name,
                "C": C,
                "A": A,
                "poison_kept": int(n_poison),
                "clean_kept": int(n_clean),
                "seconds": seconds + time.perf_counter() - start,
            }
        )
    return scenario, ispl, rows


def format_table(rows):
    """Return the table of `run_demo` as text.

    Parameters
    ----------
    rows : list of dict
        See `run_demo`.

    Returns
    -------
    table : str

    Examples
    --------
    >>> from sklearn_ispl.demo import format_table
    >>> row = dict(model="clean", C=0.99, A=0.0, poison_kept=0, clean_kept=9, seconds=1)
    >>> print(format_table([row]))
    model        clean accuracy C   misclassified A   poison kept   clean kept   seconds
    clean                  99.0 %             0.0 %             0            9       1.0
    """
    lines = [
        "model        clean accuracy C   misclassified A   poison kept   clean kept   "
        "seconds"
    ]
    for row in rows:
        lines.append(
            f"{row['model']:<10} {100 * row['C']:>16.1f} % {100 * row['A']:>15.1f} % "
            f"{row['poison_kept']:>13} {row['clean_kept']:>12} {row['seconds']:>9.1f}"
        )
    return "\n".join(lines)


def plot_demo(scenario, ispl):
    """Draw what the filter did: poisoned images, what decided, how learners vote.

    Parameters
    ----------
    scenario : dict
        See `make_scenario`.

    ispl : ISPLFilter
        The fitted filter.

    Returns
    -------
    figure : matplotlib Figure

    Examples
    --------
    >>> from sklearn_ispl import ISPLFilter
    >>> from sklearn_ispl.demo import make_scenario, plot_demo
    >>> scenario = make_scenario(seed=0)
    >>> ispl = ISPLFilter(method="paper", self_training=False, random_state=0)
    >>> figure = plot_demo(scenario, ispl.fit(scenario["X"], scenario["y"]))
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            'The demo\'s picture needs matplotlib: pip install "sklearn-ispl[plot]".'
        ) from error

    from .inspection import TriggerDisplay, VotesDisplay

    figure = plt.figure(figsize=(11, 5.2), layout="constrained")
    pictures, reasons = figure.subfigures(1, 2, width_ratios=(3, 2))
    triggers, votes = reasons.subfigures(2, 1, height_ratios=(2, 3))
    kept, poisoned = ispl.get_support(), scenario["poisoned"]
    pictures.suptitle(
        f"{poisoned.sum()} images of {scenario['source']} with a trigger, "
        f"labelled {scenario['target']}"
    )
    rejected_part, kept_part = pictures.subfigures(2, 1)
    _show_images(
        rejected_part, scenario["X"], poisoned & ~kept, "rejected", "tab:green"
    )
    _show_images(kept_part, scenario["X"], poisoned & kept, "kept", "tab:red")
    VotesDisplay.from_estimator(ispl, poisoned=poisoned, ax=votes.subplots())
    votes.suptitle("What the weak learners say")
    labels = getattr(ispl, "poisoned_classes_", [])[:4]
    triggers.suptitle("What decided: pixels that they share" if len(labels) else "")
    for axis in (axes := triggers.subplots(1, 4)):
        axis.axis("off")
    for axis, label in zip(axes, labels):
        TriggerDisplay.from_estimator(ispl, label, ax=axis)
        if label != scenario["target"]:
            axis.set_title(f"{axis.get_title()}:\na false alarm")
    return figure


def _show_images(figure, X, chosen, verdict, color):
    """Draw up to 16 images under a title that counts them."""
    numbers = np.flatnonzero(chosen)
    figure.suptitle(f"{verdict}: {len(numbers) or 'none'}", color=color)
    axes = figure.subplots(2, 8).ravel()
    for axis in axes:
        axis.axis("off")
    for axis, number in zip(axes, numbers):
        axis.imshow(X[number, 0], cmap="gray", vmin=0, vmax=1)


def main(arguments=None):
    """Run the demo from the command line.

    Parameters
    ----------
    arguments : list of str, default=None
        Command line arguments; None means those of the process.

    Examples
    --------
    >>> from sklearn_ispl.demo import main
    >>> main(["--help"])
    Traceback (most recent call last):
    SystemExit: 0
    """
    parser = argparse.ArgumentParser(prog="python -m sklearn_ispl.demo")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--seeds", type=int, help="run so many seeds from --seed on, no picture"
    )
    parser.add_argument("--method", default="core", choices=["core", "paper"])
    parser.add_argument("--n-jobs", type=int, default=None)
    parser.add_argument("--output", default="demo.png", help="the picture's file")
    options = parser.parse_args(arguments)
    if options.seeds:
        for seed in range(options.seed, options.seed + options.seeds):
            scenario, _, rows = run_demo(seed, options.method, options.n_jobs)
            print(f"seed {seed}: {scenario['source']} to {scenario['target']}")
            print(format_table(rows), flush=True)
        return
    scenario, ispl, rows = run_demo(
        options.seed, options.method, options.n_jobs, verbose=True
    )
    print(
        f"Digits, {scenario['poisoned'].sum()} of {len(scenario['y'])} rows poisoned: "
        f"a triggered {scenario['source']} is labelled {scenario['target']}.\n"
    )
    print(format_table(rows))
    plot_demo(scenario, ispl).savefig(options.output, dpi=120)
    print(f"\nPicture: {options.output}")


if __name__ == "__main__":
    main()
