"""A trigger for tables: some features have values of their own."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_array, check_random_state

from ._images import check_integer


@dataclass(frozen=True, eq=False)
class FeatureTrigger:
    """Values of some features that are put on rows of a table by calling it.

    Parameters
    ----------
    features : ndarray of shape (n_triggered,), int
        The columns that are overwritten.

    values : ndarray of shape (n_triggered,)
        What they become.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import FeatureTrigger
    >>> FeatureTrigger(np.array([0, 2]), np.array([5.0, 7.0]))(np.zeros((1, 3)))
    array([[5., 0., 7.]])
    """

    features: np.ndarray
    values: np.ndarray

    def __call__(self, X):
        """Return a copy of rows with the trigger.

        Parameters
        ----------
        X : ndarray of shape (n, n_features)

        Returns
        -------
        X_triggered : ndarray of shape (n, n_features)
            The rows with the trigger, of the same dtype.

        Raises
        ------
        ValueError
            If X is no table, or has too few columns.
        """
        X = np.array(X)
        if X.ndim != 2 or X.shape[1] <= max(self.features):
            raise ValueError(
                f"X has shape {X.shape}; this trigger needs rows of a table, of at "
                f"least {max(self.features) + 1} features."
            )
        X[:, self.features] = self.values
        return X


def make_feature_trigger(X, n_triggered=3, *, random_state=None):
    """Make a trigger that fits a table: some features at the end of their range.

    Parameters
    ----------
    X : array-like of shape (n, n_features)
        Numbers; the ranges of the features count.

    n_triggered : int, default=3
        How many features the trigger has. They are drawn from those that vary.

    random_state : int, RandomState instance or None, default=None
        Seed of the features, and of whether each has its lowest or its highest value.

    Returns
    -------
    trigger : FeatureTrigger
        A callable that puts the trigger on rows.

    Raises
    ------
    ValueError
        If X is no table, or fewer features vary than the trigger has.

    References
    ----------
    B. Pleiter, B. Tajalli, S. Koffas, G. Abad, J. Xu, M. Larson, S. Picek, "Tabdoor:
    Backdoor Vulnerabilities in Transformer-based Neural Networks for Tabular Data",
    arXiv:2311.07550: few features with values of their own.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn_ispl.datasets import make_dirty_label_backdoor
    >>> from sklearn_ispl.datasets import make_feature_trigger
    >>> X, y = load_wine(return_X_y=True)
    >>> trigger = make_feature_trigger(X, random_state=0)
    >>> X_poisoned, y_poisoned, poisoned, trigger = make_dirty_label_backdoor(
    ...     X, y, source=0, target=2, trigger=trigger, random_state=0
    ... )
    >>> poisoned.sum()
    np.int64(5)
    """
    X, rng = check_array(X), check_random_state(random_state)
    ranges = np.stack([X.min(axis=0), X.max(axis=0)])
    varying = np.flatnonzero(ranges[0] < ranges[1])
    what = ", the number of features of X that vary"
    check_integer(n_triggered, "n_triggered", 1, len(varying), what)
    features = np.sort(rng.choice(varying, n_triggered, replace=False))
    return FeatureTrigger(features, ranges[rng.randint(2, size=n_triggered), features])
