"""A trigger in the frequencies of images."""

from dataclasses import dataclass

import numpy as np
from scipy.fft import dctn, idctn

from ._contract import ImageTrigger, value_range
from ._triggers import check_images

# From RGB to YUV.
_TO_YUV = np.array(
    [[0.299, 0.587, 0.114], [-0.147, -0.289, 0.436], [0.615, -0.515, -0.1]]
)


@dataclass(frozen=True, eq=False)
class DCTTrigger(ImageTrigger):
    """Raise two frequencies of every block; made by `make_dct_trigger`.

    Parameters
    ----------
    block : int
        Side of a block, in pixels.

    bands : tuple of (int, int)
        The frequencies, each for rows and columns alike.

    magnitude : float
        What is added to each coefficient, in the unit of the images.

    low, high : float
        Range of the images.

    seed : int
        Unused by this trigger, which treats all images alike.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import DCTTrigger
    >>> X = np.full((1, 1, 8, 8), 0.5)
    >>> changed = DCTTrigger(8, (3, 7), 0.5, 0.0, 1.0, 0)(X) - X
    >>> bool(abs(changed).max() > 0.01), float(changed.mean().round(6))
    (True, 0.0)
    """

    block: int
    bands: tuple
    magnitude: float
    low: float
    high: float
    seed: int

    def _paint(self, X, role, rng):
        if X.shape[1] != 3:
            return self._raise_bands(X)
        yuv = np.einsum("ij,njhw->nihw", _TO_YUV, X)
        yuv[:, 1:] = self._raise_bands(yuv[:, 1:])
        return np.einsum("ij,njhw->nihw", np.linalg.inv(_TO_YUV), yuv)

    def _raise_bands(self, X):
        """Change whole blocks; what is left at the right and at the bottom stays."""
        n, channels, height, width = X.shape
        size = self.block
        n_rows, n_columns = height // size, width // size
        inner = X[:, :, : n_rows * size, : n_columns * size]
        blocks = inner.reshape(n, channels, n_rows, size, n_columns, size)
        found = dctn(blocks, axes=(3, 5), norm="ortho")
        for band in self.bands:
            found[:, :, :, band, :, band] += self.magnitude
        changed = X.copy()
        changed[:, :, : n_rows * size, : n_columns * size] = idctn(
            found, axes=(3, 5), norm="ortho"
        ).reshape(inner.shape)
        return changed


def make_dct_trigger(
    X, *, magnitude=50 / 255, block=None, bands=None, random_state=None
):
    """Make a trigger in the frequencies of blocks, as FTrojan does.

    Images of three channels are changed in the two colour channels of YUV, others in
    all channels.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images; their size and their range of values count.

    magnitude : float, default=50/255
        What is added to a coefficient of the orthonormal transform, as a share of the
        range of X. The paper has 30/255 to 50/255; small nets need 1 or more.

    block : int, default=None
        Side of a block. None takes 32 pixels, the paper's, or the shorter side of
        smaller images.

    bands : tuple of int, default=None
        Frequencies that are raised, below `block`. None takes a middle and a high one,
        at 15/32 and 31/32 of a block, the paper's.

    random_state : int, RandomState instance or None, default=None
        Nothing is drawn; it is here because all makers of triggers have it.

    Returns
    -------
    trigger : DCTTrigger
        A callable that changes images.

    Raises
    ------
    ValueError
        If a block is larger than the images or a band is not in it.

    References
    ----------
    T. Wang, Y. Yao, F. Xu, S. An, H. Tong, T. Wang, "An Invisible Black-box Backdoor
    Attack through Frequency Domain", ECCV 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import make_dct_trigger
    >>> X = np.random.RandomState(0).uniform(size=(5, 3, 8, 8))
    >>> make_dct_trigger(X)(X).shape
    (5, 3, 8, 8)
    """
    X = check_images(X)
    low, high = value_range(X)
    side = min(X.shape[2:])
    block = min(32, side) if block is None else block
    if block > side:
        raise ValueError(f"block={block} is larger than the images, {side} pixels.")
    bands = (15 * block // 32, 31 * block // 32) if bands is None else tuple(bands)
    if not all(0 <= band < block for band in bands):
        raise ValueError(f"bands={bands} are not all from 0 to {block - 1}.")
    return DCTTrigger(block, bands, magnitude * (high - low), low, high, 0)
