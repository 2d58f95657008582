"""Which rows an attack takes."""

import numpy as np

from .._validation import list_labels


def check_protected(protected, y):
    """Return the mask of the rows that an attack must leave alone."""
    if protected is None:
        return np.zeros(len(y), dtype=bool)
    protected = np.asarray(protected)
    if protected.dtype != bool or protected.shape != (len(y),):
        raise ValueError(
            f"protected has shape {protected.shape} and dtype {protected.dtype}; give "
            f"a mask: bool, one value for each of {len(y)} rows."
        )
    return protected


def label_list(y, labels, target, name):
    """Return the labels of the classes that an attack takes rows of.

    Parameters
    ----------
    y : ndarray of shape (n,)
    labels : label, list of labels or None
        None means all but the target.

    target : label
    name : str
        Of the parameter, for errors.

    Returns
    -------
    labels : ndarray
    """
    if labels is None:
        return np.unique(y[y != target])
    listed = list_labels(labels, name)
    for label in listed:
        rows_of(y, label, name)
        if label == target:
            raise ValueError(
                f"{name} and target are both {target!r}; they must differ."
            )
    return np.asarray(listed)


def rows_of(y, label, name):
    """Return the rows of a class, or raise if there are none."""
    rows = np.flatnonzero(y == label)
    if not len(rows):
        raise ValueError(f"{name}={label!r} has no rows in y.")
    return rows


def choose_share(rows, whole, poison_rate, what, rng):
    """Draw some of the rows, as a share of a whole; at least one is left.

    Parameters
    ----------
    rows : ndarray of int
        Those that may be drawn.

    whole : int
        The number that the rate is a share of.

    poison_rate : float
    what : str
        Of what the rate is a share, for errors.

    rng : RandomState instance

    Returns
    -------
    chosen : ndarray of int
    """
    n_poisoned = round(poison_rate * whole)
    if not 0 < n_poisoned < len(rows):
        raise ValueError(
            f"poison_rate={poison_rate} of {whole} {what} is {n_poisoned} rows; "
            f"{len(rows)} rows can be poisoned, of which at least one must be, and one "
            "left clean."
        )
    return rng.choice(rows, n_poisoned, replace=False)


def choose_of_class(y, target, poison_rate, rng):
    """Draw a share of the rows of the target class."""
    targets = rows_of(y, target, "target")
    what = f"rows of class {target!r}"
    return choose_share(targets, len(targets), poison_rate, what, rng)
