"""What the benchmarks share: data, and ratios taken fairly."""

import json
import os
import statistics
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from sklearn_ispl.datasets import load_image_data

DATA = ["digits", "digits-images", "fashion-mnist", "cifar10", "gtsrb"]


def load_rows(name, n_rows=None, data_home=None, seed=0):
    """Return training rows X (float32) and labels y; `n_rows` are drawn by seed."""
    if name.startswith("digits"):
        X, y = load_digits(return_X_y=True)
        X = (X / 16).astype(np.float32)
        X = X.reshape(-1, 1, 8, 8) if name == "digits-images" else X
    else:
        data = load_image_data(name, data_home=data_home)
        X, y = data.X_train, data.y_train
    if n_rows is None or n_rows >= len(X):
        return X, y
    rows = np.random.RandomState(seed).permutation(len(X))[:n_rows]
    return X[rows], y[rows]


def spread(values):
    """Return the median, the lowest and the highest value as text."""
    median = statistics.median(values)
    return f"{median:.3g} ({min(values):.3g} to {max(values):.3g})"


def timed(function, *args, **kwargs):
    """Return what a function returns, and its seconds."""
    start = time.perf_counter()
    return function(*args, **kwargs), time.perf_counter() - start


def parse_with_results(parser):
    """Return the options of a script that writes JSON lines, and the file of these."""
    parser.add_argument("--data-home")
    parser.add_argument("--out", help="JSON lines, appended to")
    parser.add_argument("--summary", help="only print what is in this file")
    options = parser.parse_args()
    path = options.summary or options.out
    if not path:
        parser.error("give --out, or --summary")
    return options, path


def append_json(path, record):
    """Append one line of JSON, and leave it on the disk."""
    with open(path, "a") as file:
        file.write(json.dumps(record) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read_json(path):
    """Return the records of a file of JSON lines, none where there is no file.

    A line that was cut off is taken out of the file, so that what is appended starts
    on a line of its own.
    """
    path = Path(path)
    if not path.exists():
        return []
    whole, _, cut = path.read_text().rpartition("\n")
    if cut:
        path.write_text(whole + "\n" if whole else "")
    return [json.loads(line) for line in whole.splitlines()]
