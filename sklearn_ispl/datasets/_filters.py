"""A trigger that changes every image in a way of its own, through fixed filters."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
import torch
from sklearn.utils import check_random_state
from torch.nn import functional as F

from ..learners._settings import one_thread
from ._images import (
    as_floats,
    check_fits,
    check_images,
    check_range,
    check_share,
    clip_pixels,
)

# Of the filtered images before tanh: most pixels change by nearly all they may.
_GAIN = 2.0


@dataclass(frozen=True, eq=False)
class ImageSpecificTrigger:
    """A perturbation that depends on the image, through filters that are fixed.

    Parameters
    ----------
    filters : ndarray of shape (n_channels, n_channels, side, side)
        For each channel that is changed, a filter of every channel; `side` is odd.

    amplitude : float
        Largest change of a pixel, in the unit of the images.

    bounds : tuple of (float, float)
        Lowest and highest value of a pixel; triggered images are clipped to them.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import ImageSpecificTrigger
    >>> edges = np.array([[[[-9.0, 0.0, 9.0]]]]).repeat(3, axis=2)
    >>> trigger = ImageSpecificTrigger(edges, 0.25, bounds=(0.0, 1.0))
    >>> trigger(np.array([[[[0.0, 0.0, 1.0, 1.0]]]]))
    array([[[[0.  , 0.25, 1.  , 1.  ]]]])
    """

    filters: np.ndarray
    amplitude: float
    bounds: tuple

    def __call__(self, X):
        """Return a copy of images, each with its own perturbation.

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
        X = check_fits(X, len(self.filters))
        images = as_floats(X)
        changed = images + self.amplitude * np.tanh(_convolve(images, self.filters))
        return clip_pixels(changed, self.bounds, X.dtype)


def make_image_specific_trigger(X, *, amplitude=0.08, size=5, random_state=None):
    """Make a trigger that changes every image in a way of its own.

    An image x becomes x + amplitude tanh(sum over its channels k of F_k * x_k), with a
    filter F_k of mean zero for each channel. It stands in for attacks whose
    perturbations come from a trained encoder, as ISSBA's do: there is nothing to train,
    and it is not their attack.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images; their range of values counts, and how strongly they answer to filters.

    amplitude : float in (0, 1], default=0.08
        Largest change of a pixel, as a share of the range of X.

    size : odd int, default=5
        Side of the filters in pixels.

    random_state : int, RandomState instance or None, default=None
        Seed of the filters.

    Returns
    -------
    trigger : ImageSpecificTrigger
        A callable that perturbs images.

    Raises
    ------
    ValueError
        If the amplitude is outside of (0, 1], the size is not an odd integer of at
        least 3, or X is of one value.

    References
    ----------
    Y. Li, Y. Li, B. Wu, L. Li, R. He, S. Lyu, "Invisible Backdoor Attack with
    Sample-Specific Triggers", ICCV 2021, arXiv:2012.03816.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_image_specific_trigger
    >>> X = np.random.RandomState(0).uniform(size=(5, 3, 8, 8))
    >>> trigger = make_image_specific_trigger(X, random_state=0)
    >>> np.abs(trigger(X) - X).max().round(2)
    np.float64(0.08)
    """
    check_share(amplitude, "amplitude")
    if not isinstance(size, Integral) or size < 3 or size % 2 == 0:
        raise ValueError(f"size={size} is not an odd integer of at least 3.")
    X = check_images(X)
    low, high = check_range(X)
    rng = check_random_state(random_state)
    filters = rng.normal(size=(X.shape[1], X.shape[1], size, size))
    filters -= filters.mean(axis=(2, 3), keepdims=True)
    some = as_floats(X[rng.permutation(len(X))[:256]])
    # Constant images answer to no filter.
    answer = max(_convolve(some, filters).std(), 1e-6 * (high - low))
    return ImageSpecificTrigger(
        filters * (_GAIN / answer), amplitude * (high - low), (low, high)
    )


def _convolve(images, filters):
    """Filter images; beyond the edge is what is at the edge."""
    margin = [side // 2 for side in filters.shape[:1:-1] for _ in range(2)]
    padded = F.pad(torch.tensor(images), margin, mode="replicate")
    weight = torch.as_tensor(filters, dtype=padded.dtype)
    with one_thread():
        return F.conv2d(padded, weight).numpy()
