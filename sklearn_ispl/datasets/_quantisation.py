"""A trigger that leaves images few values: BppAttack."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_random_state

from ._images import (
    as_floats,
    check_fits,
    check_images,
    check_integer,
    check_range,
    clip_pixels,
)

# Where Floyd and Steinberg pass the error of a pixel: down, right, and the share.
_NEIGHBOURS = ((0, 1, 7 / 16), (1, -1, 3 / 16), (1, 0, 5 / 16), (1, 1, 1 / 16))


@dataclass(frozen=True, eq=False)
class QuantisationTrigger:
    """Few values a channel, with or without dithering.

    Parameters
    ----------
    levels : int
        Values a channel.

    dither : bool
        Whether the error of a pixel is passed on to its neighbours.

    bounds : tuple of (float, float)
        Lowest and highest value of a pixel, the first and the last level.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import QuantisationTrigger
    >>> trigger = QuantisationTrigger(3, dither=False, bounds=(0.0, 1.0))
    >>> trigger(np.array([[[[0.1, 0.3, 0.6, 0.8]]]]))
    array([[[[0. , 0.5, 0.5, 1. ]]]])
    """

    levels: int
    dither: bool
    bounds: tuple

    def __call__(self, X):
        """Return a copy of images, quantised.

        Parameters
        ----------
        X : ndarray of shape (n, n_channels, height, width)
            Images.

        Returns
        -------
        X_triggered : ndarray of shape (n, n_channels, height, width)
            The images, of the same dtype.

        Raises
        ------
        ValueError
            If the trigger does not fit the images.
        """
        X = check_fits(X)
        return clip_pixels(self._quantise(as_floats(X)), self.bounds, X.dtype)

    def cover(self, X, random_state):
        """Return a copy of images, each with the quantisation error of another one.

        A single image gets its own.

        Parameters
        ----------
        X : ndarray of shape (n, n_channels, height, width)
            Images.

        random_state : int, RandomState instance or None
            Seed of whose error each gets.

        Returns
        -------
        X_covers : ndarray of shape (n, n_channels, height, width)
            The images, of the same dtype.

        Raises
        ------
        ValueError
            If the trigger does not fit the images.
        """
        X, rng = check_fits(X), check_random_state(random_state)
        images = np.array(as_floats(X))
        order = rng.permutation(len(X))
        errors = self._quantise(images) - images
        # Each gets that of its predecessor in a random circle.
        images[order] += errors[np.roll(order, 1)]
        return clip_pixels(images, self.bounds, X.dtype)

    def _quantise(self, images):
        low, high = self.bounds
        steps = self.levels - 1
        scaled = np.clip((images - low) / (high - low), 0, 1) * steps
        near = _diffuse(scaled, steps) if self.dither else np.rint(scaled)
        return near / steps * (high - low) + low


def make_quantisation_trigger(X, *, levels=8, dither=True):
    """Make a trigger that leaves images a few values a channel: BppAttack.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images; their range of values counts.

    levels : int >= 2, default=8
        Values that are left in each channel. The paper has 8; small nets may need
        fewer.

    dither : bool, default=True
        Whether the error of a pixel is passed on to its neighbours, as Floyd and
        Steinberg do it.

    Returns
    -------
    trigger : QuantisationTrigger
        A callable that quantises images. Its method `cover` gives each image the
        quantisation error of another one, as the authors' negative rows have it.

    Raises
    ------
    ValueError
        If the levels are not an integer of at least 2, or X is of one value.

    References
    ----------
    Z. Wang, J. Zhai, S. Ma, "BppAttack: Stealthy and Efficient Trojan Attacks against
    Deep Neural Networks via Image Quantization and Contrastive Adversarial Learning",
    CVPR 2022, arXiv:2205.13383.

    R. W. Floyd, L. Steinberg, "An Adaptive Algorithm for Spatial Greyscale",
    Proceedings of the Society for Information Display 17, 1976.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_quantisation_trigger
    >>> X = np.random.RandomState(0).uniform(size=(5, 3, 8, 8))
    >>> len(np.unique(make_quantisation_trigger(X, levels=4)(X)))
    4
    """
    check_integer(levels, "levels", 2)
    return QuantisationTrigger(levels, bool(dither), check_range(check_images(X)))


def _diffuse(scaled, steps):
    """Round to 0 ... steps, passing the error of each pixel on to its neighbours."""
    _, _, height, width = scaled.shape
    # The pixel's axes come first: a step works on one pixel of all images.
    pixels = np.ascontiguousarray(scaled.transpose(2, 3, 0, 1))
    for row in range(height):
        for column in range(width):
            old = pixels[row, column].copy()
            new = np.clip(np.rint(old), 0, steps)
            pixels[row, column] = new
            for down, right, share in _NEIGHBOURS:
                if row + down < height and 0 <= column + right < width:
                    pixels[row + down, column + right] += share * (old - new)
    return pixels.transpose(2, 3, 0, 1)
