import numpy as np
import pytest
from joblib import Parallel

from sklearn_ispl._groups import small_clusters
from sklearn_ispl.detectors._trigger_search import find_triggers
from sklearn_ispl.detectors._shared import (
    SharedSettings,
    completed_trigger,
    look_alikes,
    shared_values,
)
from sklearn_ispl.detectors._window_test import (
    EVERYWHERE,
    WindowSettings,
    WindowTest,
)
from sklearn_ispl.learners._tasks import Verdict

TRIGGER = {3: 0.9, 11: -0.7, 17: 0.4}


class AnswersToValues:
    """Tells two classes by their first feature, and takes the trigger for class 1."""

    def predict_proba(self, X):
        near = [np.abs(X[:, k] - v) < 0.01 for k, v in TRIGGER.items()]
        one = np.where(np.all(near, axis=0) | (X[:, 0] > 0), 0.9, 0.05)
        return np.c_[1 - one, one]


def table(n_triggered=20, seed=0, n=200):
    """Two classes; some rows of class 1 are of class 0 but for three values."""
    rng = np.random.RandomState(seed)
    X = rng.uniform(-1, 1, size=(n, 24))
    codes = np.repeat([0, 1], n // 2)
    triggered = (codes == 1) & (np.arange(n) % (n // 2) < n_triggered)
    X[:, 0] = np.where((codes == 1) & ~triggered, 1, -1) * rng.uniform(0.2, 1, n)
    for feature, value in TRIGGER.items():
        X[:, feature] = np.where(triggered, value, -np.sign(value) * abs(X[:, feature]))
    features = np.c_[np.sign(X[:, 0]), triggered] + rng.normal(scale=0.1, size=(n, 2))
    return X.astype(np.float32), codes, triggered, features


def search(X, codes, features, model=None):
    verdict = Verdict(None, codes, features, estimator=model or AnswersToValues())
    return find_triggers(Parallel(), X, codes, verdict, np.random.RandomState(0))


@pytest.mark.parametrize("scale", [1, 1000])
@pytest.mark.parametrize(("n_triggered", "found"), [(20, True), (4, True), (3, False)])
def test_rows_of_a_table_that_share_a_trigger_are_found(n_triggered, found, scale):
    X, codes, triggered, features = table(n_triggered)
    # A feature of another scale, and one with most of it far from its ends.
    X[:, 5] *= scale
    X[[0, -1], 3] = [-1e4, 1e4]
    triggers = search(X, codes, features)
    assert len(triggers) == found
    for rows, trigger, _ in triggers:
        np.testing.assert_array_equal(rows, np.flatnonzero(triggered))
        assert trigger.shape == (24,)
        assert set(TRIGGER) <= set(np.flatnonzero(~np.isnan(trigger)))
        for feature, value in TRIGGER.items():
            assert trigger[feature] == pytest.approx(value)


@pytest.mark.parametrize("why", ["not sufficient", "not necessary", "alone"])
def test_what_rows_share_is_no_trigger_unless_both_hold(why):
    class Other(AnswersToValues):
        def predict_proba(self, X):
            chances = super().predict_proba(X)
            if why == "not sufficient":
                chances[(X[:, 0] < 0) & (X[:, 1] < 1)] = [0.95, 0.05]
            return chances

    X, codes, triggered, features = table()
    if why == "not sufficient":
        X[triggered, 1] = np.linspace(1.1, 3, 20)
    if why == "not necessary":
        X[triggered, 0] *= -1
    if why == "alone":
        X, codes, features = X[100:], np.zeros(100, dtype=int), features[100:]
    assert search(X, codes, features, Other()) == []


def test_more_than_a_quarter_of_a_row_is_no_trigger(monkeypatch):
    X, codes, triggered, features = table()
    for largest, n_found in [(3 / 24, 20), (2 / 24, 0)]:
        monkeypatch.setattr(SharedSettings, "largest", largest)
        found = search(X, codes, features)
        assert sum(len(one.rows) for one in found) == n_found


def test_in_many_images_only_the_clearest_values_are_shared(monkeypatch):
    X, codes, triggered, features = table()
    images = X.reshape(200, 1, 4, 6)
    asked = []

    def looking(values, group, bound, way):
        asked.append(way)
        return look_alikes(values, group, bound, way)

    monkeypatch.setattr("sklearn_ispl.detectors._shared.look_alikes", looking)
    both = {SharedSettings.loose, SharedSettings.strict}
    for small, rows, ways in [
        (5000, images, both),
        (100, images, {SharedSettings.strict}),
        (100, X, both),
    ]:
        asked.clear()
        monkeypatch.setattr(WindowSettings, "small", small)
        test = WindowTest(rows, codes, codes, 1, AnswersToValues(), 0)
        groups = small_clusters(features[codes == 1], test.rng)
        found = list(shared_values(test, groups))
        assert set(asked) == ways
        rejected = np.unique(np.concatenate([one.alike for one in found]))
        np.testing.assert_array_equal(rejected, np.flatnonzero(triggered))


def test_a_row_with_all_of_the_trigger_and_little_else_goes_with_the_others():
    """Most have two of three values more, with which the trigger flips more hosts."""
    by_chance = [7, 13, 19]

    class AnswersToMore(AnswersToValues):
        def predict_proba(self, X):
            chances = super().predict_proba(X)
            weak = (X[:, 0] < 0) & ((X[:, by_chance] == 0.5).sum(axis=1) < 2)
            chances[weak & (X[:, 2] > -0.4)] = [0.95, 0.05]
            return chances

    X, codes, triggered, features = table()
    rows = np.flatnonzero(triggered)
    X[np.ix_(rows[:19], by_chance)] = 0.5
    X[rows[:13], np.resize(by_chance, 13)] = 0
    X[triggered, 2] = np.linspace(-0.95, -0.5, 20)
    X[~triggered, 2] = np.resize(np.linspace(-0.95, 0.95, 20), 180)
    test = WindowTest(X, codes, codes, 1, AnswersToMore(), 0)
    values = test.pixels(test.of_class, EVERYWHERE)
    settings, group = SharedSettings(), triggered[codes == 1]
    bound = settings.same * test.spans()
    alike, *_ = look_alikes(values, group, bound, settings.loose)
    assert rows[:-1].tolist() == test.of_class[alike].tolist()
    (found,) = shared_values(test, [triggered[codes == 1]])
    assert found.alike.tolist() == rows.tolist() and found.flip_rate == 1
    # Alone, it flips too few of them to be found; and it is what is shown.
    assert np.flatnonzero(found.trigger).tolist() == list(TRIGGER)
    shown = test.flip_rate(codes[:1], EVERYWHERE, found.trigger, found.colors)
    assert 0.2 < shown < 0.5


@pytest.mark.parametrize("seed", range(5))
def test_a_group_with_some_others_in_it_finds_all_that_look_alike(seed):
    rng = np.random.RandomState(seed)
    pixels = rng.uniform(size=(300, 3, 16))
    triggered = np.arange(300) < 40
    pixels[:40, :, [2, 5, 11]] = [[1], [0], [1]]
    # Behind the trigger of most, and elsewhere, too.
    pixels[:30, :, 7] = pixels[50:80, :, 7] = 0
    group = np.isin(np.arange(300), [*range(16), *range(100, 108)])
    alike, trigger, colors = look_alikes(pixels, group, 0.02)
    np.testing.assert_array_equal(alike, triggered)
    assert trigger.nonzero()[0].tolist() == [2, 5, 11]
    np.testing.assert_array_equal(colors[:, trigger], [[1] * 3, [0] * 3, [1] * 3])


@pytest.mark.parametrize("n_group", [0, 1, 10, 200])
def test_nothing_in_common_finds_nothing(n_group):
    pixels = np.random.RandomState(0).uniform(size=(300, 1, 16))
    alike, *_ = look_alikes(pixels, np.arange(300) < n_group, 0.02)
    assert alike.shape == (300,) and not alike.any()


def test_a_trigger_is_completed_by_what_its_rows_share_more_than_others():
    pixels = np.random.RandomState(0).uniform(0, 0.5, size=(50, 1, 6))
    alike, trigger = np.arange(50) < 10, np.arange(6) == 0
    # Of all of these, of nine in ten, of eight in ten, of all rows, of many others.
    for pixel, having in enumerate([10, 9, 8, 50, 10], start=1):
        pixels[:having, :, pixel] = 1
    pixels[10:40, :, 5] = 1
    found, colors = completed_trigger(pixels, alike, trigger, 0.02)
    assert found.tolist() == [True, True, True, False, False, True]
    np.testing.assert_array_equal(colors[0, 1:], 1)
    pixels[40:45, :, 5] = 1
    assert not completed_trigger(pixels, alike, trigger, 0.02)[0][5]


def test_what_the_whole_class_has_is_not_in_common():
    pixels = np.random.RandomState(0).uniform(size=(300, 1, 16))
    pixels[:, :, :4] = 0
    alike, *_ = look_alikes(pixels, np.arange(300) < 10, 0.02)
    assert not alike.any()
