"""The one test of groups: are they incompatible with their class, and self-expanding?

It asks nothing of the trigger. Models of one half of the rows know poisoned rows of the
other half, which they learned from nothing but other poisoned rows (self-expanding,
Definition 4.1). Half way through a model, poisoned rows still look like what they are:
to a probe that does not know their class, they are as typical of another class as its
own rows are (incompatible, Definition 4.2). Clean rows are seldom both. Clean groups of
the same data say how much of it is usual.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from ._groups import few_classes, leading, log_odds, refined, set_apart
from ._outliers import level, outlier_levels
from ._probes import typicality
from ._settling import completed, settled
from .detectors._proposers import View, propose


@dataclass(frozen=True)
class CompatibilitySettings:
    """What decides beside the rate of false alarms, each with its reason."""

    n_repeats: int = 10  # of the probes, with other classes left out each time
    min_rows: int = 8  # of a group: ranks of fewer are chance
    max_share: float = 1 / 2  # of a class: of two halves, the other is the measure
    min_excess: float = 1 / 3  # poison of one class alone has 1/2, less what is missed
    # Of the cube roots of scores of clean classes, and for how many degrees of freedom
    # it counts: what Smyth's estimator makes of 51 sets of data of all kinds.
    deviation: float = 0.2
    n_degrees: int = 5


@dataclass(frozen=True)
class Sight:
    """What models see of the rows.

    Attributes
    ----------
    features : ndarray of shape (n, n_features)
        Of a model of all rows: what its last layer is given.

    half_way : ndarray of shape (n, n_components)
        The leading components of a layer half way through the same model.

    taught : ndarray of shape (n,)
        How likely its label is to models of other rows, see `taught_chances`.
    """

    features: np.ndarray
    half_way: np.ndarray
    taught: np.ndarray

    @cached_property
    def both(self):
        """The features and the activations half way, of shape (n, n_both)."""
        layers = self.features, self.half_way
        return np.hstack([one / max(one.std(), 1e-30) for one in layers])


class Evidence(NamedTuple):
    """What is known of the most suspect group of a class.

    Attributes
    ----------
    label : object
        Of the class.

    rows : ndarray of int
        The numbers of the rows of the group; if it is rejected, of all rows that go
        with it. `excess`, `taught` and `score` are of the group as it was proposed.

    proposer : str
        Who proposed the group, see `PROPOSERS`.

    excess : float
        Of how many other classes they are typical, and known to models of other rows
        all the same, and the rest of the class is not; at least 1/2 for each class that
        poison came from, if models know it well.

    taught : float
        How likely their label is to models of other rows, from 0 to 1.

    score : float
        The excess times the root of the number of rows, of which as large a share
        counts as the class has other rows.

    level : float
        The rate of false alarms from which on the score stands out from those of the
        other classes: its level of significance. 1 for most.

    rejected : bool
        Whether it was rejected: the level is at most `false_alarm_rate`.
    """

    label: object
    rows: np.ndarray
    proposer: str
    excess: float
    taught: float
    score: float
    level: float = 1.0
    rejected: bool = False


class Likeness(NamedTuple):
    """Of which other class each row is like poison, and how much, to several probes.

    Two arrays of shape (n_repeats, n): numbers of classes, and degrees from 0 to 1.
    """

    predicted: np.ndarray
    degree: np.ndarray


def likeness(sight, codes, known, rng):
    """Return how much each row is like poison that came from another class.

    Probes half way through a model, which were fitted without the rows of a class, say
    what each row of it is typical of: the class predicted, and the rank of the
    confidence among held-out rows of that class. This is done anew some times, mostly
    with other classes left out beside it. How typical a row is and how well models of
    other rows know its label count alike: the degree is their geometric mean.

    Parameters
    ----------
    sight : Sight
    codes : ndarray of shape (n,), int
    known : ndarray of shape (n,), bool
        Rows that are known to be poison, to which no probe is fitted.

    rng : RandomState

    Returns
    -------
    like : Likeness
    """
    n_repeats = CompatibilitySettings.n_repeats
    asked = [typicality(sight.half_way, codes, known, rng) for _ in range(n_repeats)]
    predicted, typical = map(np.stack, zip(*asked))
    return Likeness(predicted, np.sqrt(typical * sight.taught))


def incompatible_groups(sight, like, codes, components, known, rng, false_alarm_rate):
    """Return the evidence on every class.

    1. Parts of each class are groups to test, whoever proposes them, see `propose`. The
       group with the largest score is that of the class: it is like poison, and the
       rest of the class is not.
    2. The scores of the other classes are the measure: a group is rejected whose score
       is an outlier among all, at the rate of false alarms.
    3. With it go the rows of the class that a probe takes for it, see `settled` and
       `completed`. Poison may be several groups: the rest of the class is asked again
       until nothing stands out.

    Parameters
    ----------
    sight : Sight
    like : Likeness
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
    settings = CompatibilitySettings()
    of_class = {
        code: np.flatnonzero((codes == code) & ~known)
        for code in np.unique(codes[~known])
    }
    if len(of_class) < 4:
        return []

    def most_suspect(rows):
        """Return the evidence on some rows of a class; None of too few."""
        if len(rows) < 2 * settings.min_rows:
            return None
        view = View(leading(sight.features[rows], rng), components[:, rows])
        found = _most_suspect(view, of_rows(like, rows), rng, settings)
        if found is None:
            return None
        group, proposer, excess, score = found
        taught = float(sight.taught[rows[group]].mean())
        group = refined(view.points, group, settings.min_rows)
        return Evidence(codes[rows[0]], rows[group], proposer, excess, taught, score)

    found_in = map(most_suspect, of_class.values())
    evidence = [found for found in found_in if found is not None]
    evidence.sort(key=lambda found: -found.score)
    # Cube roots are close to normal where scores are not (Wilson and Hilferty).
    scores = np.cbrt([found.score for found in evidence])
    most, prior = few_classes(len(evidence)), (settings.deviation, settings.n_degrees)
    levels = outlier_levels(scores, most, *prior)
    usual = scores[levels > false_alarm_rate]

    def stands_out(found):
        """Whether a group does, held against the classes in which none does."""
        chance = most * level(np.cbrt(found.score), usual, *prior)
        return chance <= false_alarm_rate and found.excess >= settings.min_excess

    def all_like(found):
        """Return all rows that go with a group, and with others of its class."""
        # To the probes of a group, rows that were found before are other classes.
        every, apart = of_class[found.label], set_apart(codes, known)
        rest = every
        while found is not None and stands_out(found):
            rows = settled(found.rows, rest, sight.both, apart, rng)
            others = np.setdiff1d(rest, rows)
            joined = np.setdiff1d(completed(rows, rest, sight, apart, known, rng), rows)
            # What joins the group has to be like poison, too, and the others not.
            excess = excess_classes(np.isin(others, joined), of_rows(like, others))
            if excess >= settings.min_excess:
                rows = np.union1d(rows, joined)
            rest, apart = np.setdiff1d(rest, rows), set_apart(apart, rows)
            found = most_suspect(rest)
        return np.setdiff1d(every, rest)

    for nth, (found, level_of_found) in enumerate(zip(evidence, levels)):
        found = found._replace(level=level_of_found)
        if found.level <= false_alarm_rate and stands_out(found):
            found = found._replace(rows=all_like(found), rejected=True)
        evidence[nth] = found
    return evidence


