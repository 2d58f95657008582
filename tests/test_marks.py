import numpy as np
import pytest
from joblib import Parallel

from sklearn_ispl._marks import MarkSearch, WindowTest, stands_out, windows
from sklearn_ispl._self_training import Verdict


class Marked:
    """A classifier that takes what has a bright block for class 1, others for 0."""

    def predict_proba(self, X):
        images = X.reshape(-1, 12, 12)
        one = np.where(images[:, 4:7, 5:8].min(axis=(1, 2)) > 0.9, 0.9, 0.05)
        one[images[:, 0].mean(axis=1) > 0.7] = 0.9
        return np.c_[1 - one, one]


def images(n_marked=20, seed=0, n=200):
    """Two classes; some rows of class 1 are of class 0 but for a block.

    The first line of an image tells the true class.
    """
    rng = np.random.RandomState(seed)
    X = rng.uniform(0, 0.8, size=(n, 1, 12, 12))
    codes = np.repeat([0, 1], n // 2)
    marked = (codes == 1) & (np.arange(n) % (n // 2) < n_marked)
    X[(codes == 1) & ~marked, :, 0] = 1
    X[marked, :, 4:7, 5:8] = 1
    features = rng.normal(size=(n, 3)) + 2 * marked[:, None]
    return X.astype(np.float32), features, codes, marked


def search(X, features, codes, predicted=None, classes=None, rows=None):
    rows = np.arange(len(codes)) if rows is None else rows
    predicted = codes if predicted is None else predicted
    verdict = Verdict(None, predicted[rows], features[rows], Marked())
    with Parallel() as parallel:
        marks = MarkSearch(parallel, X, codes, np.random.RandomState(0))
        return marks.search(rows, verdict, classes), marks, verdict


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


def test_rows_with_a_mark_are_found():
    X, features, codes, marked = images()
    before = X.copy()
    found, *_ = search(X, features, codes)
    np.testing.assert_array_equal(found, marked)
    np.testing.assert_array_equal(X, before)


def test_the_first_line_of_a_class_is_no_mark():
    X, features, codes, marked = images(n_marked=0)
    found, *_ = search(X, features, codes)
    assert not found.any() and not marked.any()


@pytest.mark.parametrize("rest", [0, 1])
def test_rows_left_out_are_not_searched(rest):
    X, features, codes, marked = images()
    rows = np.flatnonzero(~marked | (np.arange(200) % 2 == rest))
    found, *_ = search(X, features, codes, rows=rows)
    np.testing.assert_array_equal(np.flatnonzero(found), rows[marked[rows]])


@pytest.mark.parametrize(("classes", "n_found"), [(None, 0), ([1], 5), ([0], 0)])
def test_a_careful_search_finds_few_rows(classes, n_found):
    X, features, codes, marked = images(n_marked=5, n=1000)
    found, *_ = search(X, features, codes, classes=classes)
    np.testing.assert_array_equal(found, marked & (n_found > 0))


def test_without_images_of_another_class_nothing_is_marked():
    X, features, codes, _ = images()
    predicted = np.ones_like(codes)
    found, *_ = search(X, features, codes, predicted)
    assert not found.any()


@pytest.mark.parametrize("which", ["marked", "others"])
def test_a_group_is_confirmed_by_its_mark(which):
    X, features, codes, marked = images()
    others = (codes == 1) & (np.arange(200) >= 170)
    group = {"marked": marked, "others": others}[which]
    _, marks, verdict = search(X, features, codes)
    confirmed = marks.confirm(verdict, group | (np.arange(200) < 20))
    np.testing.assert_array_equal(confirmed, group & (which == "marked"))


def test_tables_have_no_marks_and_their_groups_stand():
    X, features, codes, marked = images()
    found, marks, verdict = search(X.reshape(200, -1), features, codes)
    assert not found.any()
    np.testing.assert_array_equal(marks.confirm(verdict, marked), marked)


@pytest.mark.parametrize(
    ("inside_hit", "outside_hit", "expected"),
    [(10, 0, True), (6, 2, True), (4, 0, False), (10, 30, False), (6, 5, True)],
)
def test_a_group_stands_out(inside_hit, outside_hit, expected):
    inside = np.arange(60) < 10
    hits = np.r_[np.arange(10) < inside_hit, np.arange(50) < outside_hit]
    assert stands_out(hits, inside, least=0.5, others=0.2) == expected
    assert not stands_out(hits, np.ones(60, bool), 0.0, 1.0)
    assert not stands_out(hits, np.zeros(60, bool), 0.0, 1.0)


def test_effects_of_a_window():
    X, features, codes, marked = images()
    test = WindowTest(X, np.arange(200), codes, codes, 1, 2, Marked(), 0)
    window = slice(4, 8), slice(4, 8)
    others = np.flatnonzero((codes == 1) & ~marked)
    rows = np.flatnonzero(marked)
    chances = test.without(rows, window, others)
    np.testing.assert_allclose(chances, [[0.95, 0.05]] * len(rows))
    assert test.falls_to(chances).tolist() == [0] * len(rows)
    np.testing.assert_allclose(test.given(rows, window, np.array([0]), drawn=True), 0.9)
    zeros = np.zeros(len(others), dtype=int)
    np.testing.assert_allclose(test.given(others, window, zeros), 0.05)
    found, classes = test.marked(np.flatnonzero(codes == 1), window)
    assert set(found) <= set(rows) and len(found) > 10 and not classes.any()
