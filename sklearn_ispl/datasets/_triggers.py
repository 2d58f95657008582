"""Triggers: what a backdoor answers to."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_random_state

from ._images import check_fits, check_images

TRIGGER_SHAPES = {
    "ell": np.array([[1, 0, 0], [1, 0, 0], [1, 1, 1]], dtype=bool),
    "x": np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]], dtype=bool),
    "pixel": np.array([[1]], dtype=bool),
    "patch": np.ones((3, 3), dtype=bool),
}


@dataclass(frozen=True, eq=False)
class Trigger:
    """A trigger of one colour that is put on images by calling it.

    Parameters
    ----------
    shape : ndarray of shape (height, width), bool
        The pixels that are painted.

    position : tuple of (int, int)
        Row and column of the trigger's upper left corner.

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
        """Return a copy of images with the trigger on them.

        Parameters
        ----------
        X : ndarray of shape (n, n_channels, height, width)
            Images.

        Returns
        -------
        X_triggered : ndarray of shape (n, n_channels, height, width)
            The images with the trigger, of the same dtype.

        Raises
        ------
        ValueError
            If the trigger does not fit the images, or if their dtype cannot hold its
            colour.
        """
        least = np.add(self.position, self.shape.shape)
        X = check_fits(X, len(self.color), least, larger=True).copy()
        rows, columns = np.nonzero(self.shape)
        top, left = self.position
        color = _check_color(self.color, len(self.color), X.dtype).astype(X.dtype)
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
        The trigger: an L or an X of five pixels, one pixel, a filled square of 3x3
        pixels, a filled square of half of the shorter side, an X in each corner of the
        image, or a mask.

    position : tuple of (int, int), default=None
        Row and column of its upper left corner. None draws one at which all of the
        trigger is in the image. "corners" has its places.

    color : float or array-like of shape (n_channels,), default=None
        Its colour, in the unit of X. None draws one with every channel at the lowest
        or the highest value in X, at least one of them at the highest. For images of
        integers it must be integers that their dtype can hold.

    random_state : int, RandomState instance or None, default=None
        Seed of what is drawn.

    Returns
    -------
    trigger : Trigger
        A callable that puts the trigger on images.

    Raises
    ------
    ValueError
        If the shape is unknown, if the trigger does not fit into the images, or if the
        dtype of X cannot hold the colour.

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
    X = check_images(X)
    return draw_trigger(X, shape, position, color, check_random_state(random_state))


def draw_trigger(X, shape, position, color, rng):
    """Make a trigger for images that are checked already; see `make_trigger`."""
    _, n_channels, height, width = X.shape
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
    return Trigger(mask, tuple(position), _check_color(color, n_channels, X.dtype))


def as_trigger(trigger, X, position, color, rng):
    """Return a trigger that is a callable already, or make it."""
    if not callable(trigger):
        return draw_trigger(X, trigger, position, color, rng)
    for name, value in {"position": position, "color": color}.items():
        if value is not None:
            raise ValueError(
                f"{name}={value!r} is for a trigger made here, but trigger is a "
                f"callable, which puts its own on images. Leave {name} out."
            )
    return trigger


def _check_color(color, n_channels, dtype):
    """Return one value for each channel, or raise if the dtype cannot hold them."""
    color = np.asarray(color)
    if color.dtype.kind not in "biuf":
        raise ValueError(f"color={color.tolist()!r} is no number.")
    if color.shape not in ((), (1,), (n_channels,)):
        raise ValueError(
            f"color={color.tolist()!r} is not one value, nor one for each of "
            f"{n_channels} channels."
        )
    # Painting would wrap around, or cut the fraction off, without a word.
    limits = np.iinfo(dtype) if dtype.kind in "iu" else None
    if limits and not (
        np.all(color == np.trunc(color))
        and limits.min <= color.min()
        and color.max() <= limits.max
    ):
        raise ValueError(
            f"color={color.tolist()!r} cannot be held by images of dtype {dtype}; give "
            f"integers from {limits.min} to {limits.max}, or images of floats."
        )
    return np.broadcast_to(color, (n_channels,))


def _check_shape(shape, height, width):
    if not isinstance(shape, str):
        return np.asarray(shape, dtype=bool)
    if shape == "large":
        return np.ones((max(1, min(height, width) // 2),) * 2, dtype=bool)
    if shape == "corners":
        return _corners(TRIGGER_SHAPES["x"], height, width)
    if shape not in TRIGGER_SHAPES:
        raise ValueError(
            f"trigger shape {shape!r} is unknown; use one of "
            f"{[*TRIGGER_SHAPES, 'large', 'corners']} or a boolean mask."
        )
    return TRIGGER_SHAPES[shape]


def _corners(shape, height, width):
    """Return a mask of a whole image with a shape in each corner."""
    side = len(shape)
    mask = np.zeros((max(height, 2 * side), max(width, 2 * side)), dtype=bool)
    for rows in (slice(side), slice(-side, None)):
        for columns in (slice(side), slice(-side, None)):
            mask[rows, columns] = shape
    return mask
