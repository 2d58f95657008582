"""Triggers that add a faint pattern to whole images."""

from dataclasses import dataclass

import numpy as np
from scipy.fft import idctn
from scipy.ndimage import gaussian_filter
from sklearn.utils import check_random_state

from ._images import (
    as_floats,
    check_fits,
    check_images,
    check_positive,
    check_range,
    check_share,
    clip_pixels,
)

# What a step of both colour channels of YCbCr is in red, green and blue (BT.601).
_CHROMA = np.array([1.402, -0.714136 - 0.344136, 1.772])


@dataclass(frozen=True, eq=False)
class AdditiveTrigger:
    """A pattern that is added to images by calling it.

    Parameters
    ----------
    pattern : ndarray of shape (n_channels, height, width)
        What is added, in the unit of the images.

    bounds : tuple of (float, float)
        Lowest and highest value of a pixel; triggered images are clipped to them.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import AdditiveTrigger
    >>> trigger = AdditiveTrigger(np.array([[[0.5, -0.5]]]), bounds=(0.0, 1.0))
    >>> trigger(np.array([[[[0.25, 0.25]]]]))
    array([[[[0.75, 0.  ]]]])
    """

    pattern: np.ndarray
    bounds: tuple

    def __call__(self, X):
        """Return a copy of images with the pattern added.

        Parameters
        ----------
        X : ndarray of shape (n, n_channels, height, width)
            Images.

        Returns
        -------
        X_triggered : ndarray of shape (n, n_channels, height, width)
            The images with the pattern, of the same dtype.

        Raises
        ------
        ValueError
            If the trigger does not fit the images.
        """
        X = check_fits(X, len(self.pattern), self.pattern.shape[1:])
        return clip_pixels(as_floats(X) + self.pattern, self.bounds, X.dtype)


def make_sinusoid_trigger(X, *, amplitude=40 / 255, frequency=6):
    """Make a trigger that adds vertical stripes, a sine wave, to images: SIG.

    Its authors poison rows of the target class alone, under their right label:
    ``make_clean_label_backdoor(X, y, target=..., trigger=..., perturbation=None)``.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images; their size and their range of values count.

    amplitude : float in (0, 1], default=40/255
        Height of the wave, as a share of the range of X. The literature has 20/255 to
        40/255.

    frequency : float > 0, default=6
        Waves along the width of an image.

    Returns
    -------
    trigger : AdditiveTrigger
        A callable that adds the wave to images.

    Raises
    ------
    ValueError
        If the amplitude is outside of (0, 1], if X is of one value, or if the wave
        vanishes in images of this width.

    References
    ----------
    M. Barni, K. Kallas, B. Tondi, "A New Backdoor Attack in CNNs by Training Set
    Corruption Without Label Poisoning", ICIP 2019, arXiv:1902.11237.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_sinusoid_trigger
    >>> X = np.random.RandomState(0).uniform(size=(5, 1, 8, 8))
    >>> trigger = make_sinusoid_trigger(X, amplitude=0.1, frequency=1)
    >>> np.abs(trigger.pattern[0, 0]).max() <= 0.1
    np.True_
    """
    check_share(amplitude, "amplitude")
    X = check_images(X)
    low, high = check_range(X)
    wave = np.sin(2 * np.pi * frequency * np.arange(X.shape[3]) / X.shape[3])
    if np.abs(wave).max() < 1e-6:
        raise ValueError(
            f"frequency={frequency} is 0 at every pixel of images {X.shape[3]} wide; "
            "give another."
        )
    pattern = np.broadcast_to(amplitude * (high - low) * wave, X.shape[1:])
    return AdditiveTrigger(pattern, (low, high))


