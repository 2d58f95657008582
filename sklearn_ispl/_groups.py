"""Groups of rows within a class, in the features of a model: functions of arrays."""

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning

from ._discriminant import Discriminant
from .learners._weak_learner import draw_seed


@dataclass(frozen=True)
class GroupSettings:
    """What a group is, and how probes tell it, each figure with its reason."""

    min_rows: int = 4  # that share a trigger: fewer do so by chance
    max_share: float = 1 / 3  # of a class: clean groups share much, too, but are large
    n_folds: int = 4  # of rows: each probe leaves one out
    weight: float = 5.0  # more likely than its size says: it may be a part of a group
    shrinkage: float = 0.01  # of the covariance of probes: features of a layer are many


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
    # Whatever the caller has set for all transformers.
    pca.set_output(transform="default")
    with np.errstate(invalid="ignore"):
        return pca.fit_transform(features)


def clusters(points, most, rng, n_init=3):
    """Yield the cluster of each row, by k-means into 2, 3 and so on.

    Parameters
    ----------
    points : ndarray of shape (n, n_components)
        See `leading`.

    most : int
        Of the clusters.

    rng : RandomState
    n_init : int, default=3
        Starts, of which the best one counts.

    Yields
    ------
    cluster : ndarray of shape (n,), int
    """
    for n_clusters in range(2, most + 1):
        k_means = KMeans(n_clusters, n_init=n_init, random_state=draw_seed(rng))
        with warnings.catch_warnings():
            # Equal rows make fewer clusters than asked for, which does no harm.
            warnings.simplefilter("ignore", ConvergenceWarning)
            found = k_means.fit_predict(points)
        yield found


def small_clusters(features, rng, most=8):
    """Yield clusters of a class: of a few rows or more, and the smaller part of it.

    Parameters
    ----------
    features : ndarray of shape (n, n_features)
        Of the rows of the class.

    rng : RandomState
    most : int, default=8
        See `clusters`.

    Yields
    ------
    cluster : ndarray of shape (n,), bool
    """
    if len(features) * GroupSettings.max_share < GroupSettings.min_rows:
        return
    for labels in clusters(leading(features, rng), most, rng):
        for label in np.unique(labels):
            if is_part(labels == label, GroupSettings.max_share):
                yield labels == label


def log_odds(seen, codes, group, rng, over=np.mean):
    """Return by how much probes take a row for the group of its class.

    A probe is a linear discriminant of all classes and all groups, a class and its
    group being two. It judges rows that it was not fitted to.

    Parameters
    ----------
    seen : list of ndarray of shape (n, n_seen)
        What each of some models sees of the rows.

    codes : ndarray of shape (n,), int
    group : ndarray of shape (n,), bool
    rng : RandomState
    over : callable, default=np.mean
        What becomes of the odds of several models, for instance their least.

    Returns
    -------
    odds : ndarray of shape (n,)
        Log odds of the group against the others of the class; -inf in a class that had
        none.
    """
    with np.errstate(invalid="ignore"):
        odds = over([_log_odds(one, codes, group, rng) for one in seen], axis=0)
    # The probe of one model saw none of the group, that of another none of the others.
    return np.where(np.isnan(odds), 0.0, odds)


def _log_odds(seen, codes, group, rng):
    """Return the log odds of one model."""
    settings = GroupSettings()
    n_classes = codes.max() + 1
    labels = np.where(group, codes + n_classes, codes)
    fold = rng.permutation(len(codes)) % settings.n_folds
    odds = np.full(len(codes), -np.inf)
    for held_out in range(settings.n_folds):
        # A covariance takes two rows.
        fitted = fold != held_out
        fitted &= np.bincount(labels[fitted], minlength=2 * n_classes)[labels] > 1
        judged = np.flatnonzero(
            (fold == held_out) & np.isin(codes + n_classes, labels[fitted])
        )
        if not len(judged):
            continue
        probe = Discriminant(
            seen[fitted],
            labels[fitted],
            settings.shrinkage,
            weights=lambda found: np.where(found < n_classes, 1.0, settings.weight),
        )
        scores = np.full((len(judged), 2 * n_classes), -np.inf)
        scores[:, probe.classes] = probe.log_chances(seen[judged])
        rows, own = np.arange(len(judged)), codes[judged]
        odds[judged] = scores[rows, own + n_classes] - scores[rows, own]
    return odds


def odds_within(seen, rng, group, over=np.mean):
    """Return by how much probes within a class take its rows for a group of it.

    Such a probe is the linear discriminant of the group and the rest of its class. The
    covariance is that within all classes, whatever the group, so that it costs little
    to ask. It judges rows that it was not fitted to.

    Parameters
    ----------
    seen : list of ndarray of shape (n_of_class, n_seen)
        What each of some models sees of the rows of the class, see `whitened`.

    rng : RandomState
    group : ndarray of shape (n_of_class,), bool
    over : callable, default=np.mean
        See `log_odds`.

    Returns
    -------
    odds : ndarray of shape (n_of_class,)
        Log odds of the group against the others; 0 where no probe can tell.
    """
    return over([_odds_within(one, group, rng) for one in seen], axis=0)


def _odds_within(seen, group, rng):
    """Return the log odds of one model."""
    n_folds = GroupSettings.n_folds
    fold = rng.permutation(len(group)) % n_folds
    # The rest and the group in each fold, and of each what is in the other folds.
    parts = np.arange(2 * n_folds)[:, None] == fold + n_folds * group
    sizes = parts.sum(axis=1).reshape(2, n_folds)
    sums = (parts.astype(seen.dtype) @ seen).reshape(2, n_folds, -1)
    sizes, sums = (one.sum(axis=1, keepdims=True) - one for one in (sizes, sums))
    rest, mean = sums / np.maximum(1, sizes)[..., None]
    steps = mean - rest
    can_tell = sizes.all(axis=0)
    share = np.where(can_tell, sizes[1] / np.maximum(1, sizes[0]), 1)
    prior = np.log(GroupSettings.weight * share)
    bias = prior - ((mean + rest) / 2 * steps).sum(axis=1)
    odds = (seen @ steps.T + bias)[np.arange(len(seen)), fold]
    return np.where(can_tell[fold], odds, 0.0)


def is_part(group, share):
    """Whether a group of a class has enough rows and is no more than a share of it."""
    return GroupSettings.min_rows <= group.sum() <= share * len(group)


def few_classes(n_classes):
    """Return in how many classes groups may stand out that are not clean ones."""
    return max(2, n_classes // 10)


def as_mask(rows, n_rows):
    """Return a mask of so many rows, true for some."""
    mask = np.zeros(n_rows, dtype=bool)
    mask[rows] = True
    return mask


def first_of_equal_rows(X, rows):
    """Return some rows of X, by number, those that are equal once."""
    values = np.ascontiguousarray(X[rows]).reshape(len(rows), -1)
    as_one = values.view(f"V{values.shape[1] * values.itemsize}").ravel()
    return rows[np.unique(as_one, return_index=True)[1]]


def set_apart(codes, rows):
    """Return codes to which some rows are classes of their own.

    Parameters
    ----------
    codes : ndarray of shape (n,), int
    rows : ndarray of int or of bool
        Their numbers, or a mask.

    Returns
    -------
    codes : ndarray of shape (n,), int
        Those of the rows are larger than all others.
    """
    codes = codes.copy()
    codes[rows] += codes.max() + 1
    return codes
