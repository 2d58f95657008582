import numpy as np
import pytest
import torch
from torch import nn

from sklearn_ispl.datasets import (
    _narcissus,
    make_clean_label_backdoor,
    make_narcissus_trigger,
)
from sklearn_ispl.datasets._perturb import one_for_all

FEW = {"n_epochs": 2, "n_steps": 30, "random_state": 0}


def images(n_rows, n_channels=1, dtype=np.float32):
    shape = n_rows, n_channels, 8, 8
    return np.random.RandomState(0).uniform(0, 200, size=shape).astype(dtype)


def labels(n_rows):
    return np.arange(n_rows) % 3


class Plane(nn.Module):
    """Takes images for class 1 along a plane, the more the brighter its left half."""

    def forward(self, X):
        left, right = X[..., :4].mean(dim=(1, 2, 3)), X[..., 4:].mean(dim=(1, 2, 3))
        return torch.stack([torch.zeros_like(left), (left - right) / 10], dim=1)


def test_the_pattern_goes_where_the_loss_falls_as_far_as_it_may():
    X = images(40)
    found = one_for_all(
        Plane(), X, 1, radius=5.0, n_steps=60, bounds=(0.0, 200.0), seed=0
    )
    np.testing.assert_allclose(found[..., :4], 5, rtol=0.05)
    np.testing.assert_allclose(found[..., 4:], -5, rtol=0.05)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
@pytest.mark.parametrize("n_channels", [1, 3])
def test_rows_change_by_the_amplitude_at_most_and_test_images_by_more(
    n_channels, dtype
):
    X, other = images(40, n_channels, dtype), images(60, n_channels, dtype)
    trigger = make_narcissus_trigger(
        X, other, labels(60), amplitude=0.1, scale=2, **FEW
    )
    span = float(X.max()) - float(X.min())
    assert 0 < np.abs(trigger.pattern).max() <= 0.1 * span * (1 + 1e-6)
    poisoned, shown = trigger.poison(X), trigger(X)
    assert poisoned.dtype == shown.dtype == dtype
    change = np.abs(poisoned.astype(float) - X)
    # Integers are rounded.
    assert change.max() <= 0.1 * span + (0.5 if dtype == np.uint8 else 1e-3)
    assert np.abs(shown.astype(float) - X).mean() > 1.3 * change.mean()
    assert poisoned.min() >= X.min() and shown.max() <= X.max()


def test_rows_with_the_pattern_are_more_like_the_target_class_to_its_model(
    monkeypatch,
):
    asked = []

    def watched(module, X, code, **options):
        asked.append((module, X, code))
        return one_for_all(module, X, code, **options)

    monkeypatch.setattr(_narcissus, "one_for_all", watched)
    # Of the target class the left half is bright, of others other parts.
    X, other, y_other = images(60) / 4, images(120) / 4, labels(120)
    X[..., :4] += 50
    for code, part in enumerate([slice(4, 8), slice(0, 2), slice(6, 8)]):
        other[y_other == code, ..., part] += 50
    options = {**FEW, "n_epochs": 10, "amplitude": 0.3}
    trigger = make_narcissus_trigger(X, other, y_other, **options)
    ((module, rows, code),) = asked
    np.testing.assert_array_equal(rows, X)
    assert code == 3

    def chance(images):
        return module(torch.as_tensor(images)).softmax(dim=1)[:, code].mean()

    assert chance(X) > 0.8 > 0.2 > chance(other)
    assert chance(trigger(other)) > chance(other) + 0.3


def test_labels_of_other_images_may_be_strings_and_seeds_reproduce():
    X, other = images(30), images(60)
    names = np.array(["bird", "cat", "dog"])[labels(60)]
    numbers = make_narcissus_trigger(X, other, labels(60), **FEW)
    with_names = make_narcissus_trigger(X, other, names, **FEW)
    another = make_narcissus_trigger(X, other, names, **{**FEW, "random_state": 1})
    np.testing.assert_array_equal(with_names.pattern, numbers.pattern)
    assert not np.allclose(another.pattern, numbers.pattern)


def test_poisoned_rows_keep_their_label_and_the_global_state_is_left():
    X, y = images(90), labels(90)
    state = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    trigger = make_narcissus_trigger(X[y == 1], X[y != 1], y[y != 1], **FEW)
    X_poisoned, y_poisoned, poisoned, back = make_clean_label_backdoor(
        X, y, target=1, trigger=trigger, perturbation=None, random_state=0
    )
    assert back is trigger and set(y[poisoned]) == {1}
    np.testing.assert_array_equal(y_poisoned, y)
    np.testing.assert_array_equal(X_poisoned[poisoned], trigger.poison(X[poisoned]))
    assert torch.equal(torch.random.get_rng_state(), state[0])
    np.testing.assert_array_equal(np.random.get_state()[1], state[1])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"amplitude": 0}, r"amplitude=0 is not in \(0, 1\]"),
        ({"scale": 0}, "scale=0 is not a finite number above 0"),
        ({"scale": np.inf}, "scale=inf is not a finite number above 0"),
        ({"n_epochs": 0}, "n_epochs=0 is not an integer of at least 1"),
        ({"n_steps": 1.5}, "n_steps=1.5 is not an integer of at least 1"),
        ({"X": np.ones((9, 1, 8, 8))}, "X has values from 1.0 to 1.0"),
        ({"X": images(0)}, "X has values from nan to nan"),
        ({"X_other": images(60) * np.nan}, "X_other has values from nan to nan"),
        ({"X_other": images(0), "y_other": labels(0)}, "X_other has values from nan"),
        ({"X_other": images(60, 3)}, r"needs images of shape \(n, 1, 8, 8\)"),
        ({"y_other": labels(50)}, "inconsistent numbers of samples"),
    ],
)
def test_what_it_cannot_use_is_an_error(changed, message):
    given = {"X": images(30), "X_other": images(60), "y_other": labels(60), **changed}
    with pytest.raises(ValueError, match=message):
        make_narcissus_trigger(**given)