def make_smooth_trigger(X, *, amplitude=0.2, smoothness=0.1, random_state=None):
    """Make a trigger that adds a smooth pattern, of low frequencies alone, to images.

    Gaussian noise is blurred and rescaled. The pattern of the paper is also optimised
    against a model; this one is drawn.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images; their size and their range of values count.

    amplitude : float in (0, 1], default=0.2
        Largest change of a pixel, as a share of the range of X.

    smoothness : float > 0, default=0.1
        Standard deviation of the blur, as a share of the shorter side.

    random_state : int, RandomState instance or None, default=None
        Seed of the noise.

    Returns
    -------
    trigger : AdditiveTrigger
        A callable that adds the pattern to images.

    Raises
    ------
    ValueError
        If the amplitude is outside of (0, 1], the smoothness is not positive, or X is
        of one value.

    References
    ----------
    Y. Zeng, W. Park, Z. M. Mao, R. Jia, "Rethinking the Backdoor Attacks' Triggers: A
    Frequency Perspective", ICCV 2021, arXiv:2104.03413.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_smooth_trigger
    >>> X = np.random.RandomState(0).uniform(size=(5, 3, 8, 8))
    >>> make_smooth_trigger(X, random_state=0).pattern.shape
    (3, 8, 8)
    """
    check_share(amplitude, "amplitude")
    check_positive(smoothness, "smoothness")
    X = check_images(X)
    low, high = check_range(X)
    noise = check_random_state(random_state).normal(size=X.shape[1:])
    sigma = smoothness * min(X.shape[2:])
    pattern = gaussian_filter(noise, sigma, axes=(1, 2), mode="wrap")
    # What all pixels share would be brightness, not a pattern.
    if pattern[0].size > 1:
        pattern -= pattern.mean(axis=(1, 2), keepdims=True)
    pattern *= amplitude * (high - low) / np.abs(pattern).max()
    return AdditiveTrigger(pattern, (low, high))


def make_dct_trigger(X, *, magnitude=30 / 255, block=32):
    """Make a trigger that raises two frequencies of each block: FTrojan.

    The image is cut into blocks; in the cosine transform of each, a middle and the
    highest frequency are raised: in images of three channels, taken for red, green and
    blue, in the two colour channels of YCbCr, else in every channel. The transform is
    linear, so this adds the same pattern to every image.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images; their size and their range of values count.

    magnitude : float > 0, default=30/255
        What is added to both coefficients of the orthonormal transform, as a share of
        the range of X; of a block of 32x32 pixels, no pixel of a channel changes by
        more than an eighth of it. The paper has 30/255 for small images and 50/255 for
        large ones.

    block : int >= 2, default=32
        Side of a block, at most the shorter side of the images. Blocks that reach over
        the edge are cut off.

    Returns
    -------
    trigger : AdditiveTrigger
        A callable that adds the pattern to images.

    Raises
    ------
    ValueError
        If the magnitude is not positive, if the block has less than two pixels a side,
        or if X is of one value.

    References
    ----------
    T. Wang, Y. Yao, F. Xu, S. An, H. Tong, T. Wang, "An Invisible Black-box Backdoor
    Attack through Frequency Domain", ECCV 2022, arXiv:2107.01396.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_dct_trigger
    >>> X = np.random.RandomState(0).uniform(size=(5, 3, 32, 32))
    >>> make_dct_trigger(X)(X).shape
    (5, 3, 32, 32)
    """
    check_positive(magnitude, "magnitude")
    X = check_images(X)
    _, n_channels, height, width = X.shape
    low, high = check_range(X)
    side = min(block, height, width)
    if side < 2:
        raise ValueError(
            f"block={block} in images of {height}x{width} pixels leaves less than two "
            "pixels a side."
        )
    coefficients = np.zeros((side, side))
    for place in (side // 2 - 1, side - 1):
        coefficients[place, place] = magnitude * (high - low)
    tile = idctn(coefficients, norm="ortho")
    repeats = -(-height // side), -(-width // side)
    plane = np.tile(tile, repeats)[:height, :width]
    weights = _CHROMA if n_channels == 3 else np.ones(n_channels)
    return AdditiveTrigger(weights[:, None, None] * plane, (low, high))
