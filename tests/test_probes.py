from functools import partial

import numpy as np
import pytest

from conftest import looks_of, ten_poisoned_classes
from sklearn_ispl import _probes
from sklearn_ispl._discriminant import Discriminant
from sklearn_ispl._probes import (
    ProbeSettings,
    _looks,
    contradicted_rows,
    half_way,
    rank_among,
    typicality,
)


def test_rows_like_the_held_out_ones_have_a_mean_rank_of_one_half():
    rng = np.random.RandomState(0)
    confidence, given = rng.beta(5, 1, size=2000), rng.beta(5, 1, size=2000)
    zeros = np.zeros(2000, dtype=int)
    assert rank_among(zeros, confidence, zeros, given).mean() == pytest.approx(
        0.5, abs=0.03
    )


def test_a_rank_is_among_the_rows_of_the_class_predicted():
    codes, given = np.repeat([0, 1], 4), np.r_[0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9]
    rank = rank_among(np.array([0, 1]), np.array([0.35, 0.65]), codes, given)
    np.testing.assert_array_equal(rank, [0.75, 0.25])


def test_a_class_without_held_out_rows_is_ranked_among_all():
    rank = rank_among(np.array([5]), np.array([0.5]), np.zeros(4, int), np.arange(4.0))
    assert rank == [0.25]


@pytest.mark.parametrize(("class_folds", "most"), [(5, 0.25), (20, 0.27)])
def test_rows_are_typical_of_the_class_that_they_came_from(
    class_folds, most, monkeypatch
):
    """With more classes left out at a time, clean rows are less typical of others."""
    settings = partial(ProbeSettings, class_folds=class_folds)
    monkeypatch.setattr(_probes, "ProbeSettings", settings)
    truth, codes, _, poisoned = ten_poisoned_classes()
    both, ranks = asked_about(truth, codes, np.arange(600))
    assert both.shape == ranks.shape == (2, 600) and not (both == codes).any()
    (predicted, _), (typical, _) = both, ranks
    clean = truth == codes
    apart = np.setdiff1d(poisoned, np.flatnonzero(predicted != truth))
    assert len(apart) > 15 and typical[apart].mean() == pytest.approx(0.5, abs=0.2)
    assert typical[clean].mean() < most


def test_each_of_ten_classes_is_left_out_alone(monkeypatch):
    truth, codes, _, _ = ten_poisoned_classes()
    left_out = []

    def recorded(activations, labels, shrinkage):
        left_out.append(np.setdiff1d(codes, labels).tolist())
        return Discriminant(activations, labels, shrinkage)

    monkeypatch.setattr(_probes, "Discriminant", recorded)
    asked_about(truth, codes, np.arange(600))
    assert sorted(left_out) == [[code] for code in range(10)]


def asked_about(truth, codes, rows):
    known, rng = np.zeros(600, dtype=bool), np.random.RandomState(0)
    return typicality(looks_of(truth), codes, rows, known, rng)


@pytest.mark.parametrize("classes", [[], [3], [2, 7]])
def test_rows_of_classes_that_are_not_asked_about_change_nothing(classes):
    truth, codes, _, _ = ten_poisoned_classes()
    asked = np.isin(codes, classes)
    every = asked_about(truth, codes, np.arange(600))
    some = asked_about(truth, codes, np.flatnonzero(asked))
    for all_rows, rows in zip(every, some):
        np.testing.assert_array_equal(rows, np.where(asked, all_rows, 0))


def test_the_second_look_is_without_what_most_rows_are_taken_for():
    chances = np.array([[0, 0.2, 0.8], [0.3, 0.1, 0.6], [0.7, 0.3, 0]])
    labels = np.array([0, 0, 0, 1, 1, 1, 2])
    theirs = np.full((7, 3), 0.1)
    theirs[np.arange(7), labels] = 0.5
    (first, rank), (second, rank_again) = _looks(chances, theirs, labels)
    assert first.tolist() == [2, 2, 0] and second.tolist() == [1, 0, 0]
    # Of class 2 too few are held out, so that they are ranked among all.
    np.testing.assert_array_equal(rank, [1, 1, 1])
    # Without class 2, the chances of labels are 5/6, and of these rows 1, 3/4 and 7/10.
    np.testing.assert_array_equal(rank_again, [1, 0, 0])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_that_are_surely_of_one_class_are_not_typical_of_another(dtype):
    chances, theirs = np.eye(3, dtype=dtype)[[0, 0]], np.eye(3, dtype=dtype)
    labels = np.repeat([0, 1, 2], 4)
    (_, rank), (taken_for, rank_again) = _looks(chances, theirs[labels], labels)
    assert rank.tolist() == [1, 1]
    assert not rank_again.any() and np.isin(taken_for, [0, 1, 2]).all()


