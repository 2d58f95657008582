"""Triggers that rows share: they make rows what their labels say."""

from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np
from joblib import delayed

from .._groups import GroupSettings, small_clusters
from ..learners._settings import one_thread
from ..learners._weak_learner import draw_seed
from ._patterns import (
    PatternSettings,
    class_means,
    pattern_groups,
    spread_of_values,
)
from ._shared import (
    Candidate,
    SharedSettings,
    completed_trigger,
    look_alikes,
    shared_values,
)
from ._window_test import WindowTest, is_table, paint, windows


@dataclass(frozen=True)
class SearchSettings:
    """How much is tried, each figure with its reason."""

    n_rows: int = 200  # of a class, to try all windows with: enough to see the best
    n_windows: int = 5  # to try all rows with: windows overlap, and triggers may be two


class Found(NamedTuple):
    """The rows of a class that share a trigger, its pixels, and whether that is sure.

    The pixels in one image that is NaN where it is not; None where it is a pattern over
    all of an image. Patterns that few rows share are not sure.
    """

    rows: np.ndarray
    trigger: np.ndarray | None = None
    is_sure: bool = True


def find_triggers(parallel, X, codes, verdict, rng):
    """Search for triggers, class by class, in parallel.

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
    found : list of Found
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
    return [*chain(*found)]


def _of_class(asked, features, **settings):
    # The test is made in the worker: what predicts cannot be sent there.
    with one_thread():
        return triggers_of_class(WindowTest(*asked), features, **settings)


def triggers_of_class(test, features, **settings):
    """Return what rows of a class share that makes them what their labels say.

    All windows are tried with some rows of the class, and those that are necessary and
    sufficient for most of them with all rows. Pixels that these rows have in common are
    a trigger if they flip images of other classes into the class, and so are those that
    the rows of a cluster share, or a pattern.

    Parameters
    ----------
    test : WindowTest
    features : ndarray of shape (n, n_features)
        Of a model trained on all rows.

    **settings : dict
        Of `pattern_groups`, which tables do without.

    Returns
    -------
    found : list of Found
        All rows with pixels or values as one, and those with patterns. What is not sure
        comes last, without the rows of which it is.
    """
    if not test.can_be_asked():
        return []
    pixels = np.full(test.X.shape[1:], np.nan, dtype=np.float32)
    tried = [] if test.is_table else [*candidates(test)]
    clusters = [*small_clusters(features[test.of_class], test.rng)]
    with_pixels = np.array([], dtype=int)
    for one in chain(tried, shared_values(test, clusters)):
        with_pixels = np.union1d(with_pixels, one.alike)
        paint(pixels[(..., *one.window)], one.trigger, one.colors)
    found = [Found(with_pixels, pixels.reshape(test.row_shape))]
    patterns = [*pattern_groups(test, clusters, **settings)] if settings else []
    many = PatternSettings.many
    found += [Found(rows) for rows in patterns if len(rows) >= many]
    sure = np.concatenate([one.rows for one in found])
    few = [np.setdiff1d(rows, sure) for rows in patterns if len(rows) < many]
    # Several starts may come to the same rows.
    few = {rows.tobytes(): rows for rows in few}.values()
    found += [Found(rows, is_sure=False) for rows in few]
    return [one for one in found if len(one.rows) >= GroupSettings.min_rows]


def candidates(test):
    """Yield triggers: one at most for each of the windows that decide most often.

    Parameters
    ----------
    test : WindowTest

    Yields
    ------
    found : Candidate
    """
    for window in _deciding_windows(test):
        decided = test.decided(test.own, window)
        pixels = test.pixels(test.of_class, window)
        group = np.isin(test.of_class, decided)
        bound = SharedSettings.same * np.ptp(pixels)
        having, trigger, colors = look_alikes(pixels, group, bound)
        alike = test.of_class[having]
        donors = np.setdiff1d(test.own, alike)
        if len(alike) < GroupSettings.min_rows or not len(donors):
            continue
        trigger, colors = completed_trigger(pixels, having, trigger, bound)
        classes = test.runner_up(test.without(alike, window, donors))
        flip_rate = test.flip_rate(classes, window, trigger, colors)
        if flip_rate >= SharedSettings.flipped:
            yield Candidate(window, alike, trigger, colors, flip_rate)


def _deciding_windows(test):
    """Return the windows that decide most often among some rows of the class."""
    settings, every = SearchSettings(), windows(*test.X.shape[2:])
    some = test.own[: settings.n_rows]
    n_decided = np.array([len(test.decided(some, one)) for one in every])
    best = np.argsort(-n_decided, kind="stable")[: settings.n_windows]
    return [every[one] for one in best if n_decided[one]]
