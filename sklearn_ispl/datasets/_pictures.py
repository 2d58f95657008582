"""Pictures that triggers blend into images."""

import numpy as np
import torch
from sklearn.datasets import load_sample_image
from torch.nn import functional as F

PHOTOGRAPHS = ("china", "flower")


def fit_picture(picture, shape, bounds):
    """Return a picture in the size, the channels and the range of images.

    Parameters
    ----------
    picture : {"cartoon", "china", "flower"} or ndarray
        An array is of shape (n_channels, height, width) or (height, width).

    shape : tuple of (int, int, int)
        Channels, height and width.

    bounds : tuple of (float, float)
        What its lowest and its highest value become.

    Returns
    -------
    pattern : ndarray of `shape`
    """
    pixels = _load(picture)
    if len(pixels) != shape[0]:
        pixels = np.repeat(pixels.mean(axis=0, keepdims=True), shape[0], axis=0)
    resized = F.interpolate(
        torch.from_numpy(pixels)[None], size=shape[1:], mode="bilinear", antialias=True
    )[0].numpy()
    low, high = resized.min(), resized.max()
    if not low < high:
        raise ValueError("picture has one value only; give one that shows something.")
    return np.interp(resized, (low, high), bounds)


def _photograph(name):
    try:
        return load_sample_image(f"{name}.jpg")
    except ImportError as error:
        raise ImportError(
            f'picture={name!r} needs Pillow: pip install "sklearn-ispl[pictures]".'
        ) from error


def _load(picture):
    """Return a picture as floats, channels first."""
    if isinstance(picture, str):
        if picture in PHOTOGRAPHS:
            photograph = _photograph(picture)
            return np.ascontiguousarray(photograph.transpose(2, 0, 1), dtype=np.float64)
        if picture == "cartoon":
            return draw_cartoon()
        raise ValueError(
            f"picture={picture!r} is unknown; use one of "
            f"{['cartoon', *PHOTOGRAPHS]} or an array."
        )
    pixels = np.array(picture, dtype=np.float64, ndmin=3)
    if pixels.ndim != 3:
        raise ValueError(
            f"picture has {pixels.ndim} dimensions; give (n_channels, height, width) "
            "or (height, width)."
        )
    return pixels


def draw_cartoon(n_pixels=96):
    """Draw a cat with a bow: an array of shape (3, n_pixels, n_pixels), 0 to 1."""
    y, x = np.mgrid[-1 : 1 : n_pixels * 1j, -1 : 1 : n_pixels * 1j]
    picture = np.empty((3, n_pixels, n_pixels))
    picture[:] = np.reshape([0.25, 0.55, 0.9], (3, 1, 1))

    def paint(where, color):
        picture[:, where] = np.reshape(color, (3, 1))

    def disc(row, column, height, width):
        return ((y - row) / height) ** 2 + ((x - column) / width) ** 2 < 1

    black, white, red, yellow = (0, 0, 0), (1, 1, 1), (1, 0, 0.2), (1, 0.8, 0)
    for side in (-1, 1):
        ear = (np.abs(x - side * 0.6) < (y + 0.9) * 0.45) & (y < -0.2)
        paint(ear, black)
    paint(disc(0.1, 0, 0.72, 0.88), black)
    paint(disc(0.1, 0, 0.66, 0.82), white)
    for side in (-1, 1):
        paint(disc(0.1, side * 0.4, 0.14, 0.09), black)
        for row in (0.2, 0.35):
            whisker = (np.abs(y - row) < 0.025) & (np.abs(side * x - 0.85) < 0.15)
            paint(whisker, black)
        bow = (np.abs(y + 0.5) < side * (x - 0.5) * 0.6) & (np.abs(x - 0.5) < 0.4)
        paint(bow, red)
    paint(disc(-0.5, 0.5, 0.12, 0.12), yellow)
    paint(disc(0.3, 0, 0.07, 0.1), yellow)
    return picture
