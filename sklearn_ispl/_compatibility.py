"""Groups that are incompatible with their class: they belong to many other classes.

The search asks nothing of the trigger. To a model that does not know a class, a row of
it that was poisoned is a row of another class like any other: as typical of that class
as its own rows are. Clean rows are mistaken, too, but for few classes, and the rest of
their class is mistaken for the same ones. So a group is suspect that is typical of many
classes that the rest of its class is not typical of.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ._groups import SuspectGroup, as_mask, clusters, few_classes, leading, near
from ._growth import spare_class
from ._weak_learner import draw_seed


@dataclass(frozen=True)
class CompatibilitySettings:
    """What decides, each with its reason."""

    n_folds: int = 5  # of classes: each model leaves one of them out
    n_repeats: int = 3  # of the folds: what a model takes rows for hangs on the others
    held_out: float = 0.1  # of the rows, to rank others among
    max_clusters: int = 5  # a class is cut into 2 to so many
    min_rows: int = 8  # of a group: ranks of fewer are chance
    max_share: float = 0.5  # of a class: the group is its smaller part
    min_excess: float = 1.0  # two classes or more: poison of each adds 1/2
    ratio: float = 1.5  # of that to the excess of the next class, a clean one


class Evidence(NamedTuple):
    """What a model without the class says of its most suspect group of rows.

    `excess` is the number of other classes that the rows are typical of and the rest of
    the class is not, each by the mean rank, 1/2 for poison.
    """

    label: object
    rows: np.ndarray
    excess: float
    suspect: bool


def incompatible_groups(examine, make_task, codes, features, rng):
    """Return suspect groups, and the evidence of every class.

    1. Models that were trained without the rows of a class say what each row of it is
       typical of: the class predicted, and the rank of the confidence among held-out
       rows of that class (contradiction, Definition 4.2). This is done anew some times,
       each time with other classes left out beside it.
    2. The rows of each class are clustered in the features of a model of all rows:
       poison that this model has learned from itself is a cluster (self-expansion,
       Definition 4.1). The cluster of the largest excess is the group of the class.
    3. Clean groups are the measure: a group is suspect if its excess is well above
       those of all classes that have none, and only few classes have such a group.

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

    rng : RandomState

    Returns
    -------
    groups : list of SuspectGroup
    evidence : list of Evidence
        By falling excess.
    """
    settings = CompatibilitySettings()
    n_classes = len(np.unique(codes))
    # Poison of all other classes could not reach the limit.
    if (n_classes - 1) / 2 <= settings.min_excess:
        return [], []
    asked = [
        _typicality(examine, make_task, codes, rng, settings)
        for _ in range(settings.n_repeats)
    ]
    predicted, typical = map(np.stack, zip(*asked))
    best = [
        _most_excessive(rows, features, predicted, typical, rng, settings)
        for rows in (np.flatnonzero(codes == code) for code in np.unique(codes))
    ]
    best = sorted((b for b in best if b is not None), key=lambda b: -b[0])
    n_suspect = _n_suspect([excess for excess, _ in best], settings)
    evidence = [
        Evidence(codes[rows[0]], rows, excess, nth < n_suspect)
        for nth, (excess, rows) in enumerate(best)
    ]
    groups = [
        _as_group(found.rows, codes, features, predicted, typical.mean(axis=0), rng)
        for found in evidence[:n_suspect]
    ]
    return groups, evidence


def _typicality(examine, make_task, codes, rng, settings):
    """Return what models without a row's class take it for, and how typically."""
    held_out = rng.random_sample(len(codes)) < settings.held_out
    classes = np.unique(codes)
    fold = np.empty(classes[-1] + 1, dtype=int)
    fold[rng.permutation(classes)] = np.arange(len(classes)) % settings.n_folds
    fold = fold[codes]
    tasks = [
        make_task(
            draw_seed(rng),
            np.flatnonzero((fold != left_out) & ~held_out),
            np.flatnonzero((fold == left_out) | held_out),
        )
        for left_out in range(min(settings.n_folds, len(classes)))
    ]
    predicted, typical = np.empty(len(codes), dtype=int), np.empty(len(codes))
    for left_out, (task, verdict) in enumerate(zip(tasks, examine(tasks))):
        left = fold[task.judged] == left_out
        rows, known = task.judged[left], codes[task.judged[~left]]
        chances, of_known = verdict.probabilities[left], verdict.probabilities[~left]
        predicted[rows] = chances.argmax(axis=1)
        typical[rows] = rank_among(
            predicted[rows],
            chances.max(axis=1),
            known,
            of_known[np.arange(len(known)), known],
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


def _most_excessive(rows, features, predicted, typical, rng, settings):
    """Return the largest excess of a cluster of a class, and its rows; None if none."""
    if len(rows) < 2 * settings.min_rows:
        return None
    points, best = leading(features[rows], rng), None
    for n_clusters in range(2, settings.max_clusters + 1):
        label = clusters(points, n_clusters, rng)
        for number in range(n_clusters):
            group = label == number
            if settings.min_rows <= group.sum() <= settings.max_share * len(rows):
                excess = excess_classes(group, predicted[:, rows], typical[:, rows])
                if best is None or excess > best[0]:
                    best = excess, rows[group]
    return best


def _n_suspect(excesses, settings):
    """Return how many classes, by falling excess, stand out from the next."""
    n_suspect, most = 0, few_classes(len(excesses))
    for nth, following in enumerate(excesses[1 : most + 1], start=1):
        least = max(settings.min_excess, settings.ratio * following)
        if excesses[nth - 1] >= least:
            n_suspect = nth
    return n_suspect


def _as_group(rows, codes, features, predicted, typical, rng):
    """Return a group: its most typical rows, its other rows, and those near it."""
    beside = near(features, codes, as_mask(rows, len(codes)), rng)
    beside[rows] = False
    rest = (codes == codes[rows[0]]) & ~beside & ~as_mask(rows, len(codes))
    half = typical[rows] >= np.median(typical[rows])
    others = map(np.flatnonzero, (beside, rest))
    code = codes[rows[0]]
    spare = spare_class(codes, code, predicted[:, codes == code].ravel())
    return SuspectGroup(rows[half], rows[~half], *others, typical, spare)
