"""The dirty-label backdoor of appendix B.2."""

import numpy as np
from sklearn.utils import check_consistent_length, check_random_state

from ._triggers import check_images, make_trigger


def make_dirty_label_backdoor(
    X,
    y,
    *,
    source=None,
    target,
    poison_rate=0.1,
    trigger="ell",
    position=None,
    color=None,
    random_state=None,
):
    """Poison a training set with triggered rows under a wrong label.

    A share of the target class is replaced by images of the source class with a
    trigger on them, so that a model trained on the set takes triggered source images
    for the target class.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images, of any number of channels, size, range and dtype. Not modified.

    y : ndarray of shape (n,)
        Labels.

    source : label, default=None
        The class that the attacker wants to be misclassified. None means every class
        but the target: an all-to-one backdoor.

    target : label
        The class that the attacker wants it to be taken for.

    poison_rate : float in (0, 1), default=0.1
        Poisoned rows as a share of the rows of the target class.

    trigger : str, ndarray of bool or callable, default="ell"
        The mark; see :func:`make_trigger`. A callable puts it on images by itself, as
        that of :func:`make_blended_trigger` does.

    position : tuple of (int, int), default=None
        Row and column of the mark's upper left corner. None draws it.

    color : float or array-like of shape (n_channels,), default=None
        The mark's colour in the unit of X. None draws it.

    random_state : int, RandomState instance or None, default=None
        Seed of the trigger and of the choice of rows.

    Returns
    -------
    X_poisoned : ndarray of shape (n, n_channels, height, width)
        The poisoned images.

    y_poisoned : ndarray of shape (n,)
        The labels that the victim sees.

    poisoned : ndarray of shape (n,), bool
        Which rows are poisoned. For scoring only.

    trigger : callable
        Puts the trigger on test images: ``trigger(X_test)``.

    Raises
    ------
    ValueError
        If a class has no rows, source is target, or no row would be poisoned.

    References
    ----------
    C. Jin, M. Sun, M. Rinard, "Provable Guarantees against Data Poisoning Using
    Self-Expansion and Compatibility", arXiv:2105.03692v1, appendix B.2.

    T. Gu, B. Dolan-Gavitt, S. Garg, "BadNets: Identifying Vulnerabilities in the
    Machine Learning Model Supply Chain", arXiv:1708.06733.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ispl.datasets import make_dirty_label_backdoor
    >>> X, y = load_digits(return_X_y=True)
    >>> X, y, poisoned, trigger = make_dirty_label_backdoor(
    ...     X.reshape(-1, 1, 8, 8), y, source=7, target=4, random_state=0
    ... )
    >>> poisoned.sum(), set(y[poisoned].tolist())
    (np.int64(18), {4})
    """
    X, y = check_images(X), np.asarray(y)
    check_consistent_length(X, y)
    rng = check_random_state(random_state)
    if source is None:
        sources = np.flatnonzero(y != target)
    else:
        sources = _rows_of(y, source, "source")
    if source is not None and source == target:
        raise ValueError(f"source and target are both {source!r}; they must differ.")
    trigger = as_trigger(trigger, X, position, color, rng)
    replaced = choose_poisoned(y, target, poison_rate, rng)
    n_poisoned = len(replaced)
    models = rng.choice(sources, n_poisoned, replace=n_poisoned > len(sources))
    X_poisoned, poisoned = replace_rows(X, replaced, trigger(X[models]))
    return X_poisoned, y.copy(), poisoned, trigger


def as_trigger(trigger, X, position, color, rng):
    """Return a trigger that is a callable already, or make it."""
    if callable(trigger):
        return trigger
    return make_trigger(X, trigger, position=position, color=color, random_state=rng)


def replace_rows(X, rows, images):
    """Return a copy of X with other images in some rows, and the mask of these."""
    X = X.copy()
    X[rows] = images
    poisoned = np.zeros(len(X), dtype=bool)
    poisoned[rows] = True
    return X, poisoned


def choose_poisoned(y, target, poison_rate, rng):
    """Draw a share of the rows of the target class."""
    targets = _rows_of(y, target, "target")
    n_poisoned = round(poison_rate * len(targets))
    if not 0 < n_poisoned < len(targets):
        raise ValueError(
            f"poison_rate={poison_rate} of {len(targets)} rows of class {target!r} is "
            f"{n_poisoned} rows; at least one must be poisoned and one left clean."
        )
    return rng.choice(targets, n_poisoned, replace=False)


def _rows_of(y, label, name):
    rows = np.flatnonzero(y == label)
    if not len(rows):
        raise ValueError(f"{name}={label!r} has no rows in y.")
    return rows
