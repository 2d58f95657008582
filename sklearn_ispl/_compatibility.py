"""The one test of groups: are they incompatible with their class, and self-expanding?

It asks nothing of the trigger. A model of all rows learns poisoned rows from one
another, so that they are a cluster of their class in its features (self-expanding,
Definition 4.1). Half way through the same model they still look like what they are: to
a probe that does not know their class, they are as typical of another class as its own
rows are (incompatible, Definition 4.2). Clean groups of the same data say how much of
that is usual.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from ._groups import Group, as_mask, few_classes, leading, log_odds, near, refined
from ._outliers import n_outlying
from ._probes import typicality
from .detectors._proposers import View, propose


@dataclass(frozen=True)
class CompatibilitySettings:
    """What decides beside the rate of false alarms, each with its reason."""

    n_repeats: int = 10  # of the probes, with other classes left out each time
    min_rows: int = 8  # of a group: ranks of fewer are chance
    max_share: float = 0.5  # of a class: of two halves, the other may be the clean one
    min_excess: float = 1 / 3  # poison of one class alone has 1/2, less what is missed


class Evidence(NamedTuple):
    """What is known of the most suspect group of a class.

    Attributes
    ----------
    label : object
        Of the class.

    rows : ndarray of int
        The numbers of the rows of the group, refined, and of those that stand out among
        the rest of the class. `excess` and `score` are of the group as it was proposed,
        `contradicted` is of these rows.

    proposer : str
        Who proposed the group, see `PROPOSERS`.

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
    proposer: str
    excess: float
    score: float
    suspect: bool = False
    contradicted: float = np.nan
    rejected: bool = False


def incompatible_groups(
    features, activations, codes, components, known, rng, false_alarm_rate
):
    """Return the evidence on every class.

    1. Probes half way through a model, which were fitted without the rows of a class,
       say what each row of it is typical of: the class predicted, and the rank of the
       confidence among held-out rows of that class. This is done anew some times,
       mostly with other classes left out beside it.
    2. Parts of each class are groups to test, whoever proposes them, see `propose`. The
       group with the largest score is that of the class.
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
        typicality(activations, codes, known, rng) for _ in range(settings.n_repeats)
    ]
    predicted, typical = map(np.stack, zip(*asked))

    def most_suspect(rows):
        """Return the evidence on some rows of a class; None of too few."""
        if len(rows) < 2 * settings.min_rows:
            return None
        view = View(leading(features[rows], rng), components[:, rows])
        found = _most_suspect(
            view, predicted[:, rows], typical[:, rows], rng, settings
        )
        if found is None:
            return None
        group, *measures = found
        group = refined(view.points, group, settings.min_rows)
        return Evidence(codes[rows[0]], rows[group], *measures)

    of_class = {code: np.flatnonzero((codes == code) & ~known) for code in classes}
    found_in = map(most_suspect, of_class.values())
    evidence = [found for found in found_in if found is not None]
    evidence.sort(key=lambda found: -found.score)
    # Roots of scores are closer to normal than scores, of which none is negative.
    scores = np.sqrt([found.score for found in evidence])
    most = few_classes(len(evidence))
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


def excess_classes(group, predicted, typical):
    """Return of how many other classes a group is typical and the others are not.

    Parameters
    ----------
    group : ndarray of shape (n,), bool
        Rows of a class.

    predicted, typical : ndarray of shape (n_repeats, n)
        See `typicality`; each time by other probes.

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


def _most_suspect(view, predicted, typical, rng, settings):
    """Return the group of a class with the largest score, and how it comes about."""
    best = None
    for proposer, group in propose(view, rng):
        if settings.min_rows <= group.sum() <= settings.max_share * len(group):
            excess = excess_classes(group, predicted, typical)
            # As in the test of two means, the smaller sample counts most.
            score = float(np.sqrt(group.sum() * (~group).mean()) * excess)
            if best is None or score > best[-1]:
                best = group, proposer, excess, score
    return best


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


def suspicion(features, codes, evidence, proved, rejected, rng):
    """Rank rows for review, by the evidence on their classes.

    Parameters
    ----------
    features : ndarray of shape (n, n_features)
        Of a model of all rows.

    codes : ndarray of shape (n,), int
    evidence : list of Evidence
        With the numbers of classes as labels.

    proved, rejected : ndarray of shape (n,), bool
        Rows with a mark, and all that were rejected.

    rng : RandomState

    Returns
    -------
    suspicion : ndarray of shape (n,)
        From 0 to 1, and from 1/2 for rejected rows; in either half, how likely a row
        belongs to the most suspect group of its class in the features, times the score
        of that group as a share of the largest, and all of it for rows with a mark.
    """
    like = proved.astype(float)
    largest = max((found.score for found in evidence), default=0)
    if largest > 0:
        share = np.zeros(codes.max() + 1)
        group = np.zeros(len(codes), dtype=bool)
        for found in evidence:
            share[found.label] = found.score / largest
            group[found.rows] = True
        likely = expit(log_odds(features, codes, group, rng))
        like = np.maximum(like, likely * share[codes])
    return (rejected + like) / 2
