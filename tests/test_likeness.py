import numpy as np
import pytest

from sklearn_ispl._likeness import Likeness, excess_classes


@pytest.mark.parametrize("n_classes", [1, 2, 8])
def test_excess_is_one_half_for_each_class_that_poison_came_from(n_classes):
    group = np.arange(160) < 80
    predicted = np.where(group, np.arange(160) % n_classes, 8)
    typical = np.where(group, 0.5, 0.2)
    excess = excess_classes(group, Likeness(predicted[None], typical[None]))
    assert excess == pytest.approx(n_classes / 2)


def test_excess_is_nothing_where_the_rest_is_typical_of_the_same_classes():
    predicted, typical = np.arange(80)[None] % 4, np.full((1, 80), 0.6)
    assert excess_classes(np.arange(80) < 40, Likeness(predicted, typical)) == 0


def test_excess_is_the_mean_over_the_models_asked():
    group = np.arange(40) < 20
    typical = np.where(group, [[1.0], [0.0]], 0.0)
    predicted = np.where(group, 1, 2)[None].repeat(2, axis=0)
    assert excess_classes(group, Likeness(predicted, typical)) == pytest.approx(0.5)


def test_the_likeness_of_some_rows_is_that_of_all_at_their_numbers():
    like = Likeness(np.arange(8).reshape(2, 4), np.arange(8).reshape(2, 4) / 8)
    some = like.of(np.array([3, 0]))
    assert some.predicted.tolist() == [[3, 0], [7, 4]]
    assert some.degree.tolist() == [[3 / 8, 0], [7 / 8, 4 / 8]]
    with np.errstate(all="raise"):
        assert excess_classes(np.zeros(4, dtype=bool), like) == 0


def test_typical_and_taught_count_alike():
    like = Likeness(np.zeros((2, 3), dtype=int), np.array([[1, 0.25, 0], [0.5, 1, 1]]))
    both = like.where_taught(np.array([1, 0.25, 0.5]))
    np.testing.assert_allclose(both.degree**2, [[1, 0.0625, 0], [0.5, 0.25, 0.5]])
    assert both.predicted is like.predicted
