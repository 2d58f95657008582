"""The warping trigger of WaNet."""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.utils import check_random_state
from torch.nn import functional as F

from .._weak_learner import draw_seed
from ._contract import ImageTrigger, value_range
from ._triggers import check_images


@dataclass(frozen=True, eq=False)
class WarpingTrigger(ImageTrigger):
    """Move the pixels of images along a smooth field; made by `make_warping_trigger`.

    Parameters
    ----------
    field : ndarray of shape (height, width, 2)
        By how much each pixel moves, horizontally and vertically; images go from -1
        to 1.

    low, high : float
        Range of the images.

    seed : int
        Unused by this trigger, which treats all test images alike.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import WarpingTrigger
    >>> trigger = WarpingTrigger(np.zeros((2, 2, 2)), 0.0, 1.0, 0)
    >>> trigger(np.eye(2)[None, None])
    array([[[[1., 0.],
             [0., 1.]]]])
    """

    field: np.ndarray
    low: float
    high: float
    seed: int

    def _paint(self, X, role, rng):
        height, width = X.shape[2:]
        field = np.broadcast_to(self.field, (len(X), *self.field.shape))
        if role == "cover":
            # A field that differs from image to image, so that only the one field is
            # learned as the trigger.
            field = field + rng.uniform(-1, 1, size=field.shape) / [width, height]
        along = [np.linspace(-1, 1, size) for size in (width, height)]
        identity = np.stack(np.meshgrid(*along), axis=-1)
        grid = torch.as_tensor(np.clip(identity + field, -1, 1))
        return F.grid_sample(torch.as_tensor(X), grid, align_corners=True).numpy()


def make_warping_trigger(X, *, strength=0.5, grid_size=4, random_state=None):
    """Make a trigger that warps images, as WaNet does.

    Covers are warped by the same field with noise of up to half a pixel, so that a
    model learns the one field.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images; their size and their range of values count.

    strength : float, default=0.5
        Mean movement, in half pixels. The paper has 0.5; small nets that
        are trained on few rows need 1.0 and more to learn it.

    grid_size : int, default=4
        Number of control points along each side.

    random_state : int, RandomState instance or None, default=None
        Seed of the field.

    Returns
    -------
    trigger : WarpingTrigger
        Has `poison` and `cover` for training rows; a call warps test images.

    References
    ----------
    A. Nguyen, A. Tran, "WaNet - Imperceptible Warping-based Backdoor Attack", ICLR
    2021.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_warping_trigger
    >>> X = np.random.RandomState(0).uniform(size=(5, 3, 8, 8))
    >>> make_warping_trigger(X, random_state=0)(X).shape
    (5, 3, 8, 8)
    """
    X = check_images(X)
    rng = check_random_state(random_state)
    height, width = X.shape[2:]
    points = rng.uniform(-1, 1, size=(1, 2, grid_size, grid_size))
    points /= np.abs(points).mean()
    field = F.interpolate(
        torch.as_tensor(points), (height, width), mode="bicubic", align_corners=True
    )
    field = strength * field[0].numpy().transpose(1, 2, 0) / [width, height]
    return WarpingTrigger(field, *value_range(X), draw_seed(rng))
