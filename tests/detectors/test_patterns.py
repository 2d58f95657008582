import numpy as np
import pytest
from joblib import Parallel

from sklearn_ispl.detectors._trigger_search import find_triggers
from sklearn_ispl.detectors._patterns import (
    PatternSettings,
    _settle,
    _values,
    class_means,
    pattern_groups,
    spread_of_values,
)
from sklearn_ispl.detectors._window_test import WindowTest
from sklearn_ispl.learners._tasks import Verdict

PATTERN = np.sign(np.random.RandomState(5).normal(size=(1, 10, 10)))
PATTERN = PATTERN.astype(np.float32)


class AnswersToAPattern:
    """Knows classes by their brightness, and takes what has the pattern for class 2."""

    strength = 0.08

    def __init__(self, pattern=PATTERN):
        self.pattern = pattern

    def predict_proba(self, X):
        images = X.reshape(-1, *self.pattern.shape)
        found = (images * self.pattern).mean(axis=(1, 2, 3)) > self.strength
        codes = np.clip(images.mean(axis=(1, 2, 3)).round(), 0, 2).astype(int)
        codes[found] = 2
        return np.eye(3)[codes] * 0.9 + 0.1 / 3


def images(n_poisoned=20, seed=0, sizes=(400, 400, 100), pattern=PATTERN):
    """Three classes of a brightness each; the last rows of class 2 are of class 0 but
    for a pattern that is blended in.
    """
    rng = np.random.RandomState(seed)
    codes = np.repeat([0, 1, 2], sizes)
    poisoned = np.arange(len(codes)) >= len(codes) - n_poisoned
    levels = np.where(poisoned, 0, codes)
    noise = rng.normal(scale=0.1, size=(len(codes), *pattern.shape))
    X = levels[:, None, None, None] + noise
    X[poisoned] += 0.15 * pattern
    return X.astype(np.float32), codes, poisoned


def search(X, codes, model, code=2, groups=()):
    test = WindowTest(X, codes, codes, code, model, 0)
    means = class_means(X, codes, codes >= 0)
    return every_row(pattern_groups(test, groups, spread_of_values(X, codes), means))


def every_row(groups):
    """Return the rows of groups, each once."""
    return np.unique(np.concatenate([np.array([], dtype=int), *groups]))


@pytest.mark.parametrize("n_poisoned", [10, 20, 33])
@pytest.mark.parametrize("seed", range(3))
def test_rows_with_a_pattern_blended_in_are_found(n_poisoned, seed):
    X, codes, poisoned = images(n_poisoned, seed)
    before = X.copy()
    rows = search(X, codes, AnswersToAPattern())
    np.testing.assert_array_equal(rows, np.flatnonzero(poisoned))
    np.testing.assert_array_equal(X, before)
    for code in (0, 1):
        assert not len(search(X, codes, AnswersToAPattern(), code))


def test_groups_are_where_to_start_too(monkeypatch):
    X, codes, poisoned = images(10)
    monkeypatch.setattr(
        "sklearn_ispl.detectors._patterns._starts", lambda values, rng: []
    )
    near = poisoned[800:] | (np.arange(100) < 3)
    assert not len(search(X, codes, AnswersToAPattern()))
    rows = search(X, codes, AnswersToAPattern(), groups=[near])
    np.testing.assert_array_equal(rows, np.flatnonzero(poisoned))


@pytest.mark.parametrize(
    "why",
    ["none", "unlearned", "by degrees", "too many", "too few", "needless", "strong"],
)
def test_groups_that_no_pattern_makes_are_not_found(why):
    n_poisoned = {"none": 0, "too many": 60, "too few": 3}.get(why, 20)
    X, codes, poisoned = images(n_poisoned)
    model = AnswersToAPattern()
    if why == "unlearned":
        model.strength = np.inf
    if why == "by degrees":
        share = np.linspace(0, 1, 100, dtype=np.float32)[:, None, None, None]
        noise = X[200:300]
        X[800:] = noise + 2 * share + 0.15 * (1 - share) * PATTERN
    if why == "needless":
        # Whatever it is, it is of class 2.
        model.strength = -np.inf
    if why == "strong":
        X[poisoned] += np.float32(0.6) * PATTERN
    assert not len(search(X, codes, model))


def test_its_own_class_explains_no_group():
    X, codes, poisoned = images()
    test = WindowTest(X, codes, codes, 2, AnswersToAPattern(), 0)
    means = class_means(X, codes, codes >= 0)
    means[2] = X[poisoned].mean(axis=0)
    groups = pattern_groups(test, [], spread_of_values(X, codes), means)
    rows = every_row(groups)
    np.testing.assert_array_equal(rows, np.flatnonzero(poisoned))


def test_rows_between_are_found_too():
    X, codes, poisoned = images()
    X[800] += np.float32(0.4) * (0.15 * PATTERN - 2)
    rows = search(X, codes, AnswersToAPattern())
    np.testing.assert_array_equal(rows, [800, *np.flatnonzero(poisoned)])


