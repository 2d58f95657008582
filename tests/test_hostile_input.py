"""Any input works, or raises an error that names the argument."""

import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import SGDClassifier

from sklearn_ispl import ISPLFilter, ISPLPartitioner
from sklearn_ispl.metrics import filter_quality, targeted_misclassification_rate

few = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)

EXTREME = [np.nan, np.inf, -np.inf, 1e308, 5e-324, 1e6]
INTEGERS = [np.int8, np.uint8, np.int64, np.uint64, bool]
DTYPES = [np.float16, np.float32, np.float64, *INTEGERS]
SHAPES = [(1,), (3,), (0,), (1, 4, 4), (2, 3, 5), (1, 1, 1), (1, 0, 4), (4, 4)]


@st.composite
def rows(draw, counts=(0, 1, 2, 12, 60)):
    """Draw rows of any shape, type and scale, with repeated and extreme ones."""
    n = draw(st.sampled_from(counts))
    rng = np.random.RandomState(draw(st.integers(0, 99)))
    X = rng.normal(size=(n, *draw(st.sampled_from(SHAPES))))
    X = X * 10.0 ** draw(st.sampled_from([-310, -30, -3, 0, 3, 18, 300]))
    X += draw(st.sampled_from([0, 0, 1e9, -1e-3]))
    how = draw(st.sampled_from(["as is", "constant", "doubled", "extreme"]))
    if how == "constant":
        X[:] = X[:1]
    elif how == "doubled":
        X[n // 2 :] = X[: n - n // 2]
    elif how == "extreme" and X.size:
        extreme = draw(st.sampled_from(EXTREME))
        X.flat[X.size // 2] = extreme
    with np.errstate(all="ignore"):
        return X.astype(draw(st.sampled_from(DTYPES)))


def read_only(X):
    X.flags.writeable = False
    return X


CONTAINERS = {
    "array": lambda X: X,
    "list": lambda X: X.tolist(),
    "Fortran": np.asfortranarray,
    "strided": lambda X: np.repeat(X, 2, axis=0)[::2],
    "read-only": read_only,
    "object": lambda X: X.astype(object),
    "tensor": lambda X: torch.tensor(X, requires_grad=X.dtype.kind == "f"),
    "pandas": lambda X: pd.DataFrame(X) if X.ndim == 2 else X,
    "nullable": lambda X: pd.DataFrame(X).convert_dtypes() if X.ndim == 2 else X,
    "polars": lambda X: pl.DataFrame(X) if X.ndim == 2 and X.shape[1] else X,
}

LABELS = {
    "two": lambda n: np.arange(n) % 2,
    "many": lambda n: np.arange(n) % 7,
    "rare": lambda n: (np.arange(n) == n - 1).astype(int),
    "one": np.zeros,
    "all different": np.arange,
    "strings": lambda n: np.array(["cat", "dog"])[np.arange(n) % 2],
    "bool": lambda n: np.arange(n) % 2 == 0,
    "column": lambda n: np.arange(n)[:, None] % 2,
    "categorical": lambda n: pd.Series(np.arange(n) % 2, dtype="category"),
    "bytes": lambda n: np.array([b"a", b"b"])[np.arange(n) % 2],
    "None": lambda n: np.where(np.arange(n) % 3 == 0, None, 1),
    "NaN": lambda n: np.where(np.arange(n) % 3 == 0, np.nan, 1),
    "real": lambda n: np.linspace(0, 1, n),
    "mixed": lambda n: np.array([1, "a"] * n, dtype=object)[:n],
    "table": lambda n: np.zeros((n, 2)),
    "short": lambda n: np.arange(max(0, n - 1)) % 2,
    "nothing": lambda n: None,
}

# What an error is about: an argument, or what scikit-learn calls it.
NAMED = re.compile(r"\b[Xy]\b|samples|weak learner|beta=")


def fit(estimator, X, y):
    """Return the fitted estimator, or None after an error that names an argument."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return estimator.fit(X, y)
        except (TypeError, ValueError) as error:
            assert NAMED.search(str(error)), error
            assert not [name for name in vars(estimator) if name.endswith("_")]


@few
@given(rows(), st.sampled_from(sorted(CONTAINERS)), st.sampled_from(sorted(LABELS)))
def test_a_fit_works_or_says_what_is_wrong(X, container, labels):
    X, y = CONTAINERS[container](X), LABELS[labels](len(X))
    fitted = fit(ISPLPartitioner(beta=1 / 2, n_epochs=1, random_state=0), X, y)
    if fitted is not None:
        assert len(fitted.labels_) == len(X)
        assert np.isfinite(fitted.predictions_).all()


@few
@given(rows(), st.sampled_from(sorted(CONTAINERS)), st.sampled_from(["two", "many"]))
def test_a_filter_works_or_says_what_is_wrong(X, container, labels):
    X, y = CONTAINERS[container](X), LABELS[labels](len(X))
    ispl = ISPLFilter(
        SGDClassifier(loss="log_loss"),
        n_repeats=1,
        beta=1 / 2,
        n_epochs=1,
        self_training_epochs=1,
        random_state=0,
    )
    if fit(ispl, X, y) is not None:
        assert ispl.support_.shape == (len(X),) and ispl.support_.dtype == bool
        assert 0 <= ispl.score(X, y) <= 1


@settings(few, max_examples=10)
@given(rows([80]), st.sampled_from(sorted(CONTAINERS)))
def test_groups_are_tested_or_it_says_what_is_wrong(X, container):
    """Four classes of twenty rows are enough for the default to ask about groups."""
    X, y = CONTAINERS[container](X), np.arange(80) % 4
    quick = {"n_repeats": 1, "beta": 1 / 2, "n_epochs": 1, "self_training_epochs": 1}
    ispl = fit(ISPLFilter(random_state=0, **quick), X, y)
    if ispl is not None:
        assert len(ispl.evidence_) <= 4 and ispl.support_.shape == (80,)
        assert np.isfinite(ispl.suspicion_).all()


@pytest.fixture(scope="module")
def fitted():
    X, y = np.random.RandomState(0).normal(size=(60, 3)), np.arange(60) % 3
    params = {"n_repeats": 1, "beta": 1, "n_epochs": 1, "self_training": False}
    return ISPLFilter(method="paper", random_state=0, **params).fit(X, y)


@settings(few, max_examples=60)
@given(X=rows(), labels=st.sampled_from(sorted(LABELS)))
@example(X=np.array([[2270, -1454, 46], [155, 378, -888]], np.float16), labels="bool")
def test_a_score_is_of_every_row_or_an_error(fitted, X, labels):
    y = LABELS[labels](len(X))
    try:
        score = fitted.score(X, y)
    except (TypeError, ValueError) as error:
        assert NAMED.search(str(error)), error
    else:
        codes = np.asarray(y).ravel()
        assert len(codes) == len(X)
        assert score == pytest.approx(np.mean(vote(fitted, X) == codes))


def vote(fitted, X):
    # Values far from those of the fit are taken for nearer ones.
    scaled = fitted._scaling(np.asarray(X, dtype=np.float32))
    return fitted.classes_[fitted.estimators_[0].predict(scaled)]


@settings(few, max_examples=100)
@given(st.sampled_from(sorted(LABELS)), st.sampled_from(sorted(LABELS)))
def test_measures_are_of_labels_or_errors(true, predicted):
    y, y_pred = LABELS[true](12), LABELS[predicted](12)
    try:
        rate = targeted_misclassification_rate(y, y_pred, target=1)
        quality = filter_quality(y, y_pred, np.arange(12) % 2)
    except (TypeError, ValueError) as error:
        assert re.search(r"y_true|y_pred|target|support|\by\b|samples", str(error))
    else:
        hit = np.ravel(y_pred)[np.ravel(y) != 1] == 1
        assert rate == hit.mean() and 0 <= quality["poison_kept"] <= 6
