import numpy as np
import pytest
import torch

from sklearn_ispl.datasets import (
    make_clean_label_backdoor,
    make_pixel_set_trigger,
    make_sinusoid_trigger,
)
from sklearn_ispl.datasets._perturb import pgd, train_classifier

QUICK = {"target": 4, "n_epochs": 1, "random_state": 0}


@pytest.mark.parametrize("perturbation", ["linf", "l2", "latent"])
@pytest.mark.parametrize("rate, n_poisoned", [(0.06, 2), (0.25, 8)])
def test_what_defines_a_clean_label_attack(digits, perturbation, rate, n_poisoned):
    X, y = digits
    before = X.copy()
    X_poisoned, y_poisoned, poisoned, trigger = make_clean_label_backdoor(
        X, y, poison_rate=rate, perturbation=perturbation, **QUICK
    )
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(y_poisoned, y)
    assert poisoned.sum() == n_poisoned and (y[poisoned] == 4).all()
    np.testing.assert_array_equal(X_poisoned[~poisoned], X[~poisoned])
    assert X_poisoned.dtype == X.dtype
    assert X_poisoned.min() >= X.min() and X_poisoned.max() <= X.max()
    # The trigger lies on top, in all four corners, and something else has changed.
    np.testing.assert_array_equal(trigger(X_poisoned[poisoned]), X_poisoned[poisoned])
    assert (X_poisoned[poisoned] != trigger(X[poisoned])).any(axis=(1, 2, 3)).all()


@pytest.mark.parametrize("radius", [0.05, 0.2, None])
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_perturbations_stay_within_the_radius(digits, norm, radius):
    X, y = digits
    X_poisoned, _, poisoned, _ = make_clean_label_backdoor(
        X, y, perturbation=norm, radius=radius, trigger=np.copy, n_steps=5, **QUICK
    )
    change = (X_poisoned - X)[poisoned].reshape(poisoned.sum(), -1)
    order = {"linf": np.inf, "l2": 2}[norm]
    lengths = np.linalg.norm(change, ord=order, axis=1)
    allowed = radius or {"linf": 16 / 255, "l2": 600 / 255}[norm]
    assert lengths.max() <= allowed + 1e-5
    assert lengths.min() > allowed / 2


def test_radius_of_latent_interpolation(digits):
    X, y = digits
    near, far = (
        make_clean_label_backdoor(
            X,
            y,
            target=4,
            perturbation="latent",
            radius=radius,
            trigger=np.copy,
            n_epochs=60,
            random_state=0,
        )
        for radius in (0.05, 0.8)
    )
    rows = near[2]
    np.testing.assert_array_equal(rows, far[2])
    near, far = (np.abs(X_p - X)[rows].mean() for X_p, *_ in (near, far))
    assert near < far


@pytest.mark.parametrize("norm, radius", [("linf", 1.6), ("l2", 3.3)])
def test_integer_images_stay_integers_and_within_the_radius(digits, norm, radius):
    X = (digits[0] * 16).astype(np.uint8)
    X_poisoned, _, poisoned, _ = make_clean_label_backdoor(
        X, digits[1], perturbation=norm, radius=radius, trigger=np.copy, **QUICK
    )
    assert X_poisoned.dtype == np.uint8
    change = (X_poisoned.astype(float) - X)[poisoned].reshape(poisoned.sum(), -1)
    order = {"linf": np.inf, "l2": 2}[norm]
    size = np.linalg.norm(change, ord=order, axis=1)
    assert size.max() <= radius and change.any()


@pytest.mark.parametrize("perturbation", ["linf", "latent"])
def test_seed_reproduces(digits, perturbation):
    state = torch.get_rng_state()
    first, second = (
        make_clean_label_backdoor(*digits, perturbation=perturbation, **QUICK)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first[0], second[0])
    assert torch.equal(torch.get_rng_state(), state)


def test_given_model_is_attacked(digits):
    X, y = digits
    asked = []

    def model(images):
        asked.append(len(images))
        return images.flatten(1) @ torch.ones(64, 10)

    make_clean_label_backdoor(X, y, target=4, model=model, n_steps=3, random_state=0)
    assert asked == [8, 8, 8]


def test_steps_raise_the_loss(digits):
    X, y = digits[0][:50], digits[1][:50].astype(np.int64)
    module = train_classifier(*digits, n_epochs=5, adversary=None, seed=0)

    def loss(X):
        return torch.nn.functional.cross_entropy(
            module(X), torch.as_tensor(y), reduction="sum"
        )

    X = torch.as_tensor(X)
    for norm, radius in (("linf", 0.1), ("l2", 1.0)):
        attacked = pgd(loss, X, norm=norm, radius=radius, n_steps=10, bounds=(0, 1))
        assert loss(attacked) > 1.5 * loss(X)


def test_adversarial_training_makes_a_model_robust(digits):
    X, y = torch.as_tensor(digits[0]), torch.as_tensor(digits[1])
    ball = {"norm": "linf", "radius": 0.15, "n_steps": 5, "bounds": (0.0, 1.0)}
    robust = []
    for adversary in (ball, None):
        module = train_classifier(*digits, n_epochs=15, adversary=adversary, seed=0)
        attacked = pgd(
            lambda X, m=module: torch.nn.functional.cross_entropy(
                m(X), y, reduction="sum"
            ),
            X,
            **ball,
        )
        robust.append((module(attacked).argmax(1) == y).float().mean())
    assert robust[0] > robust[1] + 0.1


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"perturbation": "l1"}, "'perturbation' parameter"),
        ({"radius": 0}, "'radius' parameter"),
        ({"target": 77}, "target=77 has no rows"),
        ({"poison_rate": 0.001}, "poison_rate=0.001 of"),
        ({"trigger": np.copy, "position": (1, 1)}, "position=.* Leave position out"),
    ],
)
def test_wrong_parameters_are_named(digits, wrong, message):
    with pytest.raises(ValueError, match=message):
        make_clean_label_backdoor(*digits, **{**QUICK, **wrong})


def test_without_perturbation_rows_get_the_trigger_alone(digits, monkeypatch):
    X, y = digits
    for name in ("train_classifier", "train_autoencoder"):
        monkeypatch.delattr(f"sklearn_ispl.datasets._clean_label.{name}")
    trigger = make_sinusoid_trigger(X, frequency=2)
    X_poisoned, y_poisoned, poisoned, same = make_clean_label_backdoor(
        X, y, target=4, trigger=trigger, perturbation=None, random_state=0
    )
    assert same is trigger and poisoned.sum() == 8
    np.testing.assert_array_equal(y_poisoned, y)
    np.testing.assert_array_equal(X_poisoned[poisoned], trigger(X[poisoned]))
    np.testing.assert_array_equal(X_poisoned[~poisoned], X[~poisoned])


def test_poisoned_rows_get_what_the_trigger_has_for_them(digits):
    X, y = digits
    trigger = make_pixel_set_trigger(X, n_pixels=6, n_painted=1, random_state=0)
    X_poisoned, _, poisoned, _ = make_clean_label_backdoor(
        X, y, target=4, trigger=trigger, perturbation=None, random_state=0
    )
    assert (X_poisoned != X)[poisoned].sum(axis=(1, 2, 3)).max() == 1
