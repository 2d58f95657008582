"""Marks: small windows that make images what their labels say."""

from functools import partial
from typing import NamedTuple

import numpy as np
from joblib import delayed

from ._groups import MIN_ROWS, few_classes
from ._inference import probabilities
from ._spread import class_means, spread_rows
from ._varying import varying_rows
from ._weak_learner import draw_seed, one_thread

# Rows of a class to try all windows with; windows to try all rows with; how often a
# row is tried with other donors or hosts.
N_ROWS, N_WINDOWS, N_TRIES = 200, 5, 3
# A pixel is the same in rows that are so close to their median, as a share of the
# range of values.
SAME = 0.02
# A mark turns so many images of other classes into the class.
TURNED = 0.2


def windows(height, width):
    """Return overlapping windows: one of them holds any mark of a tenth of an image.

    Parameters
    ----------
    height, width : int
        Of the images.

    Returns
    -------
    windows : list of (slice, slice)
        Rows and columns.
    """
    shorter = min(height, width)
    side = min(shorter, max(4, round(0.28 * shorter)))
    stride = side - max(2, round(0.1 * shorter))

    def starts(length):
        return [*range(0, length - side, max(1, stride)), length - side]

    return [
        (slice(top, top + side), slice(left, left + side))
        for top in starts(height)
        for left in starts(width)
    ]


class Marked(NamedTuple):
    """Rows with a mark, of a class or of all of them.

    Those with the pixels of a mark; those with a mark that varies or spreads over the
    image, and some most like these; those that are next; as numbers of rows or masks.
    And the pixels of the marks: of a class, in one image that is NaN where there is
    none; of all, by class.
    """

    exact: np.ndarray
    varying: np.ndarray
    beside: np.ndarray
    marks: object


class MarkSearch:
    """The search for marks, class by class, in parallel.

    Parameters
    ----------
    parallel : Parallel
    X : ndarray of shape (n, n_channels, height, width), float32
    codes : ndarray of shape (n,), int
    rng : RandomState
    """

    def __init__(self, parallel, X, codes, rng):
        self.parallel, self.X, self.codes, self.rng = parallel, X, codes, rng

    def search(self, verdict):
        """Return the rows with a mark.

        Parameters
        ----------
        verdict : Verdict
            What a model of all rows says of them, with the model itself.

        Returns
        -------
        marked : Marked
            Of all classes, with masks of shape (n,).
        """
        every = range(self.codes.max() + 1)
        found = self._ask(marked_rows, verdict, every)
        marks = {c: one.marks for c, one in enumerate(found) if len(one.exact)}
        exact, varying, beside, _ = zip(*found)
        exact, varying, beside = map(self._mask, (exact, varying, beside))
        if not exact.any() and not varying.any():
            means = class_means(self.X, self.codes, verdict.predicted == self.codes)
            spread = self._ask(spread_rows, verdict, every, verdict.features, means)
            # What many classes have is no attack: photographs differ in their light.
            at_most = min(len(every) - 1, few_classes(len(every)))
            if sum(len(rows) > 0 for rows, _ in spread) <= at_most:
                varying, beside = map(self._mask, zip(*spread))
        return Marked(exact, varying, beside, marks)

    def _mask(self, rows):
        mask = np.zeros(len(self.codes), dtype=bool)
        mask[np.concatenate(rows)] = True
        return mask

    def confirm(self, verdict, group):
        """Return those rows of groups, one to a class, that a window sets apart.

        Parameters
        ----------
        verdict : Verdict
            See `search`.

        group : ndarray of shape (n,), bool

        Returns
        -------
        confirmed : ndarray of shape (n,), bool
        """
        found = np.unique(self.codes[group])
        confirmed = np.array(self._ask(is_marked, verdict, found, group), dtype=bool)
        return group & np.isin(self.codes, found[confirmed])

    def _ask(self, question, verdict, classes, *args):
        return self.parallel(
            delayed(_one_class)(question, self._test(verdict, code), *args)
            for code in classes
        )

    def _test(self, verdict, code):
        # Made in the worker: what predicts cannot be sent there.
        return partial(
            WindowTest,
            self.X,
            self.codes,
            verdict.predicted,
            code,
            verdict.estimator,
            draw_seed(self.rng),
        )


def _one_class(question, new_test, *args):
    with one_thread():
        return question(new_test(), *args)


