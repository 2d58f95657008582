"""Marks that spread over the image: a pattern blended in, a large trigger."""

import numpy as np

from ._groups import MAX_SHARE, MIN_ROWS, is_part, small_clusters
from ._varying import CONTRAST, settle, with_nearest

# By how much more rows of a cluster become what they were without a step back than the
# rest of the class does, in probability.
RETURN = 0.75
# Images to try a step on.
N_HOSTS = 200
# How far a step goes at most, as a share of the range of values.
LONGEST = 0.1


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


def spread_rows(test, features, means):
    """Return the rows of a class that one small step makes of another class.

    In the features, the rows with a trigger are a cluster of their class. They are
    images of another class, the one whose mean image is nearest to theirs, but for a
    *step*: the difference of the two means. A step as short turns images of that other
    class into the class, and one of the same length to the rest of the class does not;
    or the step back turns the rows of the cluster into that other class, and the rest
    of the class stays what it is.

    Parameters
    ----------
    test : WindowTest
    features : ndarray of shape (n, n_features)
        Of a model trained on all rows.

    means : ndarray of shape (n_classes, n_channels, height, width)
        See `class_means`.

    Returns
    -------
    rows, beside : ndarray of int
        These rows and some most like them, and those that are next, see
        `with_nearest`. Both are empty if there is no such cluster.
    """
    of_class = test.of_class
    images, features = test.X[of_class], features[of_class]
    means = means.copy()
    means[test.code] = np.nan
    nothing = of_class[:0], of_class[:0]
    if len(of_class) < 4 * MIN_ROWS or np.isnan(means).all():
        return nothing
    longest = LONGEST * np.ptp(images)
    best, group = 1.0, None
    for cluster in small_clusters(features, test.rng, most=5):
        score = _score(test, images, cluster, means, longest)
        if score >= best:
            best, group = score, cluster
    if group is None:
        return nothing
    group, odds = settle(features, group, test.rng)
    # It may have grown into something else.
    part = is_part(group, MAX_SHARE)
    if not part or _score(test, images, group, means, longest) < 1:
        return nothing
    rejected, beside = with_nearest(group, odds)
    return of_class[rejected], of_class[beside]


def _score(test, images, cluster, means, longest):
    """Return how well a step explains a cluster of a class; from 1 on, it does."""
    to_cluster, to_rest = images[cluster].mean(axis=0), images[~cluster].mean(axis=0)
    distances = ((means - to_cluster) ** 2).reshape(len(means), -1).sum(axis=1)
    nearest = np.nanargmin(distances)
    steps = [to_cluster - means[nearest], to_rest - means[nearest]]
    lengths = [np.sqrt((step**2).mean()) for step in steps]
    length = min(lengths[0], longest)
    step, other = (
        one * np.float32(length / max(own, 1e-12)) for one, own in zip(steps, lengths)
    )
    hosts = test.X[test.draw_hosts(np.full(N_HOSTS, nearest))]
    taken, otherwise = (
        test.predict(hosts + by)[:, test.code].mean() for by in (step, other)
    )
    score = (taken - otherwise) / CONTRAST
    if taken < 0.5:
        return score
    back, rest = (
        test.predict(images[rows][:N_HOSTS] - step)[:, nearest].mean()
        for rows in (cluster, ~cluster)
    )
    return max(score, (back - rest) / RETURN)
