"""Which of some values stand out from the rest: Rosner's test."""

import numpy as np
from scipy.stats import t as student


def outlier_levels(values, most):
    """Return at which level of significance the largest values are outliers.

    The generalised extreme Studentized deviate test, one-sided: the largest value is
    held against the mean and the deviation of all, then the next against those of what
    is left, and so on. All up to the last that is an outlier are outliers, so that two
    of them do not hide each other.

    Parameters
    ----------
    values : ndarray of shape (n_values,)
        By falling size; about normal, but for the outliers.

    most : int
        So many outliers at most.

    Returns
    -------
    levels : ndarray of shape (n_values,)
        How often one of normal values stands out as much, at most: each of the
        questions has its share of it. Rising, and 1 for all but the `most` largest, for
        fewer than three values, and for values that are all equal.

    References
    ----------
    B. Rosner, "Percentage Points for a Generalized ESD Many-Outlier Procedure",
    Technometrics 25(2), 1983.
    """
    levels = np.ones(len(values))
    for nth in range(min(most, len(values) - 2)):
        rest = np.asarray(values[nth:], dtype=float)
        deviation = rest.std(ddof=1)
        if deviation > 0:
            distance = (rest[0] - rest.mean()) / deviation
            levels[nth] = min(1, most * level(distance, len(rest)))
    # A value is an outlier, too, if a smaller one is.
    return np.minimum.accumulate(levels[::-1])[::-1]


def level(n_deviations, n_values):
    """Return how often the largest of normal values is so many deviations off.

    Parameters
    ----------
    n_deviations : float
        From the mean of all.

    n_values : int
        At least three.

    Returns
    -------
    level : float
        An upper bound, which is close where it is small.
    """
    # The value is a part of the mean and of the deviation.
    left = (n_values - 1) ** 2 - n_values * n_deviations**2
    if left <= 0:
        return 0.0
    statistic = n_deviations * np.sqrt(n_values * (n_values - 2) / left)
    return float(min(1, n_values * student.sf(statistic, n_values - 2)))
