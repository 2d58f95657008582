"""Marks: small windows that make images what their labels say."""

from functools import partial
from itertools import chain
from typing import NamedTuple

import numpy as np
from joblib import delayed

from .._groups import MIN_ROWS, as_mask, small_clusters
from ..learners._settings import one_thread
from ..learners._weak_learner import draw_seed
from ._patterns import MANY, class_means, pattern_groups, spread_of_values
from ._shared import SAME, TURNED, Candidate, completed, look_alikes, shared_values
from ._window_test import WindowTest, is_table, paint, windows

# Rows of a class to try all windows with, and windows to try all rows with.
N_ROWS, N_WINDOWS = 200, 5


class Marked(NamedTuple):
    """Rows with a mark, of a class or of all of them.

    Those with the pixels of a mark, or with a pattern that many share, as numbers of
    rows or a mask; groups of few rows that share a pattern; and the pixels of the
    marks, without patterns: of a class, in one image that is NaN where there is none,
    or None; of all, by class.
    """

    rows: np.ndarray
    few: list
    marks: object


class MarkSearch:
    """The search for marks, class by class, in parallel.

    Parameters
    ----------
    parallel : Parallel
    X : ndarray of shape (n, ...), float32
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
        settings, every = {}, range(self.codes.max() + 1)
        if not is_table(self.X):
            known = verdict.predicted == self.codes
            settings["factor"] = spread_of_values(self.X, self.codes)
            settings["means"] = class_means(self.X, self.codes, known)
        found = self.parallel(
            delayed(_one_class)(self._test(verdict, code), verdict.features, **settings)
            for code in every
        )
        rows, few, marks = zip(*found)
        marks = {code: one for code, one in zip(every, marks) if one is not None}
        rows = as_mask(np.concatenate(rows), len(self.codes))
        return Marked(rows, [*chain(*few)], marks)

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


def _one_class(new_test, features, **settings):
    with one_thread():
        return marked_rows(new_test(), features, **settings)


def marked_rows(test, features, **settings):
    """Return the rows of a class that have a mark.

    All windows are tried with some rows of the class, and those that mark most of them
    with all rows. Pixels that the marked rows have in common are a mark if they turn
    images of other classes into the class, and so are those that the rows of a cluster
    share, or a pattern. All rows that have them are poison, also those that the model
    would know without; but where few share a pattern, that is no proof, for frames of
    one film do so, too.

    Parameters
    ----------
    test : WindowTest
    features : ndarray of shape (n, n_features)
        Of a model trained on all rows.

    **settings : dict
        Of `pattern_groups`, which tables do without.

    Returns
    -------
    marked : Marked
    """
    marks = np.full(test.X.shape[1:], np.nan, dtype=np.float32)
    rows, tried = np.array([], dtype=int), [] if test.is_table else candidates(test)
    clusters = [*small_clusters(features[test.of_class], test.rng)]
    for found in chain(tried, shared_values(test, clusters)):
        if found.turned >= TURNED:
            rows = np.union1d(rows, found.alike)
            paint(marks[(..., *found.window)], found.mark, found.colors)
    marks = marks.reshape(test.row_shape) if len(rows) else None
    patterns = [*pattern_groups(test, clusters, **settings)] if settings else []
    rows = np.unique(np.r_[rows, *(one for one in patterns if len(one) >= MANY)])
    few = [np.setdiff1d(one, rows) for one in patterns]
    return Marked(rows, [one for one in few if len(one)], marks)


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
    if not test.can_be_asked():
        return
    for window in _windows_that_mark(test):
        marked = test.marked(test.own, window)
        pixels = test.pixels(test.of_class, window)
        group, bound = np.isin(test.of_class, marked), SAME * np.ptp(pixels)
        having, mark, colors = look_alikes(pixels, group, bound)
        alike, turned = test.of_class[having], 0.0
        donors = np.setdiff1d(test.own, alike)
        if len(alike) >= MIN_ROWS and len(donors):
            mark, colors = completed(pixels, having, mark, bound)
            classes = test.falls_to(test.without(alike, window, donors))
            turned = test.turned(classes, window, mark, colors)
        yield Candidate(window, marked, alike, mark, colors, turned)


def _windows_that_mark(test):
    """Return the windows that mark most of some rows of the class."""
    every = windows(*test.X.shape[2:])
    n_marked = np.array([len(test.marked(test.own[:N_ROWS], one)) for one in every])
    best = np.argsort(-n_marked, kind="stable")[:N_WINDOWS]
    return [every[one] for one in best if n_marked[one]]
