"""The one test of groups: are they incompatible with their class, and self-expanding?

It asks nothing of the trigger. A group is like poison if its rows are, see `likeness`,
and the rest of its class is not. Clean groups of the same data say how much of it is
usual.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from ._groups import few_classes, leading, log_odds, refined, set_apart
from ._likeness import Likeness, Sight, excess_classes
from ._outliers import level, outlier_levels
from ._settling import completed, settled
from .detectors._proposers import View, propose


@dataclass(frozen=True)
class CompatibilitySettings:
    """What decides beside the rate of false alarms, each with its reason."""

    min_classes: int = 4  # fewer are no measure for one another
    min_rows: int = 8  # of a group: ranks of fewer are chance
    max_share: float = 1 / 2  # of a class: of two halves, the other is the measure
    min_excess: float = 1 / 3  # poison of one class alone has 1/2, less what is missed
    # Of the cube roots of scores of clean classes, and for how many degrees of freedom
    # it counts: what Smyth's estimator makes of 51 sets of data of all kinds.
    deviation: float = 0.2
    n_degrees: int = 5
    doubtful: int = 4  # times the rate of false alarms, up to which evidence is weak


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


class Measure:
    """Which scores stand out: the scores of all classes, at a rate of false alarms.

    Parameters
    ----------
    scores : list of float
        Of the classes, by falling size.

    false_alarm_rate : float in (0, 1)

    Attributes
    ----------
    levels : ndarray of shape (n_classes,)
        The rate from which on each of the scores stands out.
    """

    def __init__(self, scores, false_alarm_rate):
        settings = CompatibilitySettings()
        self.false_alarm_rate, self.min_excess = false_alarm_rate, settings.min_excess
        self._prior = settings.deviation, settings.n_degrees
        # Cube roots are close to normal where scores are not (Wilson and Hilferty).
        roots = np.cbrt(scores)
        self._most = few_classes(len(roots))
        self.levels = outlier_levels(roots, self._most, *self._prior)
        self._usual = roots[self.levels > false_alarm_rate]

    def stands_out(self, found):
        """Whether a group does, held against the classes in which none does."""
        chance = self._most * level(np.cbrt(found.score), self._usual, *self._prior)
        return chance <= self.false_alarm_rate and found.excess >= self.min_excess


@dataclass(frozen=True)
class Inquiry:
    """Which groups of a class are most like poison, and which rows go with them.

    See `incompatible_groups` for the parameters.
    """

    sight: Sight
    like: Likeness
    codes: np.ndarray
    components: np.ndarray
    known: np.ndarray
    rng: np.random.RandomState

    def of_class(self, code):
        """Return the numbers of the rows of a class that are not known to be poison."""
        return np.flatnonzero((self.codes == code) & ~self.known)

    def most_suspect(self, rows):
        """Return the evidence on some rows of a class; None of too few."""
        settings, best = CompatibilitySettings(), None
        if len(rows) < 2 * settings.min_rows:
            return None
        points = leading(self.sight.features[rows], self.rng)
        for proposer, part in propose(View(points, self.components[:, rows]), self.rng):
            if settings.min_rows <= part.sum() <= settings.max_share * len(rows):
                excess = excess_classes(part, self.like.of(rows))
                # As in the test of two means, the smaller sample counts most.
                score = float(np.sqrt(part.sum() * (~part).mean()) * excess)
                if best is None or score > best.score:
                    taught = float(self.sight.taught[rows[part]].mean())
                    of = self.codes[rows[0]], rows[part], proposer
                    best = Evidence(*of, excess, taught, score)
        if best is None:
            return None
        group = refined(points, np.isin(rows, best.rows), settings.min_rows)
        return best._replace(rows=rows[group])

    def all_like(self, found, measure):
        """Return all rows that go with a group, and with others of its class."""
        every = rest = self.of_class(found.label)
        # To the probes of a group, rows that were found before are other classes.
        apart = set_apart(self.codes, self.known)
        while found is not None and measure.stands_out(found):
            rows = settled(found.rows, rest, self.sight.both, apart, self.rng)
            rows = self._with_what_joins(rows, rest, apart)
            rest, apart = np.setdiff1d(rest, rows), set_apart(apart, rows)
            found = self.most_suspect(rest)
        return np.setdiff1d(every, rest)

    def _with_what_joins(self, rows, of_class, codes):
        """Return a group that settled, completed if what joins is like poison, too."""
        more = completed(rows, of_class, self.sight, codes, self.known, self.rng)
        others, joined = np.setdiff1d(of_class, rows), np.setdiff1d(more, rows)
        excess = excess_classes(np.isin(others, joined), self.like.of(others))
        is_like_poison = excess >= CompatibilitySettings.min_excess
        return np.union1d(rows, joined) if is_like_poison else rows


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
    inquiry = Inquiry(sight, like, codes, components, known, rng)
    classes = np.unique(codes[~known])
    if len(classes) < CompatibilitySettings.min_classes:
        return []
    found_in = [inquiry.most_suspect(inquiry.of_class(code)) for code in classes]
    evidence = [found for found in found_in if found is not None]
    evidence.sort(key=lambda found: -found.score)
    measure = Measure([found.score for found in evidence], false_alarm_rate)
    for nth, (found, its_level) in enumerate(zip(evidence, measure.levels)):
        found = found._replace(level=its_level)
        if its_level <= false_alarm_rate and measure.stands_out(found):
            rows = inquiry.all_like(found, measure)
            found = found._replace(rows=rows, rejected=True)
        evidence[nth] = found
    return evidence


def doubtful_labels(evidence, false_alarm_rate):
    """Return the labels of the groups that nearly stand out, and were not rejected.

    Parameters
    ----------
    evidence : list of Evidence
    false_alarm_rate : float in (0, 1)

    Returns
    -------
    labels : list
    """
    limit = CompatibilitySettings.doubtful * false_alarm_rate
    return [one.label for one in evidence if one.level <= limit and not one.rejected]


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
