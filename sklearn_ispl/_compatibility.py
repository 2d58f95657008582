"""The one test of groups: are they incompatible with their class, and self-expanding?

It asks nothing of the trigger. A model of all rows learns poisoned rows from one
another, so that they are a cluster of their class in its features (self-expanding,
Definition 4.1). Half way through the same model they still look like what they are: to
a probe that does not know their class, they are as typical of another class as its own
rows are (incompatible, Definition 4.2). Clean groups of the same data say how much of
that is usual.
"""

import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from ._groups import Group, as_mask, clusters, few_classes, leading, near, refined
from ._outliers import n_outlying


@dataclass(frozen=True)
class CompatibilitySettings:
    """What decides beside the rate of false alarms, each with its reason."""

    n_folds: int = 5  # of classes: each probe leaves one of them out
    n_repeats: int = 10  # of the folds: what a probe takes rows for hangs on the others
    n_components: int = 100  # of the activations: more do no better
    held_out: float = 0.1  # of the rows, to rank others among
    shrinkage: float = 0.05  # of a probe's covariance: rows may be few
    max_clusters: int = 5  # a class is cut into 2 to so many
    min_rows: int = 8  # of a group: ranks of fewer are chance
    max_share: float = 0.5  # of a class: of two halves, the other may be the clean one
    min_excess: float = 1 / 3  # poison of one class alone has 1/2, less what is missed
    contradicted: float = 0.02  # of the rows of other classes have labels so unlikely


class Evidence(NamedTuple):
    """What is known of the most suspect group of a class.

    Attributes
    ----------
    label : object
        Of the class.

    rows : ndarray of int
        The numbers of the rows of the group, refined, and of those that stand out among
        the rest of the class. The figures that follow are of the group as it was
        proposed.

    excess : float
        Of how many other classes they are typical and the rest of the class is not;
        1/2 for each class that poison came from.

    score : float
        The excess times the root of the number of rows, of which as large a share
        counts as the class has other rows.

    suspect : bool
        Whether the score stands out from those of the other classes.

    contradicted : float
        The share of the rows that probes without them contradict; NaN if not suspect.

    rejected : bool
        Whether rows were rejected for it.
    """

    label: object
    rows: np.ndarray
    excess: float
    score: float
    suspect: bool = False
    contradicted: float = np.nan
    rejected: bool = False


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
    return leading(activations, rng, CompatibilitySettings.n_components)


