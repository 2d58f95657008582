"""Marks: small windows that make images what their labels say."""

from functools import partial
from itertools import chain

import numpy as np
from joblib import delayed

from ._groups import MIN_ROWS, least_rows, log_odds, overlap
from ._inference import probabilities
from ._weak_learner import draw_seed, one_thread

# Rows of a class to try all windows with; windows to try all rows with; how often a
# row is tried with other donors or hosts.
N_ROWS, N_WINDOWS, N_TRIES = 200, 5, 3
# A window counts from where so many of the rows tried are marked by it.
MIN_MARKED, MIN_MARKED_SHARE = 2, 0.01


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


class MarkSearch:
    """The search for marks, class by class, in parallel.

    Parameters
    ----------
    parallel : Parallel
    X : ndarray of shape (n, ...), float32
        Rows that are no images have no windows, and nothing is found.

    codes : ndarray of shape (n,), int
    rng : RandomState
    """

    def __init__(self, parallel, X, codes, rng):
        self.parallel, self.X, self.codes, self.rng = parallel, X, codes, rng

    def search(self, rows, verdict, classes=None):
        """Return the rows with a mark.

        Parameters
        ----------
        rows : ndarray of int
            The rows to search, which a model was trained on.

        verdict : Verdict
            What that model says of them, with its features and the model.

        classes : ndarray of int, default=None
            Classes to search with care: all windows are tried with all rows, and few
            make a group. None means all classes, with less care.

        Returns
        -------
        marked : ndarray of shape (n,), bool
        """
        marked = np.zeros(len(self.codes), dtype=bool)
        if self.X.ndim == 4:
            careful = classes is not None
            every = classes if careful else range(self.codes.max() + 1)
            found = self.parallel(
                delayed(_one_class)(
                    marked_groups,
                    self._test(rows, verdict, code),
                    verdict.features,
                    careful,
                )
                for code in every
            )
            for group in chain.from_iterable(found):
                marked[rows[group]] = True
        return marked

    def confirm(self, verdict, group):
        """Return those rows of groups, one to a class, that a window sets apart.

        Parameters
        ----------
        verdict : Verdict
            Of a model of all rows.

        group : ndarray of shape (n,), bool

        Returns
        -------
        confirmed : ndarray of shape (n,), bool
            The groups themselves where the rows are no images.
        """
        if self.X.ndim != 4:
            return group
        rows, found = np.arange(len(group)), np.unique(self.codes[group])
        confirmed = self.parallel(
            delayed(_one_class)(is_marked, self._test(rows, verdict, code), group)
            for code in found
        )
        return group & np.isin(self.codes, found[np.array(confirmed, dtype=bool)])

    def _test(self, rows, verdict, code):
        # Made in the worker: what predicts cannot be sent there.
        return partial(
            WindowTest,
            self.X,
            rows,
            self.codes[rows],
            verdict.predicted,
            code,
            self.codes.max() + 1,
            verdict.estimator,
            draw_seed(self.rng),
        )


def _one_class(answer, new_test, *args):
    with one_thread():
        return answer(new_test(), *args)


