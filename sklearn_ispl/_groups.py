"""Groups of rows within a class, in the features of a model: functions of arrays."""

import warnings
from typing import NamedTuple

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning

from ._weak_learner import draw_seed

# A group has at least so many rows, and from such a share of its class to such a share.
MIN_ROWS, MIN_SHARE, MAX_SHARE = 4, 0.02, 1 / 3
NO_ROWS = np.array([], dtype=int)
# A class of which models get more than this share wrong is not known yet.
UNLEARNED = 0.7


class Group(NamedTuple):
    """Rows of a class with a mark, perhaps; those most like them; those that are next.

    As numbers of rows. Models of all other rows decide on them.
    """

    rows: np.ndarray
    nearest: np.ndarray = NO_ROWS
    beside: np.ndarray = NO_ROWS


class SuspectGroup(NamedTuple):
    """A group that belongs elsewhere.

    `rest` are rows of its class that models must know, to be asked about it; `typical`
    says of all rows how typical of other classes they are; `spare` is a class that no
    row of its class is taken for.
    """

    rows: np.ndarray
    nearest: np.ndarray
    beside: np.ndarray
    rest: np.ndarray
    typical: np.ndarray
    spare: int


def leading(features, rng, n_components=10):
    """Return the leading principal components of the features of rows.

    Parameters
    ----------
    features : ndarray of shape (n, n_features)
    rng : RandomState
    n_components : int, default=10
        At most.

    Returns
    -------
    points : ndarray of shape (n, n_components)
    """
    pca = PCA(min(n_components, *features.shape), random_state=draw_seed(rng))
    with np.errstate(invalid="ignore"):
        return pca.fit_transform(features)


def clusters(points, n_clusters, rng):
    """Return the cluster of each row, by k-means.

    Parameters
    ----------
    points : ndarray of shape (n, n_components)
        See `leading`.

    n_clusters : int
    rng : RandomState

    Returns
    -------
    cluster : ndarray of shape (n,), int
    """
    if n_clusters == 1:
        return np.zeros(len(points), dtype=int)
    k_means = KMeans(n_clusters, n_init=3, random_state=draw_seed(rng))
    with warnings.catch_warnings():
        # Equal rows make fewer clusters than asked for, which does no harm.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return k_means.fit_predict(points)


def small_clusters(features, rng, most=8):
    """Yield clusters of a class: of a few rows or more, and the smaller part of it.

    Parameters
    ----------
    features : ndarray of shape (n, n_features)
        Of the rows of the class.

    rng : RandomState
    most : int, default=8
        Into so many clusters the class is cut, and into 2, 3 and so on before.

    Yields
    ------
    cluster : ndarray of shape (n,), bool
    """
    if len(features) * MAX_SHARE < MIN_ROWS:
        return
    points = leading(features, rng)
    for n_clusters in range(2, most + 1):
        labels = clusters(points, n_clusters, rng)
        for label in range(n_clusters):
            if is_part(labels == label, MAX_SHARE):
                yield labels == label


def smaller_clusters(features, codes, rng):
    """Return the rows in the smaller of two clusters of their class.

    Parameters
    ----------
    features : ndarray of shape (n, n_features)
    codes : ndarray of shape (n,), int
    rng : RandomState

    Returns
    -------
    smaller : ndarray of shape (n,), bool
        None of a class of fewer than ten rows.
    """
    smaller = np.zeros(len(codes), dtype=bool)
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        if len(rows) >= 10:
            cluster = clusters(leading(features[rows], rng), 2, rng)
            smaller[rows] = cluster == np.bincount(cluster, minlength=2).argmin()
    return smaller


def expand(features, codes, group, rng):
    """Return the rows that a probe takes for the group of their class.

    Parameters
    ----------
    features, codes, group, rng
        See `log_odds`.

    Returns
    -------
    group : ndarray of shape (n,), bool
        None of a class that had none.
    """
    return log_odds(features, codes, group, rng) > 0


def near(features, codes, group, rng):
    """Return the rows that are more like the group than half of their class is.

    Parameters
    ----------
    features, codes, group, rng
        See `log_odds`.

    Returns
    -------
    near : ndarray of shape (n,), bool
        None of a class that has no group.
    """
    odds = log_odds(features, codes, group, rng)
    found = np.zeros(len(codes), dtype=bool)
    for code in np.unique(codes[group]):
        of_class = codes == code
        found |= of_class & (odds > np.median(odds[of_class & ~group]))
    return found


