"""What models that were not trained on a row say about it: from votes to a verdict."""

from functools import partial
from typing import NamedTuple

import numpy as np

from ._compatibility import incompatible_groups
from ._groups import (
    UNLEARNED,
    SuspectGroup,
    as_mask,
    contradicted_groups,
    few_classes,
    near,
    smaller_clusters,
)
from ._growth import grow
from ._rules import core_support
from ._weak_learner import draw_seed

# Losses, in nats: from where a row is left out of training for doubt, and from where a
# model contradicts its label; and below which a model of all rows explains it.
DOUBT, CONTRADICTION, EXPLANATION = 2.0, 4.0, -np.log(0.7)
# Of a group on which they decide, models of the other rows get so many wrong, with
# losses above that of doubt.
SURE = 0.5


class Task(NamedTuple):
    """A model to train, and the rows that it is asked about."""

    seed: int
    trained: np.ndarray
    judged: np.ndarray
    n_epochs: int
    features: bool = False  # and the model itself, after as many epochs again
    enough_steps: bool = True  # even if these take more epochs
    probabilities: bool = False  # of all classes
    labels: np.ndarray = None  # of all rows, where they are not the given ones


class Verdict(NamedTuple):
    """What a model says: the loss of each row judged and its class, or probabilities.

    Where the task asks for features: losses and features are those of a model that has
    learned what there is to learn, and the classes those of the model that it becomes
    in as many epochs again, which knows nearly every row by heart.
    """

    losses: np.ndarray = None
    predicted: np.ndarray = None
    features: np.ndarray = None
    estimator: object = None
    probabilities: np.ndarray = None


class Finding(NamedTuple):
    """What `find_poison` says.

    The rows to keep and the core; the numbers of the classes of which rows are
    rejected, and their marks; those of the classes of which models know too little; and
    the evidence on the groups that were tested for compatibility.
    """

    support: np.ndarray
    core: np.ndarray
    poisoned: np.ndarray
    marks: dict
    unlearned: np.ndarray
    evidence: list


def self_train(examine, codes, support, rng, n_epochs):
    """Add back the rejected rows whose label a model of the kept rows predicts (B.1).

    Parameters
    ----------
    examine : callable
        Takes a list of `Task` and returns a list of `Verdict`.

    codes : ndarray of shape (n,), int
    support : ndarray of shape (n,), bool
    rng : RandomState
    n_epochs : int

    Returns
    -------
    support : ndarray of shape (n,), bool
        Contains the given one.
    """
    rejected = np.flatnonzero(~support)
    if not 0 < len(rejected) < len(codes):
        return support
    seed, trained = draw_seed(rng), np.flatnonzero(support)
    task = Task(seed, trained, rejected, n_epochs, enough_steps=False)
    (verdict,) = examine([task])
    support = support.copy()
    support[rejected] = verdict.predicted == codes[rejected]
    return support


def self_train_repeatedly(examine, codes, support, rng, n_epochs, n_rounds=20):
    """Add and drop rows by how often models of the kept ones agree to them (2023).

    Every round trains a model on the kept rows. Kept in the next are those whose
    running average of agreement is above one half.

    Parameters
    ----------
    examine, codes, support, rng, n_epochs
        See `self_train`.

    n_rounds : int, default=20

    Returns
    -------
    support : ndarray of shape (n,), bool
    """
    everything = np.arange(len(codes))
    agreement = np.full(len(codes), 0.5)
    for _ in range(n_rounds):
        if not support.any():
            break
        trained = np.flatnonzero(support)
        task = Task(draw_seed(rng), trained, everything, n_epochs, enough_steps=False)
        (verdict,) = examine([task])
        agreement = 0.8 * agreement + 0.2 * (verdict.predicted == codes)
        support = agreement > 0.5
    return support


