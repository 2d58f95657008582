import numpy as np
import pytest

from sklearn_ispl import ISPLFilter
from sklearn_ispl._compatibility import (
    Evidence,
    contradicted_rows,
    excess_classes,
    half_way,
    incompatible_groups,
    rank_among,
    with_fringe,
)
from sklearn_ispl._groups import Group
from sklearn_ispl.datasets import make_dirty_label_backdoor, make_warping_trigger


def test_rows_like_the_held_out_ones_have_a_mean_rank_of_one_half():
    rng = np.random.RandomState(0)
    confidence, given = rng.beta(5, 1, size=2000), rng.beta(5, 1, size=2000)
    zeros = np.zeros(2000, dtype=int)
    assert rank_among(zeros, confidence, zeros, given).mean() == pytest.approx(
        0.5, abs=0.03
    )


def test_a_rank_is_among_the_rows_of_the_class_predicted():
    codes, given = np.repeat([0, 1], 4), np.r_[0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9]
    rank = rank_among(np.array([0, 1]), np.array([0.35, 0.65]), codes, given)
    np.testing.assert_array_equal(rank, [0.75, 0.25])


def test_a_class_without_held_out_rows_is_ranked_among_all():
    rank = rank_among(np.array([5]), np.array([0.5]), np.zeros(4, int), np.arange(4.0))
    assert rank == [0.25]


@pytest.mark.parametrize("n_classes", [1, 2, 8])
def test_excess_is_one_half_for_each_class_that_poison_came_from(n_classes):
    group = np.arange(160) < 80
    predicted = np.where(group, np.arange(160) % n_classes, 8)
    typical = np.where(group, 0.5, 0.2)
    excess = excess_classes(group, predicted[None], typical[None])
    assert excess == pytest.approx(n_classes / 2)


def test_excess_is_nothing_where_the_rest_is_typical_of_the_same_classes():
    predicted, typical = np.arange(80)[None] % 4, np.full((1, 80), 0.6)
    assert excess_classes(np.arange(80) < 40, predicted, typical) == 0


def test_excess_is_the_mean_over_the_models_asked():
    group = np.arange(40) < 20
    typical = np.where(group, [[1.0], [0.0]], 0.0)
    predicted = np.where(group, 1, 2)[None].repeat(2, axis=0)
    assert excess_classes(group, predicted, typical) == pytest.approx(0.5)


def test_few_classes_are_no_measure():
    codes = np.repeat([0, 1, 2], 30)
    assert found_in(None, codes, np.zeros((90, 2))) == []


def found_in(activations, codes, features, components=None, known=None, rate=0.05):
    if components is None:
        components = np.zeros((1, len(codes)), dtype=int)
    if known is None:
        known = np.zeros(len(codes), dtype=bool)
    rng = np.random.RandomState(1)
    return incompatible_groups(
        features, activations, codes, components, known, rng, rate
    )


def looks_of(truth):
    """Return activations that tell the true classes apart, whatever the labels."""
    rng = np.random.RandomState(2)
    return 4 * np.eye(10)[truth] + rng.normal(size=(len(truth), 10))


def ten_classes(n_poisoned=30, apart=8):
    """Return true classes, labels, features and the poisoned rows of class 3."""
    rng = np.random.RandomState(0)
    truth = np.repeat(np.arange(10), 60)
    codes = truth.copy()
    poisoned = np.sort(rng.choice(np.flatnonzero(truth != 3), n_poisoned, False))
    codes[poisoned] = 3
    features = rng.normal(size=(600, 5))
    features[poisoned] += apart
    return truth, codes, features, poisoned


def test_a_cluster_of_rows_of_other_classes_is_found_and_nothing_else():
    truth, codes, features, poisoned = ten_classes()
    evidence = found_in(looks_of(truth), codes, features)
    assert [found.label for found in evidence if found.suspect] == [3]
    assert isinstance(evidence[0], Evidence) and len(evidence) == 10
    np.testing.assert_array_equal(evidence[0].rows, poisoned)
    assert evidence[0].excess > 1
    scores = [found.score for found in evidence]
    assert scores == sorted(scores, reverse=True)


