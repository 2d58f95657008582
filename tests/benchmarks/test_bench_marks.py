import numpy as np
import pytest


@pytest.fixture
def bench(import_script):
    return import_script("bench_marks")


class Block:
    """A classifier that takes what has a bright block for class 1, others for 0."""

    def predict_proba(self, X):
        images = X.reshape(-1, 12, 12)
        one = np.where(images[:, 4:7, 5:8].min(axis=(1, 2)) > 0.9, 0.9, 0.05)
        return np.c_[1 - one, one]


def search(bench):
    """Return what `searched` finds of rows with a block, and which these are."""
    rng = np.random.RandomState(0)
    X = rng.uniform(0, 0.8, size=(200, 1, 12, 12)).astype(np.float32)
    codes = np.repeat([0, 1], 100)
    poisoned = np.arange(200) >= 180
    X[poisoned, :, 4:7, 5:8] = 1
    # The model knows half of the poison.
    predicted = np.where(poisoned & (np.arange(200) % 2 == 0), 0, codes)
    features = rng.normal(size=(200, 3)) + 9 * poisoned[:, None]
    found = bench.searched(X, codes, predicted, features, Block(), poisoned, 0)
    return *found, poisoned


def test_every_rule_is_scored_by_rows_and_pixels(bench):
    rejected, turned, poisoned = search(bench)
    assert set(rejected) == set(bench.RULES)
    for found in rejected.values():
        assert not found[~poisoned].any()
    assert not rejected["patterns"].any()
    assert rejected["windows"].sum() <= 10 and not turned["honest"]
    for rule in ("pixels", "painted"):
        np.testing.assert_array_equal(rejected[rule], poisoned)
    assert max(turned["poison"]) == 1


def test_pixels_that_turn_nothing_may_be_of_a_moved_mark(bench, monkeypatch):
    monkeypatch.setattr(bench._marks, "TURNED", 2)

    def moved(test, found, exact):
        return found.alike[:-1], found.alike[-1:], exact

    monkeypatch.setattr(bench._marks, "moved_rows", moved)
    rejected, _, poisoned = search(bench)
    np.testing.assert_array_equal(rejected["moved"], poisoned)
    assert not rejected["painted"].any()


def test_patterns_are_a_rule_of_their_own(bench):
    rng = np.random.RandomState(0)
    pattern = np.sign(rng.normal(size=(1, 12, 12)))
    codes = np.repeat([0, 1], [800, 100])
    poisoned = np.arange(900) >= 880
    X = rng.normal(scale=0.1, size=(900, 1, 12, 12))
    X[poisoned] += 0.1 * pattern

    class Pattern:
        def predict_proba(self, X):
            one = (X.reshape(-1, 1, 12, 12) * pattern).mean(axis=(1, 2, 3)) > 0.05
            return np.c_[~one, one].astype(float)

    features = rng.normal(size=(900, 3)) + 9 * poisoned[:, None]
    rejected, turned = bench.searched(
        X.astype(np.float32), codes, codes, features, Pattern(), poisoned, 0
    )
    np.testing.assert_array_equal(rejected["patterns"], poisoned)
    for rule in ("windows", "pixels", "painted", "moved"):
        assert not rejected[rule].any()


def test_table_sorts_by_seed_and_epochs(bench):
    line = {
        "seed": 2, "data": "digits", "attack": "all", "trigger": "x", "source": None,
        "target": 3, "poison_rate": 0.05, "n_epochs": 40, "n_poisoned": 9, "known": 8,
        "turned_poison": [0.5, 0.25], "turned_honest": [],
        **{f"left_{rule}": 1 for rule in bench.RULES[:4]},
        **{f"lost_{rule}": 4 for rule in bench.RULES[:4]},
    }  # fmt: skip
    header, *rows = bench.table([line, {**line, "n_epochs": 20}, {**line, "seed": 1}])
    assert [row[0] + " " + row[3] for row in rows] == ["1 40", "2 20", "2 40"]
    assert len(header) == len(rows[0])
    assert rows[0][2] == "x, all to 3, 5%"
    assert rows[0][4:] == ["8 of 9", *["1, 4"] * 4, "", "", "25.0, 50.0", ""]
