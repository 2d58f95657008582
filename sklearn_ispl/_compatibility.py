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

from ._groups import (
    Group,
    as_mask,
    few_classes,
    leading,
    log_odds,
    near,
    refined,
)
from ._outliers import outlier_levels
from ._probes import contradicted_rows, typicality
from .detectors._proposers import View, propose


@dataclass(frozen=True)
class CompatibilitySettings:
    """What decides beside the rate of false alarms, each with its reason."""

    n_repeats: int = 10  # of the probes, with other classes left out each time
    min_rows: int = 8  # of a group: ranks of fewer are chance
    max_share: float = 1 / 2  # of a class: of two halves, the other is the measure
    max_settled: float = 2 / 3  # of a class: some clean rows are left to tell it from
    min_excess: float = 1 / 3  # poison of one class alone has 1/2, less what is missed
    max_steps: int = 10  # until a group settles: most do in three


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
    settings, classes = CompatibilitySettings(), np.unique(codes[~known])
    sizes = np.bincount(codes[~known])
    if len(classes) < 4 or sizes.max() < 2 * settings.min_rows:
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

    of_class = {code: np.flatnonzero((codes == code) & ~known) for code in classes}
    found_in = map(most_suspect, of_class.values())
    evidence = [found for found in found_in if found is not None]
    evidence.sort(key=lambda found: -found.score)
    # Cube roots are close to normal where scores are not (Wilson and Hilferty).
    scores = np.cbrt([found.score for found in evidence])
    most = few_classes(len(evidence))
    levels = outlier_levels(scores, most)
    usual = scores[np.sum(levels <= false_alarm_rate) :]

    def stands_out(found):
        level = outlier_levels(np.append(np.cbrt(found.score), usual), 1)[0]
        return most * level <= false_alarm_rate and found.excess >= settings.min_excess

    for nth, (found, level) in enumerate(zip(evidence, levels)):
        rejected = level <= false_alarm_rate and found.excess >= settings.min_excess
        evidence[nth] = found._replace(level=level, rejected=rejected)
        if rejected:
            # To the probes of a part, those that were found before are other classes.
            every, others, parts = of_class[found.label], codes.copy(), []
            while found is not None and (not parts or stands_out(found)):
                part = settled(found.rows, every, sight.both, others, rng)
                part = completed(part, every, sight, others, known, rng)
                parts.append(part)
                others[part] = others.max() + 1
                every = np.setdiff1d(every, part)
                found = most_suspect(every)
            rows = np.sort(np.concatenate(parts))
            evidence[nth] = evidence[nth]._replace(rows=rows)
    return evidence


def settled(rows, of_class, both, codes, rng):
    """Return the rows of a class that a probe takes for a group, until it settles.

    Parameters
    ----------
    rows, of_class : ndarray of int
        Of the group, and of the class.

    both : ndarray of shape (n, n_both)
        See `Sight`.

    codes : ndarray of shape (n,), int
    rng : RandomState

    Returns
    -------
    rows : ndarray of int
        The given ones if nearly none or nearly all of the class would go.
    """
    settings = CompatibilitySettings()
    for _ in range(settings.max_steps):
        odds = log_odds(both, codes, as_mask(rows, len(codes)), rng)[of_class]
        taken = of_class[odds > 0]
        enough = settings.min_rows <= len(taken) <= settings.max_settled * len(of_class)
        if not enough or np.array_equal(taken, rows):
            break
        rows = taken
    return rows


def completed(rows, of_class, sight, codes, known, rng):
    """Return a group that settled with what probes of all other rows contradict.

    A part of the poison that is taken for clean teaches a probe that it is. So neither
    the group nor the half of the rest of the class that is most like it is fitted to;
    of that half, the rows whose label the probes contradict join the group, which
    settles once more.

    Parameters
    ----------
    rows, of_class : ndarray of int
        Of the group, and of the class.

    sight : Sight
    codes : ndarray of shape (n,), int
    known : ndarray of shape (n,), bool
    rng : RandomState

    Returns
    -------
    rows : ndarray of int
    """
    group = Group(rows, near(rows, of_class, sight.both, codes, rng))
    contradicted = contradicted_rows(sight.half_way, codes, known, [group], rng)
    joined = np.union1d(rows, group.fringe[contradicted[group.fringe]])
    return settled(joined, of_class, sight.both, codes, rng)


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
        / (some.sum() * len(like.predicted))
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
        likely = expit(log_odds(both, codes, group, rng))
        like = np.maximum(like, likely * share[codes])
    return (rejected + like) / 2