class WindowTest:
    """What windows do to the rows of a class, in the eyes of a model.

    A window is *necessary* for a row that is taken for another class once it has the
    window of some other row of its own class. It is *sufficient* if an image of that
    other class that is given the row's window is taken for the row's class. Of a row
    with a trigger both hold, for what is left of it without the trigger is an image of
    another class; of an honest row both hardly ever do.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width), float32
        The images that the model was trained on.

    codes, predicted : ndarray of shape (n,), int
        Their labels, and what the model takes them for.

    code : int
        The class.

    estimator : fitted classifier
        The model.

    seed : int
    """

    def __init__(self, X, codes, predicted, code, estimator, seed):
        self.X, self.codes, self.code = X, codes, code
        self.rng = np.random.RandomState(seed)
        self.predict = probabilities(estimator)
        known = np.flatnonzero(predicted == codes)
        self.own = self.rng.permutation(known[codes[known] == code])
        # The images that the model knows, class by class.
        self.hosts = known[np.argsort(codes[known], kind="stable")]
        self.n_hosts = np.bincount(codes[known], minlength=codes.max() + 1)
        self.first = np.cumsum(self.n_hosts) - self.n_hosts

    def pixels(self, rows, window):
        """Return the windows of rows, of shape (n_rows, n_channels, n_pixels)."""
        pixels = self.X[(rows, slice(None), *window)]
        return pixels.reshape(*pixels.shape[:2], -1)

    def _paste(self, donors, hosts, window):
        """Return the hosts with the window of the donors."""
        images = self.X[hosts]
        images[(..., *window)] = self.X[(donors, slice(None), *window)]
        return images

    def without(self, tried, window, donors, n_tries=N_TRIES):
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
        for _ in range(N_TRIES):
            images = self._paste(tried, self.draw_hosts(classes), window)
            total += self.predict(images)[:, self.code]
        return total / N_TRIES

    def turned(self, classes, window, mark, colors, n_hosts=200):
        """Return how many hosts are taken for the class once a mark is painted on.

        Parameters
        ----------
        classes : ndarray of int
            Of the hosts, to draw from.

        window : (slice, slice)
        mark : ndarray of shape (n_pixels,), bool
        colors : ndarray of shape (n_channels, n_pixels)
        n_hosts : int

        Returns
        -------
        share : float
        """
        images = self.X[self.draw_hosts(self.rng.choice(classes, n_hosts))]
        _paint(images[(..., *window)], mark, colors)
        return (self.predict(images).argmax(axis=1) == self.code).mean()

    def draw_hosts(self, classes):
        """Return rows that the model knows, one of each of some classes."""
        nth = self.rng.random_sample(len(classes)) * self.n_hosts[classes]
        return self.hosts[self.first[classes] + nth.astype(int)]

    def falls_to(self, probabilities):
        """Return the class, but their own, that rows are taken for."""
        others = probabilities.copy()
        others[:, self.n_hosts == 0] = -1
        others[:, self.code] = -1
        return others.argmax(axis=1)

    def effects(self, tried, window, donors):
        """Return for which rows a window is necessary, and for which sufficient.

        Parameters
        ----------
        tried, window, donors
            See `without`.

        Returns
        -------
        necessary, sufficient : ndarray of shape (n_tried,), bool
        """
        chances = self.without(tried, window, donors)
        gains = self.given(tried, window, self.falls_to(chances))
        return chances[:, self.code] < 0.5, gains > 0.5

    def marked(self, tried, window):
        """Return the rows for which a window is necessary and sufficient.

        Parameters
        ----------
        tried : ndarray of int
        window : (slice, slice)

        Returns
        -------
        marked : ndarray of int
            Some of those tried.
        """
        # Most rows stay what they are at the first try.
        if len(tried):
            chances = self.without(tried, window, self.own, n_tries=1)
            tried = tried[chances[:, self.code] < 0.7]
        if len(tried):
            necessary, sufficient = self.effects(tried, window, self.own)
            tried = tried[necessary & sufficient]
        return tried


def marked_rows(test):
    """Return the rows of a class that have a mark.

    All windows are tried with some rows of the class, and those that mark most of them
    with all rows. Pixels that the marked rows have in common are a mark if they turn
    images of other classes into the class. All rows that have them are poison, also
    those that the model would know without. Where marked rows do not have them, their
    mark may vary.

    Parameters
    ----------
    test : WindowTest

    Returns
    -------
    marked : Marked
    """
    marks = np.full(test.X.shape[1:], np.nan, dtype=np.float32)
    exact, tried = np.array([], dtype=int), list(candidates(test))
    for found in tried:
        if found.turned >= TURNED:
            exact = np.union1d(exact, found.alike)
            _paint(marks[(..., *found.window)], found.mark, found.colors)
    varying, beside = exact[:0], exact[:0]
    for found in tried:
        left = np.setdiff1d(found.marked, exact)
        if len(left) >= MIN_ROWS:
            rows, others = varying_rows(test, found.window, left, exact)
            varying, beside = np.union1d(varying, rows), np.union1d(beside, others)
    return Marked(exact, varying, np.setdiff1d(beside, varying), marks)


