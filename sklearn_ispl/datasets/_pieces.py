"""A picture that is blended into images in pieces: Adap-Blend."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_random_state

from ._blends import BlendedTrigger
from ._images import (
    as_floats,
    as_pixels,
    check_fits,
    check_images,
    check_integer,
    check_range,
    check_share,
)
from ._pictures import fit_picture


@dataclass(frozen=True, eq=False)
class PiecewiseTrigger:
    """A picture of which training rows get some tiles, and test images all of it.

    Parameters
    ----------
    pattern : ndarray of shape (n_channels, height, width)
        The picture, in the unit of the images.

    opacity : float in (0, 1]
        Share of the picture in its tiles, in training rows.

    test_opacity : float in (0, 1]
        Share of the picture in test images.

    grid : int
        Tiles along each side.

    n_pieces : int
        Tiles that a training row gets.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import PiecewiseTrigger
    >>> trigger = PiecewiseTrigger(np.ones((1, 2, 2)), 0.5, 1.0, grid=2, n_pieces=3)
    >>> X = np.zeros((1, 1, 2, 2))
    >>> trigger.poison(X, random_state=0).sum(), trigger(X).sum()
    (np.float64(1.5), np.float64(4.0))
    """

    pattern: np.ndarray
    opacity: float
    test_opacity: float
    grid: int
    n_pieces: int

    def __call__(self, X):
        """Return a copy of images with the whole picture in them.

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
        return BlendedTrigger(self.pattern, self.test_opacity)(X)

    def poison(self, X, random_state):
        """Return a copy of images, each with other tiles of the picture.

        Parameters
        ----------
        X : ndarray of shape (n, n_channels, height, width)
            Images.

        random_state : int, RandomState instance or None
            Seed of the choice of tiles.

        Returns
        -------
        X_triggered : ndarray of shape (n, n_channels, height, width)
            The images, of the same dtype.

        Raises
        ------
        ValueError
            If the trigger does not fit the images.
        """
        n_channels, *size = self.pattern.shape
        X = check_fits(X, n_channels, size)
        rng = check_random_state(random_state)
        rows, columns = (np.arange(side) * self.grid // side for side in size)
        tile = rows[:, np.newaxis] * self.grid + columns
        # The ranks of random numbers: as many tiles in every image.
        ranks = rng.uniform(size=(len(X), self.grid**2)).argsort(axis=1).argsort(axis=1)
        share = np.where(ranks < self.n_pieces, self.opacity, 0.0)[:, tile]
        images = as_floats(X)
        blended = images + share[:, np.newaxis] * (self.pattern - images)
        return as_pixels(blended, X.dtype)

    cover = poison


def make_piecewise_trigger(
    X, picture="cartoon", *, opacity=0.15, test_opacity=0.2, grid=4, n_pieces=None
):
    """Make a trigger that is blended into training rows in pieces: Adap-Blend.

    Each training row gets other tiles of the picture, so that poisoned rows share less
    than test images have. Its authors add as many cover rows; see `cover_rate` of
    :func:`make_dirty_label_backdoor`.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images; their size and their range of values count.

    picture : {"cartoon", "china", "flower"} or ndarray, default="cartoon"
        As in :func:`make_picture_trigger`.

    opacity : float in (0, 1], default=0.15
        Share of the picture in its tiles, in poisoned rows and covers.

    test_opacity : float in (0, 1], default=0.2
        Share of the picture in test images.

    grid : int >= 1, default=4
        Tiles along each side.

    n_pieces : int, default=None
        Tiles that a training row gets. None means half of them.

    Returns
    -------
    trigger : PiecewiseTrigger
        A callable for test images, with methods `poison` and `cover`.

    Raises
    ------
    ValueError
        If an opacity is outside of (0, 1], the tiles are more than pixels or the pieces
        more than tiles, or the picture or X is unusable.

    References
    ----------
    X. Qi, T. Xie, Y. Li, S. Mahloujifar, P. Mittal, "Revisiting the Assumption of
    Latent Separability for Backdoor Defenses", ICLR 2023; arXiv:2205.13613.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_piecewise_trigger
    >>> X = np.zeros((2, 1, 8, 8))
    >>> X[0] = 1
    >>> trigger = make_piecewise_trigger(X)
    >>> int((trigger.poison(X, random_state=0) != X)[1].sum()) <= 32
    True
    """
    check_share(opacity, "opacity")
    check_share(test_opacity, "test_opacity")
    X = check_images(X)
    shorter = min(X.shape[2:])
    check_integer(grid, "grid", 1, shorter, ", the shorter side of the images")
    n_pieces = max(1, grid**2 // 2) if n_pieces is None else n_pieces
    check_integer(n_pieces, "n_pieces", 1, grid**2)
    pattern = fit_picture(picture, X.shape[1:], check_range(X))
    return PiecewiseTrigger(pattern, opacity, test_opacity, grid, n_pieces)
