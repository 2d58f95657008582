import numpy as np
import pytest
from joblib import Parallel

from sklearn_ispl.detectors._marks import MarkSearch
from sklearn_ispl.detectors._shared import look_alikes
from sklearn_ispl.detectors._window_test import WindowTest
from sklearn_ispl.learners._tasks import Verdict


class AnswersToABlock:
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
    return X.astype(np.float32), codes, marked


def search(X, codes, predicted=None):
    predicted = codes if predicted is None else predicted
    features = X.mean(axis=(1, 2))
    verdict = Verdict(None, predicted, features, estimator=AnswersToABlock())
    with Parallel() as parallel:
        marks = MarkSearch(parallel, X, codes, np.random.RandomState(0))
        return marks.search(verdict)


@pytest.mark.parametrize(
    ("n_marked", "n", "found"), [(20, 200, True), (5, 800, True), (3, 200, False)]
)
def test_rows_with_a_mark_are_found_if_there_are_four(n_marked, n, found):
    X, codes, marked = images(n_marked, n=n)
    before = X.copy()
    marks = search(X, codes)
    np.testing.assert_array_equal(marks.rows, marked & found)
    np.testing.assert_array_equal(X, before)
    block = np.full((1, 12, 12), np.nan)
    block[:, 4:7, 5:8] = 1
    assert list(marks.marks) == [1] * found
    for mark in marks.marks.values():
        np.testing.assert_array_equal(mark, block)


@pytest.mark.parametrize(("share", "found"), [(0.6, True), (0.9, False)])
def test_a_mark_is_found_where_most_of_the_class_has_most_of_it(share, found):
    X, codes, marked = images(n=400)
    others = np.flatnonzero((codes == 1) & ~marked)
    X[others[: int(share * len(others))], :, 5:7, 5:8] = 1
    marks = search(X, codes)
    np.testing.assert_array_equal(marks.rows, marked & found)
    if found:
        assert np.isfinite(marks.marks[1]).sum() == 9


def test_rows_that_the_model_does_not_know_are_found_by_their_pixels():
    X, codes, marked = images()
    predicted = np.where(np.arange(200) % 2, codes, 0)
    found = search(X, codes, predicted)
    np.testing.assert_array_equal(found.rows, marked)


def test_the_first_line_of_a_class_is_no_mark():
    X, codes, marked = images(n_marked=0)
    found = search(X, codes)
    assert not found.rows.any() and not marked.any()


def test_without_images_of_another_class_nothing_is_marked():
    X, codes, _ = images()
    found = search(X, codes, np.ones_like(codes))
    assert not found.rows.any()


def test_pixels_in_common_that_turn_no_image_are_no_mark(monkeypatch):
    """The model does not answer to the block: rows are of class 1 for their line."""

    class FirstLine(AnswersToABlock):
        def predict_proba(self, X):
            one = np.where(X.reshape(-1, 12, 12)[:, 0].mean(axis=1) > 0.7, 0.9, 0.05)
            return np.c_[1 - one, one]

    X, codes, marked = images()
    X[marked, :, 0] = 1
    test = WindowTest(X, codes, codes, 1, FirstLine(), 0)
    window = slice(4, 8), slice(4, 8)
    alike, mark, colors = look_alikes(test.pixels(np.arange(200), window), marked, 0.01)
    np.testing.assert_array_equal(alike, marked)
    zeros = np.zeros(5, dtype=int)
    assert test.turned(zeros, window, mark, colors) == 0
    test.predict = AnswersToABlock().predict_proba
    assert test.turned(zeros, window, mark, colors) == 1

    def marked_here(self, tried, here):
        return tried[marked[tried] & (here == window)]

    # Whatever windows say, the pixels have the last word.
    monkeypatch.setattr(WindowTest, "marked", marked_here)
    for model, expected in [(FirstLine(), False), (AnswersToABlock(), True)]:
        with Parallel() as parallel:
            marks = MarkSearch(parallel, X, codes, np.random.RandomState(0))
            verdict = Verdict(None, codes, X.mean(axis=(1, 2)), estimator=model)
            found = marks.search(verdict)
        np.testing.assert_array_equal(found.rows, marked & expected)
        assert bool(found.marks) == expected


@pytest.mark.parametrize(("turned", "found"), [(0.5, True), (0.49, False)])
def test_a_mark_turns_half_of_other_rows(turned, found, monkeypatch):
    X, codes, marked = images()
    monkeypatch.setattr(WindowTest, "turned", lambda *args: turned)
    np.testing.assert_array_equal(search(X, codes).rows, marked & found)
