"""What the estimators ask of their training set and of their parameters."""

import re
import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.utils import assert_all_finite
from sklearn.utils._missing import is_pandas_na
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d, validate_data
from torch import device

from .exceptions import SmallClassWarning
from .learners._inference import from_tensor
from .learners._scaling import scaling_of

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
    "device": [str, device, None],
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
        The estimator being fitted; gets `n_features_in_`, `classes_`,
        `_row_shape` and `_scaling`.

    X : array-like of shape (n, ...)
    y : array-like of shape (n,)

    Returns
    -------
    X : ndarray of shape (n, ...)
        As given, validated.

    X32 : ndarray of shape (n, ...), float32
        Scaled where float32 or a net could not tell its values apart; `X` itself
        where it is float32 already.

    codes : ndarray of shape (n,), int64
        The labels' positions in `classes_`.

    Raises
    ------
    ValueError
        If X or y is unusable, or if all rows of X are the same.

    TypeError
        If y mixes labels that have no order, such as numbers and strings, or is bytes.

    Warns
    -----
    SmallClassWarning
        If a class has a single row.

    UserWarning
        If X looks like images whose channels come last.
    """
    y = as_given(from_tensor(y, "y"))
    if y is not None:
        refuse_missing(y, "y")
    X, y = check_rows(estimator, X, y=y, ensure_min_samples=2)
    (y,) = check_labels(y=y)
    estimator.classes_, codes, counts = np.unique(
        y, return_inverse=True, return_counts=True
    )
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
    # Rounding errors would be all that tells them apart.
    if (X[:2] == X[0]).all() and (X == X[0]).all():
        raise ValueError("All rows of X are the same: nothing tells poison from them.")
    warn_if_channels_last(X, stacklevel=5)
    estimator._row_shape = X.shape[1:]
    estimator._scaling = scaling_of(X)
    return X, estimator._scaling(X), codes.astype(np.int64)


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


def check_rows(estimator, X, **settings):
    """Validate rows as scikit-learn does, with errors that say what to do about X.

    Parameters
    ----------
    estimator : BaseEstimator
    X : array-like of shape (n, ...)
    **settings : dict
        Of :func:`~sklearn.utils.validation.validate_data`; y is one of them.

    Returns
    -------
    checked : ndarray of shape (n, ...), or a pair of it and y
        Numbers.
    """
    X = from_tensor(X, "X")
    try:
        checked = validate_data(
            estimator, X, dtype="numeric", allow_nd=True, **settings
        )
    except (TypeError, ValueError) as error:
        _refuse_columns(X)
        if re.search(r"\b[Xy]\b", str(error)):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        what = "X" if settings.get("y") is None else "X or y"
        raise kind(f"{what} cannot be used: {error}") from error
    found = checked[0] if isinstance(checked, tuple) else checked
    if found.dtype.kind not in "biuf":
        _refuse_columns(X)
        raise ValueError(f"X has values of {found.dtype}, which are no numbers.")
    if 0 in found.shape[1:]:
        raise ValueError(f"X has shape {found.shape}: its rows hold no values.")
    return checked


def _refuse_columns(X):
    """Raise if columns of a frame hold no numbers."""
    bad = [name for name in getattr(X, "columns", ()) if not _is_numeric(X[name])]
    if bad:
        raise ValueError(
            f"X has columns that hold no numbers: {bad}. Encode them, for instance "
            "with OneHotEncoder or OrdinalEncoder, or leave them out."
        )


def _is_numeric(column):
    values = np.asarray(column)
    if values.dtype.kind != "O":
        return values.dtype.kind in "biuf"
    try:
        values[[not is_pandas_na(value) for value in values]].astype(float)
    except (TypeError, ValueError):
        return False
    return True


def check_labels(**named):
    """Return labels as arrays of one dimension, all of one type.

    Parameters
    ----------
    **named : dict of array-like of shape (n,) or (n, 1)
        Labels that will be compared with one another, by the name that errors give.

    Returns
    -------
    labels : list of ndarray of shape (n,)

    Raises
    ------
    ValueError
        If labels have another shape, are continuous or missing, or if some are strings
        and others numbers, which would never be equal.

    TypeError
        If labels are bytes, or mix types that have no order.
    """
    checked = [_check_labels(labels, name) for name, labels in named.items()]
    are_strings = {
        name: isinstance(labels[0], str)
        for name, labels in zip(named, checked)
        if len(labels)
    }
    if len(set(are_strings.values())) > 1:
        strings = ", ".join(name for name, are in are_strings.items() if are)
        others = ", ".join(name for name, are in are_strings.items() if not are)
        raise ValueError(
            f"{strings} has labels that are strings, {others} has others, so that "
            "they are never equal. Give both in the same type."
        )
    if not set.intersection(*map(_kinds, checked)):
        named = ", ".join(f"{name} {one.dtype}" for name, one in zip(named, checked))
        raise ValueError(
            f"Labels of these types are never equal: {named}. Give all in the same."
        )
    return checked


def _kinds(labels):
    """Return the kinds of labels that some labels may be equal to."""
    kind = labels.dtype.kind
    if not len(labels) or kind == "O":
        return {*"UMmbn"}
    if kind in "UMmb":
        return {kind}
    # Classifiers of booleans may predict numbers.
    return {"b", "n"} if np.isin(labels, [0, 1]).all() else {"n"}


def list_labels(labels, name):
    """Return a label, or several, as a list of at least one."""
    several = isinstance(labels, (list, tuple, set)) or np.ndim(labels)
    labels = list(labels) if several else [labels]
    if not labels:
        raise ValueError(f"{name} is an empty list; name a class.")
    return labels


def check_column(values, name):
    """Return an array or a single column as an array of one dimension."""
    try:
        return column_or_1d(as_given(from_tensor(values, name)))
    except ValueError as error:
        raise ValueError(
            f"{name} must have one dimension, or be a single column: {error}"
        ) from None


def check_mask(mask, name, n_rows=None):
    """Return a mask of rows, of `n_rows` of them where that is given, as booleans."""
    mask = check_column(mask, name)
    if n_rows is not None and len(mask) != n_rows:
        raise ValueError(
            f"{name} has shape {mask.shape}; give a mask: one value for each of "
            f"{n_rows} rows."
        )
    if not np.isin(mask, [0, 1]).all():
        raise ValueError(
            f"{name} is no mask: it has values other than True and False. Of "
            "fit_predict take == 1."
        )
    return mask.astype(bool)


def as_given(labels):
    """Return labels; a list of strings and others as an array that keeps their types.

    NumPy makes strings of all of them, also of NaN.
    """
    if isinstance(labels, list | tuple):
        if len({isinstance(label, str) for label in labels}) > 1:
            return np.array(labels, dtype=object)
    return labels


def refuse_missing(labels, name):
    """Raise if a label is None, NaN, NA or NaT."""
    labels = np.asarray(labels)
    if labels.dtype.kind in "mM":
        missing = np.isnat(labels).any()
    else:
        missing = labels.dtype == object and any(
            label is None or is_pandas_na(label) or label != label
            for label in labels.flat
        )
    if missing:
        raise ValueError(
            f"{name} has missing labels (None, NaN, NA or NaT). Drop these rows, or "
            "give them a label."
        )


def _check_labels(labels, name):
    labels = check_column(labels, name)
    refuse_missing(labels, name)
    if labels.dtype.kind == "S" or any(isinstance(one, bytes) for one in labels[:1]):
        raise TypeError(
            f"{name} has labels of bytes. Decode them, for instance with astype(str)."
        )
    try:
        assert_all_finite(labels, input_name=name)
        if len(labels):
            np.unique(labels)
            check_classification_targets(labels)
    except TypeError:
        types = sorted({type(label).__name__ for label in labels})
        raise TypeError(
            f"{name} mixes labels of the types {', '.join(types)}, which have no "
            "order. Give labels of one type, for instance all as strings."
        ) from None
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    return labels