def cross_examine(examine, codes, trusted, rng, n_epochs, n_folds=2):
    """Ask about every row the models of the trusted rows that were not trained on it.

    The trusted rows are cut into folds, and each model is trained on all folds but one.
    A trusted row is judged by the one model that did not see it, any other row by all.

    Parameters
    ----------
    examine, codes, rng, n_epochs
        See `self_train`.

    trusted : ndarray of shape (n,), bool
    n_folds : int, default=2

    Returns
    -------
    losses : ndarray of shape (n,)
        Of the mean probability of a row's label, in nats.

    wrong : ndarray of shape (n,), bool
        Whether a model predicts another class.
    """
    fold = np.full(len(codes), -1)
    fold[rng.permutation(np.flatnonzero(trusted))] = np.arange(trusted.sum()) % n_folds
    tasks = [
        Task(draw_seed(rng), np.flatnonzero(seen), np.flatnonzero(~seen), n_epochs)
        for seen in (trusted & (fold != held_out) for held_out in range(n_folds))
        if seen.any() and not seen.all()
    ]
    chance, n_models = np.zeros(len(codes)), np.zeros(len(codes))
    wrong = np.zeros(len(codes), dtype=bool)
    for task, verdict in zip(tasks, examine(tasks)):
        chance[task.judged] += np.exp(-verdict.losses)
        n_models[task.judged] += 1
        wrong[task.judged] |= verdict.predicted != codes[task.judged]
    chance /= np.maximum(n_models, 1)
    return -np.log(np.maximum(chance, np.finfo(float).tiny)), wrong


def whole_task(rows, rng, n_epochs):
    """Return the task to train a model of all of some rows, poison too."""
    return Task(draw_seed(rng), rows, rows, n_epochs, features=True)


