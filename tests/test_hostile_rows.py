"""Rows that an attacker writes: none may crash a fit, stall it, or hide the poison."""

import numpy as np
import pytest

from sklearn_ispl import ISPLFilter
from sklearn_ispl.exceptions import SmallClassWarning


def fitted(X, y):
    return ISPLFilter(self_training_epochs=10, device="cpu", random_state=0).fit(X, y)


def denormal(X, y):
    X[:5] = 1e-42
    return X, y


def repeated(X, y):
    return np.concatenate([X, np.repeat(X[:1], 3000, axis=0)]), np.r_[y, [y[0]] * 3000]


def blank(X, y):
    X[:20] = 0
    return X, y


def huge_in_each_class(X, y):
    for code in range(10):
        X[np.flatnonzero(y == code)[0], 0, 2, 5] = 1e30
    return X, y


@pytest.mark.parametrize("hostile", [denormal, repeated, blank, huge_in_each_class])
def test_rows_beside_the_poison_do_not_hide_it(backdoored_digits, hostile):
    X, y, poisoned, target = backdoored_digits(1)
    X, y = hostile(X.copy(), y.copy())
    poisoned = np.r_[poisoned, np.zeros(len(y) - len(poisoned), dtype=bool)]
    ispl = fitted(X, y)
    assert target in ispl.poisoned_classes_
    # The first rows are the hostile ones, some of them poisoned before.
    assert not (ispl.support_ & poisoned)[20:].any()
    assert ispl.support_[~poisoned].mean() > 0.95


@pytest.mark.filterwarnings("ignore::sklearn_ispl.exceptions.UnlearnedClassWarning")
def test_labels_that_exist_once_do_not_hide_the_poison(backdoored_digits):
    X, y, poisoned, target = backdoored_digits(1)
    y = y.copy()
    once = np.flatnonzero(~poisoned)[:30]
    y[once] = np.arange(100, 130)
    with pytest.warns(SmallClassWarning, match="have a single row"):
        ispl = fitted(X, y)
    assert target in ispl.poisoned_classes_
    assert not (ispl.support_ & poisoned).any()


def test_a_class_of_poison_alone_takes_no_clean_rows_along(digits):
    X, y = digits
    y, rows = y.copy(), np.arange(0, len(y), 25)
    y[rows] = 77
    assert fitted(X, y).support_[y != 77].mean() > 0.97


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_is_found_deep_in_a_map(tmp_path, digits, value):
    X, y = digits
    mapped = np.memmap(tmp_path / "rows", "float32", "w+", shape=X.shape)
    mapped[:] = X
    mapped[-2, 0, 7, 7] = value
    mapped.flush()
    mapped = np.memmap(tmp_path / "rows", "float32", "r", shape=X.shape)
    with pytest.raises(ValueError, match="X contains (NaN|infinity)"):
        ISPLFilter().fit(mapped, y)


def test_magnitudes_beyond_float32_do_not_matter(digits):
    X, y = digits
    X = X.astype(np.float64)
    X[3, 0, 4, 4] = 1e300
    assert fitted(X, y).support_.mean() > 0.95