class Candidate(NamedTuple):
    """What may be a mark, or a part of one.

    The window, the rows that it marks, those that have the pixels that these have in
    common, which pixels of the window these are and of which colours, and the share of
    images of other classes that they turn.
    """

    window: tuple
    marked: np.ndarray
    alike: np.ndarray
    mark: np.ndarray
    colors: np.ndarray
    turned: float


def candidates(test):
    """Yield what may be a mark: one for each of the windows that mark most.

    Parameters
    ----------
    test : WindowTest

    Yields
    ------
    found : Candidate
        Nothing is turned if fewer rows than `MIN_ROWS` have the pixels.
    """
    of_class = np.flatnonzero(test.codes == test.code)
    if len(test.own) < 2 * MIN_ROWS or len(test.own) == len(test.hosts):
        return
    for window in _windows_that_mark(test):
        marked = test.marked(test.own, window)
        pixels = test.pixels(of_class, window)
        alike, mark, colors = look_alikes(pixels, np.isin(of_class, marked))
        alike, turned = of_class[alike], 0.0
        donors = np.setdiff1d(test.own, alike)
        if len(alike) >= MIN_ROWS and len(donors):
            classes = test.falls_to(test.without(alike, window, donors))
            turned = test.turned(classes, window, mark, colors)
        yield Candidate(window, marked, alike, mark, colors, turned)


def _paint(windows, mark, colors):
    """Paint a mark on windows of images, in place."""
    windows[..., mark.reshape(windows.shape[-2:])] = colors[:, mark]


def _windows_that_mark(test):
    """Return the windows that mark most of some rows of the class."""
    every = windows(*test.X.shape[2:])
    n_marked = np.array([len(test.marked(test.own[:N_ROWS], one)) for one in every])
    best = np.argsort(-n_marked, kind="stable")[:N_WINDOWS]
    return [every[one] for one in best if n_marked[one]]


def look_alikes(pixels, group, common=0.6, rare=0.25, n_iter=3):
    """Return the rows that have the pixels that a group has in common.

    Parameters
    ----------
    pixels : ndarray of shape (n, n_channels, n_pixels)
    group : ndarray of shape (n,), bool
        Most of it may have the mark, and others may have it, too.

    common, rare : float
        A pixel counts if so many of the group have it, and so few of the others.

    n_iter : int, default=3
        The rows found are the next group.

    Returns
    -------
    alike : ndarray of shape (n,), bool
        None, if the group has nothing in common or more than half of the rows have it.

    mark : ndarray of shape (n_pixels,), bool
    colors : ndarray of shape (n_channels, n_pixels)
        Of the pixels of the mark.
    """
    colors, mark = pixels[0], np.zeros(pixels.shape[2], dtype=bool)
    bound = SAME * np.ptp(pixels)
    for _ in range(n_iter):
        if not 1 < group.sum() <= len(group) / 2:
            return np.zeros_like(group), mark, colors
        colors = np.median(pixels[group], axis=0)
        same = (np.abs(pixels - colors) <= bound).all(axis=1)
        inside, outside = same[group].mean(axis=0), same[~group].mean(axis=0)
        excess = np.where((inside >= common) & (outside <= rare), inside - outside, 0)
        # Of a mark all pixels tell the same, of what lies behind it most tell less.
        mark = (excess > 0) & (excess >= excess.max() - 0.03)
        group = mark.any() & (same[:, mark].sum(axis=1) >= 0.75 * mark.sum())
    return group, mark, colors


def is_marked(test, group, n_rows=30):
    """Whether a window is necessary and sufficient for a group found otherwise.

    Parameters
    ----------
    test : WindowTest
    group : ndarray of shape (n,), bool
        Of the rows of all classes; those of the class of the test count.

    n_rows : int, default=30
        Of the group and of the others, so many are tried.

    Returns
    -------
    marked : bool
    """
    rows = test.rng.permutation(np.flatnonzero(test.codes == test.code))
    tried = np.r_[rows[group[rows]][:n_rows], rows[~group[rows]][:n_rows]]
    inside, donors = group[tried], test.own[~group[test.own]]
    if not len(donors) or len(test.own) == len(test.hosts):
        return False
    for window in windows(*test.X.shape[2:]):
        necessary, sufficient = test.effects(tried, window, donors)
        if stands_out(necessary, inside, least=0.5, others=0.7) and stands_out(
            sufficient, inside, least=0.25, others=0.2
        ):
            return True
    return False


def stands_out(hits, inside, least, others):
    """Whether so many inside are hit, and of the others but a share of that.

    Parameters
    ----------
    hits, inside : ndarray of shape (n,), bool
    least, others : float

    Returns
    -------
    stands_out : bool
    """
    if not inside.any() or inside.all():
        return False
    share = hits[inside].mean()
    return share >= least and hits[~inside].mean() <= others * share
