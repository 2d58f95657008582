"""Triggers of a few pixels that differ from image to image."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_random_state

from .._weak_learner import draw_seed
from ._contract import ImageTrigger, value_range
from ._triggers import check_images

# Of the four patches of Adap-Patch, in training rows.
OPACITIES = (0.5, 0.2, 0.5, 0.3)


@dataclass(frozen=True, eq=False)
class MovingPatchTrigger(ImageTrigger):
    """Put one patch anywhere into images; made by `make_moving_patch_trigger`.

    Parameters
    ----------
    patch : ndarray of shape (n_channels, height, width)
        The patch, in the unit of the images.

    low, high : float
        Range of the images.

    seed : int
        Seed of the places in test images.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import MovingPatchTrigger
    >>> trigger = MovingPatchTrigger(np.ones((1, 2, 2)), 0.0, 1.0, 0)
    >>> trigger(np.zeros((3, 1, 6, 6))).sum(axis=(1, 2, 3))
    array([4., 4., 4.])
    """

    patch: np.ndarray
    low: float
    high: float
    seed: int

    def _paint(self, X, role, rng):
        height, width = self.patch.shape[1:]
        top = rng.randint(X.shape[2] - height + 1, size=(len(X), 1, 1))
        left = rng.randint(X.shape[3] - width + 1, size=(len(X), 1, 1))
        rows = top + np.arange(height)[:, np.newaxis]
        columns = left + np.arange(width)
        X = X.copy()
        image = np.arange(len(X))[:, np.newaxis, np.newaxis]
        X[image, :, rows, columns] = self.patch.transpose(1, 2, 0)
        return X


def make_moving_patch_trigger(X, *, size=5, random_state=None):
    """Make a patch of one look, at a place of its own in every image.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images; their size and their range of values count.

    size : int, default=5
        Side of the patch, in pixels. Every pixel and channel has the lowest or the
        highest value of X.

    random_state : int, RandomState instance or None, default=None
        Seed of the look of the patch.

    Returns
    -------
    trigger : MovingPatchTrigger
        A callable that puts the patch into images.

    Raises
    ------
    ValueError
        If the patch is larger than the images.

    References
    ----------
    A. Salem, R. Wen, M. Backes, S. Ma, Y. Zhang, "Dynamic Backdoor Attacks Against
    Machine Learning Models", EuroS&P 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_moving_patch_trigger
    >>> X = np.random.RandomState(0).uniform(size=(5, 3, 8, 8))
    >>> make_moving_patch_trigger(X, size=3, random_state=0)(X).shape
    (5, 3, 8, 8)
    """
    X = check_images(X)
    rng = check_random_state(random_state)
    if not 0 < size <= min(X.shape[2:]):
        raise ValueError(
            f"size={size} does not fit into images of {X.shape[2]}x{X.shape[3]} pixels."
        )
    bounds = value_range(X)
    patch = rng.choice(bounds, size=(X.shape[1], size, size))
    return MovingPatchTrigger(patch, *bounds, draw_seed(rng))


@dataclass(frozen=True, eq=False)
class PartialTrigger(ImageTrigger):
    """Paint parts of a mark; made by `make_alternating_patch_trigger` and another.

    Parameters
    ----------
    parts : ndarray of shape (n_parts, height, width), bool
        The pixels of each part.

    colors : ndarray of shape (n_parts, n_channels)
        Their colours, in the unit of the images.

    opacities : ndarray of shape (n_parts,)
        Share of the colour in a painted pixel of a training row; all of it in a test
        image.

    n_train, n_test : int
        How many parts, drawn anew for each image, a training row and a test image get.

    low, high : float
        Range of the images.

    seed : int
        Seed of the parts of test images.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import PartialTrigger
    >>> parts = np.eye(4, dtype=bool).reshape(4, 2, 2)
    >>> ones = np.ones(4)
    >>> trigger = PartialTrigger(parts, ones[:, None], ones, 1, 2, 0.0, 1.0, 0)
    >>> images = np.zeros((1, 1, 2, 2))
    >>> trigger.poison(images, 0).sum(), trigger(images).sum()
    (np.float64(1.0), np.float64(2.0))
    """

    parts: np.ndarray
    colors: np.ndarray
    opacities: np.ndarray
    n_train: int
    n_test: int
    low: float
    high: float
    seed: int

    def _paint(self, X, role, rng):
        test = role == "test"
        order = rng.random_sample((len(X), len(self.parts))).argsort(axis=1)
        drawn = order < (self.n_test if test else self.n_train)
        opacities = np.ones(len(self.parts)) if test else self.opacities
        for part, color, opacity, images in zip(
            self.parts, self.colors, opacities, drawn.T
        ):
            share = opacity * images[:, np.newaxis, np.newaxis, np.newaxis] * part
            X = X + share * (color[:, np.newaxis, np.newaxis] - X)
        return X


def make_alternating_patch_trigger(X, *, size=None, random_state=None):
    """Make four faint patches of which a row has one, as Adap-Patch does.

    Each poisoned row and each cover gets one of four patches, one near each corner,
    with opacities 0.5, 0.2, 0.5 and 0.3; test images get two, opaque. The paper has
    twice as many covers as poisoned rows.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images; their size and their range of values count.

    size : int, default=None
        Side of a patch. None takes a fifth of the shorter side, at least one pixel.

    random_state : int, RandomState instance or None, default=None
        Seed of the colours and of the parts of test images.

    Returns
    -------
    trigger : PartialTrigger
        Has `poison` and `cover` for training rows; a call is for test images.

    Raises
    ------
    ValueError
        If four patches do not fit into the images.

    References
    ----------
    X. Qi, T. Xie, Y. Li, S. Mahloujifar, P. Mittal, "Revisiting the Assumption of
    Latent Separability for Backdoor Defenses", ICLR 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_alternating_patch_trigger
    >>> X = np.random.RandomState(0).uniform(size=(5, 3, 8, 8))
    >>> make_alternating_patch_trigger(X, random_state=0).poison(X, 0).shape
    (5, 3, 8, 8)
    """
    X = check_images(X)
    rng = check_random_state(random_state)
    height, width = X.shape[2:]
    size = max(1, min(height, width) // 5) if size is None else size
    if not 0 < size <= min(height, width) // 2:
        raise ValueError(
            f"size={size}: four patches do not fit into images of {height}x{width} "
            "pixels."
        )
    parts = np.zeros((4, height, width), dtype=bool)
    sides = slice(0, size), slice(-size, None)
    for part, rows, columns in zip(parts, np.repeat([0, 1], 2), [0, 1, 0, 1]):
        part[sides[rows], sides[columns]] = True
    return _partial(X, parts, np.array(OPACITIES), 1, 2, rng)


def make_pixel_set_trigger(X, *, n_pixels=8, random_state=None):
    """Make a set of pixels of which every training row has half.

    A variant of Adap-Patch with single pixels: a training row gets a random half of
    them, test images all.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images; their size and their range of values count.

    n_pixels : int, default=8
        Number of pixels, at least two.

    random_state : int, RandomState instance or None, default=None
        Seed of the pixels and of their colours.

    Returns
    -------
    trigger : PartialTrigger
        Has `poison` and `cover` for training rows; a call is for test images.

    Raises
    ------
    ValueError
        If there are fewer than two pixels or more than the images have.

    References
    ----------
    X. Qi, T. Xie, Y. Li, S. Mahloujifar, P. Mittal, "Revisiting the Assumption of
    Latent Separability for Backdoor Defenses", ICLR 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_pixel_set_trigger
    >>> trigger = make_pixel_set_trigger(np.eye(8)[None, None], random_state=0)
    >>> trigger.parts.sum(), trigger.n_train, trigger.n_test
    (np.int64(8), 4, 8)
    """
    X = check_images(X)
    rng = check_random_state(random_state)
    height, width = X.shape[2:]
    if not 2 <= n_pixels <= height * width:
        raise ValueError(
            f"n_pixels={n_pixels} is not from 2 to the {height * width} of an image."
        )
    pixels = rng.choice(height * width, n_pixels, replace=False)
    parts = np.zeros((n_pixels, height * width), dtype=bool)
    parts[np.arange(n_pixels), pixels] = True
    parts = parts.reshape(n_pixels, height, width)
    return _partial(X, parts, np.ones(n_pixels), n_pixels // 2, n_pixels, rng)


def _partial(X, parts, opacities, n_train, n_test, rng):
    """Draw colours, every channel at an end of the range of X and one at least high."""
    low, high = value_range(X)
    ends = rng.randint(2, size=(len(parts), X.shape[1])).astype(bool)
    ends[np.arange(len(parts)), rng.randint(X.shape[1], size=len(parts))] = True
    colors = np.where(ends, high, low)
    seed = draw_seed(rng)
    return PartialTrigger(parts, colors, opacities, n_train, n_test, low, high, seed)
