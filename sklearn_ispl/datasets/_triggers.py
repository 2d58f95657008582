"""Triggers: the marks that a backdoor answers to."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_random_state

from .._validation import warn_of_channels_last

TRIGGER_SHAPES = {
    "ell": np.array([[1, 0, 0], [1, 0, 0], [1, 1, 1]], dtype=bool),
    "x": np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]], dtype=bool),
    "pixel": np.array([[1]], dtype=bool),
    "patch": np.ones((3, 3), dtype=bool),
}


@dataclass(frozen=True, eq=False)
class Trigger:
    """A mark of one colour that is put on images by calling it.

    Parameters
    ----------
    shape : ndarray of shape (height, width), bool
        The pixels that are painted.

    position : tuple of (int, int)
        Row and column of the mark's upper left corner.

    color : ndarray of shape (n_channels,)
        The colour, in the unit of the images.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import Trigger
    >>> trigger = Trigger(np.ones((1, 2), dtype=bool), (0, 1), np.array([9.0]))
    >>> trigger(np.zeros((1, 1, 2, 3)))
    array([[[[0., 9., 9.],
             [0., 0., 0.]]]])
    """

    shape: np.ndarray
    position: tuple
    color: np.ndarray

    def __call__(self, X):
        """Return a copy of images with the mark on them.

        Parameters
        ----------
        X : ndarray of shape (n, n_channels, height, width)
            Images.

        Returns
        -------
        X_triggered : ndarray of shape (n, n_channels, height, width)
            The images with the mark, of the same dtype.
        """
        X = np.array(X)
        rows, columns = np.nonzero(self.shape)
        top, left = self.position
        color = np.asarray(self.color, dtype=X.dtype)
        X[:, :, top + rows, left + columns] = color[:, np.newaxis]
        return X


def make_trigger(X, shape="ell", *, position=None, color=None, random_state=None):
    """Make a trigger that fits a set of images.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images; their size and their range of values count.

    shape : {"ell", "x", "pixel", "patch", "large", "corners"} or ndarray of bool, \
            default="ell"
        The mark: an L or an X of five pixels, one pixel, a filled square of 3x3
        pixels or of half of the shorter side, an X in each corner of the image, or a
        mask.

    position : tuple of (int, int), default=None
        Row and column of its upper left corner. None draws one at which all of the
        mark is in the image. "corners" has its places.

    color : float or array-like of shape (n_channels,), default=None
        Its colour, in the unit of X. None draws one with every channel at the lowest
        or the highest value in X, at least one of them at the highest.

    random_state : int, RandomState instance or None, default=None
        Seed of what is drawn.

    Returns
    -------
    trigger : Trigger
        A callable that puts the mark on images.

    Raises
    ------
    ValueError
        If the shape is unknown, if the mark does not fit into the images, or if the
        dtype of the images cannot hold the colour.

    References
    ----------
    C. Jin, M. Sun, M. Rinard, "Provable Guarantees against Data Poisoning Using
    Self-Expansion and Compatibility", arXiv:2105.03692v1, appendix B.2.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_trigger
    >>> X = np.random.RandomState(0).uniform(size=(5, 3, 8, 8))
    >>> trigger = make_trigger(X, "pixel", position=(2, 4), color=(1, 0, 0))
    >>> trigger(X)[0, :, 2, 4]
    array([1., 0., 0.])
    """
    rng = check_random_state(random_state)
    _, n_channels, height, width = check_images(X).shape
    mask = _check_shape(shape, height, width)
    last = height - mask.shape[0], width - mask.shape[1]
    if position is None and min(last) >= 0:
        position = tuple(int(rng.randint(end + 1)) for end in last)
    if min(last) < 0 or not all(0 <= p <= end for p, end in zip(position, last)):
        raise ValueError(
            f"A trigger of {mask.shape[0]}x{mask.shape[1]} pixels at position "
            f"{position} does not fit into images of {height}x{width} pixels."
        )
    if color is None:
        high = rng.randint(2, size=n_channels).astype(bool)
        high[rng.randint(n_channels)] = True
        color = np.where(high, X.max(), X.min())
    color = _check_color(color, n_channels, np.asarray(X).dtype)
    return Trigger(mask, tuple(position), color)


def as_pixels(X, dtype, origin=None):
    """Return float images in the dtype of others, rounded where these are integers.

    Towards the images that they come from, where these are given: the nearest integer
    could be further from them than the images were allowed to go.
    """
    if np.dtype(dtype).kind in "iu":
        X = np.rint(X) if origin is None else origin + np.trunc(X - origin)
    return X.astype(dtype)


def check_images(X):
    """Return X as an array, or raise unless it holds images, channels first."""
    X = np.asarray(X)
    if X.ndim != 4:
        raise ValueError(
            f"X has {X.ndim} dimensions; images are (n, channels, height, width). For "
            "grey images use X[:, None]."
        )
    warn_of_channels_last(X)
    return X


def _check_color(color, n_channels, dtype):
    """Return one value a channel, or raise if images of a dtype cannot hold them."""
    color = np.broadcast_to(np.asarray(color), (n_channels,))
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        fits = (color >= limits.min) & (color <= limits.max) & (color == np.rint(color))
        if not fits.all():
            raise ValueError(
                f"color={color.tolist()} does not fit the images, whose dtype is "
                f"{dtype}: give whole numbers from {limits.min} to {limits.max}."
            )
    return color


def _check_shape(shape, height, width):
    if not isinstance(shape, str):
        return np.asarray(shape, dtype=bool)
    if shape == "large":
        return np.ones([min(height, width) // 2] * 2, dtype=bool)
    if shape == "corners":
        return _corners(TRIGGER_SHAPES["x"], height, width)
    if shape not in TRIGGER_SHAPES:
        raise ValueError(
            f"trigger shape {shape!r} is unknown; use one of "
            f"{[*TRIGGER_SHAPES, 'large', 'corners']} or a boolean mask."
        )
    return TRIGGER_SHAPES[shape]


def _corners(mark, height, width):
    """Return a mask of a whole image with a mark in each corner."""
    side = len(mark)
    mask = np.zeros((max(height, 2 * side), max(width, 2 * side)), dtype=bool)
    for rows in (slice(side), slice(-side, None)):
        for columns in (slice(side), slice(-side, None)):
            mask[rows, columns] = mark
    return mask


@dataclass(frozen=True, eq=False)
class BlendedTrigger:
    """A pattern that is blended into whole images by calling it.

    Parameters
    ----------
    pattern : ndarray of shape (n_channels, height, width)
        The pattern, in the unit of the images.

    opacity : float in (0, 1]
        Share of the pattern in a triggered image.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import BlendedTrigger
    >>> trigger = BlendedTrigger(np.array([[[8.0, 0.0]]]), opacity=0.25)
    >>> trigger(np.full((1, 1, 1, 2), 4.0))
    array([[[[5., 3.]]]])
    """

    pattern: np.ndarray
    opacity: float

    def __call__(self, X):
        """Return a copy of images with the pattern in them.

        Parameters
        ----------
        X : ndarray of shape (n, n_channels, height, width)
            Images.

        Returns
        -------
        X_triggered : ndarray of shape (n, n_channels, height, width)
            The images with the pattern, of the same dtype.
        """
        X = np.asarray(X)
        blended = (1 - self.opacity) * X + self.opacity * self.pattern
        return as_pixels(blended, X.dtype)


def make_blended_trigger(X, *, opacity=0.2, random_state=None):
    """Make a trigger that covers whole images: blended-in noise.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images; their size and their range of values count.

    opacity : float in (0, 1], default=0.2
        Share of the noise in a triggered image.

    random_state : int, RandomState instance or None, default=None
        Seed of the noise.

    Returns
    -------
    trigger : BlendedTrigger
        A callable that blends the noise into images.

    Raises
    ------
    ValueError
        If the opacity is outside of (0, 1].

    References
    ----------
    X. Chen, C. Liu, B. Li, K. Lu, D. Song, "Targeted Backdoor Attacks on Deep Learning
    Systems Using Data Poisoning", arXiv:1712.05526.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_blended_trigger
    >>> X = np.random.RandomState(0).uniform(size=(5, 3, 8, 8))
    >>> make_blended_trigger(X, random_state=0)(X).shape
    (5, 3, 8, 8)
    """
    if not 0 < opacity <= 1:
        raise ValueError(f"opacity={opacity} is not in (0, 1].")
    X = check_images(X)
    rng = check_random_state(random_state)
    return BlendedTrigger(rng.uniform(X.min(), X.max(), size=X.shape[1:]), opacity)
