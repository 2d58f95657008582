import numpy as np
import pytest

from conftest import looks_of, ten_poisoned_classes
from sklearn_ispl._groups import as_mask, log_odds
from sklearn_ispl._probes import contradicted_rows
from sklearn_ispl._settling import completed, near, settled, until_settled


def odds_in(views, codes, code=3):
    """Return what probes say of groups of a class, and the numbers of its rows."""
    of_class, rng = np.flatnonzero(codes == code), np.random.RandomState(0)

    def odds(group, over):
        group = as_mask(of_class[group], len(codes))
        return log_odds(views, codes, group, rng, over)[of_class]

    return odds, of_class


def test_a_group_settles_at_the_rows_that_are_like_it():
    """Half of it, and some rows of the rest, are enough to start with."""
    _, codes, features, poisoned = ten_poisoned_classes()
    odds, of_class = odds_in([features], codes)
    group = np.isin(of_class, poisoned)
    start = group & (np.cumsum(group) <= 15) | ~group & (np.cumsum(~group) <= 5)
    np.testing.assert_array_equal(settled(start, odds), group)


@pytest.mark.parametrize(("over", "n_odd"), [(np.min, 0), (np.mean, 5)])
def test_rows_go_with_a_group_where_every_model_agrees(over, n_odd):
    """Five clean rows look like the poison to all but the model that tells least."""
    _, codes, features, poisoned = ten_poisoned_classes(apart=4)
    odd, views = np.setdiff1d(np.flatnonzero(codes == 3), poisoned)[:5], [features]
    for seed in (1, 2):
        views.append(np.random.RandomState(seed).normal(size=features.shape))
        views[-1][np.r_[poisoned, odd]] += 8
    odds, of_class = odds_in(views, codes)
    asked = {np.min: over}
    start = np.isin(of_class, poisoned)
    group = settled(start, lambda group, least: odds(group, asked[least]))
    expected = np.union1d(poisoned, odd[:n_odd])
    np.testing.assert_array_equal(of_class[group], expected)


@pytest.mark.parametrize("apart", [0, 8])
def test_a_group_settles_at_neither_all_of_its_class_nor_nearly_none(apart):
    _, codes, features, poisoned = ten_poisoned_classes(apart=apart)
    of_class = np.flatnonzero(codes == 3)
    features[of_class[:7]] += 8 * apart
    odds, _ = odds_in([features], codes)
    first = np.arange(len(of_class)) < 7
    for start in (first, ~first):
        n_rows = settled(start, odds).sum()
        assert n_rows == start.sum() or 8 <= n_rows <= len(of_class) * 2 / 3


@pytest.mark.parametrize(("n_taken", "is_taken"), [(7, 0), (8, 1), (40, 1), (41, 0)])
def test_a_group_has_eight_rows_and_two_thirds_of_its_class(n_taken, is_taken):
    rows = np.arange(60)
    start, taken = rows >= 50, rows < n_taken
    group = settled(start, lambda *_: np.where(taken, 1.0, 0.0))
    np.testing.assert_array_equal(group, taken if is_taken else start)


def test_a_group_is_completed_by_what_probes_of_the_rest_contradict():
    """Half of the poison is apart from the other half, and taken for the rest."""
    truth, codes, features, poisoned = ten_poisoned_classes(n_poisoned=40)
    features[poisoned[20:], :2] += [-8, 4]
    odds, of_class = odds_in([features], codes)
    rng = np.random.RandomState(0)

    def contradicted(group, other):
        apart = as_mask(of_class[group | other], len(codes))
        return contradicted_rows([looks_of(truth)], codes, apart, rng)[of_class]

    start = np.isin(of_class, poisoned[:20])
    group = settled(start, odds)
    np.testing.assert_array_equal(group, start)
    group = completed(group, odds, contradicted)
    np.testing.assert_array_equal(of_class[group], poisoned)


def test_near_is_the_half_of_the_rest_that_is_most_like_a_group():
    group = np.arange(7) < 2
    found = near(group, np.array([9.0, 0, 1, 5, 2, 4, 3]))
    np.testing.assert_array_equal(np.flatnonzero(found), [3, 5])


def test_what_joins_is_like_the_group_and_contradicted():
    group = np.arange(30) < 8
    contradicted = np.isin(np.arange(30), [8, 10, 12, 27, 28])

    def odds(group, over):
        return np.where(group, 1.0, -1 - np.arange(30) / 100)

    found = completed(group, odds, lambda group, other: contradicted)
    np.testing.assert_array_equal(np.flatnonzero(found), [*range(8), 8, 10, 12])


@pytest.mark.parametrize("n_changes", [0, 3, 99])
def test_steps_end_when_nothing_changes_or_after_ten(n_changes):
    steps = []

    def step(group):
        steps.append(group)
        return np.arange(200) < min(n_changes, len(steps))

    group = until_settled(np.zeros(200, dtype=bool), step)
    assert len(steps) == min(n_changes + 1, 10)
    assert group.sum() == min(n_changes, 10)
