import numpy as np
import pytest

from sklearn_ispl._outliers import level, outlier_levels


@pytest.mark.parametrize(
    ("n_values", "expected", "critical"),
    # Rosner's table is of the two-sided test, at twice the level.
    [(25, 0.025, 2.82), (10, 0.025, 2.29), (54, 0.025, 3.16)],
)
def test_levels_are_those_of_the_published_table(n_values, expected, critical):
    assert level(critical, n_values) == pytest.approx(expected, rel=0.04)


@pytest.mark.parametrize("n_deviations", [2.7, 5.0])
def test_no_value_of_ten_can_be_so_far_off_by_chance(n_deviations):
    # 9 / sqrt(10) is the most: there, nine values are equal.
    assert level(n_deviations, 10) < 1e-3 and level(9 / np.sqrt(10), 10) < 1e-9


@pytest.mark.parametrize("rate", [0.02, 0.1])
@pytest.mark.parametrize(("n_values", "most"), [(5, 1), (10, 1), (10, 2), (43, 4)])
def test_normal_values_stand_out_as_seldom_as_their_level_says(rate, n_values, most):
    rng = np.random.RandomState(0)
    draws = -np.sort(-rng.normal(size=(2000, n_values)), axis=1)
    found = np.mean([outlier_levels(draw, most)[0] <= rate for draw in draws])
    assert rate / 8 < found < 1.35 * rate


@pytest.mark.parametrize(
    ("largest", "expected"), [([9], 1), ([9, 8.8], 2), ([9, 8.8, 8.6], 0), ([], 0)]
)
def test_two_outliers_do_not_hide_each_other(largest, expected):
    usual = np.random.RandomState(0).normal(size=10)
    levels = outlier_levels(np.r_[largest, -np.sort(-usual)], most=2)
    assert np.sum(levels <= 0.02) == expected
    assert (np.diff(levels) >= 0).all() and (levels[2:] == 1).all()


@pytest.mark.parametrize("values", [[], [1.0], [5.0, 1.0], [1.0] * 8, [0.0] * 4])
def test_too_few_values_and_equal_ones_do_not_stand_out(values):
    assert outlier_levels(values, most=2).tolist() == [1.0] * len(values)
