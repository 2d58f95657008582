import numpy as np
import pytest
import torch

from sklearn_ispl.datasets import make_adaptive_backdoor, make_dirty_label_backdoor
from sklearn_ispl.datasets._adaptive import _play

QUICK = {"source": 7, "target": 4, "poison_rate": 0.3, "n_epochs": 2}


def test_what_defines_an_adaptive_attack(digits):
    X, y = digits
    before = X.copy()
    X_adaptive, y_adaptive, poisoned, trigger = make_adaptive_backdoor(
        X, y, radius=0.1, random_state=0, **QUICK
    )
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(y_adaptive, y)
    X_plain, _, also, _ = make_dirty_label_backdoor(
        X, y, source=7, target=4, poison_rate=0.3, trigger="patch", random_state=0
    )
    np.testing.assert_array_equal(poisoned, also)
    np.testing.assert_array_equal(X_adaptive[~poisoned], X[~poisoned])
    change = np.abs(X_adaptive - X_plain)[poisoned]
    assert 0.05 < change.max() <= 0.1 + 1e-6
    np.testing.assert_array_equal(trigger(X_adaptive[poisoned]), X_adaptive[poisoned])


def test_seed_reproduces_and_global_state_is_left(digits):
    state = torch.get_rng_state()
    first, second, other = (
        make_adaptive_backdoor(*digits, random_state=seed, **QUICK)
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first[0], second[0])
    assert not np.array_equal(first[0], other[0])
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("seed", range(3))
def test_latent_features_of_poison_and_clean_rows_come_together(digits, seed):
    X, y = digits
    X, y, poisoned, _ = make_dirty_label_backdoor(
        X, y, source=7, target=4, poison_rate=0.3, trigger="patch", random_state=0
    )
    rows, codes = torch.as_tensor(X), torch.as_tensor(y)

    def distance(strength):
        """Between the means of both, squared, in units of the spread in them."""
        torch.manual_seed(seed)
        game = _play(rows, codes, torch.as_tensor(poisoned), strength, 20)
        with torch.inference_mode():
            latent = game.body(rows).flatten(1).numpy()
            right = (game.head(game.body(rows)).argmax(1) == codes).numpy()
        assert right.mean() > 0.9 and right[poisoned].mean() > 0.5
        poison, clean = latent[poisoned], latent[(y == 4) & ~poisoned]
        spread = poison.var(axis=0).sum() + clean.var(axis=0).sum()
        return np.sum((poison.mean(axis=0) - clean.mean(axis=0)) ** 2) / spread

    assert distance(1) < distance(0) / 2


def test_integer_images_stay_integers_and_within_the_radius(digits):
    X = (digits[0] * 16).astype(np.uint8)
    common = {"source": 7, "target": 4, "poison_rate": 0.3, "random_state": 0}
    hidden, _, poisoned, _ = make_adaptive_backdoor(
        X, digits[1], radius=1.6, n_epochs=2, **common
    )
    plain, *_ = make_dirty_label_backdoor(X, digits[1], trigger="patch", **common)
    assert hidden.dtype == np.uint8
    assert np.abs(hidden.astype(int) - plain)[poisoned].max() == 1


@pytest.mark.parametrize("poison_rate, n_poisoned", [(0.05, 2), (0.1, 3)])
def test_rate_is_of_the_target_class(digits, poison_rate, n_poisoned):
    *_, poisoned, _ = make_adaptive_backdoor(
        *digits,
        source=7,
        target=4,
        poison_rate=poison_rate,
        n_epochs=1,
        random_state=0,
    )
    assert poisoned.sum() == n_poisoned


def test_strength_moves_the_poison(digits):
    none, strong = (
        make_adaptive_backdoor(*digits, strength=strength, random_state=0, **QUICK)[0]
        for strength in (0, 5)
    )
    assert not np.array_equal(none, strong)


def test_all_to_one(digits):
    *_, poisoned, _ = make_adaptive_backdoor(
        *digits, target=4, poison_rate=0.1, n_epochs=1, random_state=0
    )
    assert poisoned.sum() == 3


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"strength": -1}, "'strength' parameter"),
        ({"radius": 0}, "'radius' parameter"),
        ({"poison_rate": 2}, "'poison_rate' parameter"),
        ({"trigger": np.copy, "color": 1.0}, "color=1.0 is for a trigger"),
    ],
)
def test_wrong_parameters_are_named(digits, wrong, message):
    with pytest.raises(ValueError, match=message):
        make_adaptive_backdoor(*digits, **QUICK | wrong)
