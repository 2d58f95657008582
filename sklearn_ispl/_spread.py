"""Marks that spread over the image: a pattern blended in, a large trigger."""

import numpy as np

from ._groups import MAX_SHARE, MIN_ROWS, clusters, is_part
from ._varying import CONTRAST, settle, with_nearest

# Into how many clusters a class is cut, at most.
N_CLUSTERS = 5
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
    class into the class, and one of the same length to the rest of the class does not.

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
    of_class = np.flatnonzero(test.codes == test.code)
    images, features = test.X[of_class], features[of_class]
    means = means.copy()
    means[test.code] = np.nan
    nothing = of_class[:0], of_class[:0]
    if len(of_class) < 4 * MIN_ROWS or np.isnan(means).all():
        return nothing
    longest = LONGEST * np.ptp(images)
    best, group = CONTRAST, None
    for cluster in _clusters(features, test.rng):
        contrast = _contrast(test, images, cluster, means, longest)
        if contrast >= best:
            best, group = contrast, cluster
    if group is None:
        return nothing
    group, odds = settle(features, group, test.rng)
    # It may have grown into something else.
    if (
        not is_part(group, MAX_SHARE)
        or _contrast(test, images, group, means, longest) < CONTRAST
    ):
        return nothing
    rejected, beside = with_nearest(group, odds)
    return of_class[rejected], of_class[beside]


def _clusters(features, rng):
    """Yield clusters of a few rows or more, as far as they are the smaller part."""
    for n_clusters in range(2, N_CLUSTERS + 1):
        labels = clusters(features, n_clusters, rng)
        for label in range(n_clusters):
            cluster = labels == label
            if is_part(cluster, MAX_SHARE):
                yield cluster


def _contrast(test, images, cluster, means, longest):
    """Return by how much the step to a cluster is better than one to the rest."""
    to_cluster, to_rest = images[cluster].mean(axis=0), images[~cluster].mean(axis=0)
    distances = ((means - to_cluster) ** 2).reshape(len(means), -1).sum(axis=1)
    nearest = np.nanargmin(distances)
    steps = [to_cluster - means[nearest], to_rest - means[nearest]]
    lengths = [np.sqrt((step**2).mean()) for step in steps]
    length = min(lengths[0], longest)
    hosts = test.X[test.draw_hosts(np.full(N_HOSTS, nearest))]
    chances = [
        test.predict(hosts + step * np.float32(length / max(own, 1e-12)))
        for step, own in zip(steps, lengths)
    ]
    with_step, without = (chance[:, test.code].mean() for chance in chances)
    return with_step - without
