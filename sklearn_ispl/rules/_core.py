"""The default rule: from the groups that are proposed to the rows that are rejected."""

import numpy as np
from scipy.stats import hypergeom

from .._compatibility import incompatible_groups, suspicion
from .._groups import as_mask
from .._likeness import Sight, likeness
from .._probes import contradicted_rows, half_way
from ..detectors._proposers import proposals_of
from ..detectors._trigger_search import find_triggers
from ..learners._tasks import taught_chances, whole_and_halves
from ..learners._weak_learner import streams
from ._rule import Finding, Rule
from ._votes import vote_support

# A class whose labels are less likely than this, to models of other rows, is not known.
UNLEARNED = 0.15


class CoreRule(Rule):
    """Reject incompatible groups of rows, and rows with a trigger."""

    n_repeats = 1  # whose components are groups to test
    self_training_epochs = 20
    advice = "Look at these rows: they, or their labels, are unlike all others."

    def vote_epochs(self, n_classes):
        if self.settings.n_epochs is not None:
            return self.n_epochs
        # More classes take more steps to tell apart; twice as many at 40.
        return max(self.n_epochs, round(self.n_epochs * np.sqrt(n_classes / 10)))

    def tasks(self, codes, rng):
        return whole_and_halves(codes, rng, self.self_training_epochs)

    def decide(self, case):
        voting, searching, testing = streams(case.rng, 3)
        kept = vote_support(case.votes, case.codes, voting)
        whole = case.verdicts[0]
        with case.timed("searching for triggers"):
            found = find_triggers(case.parallel, case.X, case.codes, whole, searching)
        taught = taught_chances(case.tasks, case.verdicts)
        given = found, case.verdicts, taught, case.components, case.codes, testing
        with case.timed("testing groups of rows"):
            finding = find_poison(*given, self.settings.false_alarm_rate)
        return finding._replace(vote_support=kept)


def find_poison(found, models, taught, components, codes, rng, false_alarm_rate):
    """Reject rows with a trigger, and groups that are incompatible with all other rows.

    1. A model is trained on all rows, poison too, and one on each half of them. All
       three look at all rows.
    2. Rows that share a trigger are poison if it makes them what the first model takes
       them for, see `find_triggers`. Where few share a pattern, probes that were not
       fitted to these rows have to contradict them as well, see `proved`.
    3. Groups that are proposed, see `propose`, and that are incompatible with their
       class and self-expanding are poison, whatever they look like, see
       `incompatible_groups`.

    Parameters
    ----------
    found : list of Found
        See `find_triggers`.

    models : list of Verdict
        Of a model of all rows, and of models of either half, see `whole_and_halves`.

    taught : ndarray of shape (n,)
        See `taught_chances`.

    components : ndarray of shape (n_repeats, n), int
    codes : ndarray of shape (n,), int
    rng : RandomState
    false_alarm_rate : float in (0, 1)
        Of `proved`, and of `incompatible_groups`.

    Returns
    -------
    finding : Finding
    """
    reducing, judging, looking, asking, ranking = streams(rng, 5)
    sight = Sight(
        [model.features for model in models],
        [half_way(model.activations, reducing) for model in models],
        taught,
    )
    found = proved(found, sight.half_way, codes, judging, false_alarm_rate)
    triggered = _rows_of(found, codes)
    like = likeness(sight, codes, triggered, looking)
    proposals = proposals_of(sight.all_features, components)
    evidence = incompatible_groups(
        sight, like, codes, proposals, triggered, asking, false_alarm_rate
    )
    rejected = triggered.copy()
    for one in evidence:
        rejected[one.rows] |= one.rejected
    known = np.bincount(codes, taught) / np.bincount(codes)
    return Finding(
        support=~rejected,
        poisoned=np.unique(codes[rejected]),
        triggers={
            codes[one.rows[0]]: one.trigger for one in found if one.trigger is not None
        },
        unlearned=np.flatnonzero(known < UNLEARNED),
        evidence=evidence,
        suspicion=suspicion(sight.both, codes, evidence, triggered, rejected, ranking),
    )


def proved(found, activations, codes, rng, false_alarm_rate):
    """Drop patterns that few rows share and that may be chance.

    A few rows of a class that share a pattern may be clean, as frames of one film. Of
    poison, probes that were not fitted to it contradict more than of the rest of the
    class. This is Fisher's exact test; such patterns share the false alarms.

    Parameters
    ----------
    found : list of Found
    activations : list of ndarray of shape (n, n_components)
        Of some models, see `half_way`.

    codes : ndarray of shape (n,), int
    rng : RandomState
    false_alarm_rate : float in (0, 1)

    Returns
    -------
    found : list of Found
    """
    unsure = [one for one in found if not one.is_sure]
    if not unsure:
        return found
    apart = _rows_of(found, codes)
    contradicted = contradicted_rows(activations, codes, apart, rng)
    # What is sure is contradicted, too, and is no rest of a class.
    sure = _rows_of([one for one in found if one.is_sure], codes)
    rate = false_alarm_rate / len(unsure)
    return [
        one
        for one in found
        if one.is_sure or _level(one.rows, codes, sure, contradicted) <= rate
    ]


def _rows_of(found, codes):
    """Return all rows with a trigger, as a mask."""
    rows = np.concatenate([np.arange(0), *(one.rows for one in found)])
    return as_mask(rows, len(codes))


def _level(rows, codes, sure, contradicted):
    """Return how often so many of some rows of a class are contradicted by chance."""
    of_class = (codes == codes[rows[0]]) & ~sure
    n_contradicted = contradicted[rows].sum()
    drawn = of_class.sum(), contradicted[of_class].sum(), len(rows)
    return hypergeom.sf(n_contradicted - 1, *drawn)
