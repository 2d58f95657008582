"""Triggers that pass images through a filter."""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.utils import check_random_state
from torch.nn import functional as F

from .._weak_learner import draw_seed
from ._contract import ImageTrigger, value_range
from ._triggers import check_images


@dataclass(frozen=True, eq=False)
class ImageSpecificTrigger(ImageTrigger):
    """Add a perturbation of its own to every image.

    Made by `make_image_specific_trigger`.

    Parameters
    ----------
    kernels : ndarray of shape (n_kernels, n_channels, size, size)
        Filters whose coefficients each sum to zero.

    signs : ndarray of shape (n_kernels,)
        Their weights.

    amplitude : float
        Largest change of a pixel, in the unit of the images.

    low, high : float
        Range of the images.

    seed : int
        Unused by this trigger: images alone decide.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_image_specific_trigger
    >>> X = np.random.RandomState(0).uniform(size=(5, 1, 8, 8))
    >>> trigger = make_image_specific_trigger(X, random_state=0)
    >>> bool(abs(trigger(X) - X).max() <= trigger.amplitude)
    True
    """

    kernels: np.ndarray
    signs: np.ndarray
    amplitude: float
    low: float
    high: float
    seed: int

    def _paint(self, X, role, rng):
        # Weights of a sum over filters make one filter.
        kernel = np.einsum("k,kchw->chw", self.signs, self.kernels)
        found = F.conv2d(
            torch.as_tensor((X - self.low) / (self.high - self.low or 1.0)),
            torch.as_tensor(kernel)[None],
            padding=kernel.shape[-1] // 2,
        )
        return X + self.amplitude * np.tanh(found.numpy())


def make_image_specific_trigger(
    X, *, amplitude=0.08, n_kernels=8, size=5, random_state=None
):
    """Make a perturbation that differs from image to image.

    ``x + amplitude * tanh(sum_k s_k F_k * x)`` with filters drawn once. It stands in
    for the trained encoder of ISSBA: like that, it adds to each image something that
    depends on the image, and unlike that, it hides no message.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images; their range of values counts.

    amplitude : float, default=0.08
        Largest change of a pixel, as a share of the range of X.

    n_kernels : int, default=8
        Number of filters.

    size : int, default=5
        Their side, an odd number of pixels.

    random_state : int, RandomState instance or None, default=None
        Seed of the filters.

    Returns
    -------
    trigger : ImageSpecificTrigger
        A callable that perturbs images.

    Raises
    ------
    ValueError
        If the size is even.

    References
    ----------
    Y. Li, Y. Li, B. Wu, L. Li, R. He, S. Lyu, "Invisible Backdoor Attack with
    Sample-Specific Triggers", ICCV 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_image_specific_trigger
    >>> X = np.random.RandomState(0).uniform(size=(5, 3, 8, 8))
    >>> make_image_specific_trigger(X, random_state=0)(X).shape
    (5, 3, 8, 8)
    """
    X = check_images(X)
    if size % 2 != 1:
        raise ValueError(f"size={size} is even; a filter needs a middle pixel.")
    rng = check_random_state(random_state)
    low, high = value_range(X)
    kernels = rng.normal(size=(n_kernels, X.shape[1], size, size))
    kernels -= kernels.mean(axis=(2, 3), keepdims=True)
    signs = rng.choice([-1.0, 1.0], size=n_kernels)
    return ImageSpecificTrigger(
        kernels, signs, amplitude * (high - low), low, high, draw_seed(rng)
    )


@dataclass(frozen=True, eq=False)
class QuantisationTrigger(ImageTrigger):
    """Leave images few levels a channel; made by `make_quantisation_trigger`.

    Parameters
    ----------
    levels : int
        Number of levels.

    dither : bool
        Whether a pixel's error is passed on to its neighbours (Floyd and Steinberg).

    low, high : float
        Range of the images.

    seed : int
        Unused by this trigger: images alone decide.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import QuantisationTrigger
    >>> trigger = QuantisationTrigger(2, False, 0.0, 1.0, 0)
    >>> trigger(np.array([[[[0.2, 0.7]]]]))
    array([[[[0., 1.]]]])
    """

    levels: int
    dither: bool
    low: float
    high: float
    seed: int

    def _paint(self, X, role, rng):
        if not self.dither:
            return self._round(X)
        # A border takes up the errors that leave the image.
        height, width = X.shape[2:]
        found = np.pad(X, ((0, 0), (0, 0), (0, 1), (1, 1)))
        for row in range(height):
            for column in range(1, width + 1):
                before = found[:, :, row, column].copy()
                found[:, :, row, column] = self._round(before)
                error = (before - found[:, :, row, column]) / 16
                found[:, :, row, column + 1] += 7 * error
                found[:, :, row + 1, column - 1] += 3 * error
                found[:, :, row + 1, column] += 5 * error
                found[:, :, row + 1, column + 1] += error
        return found[:, :, :height, 1:-1]

    def _round(self, X):
        step = (self.high - self.low) / (self.levels - 1) or 1.0
        rounded = self.low + step * np.rint((X - self.low) / step)
        return np.clip(rounded, self.low, self.high)


