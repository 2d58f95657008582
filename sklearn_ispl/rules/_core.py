"""The default rule: from the groups that are proposed to the rows that are rejected."""

from typing import NamedTuple

import numpy as np

from .._compatibility import incompatible_groups, suspicion
from .._groups import MIN_ROWS
from .._likeness import Sight, likeness
from .._probes import contradicted_rows, half_way
from ..learners._weak_learner import draw_seed

# Of a group so many more rows have to be contradicted than of the rest of its class.
MARGIN = 0.5
# A class whose labels are less likely than this, to models of other rows, is not known.
UNLEARNED = 0.15


class Finding(NamedTuple):
    """What `find_poison` says.

    The rows to keep; the numbers of the classes of which rows are rejected, and their
    marks; those of the classes of which models know too little; the evidence on the
    groups that were tested for compatibility; and how suspicious each row is.
    """

    support: np.ndarray
    poisoned: np.ndarray
    marks: dict
    unlearned: np.ndarray
    evidence: list
    suspicion: np.ndarray


def find_poison(found, models, taught, components, codes, rng, false_alarm_rate):
    """Reject rows with a mark, and groups that are incompatible with all other rows.

    1. A model is trained on all rows, poison too, and one on each half of them. All
       three look at all rows.
    2. Rows with a mark are poison: the pixels of a window, values that the rows of a
       cluster share, or a pattern over all of an image make them what the first model
       takes them for, see `find_marks`. Where the mark is not the same in all of them,
       and where few share a pattern, probes that were not fitted to these rows have to
       contradict most of them, and not the rest of their class.
    3. Groups that are incompatible with their class and self-expanding are poison,
       whatever they look like, see `incompatible_groups`.

    Parameters
    ----------
    found : Marked
        See `find_marks`.

    models : list of Verdict
        Of a model of all rows, and of models of either half, see `whole_and_halves`.

    taught : ndarray of shape (n,)
        See `taught_chances`.

    components : ndarray of shape (n_repeats, n), int
    codes : ndarray of shape (n,), int
    rng : RandomState
    false_alarm_rate : float in (0, 1)
        See `incompatible_groups`.

    Returns
    -------
    finding : Finding
    """
    marked = found.exact.copy()
    # A stream for each, so that what one draws changes no other.
    reducing, judging, looking, asking, ranking = (
        np.random.RandomState(draw_seed(rng)) for _ in range(5)
    )
    sight = Sight(
        [model.features for model in models],
        [half_way(model.activations, reducing) for model in models],
        taught,
    )
    contradicted = contradicted_rows(
        sight.half_way, codes, marked, found.groups, judging
    )
    for group in found.groups:
        if is_contradicted(group, codes, contradicted):
            marked[group.rows] = True
            marked[group.fringe] |= contradicted[group.fringe]
    like = likeness(sight, codes, marked, looking)
    evidence = incompatible_groups(
        sight, like, codes, components, marked, asking, false_alarm_rate
    )
    rejected = marked.copy()
    for one in evidence:
        rejected[one.rows] |= one.rejected
    known = np.bincount(codes, taught) / np.bincount(codes)
    return Finding(
        support=~rejected,
        poisoned=np.unique(codes[rejected]),
        marks=found.marks,
        unlearned=np.flatnonzero(known < UNLEARNED),
        evidence=evidence,
        suspicion=suspicion(sight.both, codes, evidence, marked, rejected, ranking),
    )


def is_contradicted(group, codes, contradicted):
    """Whether probes contradict a group of a class, and know the rest of the class.

    Parameters
    ----------
    group : Group
    codes : ndarray of shape (n,), int
    contradicted : ndarray of shape (n,), bool
        See `contradicted_rows`.

    Returns
    -------
    is_contradicted : bool
    """
    rest = _rest(group, codes)
    if rest.sum() < MIN_ROWS:
        return False
    margin = contradicted[group.rows].mean() - contradicted[rest].mean()
    return bool(margin >= MARGIN)


def _rest(group, codes):
    """Return the rows of a class that are neither of a group nor of its fringe."""
    rest = codes == codes[group.rows[0]]
    rest[np.concatenate(group)] = False
    return rest
