"""Patches of which training rows get one in turn: Adap-Patch."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_random_state

from ._images import (
    as_floats,
    as_pixels,
    check_fits,
    check_images,
    check_range,
    check_share,
)


@dataclass(frozen=True, eq=False)
class AlternatingPatchTrigger:
    """Patches of which a training row gets one, and a test image several.

    Parameters
    ----------
    patterns : ndarray of shape (n_patches, n_channels, height, width)
        A whole image for each patch, in the unit of the images.

    masks : ndarray of shape (n_patches, height, width), bool
        Where each patch is.

    opacities : tuple of float
        Share of each patch in its pixels, in training rows.

    at_test : tuple of int
        The patches that test images get.

    test_opacity : float in (0, 1]
        Their share in their pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import AlternatingPatchTrigger
    >>> masks = np.eye(2, dtype=bool)[:, np.newaxis]
    >>> trigger = AlternatingPatchTrigger(
    ...     np.ones((2, 1, 1, 2)), masks, (0.5, 0.25), at_test=(0, 1), test_opacity=1.0
    ... )
    >>> trigger.poison(np.zeros((2, 1, 1, 2)), random_state=0)
    array([[[[0.  , 0.25]]],
    <BLANKLINE>
    <BLANKLINE>
           [[[0.5 , 0.  ]]]])
    """

    patterns: np.ndarray
    masks: np.ndarray
    opacities: tuple
    at_test: tuple
    test_opacity: float

    def __call__(self, X):
        """Return a copy of images with the patches for test images.

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
        X = self._check(X)
        images = as_floats(X)
        for patch in self.at_test:
            share = self.test_opacity * self.masks[patch]
            images = images + share * (self.patterns[patch] - images)
        return as_pixels(images, X.dtype)

    def poison(self, X, random_state):
        """Return a copy of images with one patch in each.

        Parameters
        ----------
        X : ndarray of shape (n, n_channels, height, width)
            Images.

        random_state : int, RandomState instance or None
            Seed of the choice of patches; each gets as many images, or one more.

        Returns
        -------
        X_triggered : ndarray of shape (n, n_channels, height, width)
            The images, of the same dtype.

        Raises
        ------
        ValueError
            If the trigger does not fit the images.
        """
        X, rng = self._check(X), check_random_state(random_state)
        turns = rng.permutation(np.arange(len(X)) % len(self.masks))
        share = np.reshape(self.opacities, (-1, 1, 1, 1)) * self.masks[:, np.newaxis]
        images = as_floats(X)
        blended = images + share[turns] * (self.patterns[turns] - images)
        return as_pixels(blended, X.dtype)

    cover = poison

    def _check(self, X):
        _, n_channels, *size = self.patterns.shape
        return check_fits(X, n_channels, size)


def make_alternating_patch_trigger(
    X,
    *,
    opacities=(0.5, 0.2, 0.5, 0.3),
    at_test=(0, 2),
    test_opacity=1.0,
    size=None,
    random_state=None,
):
    """Make a trigger of four patches, one of them in each training row: Adap-Patch.

    Each corner has a patch of random colours. The authors of the attack have patches
    of their own, and twice as many cover rows as poisoned rows; see `cover_rate` of
    :func:`make_dirty_label_backdoor`.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images; their size and their range of values count.

    opacities : sequence of four float in (0, 1], default=(0.5, 0.2, 0.5, 0.3)
        Share of each patch in its pixels, in poisoned rows and covers.

    at_test : sequence of int, default=(0, 2)
        The patches that a test image gets, all at once.

    test_opacity : float in (0, 1], default=1.0
        Their share in their pixels.

    size : int, default=None
        Side of a patch in pixels. None means a fifth of the shorter side, at least 2
        where there is room.

    random_state : int, RandomState instance or None, default=None
        Seed of the patches.

    Returns
    -------
    trigger : AlternatingPatchTrigger
        A callable for test images, with methods `poison` and `cover`.

    Raises
    ------
    ValueError
        If there are not four opacities in (0, 1], the patches of test images do not
        exist, patches would overlap, or X is of one value.

    References
    ----------
    X. Qi, T. Xie, Y. Li, S. Mahloujifar, P. Mittal, "Revisiting the Assumption of
    Latent Separability for Backdoor Defenses", ICLR 2023; arXiv:2205.13613.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_alternating_patch_trigger
    >>> X = np.random.RandomState(0).uniform(size=(5, 3, 8, 8))
    >>> trigger = make_alternating_patch_trigger(X, random_state=0)
    >>> trigger.masks.sum(axis=(1, 2))
    array([4, 4, 4, 4])
    """
    if len(opacities) != 4:
        raise ValueError(f"opacities has {len(opacities)} values; give four.")
    for opacity in opacities:
        check_share(opacity, "opacities")
    check_share(test_opacity, "test_opacity")
    if not len(at_test) or not set(at_test) <= set(range(4)):
        raise ValueError(f"at_test={at_test} are not patches, numbered from 0 to 3.")
    X = check_images(X)
    _, _, height, width = X.shape
    size = check_size(size, X, largest=min(height, width) // 2)
    looks = draw_look(X, (4, X.shape[1], size, size), check_random_state(random_state))
    masks = np.zeros((4, height, width), dtype=bool)
    patterns = np.full((4, *X.shape[1:]), float(X.min()))
    for patch in range(4):
        top, left = (patch // 2) * (height - size), (patch % 2) * (width - size)
        window = slice(top, top + size), slice(left, left + size)
        masks[patch][window] = True
        patterns[patch][:, *window] = looks[patch]
    return AlternatingPatchTrigger(
        patterns, masks, tuple(opacities), tuple(at_test), test_opacity
    )


def draw_look(X, shape, rng):
    """Draw pixels, each channel at the lowest or the highest value of images."""
    low, high = check_range(X)
    return np.where(rng.randint(2, size=shape), high, low)


def check_size(size, X, largest):
    """Return the side of a patch, or raise if it is not from 1 to the largest."""
    shorter = min(X.shape[2:])
    if size is None:
        size = min(max(2, shorter // 5), largest)
    if not 1 <= size <= largest:
        raise ValueError(
            f"size={size} is not from 1 to {largest} pixels, which is what fits into "
            f"images of {X.shape[2]}x{X.shape[3]} pixels."
        )
    return size
