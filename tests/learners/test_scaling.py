import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine

from sklearn_ispl import ISPLFilter
from sklearn_ispl.learners._scaling import scaling_of
from sklearn_ispl.metrics import expansion_error


@pytest.mark.parametrize("load", [load_breast_cancer, load_digits, load_wine])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_usual_data_are_left_as_they_are(load, dtype):
    X = np.ascontiguousarray(load().data, dtype=dtype)
    scaling = scaling_of(X)
    assert not scaling.is_needed()
    np.testing.assert_array_equal(scaling(X), X.astype(np.float32))
    assert (scaling(X) is X) == (dtype == np.float32)
    assert scaling.undo(X) is X


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, bool])
def test_pixels_of_any_type_are_left_as_they_are(dtype):
    X = np.random.RandomState(0).uniform(0, 200, (30, 1, 4, 4)).astype(dtype)
    assert not scaling_of(X).is_needed()


@pytest.mark.parametrize(
    "scale, shift",
    [(1e18, 0), (1e-30, 0), (1e300, 0), (1e-310, 0), (1, 1e9), (1e-5, 1), (1e7, -1e12)],
)
@pytest.mark.parametrize("shape", [(2000, 3), (200, 2, 4, 4)])
def test_scaled_values_can_be_told_apart_and_brought_back(scale, shift, shape):
    Z = np.random.RandomState(0).normal(size=shape)
    X = Z * scale + shift
    scaling = scaling_of(X)
    X32 = scaling(X)
    assert X32.dtype == np.float32 and X32.flags.c_contiguous
    assert 0.1 < X32.std() < 1 and abs(X32.mean()) < 5
    first = [A[:, 0].ravel() for A in (X32, Z)]
    assert np.corrcoef(*first)[0, 1] > 1 - 1e-4
    np.testing.assert_allclose(scaling.undo(X32), X, rtol=1e-5, atol=scale * 1e-4)


def test_features_are_scaled_one_by_one():
    rng = np.random.RandomState(0)
    usual, far = rng.normal(size=(2, 500))
    X = np.c_[usual, 1e9 + far, np.full(500, 7), np.full(500, 1e300)]
    X32 = scaling_of(X)(X)
    np.testing.assert_array_equal(X32[:, 0], usual.astype(np.float32))
    assert X32[:, 1].std() > 0.1
    np.testing.assert_array_equal(X32[:, 2:], np.tile([7, 0], (500, 1)))


@pytest.mark.parametrize("shape", [(300, 4), (300, 1, 2, 2)])
@pytest.mark.parametrize("value", [1e300, -1e18, 1e4])
@pytest.mark.parametrize("rare", [False, True])
def test_a_value_far_from_all_others_comes_nearer(shape, value, rare):
    usual = np.random.RandomState(0).normal(size=shape)
    if rare:
        # Of fewer than one in twenty the spread is that of these alone.
        usual[np.arange(300) % 30 > 0] = 0
    X = usual.copy()
    X[217].flat[2] = value
    X32, expected = scaling_of(X)(X), scaling_of(usual)(usual)
    others = np.ones(shape, dtype=bool)
    others[217].flat[2] = False
    np.testing.assert_array_equal(X32[others], expected[others])
    assert 5 < np.sign(value) * X32[~others][0] < 160


def test_of_values_that_are_all_the_same_but_one_that_one_is_kept():
    X = np.zeros((300, 2))
    X[5, 1] = 3
    np.testing.assert_array_equal(scaling_of(X)(X), X)


@pytest.mark.parametrize("value", [pytest.param(100, marks=pytest.mark.slow), 1e6])
def test_one_row_with_a_huge_value_does_not_hide_the_poison(backdoored_digits, value):
    X, y, poisoned, target = backdoored_digits(0)
    X = X.copy()
    X[np.flatnonzero(~poisoned)[5], 0, 3, 3] = value
    ispl = ISPLFilter(n_repeats=1, random_state=0).fit(X, y)
    assert target in ispl.poisoned_classes_
    assert not (ispl.support_ & poisoned).any()
    assert ispl.support_[~poisoned].mean() > 0.97


@pytest.mark.parametrize(
    "scale, shift",
    [pytest.param(1e18, 0, marks=pytest.mark.slow), (1e-30, 0), (1, 1e9)],
)
def test_poison_is_found_at_any_scale(backdoored_digits, scale, shift):
    X, y, poisoned, target = backdoored_digits(1)
    X = X.astype(np.float64) * scale + shift
    ispl = ISPLFilter(n_repeats=1, random_state=1).fit(X, y)
    assert ispl.poisoned_classes_.tolist() == [target]
    assert not (ispl.support_ & poisoned).any()
    assert ispl.support_[~poisoned].mean() > 0.97
    assert ispl.score(X, y) > 0.6
    (trigger,) = ispl.triggers_
    painted = ~np.isnan(trigger)
    for row in X[poisoned]:
        np.testing.assert_allclose(row[painted], trigger[painted], atol=0.05 * scale)


def test_measures_hold_any_scale():
    X, y = load_iris(return_X_y=True)
    small, large = (
        expansion_error(X * scale, y, n_repeats=1, random_state=0).value
        for scale in (1, 1e30)
    )
    assert large < 0.2 and abs(large - small) < 0.1
