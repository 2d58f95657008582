"""What the estimators ask of their training set and of their parameters."""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from .exceptions import SmallClassWarning

# Shared by the estimators; each takes what it has.
CONSTRAINTS = {
    "estimator": [HasMethods(["partial_fit", "predict_proba"]), None],
    "alpha": [Interval(Real, 0, 1, closed="right")],
    "beta": [Interval(Real, 0, 1, closed="right")],
    "momentum": [Interval(Real, 0, 1, closed="left")],
    "n_iter": [Interval(Integral, 1, None, closed="left"), None],
    "n_epochs": [Interval(Integral, 1, None, closed="left")],
    "n_repeats": [Interval(Integral, 1, None, closed="left")],
    "n_estimates": [Interval(Integral, 1, None, closed="left")],
    "n_jobs": [Integral, None],
    "device": [str, None],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}


def constraints(*names):
    """Return the parameter constraints of these names."""
    return {name: CONSTRAINTS[name] for name in names}


def check_training_set(estimator, X, y):
    """Validate a labelled training set and encode it for the learners.

    Parameters
    ----------
    estimator : BaseEstimator
        The estimator being fitted; gets `n_features_in_` and `classes_`.

    X : array-like of shape (n, ...)
    y : array-like of shape (n,)

    Returns
    -------
    X : ndarray of shape (n, ...)
        As given, validated.

    X32 : ndarray of shape (n, ...), float32
        `X` itself where it is float32 already.

    codes : ndarray of shape (n,), int64
        The labels' positions in `classes_`.

    Raises
    ------
    ValueError
        If X or y is unusable.

    TypeError
        If y mixes labels that have no order, such as numbers and strings.

    Warns
    -----
    SmallClassWarning
        If a class has a single row.

    UserWarning
        If X looks like images whose channels come last.
    """
    X, y = validate_data(
        estimator, X, y, dtype="numeric", allow_nd=True, ensure_min_samples=2
    )
    estimator.classes_, codes, counts = _unique_labels(y)
    if len(counts) < 2:
        raise ValueError(
            "y has only one class; poison can only be told from rows of other classes."
        )
    if counts.min() < 2:
        lonely = estimator.classes_[counts < 2].tolist()
        warnings.warn(
            f"These classes of y have a single row: {lonely}. Nothing can vouch for "
            "it; merge or remove such classes, or look at those rows by hand.",
            SmallClassWarning,
            stacklevel=4,
        )
    warn_if_channels_last(X, stacklevel=5)
    return X, to_float32(X), codes.astype(np.int64)


def warn_if_channels_last(X, stacklevel):
    """Warn of a stack of images that looks as if its channels came last."""
    if X.ndim == 4 and X.shape[3] <= 4 < min(X.shape[1:3]):
        warnings.warn(
            f"X has shape {X.shape}, which is taken for images of {X.shape[1]} "
            f"channels and a width of {X.shape[3]}. If the channels come last, give "
            "X.transpose(0, 3, 1, 2).",
            UserWarning,
            stacklevel=stacklevel,
        )


def _unique_labels(y):
    """Return the labels in order, their positions in y, and how often each occurs."""
    try:
        check_classification_targets(y)
        return np.unique(y, return_inverse=True, return_counts=True)
    except TypeError:
        types = sorted({type(label).__name__ for label in y})
        raise TypeError(
            f"y mixes labels of the types {', '.join(types)}, which have no order. "
            "Give labels of one type, for instance all as strings."
        ) from None


def to_float32(X):
    """Return X as contiguous float32, the type that the learners compute in."""
    with np.errstate(over="ignore"):
        X32 = np.ascontiguousarray(X, dtype=np.float32)
    if X32 is not X and X.dtype.kind == "f" and not np.isfinite(X32).all():
        raise ValueError(
            "X contains values too large for dtype('float32'), the type that the weak "
            "learners compute in; scale X."
        )
    return X32
