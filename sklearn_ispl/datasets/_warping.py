"""A trigger that warps images: WaNet."""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.utils import check_random_state
from torch.nn import functional as F

from ._images import (
    as_floats,
    as_pixels,
    check_fits,
    check_images,
    check_integer,
    check_positive,
)

# Images that are warped at once: their sampling grids are twice as large as they are.
_BATCH_SIZE = 1024


@dataclass(frozen=True, eq=False)
class WarpingTrigger:
    """A smooth warp, the same for all images; cover rows get noise on top of it.

    Parameters
    ----------
    grid : ndarray of shape (height, width, 2), float32
        Where each pixel is sampled: column and row, -1 to 1 from edge to edge.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import WarpingTrigger
    >>> columns, rows = np.meshgrid([1, 0, -1], [-1, 1])
    >>> trigger = WarpingTrigger(np.stack([columns, rows], axis=-1).astype(np.float32))
    >>> trigger(np.array([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]]))
    array([[[[3., 2., 1.],
             [6., 5., 4.]]]])
    """

    grid: np.ndarray

    def __call__(self, X):
        """Return a copy of images, warped.

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
        X = check_fits(X, size=self.grid.shape[:2])
        return _sample(X, lambda n: np.broadcast_to(self.grid, (n, *self.grid.shape)))

    def cover(self, X, random_state):
        """Return a copy of images, each warped with noise of its own.

        Parameters
        ----------
        X : ndarray of shape (n, n_channels, height, width)
            Images.

        random_state : int, RandomState instance or None
            Seed of the noise: uniform, up to half a pixel, in both directions.

        Returns
        -------
        X_covers : ndarray of shape (n, n_channels, height, width)
            The images, of the same dtype.

        Raises
        ------
        ValueError
            If the trigger does not fit the images.
        """
        X = check_fits(X, size=self.grid.shape[:2])
        rng = check_random_state(random_state)
        return _sample(X, lambda n: self.grid + _unit_noise(rng, n, self.grid.shape))


def make_warping_trigger(X, *, strength=0.5, grid=4, random_state=None):
    """Make a trigger that warps images a little: WaNet.

    A field of `grid` x `grid` shifts is drawn and made smooth by bicubic interpolation.
    Cover rows (see :func:`make_dirty_label_backdoor`) teach a model that any other warp
    means nothing.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images; their size counts.

    strength : float > 0, default=0.5
        Mean absolute shift of the drawn field, in half pixels. The paper has 0.5; small
        nets may need 1.

    grid : int >= 2, default=4
        Shifts that are drawn along each side.

    random_state : int, RandomState instance or None, default=None
        Seed of the field.

    Returns
    -------
    trigger : WarpingTrigger
        A callable that warps images, with a method `cover` for cover rows.

    Raises
    ------
    ValueError
        If the strength is not positive, or the grid is not an integer of at least 2.

    References
    ----------
    A. Nguyen, A. Tran, "WaNet - Imperceptible Warping-based Backdoor Attack",
    ICLR 2021, arXiv:2102.10369.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_warping_trigger
    >>> X = np.random.RandomState(0).uniform(size=(5, 3, 8, 8))
    >>> trigger = make_warping_trigger(X, random_state=0)
    >>> trigger(X).shape, trigger.cover(X, random_state=0).shape
    ((5, 3, 8, 8), (5, 3, 8, 8))
    """
    check_positive(strength, "strength")
    check_integer(grid, "grid", 2)
    size = check_images(X).shape[2:]
    field = check_random_state(random_state).uniform(-1, 1, size=(1, 2, grid, grid))
    field /= np.abs(field).mean()
    smooth = F.interpolate(
        torch.from_numpy(field), size=size, mode="bicubic", align_corners=True
    )
    shift = smooth[0].permute(1, 2, 0).numpy() / size[::-1]
    rows, columns = (np.linspace(-1, 1, length) for length in size)
    identity = np.stack(np.meshgrid(columns, rows), axis=-1)
    warped = np.clip(identity + strength * shift, -1, 1)
    return WarpingTrigger(warped.astype(np.float32))


def _unit_noise(rng, n, shape):
    """Draw shifts of up to 1 / width and 1 / height, in the unit of a grid."""
    height, width, _ = shape
    noise = rng.uniform(-1, 1, size=(n, *shape)) / (width, height)
    return noise.astype(np.float32)


def _sample(X, make_grid):
    """Return images sampled bilinearly at grids that are made batch by batch."""
    warped = np.empty_like(X)
    for start in range(0, len(X), _BATCH_SIZE):
        rows = slice(start, start + _BATCH_SIZE)
        images = np.ascontiguousarray(as_floats(X[rows]))
        grids = np.clip(make_grid(len(images)), -1, 1).astype(images.dtype)
        sampled = F.grid_sample(
            *(torch.from_numpy(a) for a in (images, grids)), align_corners=True
        )
        warped[rows] = as_pixels(sampled.numpy(), X.dtype)
    return warped
