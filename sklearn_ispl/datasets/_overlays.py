"""Triggers that lie over whole images: sinusoids, pictures, smooth patterns."""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.datasets import load_sample_image
from sklearn.utils import check_random_state
from torch.nn import functional as F

from .._weak_learner import draw_seed
from ._contract import ImageTrigger, value_range
from ._triggers import BlendedTrigger, check_images

# Tiles along each side of an image, and how many of them a training row gets.
N_TILES, N_DRAWN = 4, 8


@dataclass(frozen=True, eq=False)
class AddedTrigger(ImageTrigger):
    """Add a pattern to images; made by `make_sinusoid_trigger` and others.

    Parameters
    ----------
    pattern : ndarray of shape (n_channels, height, width)
        What is added, in the unit of the images.

    low, high : float
        Range of the images; what is outside of it is clipped.

    seed : int
        Unused by this trigger, which treats all images alike.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import AddedTrigger
    >>> AddedTrigger(np.array([[[3, 0]]]), 0, 9, 0)(np.full((1, 1, 1, 2), 8))
    array([[[[9, 8]]]])
    """

    pattern: np.ndarray
    low: float
    high: float
    seed: int

    def _paint(self, X, role, rng):
        return X + self.pattern


def make_sinusoid_trigger(X, *, amplitude=40 / 255, frequency=6, random_state=None):
    """Make a trigger that adds vertical stripes, as SIG does.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images; their size and their range of values count.

    amplitude : float, default=40/255
        Of the sinusoid, as a share of the range of X. The paper has 30/255 to 40/255.

    frequency : float, default=6
        Number of periods across an image.

    random_state : int, RandomState instance or None, default=None
        Nothing is drawn; it is here because all makers of triggers have it.

    Returns
    -------
    trigger : AddedTrigger
        A callable that adds the sinusoid to images.

    References
    ----------
    M. Barni, K. Kallas, B. Tondi, "A New Backdoor Attack in CNNs by Training Set
    Corruption without Label Poisoning", ICIP 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_sinusoid_trigger
    >>> X = np.random.RandomState(0).uniform(size=(5, 3, 8, 8))
    >>> make_sinusoid_trigger(X)(X).shape
    (5, 3, 8, 8)
    """
    X = check_images(X)
    low, high = value_range(X)
    width = X.shape[3]
    wave = np.sin(2 * np.pi * np.arange(width) * frequency / width)
    pattern = np.broadcast_to(amplitude * (high - low) * wave, X.shape[1:])
    return AddedTrigger(pattern, low, high, 0)


def make_smooth_trigger(X, *, amplitude=0.2, grid_size=4, random_state=None):
    """Make a trigger that adds smooth noise of low frequency.

    Noise at a few points is interpolated over the image. The paper seeks such noise by
    gradient descent; here it is drawn.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images; their size and their range of values count.

    amplitude : float, default=0.2
        Largest change of a pixel, as a share of the range of X.

    grid_size : int, default=4
        Number of points along each side.

    random_state : int, RandomState instance or None, default=None
        Seed of the noise.

    Returns
    -------
    trigger : AddedTrigger
        A callable that adds the noise to images.

    References
    ----------
    Y. Zeng, W. Park, Z. M. Mao, R. Jia, "Rethinking the Backdoor Attacks' Triggers: A
    Frequency Perspective", ICCV 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_smooth_trigger
    >>> X = np.random.RandomState(0).uniform(size=(5, 3, 8, 8))
    >>> trigger = make_smooth_trigger(X, random_state=0)
    >>> float(abs(trigger.pattern).max() / (X.max() - X.min())).__round__(3)
    0.2
    """
    X = check_images(X)
    rng = check_random_state(random_state)
    low, high = value_range(X)
    points = rng.uniform(-1, 1, size=(1, X.shape[1], grid_size, grid_size))
    noise = F.interpolate(
        torch.as_tensor(points), X.shape[2:], mode="bicubic", align_corners=True
    )[0].numpy()
    noise *= amplitude * (high - low) / np.abs(noise).max()
    return AddedTrigger(noise, low, high, draw_seed(rng))


def make_picture_trigger(X, *, picture="cartoon", opacity=0.2, random_state=None):
    """Make a trigger that blends a picture into images.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images; their size and their range of values count.

    picture : {"cartoon", "china", "flower"} or ndarray, default="cartoon"
        A face drawn by code, one of scikit-learn's photographs, or an array of shape
        (n_channels, height, width) in the unit of X.

    opacity : float in (0, 1], default=0.2
        Share of the picture in a triggered image.

    random_state : int, RandomState instance or None, default=None
        Nothing is drawn; it is here because all makers of triggers have it.

    Returns
    -------
    trigger : BlendedTrigger
        A callable that blends the picture into images.

    Raises
    ------
    ValueError
        If the picture is unknown or does not fit, or the opacity is outside of (0, 1].

    References
    ----------
    X. Chen, C. Liu, B. Li, K. Lu, D. Song, "Targeted Backdoor Attacks on Deep Learning
    Systems Using Data Poisoning", arXiv:1712.05526.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_picture_trigger
    >>> X = np.random.RandomState(0).uniform(size=(5, 3, 8, 8))
    >>> make_picture_trigger(X)(X).shape
    (5, 3, 8, 8)
    """
    X = check_images(X)
    _check_opacity("opacity", opacity)
    return BlendedTrigger(_as_picture(picture, X), opacity)


