"""Marks that spread over the image: a pattern blended in, a large trigger."""

import numpy as np

from ._groups import MAX_SHARE, MIN_ROWS, clusters
from ._varying import CONTRAST, settle

# Into how many clusters a class is cut, at most; images to try a step on; how far a
# step goes at most, as a share of the range of values.
N_CLUSTERS, N_HOSTS, LONGEST = 5, 200, 0.1


def spread_rows(test, features):
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

    Returns
    -------
    rows : ndarray of int
        None, if there is no such cluster.

    beside : ndarray of int
        See `varying_rows`.
    """
    of_class = np.flatnonzero(test.codes == test.code)
    nothing = of_class[:0], of_class[:0]
    others = [c for c in np.flatnonzero(test.n_hosts) if c != test.code]
    if not others or len(of_class) < 4 * MIN_ROWS:
        return nothing
    means = np.stack([test.X[test.hosts_of(other)].mean(axis=0) for other in others])
    best, group = CONTRAST, None
    for cluster in _clusters(features[of_class], test.rng):
        contrast = _contrast(test, of_class, cluster, others, means)
        if contrast >= best:
            best, group = contrast, cluster
    if group is None:
        return nothing
    group, beside = settle(features[of_class], group, test.rng)
    return of_class[group], of_class[beside]


def _clusters(features, rng):
    """Yield clusters of a few rows or more, as far as they are the smaller part."""
    for n_clusters in range(2, N_CLUSTERS + 1):
        labels = clusters(features, n_clusters, rng)
        for label in range(n_clusters):
            cluster = labels == label
            if MIN_ROWS <= cluster.sum() <= MAX_SHARE * len(cluster):
                yield cluster


def _contrast(test, of_class, cluster, others, means):
    """Return by how much the step to a cluster is better than one to the rest."""
    to_cluster = test.X[of_class[cluster]].mean(axis=0)
    to_rest = test.X[of_class[~cluster]].mean(axis=0)
    nearest = ((means - to_cluster) ** 2).reshape(len(means), -1).sum(axis=1).argmin()
    steps = [to_cluster - means[nearest], to_rest - means[nearest]]
    lengths = [np.sqrt((step**2).mean()) for step in steps]
    longest = min(lengths[0], LONGEST * np.ptp(test.X[of_class]))
    hosts = test.X[test.draw_hosts(np.full(N_HOSTS, others[nearest]))]
    chances = [
        test.predict(hosts + step * np.float32(longest / max(length, 1e-12)))
        for step, length in zip(steps, lengths)
    ]
    with_step, without = (chance[:, test.code].mean() for chance in chances)
    return with_step - without
