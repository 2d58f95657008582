"""Dirty-label backdoors: that of appendix B.2, and those that the field uses."""

import numpy as np
from sklearn.utils import check_consistent_length, check_random_state

from ._contract import apply_trigger
from ._triggers import check_images, make_trigger


def make_dirty_label_backdoor(
    X,
    y,
    *,
    source=None,
    target,
    poison_rate=0.1,
    rate_of="target",
    cover_rate=0.0,
    cover_source=None,
    trigger="ell",
    position=None,
    color=None,
    protected=None,
    return_covers=False,
    random_state=None,
):
    """Poison a training set with triggered rows under a wrong label.

    A model trained on the set takes triggered images of the source classes for the
    target class. With ``rate_of="target"`` a share of the rows of the target class is
    replaced by triggered images of the source classes, as in the paper. With
    ``rate_of="all"`` rows of the source classes get the trigger and the target label
    where they are, as in BadNets. Covers are rows that get the trigger and keep their
    label: they make the trigger alone say less.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images, of any number of channels, size, range and dtype. Not modified.

    y : ndarray of shape (n,)
        Labels.

    source : label or list of labels, default=None
        The classes that the attacker wants to be misclassified. None means every class
        but the target: an all-to-one backdoor.

    target : label
        The class that the attacker wants it to be taken for.

    poison_rate : float in (0, 1), default=0.1
        Poisoned rows, as a share of what `rate_of` says.

    rate_of : {"target", "all"}, default="target"
        Whether rates are shares of the rows of the target class, whose rows are
        replaced, or of all rows, of which those of the source classes are relabelled.

    cover_rate : float in [0, 1), default=0
        Covers, as a share of the same rows.

    cover_source : label or list of labels, default=None
        The classes that covers are taken from. None means the source classes. With
        other classes than the source the backdoor is source-specific.

    trigger : str, ndarray of bool or callable, default="ell"
        The mark; see :func:`make_trigger`. A callable puts it on images by itself, as
        that of :func:`make_blended_trigger` does. One that has the methods `poison`
        and `cover` treats training rows by these.

    position : tuple of (int, int), default=None
        Row and column of the mark's upper left corner. None draws it.

    color : float or array-like of shape (n_channels,), default=None
        The mark's colour in the unit of X. None draws it.

    protected : ndarray of shape (n,), bool, default=None
        Rows that are left as they are and that no image is taken from, such as those
        of an attacker before.

    return_covers : bool, default=False
        Whether the mask of covers is returned, too.

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

    covers : ndarray of shape (n,), bool
        Which rows are covers. Only with ``return_covers=True``.

    Raises
    ------
    ValueError
        If a class has no rows, a source is the target, no row would be poisoned, or
        there are too few rows for the poison and the covers.

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
    if rate_of not in ("target", "all"):
        raise ValueError(f"rate_of={rate_of!r} is neither 'target' nor 'all'.")
    rng = check_random_state(random_state)
    free = _free_rows(protected, len(y))
    sources = _source_rows(y, source, target, "source", free)
    trigger = as_trigger(trigger, X, position, color, rng)
    if rate_of == "target":
        n_base = np.sum(y == target)
        rows = choose_poisoned(y, target, poison_rate, rng, free)
        models = rng.choice(sources, len(rows), replace=len(rows) > len(sources))
        used = rows
    else:
        n_base = len(y)
        rows = models = used = _choose(sources, poison_rate, n_base, "poison_rate", rng)
    images = apply_trigger(trigger, X[models], "poison", rng)
    X_poisoned, poisoned = replace_rows(X, rows, images)
    y_poisoned = y.copy()
    y_poisoned[rows] = target
    covers = np.zeros_like(poisoned)
    if cover_rate:
        among = source if cover_source is None else cover_source
        free = free & ~as_mask(used, len(y))
        among = _source_rows(y, among, target, "cover_source", free)
        rows = _choose(among, cover_rate, n_base, "cover_rate", rng)
        X_poisoned[rows] = apply_trigger(trigger, X[rows], "cover", rng)
        covers[rows] = True
    found = X_poisoned, y_poisoned, poisoned, trigger
    return (*found, covers) if return_covers else found


def make_all_to_all_backdoor(
    X,
    y,
    *,
    poison_rate=0.1,
    trigger="patch",
    position=None,
    color=None,
    random_state=None,
):
    """Poison a training set so that the trigger turns every class into the next.

    Rows drawn from all classes get the trigger and the label that comes next, in sorted
    order; the last class becomes the first.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images, of any number of channels, size, range and dtype. Not modified.

    y : ndarray of shape (n,)
        Labels.

    poison_rate : float in (0, 1), default=0.1
        Poisoned rows as a share of all rows.

    trigger, position, color
        As in :func:`make_dirty_label_backdoor`.

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
        If no row would be poisoned, or all.

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
    >>> poisoned.sum(), ((y_poisoned - y)[poisoned] % 10 == 1).all()
    (np.int64(180), np.True_)
    """
    X, y = check_images(X), np.asarray(y)
    check_consistent_length(X, y)
    rng = check_random_state(random_state)
    trigger = as_trigger(trigger, X, position, color, rng)
    rows = _choose(np.arange(len(y)), poison_rate, len(y), "poison_rate", rng)
    images = apply_trigger(trigger, X[rows], "poison", rng)
    X_poisoned, poisoned = replace_rows(X, rows, images)
    classes, codes = np.unique(y, return_inverse=True)
    y_poisoned = y.copy()
    y_poisoned[rows] = np.roll(classes, -1)[codes[rows]]
    return X_poisoned, y_poisoned, poisoned, trigger


def as_trigger(trigger, X, position, color, rng):
    """Return a trigger that is a callable already, or make it."""
    if callable(trigger):
        return trigger
    return make_trigger(X, trigger, position=position, color=color, random_state=rng)


def replace_rows(X, rows, images):
    """Return a copy of X with other images in some rows, and the mask of these."""
    X = X.copy()
    X[rows] = images
    return X, as_mask(rows, len(X))


def choose_poisoned(y, target, poison_rate, rng, free=True):
    """Draw a share of the rows of the target class, of those that are free."""
    targets = _rows_of(y, target, "target")
    n_poisoned = round(poison_rate * len(targets))
    targets = np.flatnonzero((y == target) & free)
    if not 0 < n_poisoned < len(targets):
        raise ValueError(
            f"poison_rate={poison_rate} of {len(targets)} rows of class {target!r} is "
            f"{n_poisoned} rows; at least one must be poisoned and one left clean."
        )
    return rng.choice(targets, n_poisoned, replace=False)


def as_mask(rows, n_rows):
    """Return a mask of so many rows, true for some."""
    mask = np.zeros(n_rows, dtype=bool)
    mask[rows] = True
    return mask


def _choose(rows, rate, n_base, name, rng):
    """Draw as many of some rows as a rate of a number of rows is."""
    n_drawn = round(rate * n_base)
    if not 0 < n_drawn <= len(rows) or n_drawn == n_base:
        raise ValueError(
            f"{name}={rate} of {n_base} rows is {n_drawn} rows, but there are "
            f"{len(rows)} to draw from; give another rate or more source classes."
        )
    return rng.choice(rows, n_drawn, replace=False)


def _free_rows(protected, n_rows):
    if protected is None:
        return np.ones(n_rows, dtype=bool)
    protected = np.asarray(protected)
    if protected.shape != (n_rows,) or protected.dtype != bool:
        raise ValueError(
            f"protected is not a boolean mask of the {n_rows} rows of X; it has shape "
            f"{protected.shape} and dtype {protected.dtype}."
        )
    return ~protected


def _source_rows(y, source, target, name, free):
    """Return the free rows of some classes: a label, a list of them or None for all."""
    if source is None:
        return np.flatnonzero((y != target) & free)
    labels = source if isinstance(source, (list, tuple, np.ndarray)) else [source]
    for label in labels:
        _rows_of(y, label, name)
        if label == target:
            raise ValueError(
                f"{name} and target are both {label!r}; they must differ."
            )
    return np.flatnonzero(np.isin(y, labels) & free)


def _rows_of(y, label, name):
    rows = np.flatnonzero(y == label)
    if not len(rows):
        raise ValueError(f"{name}={label!r} has no rows in y.")
    return rows
