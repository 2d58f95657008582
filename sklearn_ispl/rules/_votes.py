"""From the learners' predictions to a verdict on rows: functions of arrays alone."""

import numpy as np
from scipy.stats import rankdata

from ..ispl._self_paced import rank_in_class


def vote_support(votes, codes, rng, n_votes=0):
    """Keep the rows whose label is the modal vote, ties broken at random (B.1).

    Parameters
    ----------
    votes : ndarray of shape (n, n_classes)
        Learners that predict each class for each row.

    codes : ndarray of shape (n,), int
        Encoded given labels.

    rng : RandomState
    n_votes : int, default=0
        How many votes the label needs at least.

    Returns
    -------
    support : ndarray of shape (n,), bool
    """
    ties = rng.random_sample(votes.shape)  # in [0, 1): decides nothing but ties
    modal = np.argmax(votes + ties, axis=1) == codes
    return modal & (votes[np.arange(len(codes)), codes] >= n_votes)


def core_support(predictions, components, codes, share, rng):
    """Keep the share of every class that is least suspect.

    A row is suspect where few of the learners that were not trained on it predict its
    label, and where a group of learners does that no other learner does. The two
    orders count alike.

    Parameters
    ----------
    predictions : ndarray of shape (n_learners, n), int
    components : ndarray of shape (n_repeats, n), int
        The learners are ordered by repeat, then by component.

    codes : ndarray of shape (n,), int
        Encoded given labels.

    share : float in (0, 1]
        Of each class, at least one row.

    rng : RandomState
        Breaks ties.

    Returns
    -------
    support : ndarray of shape (n,), bool
    """
    hits = predictions == codes
    agreement = out_of_bag_agreement(hits, components)
    suspicion = np.empty(len(codes))
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        suspicion[rows] = rankdata(-agreement[rows]) + rankdata(contrast(hits[:, rows]))
    shuffled = rng.permutation(len(codes))
    support = np.empty(len(codes), dtype=bool)
    rank = rank_in_class(suspicion[shuffled], codes[shuffled])
    support[shuffled] = rank < np.ceil(share * np.bincount(codes))[codes[shuffled]]
    return support


def out_of_bag_agreement(hits, components):
    """Return the share of learners of other components that predict a row's label.

    A learner's votes on rows that it was trained on are no evidence.

    Parameters
    ----------
    hits : ndarray of shape (n_learners, n), bool
        Whether a learner predicts a row's label.

    components : ndarray of shape (n_repeats, n), int

    Returns
    -------
    agreement : ndarray of shape (n,)
        The share of all learners where every repeat has but one component.
    """
    rows = np.arange(hits.shape[1])
    votes, n_votes, first = hits.sum(axis=0), len(hits), 0
    if len(hits) > len(components):
        for labels in components:
            votes = votes - hits[first + labels, rows]
            first += labels.max() + 1
        n_votes -= len(components)
    return votes / n_votes


def contrast(hits, n_directions=2):
    """Return how one-sided the support for each row of a class is.

    Learners that know a trigger predict the label of all poisoned rows, the others of
    none. So the rows fall into groups by which learners know them. The leading
    singular vectors of the centred hits find such learners; a row's contrast is its
    agreement with one side less that with the other, compared to the class's median.

    Parameters
    ----------
    hits : ndarray of shape (n_learners, n), bool
        Whether a learner predicts the label of a row; rows of one class.

    n_directions : int
        Singular vectors looked at.

    Returns
    -------
    contrast : ndarray of shape (n,)
        From -1 to 1 about the median; the largest over directions and sides.
    """
    hits = hits.astype(np.float32)
    centred = hits - hits.mean(axis=0)
    centred -= centred.mean(axis=1, keepdims=True)
    # The left singular vectors, from the small side of the matrix.
    _, vectors = np.linalg.eigh(centred @ centred.T)
    largest = np.zeros(hits.shape[1])
    for vector in vectors.T[::-1][:n_directions]:
        side = vector > 0
        if side.any() and not side.all():
            difference = hits[side].mean(axis=0) - hits[~side].mean(axis=0)
            np.maximum(largest, np.abs(difference - np.median(difference)), out=largest)
    return largest
