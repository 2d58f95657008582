"""Marks: small windows that make images what their labels say."""

from itertools import chain
from typing import NamedTuple

import numpy as np
from joblib import delayed

from .._groups import MIN_ROWS, NO_ROWS, Group, as_mask, small_clusters
from ..learners._settings import one_thread
from ..learners._weak_learner import draw_seed
from ._patterns import MANY, class_means, pattern_groups, spread_of_values
from ._shared import (
    FLIPPED,
    SAME,
    Candidate,
    completed_mark,
    look_alikes,
    shared_values,
)
from ._varying import moved_rows, varying_rows
from ._window_test import WindowTest, is_table, paint, windows

# Rows of a class to try all windows with, and windows to try all rows with.
N_ROWS, N_WINDOWS = 200, 5


class Marked(NamedTuple):
    """Rows with a mark, of all classes.

    Those with the pixels of a mark, or with a pattern that many share, as a mask;
    groups with a mark that varies, or with a pattern that few share; and of each class
    that has any, the pixels of its marks, in one image that is NaN where there is none.
    """

    exact: np.ndarray
    groups: list
    marks: dict


def find_marks(parallel, X, codes, verdict, rng):
    """Search for marks, class by class, in parallel.

    Parameters
    ----------
    parallel : Parallel
    X : ndarray of shape (n, ...), float32
    codes : ndarray of shape (n,), int
    verdict : Verdict
        What a model of all rows says of them, with the model itself.

    rng : RandomState

    Returns
    -------
    marked : Marked
    """
    settings = {}
    if not is_table(X):
        settings["factor"] = spread_of_values(X, codes)
        settings["means"] = class_means(X, codes, verdict.predicted == codes)
    found = parallel(
        delayed(_of_class)(
            (X, codes, verdict.predicted, code, verdict.estimator, draw_seed(rng)),
            verdict.features,
            **settings,
        )
        for code in range(codes.max() + 1)
    )
    exact, groups, marks = zip(*found)
    exact = as_mask(np.concatenate(exact), len(codes))
    marks = {code: mark for code, mark in enumerate(marks) if mark is not None}
    return Marked(exact, [*chain(*groups)], marks)


def _of_class(asked, features, **settings):
    # The test is made in the worker: what predicts cannot be sent there.
    with one_thread():
        return marked_rows(WindowTest(*asked), features, **settings)


def marked_rows(test, features, **settings):
    """Return the rows of a class that have a mark.

    All windows are tried with some rows of the class, and those that mark most of them
    with all rows. Pixels that the marked rows have in common are a mark if they flip
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
    exact : ndarray of int
        Rows with a mark that does not vary.

    groups : list of Group
        Rows with one that may.

    marks : ndarray of the shape of a row
        See `Marked`; None without any.
    """
    if not test.can_be_asked():
        return NO_ROWS, [], None
    marks = np.full(test.X.shape[1:], np.nan, dtype=np.float32)
    exact, tried = NO_ROWS, [] if test.is_table else [*candidates(test)]
    clusters = [*small_clusters(features[test.of_class], test.rng)]
    for found in [*tried, *shared_values(test, clusters)]:
        if found.flip_rate >= FLIPPED:
            exact = np.union1d(exact, found.alike)
            paint(marks[(..., *found.window)], found.mark, found.colors)
    marks = marks.reshape(test.row_shape) if len(exact) else None
    patterns = [*pattern_groups(test, clusters, **settings)] if settings else []
    many = [rows for rows in patterns if len(rows) >= MANY]
    exact = np.unique(np.r_[exact, *many])
    few = [np.setdiff1d(rows, exact) for rows in patterns]
    groups = [Group(rows) for rows in few if len(rows)]
    groups += _varying_groups(test, tried, exact)
    return exact, groups, marks


def _varying_groups(test, tried, exact):
    """Return groups of which a mark varies around pixels, or else in a window.

    Most rows of a group may be clean, so that some of them are asked about again. Such
    a part comes without what is next to it: where the group is poison, that was next to
    the group, and where it is not, the class is listed all the same.
    """
    groups = []
    for found in tried:
        group = _varying(test, found, exact, groups)
        if group is not None:
            inside = any(np.isin(group.rows, one.rows).mean() > 1 / 2 for one in groups)
            groups.append(Group(group.rows) if inside else group)
    return groups


def _varying(test, found, exact, groups):
    """Return such a group of one window, or None."""
    alike, marked = (np.setdiff1d(rows, exact) for rows in (found.alike, found.marked))
    group = moved_rows(test, found, exact) if _is_new(alike, groups) else None
    if group is None and _is_new(marked, groups):
        group = varying_rows(test, found.window, marked, exact)
    return group


def _is_new(rows, groups):
    """Whether enough rows share no more than half of all with any group."""
    return len(rows) >= MIN_ROWS and not any(
        len(np.intersect1d(rows, one.rows)) > len(np.union1d(rows, one.rows)) / 2
        for one in groups
    )


def candidates(test):
    """Yield what may be a mark: one for each of the windows that mark most.

    Parameters
    ----------
    test : WindowTest

    Yields
    ------
    found : Candidate
        The flip rate is 0 if fewer rows than `MIN_ROWS` have the pixels.
    """
    for window in _windows_that_mark(test):
        marked = test.marked(test.own, window)
        pixels = test.pixels(test.of_class, window)
        group, bound = np.isin(test.of_class, marked), SAME * np.ptp(pixels)
        having, mark, colors = look_alikes(pixels, group, bound)
        alike, flip_rate = test.of_class[having], 0.0
        donors = np.setdiff1d(test.own, alike)
        if len(alike) >= MIN_ROWS and len(donors):
            mark, colors = completed_mark(pixels, having, mark, bound)
            classes = test.runner_up(test.without(alike, window, donors))
            flip_rate = test.flip_rate(classes, window, mark, colors)
        yield Candidate(window, marked, alike, mark, colors, flip_rate)


def _windows_that_mark(test):
    """Return the windows that mark most of some rows of the class."""
    every = windows(*test.X.shape[2:])
    n_marked = np.array([len(test.marked(test.own[:N_ROWS], one)) for one in every])
    best = np.argsort(-n_marked, kind="stable")[:N_WINDOWS]
    return [every[one] for one in best if n_marked[one]]
