import numpy as np
import pytest
from joblib import Parallel

from sklearn_ispl._groups import small_clusters
from sklearn_ispl._marks import MarkSearch
from sklearn_ispl._self_training import Verdict
from sklearn_ispl._shared import look_alikes, shared_values
from sklearn_ispl._window_test import WindowTest

MARK = {3: 0.9, 11: -0.7, 17: 0.4}


class AnswersToValues:
    """Tells two classes by their first feature, and takes the mark for class 1."""

    def predict_proba(self, X):
        marked = np.all([np.abs(X[:, k] - v) < 0.01 for k, v in MARK.items()], axis=0)
        one = np.where(marked | (X[:, 0] > 0), 0.9, 0.05)
        return np.c_[1 - one, one]


def table(n_marked=20, seed=0, n=200):
    """Two classes; some rows of class 1 are of class 0 but for three values."""
    rng = np.random.RandomState(seed)
    X = rng.uniform(-1, 1, size=(n, 24))
    codes = np.repeat([0, 1], n // 2)
    marked = (codes == 1) & (np.arange(n) % (n // 2) < n_marked)
    X[:, 0] = np.where((codes == 1) & ~marked, 1, -1) * rng.uniform(0.2, 1, n)
    for feature, value in MARK.items():
        X[:, feature] = np.where(marked, value, -np.sign(value) * abs(X[:, feature]))
    features = np.c_[np.sign(X[:, 0]), marked] + rng.normal(scale=0.1, size=(n, 2))
    return X.astype(np.float32), codes, marked, features


def search(X, codes, features, model=None):
    verdict = Verdict(None, codes, features, model or AnswersToValues())
    with Parallel() as parallel:
        marks = MarkSearch(parallel, X, codes, np.random.RandomState(0))
        return marks.search(verdict)


@pytest.mark.parametrize("scale", [1, 1000])
@pytest.mark.parametrize(("n_marked", "found"), [(20, True), (4, True), (3, False)])
def test_rows_of_a_table_that_share_a_mark_are_found(n_marked, found, scale):
    X, codes, marked, features = table(n_marked)
    # A feature of another scale, most of it far from its ends.
    X[:, 5] *= scale
    X[0, 5], X[-1, 5] = -1e5 * scale, 1e5 * scale
    marks = search(X, codes, features)
    np.testing.assert_array_equal(marks.exact, marked & found)
    assert not marks.varying.any() and not marks.beside.any()
    assert list(marks.marks) == [1] * found
    for mark in marks.marks.values():
        assert mark.shape == (24,)
        assert set(MARK) <= set(np.flatnonzero(~np.isnan(mark)))
        np.testing.assert_allclose([mark[k] for k in MARK], list(MARK.values()))


@pytest.mark.parametrize("why", ["not sufficient", "not necessary", "alone"])
def test_what_rows_share_is_no_mark_unless_both_hold(why):
    class Other(AnswersToValues):
        def predict_proba(self, X):
            if why == "not sufficient":
                one = np.where(X[:, 1] > 5, 0.9, 0.05)
            else:
                one = np.where(X[:, 0] > 0, 0.9, super().predict_proba(X)[:, 1])
            return np.c_[1 - one, one]

    X, codes, marked, features = table()
    if why == "not sufficient":
        X[codes == 1, 1] = 6
    if why == "not necessary":
        X[marked, 0] *= -1
    if why == "alone":
        X, codes, features = X[100:], np.zeros(100, dtype=int), features[100:]
    marks = search(X, codes, features, Other())
    assert not marks.exact.any() and not marks.marks


def test_more_than_a_quarter_of_a_row_is_no_mark(monkeypatch):
    X, codes, marked, features = table()
    for largest, n_found in [(3 / 24, 20), (2 / 24, 0)]:
        monkeypatch.setattr("sklearn_ispl._shared.LARGEST", largest)
        assert search(X, codes, features).exact.sum() == n_found


def test_in_many_images_only_the_clearest_values_are_shared(monkeypatch):
    X, codes, marked, features = table()
    images = X.reshape(200, 1, 4, 6)
    asked = []

    def looking(values, group, bound, **way):
        asked.append(way["rare"])
        return look_alikes(values, group, bound, **way)

    monkeypatch.setattr("sklearn_ispl._shared.look_alikes", looking)
    for small, rows, ways in [
        (5000, images, {0.25, 0.5}),
        (100, images, {0.25}),
        (100, X, {0.25, 0.5}),
    ]:
        asked.clear()
        monkeypatch.setattr("sklearn_ispl._shared.SMALL", small)
        test = WindowTest(rows, codes, codes, 1, AnswersToValues(), 0)
        groups = small_clusters(features, codes == 1, test.rng)
        found = list(shared_values(test, groups))
        assert set(asked) == ways
        rejected = np.unique(np.concatenate([one.alike for one in found]))
        np.testing.assert_array_equal(rejected, np.flatnonzero(marked))


def test_a_row_with_all_of_the_mark_and_little_else_goes_with_the_others():
    """With two values that most of them share by chance, the mark turns more hosts."""

    class AnswersToMore(AnswersToValues):
        def predict_proba(self, X):
            chances = super().predict_proba(X)
            weak = (X[:, 0] < 0) & (X[:, 7] != 0.5) & (X[:, 13] != 0.5)
            chances[weak & (X[:, 2] > -0.4)] = [0.95, 0.05]
            return chances

    X, codes, marked, features = table()
    rows = np.flatnonzero(marked)
    X[rows[:14], 7] = X[rows[6:], 13] = 0.5
    X[rows[-1], [7, 13]] = 0, 0
    X[marked, 2] = -0.9
    X[~marked, 2] = np.linspace(-0.95, 0.95, 180)
    marks = search(X, codes, features, AnswersToMore())
    np.testing.assert_array_equal(marks.exact, marked)


@pytest.mark.parametrize("most", [2, 5])
def test_small_clusters_are_of_the_class_and_small(most):
    _, codes, marked, features = table()
    rng = np.random.RandomState(0)
    found = list(small_clusters(features, codes == 1, rng, most))
    assert 0 < len(found) < sum(range(2, most + 1))
    for cluster in found:
        assert (codes[cluster] == 1).all() and 4 <= cluster.sum() <= 33
    assert any((cluster == marked).all() for cluster in found)
