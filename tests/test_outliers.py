import numpy as np
import pytest

from sklearn_ispl._outliers import critical, n_outlying


@pytest.mark.parametrize(
    ("n_values", "rate", "expected"),
    # Rosner's table is of the two-sided test, at twice the rate.
    [(25, 0.025, 2.82), (10, 0.025, 2.29), (54, 0.025, 3.16)],
)
def test_critical_values_are_those_of_the_published_table(n_values, rate, expected):
    assert critical(n_values, rate) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("rate", [0.02, 0.1])
@pytest.mark.parametrize(("n_values", "most"), [(5, 1), (10, 1), (10, 2), (43, 4)])
def test_normal_values_stand_out_as_seldom_as_asked_for(rate, n_values, most):
    rng = np.random.RandomState(0)
    draws = -np.sort(-rng.normal(size=(2000, n_values)), axis=1)
    found = np.mean([n_outlying(draw, rate, most) > 0 for draw in draws])
    assert rate / 8 < found < 1.35 * rate


@pytest.mark.parametrize(
    ("largest", "expected"), [([9], 1), ([9, 8.8], 2), ([9, 8.8, 8.6], 0), ([], 0)]
)
def test_two_outliers_do_not_hide_each_other(largest, expected):
    usual = np.random.RandomState(0).normal(size=10)
    values = np.r_[largest, -np.sort(-usual)]
    assert n_outlying(values, 0.02, most=2) == expected


@pytest.mark.parametrize("values", [[], [1.0], [5.0, 1.0], [1.0] * 8, [0.0] * 4])
def test_too_few_values_and_equal_ones_do_not_stand_out(values):
    assert n_outlying(values, 0.5, most=2) == 0
