"""The default rule: from the groups that are proposed to the rows that are rejected."""

from typing import NamedTuple

import numpy as np

from .._compatibility import incompatible_groups, suspicion
from .._likeness import Sight, likeness
from .._probes import half_way
from ..learners._weak_learner import draw_seed

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


def find_poison(marks, whole, taught, components, codes, rng, false_alarm_rate):
    """Reject rows with a mark, and groups that are incompatible with all other rows.

    1. A model is trained on all rows, poison too, and one on each half of them.
    2. Rows with a mark are poison: the pixels of a window, or values that the rows of a
       cluster share, make them what the first model takes them for, see `MarkSearch`.
    3. Groups that are incompatible with their class and self-expanding are poison,
       whatever they look like, see `incompatible_groups`.

    Parameters
    ----------
    marks : MarkSearch

    whole : Verdict
        Of a model of all rows, see `whole_task`.

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
    marked = marks.search(whole)
    # A stream of its own, so that it changes no other draw.
    rng = np.random.RandomState(draw_seed(rng))
    sight = Sight(whole.features, half_way(whole.activations, rng), taught)
    like = likeness(sight, codes, marked.rows, rng)
    evidence = incompatible_groups(
        sight, like, codes, components, marked.rows, rng, false_alarm_rate
    )
    rejected = marked.rows.copy()
    for one in evidence:
        rejected[one.rows] |= one.rejected
    known = np.bincount(codes, taught) / np.bincount(codes)
    return Finding(
        support=~rejected,
        poisoned=np.unique(codes[rejected]),
        marks=marked.marks,
        unlearned=np.flatnonzero(known < UNLEARNED),
        evidence=evidence,
        suspicion=suspicion(sight.both, codes, evidence, marked.rows, rejected, rng),
    )