class WindowTest:
    """What windows do to the rows of a class, in the eyes of a model.

    A window is *necessary* for a row that is taken for another class once it has the
    window of some other row of its own class. It is *sufficient* if an image of that
    other class that is given the row's window is taken for the row's class. Of a row
    with a trigger both hold, for what is left of it without the trigger is an image of
    another class; of an honest row both hardly ever do.

    Parameters
    ----------
    X : ndarray of shape (n_images, n_channels, height, width), float32
    rows : ndarray of shape (n,), int
        The images that the model was trained on; all that follows is in their order.

    codes, predicted : ndarray of shape (n,), int
        Their labels, and what the model takes them for.

    code : int
        The class, of so many.

    n_classes : int
    estimator : fitted classifier
        The model.

    seed : int
    """

    def __init__(self, X, rows, codes, predicted, code, n_classes, estimator, seed):
        self.X, self.rows, self.codes, self.code = X, rows, codes, code
        self.rng = np.random.RandomState(seed)
        self.predict = probabilities(estimator)
        known = np.flatnonzero(predicted == codes)
        self.own = self.rng.permutation(known[codes[known] == code])
        # The images that a model knows, class by class.
        self.hosts = known[np.argsort(codes[known], kind="stable")]
        self.n_hosts = np.bincount(codes[known], minlength=n_classes)
        self.first = np.cumsum(self.n_hosts) - self.n_hosts

    def _paste(self, donors, hosts, window):
        """Return the hosts with the window of the donors."""
        images = self.X[self.rows[hosts]]
        images[(..., *window)] = self.X[(self.rows[donors], slice(None), *window)]
        return images

    def without(self, tried, window, donors, n_tries=N_TRIES):
        """Return the mean probabilities of rows given the window of others.

        Parameters
        ----------
        tried : ndarray of int
        window : (slice, slice)
        donors : ndarray of int
            Rows of the class, of which any may give its window.

        Returns
        -------
        probabilities : ndarray of shape (n_tried, n_classes)
        """
        total = 0.0
        for _ in range(n_tries):
            donor = self.rng.choice(donors, len(tried))
            total = total + self.predict(self._paste(donor, tried, window))
        return total / n_tries

    def given(self, tried, window, classes, drawn=False):
        """Return the mean probability of the class for hosts given a row's window.

        Parameters
        ----------
        tried : ndarray of int
        window : (slice, slice)
        classes : ndarray of int
            Of the hosts: one for each row.

        drawn : bool, default=False
            Whether to draw the classes of the hosts from the given ones instead.

        Returns
        -------
        probability : ndarray of shape (n_tried,)
        """
        total = np.zeros(len(tried))
        for _ in range(N_TRIES):
            of = self.rng.choice(classes, len(tried)) if drawn else classes
            nth = self.rng.random_sample(len(tried)) * self.n_hosts[of]
            hosts = self.hosts[self.first[of] + nth.astype(int)]
            total += self.predict(self._paste(tried, hosts, window))[:, self.code]
        return total / N_TRIES

    def falls_to(self, probabilities):
        """Return the class, but their own, that rows are taken for."""
        others = probabilities.copy()
        others[:, self.n_hosts == 0] = -1
        others[:, self.code] = -1
        return others.argmax(axis=1)

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

        classes : ndarray of int
            What they are taken for without.
        """
        for n_tries, bound in [(1, 0.7), (N_TRIES, 0.5)]:
            # Most rows stay what they are at the first try.
            if len(tried):
                chances = self.without(tried, window, self.own, n_tries)
                falls = chances[:, self.code] < bound
                tried, classes = tried[falls], self.falls_to(chances[falls])
        if not len(tried):
            return tried, tried
        flips = self.given(tried, window, classes) > 0.5
        return tried[flips], classes[flips]


def marked_groups(test, features, careful):
    """Return the groups of rows of a class that one window makes what they are.

    All windows are tried with some rows of the class, and those that mark most of them
    with all rows. Marked rows are where a group starts; it takes in the rows that the
    window has some effect on and that are like it in the features, three times over.
    The group is one if it settles, if the rows that it started from are in it, and if
    the window is necessary and sufficient for most of it and sufficient for next to
    none of the others.

    Parameters
    ----------
    test : WindowTest
    features : ndarray of shape (n, n_features)
        Of the model.

    careful : bool
        Whether to try all windows with all rows, and to take groups of a few rows.

    Returns
    -------
    groups : list of ndarray of int
        Positions among the rows.
    """
    if len(test.own) < 2 * MIN_ROWS or len(test.own) == len(test.hosts):
        return []
    some, found = test.own if careful else test.own[:N_ROWS], []
    for window in windows(*test.X.shape[2:]):
        marked, _ = test.marked(some, window)
        if len(marked) >= max(MIN_MARKED, MIN_MARKED_SHARE * len(some)):
            found.append((len(marked), window))
    found.sort(key=lambda one: -one[0])
    least = MIN_ROWS if careful else least_rows((test.codes == test.code).sum())
    groups = [_grown(test, features, window, least) for _, window in found[:N_WINDOWS]]
    return [group for group in groups if group is not None]


def _grown(test, features, window, least):
    """Return the group that the rows marked by a window grow into, or None."""
    of_class = np.flatnonzero(test.codes == test.code)
    start, classes = test.marked(test.own, window)
    group = np.zeros(len(test.codes), dtype=bool)
    group[start] = True
    for _ in range(3):
        donors = test.own[~group[test.own]]
        if not least <= group.sum() <= len(of_class) / 2 or not len(donors):
            return None
        before, group = group, np.zeros_like(group)
        chances = test.without(of_class, window, donors)[:, test.code]
        gains = test.given(of_class, window, classes, drawn=True)
        odds = log_odds(features, test.codes, before, test.rng)[of_class]
        # What the window does counts for more than what the features say.
        score = _logit(gains) - _logit(chances) + np.clip(odds, -3, 3)
        group[of_class] = score > 0
    inside = group[of_class]
    if (
        overlap(group, before) >= 0.85
        and group[start].mean() >= 0.5
        and stands_out(chances < 0.5, inside, least=0.5, others=0.7)
        and stands_out(gains > 0.5, inside, least=0.5, others=0.1)
    ):
        return np.flatnonzero(group)
    return None


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
        chances = test.without(tried, window, donors)
        gains = test.given(tried, window, test.falls_to(chances))
        lost = chances[:, test.code] < 0.5
        if stands_out(lost, inside, least=0.5, others=0.7) and stands_out(
            gains > 0.5, inside, least=0.25, others=0.2
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


def _logit(chance):
    return np.log((chance + 0.01) / (1.01 - chance))
