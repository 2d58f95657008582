"""What may happen to images after a mark was put on them, or to the mark itself."""

import io
from dataclasses import dataclass, replace

import numpy as np

from sklearn_ispl.datasets import BlendedTrigger, make_blended_trigger, make_trigger


def jpeg(X, rng, quality=75):
    """Return images as they come out of lossy compression."""
    from PIL import Image

    low, high = X.min(), X.max()
    pixels = np.rint(255 * (X - low) / (high - low)).astype(np.uint8)
    found = np.empty_like(pixels)
    for image, out in zip(pixels, found):
        file = io.BytesIO()
        grey = len(image) == 1
        Image.fromarray(image[0] if grey else image.transpose(1, 2, 0)).save(
            file, "JPEG", quality=quality
        )
        read = np.asarray(Image.open(file))
        out[:] = read if grey else read.transpose(2, 0, 1)
    return np.clip(low + found * ((high - low) / 255), low, high).astype(X.dtype)


def noise(X, rng, scale=0.03):
    """Return images with normal noise, its deviation a share of their range."""
    low, high = X.min(), X.max()
    noisy = X + rng.normal(scale=scale * (high - low), size=X.shape)
    return np.clip(noisy, low, high).astype(X.dtype)


def unchanged(X, rng):
    """Return images as they are."""
    return X


@dataclass
class Moved:
    """A trigger that is a pixel off, to any side or none, drawn for every image."""

    trigger: object
    seed: int

    def __call__(self, X):
        """Return a copy of images with the mark on them."""
        last = np.subtract(X.shape[2:], self.trigger.shape.shape)
        offsets = np.random.RandomState(self.seed).randint(-1, 2, size=(len(X), 2))
        positions = self.trigger.position + offsets
        marked = [
            replace(self.trigger, position=tuple(position))(image[np.newaxis])
            for image, position in zip(X, np.clip(positions, 0, last))
        ]
        return np.concatenate(marked) if marked else X.copy()


def changed_trigger(name, X, shape, rng):
    """Return what takes the place of a mark of a shape."""
    if name == "moved":
        return Moved(make_trigger(X, shape, random_state=rng), rng.randint(1000))
    if name == "blended":
        return make_blended_trigger(X, opacity=0.2, random_state=rng)
    if name == "picture":
        return BlendedTrigger(X[rng.randint(len(X))], opacity=0.2)
    return shape


# Of all images, those with the mark among them, or of the mark alone. As a "table",
# they are the same, but the filter gets a row of features for each.
CHANGES = {
    "none": unchanged,
    "jpeg": jpeg,
    "noise": noise,
    "moved": unchanged,
    "blended": unchanged,
    "picture": unchanged,
    "table": unchanged,
}
