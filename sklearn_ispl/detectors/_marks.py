"""Marks: small windows that make images what their labels say."""

from functools import partial
from typing import NamedTuple

import numpy as np
from joblib import delayed

from .._groups import MIN_ROWS, as_mask, small_clusters
from ..learners._settings import one_thread
from ..learners._weak_learner import draw_seed
from ._shared import MOST, SAME, Mark, look_alikes, shared_values, whole_mark
from ._window_test import WindowTest, paint, windows

# Rows of a class to try all windows with, and windows to try all rows with.
N_ROWS, N_WINDOWS = 200, 5


class Marked(NamedTuple):
    """Rows with a mark, of a class or of all of them.

    As numbers of rows or a mask; and the pixels of the marks: of a class, in one image
    that is NaN where there is none, or None; of all, by class.
    """

    rows: np.ndarray
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
        every = range(self.codes.max() + 1)
        found = self.parallel(
            delayed(_one_class)(self._test(verdict, code), verdict.features)
            for code in every
        )
        rows, marks = zip(*found)
        marks = {code: one for code, one in zip(every, marks) if one is not None}
        return Marked(as_mask(np.concatenate(rows), len(self.codes)), marks)

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


def _one_class(new_test, features):
    with one_thread():
        return marked_rows(new_test(), features)


def marked_rows(test, features):
    """Return the rows of a class that have a mark.

    All windows are tried with some rows of the class, and those that mark most of them
    with all rows. Pixels that the marked rows have in common are a mark if they turn
    images of other classes into the class, and so are those that the rows of a cluster
    share. All rows that have them are poison, also those that the model would know
    without.

    Parameters
    ----------
    test : WindowTest
    features : ndarray of shape (n, n_features)
        Of a model trained on all rows.

    Returns
    -------
    marked : Marked
    """
    marks = np.full(test.X.shape[1:], np.nan, dtype=np.float32)
    rows = np.array([], dtype=int)
    in_windows = [] if test.is_table else marks_in_windows(test)
    clusters = small_clusters(features[test.of_class], test.rng)
    for found in [*in_windows, *shared_values(test, clusters)]:
        rows = np.union1d(rows, found.rows)
        paint(marks[(..., *found.window)], found.mask, found.colors)
    return Marked(rows, marks.reshape(test.row_shape) if len(rows) else None)


def marks_in_windows(test):
    """Yield the marks in the windows that mark most rows.

    Parameters
    ----------
    test : WindowTest

    Yields
    ------
    found : Mark
    """
    if not test.can_be_asked():
        return
    for window in _windows_that_mark(test):
        pixels = test.pixels(test.of_class, window)
        group = np.isin(test.of_class, test.marked(test.own, window))
        bound = SAME * np.ptp(pixels)
        having, mark, colors = look_alikes(pixels, group, bound)
        alike = test.of_class[having]
        donors = np.setdiff1d(test.own, alike)
        if len(alike) < MIN_ROWS or not len(donors):
            continue
        mark, colors = whole_mark(pixels, having, mark, bound)
        classes = test.falls_to(test.without(alike, window, donors))
        turned = test.turned(classes, window, mark, colors)
        if turned >= MOST:
            yield Mark(window, alike, mark, colors)


def _windows_that_mark(test):
    """Return the windows that mark most of some rows of the class."""
    every = windows(*test.X.shape[2:])
    n_marked = np.array([len(test.marked(test.own[:N_ROWS], one)) for one in every])
    best = np.argsort(-n_marked, kind="stable")[:N_WINDOWS]
    return [every[one] for one in best if n_marked[one]]
