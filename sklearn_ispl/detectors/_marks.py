"""Marks: small windows that make images what their labels say."""

from functools import partial
from itertools import chain
from typing import NamedTuple

import numpy as np
from joblib import delayed

from .._groups import MIN_ROWS, NO_ROWS, Group, as_mask, small_clusters
from ..learners._settings import one_thread
from ..learners._weak_learner import draw_seed
from ._patterns import MANY, class_means, pattern_groups, spread_of_values
from ._shared import SAME, TURNED, Candidate, completed_mark, look_alikes, shared_values
from ._varying import moved_rows, varying_rows
from ._window_test import WindowTest, is_table, paint, windows

# Rows of a class to try all windows with, and windows to try all rows with.
N_ROWS, N_WINDOWS = 200, 5


class Marked(NamedTuple):
    """Rows with a mark, of a class or of all of them.

    Those with the pixels of a mark, or with a pattern that many share, as numbers of
    rows or a mask; groups with a mark that varies, or with a pattern that few share;
    and the pixels of the marks, without patterns: of a class, in one image that is NaN
    where there is none, or None; of all, by class.
    """

    exact: np.ndarray
    groups: list
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
        settings = {}
        if not is_table(self.X):
            known = verdict.predicted == self.codes
            settings["factor"] = spread_of_values(self.X, self.codes)
            settings["means"] = class_means(self.X, self.codes, known)
        every = range(self.codes.max() + 1)
        found = self._ask(marked_rows, verdict, every, verdict.features, **settings)
        exact, groups, marks = zip(*found)
        marks = {code: one for code, one in zip(every, marks) if one is not None}
        exact = as_mask(np.concatenate(exact), len(self.codes))
        return Marked(exact, [*chain(*groups)], marks)

    def _ask(self, question, verdict, classes, *args, **settings):
        return self.parallel(
            delayed(_one_class)(question, self._test(verdict, code), *args, **settings)
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


def _one_class(question, new_test, *args, **settings):
    with one_thread():
        return question(new_test(), *args, **settings)


def marked_rows(test, features, **settings):
    """Return the rows of a class that have a mark.

    All windows are tried with some rows of the class, and those that mark most of them
    with all rows. Pixels that the marked rows have in common are a mark if they turn
    images of other classes into the class, and so are those that the rows of a cluster
    share, or a pattern. All rows that have them are poison, also those that the model
    would know without; but where few share a pattern, probes of the other rows decide,
    for frames of one film do so, too. Where marked rows have neither, their mark may
    vary.

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
    exact, tried = NO_ROWS, [] if test.is_table else [*candidates(test)]
    clusters = [*small_clusters(features[test.of_class], test.rng)]
    for found in [*tried, *shared_values(test, clusters)]:
        if found.turned >= TURNED:
            exact = np.union1d(exact, found.alike)
            paint(marks[(..., *found.window)], found.mark, found.colors)
    marks = marks.reshape(test.row_shape) if len(exact) else None
    patterns = [*pattern_groups(test, clusters, **settings)] if settings else []
    many = [rows for rows in patterns if len(rows) >= MANY]
    exact = np.unique(np.r_[exact, *many])
    few = [np.setdiff1d(rows, exact) for rows in patterns]
    groups = [Group(rows) for rows in few if len(rows)]
    groups += _varying_groups(test, tried, exact)
    return Marked(exact, groups, marks)


def _varying_groups(test, tried, exact):
    """Return groups of which a mark varies around pixels, or else in a window.

    Most rows of a group may be clean, so that some of them are asked about again. Such
    a part comes without what is next to it: where the group is poison, that was next to
    the group, and where it is not, the class is listed all the same.
    """
    groups = []
    for found in tried:
        group = _varying(test, found, exact, groups)
        if len(group.rows):
            least = len(group.rows) / 2
            inside = any(_n_shared(group.rows, one) > least for one in groups)
            groups.append(Group(group.rows) if inside else group)
    return groups


def _varying(test, found, exact, groups):
    """Return such a group of one window, with no rows if there is none."""
    alike, marked = (np.setdiff1d(rows, exact) for rows in (found.alike, found.marked))
    if len(alike) >= MIN_ROWS and _is_new(alike, groups):
        moved = moved_rows(test, found, exact)
        if len(moved.rows):
            return moved
    if len(marked) < MIN_ROWS or not _is_new(marked, groups):
        return Group(NO_ROWS)
    return varying_rows(test, found.window, marked, exact)


def _is_new(rows, groups):
    """Whether rows and any group share no more than half of what is in either."""
    return not any(
        _n_shared(rows, one) > len(np.union1d(rows, one.rows)) / 2 for one in groups
    )


def _n_shared(rows, group):
    return len(np.intersect1d(rows, group.rows))


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
            mark, colors = completed_mark(pixels, having, mark, bound)
            classes = test.falls_to(test.without(alike, window, donors))
            turned = test.turned(classes, window, mark, colors)
        yield Candidate(window, marked, alike, mark, colors, turned)


def _windows_that_mark(test):
    """Return the windows that mark most of some rows of the class."""
    every = windows(*test.X.shape[2:])
    n_marked = np.array([len(test.marked(test.own[:N_ROWS], one)) for one in every])
    best = np.argsort(-n_marked, kind="stable")[:N_WINDOWS]
    return [every[one] for one in best if n_marked[one]]
