import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import sem
from sklearn.naive_bayes import GaussianNB

from sklearn_ispl.metrics import (
    compatibility_margin,
    expansion_error,
    n_estimates_for,
    recovery_probability,
)
from sklearn_ispl.metrics._theory import _estimate


@pytest.fixture(scope="module")
def shifted_digits(digits):
    """Digits of which every third row has the label one too high."""
    X, y = digits
    shifted = np.arange(len(y)) % 3 == 0
    return X.reshape(len(X), -1), np.where(shifted, (y + 1) % 10, y), shifted


def bayes():
    return GaussianNB(var_smoothing=0.1)


def test_homogeneous_sets_expand_better_than_mixed_ones(shifted_digits):
    X, y, shifted = shifted_digits
    settings = {"estimator": bayes(), "n_epochs": 1, "alpha": 1, "random_state": 0}
    pure = expansion_error(X, y, ~shifted, **settings)
    assert pure.value < 0.25
    # As many rows, half of them shifted.
    mixed = np.r_[np.flatnonzero(shifted), np.flatnonzero(~shifted)[:120]]
    assert expansion_error(X, y, mixed, **settings).value > pure.value + 0.2
    assert 0 < pure.standard_error < 0.1


def test_error_falls_with_alpha(shifted_digits):
    X, y, shifted = shifted_digits
    small, large = (
        expansion_error(
            X, y, ~shifted, estimator=bayes(), alpha=alpha, n_epochs=1, random_state=0
        ).value
        for alpha in (0.1, 1)
    )
    assert large < small


def test_margin_tells_friend_from_foe(shifted_digits):
    X, y, shifted = shifted_digits
    clean = np.flatnonzero(~shifted)
    settings = {"estimator": bayes(), "n_epochs": 1, "alpha": 1 / 4, "n_repeats": 10}
    first, second = clean[::4], np.setdiff1d(clean, clean[::4])
    friend = compatibility_margin(X, y, first, second, random_state=0, **settings)
    foe = compatibility_margin(X, y, first, shifted, random_state=0, **settings)
    assert friend.value > 3 * friend.standard_error
    assert foe.value < -3 * foe.standard_error


def test_same_seed_same_estimate(digits):
    once, twice = (
        expansion_error(*digits, n_epochs=1, n_repeats=2, random_state=3)
        for _ in range(2)
    )
    assert once == twice
    one = expansion_error(*digits, n_epochs=1, n_repeats=1, random_state=3)
    assert np.isnan(one.standard_error)


@pytest.mark.parametrize("repeats", [[1, 3], [1.0, 3.0, 8.0]])
def test_an_estimate_is_a_mean_and_its_standard_error(repeats):
    value, error = _estimate(repeats)
    assert value == np.mean(repeats) and error == pytest.approx(sem(repeats))


def test_sets_are_checked(digits):
    with pytest.raises(ValueError, match="share rows"):
        compatibility_margin(*digits, [0, 1], [1, 2])
    with pytest.raises(ValueError, match="second is empty"):
        compatibility_margin(*digits, [0, 1], np.zeros(360, dtype=bool))
    with pytest.raises(ValueError, match="rows is empty"):
        expansion_error(*digits, [])
    with pytest.raises(ValueError, match="rows looks like a mask"):
        expansion_error(*digits, np.ones(360, dtype=int))
    with pytest.raises(ValueError, match="'alpha' parameter"):
        expansion_error(*digits, alpha=2)


@given(
    probability=st.floats(0, 0.9999),
    delta=st.floats(0.01, 0.5),
    n_primary=st.integers(1, 50),
    n_others=st.integers(0, 50),
)
def test_number_of_estimates_is_the_smallest_that_suffices(
    probability, delta, n_primary, n_others
):
    sizes = {"n_primary": n_primary, "n_components": n_primary + n_others}
    n_estimates = n_estimates_for(probability, delta, **sizes)
    assert recovery_probability(delta, n_estimates, **sizes) >= probability - 1e-6
    if n_estimates > 1:
        assert recovery_probability(delta, n_estimates - 1, **sizes) <= probability


def test_bound_holds_for_simulated_votes():
    """Losses that are 0 or 1 with an expectation delta below 1/2."""
    delta, n_estimates, n_primary, n_components = 0.3, 25, 3, 4
    bound = recovery_probability(delta, n_estimates, n_primary, n_components)
    assert 0.8 < bound < 1
    rng = np.random.RandomState(0)
    shape = (2000, n_primary * n_components, n_estimates)
    means = (rng.uniform(size=shape) < 1 / 2 - delta).mean(axis=2)
    assert np.mean((means < 1 / 2).all(axis=1)) >= bound


def test_more_primary_than_components_is_an_error():
    with pytest.raises(ValueError, match="n_primary=3 exceeds n_components=2"):
        recovery_probability(0.1, 5, 3, 2)
