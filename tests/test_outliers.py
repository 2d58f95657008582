import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import t as student

from sklearn_ispl._outliers import level, outlier_levels

# The values alone say what is usual; or what is known beforehand does, too.
NOTHING, PRIOR = (0.0, 0), (0.2, 5)


def so_far_off(n_deviations, n_values):
    """Return values of which the largest is so many deviations of all off the mean."""
    rest = np.random.RandomState(0).normal(size=n_values - 1)
    rest -= rest.mean()
    # It counts in the mean and in the deviation, too.
    off = (1 - 1 / n_values) ** 2 - n_deviations**2 / n_values
    return n_deviations * np.sqrt(rest.var() / off), rest


@pytest.mark.parametrize(
    ("n_values", "expected", "critical"),
    # Rosner's table is of the two-sided test, at twice the level.
    [(25, 0.025, 2.82), (10, 0.025, 2.29), (54, 0.025, 3.16)],
)
def test_levels_are_those_of_the_published_table(n_values, expected, critical):
    largest, rest = so_far_off(critical, n_values)
    values = np.append(rest, largest)
    assert (largest - values.mean()) / values.std(ddof=1) == pytest.approx(critical)
    assert level(largest, rest, *NOTHING) == pytest.approx(expected, rel=0.04)


@pytest.mark.parametrize("others", [[1.0], [1.0] * 9, [0.5, 1.5, 1.0]])
def test_values_up_to_the_mean_of_the_others_are_usual(others):
    for value, expected in [(-1, 1), (0, 1), (1, 1), (9, 0)]:
        found = level(value, np.array(others), *PRIOR)
        assert found == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize("n_degrees", [2, 20])
def test_what_is_known_beforehand_moderates_the_deviation(n_degrees):
    close, wide = np.linspace(-0.1, 0.1, 9), np.linspace(-9, 9, 9)
    assert level(1.0, close, *NOTHING) < 1e-5 < level(1.0, close, 1.0, n_degrees)
    assert level(9.0, wide, 1.0, n_degrees) < level(9.0, wide, *NOTHING)
    surely = 10 * norm.sf(3 / np.sqrt(10 / 9))
    assert level(3.0, close, 1.0, 1e9) == pytest.approx(surely)


@pytest.mark.parametrize("rate", [0.02, 0.1])
@pytest.mark.parametrize(("n_values", "most"), [(5, 1), (10, 1), (10, 2), (43, 4)])
def test_normal_values_stand_out_as_seldom_as_their_level_says(rate, n_values, most):
    rng = np.random.RandomState(0)
    draws = -np.sort(-rng.normal(size=(2000, n_values)), axis=1)
    found = np.mean([outlier_levels(draw, most, *NOTHING)[0] <= rate for draw in draws])
    assert rate / 8 < found < 1.35 * rate


@pytest.mark.parametrize(
    ("largest", "expected"), [([9], 1), ([9, 8.8], 2), ([9, 8.8, 8.6], 0), ([], 0)]
)
def test_two_outliers_do_not_hide_each_other(largest, expected):
    usual = np.random.RandomState(0).normal(size=10)
    levels = outlier_levels(np.r_[largest, -np.sort(-usual)], 2, *NOTHING)
    assert np.sum(levels <= 0.02) == expected
    assert (np.diff(levels) >= 0).all() and (levels[2:] == 1).all()


@pytest.mark.parametrize("values", [[], [1.0], [5.0, 1.0], [1.0] * 8, [0.0] * 4])
def test_too_few_values_and_equal_ones_do_not_stand_out(values):
    assert outlier_levels(values, 2, *PRIOR).tolist() == [1.0] * len(values)


def test_a_deviation_that_is_known_beforehand_counts_for_its_degrees_of_freedom():
    """Nine values that do not vary have eight, beside the five of the prior."""
    scale = np.sqrt(5 * 0.4**2 / 13 * (1 + 1 / 9))
    expected = 10 * student.sf(1 / scale, 13)
    assert level(1.0, np.zeros(9), 0.4, 5) == pytest.approx(expected)


def test_one_of_three_values_may_stand_out():
    levels = outlier_levels([9, 0.1, 0], 1, *PRIOR)
    assert levels[0] < 0.02 and levels[1:].tolist() == [1, 1]


def test_levels_of_several_outliers_are_one_at_most():
    assert outlier_levels([1.1, 1.05, 1, 0.9, 0.8], 2, *PRIOR).max() == 1
