"""Which of some values stand out from the rest: Rosner's test."""

import numpy as np
from scipy.stats import t as student


def n_outlying(values, rate, most):
    """Return how many of the largest values stand out from the others.

    The generalised extreme Studentized deviate test, one-sided: the largest value is
    held against the mean and the deviation of all, then the next against those of what
    is left, and so on. All up to the last that is an outlier are outliers, so that two
    of them do not hide each other.

    Parameters
    ----------
    values : ndarray of shape (n_values,)
        By falling size; about normal, but for the outliers.

    rate : float in (0, 1)
        How often one of normal values is taken for an outlier, at most: each of the
        questions has its share of it.

    most : int
        So many outliers at most.

    Returns
    -------
    n_outlying : int
        0 for fewer than three values.

    References
    ----------
    B. Rosner, "Percentage Points for a Generalized ESD Many-Outlier Procedure",
    Technometrics 25(2), 1983.
    """
    n_outlying = 0
    for nth in range(min(most, len(values) - 2)):
        rest = np.asarray(values[nth:], dtype=float)
        deviation = rest.std(ddof=1)
        if rest[0] - rest.mean() > deviation * critical(len(rest), rate / most) > 0:
            n_outlying = nth + 1
    return n_outlying


def critical(n_values, rate):
    """Return how many deviations the largest of normal values is off, at most.

    Parameters
    ----------
    n_values : int
        At least three.

    rate : float in (0, 1)
        How often it is further off.

    Returns
    -------
    n_deviations : float
    """
    quantile = student.isf(rate / n_values, n_values - 2)
    largest = (n_values - 1) / np.sqrt(n_values)
    return largest / np.hypot(1, np.sqrt(n_values - 2) / quantile)
