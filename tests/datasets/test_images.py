"""What all triggers have in common."""

import numpy as np
import pandas as pd
import pytest

from sklearn_ispl import datasets
from sklearn_ispl.datasets import (
    make_adaptive_backdoor,
    make_all_to_all_backdoor,
    make_clean_label_backdoor,
    make_dirty_label_backdoor,
)
from sklearn_ispl.datasets._images import apply_trigger

MAKERS = [name for name in datasets.__all__ if name.endswith("_trigger")]
MAKERS.remove("make_feature_trigger")  # of tables
# What they ask of images: others want those that they were made for.
ANY_CHANNELS = ["make_quantisation_trigger", "make_warping_trigger"]
ANY_SIZE = [f"make_{n}_trigger" for n in ("image_specific", "photo", "quantisation")]
TRIGGERS = ["make_trigger", "make_moving_patch_trigger", "make_pixel_set_trigger"]
# What each of them changes in training rows may be drawn for each row.
DRAW = ["alternating_patch", "moving_patch", "piecewise", "pixel_set"]


def images(n_channels, height, width, dtype):
    X = np.random.RandomState(0).uniform(size=(7, n_channels, height, width))
    if np.dtype(dtype).kind == "u":
        return (X * 200 + 20).astype(dtype)
    return (X * 8 - 3).astype(dtype)


