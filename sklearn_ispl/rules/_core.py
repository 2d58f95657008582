"""The default rule: from the groups that are proposed to the rows that are rejected."""

from typing import NamedTuple

import numpy as np

from .._compatibility import incompatible_groups, suspicion, with_fringe
from .._groups import MIN_ROWS
from .._probes import contradicted_rows, half_way
from ..learners._weak_learner import draw_seed

# Of a group so many more rows have to be contradicted than of the rest of its class.
MARGIN = 0.5
# A class of which a model gets more than this share wrong is not known.
UNLEARNED = 0.7


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


def find_poison(marks, whole, components, codes, rng, false_alarm_rate):
    """Reject rows with a mark, and groups that are incompatible with all other rows.

    1. A model is trained on all rows, poison too.
    2. Rows with a mark are poison: the pixels of a window, values that the rows of a
       cluster share, or a pattern over all of an image make them what that model takes
       them for, see `MarkSearch`. Where the mark is not the same in all of them, and
       where few share a pattern, step 4 decides.
    3. Step 4 decides, too, on groups that are incompatible with their class and
       self-expanding, whatever they look like, see `incompatible_groups`.
    4. Probes that were fitted to neither the groups nor their fringes judge. A group is
       rejected if they contradict most of it, and not the rest of its class. With it go
       those rows of its fringe that they contradict.

    Parameters
    ----------
    marks : MarkSearch

    whole : Verdict
        Of a model of all rows, see `whole_task`.

    components : ndarray of shape (n_repeats, n), int
    codes : ndarray of shape (n,), int
    rng : RandomState
    false_alarm_rate : float in (0, 1)
        See `incompatible_groups`.

    Returns
    -------
    finding : Finding
    """
    found = marks.search(whole)
    # A stream of its own, so that it changes no other draw.
    own_rng = np.random.RandomState(draw_seed(rng))
    activations = half_way(whole.activations, own_rng)
    evidence = incompatible_groups(
        whole.features,
        activations,
        codes,
        components,
        found.exact,
        own_rng,
        false_alarm_rate,
    )
    suspects = {
        nth: with_fringe(one.rows, codes, whole.features, own_rng)
        for nth, one in enumerate(evidence)
        if one.suspect
    }
    groups = [*suspects.values(), *found.groups]
    contradicted = contradicted_rows(activations, codes, found.exact, groups, own_rng)
    verdicts = [is_contradicted(group, codes, contradicted) for group in groups]
    rejected = found.exact.copy()
    for group, is_poison in zip(groups, verdicts):
        if is_poison:
            rejected[group.rows] = True
            rejected[group.fringe] |= contradicted[group.fringe]
    for (nth, group), is_poison in zip(suspects.items(), verdicts):
        evidence[nth] = evidence[nth]._replace(
            contradicted=float(contradicted[group.rows].mean()), rejected=is_poison
        )
    poisoned = np.unique(codes[rejected])
    unlearned = unlearned_classes(codes, whole, suspects.values(), contradicted)
    ranked = suspicion(
        whole.features, codes, evidence, found.exact, rejected, own_rng
    )
    return Finding(~rejected, poisoned, found.marks, unlearned, evidence, ranked)


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


def unlearned_classes(codes, whole, groups, contradicted):
    """Return the numbers of the classes of which models know too little.

    Parameters
    ----------
    codes : ndarray of shape (n,), int
    whole : Verdict
        Of a model of all rows.

    groups : iterable of Group
        Those of which the rest of the class was judged.

    contradicted : ndarray of shape (n,), bool
        See `contradicted_rows`.

    Returns
    -------
    unlearned : ndarray of int
        The model of all rows gets more than seven in ten rows wrong, or probes of other
        rows contradict most of the rest of the class.
    """
    wrong = np.bincount(codes, whole.predicted != codes)
    unlearned = wrong > UNLEARNED * np.bincount(codes)
    for group in groups:
        rest = _rest(group, codes)
        if rest.any() and contradicted[rest].mean() > 1 / 2:
            unlearned[codes[group.rows[0]]] = True
    return np.flatnonzero(unlearned)


def _rest(group, codes):
    """Return the rows of a class that are neither of a group nor of its fringe."""
    rest = codes == codes[group.rows[0]]
    rest[np.concatenate(group)] = False
    return rest
