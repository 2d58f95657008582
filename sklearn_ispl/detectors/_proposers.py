"""Proposers: which groups of rows of a class are tested for compatibility.

Each is one function, which takes a view of the class and a random state and has ways to
cut it into parts; all parts are tested. A new one is added to `PROPOSERS`.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .._groups import clusters, leading
from ..learners._weak_learner import draw_seed


@dataclass(frozen=True)
class ProposerSettings:
    """How many parts of a class are proposed, each figure with its reason."""

    max_clusters: int = 5  # a class is cut into 2 to so many
    n_starts: int = 3  # of k-means: the best by k-means need not be most like poison


class View(NamedTuple):
    """What proposers see of the rows of a class.

    The leading components of their features in some models, of shape (n, n_components),
    and the components of Inverse Self-Paced Learning that they are in, of shape
    (n_repeats, n).
    """

    points: np.ndarray
    components: np.ndarray


def clusters_of(view, rng):
    """Return clusters in the features of models."""
    for _ in range(ProposerSettings.n_starts):
        yield from clusters(view.points, ProposerSettings.max_clusters, rng, n_init=1)


def components_of(view, rng):
    """Return the components of Inverse Self-Paced Learning, of each repeat."""
    return view.components


# By name: what `Evidence.proposer` says.
PROPOSERS = {"clusters": clusters_of, "components": components_of}


def propose(view, rng):
    """Yield groups to test, each with the name of its proposer.

    Every proposer draws from a stream of its own, so that one more changes no other's
    draws.

    Parameters
    ----------
    view : View
    rng : RandomState

    Yields
    ------
    name : str
    group : ndarray of shape (n,), bool
    """
    seed = draw_seed(rng)
    for name, proposer in PROPOSERS.items():
        own_rng = np.random.RandomState([seed, *name.encode()])
        for parts in proposer(view, own_rng):
            for part in np.unique(parts):
                yield name, parts == part


def proposals_of(features, components):
    """Return a function that proposes groups of some rows of a class.

    Parameters
    ----------
    features : ndarray of shape (n, n_features)
    components : ndarray of shape (n_repeats, n), int

    Returns
    -------
    proposals : callable
        Takes the numbers of rows and a random state, see `propose`.
    """

    def proposals(rows, rng):
        return propose(View(leading(features[rows], rng), components[:, rows]), rng)

    return proposals
