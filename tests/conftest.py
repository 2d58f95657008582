"""What the tests share: small real data, and a way to the scripts."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from skorch import NeuralNetClassifier

from sklearn_ispl.datasets import make_dirty_label_backdoor
from sklearn_ispl.modules import ConvNet

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"

DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=pytest.mark.skipif(
            not torch.cuda.is_available(), reason="torch finds no CUDA device here"
        ),
    ),
]


@pytest.fixture(params=DEVICES)
def device(request):
    return request.param


@pytest.fixture(scope="session")
def digits():
    """360 digits as images: X (float32, 0 to 1) and y."""
    X, y = load_digits(return_X_y=True)
    return (X[:360] / 16).astype(np.float32).reshape(-1, 1, 8, 8), y[:360]


@pytest.fixture(scope="session")
def digit_images():
    """1,347 digits as images, as the demo has them."""
    X, y = load_digits(return_X_y=True)
    return (X[:1347] / 16).astype(np.float32).reshape(-1, 1, 8, 8), y[:1347]


@pytest.fixture(scope="session")
def backdoored_digits(digit_images):
    """A function of a seed: X, y, the mask and the target of a drawn backdoor."""

    def poison(seed):
        source, target = np.random.RandomState(seed).choice(10, 2, replace=False)
        X, y, poisoned, _ = make_dirty_label_backdoor(
            *digit_images, source=source, target=target, random_state=seed
        )
        return X, y, poisoned, int(target)

    return poison


@pytest.fixture(scope="session")
def poisoned_digits(digits):
    """The same with a fifth of the fours replaced by triggered sevens."""
    return make_dirty_label_backdoor(
        *digits, source=7, target=4, poison_rate=0.2, random_state=0
    )


def make_net(**params):
    """A skorch net as a user would write it."""
    params = {
        "module": ConvNet,
        "module__width": 8,
        "criterion": torch.nn.CrossEntropyLoss,
        "lr": 0.05,
        "optimizer__momentum": 0.9,
        "batch_size": 16,
        "verbose": 0,
        **params,
    }
    return NeuralNetClassifier(**params)


@pytest.fixture
def import_script(monkeypatch):
    """A function that imports a script of benchmarks/ by name, for one test."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        path = getattr(sys.modules[name], "__file__", None)
        if path and Path(path).parent == BENCHMARKS:
            del sys.modules[name]


def with_wrong_labels(codes):
    codes = codes.copy()
    wrong = np.arange(len(codes)) % 9 == 0
    codes[wrong] = (codes[wrong] + 5) % 10
    return codes, wrong


def looks_of(truth):
    """Return activations that tell the true classes apart, whatever the labels."""
    rng = np.random.RandomState(2)
    return 4 * np.eye(10)[truth] + rng.normal(size=(len(truth), 10))


def ten_poisoned_classes(n_poisoned=30, apart=8):
    """Return true classes, labels, features and the poisoned rows of class 3."""
    rng = np.random.RandomState(0)
    truth = np.repeat(np.arange(10), 60)
    codes = truth.copy()
    poisoned = np.sort(rng.choice(np.flatnonzero(truth != 3), n_poisoned, False))
    codes[poisoned] = 3
    features = rng.normal(size=(600, 5))
    features[poisoned] += apart
    return truth, codes, features, poisoned
