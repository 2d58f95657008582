"""The one test of groups: are they incompatible with their class, and self-expanding?

It asks nothing of the trigger. A group is like poison if its rows are, see `likeness`,
and the rest of its class is not. Clean groups of the same data say how much of it is
usual.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from ._discriminant import whitened
from ._groups import (
    GroupSettings,
    as_mask,
    few_classes,
    log_odds,
    odds_within,
    set_apart,
)
from ._likeness import MIN_CLASS, Likeness, Sight, excess_classes
from ._outliers import level, outlier_levels
from ._probes import contradicted_rows
from ._settling import SettlingSettings, completed, settled
from .learners._weak_learner import draw_seed

# The questions that are asked about groups.
TAUGHT, TYPICAL = "typical and taught", "typical"


@dataclass(frozen=True)
class CompatibilitySettings:
    """What decides beside the rate of false alarms, each with its reason."""

    min_classes: int = 4  # fewer are no measure for one another
    min_rows: int = SettlingSettings.min_rows  # of a group, as of one that settled
    max_share: float = 1 / 2  # of a class: of two halves, the other is the measure
    min_excess: float = 1 / 3  # poison of one class alone has 1/2, less what is missed
    alike: float = 1 / 7  # of the excess of a group; clean rows that join have less
    contradicted: float = 3 / 4  # of rows that join a group: of clean ones 2/3 at most
    # Of the cube roots of scores of clean classes, and for how many degrees of freedom
    # it counts: what `bench_scores.py` makes of clean sets, 0.15 to 0.19, and a little
    # more, for their scores are not quite normal.
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
        with it. `excess`, `taught` and `score` are of the group before.

    proposer : str
        Who proposed the group: "clusters" in the features of the models, or
        "components" of Inverse Self-Paced Learning.

    question : str
        What was asked: are they "typical" of other classes, or "typical and taught",
        known to models of other rows all the same. That by which they stand out more.

    excess : float
        Of how many other classes the answer is yes for them, and not for the rest of
        the class; at least 1/2 for each class that poison came from, if models know it
        well.

    taught : float
        How likely their label is to models of other rows, from 0 to 1.

    score : float
        The excess times the root of the number of rows, of which as large a share
        counts as the class has other rows.

    level : float
        The rate of false alarms from which on the score stands out from those of the
        other classes, to the same question: its level of significance. 1 for most.

    rejected : bool
        Whether it was rejected: the level is at most `false_alarm_rate`, and that of
        all rows that go with it is, too.
    """

    label: object
    rows: np.ndarray
    proposer: str
    question: str
    excess: float
    taught: float
    score: float
    level: float = 1.0
    rejected: bool = False


class Measure:
    """The scores of all classes, which say what is usual.

    Parameters
    ----------
    evidence : list of Evidence
        On the classes, to one question.

    false_alarm_rate : float in (0, 1)
    n_questions : int
        Each has its share of the false alarms.

    Attributes
    ----------
    evidence : list of Evidence
        With levels.
    """

    def __init__(self, evidence, false_alarm_rate, n_questions):
        settings = CompatibilitySettings()
        self._prior = settings.deviation, settings.n_degrees
        evidence = sorted(evidence, key=lambda found: -found.score)
        # Cube roots are close to normal where scores are not (Wilson and Hilferty).
        roots = np.cbrt([found.score for found in evidence])
        most, self._n_questions = few_classes(len(roots)), n_questions
        levels = np.minimum(1, n_questions * outlier_levels(roots, most, *self._prior))
        self._usual = roots[levels > false_alarm_rate]
        self.evidence = [one._replace(level=at) for one, at in zip(evidence, levels)]

    def of_another(self, found):
        """Return the evidence on one more group, held against the usual classes.

        Its class has stood out before, so that this is no choice among classes.
        """
        its_level = level(np.cbrt(found.score), self._usual, *self._prior)
        return found._replace(level=min(1.0, self._n_questions * its_level))