def find_poison(
    examine, marks, whole, predictions, components, codes, share, rng, n_epochs
):
    """Reject rows with a mark, or groups that nothing but themselves explains.

    1. A model is trained on all rows, and then as long again: it has to know the
       poison.
    2. Rows with a mark are poison: the pixels of a window, values that the rows of a
       cluster share, or a pattern over all of an image make them what that model takes
       them for, see `MarkSearch`. Of rows whose mark is not the same in all of them,
       of those like these, and of patterns that few rows share, step 5 decides.
       So does it of groups that are incompatible with their class, whatever they look
       like, see `incompatible_groups`.
    3. Where none was found, or step 5 cleared all of it, in tables and in few images:
       of the two clusters of every class in the features of the model, the smaller is
       kept out of the core where it can be. The core is the share of every class that
       the votes suspect least. Models of the core, not trained for long, judge all
       rows. Whoever is not in doubt joins, and new models judge all rows again, twice.
    4. What the model of all rows explains at half time and the last models contradict
       is where a group starts: its rows are learned from one another alone. (In the
       end, rows are explained that it knows by heart.) The group is poison if it is
       closed, see `contradicted_groups`. Where many classes of images have such
       groups, honest rows have them, too, and only those count that a window confirms.
    5. Models of the other rows judge. A group of step 2 is poison if these models get
       half of it or more wrong, and are sure; else it is an honest one, and stays. With
       it go the rows nearest to it that they get wrong. Rows that are further off, but
       in the half most like it, or that are near a group of step 4, go if the models
       are sure, too. A group that is incompatible with its class then grows: with it go
       the rows that a model takes for it once taught it, see `grow`.

    Steps 3 and 4 are done for two notions of doubt. Where classes are easy, any row
    that a model gets wrong had better stay out, for a few poisoned rows teach the
    trigger; where they are hard, that would leave the models too little to learn from.

    Parameters
    ----------
    examine, codes, rng, n_epochs
        See `self_train`.

    marks : MarkSearch

    whole : Verdict
        Of a model of all rows, see `whole_task`.

    predictions : ndarray of shape (n_learners, n), int
    components : ndarray of shape (n_repeats, n), int
    share : float in (0, 1]
        See `core_support`.

    Returns
    -------
    finding : Finding
    """
    aside = smaller_clusters(whole.features, codes, rng)
    core = core_support(predictions, components, codes, share, rng, last=aside)
    ask = partial(cross_examine, examine, codes, rng=rng)
    weak, longer = max(1, round(0.4 * n_epochs)), max(1, round(0.75 * n_epochs))
    found = marks.search(whole)
    # A stream of its own, so that it changes no other draw.
    own_rng = np.random.RandomState(rng.get_state()[1][:8])
    groups, evidence = incompatible_groups(
        examine,
        partial(Task, n_epochs=max(1, n_epochs // 4), probabilities=True),
        codes,
        whole.features,
        own_rng,
    )
    found = found._replace(groups=[*found.groups, *groups])
    judge = partial(_judge, ask, codes, core, longer)
    expand = partial(
        grow,
        examine,
        partial(_taught_task, n_epochs),
        codes,
        whole.features,
        rng=own_rng,
    )
    group, rejected = _by_marks(judge, expand, found)
    unlearned = _unlearned(codes, [whole.predicted != codes])
    if not group.any() and not marks.of_many_images:
        group, mistaken, unlearned = _by_contradiction(
            ask, codes, core, whole, rng, weak, longer
        )
        n_found = len(np.unique(codes[group]))
        if not marks.of_tables and n_found > few_classes(codes.max() + 1):
            group = marks.confirm(whole, group)
        rejected, beside = group, near(whole.features, codes, group, rng)
        if beside.any():
            _, sure = judge(group, beside & mistaken)
            rejected = group | beside & sure
    poisoned = np.unique(codes[group])
    return Finding(~rejected, core, poisoned, found.marks, unlearned, evidence)


def _taught_task(n_epochs, seed, trained, judged, labels):
    return Task(seed, trained, judged, n_epochs, probabilities=True, labels=labels)


def _judge(ask, codes, core, n_epochs, group, doubted):
    """Return what models of the other rows get wrong, and of what they are sure."""
    trusted = _without_doubt(group | doubted, codes, core & ~group)
    losses, wrong = ask(trusted, n_epochs=n_epochs)
    return wrong, wrong & (losses > DOUBT)


def _by_marks(judge, expand, found):
    """Return the rows with a mark, and with these what goes with them.

    What is left of a row without its mark is an image of another class, so that models
    that do not know the mark contradict its label. Of an honest group that was taken
    for one with a mark, such models expect most rows, or are not sure.
    """
    group, rejected = found.exact.copy(), found.exact.copy()
    if not found.groups:
        return group, rejected
    rows, *others = map(np.concatenate, zip(*(one[:3] for one in found.groups)))
    doubted = as_mask(np.concatenate(others), len(group))
    wrong, sure = judge(group | as_mask(rows, len(group)), doubted)
    for one in found.groups:
        if sure[one.rows].mean() < SURE or not _knows_rest(one, wrong):
            continue
        group[one.rows] = True
        nearest, beside = one.nearest[wrong[one.nearest]], one.beside[sure[one.beside]]
        gone = np.r_[one.rows, nearest, beside]
        if isinstance(one, SuspectGroup):
            gone = expand(typical=one.typical, group=gone, spare=one.spare)
        rejected[gone] = True
    return group, rejected


def _knows_rest(group, wrong):
    """Whether models know the rest of a class, where they have to, to be asked."""
    rest = getattr(group, "rest", ())
    return not len(rest) or wrong[rest].mean() <= UNLEARNED


def _unlearned(codes, mistaken):
    """Return the classes of which models get more than seven in ten rows wrong."""
    n_mistaken = np.array([np.bincount(codes, wrong) for wrong in mistaken])
    return np.flatnonzero((n_mistaken > UNLEARNED * np.bincount(codes)).all(axis=0))


def _by_contradiction(ask, codes, core, whole, rng, weak, longer):
    """Return the groups, what the strictest models get wrong, unlearned classes."""
    judgement = ask(core, n_epochs=weak)
    group, mistaken = np.zeros(len(codes), dtype=bool), []
    for doubt in (0.0, DOUBT):
        losses, wrong = judgement
        for epochs in (weak, longer):
            trusted = _without_doubt(wrong & (losses > doubt), codes, core)
            losses, wrong = ask(trusted, n_epochs=epochs)
        start = (losses > CONTRADICTION) & (whole.losses < EXPLANATION)
        group |= contradicted_groups(whole.features, codes, start, wrong, rng)
        mistaken.append(wrong)
    return group, mistaken[0], _unlearned(codes, mistaken)


def _without_doubt(doubted, codes, core):
    """Return the other rows; of a class with fewer of them than its core, that too.

    A class that the models do not know yet must not drop out of their training.
    """
    least = np.bincount(codes[core], minlength=codes.max() + 1)
    n_left = np.bincount(codes[~doubted], minlength=len(least))
    return ~doubted | core & (n_left < least)[codes]
