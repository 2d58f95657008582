import numpy as np
import pytest
from sklearn.decomposition import PCA

from sklearn_ispl import _groups
from sklearn_ispl._discriminant import whitened
from sklearn_ispl._groups import (
    GroupSettings,
    clusters,
    few_classes,
    leading,
    log_odds,
    odds_within,
    set_apart,
    small_clusters,
)


def two_classes(seed=0, n_odd=30, distance=8.0):
    """Rows of two classes in the plane and beyond; some of class 0 lie apart."""
    rng = np.random.RandomState(seed)
    codes = np.repeat([0, 1], 300)
    odd = np.arange(600) < n_odd
    centres = np.array([[0, 0, 0, 0], [4, 0, 0, 0], [0, distance, 0, 0]])
    return centres[codes + 2 * odd] + rng.normal(size=(600, 4)), codes, odd


def test_clusters_are_numbered():
    features, codes, _ = two_classes()
    rng = np.random.RandomState(0)
    found = [*clusters(leading(features, rng), 4, rng)]
    assert np.shape(found) == (3, 600)
    assert [*map(np.ptp, found)] == [1, 2, 3] and not np.min(found, axis=1).any()


def test_the_same_draw_gives_the_same_components_and_clusters():
    points = np.random.RandomState(0).normal(size=(600, 550))
    first, again = (leading(points, np.random.RandomState(1)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    for one, other in zip(
        clusters(first, 8, np.random.RandomState(2)),
        clusters(first, 8, np.random.RandomState(2)),
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("n_classes, few", [(4, 2), (29, 2), (30, 3), (100, 10)])
def test_a_tenth_of_the_classes_are_few_and_at_least_two(n_classes, few):
    assert few_classes(n_classes) == few and isinstance(few_classes(n_classes), int)


@pytest.mark.filterwarnings("error")
def test_equal_rows_have_clusters_too():
    features = np.repeat([[0.0, 1.0], [1.0, 0.0]], 6, axis=0)
    rng = np.random.RandomState(0)
    for found in clusters(leading(features, rng), 3, rng):
        assert len(np.unique(found)) == 2
    assert not np.any([*clusters(leading(np.ones((12, 3)), rng), 2, rng)])


@pytest.mark.parametrize("shape", [(40, 3), (4, 30), (40, 30)])
def test_leading_components_are_so_many_at_most(shape):
    features = np.random.RandomState(0).normal(size=shape)
    points = leading(features, np.random.RandomState(0), n_components=5)
    assert points.shape == (shape[0], min(5, *shape))
    spread = points.std(axis=0)
    assert (np.diff(spread) <= 1e-9).all()
    assert abs(spread[0] - PCA(1).fit_transform(features).std()) < 1e-6


def test_classes_of_few_rows_have_no_small_clusters():
    rng = np.random.RandomState(0)
    for n in range(12):
        assert not list(small_clusters(rng.normal(size=(n, 3)), rng))
    apart = np.repeat([[0.0, 0.0], [9.0, 0.0]], [8, 4], axis=0)
    found = list(small_clusters(apart + rng.normal(size=(12, 2)), rng, most=2))
    np.testing.assert_array_equal(found, [np.arange(12) >= 8])


@pytest.mark.parametrize("most", [2, 5])
def test_small_clusters_are_a_few_rows_to_a_third_of_the_class(most):
    features, codes, odd = two_classes()
    rng = np.random.RandomState(0)
    found = list(small_clusters(features[codes == 0], rng, most))
    assert 0 < len(found) < sum(range(2, most + 1))
    for cluster in found:
        assert cluster.shape == (300,) and 4 <= cluster.sum() <= 100
    assert any((cluster == odd[codes == 0]).all() for cluster in found)


def within(features, codes, group, seed=0):
    seen = [whitened(features, codes, 0.01)[codes == 0]]
    return odds_within(seen, np.random.RandomState(seed), group)


@pytest.mark.parametrize("share", [0.3, 0.6, 1.0])
def test_within_a_class_a_part_of_what_lies_apart_is_taken_for_all_of_it(share):
    features, codes, odd = two_classes()
    odd = odd[codes == 0]
    part = odd & (np.random.RandomState(1).uniform(size=300) < share)
    np.testing.assert_array_equal(within(features, codes, part) > 0, odd)


def test_rows_within_a_class_are_judged_by_probes_that_never_saw_them():
    """A group of rows like all others of its class is not known by heart."""
    codes, group = np.repeat([0, 1], [100, 500]), np.arange(100) % 2 == 0
    features = np.random.RandomState(0).normal(size=(600, 60))
    odds = within(features, codes, group) - np.log(GroupSettings.weight)
    assert np.mean((odds > 0) == group) == pytest.approx(0.5, abs=0.1)


def test_a_group_is_held_for_more_likely_than_its_size_says():
    features, codes, _ = two_classes(n_odd=0)
    features[:] = 0
    group = np.arange(300) < 100
    odds = within(features, codes, group)
    np.testing.assert_allclose(odds, np.log(GroupSettings.weight / 2), atol=0.2)


@pytest.mark.parametrize("group", [np.zeros(300, bool), np.ones(300, bool)])
def test_within_a_class_without_a_group_or_without_a_rest_no_probe_can_tell(group):
    features, codes, _ = two_classes()
    assert not within(features, codes, group).any()


@pytest.mark.parametrize("rows", [[0, 3], [True, False, False, True, False]])
def test_rows_that_are_set_apart_are_classes_of_their_own(rows):
    codes = np.array([0, 1, 1, 2, 0])
    apart = set_apart(codes, np.array(rows))
    assert apart.tolist() == [3, 1, 1, 5, 0] and codes.tolist() == [0, 1, 1, 2, 0]


def test_the_odds_may_be_the_least_over_what_models_see(monkeypatch):
    answers = iter([[1, 2], [3, -4], [1, 2], [3, -4]])
    monkeypatch.setattr(_groups, "_log_odds", lambda *_: np.array(next(answers)))
    for over, odds in [(np.min, [1, -4]), (np.mean, [2, -1])]:
        found = log_odds([None, None], None, None, None, over)
        np.testing.assert_array_equal(found, odds)


def test_the_odds_are_the_mean_over_what_models_see():
    features, codes, odd = two_classes()
    other = np.random.RandomState(0).normal(size=features.shape)
    both, one, nothing = (
        log_odds(seen, codes, odd, np.random.RandomState(0))
        for seen in ([features, features], [features], [features, other])
    )
    np.testing.assert_allclose(both[odd], one[odd], rtol=0.5)
    assert one[odd].min() > 0
    of_class = codes == 0
    assert np.abs(nothing[of_class]).mean() < 0.7 * np.abs(one[of_class]).mean()
    assert (nothing[~of_class] == -np.inf).all()


@pytest.mark.filterwarnings("error")
def test_models_that_cannot_tell_leave_the_odds_open(monkeypatch):
    answers = iter([[np.inf, -np.inf, 1, 2], [-np.inf, 1, 3, np.inf]])
    monkeypatch.setattr(_groups, "_log_odds", lambda *_: np.array(next(answers)))
    odds = log_odds([None, None], None, None, None)
    np.testing.assert_array_equal(odds, [0, -np.inf, 2, np.inf])


def odds_of(features, codes, group, seed=0):
    return log_odds([features], codes, group, np.random.RandomState(seed))


def test_rows_are_judged_by_probes_that_never_saw_them():
    """A group of rows like all others of its class is not known by heart."""
    codes, group = np.repeat([0, 1], [200, 400]), np.arange(600) % 2 == 0
    features = np.random.RandomState(0).normal(size=(600, 150))
    of_class = codes == 0
    odds = odds_of(features, codes, group & of_class)[of_class]
    odds -= np.log(GroupSettings.weight)
    assert np.mean((odds > 0) == group[of_class]) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("code", [0, 1])
def test_a_group_is_more_likely_than_its_size_says(code):
    codes = np.repeat([0, 1], 300)
    group = np.arange(600) % 300 < 100
    odds = odds_of(np.zeros((600, 2)), codes, group & (codes == code))
    np.testing.assert_allclose(
        odds[codes == code], np.log(GroupSettings.weight / 2), atol=0.2
    )


@pytest.mark.parametrize("n_rows, known", [(1, False), (2, True), (3, True)])
def test_two_rows_of_a_group_are_enough_for_a_probe(n_rows, known):
    """The others of their fold are judged by those that are left, if any are."""
    features, codes, _ = two_classes(n_odd=0)
    fold = np.random.RandomState(0).permutation(600) % GroupSettings.n_folds
    of_class = codes == 1
    group = np.zeros(600, dtype=bool)
    group[np.flatnonzero(of_class & (fold == 0))[:n_rows]] = True
    features[group, 1] += 50
    odds = odds_of(features, codes, group)
    assert (odds[of_class & (fold == 0)] == -np.inf).all()
    others = odds[of_class & (fold > 0)]
    assert (others < 0).all() and (np.isfinite(others) == known).all()


def test_a_class_that_is_all_of_a_group_has_no_rest():
    features, codes, _ = two_classes()
    odds = odds_of(features, codes, codes == 0)
    assert (odds[codes == 0] == np.inf).all() and (odds[codes == 1] == -np.inf).all()
