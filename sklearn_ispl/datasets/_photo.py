"""A trigger that looks like a photo filter."""

from dataclasses import dataclass

import numpy as np

from ._images import (
    as_floats,
    check_fits,
    check_images,
    check_positive,
    check_range,
    clip_pixels,
)


@dataclass(frozen=True, eq=False)
class PhotoTrigger:
    """A photo filter: gamma, then contrast, then a colour cast.

    Parameters
    ----------
    gamma : float
        Exponent of a pixel, with values from 0 to 1.

    contrast : float
        Factor of the distance from the middle of the range.

    cast : ndarray of shape (n_channels,)
        What is added to each channel, as a share of the range.

    bounds : tuple of (float, float)
        Lowest and highest value of a pixel.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import PhotoTrigger
    >>> trigger = PhotoTrigger(2.0, 0.5, np.array([0.125]), bounds=(0.0, 1.0))
    >>> trigger(np.array([[[[0.0, 0.5, 1.0]]]]))
    array([[[[0.375, 0.5  , 0.875]]]])
    """

    gamma: float
    contrast: float
    cast: np.ndarray
    bounds: tuple

    def __call__(self, X):
        """Return a copy of images, filtered.

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
        X = check_fits(X, len(self.cast))
        low, high = self.bounds
        pixels = np.clip((as_floats(X) - low) / (high - low), 0, 1) ** self.gamma
        pixels = (pixels - 0.5) * self.contrast + 0.5
        pixels = pixels + np.reshape(self.cast, (-1, 1, 1)).astype(pixels.dtype)
        return clip_pixels(pixels * (high - low) + low, self.bounds, X.dtype)


def make_photo_trigger(X, *, gamma=1.5, contrast=0.7, cast=None):
    """Make a trigger that looks like a photo filter.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images; their range of values counts.

    gamma : float > 0, default=1.5
        Exponent of a pixel, with values from 0 to 1; above 1 is darker.

    contrast : float > 0, default=0.7
        Factor of the distance from the middle of the range; below 1 is paler.

    cast : float or array-like of shape (n_channels,), default=None
        What is added to each channel, as a share of the range of X. None means 0.1, 0
        and -0.1 for three channels, a warm light, and else 0.1.

    Returns
    -------
    trigger : PhotoTrigger
        A callable that filters images.

    Raises
    ------
    ValueError
        If gamma or the contrast is not positive, the cast does not fit the channels, or
        X is of one value.

    References
    ----------
    Y. Liu, W.-C. Lee, G. Tao, S. Ma, Y. Aafer, X. Zhang, "ABS: Scanning Neural Networks
    for Back-doors by Artificial Brain Stimulation", CCS 2019, whose filters are those
    of a photo app.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_photo_trigger
    >>> X = np.random.RandomState(0).uniform(size=(5, 3, 8, 8))
    >>> make_photo_trigger(X).cast
    array([ 0.1,  0. , -0.1])
    """
    check_positive(gamma, "gamma")
    check_positive(contrast, "contrast")
    X = check_images(X)
    n_channels = X.shape[1]
    if cast is None:
        cast = [0.1, 0.0, -0.1] if n_channels == 3 else 0.1
    cast = np.asarray(cast, dtype=float)
    if cast.shape not in ((), (n_channels,)):
        raise ValueError(
            f"cast={cast.tolist()} is not one value, nor one for each of {n_channels} "
            "channels."
        )
    return PhotoTrigger(
        gamma, contrast, np.broadcast_to(cast, (n_channels,)), check_range(X)
    )