@dataclass(frozen=True, eq=False)
class PiecewiseTrigger(ImageTrigger):
    """Blend a pattern in random tiles; made by `make_piecewise_trigger`.

    Parameters
    ----------
    pattern : ndarray of shape (n_channels, height, width)
        The pattern, in the unit of the images.

    opacity, test_opacity : float
        Share of the pattern in the tiles of training rows, and in all of test images.

    low, high : float
        Range of the images.

    seed : int
        Unused by this trigger, which treats all test images alike.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import PiecewiseTrigger
    >>> trigger = PiecewiseTrigger(np.ones((1, 4, 4)), 0.5, 1.0, 0.0, 1.0, 0)
    >>> trigger.poison(np.zeros((1, 1, 4, 4)), 0).sum()
    np.float64(4.0)
    """

    pattern: np.ndarray
    opacity: float
    test_opacity: float
    low: float
    high: float
    seed: int

    def _paint(self, X, role, rng):
        if role == "test":
            return X + self.test_opacity * (self.pattern - X)
        height, width = X.shape[2:]
        order = rng.random_sample((len(X), N_TILES**2)).argsort(axis=1)
        drawn = (order < N_DRAWN).reshape(-1, 1, N_TILES, N_TILES)
        tile_rows = np.arange(height) * N_TILES // height
        tile_columns = np.arange(width) * N_TILES // width
        drawn = drawn[:, :, tile_rows[:, np.newaxis], tile_columns]
        return X + self.opacity * drawn * (self.pattern - X)


def make_piecewise_trigger(
    X, *, picture=None, opacity=0.15, test_opacity=0.2, random_state=None
):
    """Make a trigger that is blended in pieces, as Adap-Blend does.

    Each poisoned row and each cover gets the pattern in 8 tiles of 4 x 4, drawn anew;
    test images get all of it. With as many covers as poisoned rows the two are hard to
    tell apart in the features of a model.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images; their size and their range of values count.

    picture : str or ndarray, default=None
        As in :func:`make_picture_trigger`. None draws noise.

    opacity : float in (0, 1], default=0.15
        Share of the pattern in a tile of a training row.

    test_opacity : float in (0, 1], default=0.2
        Share of the pattern in a test image.

    random_state : int, RandomState instance or None, default=None
        Seed of the noise.

    Returns
    -------
    trigger : PiecewiseTrigger
        Has `poison` and `cover` for training rows; a call is for test images.

    Raises
    ------
    ValueError
        If the picture is unknown or does not fit, or an opacity is outside of (0, 1].

    References
    ----------
    X. Qi, T. Xie, Y. Li, S. Mahloujifar, P. Mittal, "Revisiting the Assumption of
    Latent Separability for Backdoor Defenses", ICLR 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_piecewise_trigger
    >>> X = np.random.RandomState(0).uniform(size=(5, 3, 8, 8))
    >>> make_piecewise_trigger(X, random_state=0).poison(X, 0).shape
    (5, 3, 8, 8)
    """
    X = check_images(X)
    rng = check_random_state(random_state)
    _check_opacity("opacity", opacity)
    _check_opacity("test_opacity", test_opacity)
    bounds = value_range(X)
    if picture is None:
        pattern = rng.uniform(*bounds, size=X.shape[1:])
    else:
        pattern = _as_picture(picture, X)
    return PiecewiseTrigger(pattern, opacity, test_opacity, *bounds, draw_seed(rng))


def _check_opacity(name, opacity):
    if not 0 < opacity <= 1:
        raise ValueError(f"{name}={opacity} is not in (0, 1].")


def _as_picture(picture, X):
    """Return a picture of the size and the range of images."""
    if not isinstance(picture, str):
        picture = np.asarray(picture, dtype=float)
        if picture.shape != X.shape[1:]:
            raise ValueError(
                f"picture has shape {picture.shape}, but the images of X have shape "
                f"{X.shape[1:]}; give one of the same shape."
            )
        return picture
    if picture == "cartoon":
        unit = _cartoon()
    elif picture in ("china", "flower"):
        unit = load_sample_image(f"{picture}.jpg").transpose(2, 0, 1) / 255
    else:
        raise ValueError(
            f"picture={picture!r} is unknown; use 'cartoon', 'china', 'flower' or an "
            "array."
        )
    n_channels, height, width = X.shape[1:]
    unit = F.interpolate(torch.as_tensor(unit)[None], (height, width), mode="area")[0]
    unit = unit.numpy()
    if n_channels != 3:
        unit = np.repeat(unit.mean(axis=0, keepdims=True), n_channels, axis=0)
    low, high = value_range(X)
    return low + (high - low) * unit


def _cartoon(side=96):
    """Return a face, (3, side, side) from 0 to 1: a disc, two eyes and a mouth."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    face = np.zeros((3, side, side))
    radius = np.hypot(x, y)
    face[:, radius < 0.95] = np.array([[1.0], [0.85], [0.1]])
    eyes = np.hypot(np.abs(x) - 0.35, y + 0.3) < 0.17
    mouth = (np.abs(radius - 0.6) < 0.09) & (y > 0.15)
    face[:, eyes | mouth | (np.abs(radius - 0.95) < 0.05)] = 0.0
    return face
