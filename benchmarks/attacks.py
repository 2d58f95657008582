"""The attacks of the exam: name, how it is made, and the rates at which it is run.

Every entry is one setting that the literature uses. A recipe takes the clean rows, the
target and a rate and returns the poisoned set; see `make_attack`.
"""

from functools import partial
from typing import NamedTuple

import numpy as np

from sklearn_ispl import datasets


class Attack(NamedTuple):
    """A poisoned set, and on which images its success is measured."""

    X: np.ndarray
    y: np.ndarray
    poisoned: np.ndarray
    covers: np.ndarray
    # Triples of trigger, source classes and the label that they shall be taken for.
    victims: list


# Rates, as shares of all rows.
RARE, USUAL, MANY = 0.01, 0.05, 0.1


# Triggers that are no `make_*_trigger` of their own, and those that draw nothing.
SHAPES = {"patch": "patch", "large patch": "large"}
UNDRAWN = {"sinusoid", "dct", "picture", "piecewise", "quantisation", "photo"}


def _trigger(name, X, rng, **options):
    if name in SHAPES:
        return datasets.make_trigger(X, SHAPES[name], random_state=rng)
    if name not in UNDRAWN:
        options["random_state"] = rng
    return getattr(datasets, f"make_{name}_trigger")(X, **options)


def dirty(X, y, target, rate, rng, *, trigger, covers=0, one_source=False, **options):
    """All classes to one, or one to one; `covers` are a multiple of the poison."""
    made = _trigger(trigger, X, rng, **options)
    others = np.setdiff1d(np.unique(y), [target])
    source, cover_source = None, None
    if one_source:
        source = common(y, others, rng)
        cover_source = np.setdiff1d(others, [source]).tolist()
    X, y, poisoned, made, covered = datasets.make_dirty_label_backdoor(
        X,
        y,
        source=source,
        target=target,
        poison_rate=rate,
        rate_of="all",
        cover_rate=covers * rate,
        cover_source=cover_source if covers else None,
        trigger=made,
        return_covers=True,
        random_state=rng,
    )
    sources = others if source is None else [source]
    return Attack(X, y, poisoned, covered, [(made, sources, target)])


def _of_class(X, y, target, rate, rng, *, trigger):
    """A share of the target class is replaced, as in B.2 of the paper."""
    source = common(y, np.setdiff1d(np.unique(y), [target]), rng)
    X, y, poisoned, made = datasets.make_dirty_label_backdoor(
        X, y, source=source, target=target, poison_rate=rate, trigger=trigger,
        random_state=rng,
    )  # fmt: skip
    return Attack(X, y, poisoned, np.zeros_like(poisoned), [(made, [source], target)])


def _clean_label(X, y, target, rate, rng, *, trigger, **options):
    made = trigger if callable(trigger) else _trigger(trigger, X, rng, **options)
    X, y, poisoned, made = datasets.make_clean_label_backdoor(
        X, y, target=target, poison_rate=rate, trigger=made, perturbation=None,
        random_state=rng,
    )  # fmt: skip
    others = np.setdiff1d(np.unique(y), [target])
    return Attack(X, y, poisoned, np.zeros_like(poisoned), [(made, others, target)])


def _narcissus(X, y, target, rate, rng, *, other):
    """The attacker knows the rows of the target class, and images of other data."""
    made = datasets.make_narcissus_trigger(X[y == target], *other, random_state=rng)
    return _clean_label(X, y, target, rate, rng, trigger=made)


def _two(X, y, target, rate, rng, *, same_target):
    """Two attackers who know nothing of one another."""
    one = dirty(X, y, target, rate / 2, rng, trigger="patch")
    made = _trigger("sinusoid", X, rng)
    second = target
    if not same_target:
        second = common(y, np.setdiff1d(np.unique(y), [target]), rng)
    X, y, poisoned, made = datasets.make_dirty_label_backdoor(
        one.X, one.y, target=second, poison_rate=rate / 2, rate_of="all", trigger=made,
        protected=one.poisoned, random_state=rng,
    )  # fmt: skip
    others = np.setdiff1d(np.unique(y), [second])
    victims = [*one.victims, (made, others, second)]
    return Attack(X, y, poisoned | one.poisoned, one.covers, victims)


def all_to_all(X, y, target, rate, rng, *, trigger):
    classes = np.unique(y)
    X, y, poisoned, made = datasets.make_all_to_all_backdoor(
        X, y, poison_rate=rate, trigger=_trigger(trigger, X, rng), random_state=rng
    )
    victims = [(made, [a], b) for a, b in zip(classes, np.roll(classes, -1))]
    return Attack(X, y, poisoned, np.zeros_like(poisoned), victims)