def make(name, X, seed=0):
    maker = getattr(datasets, name)
    asked, options = maker.__code__.co_varnames, {}
    if "random_state" in asked:
        options["random_state"] = seed
    if "X_other" in asked:  # what else an attacker knows: a model is trained on it
        options |= {"X_other": X[::-1], "y_other": np.arange(len(X)) % 2}
        options |= {"n_epochs": 1, "n_steps": 5}
    return maker(X, **options)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("n_channels, height, width", [(1, 9, 13), (3, 16, 16)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_triggers_keep_dtype_range_and_input(name, n_channels, height, width, dtype):
    X = images(n_channels, height, width, dtype)
    before = X.copy()
    trigger = make(name, X)
    for role in ("poison", "cover", "test"):
        changed = apply_trigger(trigger, X, role, np.random.RandomState(0))
        np.testing.assert_array_equal(X, before)
        assert changed.dtype == dtype and changed.shape == X.shape
        slack = 0 if dtype == np.uint8 else 1e-5
        assert changed.min() >= X.min() - slack and changed.max() <= X.max() + slack
    assert not np.array_equal(trigger(X), X)


@pytest.mark.parametrize("name", MAKERS)
def test_seeds_reproduce_triggers(name):
    X = images(3, 16, 16, np.float32)
    first, second = make(name, X), make(name, X)
    np.testing.assert_array_equal(first(X), second(X))
    np.testing.assert_array_equal(first(X), first(X))
    for role in ("poison", "cover"):
        drawn = [
            apply_trigger(trigger, X, role, np.random.RandomState(5))
            for trigger in (first, second)
        ]
        np.testing.assert_array_equal(*drawn)


@pytest.mark.parametrize("name", MAKERS)
def test_triggers_do_not_touch_the_global_state(name):
    np.random.seed(3)
    before = np.random.get_state()[1].copy()
    X = images(3, 16, 16, np.float32)
    apply_trigger(make(name, X), X, "poison", np.random.RandomState(0))
    np.testing.assert_array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize("name", [f"make_{name}_trigger" for name in DRAW])
def test_training_rows_are_drawn_for_each_row(name):
    X = np.repeat(images(3, 16, 16, np.float32)[:1], 40, axis=0)
    trigger = make(name, X)
    assert len(np.unique(trigger.poison(X, 0), axis=0)) > 3
    assert not np.array_equal(trigger.poison(X, 0), trigger.poison(X, 1))


@pytest.mark.parametrize("name", MAKERS)
def test_no_rows_are_no_trouble(name):
    X = images(3, 16, 16, np.float32)
    trigger = make(name, X)
    for role in ("poison", "cover", "test"):
        none = apply_trigger(trigger, X[:0], role, np.random.RandomState(0))
        assert none.shape == (0, 3, 16, 16)


@pytest.mark.parametrize("name", MAKERS)
def test_integer_and_float_images_get_the_same_trigger(name):
    if "quantisation" in name:
        pytest.skip("an error that rounds the other way is passed on")
    X = images(3, 16, 16, np.uint8)
    of_bytes, of_floats = make(name, X)(X), make(name, X.astype(float))(X.astype(float))
    np.testing.assert_allclose(of_bytes, of_floats, atol=0.51)


@pytest.mark.parametrize("name", MAKERS)
def test_images_with_channels_last_are_warned_of_once(name):
    X = images(3, 16, 16, np.float32).transpose(0, 2, 3, 1)
    with pytest.warns(UserWarning, match=r"X.transpose\(0, 3, 1, 2\)") as caught:
        try:
            make(name, X)
        except ValueError:
            pass  # it may not fit into a width of 3
    assert len(caught) == 1
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    "attack, options",
    [(make_dirty_label_backdoor, {"target": 0}), (make_all_to_all_backdoor, {})],
)
def test_attacks_warn_of_channels_last_once(attack, options):
    X = images(3, 16, 16, np.float32).transpose(0, 2, 3, 1)
    with pytest.warns(UserWarning, match="channels come last") as caught:
        attack(X, np.arange(7) % 2, poison_rate=0.3, trigger="pixel", **options)
    assert len(caught) == 1


ATTACKS = [
    (make_dirty_label_backdoor, {"source": 1, "target": 0}),
    (make_all_to_all_backdoor, {}),
    (make_clean_label_backdoor, {"target": 0, "perturbation": None}),
    (make_adaptive_backdoor, {"source": 1, "target": 0}),
]


@pytest.mark.parametrize("attack, options", ATTACKS)
@pytest.mark.parametrize("kind", [np.atleast_2d, pd.Series], ids=["column", "series"])
def test_attacks_take_columns_of_labels(attack, options, kind):
    X, y = images(3, 16, 16, np.float32), np.arange(7) % 2
    options = {**options, "poison_rate": 0.3, "random_state": 0}
    expected, found = attack(X, y, **options), attack(X, kind(y).T, **options)
    for one, other in zip(found[:3], expected[:3]):
        np.testing.assert_array_equal(one, other)
    assert found[1].shape == (7,)


@pytest.mark.parametrize("attack, options", ATTACKS)
@pytest.mark.parametrize(
    "y, message",
    [
        ([[1, 0]] * 7, "y must have one dimension"),
        ([None, 1, 0, 1, 0, 1, 0], "y has missing labels"),
    ],
)
def test_attacks_name_labels_that_are_none(attack, options, y, message):
    with pytest.raises(ValueError, match=message):
        attack(images(3, 16, 16, np.float32), y, **options)


@pytest.mark.parametrize("name", MAKERS)
def test_flat_images_are_an_error(name):
    with pytest.raises(ValueError, match="X has 2 dimensions; images are"):
        make(name, np.zeros((3, 4)))


def misfits(name, X, message):
    """Ask for the error of a trigger for 3 channels of 16x16, in every role."""
    trigger = make(name, images(3, 16, 16, np.float32))
    for role in ("poison", "cover", "test"):
        with pytest.raises(ValueError, match=message):
            apply_trigger(trigger, X, role, np.random.RandomState(0))


@pytest.mark.parametrize("name", MAKERS)
def test_a_single_image_is_an_error(name):
    message = r"X has shape \(3, 16, 16\); this trigger needs .*give X\[np.newaxis\]"
    misfits(name, images(3, 16, 16, np.float32)[0], message)


@pytest.mark.parametrize("name", sorted({*MAKERS} - {*ANY_CHANNELS}))
def test_images_of_other_channels_are_an_error(name):
    message = r"X has shape \(7, 1, 16, 16\); this trigger needs .* \(n, 3, "
    misfits(name, images(1, 16, 16, np.float32), message)
    one_channel = make(name, images(1, 16, 16, np.float32))
    with pytest.raises(ValueError, match=r"\(7, 3, 16, 16\); .* \(n, 1, "):
        one_channel(images(3, 16, 16, np.float32))


@pytest.mark.parametrize("name", ANY_CHANNELS)
def test_some_triggers_take_any_channels(name):
    trigger = make(name, images(3, 16, 16, np.float32))
    assert trigger(images(1, 16, 16, np.float32)).shape == (7, 1, 16, 16)


@pytest.mark.parametrize("name", sorted({*MAKERS} - {*ANY_SIZE}))
def test_images_that_are_too_small_are_an_error(name):
    message = r"X has shape \(7, 3, 2, 2\); this trigger needs .*\d+, (at least )?\d+\)"
    misfits(name, images(3, 2, 2, np.float32), message)


@pytest.mark.parametrize("name", [*ANY_SIZE, *TRIGGERS])
def test_some_triggers_take_larger_images(name):
    trigger = make(name, images(3, 16, 16, np.float32))
    X = images(3, 20, 17, np.float32)
    assert trigger(X).shape == X.shape and (trigger(X) != X).any()


def test_roles_fall_back_to_the_call():
    class Trigger:
        def __call__(self, X):
            return X + 1

        def poison(self, X, random_state):
            return X + 2

    X, rng = np.zeros((1, 1, 2, 2)), np.random.RandomState(0)
    for role, value in (("poison", 2), ("cover", 1), ("test", 1)):
        assert apply_trigger(Trigger(), X, role, rng).max() == value
    assert apply_trigger(np.zeros_like, X, "poison", rng).max() == 0


STRENGTH = [
    "dct",
    "image_specific",
    "photo",
    "picture",
    "piecewise",
    "quantisation",
    "sinusoid",
    "smooth",
]


@pytest.mark.parametrize("name", [f"make_{name}_trigger" for name in STRENGTH])
def test_images_of_one_value_are_an_error(name):
    with pytest.raises(ValueError, match="give X finite values that differ"):
        make(name, np.ones((2, 1, 8, 8)))
