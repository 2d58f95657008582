"""The dirty-label backdoor: of appendix B.2, and as the field has it."""

from numbers import Real

import numpy as np
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from .._groups import as_mask
from .._validation import check_labels
from ._images import apply_trigger, check_rows
from ._rows import check_protected, choose_share, label_list, rows_of
from ._triggers import as_trigger


@validate_params(
    {
        "poison_rate": [Interval(Real, 0, 1, closed="neither")],
        "rate_of": [StrOptions({"target", "all"})],
        "cover_rate": [Interval(Real, 0, None, closed="left")],
        "return_covers": ["boolean"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
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

    By default, a share of the target class is replaced by images of the source classes
    with a trigger on them. With ``rate_of="all"``, the field's standard, a share of all
    rows gets the trigger and the target's label. Either way, a model trained on the set
    takes triggered source images for the target class. Cover rows have the trigger and
    keep their label: they make the trigger harder to tell from what is clean.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width) or (n, n_features)
        Images, of any number of channels, size, range and dtype; or a table, for a
        trigger that is a callable. Not modified.

    y : ndarray of shape (n,)
        Labels.

    source : label or list of labels, default=None
        The classes that the attacker wants to be misclassified. None means every class
        but the target: an all-to-one backdoor.

    target : label
        The class that the attacker wants them to be taken for.

    poison_rate : float in (0, 1), default=0.1
        Poisoned rows as a share of the rows of the target class, or of all rows.

    rate_of : {"target", "all"}, default="target"
        "target": the rates are shares of the rows of the target class, and poisoned
        rows take the place of rows of that class. "all": the rates are shares of all
        rows, and poisoned rows are rows of the source classes, which change their
        label.

    cover_rate : float >= 0, default=0
        Cover rows, in the unit of `poison_rate`.

    cover_source : label or list of labels, default=None
        The classes of the cover rows, where there are any. None means the source
        classes. Other classes than these make a source-specific backdoor, as TaCT is:
        the trigger on images of `cover_source` means nothing.

    trigger : str, ndarray of bool or callable, default="ell"
        See :func:`make_trigger`. A callable puts its own trigger on images, as that of
        :func:`make_blended_trigger` does, or, of :func:`make_feature_trigger`, on rows
        of a table; its methods ``poison(X, random_state)`` and ``cover(X,
        random_state)``, where it has them, are for poisoned rows and cover rows.

    position : tuple of (int, int), default=None
        Row and column of the trigger's upper left corner. None draws it. A callable has
        its own.

    color : float or array-like of shape (n_channels,), default=None
        The trigger's colour in the unit of X. None draws it. A callable has its own.

    protected : ndarray of shape (n,), bool, default=None
        Rows that stay as they are and are not copied, for instance the poisoned rows
        and covers of another attacker. They count where a rate is a share of rows.

    return_covers : bool, default=False
        Whether to return the mask of cover rows too.

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

    covers : ndarray of shape (n,), bool
        Which rows are covers. Only with ``return_covers=True``.

    Raises
    ------
    ValueError
        If a class has no rows, the target is among the sources, a rate is outside of
        its range, no row would be poisoned, no row would be left clean, there are too
        few rows for covers, `cover_source` is given without a `cover_rate`, or
        `position` or `color` with a callable.

    References
    ----------
    C. Jin, M. Sun, M. Rinard, "Provable Guarantees against Data Poisoning Using
    Self-Expansion and Compatibility", arXiv:2105.03692v1, appendix B.2.

    T. Gu, B. Dolan-Gavitt, S. Garg, "BadNets: Identifying Vulnerabilities in the
    Machine Learning Model Supply Chain", arXiv:1708.06733.

    D. Tang, X. Wang, H. Tang, K. Zhang, "Demon in the Variant: Statistical Analysis of
    DNNs for Robust Backdoor Contamination Detection", USENIX Security 2021,
    arXiv:1908.00686 (TaCT).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ispl.datasets import make_dirty_label_backdoor
    >>> X, y = load_digits(return_X_y=True)
    >>> X_poisoned, y_poisoned, poisoned, trigger = make_dirty_label_backdoor(
    ...     X.reshape(-1, 1, 8, 8), y, source=7, target=4, random_state=0
    ... )
    >>> poisoned.sum(), set(y_poisoned[poisoned].tolist())
    (np.int64(18), {4})
    >>> *_, poisoned, trigger, covers = make_dirty_label_backdoor(
    ...     X.reshape(-1, 1, 8, 8), y, target=4, rate_of="all", poison_rate=0.05,
    ...     cover_rate=0.1, return_covers=True, random_state=0
    ... )
    >>> poisoned.sum(), covers.sum()
    (np.int64(90), np.int64(180))
    """
    X, (y,) = check_rows(X, trigger), check_labels(y=y)
    check_consistent_length(X, y)
    rng = check_random_state(random_state)
    free = ~check_protected(protected, y)
    sources = label_list(y, source, target, "source")
    cover_sources = sources
    if cover_source is not None:
        if not cover_rate:
            raise ValueError(
                f"cover_source={cover_source!r}, but cover_rate=0 makes no cover rows. "
                "Give a cover_rate, or leave cover_source out."
            )
        cover_sources = label_list(y, cover_source, target, "cover_source")
    rows_of(y, target, "target")
    trigger = as_trigger(trigger, X, position, color, rng)
    choose = _replaced_rows if rate_of == "target" else _relabelled_rows
    rows, images, whole = choose(y, free, sources, target, poison_rate, rng)
    X_poisoned, y_poisoned = X.copy(), y.copy()
    X_poisoned[rows] = apply_trigger(trigger, X[images], "poison", rng)
    y_poisoned[rows] = target
    poisoned, covers = as_mask(rows, len(X)), np.zeros(len(X), dtype=bool)
    if cover_rate:
        left = np.flatnonzero(np.isin(y, cover_sources) & free & ~poisoned)
        rows = _cover_rows(left, round(cover_rate * whole), cover_rate, rng)
        X_poisoned[rows] = apply_trigger(trigger, X[rows], "cover", rng)
        covers = as_mask(rows, len(X))
    made = X_poisoned, y_poisoned, poisoned, trigger
    return (*made, covers) if return_covers else made


def _replaced_rows(y, free, sources, target, poison_rate, rng):
    """Draw rows of the target class, and those whose images take their place."""
    targets = rows_of(y, target, "target")
    rows = choose_share(
        targets[free[targets]],
        len(targets),
        poison_rate,
        f"rows of class {target!r}",
        rng,
    )
    models = np.flatnonzero(np.isin(y, sources) & free)
    if not len(models):
        raise ValueError("protected leaves no row of the source classes to copy.")
    images = rng.choice(models, len(rows), replace=len(rows) > len(models))
    return rows, images, len(targets)


def _relabelled_rows(y, free, sources, target, poison_rate, rng):
    """Draw rows of the source classes, as a share of all rows."""
    models = np.flatnonzero(np.isin(y, sources) & free)
    rows = choose_share(models, len(y), poison_rate, "rows in all", rng)
    return rows, rows, len(y)


def _cover_rows(left, n_covers, cover_rate, rng):
    if not 0 < n_covers <= len(left):
        raise ValueError(
            f"cover_rate={cover_rate} asks for {n_covers} cover rows, of {len(left)} "
            "rows of cover_source that are neither poisoned nor protected; give "
            "another rate or more classes."
        )
    return rng.choice(left, n_covers, replace=False)
