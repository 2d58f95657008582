import numpy as np
import pytest
from joblib import Parallel

from sklearn_ispl.detectors._marks import find_marks
from sklearn_ispl.detectors._shared import Candidate
from sklearn_ispl.detectors._varying import (
    around,
    fringe,
    moved_rows,
    only_group_flips,
    settle,
    varying_rows,
)
from sklearn_ispl.detectors._window_test import WindowTest
from sklearn_ispl.learners._tasks import Verdict

WINDOW = slice(4, 8), slice(4, 8)
NONE = np.array([], dtype=int)


class AnswersToBrightness:
    """Takes what is bright at a place, or has a first line, for class 1."""

    def predict_proba(self, X):
        images = X.reshape(-1, 12, 12)
        bright = images[:, 4:7, 5:8].mean(axis=(1, 2)) > 0.6
        one = np.where(bright | (images[:, 0].mean(axis=1) > 0.7), 0.9, 0.05)
        return np.c_[1 - one, one]


def images(n_marked=20, seed=0, n=200):
    """Two classes; some rows of class 1 are of class 0 but for a bright place.

    No two of them have the same values there.
    """
    rng = np.random.RandomState(seed)
    X = rng.uniform(0, 0.5, size=(n, 1, 12, 12))
    codes = np.repeat([0, 1], n // 2)
    marked = (codes == 1) & (np.arange(n) % (n // 2) < n_marked)
    X[(codes == 1) & ~marked, :, 0] = 1
    X[marked, :, 4:7, 5:8] = rng.uniform(0.5, 1, size=(n_marked, 1, 3, 3))
    return X.astype(np.float32), codes, marked


def rows_of(groups):
    """Return the rows of groups, with those like them."""
    return {row for group in groups for rows in group for row in rows}


@pytest.mark.parametrize("seed", range(3))
def test_rows_with_a_mark_that_varies_are_found(seed):
    X, codes, marked = images(seed=seed, n=400)
    features = X.mean(axis=(1, 2))
    verdict = Verdict(None, codes, features, estimator=AnswersToBrightness())
    found = find_marks(Parallel(), X, codes, verdict, np.random.RandomState(seed))
    assert not found.exact.any() and not found.marks
    group, *parts = found.groups
    np.testing.assert_array_equal(group.rows, np.flatnonzero(marked))
    assert all(marked[part.rows].all() for part in parts)
    # Half of the others of their class.
    assert 85 <= len(group.fringe) <= 95
    every = np.concatenate(group)
    assert len(np.unique(every)) == len(every) and (codes[every] == 1).all()


def test_a_part_of_the_marked_rows_finds_the_others():
    X, codes, marked = images(40, n=400)
    test = WindowTest(X, codes, codes, 1, AnswersToBrightness(), 0)
    some = np.flatnonzero(marked)[:12]
    rows, near = varying_rows(test, WINDOW, some, NONE)
    every = np.r_[rows, near]
    assert marked[every].sum() == 40 and marked[rows].all()
    assert len(np.unique(every)) == len(every)
    assert (codes[every] == 1).all() and 75 <= len(near) <= 85


def test_rows_with_another_mark_are_left_out():
    X, codes, marked = images(40, n=400)
    test = WindowTest(X, codes, codes, 1, AnswersToBrightness(), 0)
    marked = np.flatnonzero(marked)
    found = varying_rows(test, WINDOW, marked[:12], exact=marked[20:])
    assert set(marked[:20]) <= {*found.rows, *found.fringe}
    assert len(found.rows) <= 20
    assert not np.isin(np.concatenate(found), marked[20:]).any()


def test_many_pixels_are_seen_by_their_principal_components(monkeypatch):
    monkeypatch.setattr("sklearn_ispl.detectors._varying.N_COMPONENTS", 5)
    X, codes, marked = images(40, n=400)
    test = WindowTest(X, codes, codes, 1, AnswersToBrightness(), 0)
    rows, near = varying_rows(test, WINDOW, np.flatnonzero(marked)[:12], NONE)
    assert marked[np.r_[rows, near]].sum() == 40 and len(rows) <= 40


def test_the_fringe_of_a_group_is_half_of_the_others():
    odds = np.linspace(-1, 1, 100)
    group = np.isin(np.arange(100), [99, 98, 97, 50])
    expected = [*range(48, 50), *range(51, 97)]
    np.testing.assert_array_equal(np.flatnonzero(fringe(group, odds)), expected)


@pytest.mark.parametrize(
    "which", ["no effect", "all alike", "three rows", "no donor", "constant"]
)
def test_what_is_no_mark_is_not_found(which):
    X, codes, marked = images(3 if which == "three rows" else 20)
    model, known = AnswersToBrightness(), codes
    if which == "all alike":
        # All of the class is as bright there as the group.
        X[codes == 1, :, 4:7, 5:8] = X[marked][np.arange(100) % 20, :, 4:7, 5:8]
    if which == "constant":
        X[codes == 1, :, 4:8, 4:8] = 255
    if which == "no effect":
        model.predict_proba = lambda X: np.full((len(X), 2), 0.5)
    if which == "no donor":
        known = np.where(marked | (codes == 0), codes, 0)
    test = WindowTest(X, codes, known, 1, model, 0)
    assert varying_rows(test, WINDOW, np.flatnonzero(marked), NONE) is None


class KnowsACorner:
    """Gives what has a bright pixel a chance to be of class 1; else as a model."""

    def __init__(self, model, pixel, chance):
        self.model, self.pixel, self.chance = model, pixel, chance

    def predict_proba(self, X):
        _, one = self.model.predict_proba(X).T
        has_it = X.reshape(-1, 12, 12)[:, self.pixel, self.pixel] > 0.98
        one = np.where(has_it, np.maximum(one, self.chance), one)
        return np.c_[1 - one, one]


@pytest.mark.parametrize("rule", ["varying", "moved"])
@pytest.mark.parametrize(("chance", "found"), [(0.1, True), (0.3, False)])
def test_windows_with_what_is_typical_of_a_class_are_no_mark(rule, chance, found):
    X, codes, _ = images(40, n=400) if rule == "varying" else moved_images()
    marked, pixel = np.flatnonzero(codes == 1)[:40], 7 if rule == "varying" else 8
    X[:, :, pixel, pixel] = np.minimum(X[:, :, pixel, pixel], 0.97)
    X[np.setdiff1d(np.flatnonzero(codes), marked), :, pixel, pixel] = 1
    model = AnswersToBrightness() if rule == "varying" else AnswersToBlocks()
    test = WindowTest(X, codes, codes, 1, KnowsACorner(model, pixel, chance), 0)
    if rule == "varying":
        group = varying_rows(test, WINDOW, marked, NONE)
    else:
        group = moved_rows(test, the_pixel(marked), NONE)
    assert found == (group is not None) and (not found or len(group.fringe))


class AnswersToBlocks:
    """Takes what has a block of nine bright pixels, or a first line, for class 1."""

    def __init__(self, needed=True, chance=0.9):
        self.needed, self.chance = needed, chance

    def predict_proba(self, X):
        images = X.reshape(-1, 12, 12)
        blocks = np.lib.stride_tricks.sliding_window_view(images, (3, 3), axis=(1, 2))
        found = (blocks > 0.9).all(axis=(3, 4)).any(axis=(1, 2))
        first = images[:, 0].mean(axis=1) > 0.7
        of_class_1 = images[:, 11, 11] > 0.9
        one = np.where(first, 0.9, np.where(found, self.chance, 0.05))
        one[of_class_1 & (found | ~np.bool_(self.needed))] = 0.9
        return np.c_[1 - one, one]


def moved_images(n=400):
    """Two classes; forty rows of class 1 are of class 0 but for a block near (6, 6)."""
    rng = np.random.RandomState(0)
    X = rng.uniform(0, 0.8, size=(n, 1, 12, 12))
    codes = np.repeat([0, 1], n // 2)
    marked = np.flatnonzero(codes == 1)[:40]
    X[codes == 1, :, 0] = 1
    X[codes == 1, :, 11, 11] = 1
    X[marked, :, 0] = 0.4
    for nth, row in enumerate(marked):
        top, left = 4 + nth % 3, 4 + nth // 3 % 3
        X[row, :, top : top + 3, left : left + 3] = 1
    return X.astype(np.float32), codes, marked


def the_pixel(alike):
    """All that blocks at all places have in common."""
    mark = np.arange(16) == 10
    return Candidate(WINDOW, alike, alike, mark, np.ones((1, 16)), 0.0)


def test_there_is_room_around_pixels_for_more_of_a_mark():
    mark = np.zeros(16, dtype=bool)
    mark[[5, 10]] = True
    assert around(WINDOW, mark, (12, 12)) == (slice(3, 9), slice(3, 9))
    assert around(WINDOW, mark, (8, 40)) == (slice(3, 8), slice(3, 9))
    corner = slice(0, 4), slice(0, 4)
    assert around(corner, mark, (40, 40)) == (slice(0, 7), slice(0, 7))


@pytest.mark.parametrize(("n_known", "chance"), [(12, 0.9), (40, 0.9), (12, 0.4)])
def test_rows_that_share_a_part_of_a_moved_mark_are_found(n_known, chance):
    X, codes, marked = moved_images()
    test = WindowTest(X, codes, codes, 1, AnswersToBlocks(chance=chance), 0)
    rows, near = moved_rows(test, the_pixel(marked[:n_known]), NONE)
    every = np.r_[rows, near]
    assert set(marked) <= set(every) and len(rows) <= 40
    assert len(np.unique(every)) == len(every)
    found = moved_rows(test, the_pixel(marked[:n_known]), marked[8:])
    assert set(marked[:8]) <= set(found.rows)
    assert not np.isin(np.concatenate(found), marked[8:]).any()


@pytest.mark.parametrize("why", ["needless", "harmless", "too many", "alone"])
def test_pixels_shared_by_chance_are_no_part_of_a_mark(why):
    X, codes, marked = moved_images()
    if why == "too many":
        X, codes = X[:270], codes[:270]
    chance = 0.1 if why == "harmless" else 0.9
    known = codes.copy()
    if why == "alone":
        known[np.setdiff1d(np.flatnonzero(codes), marked)] = 0
    model = AnswersToBlocks(why != "needless", chance)
    test = WindowTest(X, codes, known, 1, model, 0)
    assert moved_rows(test, the_pixel(marked), NONE) is None


@pytest.mark.parametrize("n_taken", [0, 4])
def test_the_rows_that_pixels_show_are_found_whatever_a_probe_takes(
    monkeypatch, n_taken
):
    X, codes, marked = moved_images()
    test = WindowTest(X, codes, codes, 1, AnswersToBlocks(), 0)

    def settle(seen, group, rng):
        odds = np.where(group, 0.0, np.where(np.arange(len(group)) >= 170, 1.0, -1.0))
        return group & (np.cumsum(group) <= n_taken), odds

    monkeypatch.setattr("sklearn_ispl.detectors._varying.settle", settle)
    rows, near = moved_rows(test, the_pixel(marked[:12]), NONE)
    assert set(marked[:12]) == set(rows)
    assert bool(len(near)) == bool(n_taken)
    assert not np.isin(near, rows).any()


@pytest.mark.parametrize(
    ("inside", "others", "alike", "expected"),
    [
        (0.19, 0.0, 0, False),
        (0.21, 0.0, 0, True),
        (0.8, 0.19, 50, True),
        (0.8, 0.21, 50, False),
        (0.8, 0.8, 12, True),
        (0.8, 0.8, 13, False),
    ],
)
def test_only_a_group_flips_if_most_others_do_not(inside, others, alike, expected):
    group = np.arange(60) < 10
    rest = np.where(np.arange(60) < 10 + alike, others, 0.0)
    gains = np.where(group, inside, rest)
    assert only_group_flips(gains, group) == expected


@pytest.mark.parametrize(("n_added", "found"), [(0, True), (150, False)])
def test_a_group_that_comes_to_clean_rows_is_not_rejected(monkeypatch, n_added, found):
    X, codes, marked = images(40, n=400)
    test = WindowTest(X, codes, codes, 1, AnswersToBrightness(), 0)

    def taken(seen, group, rng, n_iter=10):
        if n_iter > 2:
            group = group | (np.cumsum(~group) <= n_added)
        return group, np.where(group, 1.0, -1.0)

    monkeypatch.setattr("sklearn_ispl.detectors._varying.settle", taken)
    group = varying_rows(test, WINDOW, np.flatnonzero(marked), NONE)
    assert found == (group is not None) and (not found or len(group.fringe))


def test_what_does_little_from_the_start_is_not_followed(monkeypatch):
    X, codes, marked = images(40, n=400)
    asked = []

    def counted(seen, group, rng, **limits):
        asked.append(limits)
        return settle(seen, group, rng, **limits)

    monkeypatch.setattr("sklearn_ispl.detectors._varying.settle", counted)
    for model, n_asked in [(AnswersToBrightness(), 2), (AnswersToBlocks(), 1)]:
        asked.clear()
        test = WindowTest(X, codes, codes, 1, model, 0)
        group = varying_rows(test, WINDOW, np.flatnonzero(marked), NONE)
        assert len(asked) == n_asked and (group is not None) == (n_asked == 2)


@pytest.mark.parametrize("many", [40, 1])
@pytest.mark.parametrize("n_with", [40, 20])
def test_rows_with_a_pattern_that_many_share_are_not_searched_for_others(
    monkeypatch, many, n_with
):
    X, codes, marked = images(40, n=400)
    features = X.mean(axis=(1, 2))
    verdict = Verdict(None, codes, features, estimator=AnswersToBrightness())
    with_it = np.flatnonzero(marked)[:n_with]

    def pattern_groups(test, *_, **__):
        if test.code == 1:
            yield with_it

    monkeypatch.setattr("sklearn_ispl.detectors._marks.MANY", many)
    monkeypatch.setattr("sklearn_ispl.detectors._marks.pattern_groups", pattern_groups)
    found = find_marks(Parallel(), X, codes, verdict, np.random.RandomState(0))
    shared, groups = found.exact, found.groups
    if n_with < many:
        # Probes of the other rows may clear them.
        few, *groups = found.groups
        np.testing.assert_array_equal(few.rows, with_it)
        assert not shared.any() and set(np.flatnonzero(marked)) <= rows_of(groups)
        return
    np.testing.assert_array_equal(np.flatnonzero(shared), with_it)
    assert bool(groups) == (n_with < 40)
    assert not rows_of(groups) & set(with_it)
    assert set(np.flatnonzero(marked)) - set(with_it) <= rows_of(groups)


def test_rows_with_a_moved_mark_are_a_group_and_parts_of_it():
    X, codes, marked = moved_images()
    features = X.mean(axis=(1, 2))
    verdict = Verdict(None, codes, features, estimator=AnswersToBlocks())
    found = find_marks(Parallel(), X, codes, verdict, np.random.RandomState(0))
    group, *parts = found.groups
    assert parts and np.isin(marked, group.rows).sum() >= 35 and len(group.rows) <= 60
    assert set(marked) - {*np.flatnonzero(found.exact)} <= rows_of(found.groups)
    assert len(group.fringe)
    for part in parts:
        assert np.isin(part.rows, group.rows).mean() > 0.5
        assert not len(part.fringe)
