"""A patch of one look at a place of its own in every image."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_random_state

from ..learners._weak_learner import draw_seed
from ._images import check_fits, check_images
from ._patches import check_size, draw_look


@dataclass(frozen=True, eq=False)
class MovingPatchTrigger:
    """A patch that is painted at a place of its own in every image.

    Parameters
    ----------
    patch : ndarray of shape (n_channels, patch_height, patch_width)
        The patch, in the unit and the dtype of the images.

    seed : int
        Of the places in test images.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import MovingPatchTrigger
    >>> trigger = MovingPatchTrigger(np.ones((1, 2, 2)), seed=0)
    >>> trigger(np.zeros((3, 1, 5, 5))).sum(axis=(1, 2, 3))
    array([4., 4., 4.])
    """

    patch: np.ndarray
    seed: int

    def __call__(self, X):
        """Return a copy of images with the patch; places are the same in every call.

        Parameters
        ----------
        X : ndarray of shape (n, n_channels, height, width)
            Images.

        Returns
        -------
        X_triggered : ndarray of shape (n, n_channels, height, width)
            The images with the patch, of the same dtype.

        Raises
        ------
        ValueError
            If the trigger does not fit the images.
        """
        return self.poison(X, self.seed)

    def poison(self, X, random_state):
        """Return a copy of images with the patch.

        Parameters
        ----------
        X : ndarray of shape (n, n_channels, height, width)
            Images.

        random_state : int, RandomState instance or None
            Seed of the places; all of the patch is in the image.

        Returns
        -------
        X_triggered : ndarray of shape (n, n_channels, height, width)
            The images with the patch, of the same dtype.

        Raises
        ------
        ValueError
            If the trigger does not fit the images.
        """
        n_channels, height, width = self.patch.shape
        X = check_fits(X, n_channels, (height, width), larger=True).copy()
        rng = check_random_state(random_state)
        top = rng.randint(X.shape[2] - height + 1, size=(len(X), 1, 1))
        left = rng.randint(X.shape[3] - width + 1, size=(len(X), 1, 1))
        rows, columns = np.indices((height, width))
        images = np.arange(len(X))[:, np.newaxis, np.newaxis]
        # Where a slice lies between arrays of indices, its axis comes last.
        X[images, :, top + rows, left + columns] = self.patch.transpose(1, 2, 0)
        return X

    cover = poison


def make_moving_patch_trigger(X, *, size=None, random_state=None):
    """Make a trigger that is a patch of one look, anywhere in an image.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images; their size and their range of values count.

    size : int, default=None
        Side of the patch in pixels. None means a fifth of the shorter side, at least 2
        where there is room.

    random_state : int, RandomState instance or None, default=None
        Seed of the patch, and of its places in test images.

    Returns
    -------
    trigger : MovingPatchTrigger
        A callable for test images, with methods `poison` and `cover`.

    Raises
    ------
    ValueError
        If the patch does not fit into the images, or X is of one value.

    References
    ----------
    A. Salem, R. Wen, M. Backes, S. Ma, Y. Zhang, "Dynamic Backdoor Attacks Against
    Machine Learning Models", EuroS&P 2022, arXiv:2003.03675, whose simplest attack,
    random backdoor, draws the places of a patch.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_moving_patch_trigger
    >>> X = np.random.RandomState(0).uniform(size=(5, 3, 10, 10))
    >>> trigger = make_moving_patch_trigger(X, random_state=0)
    >>> (trigger(X) != X).any(axis=1).sum(axis=(1, 2))
    array([4, 4, 4, 4, 4])
    """
    X = check_images(X)
    rng = check_random_state(random_state)
    size = check_size(size, X, largest=min(X.shape[2:]))
    patch = draw_look(X, (X.shape[1], size, size), rng).astype(X.dtype)
    return MovingPatchTrigger(patch, draw_seed(rng))
