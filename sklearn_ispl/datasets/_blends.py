"""Triggers that are blended into whole images."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_random_state

from ._images import as_pixels, check_fits, check_images, check_range, check_share
from ._pictures import fit_picture


@dataclass(frozen=True, eq=False)
class BlendedTrigger:
    """A pattern that is blended into whole images by calling it.

    Parameters
    ----------
    pattern : ndarray of shape (n_channels, height, width)
        The pattern, in the unit of the images.

    opacity : float in (0, 1]
        Share of the pattern in a triggered image.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import BlendedTrigger
    >>> trigger = BlendedTrigger(np.array([[[8.0, 0.0]]]), opacity=0.25)
    >>> trigger(np.full((1, 1, 1, 2), 4.0))
    array([[[[5., 3.]]]])
    """

    pattern: np.ndarray
    opacity: float

    def __call__(self, X):
        """Return a copy of images with the pattern in them.

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
        blended = (1 - self.opacity) * X + self.opacity * self.pattern
        return as_pixels(blended, X.dtype)


def make_blended_trigger(X, *, opacity=0.2, random_state=None):
    """Make a trigger that covers whole images: blended-in noise.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images; their size and their range of values count.

    opacity : float in (0, 1], default=0.2
        Share of the noise in a triggered image.

    random_state : int, RandomState instance or None, default=None
        Seed of the noise.

    Returns
    -------
    trigger : BlendedTrigger
        A callable that blends the noise into images.

    Raises
    ------
    ValueError
        If the opacity is outside of (0, 1].

    References
    ----------
    X. Chen, C. Liu, B. Li, K. Lu, D. Song, "Targeted Backdoor Attacks on Deep Learning
    Systems Using Data Poisoning", arXiv:1712.05526.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_blended_trigger
    >>> X = np.random.RandomState(0).uniform(size=(5, 3, 8, 8))
    >>> make_blended_trigger(X, random_state=0)(X).shape
    (5, 3, 8, 8)
    """
    check_share(opacity, "opacity")
    X = check_images(X)
    rng = check_random_state(random_state)
    return BlendedTrigger(rng.uniform(X.min(), X.max(), size=X.shape[1:]), opacity)


def make_picture_trigger(X, picture="cartoon", *, opacity=0.2):
    """Make a trigger that blends a picture into whole images.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images; their size and their range of values count.

    picture : {"cartoon", "china", "flower"} or ndarray, default="cartoon"
        A face that is drawn; a photograph of
        :func:`sklearn.datasets.load_sample_image`, for which Pillow is needed (the
        extra ``pictures``); or an array of shape (n_channels, height, width) or
        (height, width). It is resized, and its range of values is stretched to that of
        X. Where the numbers of channels differ, its grey values go to all channels.

    opacity : float in (0, 1], default=0.2
        Share of the picture in a triggered image. The paper has 0.2.

    Returns
    -------
    trigger : BlendedTrigger
        A callable that blends the picture into images.

    Raises
    ------
    ImportError
        If a photograph is asked for and Pillow is not there.

    ValueError
        If the picture is unknown or of one value, if X is of one value, or if the
        opacity is outside of (0, 1].

    References
    ----------
    X. Chen, C. Liu, B. Li, K. Lu, D. Song, "Targeted Backdoor Attacks on Deep Learning
    Systems Using Data Poisoning", arXiv:1712.05526.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_picture_trigger
    >>> X = np.random.RandomState(0).uniform(size=(5, 3, 8, 8))
    >>> make_picture_trigger(X, opacity=0.1).pattern.shape
    (3, 8, 8)
    """
    check_share(opacity, "opacity")
    X = check_images(X)
    return BlendedTrigger(fit_picture(picture, X.shape[1:], check_range(X)), opacity)