@pytest.mark.filterwarnings("error")
def test_a_look_at_one_class_alone_says_nothing_more():
    looks = _looks(np.ones((2, 1)), np.ones((4, 1)), np.zeros(4, dtype=int))
    (_, rank), (taken_for, rank_again) = looks
    assert rank.tolist() == [1, 1]
    assert taken_for.tolist() == [0, 0] and not rank_again.any()


def contradicted_in(activations, codes, apart=()):
    apart = np.isin(np.arange(len(codes)), apart)
    rng = np.random.RandomState(3)
    return contradicted_rows([activations], codes, apart, rng)


def test_probes_half_way_see_so_many_components():
    activations = np.random.RandomState(0).normal(size=(300, 200))
    assert half_way(activations, np.random.RandomState(0)).shape == (300, 100)
    few = half_way(activations[:, :7], np.random.RandomState(0))
    assert few.shape == (300, 7)


def test_rows_of_other_classes_are_contradicted():
    truth, codes, _, poisoned = ten_poisoned_classes()
    contradicted = contradicted_in(looks_of(truth), codes, poisoned)
    assert contradicted[poisoned].all()
    # Of the rows of other classes so many are taken for contradicted.
    assert contradicted[codes == truth].mean() == pytest.approx(0.02, abs=0.02)


def test_rows_that_teach_the_probes_their_label_are_not_contradicted():
    truth, codes, features, poisoned = ten_poisoned_classes(n_poisoned=300)
    looks = np.c_[looks_of(truth), features]
    taught = contradicted_in(looks, codes, poisoned[:20])
    untaught = contradicted_in(looks, codes, poisoned)
    assert taught[poisoned].mean() < 0.1 and untaught[poisoned].mean() > 0.9


def test_probes_are_fitted_to_no_row_that_is_apart():
    truth, codes, _, poisoned = ten_poisoned_classes()
    rest = np.setdiff1d(np.arange(600), poisoned)
    far = looks_of(truth)
    near = far.copy()
    far[poisoned] += 1000
    found, moved = (contradicted_in(one, codes, poisoned)[rest] for one in (near, far))
    np.testing.assert_array_equal(found, moved)


def test_without_rows_apart_nothing_is_contradicted():
    truth, codes, _, _ = ten_poisoned_classes()
    contradicted = contradicted_in(looks_of(truth), codes)
    assert contradicted.dtype == bool and not contradicted.any()


def test_where_all_classes_have_rows_apart_those_left_are_the_measure():
    truth, codes, _, poisoned = ten_poisoned_classes()
    clean = [np.flatnonzero(codes == code)[:20] for code in range(10) if code != 3]
    apart = np.concatenate([poisoned, *clean])
    contradicted = contradicted_in(looks_of(truth), codes, apart)
    assert contradicted[poisoned].all()
    assert contradicted[codes == truth].mean() < 0.06


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("n_left", [0, 1, 2, 12])
def test_where_next_to_nothing_is_left_next_to_nothing_is_contradicted(n_left):
    truth, codes, _, _ = ten_poisoned_classes()
    rows = np.arange(600)
    left = rows % 50 == 0
    left[np.flatnonzero(left)[n_left:]] = False
    apart = np.union1d(rows[:10], rows[~left])
    contradicted = contradicted_in(looks_of(truth), codes, apart)
    assert contradicted.mean() < 0.5


def test_labels_that_exist_once_do_not_silence_the_probes():
    truth, codes, _, poisoned = ten_poisoned_classes()
    clean = np.flatnonzero((truth == codes) & (codes != 3))
    codes[clean[::18]] = np.arange(10, 10 + len(clean[::18]))
    contradicted = contradicted_in(looks_of(truth), codes, (poisoned,))
    assert contradicted[poisoned].mean() > 0.9


class KnowsItsRows:
    """A probe that is sure of the rows that it was fitted to."""

    def __init__(self, rows, codes):
        self.rows, self.classes = rows, np.unique(codes)

    def log_chances(self, rows):
        known = np.isin(rows, self.rows)
        return np.repeat(np.where(known, -1.0, -2.0), len(self.classes), axis=1)


@pytest.mark.parametrize("n_none", [0, 1])
def test_labels_are_judged_by_probes_of_other_folds(monkeypatch, n_none):
    made = []

    def probe(rows, codes, shrinkage):
        made.append(KnowsItsRows(rows, codes))
        return None if len(made) <= n_none else made[-1]

    monkeypatch.setattr(_probes, "_probe", probe)
    rows, settings = np.arange(60.0)[:, None], _probes.ProbeSettings()
    everything = np.ones(60, dtype=bool)
    rng = np.random.RandomState(0)
    chances = _probes._of_labels(rows, np.arange(60) % 3, everything, rng, settings)
    judged = chances == -2
    # Of a fold without a probe nothing is said, and of all others it is.
    n_judged = 60 * (settings.n_folds - n_none) // settings.n_folds
    assert len(made) == settings.n_folds and judged.sum() == n_judged
    assert (chances[~judged] < -100).all()
