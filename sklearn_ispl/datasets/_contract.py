"""What a trigger does to images: the contract that all attacks share.

A trigger is a function of images. One that treats poisoned rows, covers and test images
alike needs nothing else. Others also have the methods `poison` and `cover`.
"""

import numpy as np
from sklearn.utils import check_random_state

from ._triggers import as_pixels, check_images


def apply_trigger(trigger, X, role, rng):
    """Return what a trigger makes of images.

    Parameters
    ----------
    trigger : callable
        ``trigger(X)`` puts it on test images. Where it has a method of the role's name,
        that is called instead, as ``trigger.poison(X, rng)``.

    X : ndarray of shape (n, n_channels, height, width)
    role : {"poison", "cover", "test"}
        Training rows that get the target label, training rows that keep their own, or
        test images.

    rng : RandomState

    Returns
    -------
    X_triggered : ndarray of shape (n, n_channels, height, width)
    """
    method = getattr(trigger, role, None)
    return trigger(X) if method is None else method(X, rng)


class ImageTrigger:
    """Base of triggers that change images by a function of floats.

    A subclass has `_paint(X, role, rng)`, which returns new images, and the attributes
    `low` and `high`, the range that these are clipped to. Test images are drawn for by
    `seed`, so that calls with the same images give the same result.
    """

    def __call__(self, X):
        """Return a copy of test images with the trigger.

        Parameters
        ----------
        X : ndarray of shape (n, n_channels, height, width)
            Images.

        Returns
        -------
        X_triggered : ndarray of shape (n, n_channels, height, width)
            The images with the trigger, of the same dtype.
        """
        return self._apply(X, "test", np.random.RandomState(self.seed))

    def poison(self, X, random_state=None):
        """Return poisoned training rows made of images.

        Parameters
        ----------
        X : ndarray of shape (n, n_channels, height, width)
            Images.

        random_state : int, RandomState instance or None, default=None
            Seed of what differs from row to row.

        Returns
        -------
        X_poisoned : ndarray of shape (n, n_channels, height, width)
            The rows, of the same dtype.
        """
        return self._apply(X, "poison", check_random_state(random_state))

    def cover(self, X, random_state=None):
        """Return cover rows, which keep their true label, made of images.

        Parameters
        ----------
        X : ndarray of shape (n, n_channels, height, width)
            Images.

        random_state : int, RandomState instance or None, default=None
            Seed of what differs from row to row.

        Returns
        -------
        X_covers : ndarray of shape (n, n_channels, height, width)
            The rows, of the same dtype.
        """
        return self._apply(X, "cover", check_random_state(random_state))

    def _apply(self, X, role, rng):
        X = check_images(X)
        painted = self._paint(X.astype(np.float64), role, rng)
        return as_pixels(np.clip(painted, self.low, self.high), X.dtype)


def value_range(X):
    """Return the lowest and the highest value of images."""
    return float(np.min(X)), float(np.max(X))
