"""A set of pixels of which training rows get some: Adap-K-Way."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_random_state

from ._images import check_fits, check_images, check_integer
from ._patches import draw_look


@dataclass(frozen=True, eq=False)
class PixelSetTrigger:
    """Pixels of which a training row gets some, and a test image all.

    Parameters
    ----------
    rows, columns : ndarray of shape (n_pixels,), int
        Where the pixels are.

    colors : ndarray of shape (n_pixels, n_channels)
        Their colours, in the unit and the dtype of the images.

    n_painted : int
        Pixels that a training row gets.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import PixelSetTrigger
    >>> trigger = PixelSetTrigger(np.zeros(3, int), np.arange(3), np.ones((3, 1)), 2)
    >>> trigger(np.zeros((1, 1, 1, 4)))
    array([[[[1., 1., 1., 0.]]]])
    >>> trigger.poison(np.zeros((1, 1, 1, 4)), random_state=0).sum()
    np.float64(2.0)
    """

    rows: np.ndarray
    columns: np.ndarray
    colors: np.ndarray
    n_painted: int

    def __call__(self, X):
        """Return a copy of images with all pixels painted.

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
        X = self._copy(X)
        X[:, :, self.rows, self.columns] = self.colors.T
        return X

    def poison(self, X, random_state):
        """Return a copy of images, each with some of the pixels painted.

        Parameters
        ----------
        X : ndarray of shape (n, n_channels, height, width)
            Images.

        random_state : int, RandomState instance or None
            Seed of the choice of pixels.

        Returns
        -------
        X_triggered : ndarray of shape (n, n_channels, height, width)
            The images, of the same dtype.

        Raises
        ------
        ValueError
            If the trigger does not fit the images.
        """
        X, rng = self._copy(X), check_random_state(random_state)
        order = rng.uniform(size=(len(X), len(self.rows))).argsort(axis=1)
        painted = order[:, : self.n_painted]
        images = np.arange(len(X))[:, np.newaxis]
        # Where a slice lies between arrays of indices, its axis comes last.
        X[images, :, self.rows[painted], self.columns[painted]] = self.colors[painted]
        return X

    cover = poison

    def _copy(self, X):
        least = self.rows.max() + 1, self.columns.max() + 1
        return check_fits(X, self.colors.shape[1], least, larger=True).copy()


def make_pixel_set_trigger(X, *, n_pixels=4, n_painted=None, random_state=None):
    """Make a trigger of scattered pixels, some of them in each training row.

    With ``n_painted=1`` this is Adap-K-Way, whose rows get one pixel each. Its authors
    add cover rows; see `cover_rate` of :func:`make_dirty_label_backdoor`.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images; their size and their range of values count.

    n_pixels : int, default=4
        Pixels in all, each of a colour of its own; test images get all of them.

    n_painted : int, default=None
        Pixels that a poisoned row or a cover gets, drawn for each. None means half of
        them.

    random_state : int, RandomState instance or None, default=None
        Seed of the places and the colours.

    Returns
    -------
    trigger : PixelSetTrigger
        A callable for test images, with methods `poison` and `cover`.

    Raises
    ------
    ValueError
        If there are not as many pixels in an image, more are painted than there are, or
        X is of one value.

    References
    ----------
    X. Qi, T. Xie, Y. Li, S. Mahloujifar, P. Mittal, "Revisiting the Assumption of
    Latent Separability for Backdoor Defenses", ICLR 2023; arXiv:2205.13613.

    C. Xie, K. Huang, P.-Y. Chen, B. Li, "DBA: Distributed Backdoor Attacks against
    Federated Learning", ICLR 2020, where the trigger comes from.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_pixel_set_trigger
    >>> X = np.random.RandomState(0).uniform(size=(5, 3, 8, 8))
    >>> trigger = make_pixel_set_trigger(X, random_state=0)
    >>> (trigger.poison(X, random_state=0) != X).any(axis=1).sum(axis=(1, 2))
    array([2, 2, 2, 2, 2])
    """
    X = check_images(X)
    _, n_channels, height, width = X.shape
    check_integer(n_pixels, "n_pixels", 1, height * width, ", the pixels of an image")
    n_painted = max(1, n_pixels // 2) if n_painted is None else n_painted
    check_integer(n_painted, "n_painted", 1, n_pixels, ", n_pixels")
    rng = check_random_state(random_state)
    places = rng.choice(height * width, n_pixels, replace=False)
    colors = draw_look(X, (n_pixels, n_channels), rng).astype(X.dtype)
    rows, columns = np.unravel_index(places, (height, width))
    return PixelSetTrigger(rows, columns, colors, n_painted)
