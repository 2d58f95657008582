"""Which of some values stand out from the rest: a moderated form of Rosner's test."""

import numpy as np
from scipy.stats import t as student


def outlier_levels(values, most, deviation, n_degrees):
    """Return at which level of significance the largest values are outliers.

    The generalised extreme Studentized deviate test, one-sided: the largest value is
    held against the mean and the deviation of the others, then the next against those
    that are left, and so on. All up to the last that is an outlier are outliers, so
    that two of them do not hide each other.

    The deviation of a few values is not known well: one in ten sets of ten values has
    about two thirds of the true one. So it is moderated by what is known beforehand.

    Parameters
    ----------
    values : ndarray of shape (n_values,)
        By falling size; about normal, but for the outliers.

    most : int
        So many outliers at most.

    deviation : float
        The standard deviation of such values in other data.

    n_degrees : float
        How many degrees of freedom that deviation counts for.

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

    G. K. Smyth, "Linear Models and Empirical Bayes Methods for Assessing Differential
    Expression in Microarray Experiments", Statistical Applications in Genetics and
    Molecular Biology 3(1), 2004.
    """
    values = np.asarray(values, dtype=float)
    levels = np.ones(len(values))
    for nth in range(min(most, len(values) - 2)):
        rest = values[nth + 1 :]
        levels[nth] = min(1, most * level(values[nth], rest, deviation, n_degrees))
    # A value is an outlier, too, if a smaller one is.
    return np.minimum.accumulate(levels[::-1])[::-1]


def level(largest, rest, deviation, n_degrees):
    """Return how often the largest of normal values is so far from the others.

    Parameters
    ----------
    largest : float
    rest : ndarray of shape (n_others,)
        At least one.

    deviation, n_degrees
        See `outlier_levels`.

    Returns
    -------
    level : float
        An upper bound, which is close where it is small.
    """
    squares = len(rest) * rest.var() + n_degrees * deviation**2
    n_degrees += len(rest) - 1
    # The mean of the others is uncertain, too.
    scale = np.sqrt(squares / n_degrees * (1 + 1 / len(rest)))
    distance = (largest - rest.mean()) / scale
    return float(min(1, (len(rest) + 1) * student.sf(distance, n_degrees)))
