"""What linear probes half way through a model take rows for.

Half way, poisoned rows still look like what they are. A probe that does not know their
class says which other class they are typical of; one that does, whether it contradicts
their label.
"""

from dataclasses import dataclass

import numpy as np

from ._discriminant import Discriminant
from ._groups import leading


@dataclass(frozen=True)
class ProbeSettings:
    """What probes are fitted to, each figure with its reason."""

    class_folds: int = 20  # up to so many classes are left out one by one
    n_repeats: int = 2  # of those that rank rows, with others held out each time
    n_folds: int = 5  # of rows: each probe that contradicts leaves one of them out
    n_components: int = 100  # of the activations: more do no better
    held_out: float = 0.1  # of the rows, to rank others among
    shrinkage: float = 0.05  # of a probe's covariance: rows may be few
    contradicted: float = 0.02  # of the rows of other classes have labels so unlikely


def half_way(activations, rng):
    """Return what probes see of the activations of a layer half way through a model.

    Parameters
    ----------
    activations : ndarray of shape (n, n_features)
    rng : RandomState

    Returns
    -------
    activations : ndarray of shape (n, n_components)
    """
    return leading(activations, rng, ProbeSettings.n_components)


def typicality(activations, codes, asked, apart, rng):
    """Return what probes without a row's class take it for, and how typically.

    Each probe looks twice at the rows of a class: the second time without the class
    that it takes most of them for, which a trigger may look like.

    Parameters
    ----------
    activations : ndarray of shape (n, n_components)
        Of a model, see `half_way`.

    codes : ndarray of shape (n,), int
    asked : ndarray of int
        The rows to look at: all rows of some classes.

    apart : ndarray of shape (n,), bool
        Rows that no probe is fitted to, and that others are not ranked among.

    rng : RandomState

    Returns
    -------
    predicted : ndarray of shape (2, n), int
        The class of the other classes that is most likely, at either look.

    typical : ndarray of shape (2, n)
        See `rank_among`. 0 for other rows, and for those of which no probe can tell.
    """
    settings = ProbeSettings()
    held_out = (rng.random_sample(len(codes)) < settings.held_out) & ~apart
    classes = np.unique(codes)
    fold = np.empty(classes[-1] + 1, dtype=int)
    fold[rng.permutation(classes)] = np.arange(len(classes)) % settings.class_folds
    fold = fold[codes]
    predicted = np.zeros((2, len(codes)), dtype=int)
    typical = np.zeros(predicted.shape)
    for left_out in np.unique(fold[asked]):
        fitted = (fold != left_out) & ~held_out & ~apart
        probe = _probe(activations[fitted], codes[fitted], settings.shrinkage)
        if probe is None:
            continue
        # Of classes whose rows are all held out, the probe knows nothing.
        others = np.flatnonzero(
            (fold != left_out) & held_out & np.isin(codes, probe.classes)
        )
        if not len(others):
            continue
        theirs = np.exp(probe.log_chances(activations[others]))
        labels = np.searchsorted(probe.classes, codes[others])
        rows = asked[fold[asked] == left_out]
        chances = np.exp(probe.log_chances(activations[rows]))
        for code in np.unique(codes[rows]):
            own = codes[rows] == code
            looks = _looks(chances[own], theirs, labels)
            for nth, (taken_for, rank) in enumerate(looks):
                predicted[nth, rows[own]] = probe.classes[taken_for]
                typical[nth, rows[own]] = rank
    return predicted, typical


def _looks(chances, theirs, labels):
    """Yield what rows of a class are taken for, and how typically, at two looks."""
    given = theirs[np.arange(len(labels)), labels]
    taken_for = chances.argmax(axis=1)
    yield taken_for, rank_among(taken_for, chances.max(axis=1), labels, given)
    most = np.bincount(taken_for).argmax()
    others = labels != most
    given = given[others] / _sums_without(theirs, most)[others]
    chances = chances / _sums_without(chances, most)[:, None]
    chances[:, most] = 0
    taken_for = chances.argmax(axis=1)
    yield taken_for, rank_among(taken_for, chances.max(axis=1), labels[others], given)


def _sums_without(chances, column):
    """Return what the chances of classes add up to if one of them is ruled out."""
    ruled_out = chances[:, column].copy()
    # A copy of all of them, for each class, would take most of the time.
    chances[:, column] = 0
    sums = np.maximum(chances.sum(axis=1), np.finfo(chances.dtype).tiny)
    chances[:, column] = ruled_out
    return sums


def _probe(activations, codes, shrinkage):
    """Return a linear discriminant of the classes of some rows; None of too few."""
    if not 1 < len(np.unique(codes)) < len(codes):
        return None
    return Discriminant(activations, codes, shrinkage)


def rank_among(predicted, confidence, codes, given):
    """Return the rank of rows among the held-out rows of the class predicted.

    Parameters
    ----------
    predicted : ndarray of shape (n,), int
        The class that a probe takes a row for.

    confidence : ndarray of shape (n,)
        The probability of that class.

    codes : ndarray of shape (n_held_out,), int
        The labels of rows that the probe was not fitted to.

    given : ndarray of shape (n_held_out,)
        The probability of their labels.

    Returns
    -------
    typical : ndarray of shape (n,)
        From 0 to 1; 1/2 in expectation for rows drawn like the held-out ones.
    """
    typical = np.zeros(len(predicted))
    for code in np.unique(predicted):
        of_class = predicted == code
        # Of a class with next to none held out, those of all classes.
        few = np.sum(codes == code) < 3
        reference = np.sort(given if few else given[codes == code])
        rank = np.searchsorted(reference, confidence[of_class], side="right")
        typical[of_class] = rank / max(1, len(reference))
    return typical


def contradicted_rows(activations, codes, apart, rng):
    """Return the rows whose label probes of all rows but some contradict.

    Parameters
    ----------
    activations : list of ndarray of shape (n, n_components)
        Of some models, see `half_way`.

    codes : ndarray of shape (n,), int
    apart : ndarray of shape (n,), bool
        Rows that no probe is fitted to.

    rng : RandomState

    Returns
    -------
    contradicted : ndarray of shape (n,), bool
        Their labels are less likely than those of nearly all rows of the classes of
        which no row is apart (Definition 4.2). All false if none or all are apart.
    """
    settings, trusted = ProbeSettings(), ~apart
    if trusted.all() or not trusted.any():
        return np.zeros(len(codes), dtype=bool)
    # Of a class of few rows, some have a label that their probe never saw.
    usual = np.bincount(codes)[codes] >= 2 * settings.n_folds
    usual &= ~np.isin(codes, codes[~trusted])
    if not usual.any():
        usual = trusted
    given = [_of_labels(one, codes, trusted, rng, settings) for one in activations]
    chances = np.mean(given, axis=0)
    return chances < np.quantile(chances[usual], settings.contradicted)


def _of_labels(activations, codes, trusted, rng, settings):
    """Return the log chances of labels, by probes of trusted rows of other folds."""
    fold = rng.permutation(len(codes)) % settings.n_folds
    # A label that no probe saw has next to no chance.
    chances = np.full(len(codes), np.log(np.finfo(float).tiny))
    for held_out in range(settings.n_folds):
        fitted, judged = trusted & (fold != held_out), fold == held_out
        probe = _probe(activations[fitted], codes[fitted], settings.shrinkage)
        if probe is None:
            continue
        judged = np.flatnonzero(judged & np.isin(codes, probe.classes))
        if len(judged):
            given = np.searchsorted(probe.classes, codes[judged])
            log_chances = probe.log_chances(activations[judged])
            chances[judged] = log_chances[np.arange(len(judged)), given]
    return chances