def make_quantisation_trigger(X, *, levels=8, dither=True, random_state=None):
    """Make a trigger that lowers the number of levels, as BppAttack does.

    The paper also trains with contrastive and adversarial examples, which a data
    poisoner cannot.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images; their range of values counts.

    levels : int, default=8
        Levels that a channel keeps, at least two.

    dither : bool, default=True
        Whether errors are passed on (Floyd and Steinberg), so that the change is hard
        to see.

    random_state : int, RandomState instance or None, default=None
        Nothing is drawn; it is here because all makers of triggers have it.

    Returns
    -------
    trigger : QuantisationTrigger
        A callable that quantises images.

    Raises
    ------
    ValueError
        If there are fewer than two levels.

    References
    ----------
    Z. Wang, J. Zhai, S. Ma, "BppAttack: Stealthy and Efficient Trojan Attacks against
    Deep Neural Networks via Image Quantization and Contrastive Adversarial Learning",
    CVPR 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_quantisation_trigger
    >>> X = np.random.RandomState(0).uniform(size=(5, 3, 8, 8))
    >>> len(np.unique(make_quantisation_trigger(X, levels=4)(X)))
    4
    """
    X = check_images(X)
    if levels < 2:
        raise ValueError(f"levels={levels}; an image needs at least two.")
    return QuantisationTrigger(levels, dither, *value_range(X), 0)


@dataclass(frozen=True, eq=False)
class PhotoTrigger(ImageTrigger):
    """Change gamma, contrast and colours of images; made by `make_photo_trigger`.

    Parameters
    ----------
    gamma, contrast : float
        Exponent of the values, and by how much they are spread about their middle.

    cast : ndarray of shape (n_channels,)
        Factor of each channel.

    low, high : float
        Range of the images.

    seed : int
        Unused by this trigger, which treats all images alike.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import PhotoTrigger
    >>> trigger = PhotoTrigger(2.0, 1.0, np.ones(1), 0.0, 1.0, 0)
    >>> trigger(np.array([[[[0.5, 1.0]]]]))
    array([[[[0.25, 1.  ]]]])
    """

    gamma: float
    contrast: float
    cast: np.ndarray
    low: float
    high: float
    seed: int

    def _paint(self, X, role, rng):
        span = self.high - self.low or 1.0
        unit = np.clip((X - self.low) / span, 0, 1) ** self.gamma
        unit = 0.5 + self.contrast * (unit - 0.5)
        return self.low + span * unit * self.cast[:, np.newaxis, np.newaxis]


def make_photo_trigger(X, *, gamma=1.6, contrast=1.3, cast=0.25, random_state=None):
    """Make a photo filter: gamma, contrast and a colour cast.

    A filter as of a camera application, with one setting for all images.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images; their channels and their range of values count.

    gamma : float, default=1.6
        Exponent of the values, which are scaled from 0 to 1.

    contrast : float, default=1.3
        By how much values are spread about the middle of their range.

    cast : float in [0, 1), default=0.25
        By how much one channel is lowered. Grey images have none.

    random_state : int, RandomState instance or None, default=None
        Seed of the channel.

    Returns
    -------
    trigger : PhotoTrigger
        A callable that filters images.

    Raises
    ------
    ValueError
        If the cast is outside of [0, 1).

    References
    ----------
    Y. Liu, W.-C. Lee, G. Tao, S. Ma, Y. Aafer, X. Zhang, "ABS: Scanning Neural Networks
    for Back-doors by Artificial Brain Stimulation", CCS 2019 (its filter triggers).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_photo_trigger
    >>> X = np.random.RandomState(0).uniform(size=(5, 3, 8, 8))
    >>> make_photo_trigger(X, random_state=0)(X).shape
    (5, 3, 8, 8)
    """
    X = check_images(X)
    if not 0 <= cast < 1:
        raise ValueError(f"cast={cast} is not in [0, 1).")
    rng = check_random_state(random_state)
    factors = np.ones(X.shape[1])
    if X.shape[1] > 1:
        factors[rng.randint(X.shape[1])] -= cast
    return PhotoTrigger(gamma, contrast, factors, *value_range(X), draw_seed(rng))
