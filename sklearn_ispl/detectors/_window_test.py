"""What windows do to images, and values to rows, in the eyes of a model."""

from dataclasses import dataclass

import numpy as np

from .._groups import GroupSettings
from ..learners._inference import probabilities

# The window that is all of an image.
EVERYWHERE = slice(None), slice(None)


@dataclass(frozen=True)
class WindowSettings:
    """What windows are, and when they decide, each figure with its reason."""

    side: float = 0.28  # of the shorter side of an image
    trigger: float = 0.1  # of it, too: the side of triggers that windows hold whole
    n_tries: int = 3  # of a row, with other donors or hosts
    n_hosts: int = 200  # to try a trigger on: a share of a fifth is known to 0.03
    needed: float = 0.7  # the class without it: half of the donors may be poisoned
    enough: float = 0.5  # the class of hosts with it
    small: int = 5000  # images: in more of them, rows of a cluster share much by chance


def windows(height, width):
    """Return overlapping windows: one of them holds any trigger of a tenth of an image.

    Parameters
    ----------
    height, width : int
        Of the images.

    Returns
    -------
    windows : list of (slice, slice)
        Rows and columns.
    """
    settings, shorter = WindowSettings(), min(height, width)
    side = min(shorter, max(4, round(settings.side * shorter)))
    # So that any trigger of that side is whole in one of them.
    stride = side - max(2, round(settings.trigger * shorter))

    def starts(length):
        return [*range(0, length - side, max(1, stride)), length - side]

    return [
        (slice(top, top + side), slice(left, left + side))
        for top in starts(height)
        for left in starts(width)
    ]


def is_table(X):
    """Whether rows are no images."""
    return X.ndim != 4


def paint(parts, trigger, colors):
    """Paint a trigger on parts of images, in place."""
    parts[..., trigger.reshape(parts.shape[-2:])] = colors[:, trigger]


