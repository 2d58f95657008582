"""The one test of groups: are they incompatible with their class, and self-expanding?

It asks nothing of the trigger. To a model that does not know a class, a row of it that
was poisoned is a row of another class like any other, as typical of that class as its
own rows are (incompatible, Definition 4.2). A model of all rows learns poisoned rows
from one another, so that they lie apart from the rest of their class in its features
(self-expanding, Definition 4.1). Clean groups of the same data say how much of both is
usual.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sklearn.metrics import silhouette_samples

from ._groups import Group, as_mask, clusters, few_classes, leading, near, refined
from ._outliers import n_outlying
from .learners._weak_learner import draw_seed


@dataclass(frozen=True)
class CompatibilitySettings:
    """What decides beside the rate of false alarms, each with its reason."""

    n_folds: int = 5  # of classes: each model leaves one of them out
    n_repeats: int = 3  # of the folds: what a model takes rows for hangs on the others
    held_out: float = 0.1  # of the rows, to rank others among
    max_clusters: int = 5  # a class is cut into 2 to so many
    min_rows: int = 8  # of a group: ranks of fewer are chance
    max_share: float = 0.5  # of a class: of two halves, the other may be the clean one
    min_excess: float = 1 / 3  # poison of one class alone has 1/2, less what is missed
    n_sample: int = 2000  # rows of a class whose distances are measured


class Evidence(NamedTuple):
    """What is known of the most suspect group of a class.

    Attributes
    ----------
    label : object
        Of the class.

    rows : ndarray of int
        The numbers of the rows of the group, refined; the figures that follow are of
        the group as it was proposed.

    excess : float
        Of how many other classes they are typical and the rest of the class is not;
        1/2 for each class that poison came from.

    separation : float
        From -1 to 1: their mean silhouette in the features of a model of all rows.

    score : float
        The excess times the separation times the root of the number of rows.

    suspect : bool
        Whether the score stands out from those of the other classes.

    contradicted : float
        The share of the rows that models without them contradict; NaN if not suspect.

    rejected : bool
        Whether rows were rejected for it.
    """

    label: object
    rows: np.ndarray
    excess: float
    separation: float
    score: float
    suspect: bool = False
    contradicted: float = np.nan
    rejected: bool = False


def incompatible_groups(
    examine, make_task, codes, features, components, known, rng, false_alarm_rate
):
    """Return the evidence on every class.

    1. Models that were trained without the rows of a class say what each row of it is
       typical of: the class predicted, and the rank of the confidence among held-out
       rows of that class. This is done anew some times, each time with other classes
       left out beside it.
    2. The parts of each class are groups to test, whoever proposes them: clusters in
       the features of a model of all rows, and the components of Inverse Self-Paced
       Learning. The group with the largest score is that of the class.
    3. The scores of the other classes are the measure: a class is suspect whose score
       is an outlier among all, at the rate of false alarms.

    Parameters
    ----------
    examine : callable
        Takes a list of tasks and returns a list of verdicts.

    make_task : callable
        Takes a seed, the rows to train on and the rows to judge; returns a task that
        asks for probabilities.

    codes : ndarray of shape (n,), int
    features : ndarray of shape (n, n_features)
        Of a model of all rows.

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
    if len(classes) < 4:
        return []
    asked = [
        _typicality(examine, make_task, codes, known, rng, settings)
        for _ in range(settings.n_repeats)
    ]
    predicted, typical = map(np.stack, zip(*asked))
    evidence = []
    for code in classes:
        rows = np.flatnonzero((codes == code) & ~known)
        if len(rows) < 2 * settings.min_rows:
            continue
        points = leading(features[rows], rng)
        found = _most_suspect(
            points, components[:, rows], predicted[:, rows], typical[:, rows], rng,
            settings,
        )  # fmt: skip
        if found is not None:
            group, *measures = found
            group = refined(points, group, settings.min_rows)
            evidence.append(Evidence(code, rows[group], *measures))
    evidence.sort(key=lambda found: -found.score)
    # Roots of scores are closer to normal than scores, of which none is negative.
    scores = np.sqrt([found.score for found in evidence])
    n_suspect = n_outlying(scores, false_alarm_rate, few_classes(len(classes)))
    return [
        found._replace(suspect=nth < n_suspect and found.excess >= settings.min_excess)
        for nth, found in enumerate(evidence)
    ]


def _typicality(examine, make_task, codes, known, rng, settings):
    """Return what models without a row's class take it for, and how typically."""
    held_out = (rng.random_sample(len(codes)) < settings.held_out) & ~known
    classes = np.unique(codes)
    fold = np.empty(classes[-1] + 1, dtype=int)
    fold[rng.permutation(classes)] = np.arange(len(classes)) % settings.n_folds
    fold = fold[codes]
    tasks = [
        make_task(
            draw_seed(rng),
            np.flatnonzero((fold != left_out) & ~held_out & ~known),
            np.flatnonzero((fold == left_out) | held_out),
        )
        for left_out in range(min(settings.n_folds, len(classes)))
    ]
    predicted, typical = np.empty(len(codes), dtype=int), np.empty(len(codes))
    for left_out, (task, verdict) in enumerate(zip(tasks, examine(tasks))):
        left = fold[task.judged] == left_out
        rows, others = task.judged[left], codes[task.judged[~left]]
        chances, of_others = verdict.probabilities[left], verdict.probabilities[~left]
        predicted[rows] = chances.argmax(axis=1)
        typical[rows] = rank_among(
            predicted[rows],
            chances.max(axis=1),
            others,
            of_others[np.arange(len(others)), others],
        )
    return predicted, typical


def rank_among(predicted, confidence, codes, given):
    """Return the rank of rows among the held-out rows of the class predicted.

    Parameters
    ----------
    predicted : ndarray of shape (n,), int
        The class that a model takes a row for.

    confidence : ndarray of shape (n,)
        The probability of that class.

    codes : ndarray of shape (n_held_out,), int
        The labels of rows that the model was not trained on.

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
        See `rank_among`; each time by other models.

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
    sample = rng.permutation(n_rows)[: settings.n_sample]
    for parts in _partitions(points, components, rng, settings):
        apart = np.full(n_rows, np.nan)
        if 1 < len(np.unique(parts[sample])) < len(sample):
            apart[sample] = silhouette_samples(points[sample], parts[sample])
        for part in np.unique(parts):
            group = parts == part
            enough = settings.min_rows <= group.sum() <= settings.max_share * n_rows
            if not enough or np.isnan(apart[group]).all():
                continue
            excess = excess_classes(group, predicted, typical)
            separation = float(np.nanmean(apart[group]))
            score = float(np.sqrt(group.sum()) * excess * max(0.0, separation))
            if best is None or score > best[-1]:
                best = group, excess, separation, score
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
