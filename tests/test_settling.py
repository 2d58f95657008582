import numpy as np
import pytest

from conftest import looks_of, ten_poisoned_classes
from sklearn_ispl import _settling
from sklearn_ispl._likeness import Sight
from sklearn_ispl._settling import completed, settled


def test_a_group_settles_at_the_rows_that_are_like_it():
    """Half of it, and some rows of the rest, are enough to start with."""
    _, codes, features, poisoned = ten_poisoned_classes()
    of_class = np.flatnonzero(codes == 3)
    rest = np.setdiff1d(of_class, poisoned)
    start = np.sort(np.r_[poisoned[:15], rest[:5]])
    rng = np.random.RandomState(0)
    np.testing.assert_array_equal(
        settled(start, of_class, [features], codes, rng), poisoned
    )


@pytest.mark.parametrize(("over", "n_odd"), [(np.min, 0), (np.mean, 5)])
def test_rows_go_with_a_group_where_every_model_agrees(over, n_odd, monkeypatch):
    """Five clean rows look like the poison to all but the model that tells least."""
    _, codes, features, poisoned = ten_poisoned_classes(apart=4)
    of_class = np.flatnonzero(codes == 3)
    odd, views = np.setdiff1d(of_class, poisoned)[:5], [features]
    for seed in (1, 2):
        views.append(np.random.RandomState(seed).normal(size=features.shape))
        views[-1][np.r_[poisoned, odd]] += 8
    monkeypatch.setattr(_settling.np, "min", over)
    rows = settled(poisoned, of_class, views, codes, np.random.RandomState(0))
    np.testing.assert_array_equal(rows, np.union1d(poisoned, odd[:n_odd]))


@pytest.mark.parametrize("apart", [0, 8])
def test_a_group_settles_at_neither_all_of_its_class_nor_nearly_none(apart):
    _, codes, features, poisoned = ten_poisoned_classes(apart=apart)
    of_class = np.flatnonzero(codes == 3)
    features[of_class[:7]] += 8 * apart
    for start in (of_class[:7], of_class[:-7]):
        rows = settled(start, of_class, [features], codes, np.random.RandomState(0))
        assert len(rows) == len(start) or 8 <= len(rows) <= len(of_class) * 2 / 3


@pytest.mark.parametrize(("n_taken", "is_taken"), [(7, 0), (8, 1), (40, 1), (41, 0)])
def test_a_group_has_eight_rows_and_two_thirds_of_its_class(
    n_taken, is_taken, monkeypatch
):
    of_class, start = np.arange(60), np.arange(50, 60)
    odds = np.where(of_class < n_taken, 1.0, 0.0)
    monkeypatch.setattr(_settling, "log_odds", lambda *_: odds)
    rows = settled(start, of_class, [None], np.zeros(60, dtype=int), None)
    np.testing.assert_array_equal(rows, of_class[:n_taken] if is_taken else start)


def test_a_group_is_completed_by_what_probes_of_the_rest_contradict():
    """Half of the poison is between the group and the rest, and taken for the rest."""
    truth, codes, features, poisoned = ten_poisoned_classes(n_poisoned=40)
    features[poisoned[20:]] -= 6
    of_class, known = np.flatnonzero(codes == 3), np.zeros(600, dtype=bool)
    sight = Sight([features], [looks_of(truth)], np.ones(600))
    rng = np.random.RandomState(0)
    rows = settled(poisoned[:20], of_class, [features], codes, rng)
    np.testing.assert_array_equal(rows, poisoned[:20])
    rows = completed(rows, of_class, sight, codes, known, rng)
    np.testing.assert_array_equal(rows, poisoned)