class WindowTest:
    """What windows do to the rows of a class, in the eyes of a model.

    A window is a pair of slices, of rows and columns, or one of arrays that name its
    pixels one by one. The rows of a table are images of one line here.

    A window is *necessary* for a row that is no longer sure to be of its class once it
    has the window of some other row of that class. It is *sufficient* if an image of
    the row's runner-up class is taken for the row's class once it is given the row's
    window. Of a row with a trigger both hold, for what is left of it without the
    trigger is an image of another class; of a clean row both hardly ever do.

    Parameters
    ----------
    X : ndarray of shape (n, ...), float32
        The rows that the model was trained on: images, of shape (n, n_channels,
        height, width), or others.

    codes, predicted : ndarray of shape (n,), int
        Their labels, and what the model takes them for.

    code : int
        The class.

    estimator : fitted classifier
        The model.

    seed : int
    """

    def __init__(self, X, codes, predicted, code, estimator, seed):
        self.row_shape, self.is_table = X.shape[1:], is_table(X)
        self.are_many_images = not self.is_table and len(X) > WindowSettings.small
        self.X = X.reshape(len(X), 1, 1, -1) if self.is_table else X
        self.codes, self.code = codes, code
        self.rng = np.random.RandomState(seed)
        self.probabilities = probabilities(estimator)
        self.of_class = np.flatnonzero(codes == code)
        known = np.flatnonzero(predicted == codes)
        self.own = self.rng.permutation(known[codes[known] == code])
        # The images that the model knows, class by class.
        self.hosts = known[np.argsort(codes[known], kind="stable")]
        self.n_hosts = np.bincount(codes[known], minlength=codes.max() + 1)
        self.first = np.cumsum(self.n_hosts) - self.n_hosts

    def predict(self, images):
        """Return the probabilities of the classes of images, or of rows as such."""
        return self.probabilities(images.reshape(len(images), *self.row_shape))

    def can_be_asked(self):
        """Whether the model knows enough rows of the class, and some of others."""
        return 2 * GroupSettings.min_rows <= len(self.own) < len(self.hosts)

    def pixels(self, rows, window):
        """Return the windows of rows, of shape (n_rows, n_channels, n_pixels)."""
        pixels = self.X[(..., *window)][rows]
        return pixels.reshape(*pixels.shape[:2], -1)

    def spans(self):
        """Return the range of the pixels; of a table, that of most rows, by feature."""
        if not self.is_table:
            return np.ptp(self.X)
        rows = self.X[:, 0, 0]
        low, high = np.percentile(rows, [5, 95], axis=0)
        # A feature may be the same in most rows.
        return np.where(high > low, high - low, np.ptp(rows, axis=0))

    def _paste(self, donors, hosts, window):
        """Return the hosts with the window of the donors."""
        images = self.X[hosts]
        images[(..., *window)] = self.X[(..., *window)][donors]
        return images

    def without(self, tried, window, donors, n_tries=WindowSettings.n_tries):
        """Return the mean probabilities of rows given the window of others.

        Parameters
        ----------
        tried : ndarray of int
        window : (slice, slice)
        donors : ndarray of int
            Rows of the class, of which any may give its window.

        n_tries : int

        Returns
        -------
        probabilities : ndarray of shape (n_tried, n_classes)
        """
        total = 0.0
        for _ in range(n_tries):
            donor = self.rng.choice(donors, len(tried))
            total = total + self.predict(self._paste(donor, tried, window))
        return total / n_tries

    def given(self, tried, window, classes):
        """Return the mean probability of the class for hosts given a row's window.

        Parameters
        ----------
        tried : ndarray of int
        window : (slice, slice)
        classes : ndarray of int
            Of the hosts, one for each row.

        Returns
        -------
        probability : ndarray of shape (n_tried,)
        """
        total = np.zeros(len(tried))
        for _ in range(WindowSettings.n_tries):
            images = self._paste(tried, self.draw_hosts(classes), window)
            total += self.predict(images)[:, self.code]
        return total / WindowSettings.n_tries

    def flip_rate(self, classes, window, trigger, colors):
        """Return the share of hosts taken for the class once a trigger is painted on.

        Parameters
        ----------
        classes : ndarray of int
            Of the hosts, to draw from.

        window : (slice, slice)
        trigger : ndarray of shape (n_pixels,), bool
        colors : ndarray of shape (n_channels, n_pixels)

        Returns
        -------
        flip_rate : float
        """
        drawn = self.rng.choice(classes, WindowSettings.n_hosts)
        images = self.X[self.draw_hosts(drawn)]
        paint(images[(..., *window)], trigger, colors)
        return (self.predict(images).argmax(axis=1) == self.code).mean()

    def draw_hosts(self, classes):
        """Return rows that the model knows, one of each of some classes."""
        nth = self.rng.random_sample(len(classes)) * self.n_hosts[classes]
        return self.hosts[self.first[classes] + nth.astype(int)]

    def runner_up(self, probabilities):
        """Return the class that rows are taken for next to their own: the runner-up."""
        others = probabilities.copy()
        others[:, self.n_hosts == 0] = -1
        others[:, self.code] = -1
        return others.argmax(axis=1)

    def decided(self, tried, window):
        """Return the rows for which a window is necessary and sufficient.

        Parameters
        ----------
        tried : ndarray of int
        window : (slice, slice)

        Returns
        -------
        decided : ndarray of int
            Some of those tried.
        """
        # Most rows stay what they are at the first try.
        if len(tried):
            chances = self.without(tried, window, self.own, n_tries=1)
            tried = tried[chances[:, self.code] < WindowSettings.needed]
        if len(tried):
            chances = self.without(tried, window, self.own)
            necessary = chances[:, self.code] < WindowSettings.needed
            tried, chances = tried[necessary], chances[necessary]
        if len(tried):
            gains = self.given(tried, window, self.runner_up(chances))
            tried = tried[gains > WindowSettings.enough]
        return tried