@dataclass(frozen=True)
class Inquiry:
    """Which groups of a class are most like poison, and which rows go with them.

    See `incompatible_groups` for the parameters; `questions` has the likeness for each
    question.
    """

    sight: Sight
    questions: dict[str, Likeness]
    codes: np.ndarray
    proposals: Callable
    triggered: np.ndarray
    seed: int
    false_alarm_rate: float

    @cached_property
    def seen(self):
        """What each model sees, in units of how it varies within the classes."""
        shrinkage = GroupSettings.shrinkage
        return [whitened(both, self.codes, shrinkage) for both in self.sight.both]

    def rng(self, code, *steps):
        """Return a stream of its own for what is asked about a class."""
        return np.random.RandomState([self.seed, code, *steps])

    def of_class(self, code):
        """Return the numbers of the rows of a class."""
        return np.flatnonzero(self.codes == code)

    def most_suspect(self, rows, rng):
        """Return the evidence on some rows of a class, by question; none of too few.

        Most groups that are proposed miss a part of the poison, or have clean rows.
        Where settling mends that, the score rises.
        """
        best = {}
        if len(rows) < MIN_CLASS:
            return best
        proposed = self.proposals(rows, rng)
        seen = [one[rows] for one in self.seen]
        likes = {question: like.of(rows) for question, like in self.questions.items()}
        odds = partial(odds_within, seen, rng)
        for proposer, part in _parts(proposed, odds):
            for question, like in likes.items():
                found = self._evidence(rows, part, proposer, question, like)
                if question not in best or found.score > best[question].score:
                    best[question] = found
        return best

    def _evidence(self, rows, part, proposer, question, like):
        """Return the evidence on a part of some rows of a class, to one question."""
        excess = excess_classes(part, like)
        # As in the test of two means, the smaller sample counts most.
        score = float(np.sqrt(part.sum() * (~part).mean()) * excess)
        taught = float(self.sight.taught[rows[part]].mean())
        group = self.codes[rows[0]], rows[part], proposer
        return Evidence(*group, question, excess, taught, score)

    def stands_out(self, found):
        """Whether a group does."""
        is_outlier = found.level <= self.false_alarm_rate
        return is_outlier and found.excess >= CompatibilitySettings.min_excess

    def all_like(self, found, measures):
        """Return the evidence on all rows that go with a group and others of its class.

        What joins them comes last: it may be a part of the next group.
        """
        first, every = found, self.of_class(found.label)
        rest, apart, rng = every, self.codes, self.rng(found.label, 1)
        while found is not None and self.stands_out(found):
            group = np.isin(rest, found.rows)
            group = settled(group, self._odds(rest, apart, rng))
            # To the probes of the next group, these are another class.
            rest, apart = rest[~group], set_apart(apart, rest[group])
            again = self.most_suspect(rest, rng).values()
            again = [measures[one.question].of_another(one) for one in again]
            found = self.surest(again)
        group = ~np.isin(every, rest)
        group = self._with_what_joins(group, every, first.question, rng)
        asked = every, group, first.proposer
        whole = [
            self._evidence(*asked, question, like.of(every))
            for question, like in self.questions.items()
        ]
        return self.surest(measures[one.question].of_another(one) for one in whole)

    def _odds(self, rows, codes, rng):
        """Return a function that returns the log odds of a group of rows of a class."""

        def odds(group, over):
            group = as_mask(rows[group], len(codes))
            return log_odds(self.sight.both, codes, group, rng, over)[rows]

        return odds

    def _with_what_joins(self, group, rows, question, rng):
        """Return groups that settled, completed by what joins if that is poison, too.

        It is if it is like poison, as the groups are, by the question that the first
        was found by, or if probes that were fitted to all other rows of the class
        contradict it still.
        """

        def contradicted(group, other):
            apart = self.triggered.copy()
            apart[rows[group | other]] = True
            return contradicted_rows(self.sight.half_way, self.codes, apart, rng)[rows]

        odds = self._odds(rows, self.codes, rng)
        joined = completed(group, odds, contradicted) & ~group
        if not joined.any():
            return group
        like, settings = self.questions[question].of(rows), CompatibilitySettings()
        theirs = excess_classes(group, like)
        excess = excess_classes(joined[~group], like.of(~group))
        if excess < settings.alike * theirs:
            if contradicted(group, joined)[joined].mean() < settings.contradicted:
                return group
        return group | joined

    def surest(self, evidence):
        """Return the evidence with the lowest level, of what stands out if any does."""
        evidence = [*evidence]
        outliers = [one for one in evidence if self.stands_out(one)]
        return min(outliers or evidence, key=lambda one: one.level, default=None)


def _parts(proposed, odds):
    """Yield parts of a class as they were proposed and as they settle, once each."""
    settings, yielded = CompatibilitySettings(), set()
    for proposer, part in proposed:
        fits = settings.min_rows <= part.sum() <= settings.max_share * len(part)
        if not fits or part.tobytes() in yielded:
            continue
        for one in (part, settled(part, odds)):
            if one.tobytes() not in yielded:
                yielded.add(one.tobytes())
                yield proposer, one