def test_poison_that_is_several_groups_is_found_whole():
    """Half of the class, in two clusters, from five classes each."""
    truth, codes, features, poisoned = ten_classes(n_poisoned=60)
    second = poisoned[truth[poisoned] > 5]
    features[second, 0] -= 30
    evidence = found_in(looks_of(truth), codes, features)
    assert [found.label for found in evidence if found.suspect] == [3]
    np.testing.assert_array_equal(evidence[0].rows, poisoned)


@pytest.mark.parametrize("n_rest", [30, 120])
def test_the_smaller_of_group_and_rest_counts(n_rest):
    """The score is that of a test of two means."""
    truth, codes, features, poisoned = ten_classes(n_poisoned=30)
    rest = np.flatnonzero((truth == 3) & (codes == 3))
    rows = np.r_[np.flatnonzero(codes != 3), poisoned, np.resize(rest, n_rest)]
    found = found_in(looks_of(truth)[rows], codes[rows], features[rows])[0]
    weight = np.sqrt(30 * n_rest / (30 + n_rest))
    assert found.score == pytest.approx(weight * found.excess)


def test_without_poison_nothing_is_suspect():
    truth, _, features, _ = ten_classes()
    evidence = found_in(looks_of(truth), truth, features)
    assert len(evidence) == 10 and not any(found.suspect for found in evidence)


def test_a_component_of_the_learner_is_a_group_to_test():
    """The poisoned rows are no cluster, but all of one component."""
    truth, codes, features, poisoned = ten_classes(apart=1.5)
    components = np.isin(np.arange(600), poisoned)[None].astype(int)
    with_it = found_in(looks_of(truth), codes, features, components)
    without = found_in(looks_of(truth), codes, features)
    of_class = [{e.label: e.score for e in found}[3] for found in (with_it, without)]
    assert of_class[0] > of_class[1]


@pytest.mark.parametrize(("rate", "suspect"), [(0.05, True), (1e-300, False)])
def test_the_rate_of_false_alarms_decides(rate, suspect):
    truth, codes, features, _ = ten_classes()
    evidence = found_in(looks_of(truth), codes, features, rate=rate)
    assert evidence[0].suspect == suspect


def test_rows_that_are_known_to_be_poison_are_left_out():
    truth, codes, features, poisoned = ten_classes()
    known = np.isin(np.arange(600), poisoned)
    evidence = found_in(looks_of(truth), codes, features, known=known, rate=0.01)
    assert not any(found.suspect for found in evidence)
    assert not known[np.concatenate([found.rows for found in evidence])].any()


def test_probes_are_not_fitted_to_rows_that_are_known_to_be_poison():
    truth, codes, features, poisoned = ten_classes()
    known, activations = np.isin(np.arange(600), poisoned), looks_of(truth)
    far = activations.copy()
    far[known] += 1000
    found, moved = (
        found_in(one, codes, features, known=known) for one in (activations, far)
    )
    assert [e.score for e in found] == pytest.approx([e.score for e in moved], rel=0.3)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("n_rows", [1, 2, 15])
def test_classes_of_few_rows_have_no_evidence(n_rows):
    truth, codes, features, _ = ten_classes()
    kept = (truth != 9) | (np.arange(600) < 540 + n_rows)
    kept &= (codes == truth) | (truth != 9)
    truth, codes = truth[kept], codes[kept]
    evidence = found_in(looks_of(truth), codes, features[kept])
    assert {found.label for found in evidence} == set(range(9))
    assert evidence[0].label == 3 and evidence[0].suspect


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("n_others", [1, 2])
def test_a_class_among_others_of_next_to_no_rows_has_no_excess(n_others):
    codes = np.r_[np.zeros(20, int), np.repeat(np.arange(1, 6), n_others)]
    features = np.random.RandomState(0).normal(size=(len(codes), 3))
    evidence = found_in(features, codes, features)
    assert [found.label for found in evidence] == [0] and not evidence[0].suspect


def test_without_a_class_of_enough_rows_there_is_no_evidence():
    codes = np.repeat(np.arange(6), 15)
    assert found_in(np.zeros((90, 2)), codes, np.zeros((90, 2))) == []


