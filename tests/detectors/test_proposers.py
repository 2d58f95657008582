import numpy as np
import pytest

from sklearn_ispl.detectors import _proposers
from sklearn_ispl.detectors._proposers import PROPOSERS, View, propose


def two_clusters():
    rng = np.random.RandomState(0)
    points = rng.normal(size=(60, 3)) + 9 * (np.arange(60) < 20)[:, None]
    return View(points, np.arange(60)[None] % 3)


def proposed(view, seed=0):
    return [*propose(view, np.random.RandomState(seed))]


def test_every_proposer_has_a_say():
    assert {name for name, _ in proposed(two_clusters())} == set(PROPOSERS)


def test_clusters_and_components_are_proposed():
    view = two_clusters()
    groups = {(name, *np.flatnonzero(group)) for name, group in proposed(view)}
    assert ("clusters", *range(20)) in groups
    assert {("components", *range(start, 60, 3)) for start in range(3)} <= groups


def test_clusters_of_every_start_are_proposed(monkeypatch):
    starts = iter(range(3))

    def clusters(points, most, rng, n_init):
        start = next(starts)
        yield np.where(np.arange(60) < 10 + start, 0, 1)

    monkeypatch.setattr(_proposers, "clusters", clusters)
    groups = [group for name, group in proposed(two_clusters()) if name == "clusters"]
    assert [group.sum() for group in groups] == [10, 50, 11, 49, 12, 48]


@pytest.mark.parametrize("left", PROPOSERS)
def test_a_proposer_draws_the_same_whoever_stands_beside_it(monkeypatch, left):
    def of(name):
        return [group for by, group in proposed(two_clusters()) if by == name]

    before = of(left)
    others = {"first": lambda view, rng: [rng.randint(2, size=60)], **PROPOSERS}
    monkeypatch.setattr(_proposers, "PROPOSERS", others)
    assert len(of("first")) == 2
    np.testing.assert_array_equal(of(left), before)
