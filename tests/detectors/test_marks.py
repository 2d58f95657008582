import numpy as np
import pytest
from joblib import Parallel

from sklearn_ispl._groups import Group
from sklearn_ispl.detectors._marks import _varying, _varying_groups, find_marks
from sklearn_ispl.detectors._shared import Candidate, look_alikes
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


def search(X, codes, predicted=None, model=None):
    predicted = codes if predicted is None else predicted
    features, model = X.mean(axis=(1, 2)), model or AnswersToABlock()
    verdict = Verdict(None, predicted, features, estimator=model)
    return find_marks(Parallel(), X, codes, verdict, np.random.RandomState(0))


@pytest.mark.parametrize(
    ("n_marked", "n", "found"), [(20, 200, True), (5, 800, True), (3, 200, False)]
)
def test_rows_with_a_mark_are_found_if_there_are_four(n_marked, n, found):
    X, codes, marked = images(n_marked, n=n)
    before = X.copy()
    rows = search(X, codes)
    np.testing.assert_array_equal(rows.exact, marked & found)
    assert not rows.groups
    np.testing.assert_array_equal(X, before)
    block = np.full((1, 12, 12), np.nan)
    block[:, 4:7, 5:8] = 1
    assert list(rows.marks) == [1] * found
    for mark in rows.marks.values():
        np.testing.assert_array_equal(mark, block)


@pytest.mark.parametrize(("share", "found"), [(0.6, True), (0.9, False)])
def test_a_mark_is_found_where_most_of_the_class_has_most_of_it(share, found):
    X, codes, marked = images(n=400)
    others = np.flatnonzero((codes == 1) & ~marked)
    X[others[: int(share * len(others))], :, 5:7, 5:8] = 1
    rows = search(X, codes)
    np.testing.assert_array_equal(rows.exact, marked & found)
    if found:
        assert np.isfinite(rows.marks[1]).sum() == 9


def test_rows_that_the_model_does_not_know_are_found_by_their_pixels():
    X, codes, marked = images()
    predicted = np.where(np.arange(200) % 2, codes, 0)
    found = search(X, codes, predicted)
    np.testing.assert_array_equal(found.exact, marked)


def test_the_first_line_of_a_class_is_no_mark():
    X, codes, marked = images(n_marked=0)
    found = search(X, codes)
    assert not found.exact.any() and not found.groups and not marked.any()


@pytest.mark.parametrize("n_known", [(100, 0), (0, 100), (100, 7), (0, 0)])
def test_without_rows_to_ask_about_nothing_is_marked(n_known):
    X, codes, _ = images()
    known = np.arange(200) % 100 < np.take(n_known, codes)
    found = search(X, codes, np.where(known, codes, 1 - codes))
    assert not found.exact.any() and not found.groups and not found.marks


def test_pixels_in_common_that_flip_no_image_are_no_mark(monkeypatch):
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
    assert test.flip_rate(zeros, window, mark, colors) == 0
    test.predict = AnswersToABlock().predict_proba
    assert test.flip_rate(zeros, window, mark, colors) == 1

    def marked_here(self, tried, here):
        return tried[marked[tried] & (here == window)]

    # Whatever windows say, the pixels have the last word.
    monkeypatch.setattr(WindowTest, "marked", marked_here)
    for model, expected in [(FirstLine(), False), (AnswersToABlock(), True)]:
        found = search(X, codes, model=model)
        np.testing.assert_array_equal(found.exact, marked & expected)
        assert not found.groups and bool(found.marks) == expected


def test_marks_that_vary_are_sought_in_rows_that_no_pixels_explain(monkeypatch):
    X, codes, marked = images()
    rows, others = np.flatnonzero(marked), np.arange(180, 186)
    asked = []

    def varying_rows(test, window, left, exact):
        asked.append((left.tolist(), exact.tolist()))
        return Group(left, np.array([149, 150]))

    def marked_here(self, tried, window):
        here = np.r_[rows, others] if window == (slice(4, 8), slice(4, 8)) else rows[:0]
        return np.intersect1d(tried, here)

    monkeypatch.setattr(WindowTest, "marked", marked_here)
    monkeypatch.setattr("sklearn_ispl.detectors._marks.varying_rows", varying_rows)
    found = search(X, codes)
    assert asked == [(others.tolist(), rows.tolist())]
    np.testing.assert_array_equal(found.exact, marked)
    (group,) = found.groups
    assert [rows.tolist() for rows in group] == [others.tolist(), [149, 150]]


@pytest.mark.parametrize("moved", [True, False])
def test_where_no_mark_was_moved_the_window_is_followed(monkeypatch, moved):
    rows, others = np.arange(5), np.arange(5, 9)
    found = Candidate(None, others, rows, None, None, 0.0)
    answers = {"moved_rows": Group(rows) if moved else None}
    answers["varying_rows"] = Group(others)
    for name, answer in answers.items():
        monkeypatch.setattr(
            f"sklearn_ispl.detectors._marks.{name}", lambda *a, one=answer: one
        )
    group = _varying(None, found, rows[:0], [])
    np.testing.assert_array_equal(group.rows, rows if moved else others)


def test_rows_of_a_group_that_may_be_clean_are_sought_again(monkeypatch):
    leads = {(0, 20): (0, 60), (0, 41): None, (5, 14): (5, 16), (80, 90): (40, 90)}
    leads |= {(70, 76): (70, 74), (94, 97): None}
    asked = []

    def varying_rows(test, window, marked, exact):
        asked.append((marked[0], marked[-1] + 1))
        fringe = np.array([99])
        return Group(np.arange(*leads[asked[-1]]), fringe)

    monkeypatch.setattr("sklearn_ispl.detectors._marks.varying_rows", varying_rows)
    none, exact = np.arange(0), np.arange(76, 80)
    tried = [Candidate(None, np.arange(*one), none, None, None, 0.0) for one in leads]
    groups = _varying_groups(None, [*tried, tried[2]], exact)
    # Not what most of a group is once more, nor fewer rows than four.
    assert asked == [(0, 20), (5, 14), (80, 90), (70, 76)]
    found = [(rows[0], rows[-1] + 1, len(fringe)) for rows, fringe in groups]
    # What is in a group has no fringe.
    assert found == [(0, 60, 1), (5, 16, 0), (40, 90, 1), (70, 74, 0)]


def test_rows_with_a_pattern_that_few_share_are_sought_for_marks_that_vary(monkeypatch):
    X, codes, marked = images(n_marked=8)
    monkeypatch.setattr(
        "sklearn_ispl.detectors._marks.pattern_groups",
        lambda *a, **k: [np.arange(180, 190)],
    )
    monkeypatch.setattr(
        WindowTest, "marked", lambda self, tried, window: tried[tried >= 185]
    )
    asked = []

    def varying_rows(test, window, rows, exact):
        asked.append((rows.tolist(), exact.tolist()))
        return Group(rows)

    monkeypatch.setattr("sklearn_ispl.detectors._marks.varying_rows", varying_rows)
    found = search(X, codes)
    assert asked[0] == ([*range(185, 200)], np.flatnonzero(found.exact).tolist())
    # Of class 0 the pattern alone: no row of it has the window.
    assert [group.rows[0] for group in found.groups] == [180, 180, 185]
