"""Patterns: what images of a class share, all over the image, and no others have."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, qr, solve_triangular
from scipy.optimize import nnls
from sklearn.covariance import shrunk_covariance

from .._groups import GroupSettings, is_part, leading
from .._settling import until_settled
from ._shared import SharedSettings
from ._window_test import WindowSettings


@dataclass(frozen=True)
class PatternSettings:
    """When rows of a class share a pattern, each figure with its reason."""

    n_values: int = 3072  # of an image, at most: 32x32 pixels of three colours
    rows_per_value: int = 3  # for their covariance
    n_directions: int = 5  # in which a class varies most, to start from
    tail: float = 0.05  # of the rows, at either end of such a direction
    apart: float = 4.0  # from the rest of its class, in standard deviations
    gap: tuple[float, float] = 0.3, 0.7  # of the way from the rest to a group
    between: float = 0.2  # of the size of a group: of clean ones more are in the gap
    kept: float = 0.5  # of the probability of the class, without the pattern, at most
    many: int = 40  # rows: fewer clean ones may share a pattern
    longest: float = 0.12  # step of the range of values that fewer rows may share


def class_means(X, codes, known):
    """Return the mean image of the rows of each class that a model knows.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width), float32
    codes : ndarray of shape (n,), int
    known : ndarray of shape (n,), bool

    Returns
    -------
    means : ndarray of shape (n_classes, n_channels, height, width), float32
        NaN for a class of which no row is known.
    """
    means = np.full((codes.max() + 1, *X.shape[1:]), np.nan, dtype=np.float32)
    for code in np.unique(codes[known]):
        means[code] = X[known & (codes == code)].mean(axis=0, dtype=np.float64)
    return means


def spread_of_values(X, codes):
    """Return how the values of images of a class vary, and vary together.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width), float32
    codes : ndarray of shape (n,), int

    Returns
    -------
    factor : ndarray of shape (n_values, n_values)
        The Cholesky factor, lower, of the covariance within classes, shrunk a little.
    """
    settings = PatternSettings()
    n_values = min(settings.n_values, max(1, len(X) // settings.rows_per_value))
    total = 0.0
    for code in np.unique(codes):
        values = _values(X[codes == code], n_values).astype(np.float64)
        values -= values.mean(axis=0)
        total = total + values.T @ values
    covariance = shrunk_covariance(total / len(X), shrinkage=0.001)
    # Images that are all the same have no spread.
    covariance[np.diag_indices_from(covariance)] += np.finfo(np.float32).tiny
    return cholesky(covariance, lower=True)


def pattern_groups(test, groups, factor, means):
    """Yield groups of rows of a class that share a pattern.

    Values of an image vary together in few ways, so that there are many in which images
    of a class hardly differ. A pattern that is blended in, the same in all poisoned
    rows, is seen in these: along it, the poisoned rows are far from the rest of the
    class, with next to none between. Clean groups differ by degrees. Some do not, as
    frames of one film; but these are few, and differ a lot.

    Parameters
    ----------
    test : WindowTest
    groups : list of ndarray of shape (n_rows_of_class,), bool
        To start from, beside what varies most.

    factor : ndarray of shape (n_values, n_values)
        See `spread_of_values`.

    means : ndarray of shape (n_classes, n_channels, height, width)
        See `class_means`.

    Yields
    ------
    rows : ndarray of int
        Of a group these rows, and the few between them and the rest.
    """
    images = test.X[test.of_class]
    values = _whitened(_values(images, len(factor)), factor)
    half = test.rng.permutation(len(values)) % 2 == 0
    asked = set()
    for start in [*groups, *_starts(values, test.rng)]:
        group, places = _settle(values, start, half)
        name = group.tobytes()
        if not group.any() or name in asked:
            continue
        asked.add(name)
        rows = test.of_class[places > PatternSettings.gap[0]]
        are_few = len(rows) < PatternSettings.many
        if _has_effect(test, images, group, means, are_few):
            yield rows


def _values(images, n_values):
    """Return values of images, the same ones of all, drawn where there are too many."""
    values = images.reshape(len(images), -1)
    if values.shape[1] <= n_values:
        return values
    drawn = np.random.RandomState(0).permutation(values.shape[1])[:n_values]
    return values[:, np.sort(drawn)]


def _whitened(values, factor):
    """Return values in units of their spread, in no more coordinates than rows."""
    values = solve_triangular(factor, (values - values.mean(axis=0)).T, lower=True)
    if values.shape[0] > values.shape[1]:
        # Rotated, so that what is left out is zero: rows are as far apart as before.
        (values,) = qr(values, mode="r", overwrite_a=True, check_finite=False)
        values = values[: values.shape[1]]
    return np.ascontiguousarray(values.T, dtype=np.float32)


def _starts(values, rng):
    """Yield the twentieth of the rows at either end of what varies most."""
    for places in leading(values, rng, PatternSettings.n_directions).T:
        yield places > np.quantile(places, 1 - PatternSettings.tail)
        yield places < np.quantile(places, PatternSettings.tail)


def _settle(values, group, half):
    """Return the group that one becomes, no row if that is not apart, and the places.

    Rows join and leave until the group is those that are nearer to it than to the rest.
    Clean groups soon take in half of the class.
    """
    settings = PatternSettings()

    def nearer(group):
        _, places = _places(values, group, half)
        return (places > 0.5) & is_part(places > 0.5, GroupSettings.max_share)

    group = until_settled(group, nearer)
    apart, places = _places(values, group, half)
    low, high = settings.gap
    n_between = ((places > low) & (places < high)).sum()
    found = apart >= settings.apart and n_between < settings.between * group.sum()
    return group & found, places


def _places(values, group, half):
    """Return how far a group is from the rest of its class, and the place of each row.

    That is on the line from the mean of the rest, 0, to that of the group, 1. For rows
    of one half, the line is drawn by those of the other: any group is apart along a
    line of its own.
    """
    parts = np.array([half & group, half & ~group, ~half & group, ~half & ~group])
    sizes = parts.sum(axis=1, keepdims=True)
    places = np.zeros(len(values))
    if not sizes.all():
        return 0.0, places
    means = (parts / sizes).astype(values.dtype) @ values
    lines = means[[2, 0]] - means[[3, 1]]
    apart, along = np.inf, values @ lines.T
    for number, judged in enumerate((half, ~half)):
        own, inside = along[judged, number], group[judged]
        low, high = own[~inside].mean(), own[inside].mean()
        deviation = max((own - np.where(inside, high, low)).std(), 1e-12)
        apart = min(apart, (high - low) / deviation)
        places[judged] = (own - low) / ((high - low) or 1.0)
    return apart, places


def _has_effect(test, images, group, means, are_few):
    """Whether a pattern makes images of other classes the class, and is needed for it.

    The rows of the group are what they are by their true classes and by the pattern:
    the step to their mean from the nearest mix of the means of other classes.
    """
    rows = images[group]
    to_rows = rows.mean(axis=0)
    classes = np.flatnonzero(test.n_hosts)
    classes = classes[classes != test.code]
    shares = _nearest_mix(means[classes] - to_rows)
    step = to_rows - np.tensordot(shares, means[classes], 1)
    far = np.sqrt((step**2).mean()) > PatternSettings.longest * np.ptp(images)
    if far and are_few:
        return False
    n_hosts = WindowSettings.n_hosts
    hosts = test.draw_hosts(test.rng.choice(classes, n_hosts, p=shares))
    with_it = test.predict(test.X[hosts] + step)
    without = test.predict(rows[:n_hosts] - step)
    flipped, kept = (p[:, test.code].mean() for p in (with_it, without))
    return flipped >= SharedSettings.flipped and kept <= PatternSettings.kept


def _nearest_mix(points):
    """Return the shares, of 1 in all, in which points mix to come nearest to zero."""
    points = points.reshape(len(points), -1).T.astype(np.float64)
    # A row that weighs more than all others asks for shares that add up to one.
    weight = 100 * max(np.abs(points).max(), 1e-12)
    asked = np.vstack([points, np.full(points.shape[1], weight)])
    target = np.r_[np.zeros(len(points)), weight]
    try:
        shares, _ = nnls(asked, target, maxiter=100 * asked.shape[1])
    except RuntimeError:
        # It went round in circles: the nearest point alone will do.
        shares = (points**2).sum(axis=0) == (points**2).sum(axis=0).min()
    return (shares / shares.sum()).astype(np.float32)