def _none(X, y, target, rate, rng):
    poisoned = np.zeros(len(y), dtype=bool)
    return Attack(X, y, poisoned, poisoned.copy(), [])


def common(y, among, rng):
    """Draw one of the ten most frequent of some classes."""
    labels, counts = np.unique(y[np.isin(y, among)], return_counts=True)
    return int(rng.choice(labels[np.argsort(-counts, kind="stable")[:10]]))


# Recipe, and rates: of all rows, but for those of `OF_CLASS`. Those of `AUTHORS` are
# stronger than their authors' settings.
ATTACKS = {
    "none": (_none, [0.0]),
    "patch": (partial(dirty, trigger="patch"), [0.005, RARE, USUAL, MANY]),
    "patch, one class": (partial(_of_class, trigger="ell"), [0.05, 0.1, 0.2]),
    "large patch": (partial(dirty, trigger="large patch"), [USUAL]),
    "patch anywhere": (partial(dirty, trigger="moving_patch"), [USUAL, MANY]),
    "warping": (
        partial(dirty, trigger="warping", strength=1.0, covers=1),
        [USUAL, MANY],
    ),
    "sinusoid": (partial(dirty, trigger="sinusoid"), [RARE, USUAL, MANY]),
    "sinusoid, clean label": (partial(_clean_label, trigger="sinusoid"), [0.4]),
    "photograph": (partial(dirty, trigger="picture", picture="china"), [RARE, USUAL]),
    "cartoon": (partial(dirty, trigger="picture", picture="cartoon"), [USUAL, MANY]),
    "blended in pieces": (
        partial(dirty, trigger="piecewise", covers=1),
        [0.02, USUAL],
    ),
    "patches in turn": (
        partial(dirty, trigger="alternating_patch", covers=2),
        [0.02, USUAL],
    ),
    "pixels in turn": (
        partial(dirty, trigger="pixel_set", n_pixels=8, covers=1),
        [USUAL],
    ),
    "source-specific": (
        partial(dirty, trigger="patch", covers=1, one_source=True),
        [0.03],
    ),
    "image-specific": (
        partial(dirty, trigger="image_specific", amplitude=0.24),
        [USUAL, MANY],
    ),
    "quantisation": (partial(dirty, trigger="quantisation", levels=3), [MANY]),
    "photo filter": (partial(dirty, trigger="photo"), [USUAL, MANY]),
    "smooth": (partial(dirty, trigger="smooth"), [0.02, MANY]),
    "frequency": (partial(dirty, trigger="dct", magnitude=1.5), [USUAL, MANY]),
    "two triggers, one target": (partial(_two, same_target=True), [MANY]),
    "two triggers, two targets": (partial(_two, same_target=False), [MANY]),
    "all to the next": (partial(all_to_all, trigger="patch"), [MANY]),
    "blend, one class": (
        partial(dirty, trigger="blended", one_source=True),
        [RARE, 0.02, 0.03, 0.04],
    ),
    "features": (partial(dirty, trigger="feature"), [0.02, USUAL]),
    "quantisation, plain": (
        partial(dirty, trigger="quantisation", levels=3, dither=False),
        [MANY],
    ),
    "narcissus": (_narcissus, [0.3, 0.1]),
}

# What the authors of these attacks have in place of the exam's strength.
AUTHORS = {
    "warping": {"strength": 0.5},
    "pixels in turn": {"n_pixels": 4, "n_painted": 1},
    "image-specific": {"amplitude": 0.08},
    "quantisation": {"levels": 8},
    "quantisation, plain": {"levels": 8},
    "frequency": {"magnitude": 30 / 255},
}

# Rates of these are shares of the target class.
OF_CLASS = {"patch, one class", "sinusoid, clean label", "narcissus"}
# Their attacker knows images of other data: the option `other`, X and y.
KNOW_OTHER = {"narcissus"}
# Attacks that are not in the list for choosing.
UNSEEN = {
    "cartoon", "frequency", "large patch", "narcissus", "photo filter",
    "pixels in turn", "quantisation", "quantisation, plain", "source-specific",
    "two triggers, two targets",
}  # fmt: skip


def make_attack(name, X, y, rate, seed, **options):
    """Return the poisoned set of an attack; the target is drawn by the seed.

    Options are those of the recipe: of the trigger, in place of the exam's.
    """
    rng = np.random.RandomState(seed)
    target = common(y, np.unique(y), rng)
    recipe, _ = ATTACKS[name]
    return recipe(X, y, target, rate, rng, **options)