def log_odds(features, codes, group, rng, n_folds=4, weight=5.0):
    """Return by how much a probe takes a row for the group of its class.

    The probe is a linear discriminant of all classes and all groups, a class and its
    group being two. It judges rows that it was not fitted to.

    Parameters
    ----------
    features : ndarray of shape (n, n_features)
    codes : ndarray of shape (n,), int
    group : ndarray of shape (n,), bool
    rng : RandomState
    n_folds : int, default=4
    weight : float, default=5
        How much more likely a group is held for than its size says.

    Returns
    -------
    odds : ndarray of shape (n,)
        Log odds of the group against the others of the class; -inf in a class that had
        none.
    """
    n_classes = codes.max() + 1
    labels = np.where(group, codes + n_classes, codes)
    fold = rng.permutation(len(codes)) % n_folds
    odds = np.full(len(codes), -np.inf)
    for held_out in range(n_folds):
        fitted, judged = fold != held_out, np.flatnonzero(fold == held_out)
        # A covariance takes two rows.
        fitted &= np.bincount(labels[fitted], minlength=2 * n_classes)[labels] > 1
        found, sizes = np.unique(labels[fitted], return_counts=True)
        if not len(found) or found[-1] < n_classes or len(found) >= sizes.sum():
            continue
        priors = sizes * np.where(found < n_classes, 1.0, weight)
        probe = LinearDiscriminantAnalysis(
            solver="lsqr", shrinkage=0.01, priors=priors / priors.sum()
        ).fit(features[fitted], labels[fitted])
        scores = np.full((len(judged), 2 * n_classes), -np.inf)
        scores[:, found] = probe.predict_log_proba(features[judged])
        rows, own = np.arange(len(judged)), codes[judged]
        grouped = np.isin(own + n_classes, found)
        rows, own = rows[grouped], own[grouped]
        odds[judged[grouped]] = scores[rows, own + n_classes] - scores[rows, own]
    return odds


def closed_groups(features, codes, start, rng, max_clusters):
    """Yield the groups that a start grows into and that then grow no more.

    The rows of a trigger are alike in a way that no other row is, so that the group
    finds all of them and nothing else. Honest rows that are hard to learn are hard by
    degrees: their group takes in more and more of the class.

    Parameters
    ----------
    features : ndarray of shape (n, n_features)
        Of a model trained on all rows.

    codes : ndarray of shape (n,), int
    start : ndarray of shape (n,), bool
    rng : RandomState
    max_clusters : int
        Into how many parts the start of a class is cut: where poison and honest rows
        are both in it, a group grown from both is never closed.

    Yields
    ------
    group : ndarray of shape (n,), bool
        Rows of one class, at most a third of it.
    """
    least = least_rows(np.bincount(codes))
    for part in _parts(features, codes, start, least / 2, rng, max_clusters):
        first = group = expand(features, codes, part, rng)
        for _ in range(2):
            before, group = group, expand(features, codes, group, rng)
        for code in np.unique(codes[group]):
            of_class = codes == code
            rows = group & of_class
            if (
                least[code] <= rows.sum() <= MAX_SHARE * of_class.sum()
                and overlap(rows, first & of_class) >= 0.7
                and overlap(rows, before & of_class) >= 0.7
            ):
                yield rows


def contradicted_groups(features, codes, start, wrong, rng):
    """Return the closed groups that nothing but themselves explains.

    Parameters
    ----------
    features, codes, start, rng
        See `closed_groups`.

    wrong : ndarray of shape (n,), bool
        Rows whose label models that were not trained on such rows do not predict; of a
        group, four in five have to be. Of the others of the class no more than seven
        in ten: a class that is not known yet tells nothing.

    Returns
    -------
    group : ndarray of shape (n,), bool
    """
    found = np.zeros(len(codes), dtype=bool)
    for rows in closed_groups(features, codes, start, rng, max_clusters=5):
        others = (codes == codes[rows][0]) & ~rows
        if wrong[rows].mean() >= 0.8 and wrong[others].mean() <= UNLEARNED:
            found |= rows
    return found


def _parts(features, codes, start, least, rng, max_clusters):
    """Yield the start, then one cluster of it in each class, then the next."""
    starts = [np.flatnonzero(start & (codes == code)) for code in range(len(least))]
    starts = [rows for rows, enough in zip(starts, least) if len(rows) >= enough]
    points = [leading(features[rows], rng) for rows in starts]
    for n_clusters in range(1, max_clusters + 1):
        part = np.full(len(codes), -1)
        for rows, of_class in zip(starts, points):
            if len(rows) >= 2 * n_clusters:
                part[rows] = clusters(of_class, n_clusters, rng)
        for number in range(n_clusters):
            rows = part == number
            rows &= (np.bincount(codes[rows], minlength=len(least)) >= least)[codes]
            if rows.any():
                yield rows


def is_part(group, share):
    """Whether a group of a class has enough rows and is no more than a share of it."""
    return MIN_ROWS <= group.sum() <= share * len(group)


def few_classes(n_classes):
    """Return in how many classes groups may be found that are not honest ones."""
    return max(2, n_classes // 10)


def least_rows(n_rows):
    """Return the least number of rows that a group of a class of so many has."""
    return np.maximum(MIN_ROWS, MIN_SHARE * n_rows)


def overlap(one, other):
    """Return the share of the rows of two groups that both have."""
    return (one & other).sum() / max(1, (one | other).sum())


def as_mask(rows, n_rows):
    """Return a mask of so many rows, true for some."""
    mask = np.zeros(n_rows, dtype=bool)
    mask[rows] = True
    return mask