def incompatible_groups(
    features, activations, codes, components, known, rng, false_alarm_rate
):
    """Return the evidence on every class.

    1. Probes half way through a model, which were fitted without the rows of a class,
       say what each row of it is typical of: the class predicted, and the rank of the
       confidence among held-out rows of that class. This is done anew some times, each
       time with other classes left out beside it.
    2. The parts of each class are groups to test, whoever proposes them: clusters in
       the features of the model, and the components of Inverse Self-Paced Learning.
       The group with the largest score is that of the class.
    3. The scores of the other classes are the measure: a class is suspect whose score
       is an outlier among all, at the rate of false alarms. Poison may be several
       groups: the rest of the class is asked again until nothing stands out.

    Parameters
    ----------
    features : ndarray of shape (n, n_features)
        Of a model of all rows: what its last layer is given.

    activations : ndarray of shape (n, n_components)
        See `half_way`.

    codes : ndarray of shape (n,), int
    components : ndarray of shape (n_repeats, n), int
    known : ndarray of shape (n,), bool
        Rows that are known to be poison, which are left out.

    rng : RandomState
    false_alarm_rate : float in (0, 1)

    Returns
    -------
    evidence : list of Evidence
        By falling score. None of a class of few rows, or without a group of enough of
        them; empty for fewer than four classes, which are no measure.
    """
    settings, classes = CompatibilitySettings(), np.unique(codes[~known])
    sizes = np.bincount(codes[~known])
    if len(classes) < 4 or sizes.max() < 2 * settings.min_rows:
        return []
    asked = [
        _typicality(activations, codes, known, rng, settings)
        for _ in range(settings.n_repeats)
    ]
    predicted, typical = map(np.stack, zip(*asked))

    def most_suspect(rows):
        """Return the evidence on some rows of a class; None of too few."""
        if len(rows) < 2 * settings.min_rows:
            return None
        points = leading(features[rows], rng)
        found = _most_suspect(
            points, components[:, rows], predicted[:, rows], typical[:, rows], rng,
            settings,
        )  # fmt: skip
        if found is None:
            return None
        group, *measures = found
        group = refined(points, group, settings.min_rows)
        return Evidence(codes[rows[0]], rows[group], *measures)

    of_class = {code: np.flatnonzero((codes == code) & ~known) for code in classes}
    found_in = map(most_suspect, of_class.values())
    evidence = [found for found in found_in if found is not None]
    evidence.sort(key=lambda found: -found.score)
    # Roots of scores are closer to normal than scores, of which none is negative.
    scores = np.sqrt([found.score for found in evidence])
    most = few_classes(len(classes))
    n_suspect = n_outlying(scores, false_alarm_rate, most)

    def stands_out(found):
        values = np.append(np.sqrt(found.score), scores[n_suspect:])
        is_outlier = n_outlying(values, false_alarm_rate / most, 1) == 1
        return is_outlier and found.excess >= settings.min_excess

    for nth, found in enumerate(evidence[:n_suspect]):
        if found.excess >= settings.min_excess:
            every = of_class[found.label]
            rows = _in_rounds(found.rows, every, most_suspect, stands_out)
            evidence[nth] = found._replace(rows=rows, suspect=True)
    return evidence


def _in_rounds(group, of_class, most_suspect, stands_out):
    """Return a group with all that stands out among the other rows of its class."""
    while True:
        found = most_suspect(np.setdiff1d(of_class, group))
        if found is None or not stands_out(found):
            return np.sort(group)
        group = np.concatenate([group, found.rows])


def _typicality(activations, codes, known, rng, settings):
    """Return what probes without a row's class take it for, and how typically."""
    held_out = (rng.random_sample(len(codes)) < settings.held_out) & ~known
    classes = np.unique(codes)
    fold = np.empty(classes[-1] + 1, dtype=int)
    fold[rng.permutation(classes)] = np.arange(len(classes)) % settings.n_folds
    fold = fold[codes]
    # Rows of which no probe can tell are typical of nothing.
    predicted, typical = np.zeros(len(codes), dtype=int), np.zeros(len(codes))
    for left_out in range(min(settings.n_folds, len(classes))):
        fitted = (fold != left_out) & ~held_out & ~known
        probe = _probe(activations[fitted], codes[fitted], settings.shrinkage)
        if probe is None:
            continue
        rows = np.flatnonzero(fold == left_out)
        # Of classes whose rows are all held out, the probe knows nothing.
        others = np.flatnonzero(
            (fold != left_out) & held_out & np.isin(codes, probe.classes_)
        )
        if not len(others):
            continue
        chances = probe.predict_proba(activations[rows])
        of_others = probe.predict_proba(activations[others])
        given = np.searchsorted(probe.classes_, codes[others])
        predicted[rows] = probe.classes_[chances.argmax(axis=1)]
        typical[rows] = rank_among(
            predicted[rows],
            chances.max(axis=1),
            codes[others],
            of_others[np.arange(len(others)), given],
        )
    return predicted, typical


def _probe(activations, codes, shrinkage):
    """Return a linear discriminant of the classes of some rows; None of too few."""
    if not 1 < len(np.unique(codes)) < len(codes):
        return None
    probe = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage)
    with warnings.catch_warnings():
        # A class of one row has no covariance of its own, and needs none.
        warnings.simplefilter("ignore", UserWarning)
        return probe.fit(activations, codes)


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


