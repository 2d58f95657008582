"""How much each row is like poison, and groups of rows more than others.

Models of one half of the rows know poisoned rows of the other half, which they learned
from nothing but other poisoned rows (self-expanding, Definition 4.1). Half way through
any model, poisoned rows still look like what they are: to a probe that does not know
their class, they are as typical of another class as its own rows are (incompatible,
Definition 4.2). Clean rows are seldom both.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ._probes import ProbeSettings, typicality
from ._settling import SettlingSettings

# A class is asked about if it has rows for a group and for a rest.
MIN_CLASS = 2 * SettlingSettings.min_rows


@dataclass(frozen=True)
class Sight:
    """What models see of the rows: one of all rows, and one of either half.

    Attributes
    ----------
    features : list of ndarray of shape (n, n_features)
        What the last layer of each model is given.

    half_way : list of ndarray of shape (n, n_components)
        The leading components of a layer half way through each model.

    taught : ndarray of shape (n,)
        How likely its label is to models of other rows, see `taught_chances`.
    """

    features: list[np.ndarray]
    half_way: list[np.ndarray]
    taught: np.ndarray

    @cached_property
    def both(self):
        """The features and the activations half way of each model, side by side."""
        return [_side_by_side(layers) for layers in zip(self.features, self.half_way)]

    @cached_property
    def all_features(self):
        """The features of all models, side by side."""
        return _side_by_side(self.features)


def _side_by_side(layers):
    """Return several layers as one, each of which varies as much as the others."""
    return np.hstack([one / max(one.std(), 1e-30) for one in layers])


class Likeness(NamedTuple):
    """Of which other class each row is like poison, and how much, to several probes.

    Two arrays of shape (n_looks, n_repeats, n): numbers of classes, and degrees from 0
    to 1.
    """

    predicted: np.ndarray
    degree: np.ndarray

    def of(self, rows):
        """Return the likeness of some rows."""
        return Likeness(self.predicted[..., rows], self.degree[..., rows])

    def where_taught(self, taught):
        """Return the likeness of rows that models of other rows know, too.

        How typical a row is and how well models of other rows know its label count
        alike: the degree is their geometric mean.
        """
        return Likeness(self.predicted, np.sqrt(self.degree * taught))


def likeness(sight, codes, triggered, rng):
    """Return how much each row is like poison that came from another class.

    Probes half way through each model, which were fitted without the rows of a class,
    say what each row of it is typical of: the class predicted, and the rank of the
    confidence among held-out rows of that class, which is the degree. This is done
    twice; of more than twenty classes, with others left out beside it.

    Parameters
    ----------
    sight : Sight
    codes : ndarray of shape (n,), int
    triggered : ndarray of shape (n,), bool
        Rows whose trigger was found, to which no probe is fitted.

    rng : RandomState

    Returns
    -------
    like : Likeness
        Nothing for rows of classes of fewer rows than `MIN_CLASS`.
    """
    asked = np.flatnonzero(np.bincount(codes)[codes] >= MIN_CLASS)
    answers = [
        typicality(activations, codes, asked, triggered, rng)
        for activations in sight.half_way
        for _ in range(ProbeSettings.n_repeats)
    ]
    predicted, typical = (np.stack(one, axis=1) for one in zip(*answers))
    return Likeness(predicted, typical)


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
        more; of all looks, the one that sees most.
    """
    return max(_excess(group, *look) for look in zip(*like))


def _excess(group, predicted, degree):
    """Return the excess at one look, of arrays of shape (n_repeats, n)."""
    n_classes = predicted.max() + 1
    more, less = (
        np.bincount(predicted[:, some].ravel(), degree[:, some].ravel(), n_classes)
        / max(1, some.sum() * len(predicted))
        for some in (group, ~group)
    )
    above = np.maximum(0, more - less)
    if not above.any():
        return 0.0
    share = above[above > 0] / above.sum()
    return float(above.sum() * np.exp(-np.sum(share * np.log(share))))
