"""What all attacks ask of images, and how a trigger is put on them."""

from numbers import Integral

import numpy as np

from .._validation import warn_if_channels_last


def check_images(X, stacklevel=4):
    """Return X as an array, or raise unless it holds images, channels first."""
    X = np.asarray(X)
    if X.ndim != 4:
        raise ValueError(
            f"X has {X.ndim} dimensions; images are (n, channels, height, width). For "
            "grey images use X[:, None]; for tables see make_feature_trigger."
        )
    warn_if_channels_last(X, stacklevel=stacklevel)
    return X


def check_rows(X, trigger):
    """Return X as an array, or raise unless it holds what a trigger can be put on.

    A table is left to a trigger that is a callable; others are for images.
    """
    if callable(trigger) and np.ndim(X) == 2:
        return np.asarray(X)
    return check_images(X, stacklevel=5)


def check_fits(X, n_channels=None, size=None, larger=False):
    """Return X as an array, or raise unless it holds images that a trigger fits.

    Parameters
    ----------
    X : array-like
    n_channels : int or None
        Of the trigger; None fits any number. One channel would be broadcast to all.

    size : tuple of (int, int) or None
        Height and width of the trigger; None fits any.

    larger : bool
        Whether it fits larger images, too.

    Returns
    -------
    X : ndarray of shape (n, n_channels, height, width)

    Raises
    ------
    ValueError
        If X has another number of dimensions, of channels or of pixels.
    """
    X = np.asarray(X)
    fits = X.ndim == 4 and n_channels in (None, X.shape[1])
    if fits and size is not None:
        compare = np.greater_equal if larger else np.equal
        fits = compare(X.shape[2:], size).all()
    if not fits:
        channels = "channels" if n_channels is None else n_channels
        height, width = ("height", "width") if size is None else size
        least = "at least " if larger else ""
        single = " Of a single image give X[np.newaxis]." if X.ndim == 3 else ""
        raise ValueError(
            f"X has shape {X.shape}; this trigger needs images of shape "
            f"(n, {channels}, {least}{height}, {least}{width}).{single}"
        )
    return X


def check_range(X, name="X"):
    """Return the lowest and the highest value of images, or raise if they are one."""
    low, high = (float(X.min()), float(X.max())) if X.size else (np.nan, np.nan)
    if not low < high or not np.isfinite([low, high]).all():
        raise ValueError(
            f"{name} has values from {low} to {high}; the strength of this trigger is "
            f"a share of the range of X, so give {name} finite values that differ."
        )
    return low, high


def check_share(value, name):
    """Raise unless a parameter is in (0, 1]."""
    if not 0 < value <= 1:
        raise ValueError(f"{name}={value} is not in (0, 1].")


def check_positive(value, name):
    """Raise unless a parameter is above 0, and finite."""
    if not 0 < value < np.inf:
        raise ValueError(f"{name}={value} is not a finite number above 0.")


def check_integer(value, name, least, most=np.inf, what=""):
    """Raise unless a parameter is an integer in a range; say what the most is."""
    if not isinstance(value, Integral) or not least <= value <= most:
        allowed = f"of at least {least}"
        if most < np.inf:
            allowed = f"from {least} to {most}{what}"
        raise ValueError(f"{name}={value} is not an integer {allowed}.")


def as_floats(X):
    """Return images as floats of at least 32 bits, to compute with."""
    X = np.asarray(X)
    return X.astype(np.result_type(X.dtype, np.float32), copy=False)


def as_pixels(X, dtype, origin=None):
    """Return float images in the dtype of others, rounded where these are integers.

    Towards the images that they come from, where these are given: the nearest integer
    could be further from them than the images were allowed to go.
    """
    if np.dtype(dtype).kind in "iu":
        X = np.rint(X) if origin is None else origin + np.trunc(X - origin)
    return X.astype(dtype)


def clip_pixels(X, bounds, dtype):
    """Return float images within bounds and in the dtype of others."""
    return as_pixels(np.clip(X, *bounds), dtype)


def apply_trigger(trigger, X, role, rng):
    """Return images with a trigger on them, as their role in an attack asks.

    Parameters
    ----------
    trigger : callable
        ``trigger(X)`` is for test images. Its methods ``poison(X, random_state)`` and
        ``cover(X, random_state)`` are for training rows, where it has them.

    X : ndarray of shape (n, n_channels, height, width)
    role : {"poison", "cover", "test"}
    rng : RandomState instance
        Handed to the methods.

    Returns
    -------
    X_triggered : ndarray of shape (n, n_channels, height, width)
    """
    method = getattr(trigger, role, None) if role != "test" else None
    return trigger(X) if method is None else method(X, rng)