def of_rows(like, rows):
    """Return the likeness of some rows."""
    return Likeness(like.predicted[:, rows], like.degree[:, rows])


def excess_classes(group, like):
    """Return for how many other classes a group is like poison, and the others not.

    Parameters
    ----------
    group : ndarray of shape (n,), bool
        Rows of a class.

    like : Likeness

    Returns
    -------
    excess : float
        The effective number of these classes, times the mean degree that they have
        more.
    """
    n_classes = like.predicted.max() + 1
    more, less = (
        np.bincount(
            like.predicted[:, some].ravel(), like.degree[:, some].ravel(), n_classes
        )
        / max(1, some.sum() * len(like.predicted))
        for some in (group, ~group)
    )
    above = np.maximum(0, more - less)
    if not above.any():
        return 0.0
    share = above[above > 0] / above.sum()
    return float(above.sum() * np.exp(-np.sum(share * np.log(share))))


def _most_suspect(view, like, rng, settings):
    """Return the group of a class with the largest score, and how it comes about."""
    best = None
    for proposer, group in propose(view, rng):
        if settings.min_rows <= group.sum() <= settings.max_share * len(group):
            excess = excess_classes(group, like)
            # As in the test of two means, the smaller sample counts most.
            score = float(np.sqrt(group.sum() * (~group).mean()) * excess)
            if best is None or score > best[-1]:
                best = group, proposer, excess, score
    return best


def suspicion(both, codes, evidence, proved, rejected, rng):
    """Rank rows for review, by the evidence on their classes.

    Parameters
    ----------
    both : ndarray of shape (n, n_both)
        See `Sight`.

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
        belongs to the most suspect group of its class in what models see, times the
        score of that group as a share of the largest, and all of it for rows with a
        mark.
    """
    like = proved.astype(float)
    largest = max((found.score for found in evidence), default=0)
    if largest > 0:
        share = np.zeros(codes.max() + 1)
        group = np.zeros(len(codes), dtype=bool)
        for found in evidence:
            share[found.label] = found.score / largest
            group[found.rows] = True
        likely = expit(log_odds(both, set_apart(codes, proved), group, rng))
        like = np.maximum(like, likely * share[codes])
    return (rejected + like) / 2
