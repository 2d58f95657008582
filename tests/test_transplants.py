import numpy as np
import pytest

from sklearn_ispl._transplants import _distance, flipping_rows, windows


class Marked:
    """A classifier that takes what has a bright block for class 1, others for 0."""

    def __init__(self, knows=True):
        self.knows = knows

    def predict_proba(self, X):
        images = X.reshape(-1, 12, 12)
        marked = images[:, 4:7, 5:8].min(axis=(1, 2)) > 0.9
        one = np.where(marked & self.knows, 0.9, 0.05)
        return np.c_[1 - one, one]


def images(seed=0):
    """Half of each class; every fifth row of class 1 has the block."""
    X = np.random.RandomState(seed).uniform(0, 0.8, size=(200, 1, 12, 12))
    codes = np.repeat([0, 1], 100)
    marked = (codes == 1) & (np.arange(200) % 5 == 0)
    X[marked, :, 4:7, 5:8] = 1
    features = np.random.RandomState(1).normal(size=(200, 3)) + 5 * marked[:, None]
    return X.astype(np.float32), features, codes, marked


@pytest.mark.parametrize(
    "height, width", [(8, 8), (28, 28), (32, 32), (20, 45), (3, 9)]
)
def test_windows_hold_any_small_mark(height, width):
    mark = max(1, round(0.1 * min(height, width)))
    found = windows(height, width)
    for rows, columns in found:
        assert 0 <= rows.start < rows.stop <= height
        assert 0 <= columns.start < columns.stop <= width
    for top in range(height - mark + 1):
        for left in range(width - mark + 1):
            assert any(
                rows.start <= top
                and top + mark <= rows.stop
                and columns.start <= left
                and left + mark <= columns.stop
                for rows, columns in found
            )
    assert len(set(map(str, found))) == len(found)


def test_rows_with_a_trigger_flip_others():
    X, features, codes, marked = images()
    before = X.copy()
    models = Marked(), Marked(knows=False)
    found = flipping_rows(X, features, codes, 1, models, ~marked & (codes == 0), 0)
    assert found
    for rows in found:
        np.testing.assert_array_equal(np.sort(rows), np.flatnonzero(marked))
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize(
    ("code", "models"),
    [(1, (Marked(), Marked())), (1, (Marked(False), Marked(False))), (0, None)],
)
def test_what_the_core_knows_too_is_no_trigger(code, models):
    X, features, codes, _ = images()
    models = models or (Marked(), Marked(knows=False))
    known = codes != code
    assert not flipping_rows(X, features, codes, code, models, known, 0)


def test_without_hosts_nothing_flips():
    X, features, codes, _ = images()
    models = Marked(), Marked(knows=False)
    assert not flipping_rows(X, features, codes, 1, models, codes == 1, 0)


def test_distance_is_that_of_the_means_in_units_of_the_spread():
    rng = np.random.RandomState(0)
    group = np.arange(2000) < 500
    features = rng.normal(size=(2000, 4)) + 3 * group[:, None]
    assert _distance(features, group) == pytest.approx(36 / 8, rel=0.1)
    at_random = rng.permutation(group)
    assert abs(_distance(rng.normal(size=(2000, 4)), at_random)) < 0.02