def excess_classes(group, predicted, typical):
    """Return of how many other classes a group is typical and the others are not.

    Parameters
    ----------
    group : ndarray of shape (n,), bool
        Rows of a class.

    predicted, typical : ndarray of shape (n_repeats, n)
        See `rank_among`; each time by other probes.

    Returns
    -------
    excess : float
        The effective number of these classes, times the mean rank that they have more.
    """
    n_classes = predicted.max() + 1
    more, less = (
        np.bincount(predicted[:, some].ravel(), typical[:, some].ravel(), n_classes)
        / (some.sum() * len(predicted))
        for some in (group, ~group)
    )
    above = np.maximum(0, more - less)
    if not above.any():
        return 0.0
    share = above[above > 0] / above.sum()
    return float(above.sum() * np.exp(-np.sum(share * np.log(share))))


def _most_suspect(points, components, predicted, typical, rng, settings):
    """Return the group of a class with the largest score, and how it comes about."""
    n_rows, best = len(points), None
    for parts in _partitions(points, components, rng, settings):
        for part in np.unique(parts):
            group = parts == part
            if settings.min_rows <= group.sum() <= settings.max_share * n_rows:
                excess = excess_classes(group, predicted, typical)
                # As in the test of two means, the smaller sample counts most.
                score = float(np.sqrt(group.sum() * (~group).mean()) * excess)
                if best is None or score > best[-1]:
                    best = group, excess, score
    return best


def _partitions(points, components, rng, settings):
    """Yield the parts of a class that each proposer sees: a number for each row."""
    for n_clusters in range(2, settings.max_clusters + 1):
        yield clusters(points, n_clusters, rng)
    yield from components


def with_fringe(rows, codes, features, rng):
    """Return a group, and the half of its class that is most like it.

    Parameters
    ----------
    rows : ndarray of int
        Of one class.

    codes : ndarray of shape (n,), int
    features : ndarray of shape (n, n_features)
        Of a model of all rows.

    rng : RandomState

    Returns
    -------
    group : Group
    """
    group = as_mask(rows, len(codes))
    return Group(rows, np.flatnonzero(near(features, codes, group, rng) & ~group))


def contradicted_rows(activations, codes, known, groups, rng):
    """Return the rows whose label probes of all rows but some contradict.

    Parameters
    ----------
    activations : ndarray of shape (n, n_components)
        See `half_way`.

    codes : ndarray of shape (n,), int
    known : ndarray of shape (n,), bool
        Rows that no probe is fitted to, beside those of the groups.

    groups : list of Group
    rng : RandomState

    Returns
    -------
    contradicted : ndarray of shape (n,), bool
        Their labels are less likely than those of nearly all rows of the classes that
        have no group, to probes that were fitted to neither (Definition 4.2). None
        without a group.
    """
    settings, trusted = CompatibilitySettings(), ~known
    for group in groups:
        trusted[np.concatenate(group)] = False
    if not groups or not trusted.any():
        return np.zeros(len(codes), dtype=bool)
    usual = ~np.isin(codes, codes[~trusted])
    if not usual.any():
        usual = trusted
    chances = _chances(activations, codes, trusted, rng, settings)
    return chances < np.quantile(chances[usual], settings.contradicted)


def _chances(activations, codes, trusted, rng, settings):
    """Return how likely labels are to probes of trusted rows, of other folds."""
    fold = rng.permutation(len(codes)) % settings.n_folds
    chances = np.zeros(len(codes))
    for held_out in range(settings.n_folds):
        fitted, judged = trusted & (fold != held_out), fold == held_out
        probe = _probe(activations[fitted], codes[fitted], settings.shrinkage)
        if probe is None:
            continue
        # A label that the probe never saw has no chance.
        judged = np.flatnonzero(judged & np.isin(codes, probe.classes_))
        if len(judged):
            given = np.searchsorted(probe.classes_, codes[judged])
            of_classes = probe.predict_proba(activations[judged])
            chances[judged] = of_classes[np.arange(len(judged)), given]
    return chances
