"""A backdoor that moves every class to the next one."""

from numbers import Real

import numpy as np
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval, validate_params

from .._groups import as_mask
from .._validation import check_labels
from ._images import apply_trigger, check_rows
from ._rows import check_protected, choose_share
from ._triggers import as_trigger


@validate_params(
    {
        "poison_rate": [Interval(Real, 0, 1, closed="neither")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_all_to_all_backdoor(
    X,
    y,
    *,
    poison_rate=0.1,
    trigger="ell",
    position=None,
    color=None,
    protected=None,
    random_state=None,
):
    """Poison a training set so that a trigger moves every class to the next one.

    A share of all rows gets the trigger and the next label in sorted order; after the
    last comes the first.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width) or (n, n_features)
        Images, of any number of channels, size, range and dtype; or a table, for a
        trigger that is a callable. Not modified.

    y : ndarray of shape (n,)
        Labels.

    poison_rate : float in (0, 1), default=0.1
        Poisoned rows as a share of all rows.

    trigger : str, ndarray of bool or callable, default="ell"
        As in :func:`make_dirty_label_backdoor`.

    position : tuple of (int, int), default=None
        Row and column of the trigger's upper left corner. None draws it.

    color : float or array-like of shape (n_channels,), default=None
        The trigger's colour in the unit of X. None draws it.

    protected : ndarray of shape (n,), bool, default=None
        Rows that stay as they are. They count where the rate is a share of rows.

    random_state : int, RandomState instance or None, default=None
        Seed of the trigger and of the choice of rows.

    Returns
    -------
    X_poisoned : ndarray of the shape of X
        The poisoned rows.

    y_poisoned : ndarray of shape (n,)
        The labels that the victim sees.

    poisoned : ndarray of shape (n,), bool
        Which rows are poisoned. For scoring only.

    trigger : callable
        Puts the trigger on test images: ``trigger(X_test)``.

    Raises
    ------
    ValueError
        If there is one class only, the rate is not in (0, 1), no row would be poisoned,
        or none left clean, or `position` or `color` is given with a callable.

    References
    ----------
    T. Gu, B. Dolan-Gavitt, S. Garg, "BadNets: Identifying Vulnerabilities in the
    Machine Learning Model Supply Chain", arXiv:1708.06733.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ispl.datasets import make_all_to_all_backdoor
    >>> X, y = load_digits(return_X_y=True)
    >>> X_poisoned, y_poisoned, poisoned, trigger = make_all_to_all_backdoor(
    ...     X.reshape(-1, 1, 8, 8), y, random_state=0
    ... )
    >>> set(((y_poisoned - y)[poisoned] % 10).tolist())
    {1}
    """
    X, (y,) = check_rows(X, trigger), check_labels(y=y)
    check_consistent_length(X, y)
    rng = check_random_state(random_state)
    free = np.flatnonzero(~check_protected(protected, y))
    labels, codes = np.unique(y, return_inverse=True)
    if len(labels) < 2:
        raise ValueError("y has one class only; all to the next needs two.")
    trigger = as_trigger(trigger, X, position, color, rng)
    rows = choose_share(free, len(y), poison_rate, "rows in all", rng)
    X_poisoned, y_poisoned = X.copy(), y.copy()
    X_poisoned[rows] = apply_trigger(trigger, X[rows], "poison", rng)
    y_poisoned[rows] = labels[(codes[rows] + 1) % len(labels)]
    return X_poisoned, y_poisoned, as_mask(rows, len(X)), trigger
