import numpy as np
import pytest

from conftest import looks_of, ten_poisoned_classes
from sklearn_ispl._likeness import (
    MIN_CLASS,
    Likeness,
    Sight,
    excess_classes,
    likeness,
)
from sklearn_ispl._probes import ProbeSettings


@pytest.mark.parametrize("n_classes", [1, 2, 8])
def test_excess_is_one_half_for_each_class_that_poison_came_from(n_classes):
    group = np.arange(160) < 80
    predicted = np.where(group, np.arange(160) % n_classes, 8)
    typical = np.where(group, 0.5, 0.2)
    excess = excess_classes(group, Likeness(predicted[None, None], typical[None, None]))
    assert excess == pytest.approx(n_classes / 2)


def test_excess_is_nothing_where_the_rest_is_typical_of_the_same_classes():
    predicted, typical = np.arange(80)[None, None] % 4, np.full((1, 1, 80), 0.6)
    assert excess_classes(np.arange(80) < 40, Likeness(predicted, typical)) == 0


def test_excess_is_the_mean_over_the_models_asked():
    group = np.arange(40) < 20
    typical = np.where(group, [[1.0], [0.0]], 0.0)
    predicted = np.where(group, 1, 2)[None].repeat(2, axis=0)
    like = Likeness(predicted[None], typical[None])
    assert excess_classes(group, like) == pytest.approx(0.5)


@pytest.mark.parametrize("first", [0, 1])
def test_excess_is_that_of_the_look_that_sees_most(first):
    """At one look a trigger makes all rows look like class 7."""
    group, truth = np.arange(40) < 20, np.arange(40) % 4
    predicted = np.array([np.where(group, 7, 4), np.where(group, truth, 4)])[:, None]
    order = [first, 1 - first]
    typical = np.where(group, np.full((2, 1, 40), 0.5), 0.1)
    excess = excess_classes(group, Likeness(predicted[order], typical[order]))
    assert excess == pytest.approx(4 / 2)


def test_the_likeness_of_some_rows_is_that_of_all_at_their_numbers():
    like = Likeness(np.arange(8).reshape(1, 2, 4), np.arange(8).reshape(1, 2, 4) / 8)
    some = like.of(np.array([3, 0]))
    assert some.predicted.tolist() == [[[3, 0], [7, 4]]]
    assert some.degree.tolist() == [[[3 / 8, 0], [7 / 8, 4 / 8]]]
    with np.errstate(all="raise"):
        assert excess_classes(np.zeros(4, dtype=bool), like) == 0


def test_typical_and_taught_count_alike():
    like = Likeness(np.zeros((2, 3), dtype=int), np.array([[1, 0.25, 0], [0.5, 1, 1]]))
    both = like.where_taught(np.array([1, 0.25, 0.5]))
    np.testing.assert_allclose(both.degree**2, [[1, 0.0625, 0], [0.5, 0.25, 0.5]])
    assert both.predicted is like.predicted


def test_what_each_model_sees_counts_as_much_whatever_its_scale():
    one, other = np.random.RandomState(0).normal(size=(2, 50, 4))
    sight = Sight([one, 1000 * other], [other[:, :2], 0.01 * one], np.ones(50))
    assert sight.all_features.shape == (50, 8)
    assert sight.all_features[:, :4].std() == pytest.approx(1)
    assert sight.all_features[:, 4:].std() == pytest.approx(1)
    assert [both.shape for both in sight.both] == [(50, 6), (50, 8)]
    for both, n_features in zip(sight.both, (4, 4)):
        assert both[:, :n_features].std() == pytest.approx(1)
        assert both[:, n_features:].std() == pytest.approx(1)


def test_probes_are_asked_of_every_model():
    """To one of two models, all rows look the same."""
    truth, codes, _, poisoned = ten_poisoned_classes()
    looks = [looks_of(truth), np.random.RandomState(0).normal(size=(600, 10))]
    sight = Sight(looks, looks, np.ones(600))
    like = likeness(sight, codes, np.zeros(600, dtype=bool), np.random.RandomState(0))
    n_repeats = ProbeSettings.n_repeats
    assert like.degree.shape == like.predicted.shape == (2, 2 * n_repeats, 600)
    right = (like.predicted[0, :, poisoned].T == truth[poisoned]).mean(axis=1)
    assert right[:n_repeats].min() > 0.7 > 0.3 > right[n_repeats:].max()


@pytest.mark.parametrize("n_rows", [MIN_CLASS - 1, MIN_CLASS])
def test_classes_of_too_few_rows_are_not_asked_about(n_rows):
    truth, codes, _, _ = ten_poisoned_classes()
    rows = np.setdiff1d(np.arange(600), np.flatnonzero(codes == 3)[n_rows:])
    looks = [looks_of(truth)[rows]]
    sight, known = Sight(looks, looks, np.ones(len(rows))), np.zeros(len(rows), bool)
    like = likeness(sight, codes[rows], known, np.random.RandomState(0))
    few = codes[rows] == 3
    assert like.degree[..., few].any() == (n_rows == MIN_CLASS)
    assert like.degree[..., ~few].any()


def test_probes_are_not_fitted_to_rows_that_are_known_to_be_poison():
    truth, codes, _, poisoned = ten_poisoned_classes()
    known, activations = np.isin(np.arange(600), poisoned), looks_of(truth)
    far = activations.copy()
    far[known] += 1000
    found, moved = (
        likeness(Sight([one], [one], None), codes, known, np.random.RandomState(0))
        for one in (activations, far)
    )
    others = codes != 3
    for one, other in zip(found.of(others), moved.of(others)):
        np.testing.assert_array_equal(one, other)
