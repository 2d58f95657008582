import numpy as np
import pytest
from scipy.stats import fisher_exact

from sklearn_ispl._compatibility import Evidence
from sklearn_ispl.detectors._trigger_search import Found
from sklearn_ispl.learners._tasks import Verdict
from sklearn_ispl.rules import _core
from sklearn_ispl.rules._core import find_poison, proved


def classes_with_odd_rows(n_classes=4):
    """Twenty rows of class 0 are alike, and half way through a model of class 1."""
    codes = np.repeat(np.arange(n_classes), 100)
    odd = np.arange(len(codes)) < 20
    rng, looks = np.random.RandomState(0), 6 * np.eye(n_classes + 2)
    features = looks[codes + n_classes * odd]
    features = features + rng.normal(size=features.shape)
    activations = rng.normal(size=features.shape) + looks[codes + odd]
    return codes, odd, Verdict(np.zeros(len(codes)), codes, features, activations)


def finding(
    codes, whole, triggers=(), evidence=(), monkeypatch=None, taught=1.0, seed=0
):
    if monkeypatch is not None:
        found = list(evidence)
        monkeypatch.setattr(_core, "incompatible_groups", lambda *args: found)
    components = np.arange(len(codes))[None] % 8
    rng = np.random.RandomState(seed)
    taught = np.broadcast_to(taught, len(codes))
    return find_poison(triggers, [whole], taught, components, codes, rng, 0.03)


def test_groups_are_rejected_as_the_evidence_says(monkeypatch):
    codes, odd, whole = classes_with_odd_rows()
    rows = np.flatnonzero(odd)
    poison = Evidence(0, rows, "clusters", "typical", 1.5, 0.9, 2.0, 0.01, True)
    clean = Evidence(1, np.arange(100, 110), "components", "typical", 0.1, 0.9, 0.1)
    found = finding(codes, whole, [], [poison, clean], monkeypatch)
    np.testing.assert_array_equal(found.support, ~odd)
    assert found.poisoned.tolist() == [0] and not len(found.unlearned)
    assert found.evidence == [poison, clean] and not found.triggers
    assert found.suspicion[odd].min() >= 0.5 > found.suspicion[~odd].max()


def test_groups_are_sought_in_what_the_model_sees():
    codes, odd, whole = classes_with_odd_rows(n_classes=10)
    found = finding(codes, whole)
    assert found.evidence[0].label == 0
    assert found.evidence[0].level < 0.05 and found.evidence[1].level > 0.2
    np.testing.assert_array_equal(found.evidence[0].rows, np.flatnonzero(odd))


def test_rows_with_a_trigger_are_rejected(monkeypatch):
    codes, odd, whole = classes_with_odd_rows()
    triggered = np.flatnonzero(odd)[:10]
    found = finding(codes, whole, [Found(triggered, "a")], [], monkeypatch)
    np.testing.assert_array_equal(np.flatnonzero(~found.support), triggered)
    assert found.triggers == {0: "a"} and (found.suspicion[triggered] == 1).all()


def test_a_trigger_decides_also_where_its_group_does_not_stand_out(monkeypatch):
    codes, odd, whole = classes_with_odd_rows()
    rows = np.flatnonzero(odd)
    kept = Evidence(0, rows, "clusters", "typical", 0.2, 0.9, 1.0, 0.4)
    found = finding(codes, whole, [Found(rows[:10])], [kept], monkeypatch)
    np.testing.assert_array_equal(np.flatnonzero(~found.support), rows[:10])


@pytest.mark.parametrize("seed", [0, 1])
def test_what_is_found_hangs_on_the_random_state_alone(seed):
    codes, _, whole = classes_with_odd_rows(n_classes=10)
    once, again = (finding(codes, whole, seed=seed) for _ in range(2))
    np.testing.assert_array_equal(once.suspicion, again.suspicion)
    assert [e.score for e in once.evidence] == [e.score for e in again.evidence]


def test_patterns_that_few_rows_share_are_judged_by_probes(monkeypatch):
    codes, odd, whole = classes_with_odd_rows()
    parts = np.flatnonzero(odd), np.arange(120, 140)
    poison, clean = (Found(rows, is_sure=False) for rows in parts)
    found = finding(codes, whole, [poison, clean], [], monkeypatch)
    np.testing.assert_array_equal(found.support, ~odd)
    assert not found.triggers


def test_classes_that_models_of_other_rows_do_not_know_are_named(monkeypatch):
    codes, odd, whole = classes_with_odd_rows()
    taught = np.where(codes == 2, np.arange(400) % 5 / 10, 0.16)
    found = finding(codes, whole, [], [], monkeypatch, taught)
    assert not len(found.unlearned)
    taught[codes == 2] *= 0.7
    found = finding(codes, whole, [], [], monkeypatch, taught)
    assert found.unlearned.tolist() == [2] and found.support.all()


@pytest.mark.parametrize("n_found", [1, 10])
@pytest.mark.parametrize(
    ("n_in_group", "n_in_rest"), [(2, 0), (3, 0), (3, 3), (4, 3), (5, 3), (10, 30)]
)
def test_few_rows_with_a_pattern_are_poison_if_more_are_contradicted_than_by_chance(
    n_in_group, n_in_rest, n_found, monkeypatch
):
    counts = [[n_in_group, 10 - n_in_group], [n_in_rest, 30 - n_in_rest]]
    level = fisher_exact(counts, alternative="greater").pvalue
    order, codes = np.arange(50), np.repeat([0, 1], [40, 10])
    contradicted = (order < n_in_group) | (order >= 10) & (order < 10 + n_in_rest)
    monkeypatch.setattr(_core, "contradicted_rows", lambda *_: contradicted)
    others = [Found(order[45:], is_sure=False)] * (n_found - 1)
    found = [Found(order[:10], is_sure=False), *others]
    answer = proved(found, None, codes, None, 0.05)
    assert len(answer) == (level <= 0.05 / n_found)
    assert all(one is found[0] for one in answer)


def test_what_is_sure_needs_no_probes(monkeypatch):
    monkeypatch.delattr(_core, "contradicted_rows")
    found = [Found(np.arange(4), "a"), Found(np.arange(10, 50))]
    assert proved(found, None, np.zeros(100, dtype=int), None, 0.05) == found


@pytest.mark.parametrize("is_sure", [True, False])
def test_rows_of_which_it_is_sure_are_no_rest_of_a_class(is_sure, monkeypatch):
    """A hundred rows that are contradicted would hide that half of a pattern is."""
    order, codes = np.arange(300), np.zeros(300, dtype=int)
    contradicted = (order < 110) | (order >= 120) & (order < 124)
    monkeypatch.setattr(_core, "contradicted_rows", lambda *_: contradicted)
    pattern = Found(order[100:120], is_sure=False)
    known = [Found(order[:100], "a")] if is_sure else []
    assert proved([*known, pattern], None, codes, None, 0.05)[len(known) :] == (
        [pattern] if is_sure else []
    )
