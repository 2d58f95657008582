"""How well a filter tells poisoned rows from clean ones."""

import numpy as np
from sklearn.utils import check_consistent_length

from .._validation import check_labels, check_mask


def filter_quality(y, support, poisoned):
    """Return how well a filter told poisoned rows from clean ones.

    Parameters
    ----------
    y : array-like of shape (n,)
        The given labels.

    support : array-like of shape (n,), bool
        The rows that the filter keeps.

    poisoned : array-like of shape (n,), bool
        The rows that are poisoned.

    Returns
    -------
    quality : dict
        ``poison_recall``, the share of the poisoned rows that were rejected (nan
        without any), ``poison_kept``, their number that was not, ``clean_lost``, the
        share of the clean rows that was rejected, and ``clean_lost_per_class``, the
        same by label.

    Raises
    ------
    ValueError
        If `support` or `poisoned` is no mask: 1 and -1, say, or row numbers.

    Examples
    --------
    >>> from sklearn_ispl.metrics import filter_quality
    >>> quality = filter_quality(
    ...     y=[0, 0, 1, 1], support=[1, 0, 1, 0], poisoned=[0, 0, 0, 1]
    ... )
    >>> quality["poison_recall"], quality["clean_lost_per_class"]
    (1.0, {0: 0.5, 1: 0.0})
    """
    check_consistent_length(y, support, poisoned)
    (y,) = check_labels(y=y)
    lost = ~check_mask(support, "support")
    poisoned = check_mask(poisoned, "poisoned")
    clean_lost = {
        label: _share(lost, ~poisoned & (y == label)) for label in np.unique(y).tolist()
    }
    return {
        "poison_recall": _share(lost, poisoned),
        "poison_kept": int(np.sum(poisoned & ~lost)),
        "clean_lost": _share(lost, ~poisoned),
        "clean_lost_per_class": clean_lost,
    }


def _share(of, among):
    return float(of[among].mean()) if among.any() else float("nan")