@pytest.mark.parametrize(
    ("width", "n_between", "found"),
    [(0.2, 0, True), (0.29, 0, False), (0.1, 3, True), (0.1, 4, False)],
)
def test_groups_are_apart_with_next_to_none_between(width, n_between, found):
    values = np.where(np.arange(100) % 4 < 2, width, -width)
    group = np.arange(100) >= 80
    values[group], values[:n_between] = 1, 0.45
    values = values[:, None].astype(np.float32)
    half = np.arange(100) % 2 == 0
    settled, places = _settle(values, group, half)
    np.testing.assert_array_equal(settled, group & found)
    np.testing.assert_array_equal(places > 0.5, group)


@pytest.mark.parametrize(("many", "found"), [(21, True), (22, False)])
def test_rows_between_count_where_few_rows_may_not_differ_a_lot(
    monkeypatch, many, found
):
    X, codes, poisoned = images()
    X[800] += np.float32(0.4) * (0.15 * PATTERN - 2)
    monkeypatch.setattr(PatternSettings, "longest", 0.0)
    monkeypatch.setattr(PatternSettings, "many", many)
    rows = search(X, codes, AnswersToAPattern())
    np.testing.assert_array_equal(rows, [800, *np.flatnonzero(poisoned)] * found)


@pytest.mark.parametrize("table", [False, True])
def test_patterns_are_part_of_the_search_but_in_tables(table):
    X, codes, poisoned = images()
    features = np.random.RandomState(0).normal(size=(900, 2))
    rows = X.reshape(len(X), -1) if table else X
    verdict = Verdict(None, codes, features, estimator=AnswersToAPattern())
    found = find_triggers(Parallel(), rows, codes, verdict, np.random.RandomState(0))
    found_rows = every_row([one.rows for one in found])
    np.testing.assert_array_equal(found_rows, np.flatnonzero(poisoned & (not table)))
    assert all(one.trigger is None for one in found)


def test_spread_is_that_within_classes():
    X, codes, _ = images()
    factor = spread_of_values(X, codes)
    values = X.reshape(len(X), -1).astype(np.float64)
    for code in range(3):
        values[codes == code] -= values[codes == code].mean(axis=0)
    covariance = values.T @ values / len(values)
    shrunk = 0.999 * covariance + 0.001 * np.eye(100) * np.trace(covariance) / 100
    np.testing.assert_allclose(factor @ factor.T, shrunk, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("n", "shape", "n_values"),
    [(40, (3, 40, 40), 13), (900, (1, 10, 10), 100), (9000, (1, 56, 56), 3000)],
)
def test_there_are_rows_enough_for_the_values_looked_at(n, shape, n_values):
    X = np.random.RandomState(0).normal(size=(n, *shape)).astype(np.float32)
    factor = spread_of_values(X, np.arange(n) % 2)
    assert factor.shape == (n_values, n_values) and n_values <= PatternSettings.n_values
    assert np.isfinite(factor).all()


def test_values_are_drawn_from_all_over_the_image():
    places = np.arange(3 * 256 * 256).reshape(1, 3, 256, 256)
    values = _values(places, PatternSettings.n_values)
    np.testing.assert_array_equal(values, _values(places, PatternSettings.n_values))
    assert values.shape == (1, PatternSettings.n_values)
    for part in np.unravel_index(values[0], places.shape[1:]):
        _, counts = np.unique(part, return_counts=True)
        assert len(counts) in (3, 256) and counts.max() < 3 * counts.mean()


@pytest.mark.parametrize(
    ("side", "sizes"), [(28, (400, 400, 100)), (20, (133, 133, 34))]
)
def test_patterns_are_found_in_fewer_rows_than_pixels(side, sizes):
    pattern = np.sign(np.random.RandomState(0).normal(size=(1, side, side)))
    X, codes, poisoned = images(10, sizes=sizes, pattern=pattern)
    rows = search(X, codes, AnswersToAPattern(pattern))
    np.testing.assert_array_equal(rows, np.flatnonzero(poisoned))


def test_many_rows_may_share_a_strong_pattern():
    X, codes, poisoned = images(40, sizes=(400, 400, 160))
    X[poisoned] += np.float32(0.6) * PATTERN
    for n_shared, found in [(40, True), (39, False)]:
        kept = np.arange(len(X)) < len(X) - 40 + n_shared
        rows = search(X[kept], codes[kept], AnswersToAPattern())
        np.testing.assert_array_equal(rows, np.flatnonzero(poisoned & found))


def test_the_nearest_class_alone_will_do(monkeypatch):
    def endless(A, b, maxiter):
        raise RuntimeError("Maximum number of iterations reached.")

    X, codes, poisoned = images()
    monkeypatch.setattr("sklearn_ispl.detectors._patterns.nnls", endless)
    rows = search(X, codes, AnswersToAPattern())
    np.testing.assert_array_equal(rows, np.flatnonzero(poisoned))


def test_images_that_are_all_the_same_have_no_pattern():
    codes = np.repeat([0, 1, 2], 20)
    X = np.zeros((60, 1, 10, 10), dtype=np.float32)
    assert not len(search(X, codes, AnswersToAPattern()))


def test_means_are_of_known_rows():
    X = np.arange(8, dtype=np.float32).reshape(4, 1, 1, 2)
    codes, known = np.array([0, 0, 1, 2]), np.array([True, True, True, False])
    means = class_means(X, codes, known)
    np.testing.assert_array_equal(means[:2, 0, 0], [[1, 2], [4, 5]])
    assert np.isnan(means[2]).all()