def incompatible_groups(
    sight, like, codes, proposals, triggered, rng, false_alarm_rate
):
    """Return the evidence on every class.

    1. Parts of each class are groups to test, whoever proposes them. Two questions are
       asked: are they typical of other classes, and are they taught as well? To each,
       the group with the largest score is that of the class: it is like poison, and the
       rest of the class is not.
    2. The scores of the other classes are the measure: a group is rejected whose score
       is an outlier among all, at the rate of false alarms.
    3. With it go the rows of the class that probes take for it, see `settled`. Poison
       may be several groups: the rest of the class is asked again until nothing stands
       out. What is contradicted beside these may join them, see `completed`. All of
       them have to stand out together, too.

    Parameters
    ----------
    sight : Sight
    like : Likeness
    codes : ndarray of shape (n,), int
    proposals : callable
        Takes the numbers of rows of a class and a random state, and returns an iterable
        of proposers, by name, and of parts of these rows, as masks.

    triggered : ndarray of shape (n,), bool
        Rows whose trigger was found. They are rows of their class like others, so that
        a part that was found does not hide the rest; but no probe that contradicts is
        fitted to them.

    rng : RandomState
    false_alarm_rate : float in (0, 1)

    Returns
    -------
    evidence : list of Evidence
        By rising level, and by falling score. None of a class of few rows, or without a
        group of enough of them; empty for fewer than four classes, which are no
        measure.
    """
    questions = {TAUGHT: like.where_taught(sight.taught), TYPICAL: like}
    classes = np.unique(codes)
    if len(classes) < CompatibilitySettings.min_classes:
        return []
    data = sight, questions, codes, proposals, triggered, draw_seed(rng)
    inquiry = Inquiry(*data, false_alarm_rate)
    asked = [
        inquiry.most_suspect(inquiry.of_class(code), inquiry.rng(code))
        for code in classes
    ]
    measures, of_class = {}, {}
    for question in questions:
        evidence = [one[question] for one in asked if one]
        measures[question] = Measure(evidence, false_alarm_rate, len(questions))
        for found in measures[question].evidence:
            of_class.setdefault(found.label, []).append(found)
    evidence = [inquiry.surest(answers) for answers in of_class.values()]
    evidence.sort(key=lambda one: (one.level, -one.score))
    for nth, found in enumerate(evidence):
        if inquiry.stands_out(found):
            whole = inquiry.all_like(found, measures)
            # A clean group that stands out by chance does so no longer once it grows.
            if inquiry.stands_out(whole):
                evidence[nth] = found._replace(rows=whole.rows, rejected=True)
    return evidence


def doubtful_groups(evidence, false_alarm_rate):
    """Return the evidence on groups that nearly stand out, and were not rejected."""
    limit = CompatibilitySettings.doubtful * false_alarm_rate
    return [one for one in evidence if one.level <= limit and not one.rejected]


def suspicion(both, codes, evidence, triggered, rejected, rng):
    """Rank rows for review, by the evidence on their classes.

    Parameters
    ----------
    both : list of ndarray of shape (n, n_both)
        See `Sight`.

    codes : ndarray of shape (n,), int
    evidence : list of Evidence
        With the numbers of classes as labels.

    triggered, rejected : ndarray of shape (n,), bool
        Rows with a trigger, and all that were rejected.

    rng : RandomState

    Returns
    -------
    suspicion : ndarray of shape (n,)
        From 0 to 1, and from 1/2 for rejected rows; in either half, how likely a row
        belongs to the most suspect group of its class in what models see, times the
        score of that group as a share of the largest to the same question, and all of
        it for rows with a trigger.
    """
    like = triggered.astype(float)
    largest = {}
    for found in evidence:
        largest[found.question] = max(found.score, largest.get(found.question, 0))
    if any(largest.values()):
        share = np.zeros(codes.max() + 1)
        group = np.zeros(len(codes), dtype=bool)
        for found in evidence:
            if found.score > 0:
                share[found.label] = found.score / largest[found.question]
            group[found.rows] = True
        # Rows with a trigger are of the group or apart, never of the rest of a class.
        apart = set_apart(codes, triggered & ~group)
        likely = expit(log_odds(both, apart, group, rng))
        like = np.maximum(like, likely * share[codes])
    return (rejected + like) / 2