def test_the_fringe_is_the_half_of_the_class_that_is_most_like_the_group():
    _, codes, features, poisoned = ten_classes()
    group = with_fringe(poisoned[:20], codes, features, np.random.RandomState(0))
    np.testing.assert_array_equal(group.rows, poisoned[:20])
    assert set(poisoned[20:]) <= set(group.fringe) and len(group.fringe) == 35
    assert (codes[group.fringe] == 3).all()


def contradicted_in(activations, codes, *groups, known=()):
    known = np.isin(np.arange(len(codes)), known)
    groups = [Group(*rows) for rows in groups]
    rng = np.random.RandomState(3)
    return contradicted_rows(activations, codes, known, groups, rng)


def test_probes_half_way_see_so_many_components():
    activations = np.random.RandomState(0).normal(size=(300, 200))
    assert half_way(activations, np.random.RandomState(0)).shape == (300, 100)
    few = half_way(activations[:, :7], np.random.RandomState(0))
    assert few.shape == (300, 7)


def test_rows_of_other_classes_are_contradicted_in_a_group_and_in_its_fringe():
    truth, codes, _, poisoned = ten_classes()
    parts = poisoned[:20], poisoned[20:]
    contradicted = contradicted_in(looks_of(truth), codes, parts)
    assert contradicted[poisoned].all()
    # Of the rows of other classes so many are taken for contradicted.
    assert contradicted[codes == truth].mean() == pytest.approx(0.02, abs=0.02)


def test_rows_that_teach_the_probes_their_label_are_not_contradicted():
    truth, codes, features, poisoned = ten_classes(n_poisoned=300)
    looks = np.c_[looks_of(truth), features]
    taught = contradicted_in(looks, codes, (poisoned[:20],))
    untaught = contradicted_in(looks, codes, (poisoned[:20], poisoned[20:]))
    assert taught[poisoned].mean() < 0.1 and untaught[poisoned].mean() > 0.9


@pytest.mark.parametrize("left_out", ["known", "group"])
def test_probes_are_fitted_to_no_row_that_is_left_out(left_out):
    truth, codes, _, poisoned = ten_classes()
    group, known = (poisoned[:20], poisoned[20:]), np.flatnonzero(truth == 3)[:5]
    rest = np.setdiff1d(np.arange(600), [*poisoned, *known])
    far = looks_of(truth)
    near = far.copy()
    far[known if left_out == "known" else poisoned] += 1000
    found, moved = (
        contradicted_in(one, codes, group, known=known)[rest] for one in (near, far)
    )
    np.testing.assert_array_equal(found, moved)


def test_without_a_group_nothing_is_contradicted():
    truth, codes, _, _ = ten_classes()
    assert not contradicted_in(looks_of(truth), codes).any()


def test_where_all_classes_have_groups_the_rows_left_are_the_measure():
    truth, codes, _, poisoned = ten_classes()
    clean = [(np.flatnonzero(codes == code)[:20],) for code in range(10) if code != 3]
    contradicted = contradicted_in(looks_of(truth), codes, (poisoned,), *clean)
    assert contradicted[poisoned].all()
    assert contradicted[codes == truth].mean() < 0.06


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("n_left", [0, 1, 2, 12])
def test_where_next_to_nothing_is_left_next_to_nothing_is_contradicted(n_left):
    truth, codes, _, _ = ten_classes()
    rows = np.arange(600)
    left = rows % 50 == 0
    left[np.flatnonzero(left)[n_left:]] = False
    contradicted = contradicted_in(
        looks_of(truth), codes, (rows[:10],), known=rows[~left]
    )
    assert contradicted.mean() < 0.5


def test_a_warped_set_is_found_by_what_it_is_incompatible_with(digit_images):
    X, y = digit_images
    trigger = make_warping_trigger(X, strength=1.0, random_state=0)
    X, y, poisoned, _ = make_dirty_label_backdoor(
        X, y, target=9, poison_rate=0.1, rate_of="all", cover_rate=0.1,
        trigger=trigger, random_state=0,
    )  # fmt: skip
    ispl = ISPLFilter(random_state=0).fit(X, y)
    assert [found.label for found in ispl.evidence_ if found.suspect] == [9]
    assert 9 in ispl.poisoned_classes_
    assert ispl.support_[poisoned].mean() < 0.35
    assert ispl.support_[~poisoned].mean() > 0.97
