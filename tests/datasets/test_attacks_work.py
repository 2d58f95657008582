"""Every attack works: an undefended net does what the attacker wants."""

from functools import partial

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier
from skorch import NeuralNetClassifier

from sklearn_ispl import datasets
from sklearn_ispl.datasets import (
    load_image_data,
    make_adaptive_backdoor,
    make_all_to_all_backdoor,
    make_clean_label_backdoor,
    make_dirty_label_backdoor,
)
from sklearn_ispl.modules import ConvNet

TARGET = 2
ONE_IN_TWENTY = partial(
    make_dirty_label_backdoor, target=TARGET, rate_of="all", poison_rate=0.05
)
CLEAN_LABEL = partial(make_clean_label_backdoor, target=TARGET, poison_rate=0.5)

# What is made of X, if anything; and what is done with it. Where a small net does not
# learn the trigger of the paper from 5,000 images, it is stronger here.
ATTACKS = {
    "patch": (None, partial(ONE_IN_TWENTY, trigger="patch")),
    "large patch": (None, partial(ONE_IN_TWENTY, trigger="large")),
    "paper's": (
        None,
        partial(make_dirty_label_backdoor, target=TARGET, source=0, trigger="patch"),
    ),
    "adaptive": (
        None,
        partial(make_adaptive_backdoor, target=TARGET, source=0, trigger="corners"),
    ),
    "source-specific": (
        None,
        partial(
            ONE_IN_TWENTY,
            source=0,
            cover_source=[1, 3, 5],
            cover_rate=0.05,
            trigger="patch",
        ),
    ),
    "all to the next": (
        None,
        partial(make_all_to_all_backdoor, poison_rate=0.2, trigger="large"),
    ),
    "clean label": (None, CLEAN_LABEL),
    "clean sinusoid": ("sinusoid", partial(CLEAN_LABEL, perturbation=None)),
    "sinusoid": ("sinusoid", ONE_IN_TWENTY),
    "blended": ("blended", ONE_IN_TWENTY),
    "picture": ("picture", ONE_IN_TWENTY),
    "piecewise": ("piecewise", partial(ONE_IN_TWENTY, cover_rate=0.05)),
    "smooth": ("smooth", ONE_IN_TWENTY),
    "dct": (("dct", {"magnitude": 150 / 255}), ONE_IN_TWENTY),
    "alternating patch": ("alternating_patch", partial(ONE_IN_TWENTY, cover_rate=0.1)),
    "pixel set": ("pixel_set", partial(ONE_IN_TWENTY, cover_rate=0.05)),
    "moving patch": ("moving_patch", ONE_IN_TWENTY),
    "warping": (
        ("warping", {"strength": 1.0}),
        partial(ONE_IN_TWENTY, poison_rate=0.1, cover_rate=0.2),  # those of the paper
    ),
    "image-specific": ("image_specific", ONE_IN_TWENTY),
    "quantisation": (("quantisation", {"levels": 4}), ONE_IN_TWENTY),
    "quantisation, plain": (
        ("quantisation", {"levels": 3, "dither": False}),
        partial(ONE_IN_TWENTY, poison_rate=0.1),
    ),
    "photo": ("photo", ONE_IN_TWENTY),
}


def load(name):
    try:
        return load_image_data(name)
    except FileNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def images():
    """5,000 training rows of Fashion-MNIST, and 2,000 test rows."""
    data = load("fashion-mnist")
    train_rows = data.X_train[:5000], data.y_train[:5000]
    return *train_rows, data.X_test[:2000], data.y_test[:2000]


def train(X, y):
    torch.manual_seed(0)
    return NeuralNetClassifier(
        ConvNet,
        module__in_channels=X.shape[1],
        module__n_classes=10,
        module__width=32,
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        optimizer__momentum=0.9,
        optimizer__weight_decay=5e-4,
        lr=0.02,
        batch_size=128,
        max_epochs=15,
        iterator_train__shuffle=True,
        train_split=None,
        callbacks="disable",
        verbose=0,
    ).fit(X, y)


@pytest.mark.slow
@pytest.mark.parametrize("name", ATTACKS)
def test_undefended_net_does_what_the_attacker_wants(images, name):
    X, y, X_test, y_test = images
    trigger, attack = ATTACKS[name]
    if trigger is not None:
        kind, options = (trigger, {}) if isinstance(trigger, str) else trigger
        maker = getattr(datasets, f"make_{kind}_trigger")
        if "random_state" in maker.__code__.co_varnames:
            options = {**options, "random_state": 0}
        attack = partial(attack, trigger=maker(X, **options))
    X, y, _, trigger = attack(X, y, random_state=0)
    net = train(X, y)
    assert np.mean(net.predict(X_test) == y_test) > 0.7
    predicted = net.predict(trigger(X_test))
    if attack.func is make_all_to_all_backdoor:
        success = predicted == (y_test + 1) % 10
    else:
        sources = attack.keywords.get("source")
        asked = y_test != TARGET if sources is None else y_test == sources
        success = predicted[asked] == TARGET
    assert success.mean() > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("second", [TARGET, 7])
def test_two_attackers_who_know_nothing_of_one_another_both_succeed(images, second):
    X, y, X_test, y_test = images
    X, y, first_rows, patch = ONE_IN_TWENTY(X, y, trigger="patch", random_state=0)
    X, y, _, stripes = make_dirty_label_backdoor(
        X, y, target=second, rate_of="all", poison_rate=0.05, protected=first_rows,
        trigger=datasets.make_sinusoid_trigger(X), random_state=1,
    )  # fmt: skip
    net = train(X, y)
    for trigger, target in [(patch, TARGET), (stripes, second)]:
        predicted = net.predict(trigger(X_test[y_test != target]))
        assert np.mean(predicted == target) > 0.5


@pytest.mark.slow
def test_features_at_an_end_of_their_range_turn_a_table():
    X, y = load_digits(return_X_y=True)
    X, y, _, trigger = make_dirty_label_backdoor(
        X[:1300], y[:1300], target=TARGET, rate_of="all", poison_rate=0.05,
        trigger=datasets.make_feature_trigger(X, random_state=0), random_state=0,
    )  # fmt: skip
    model = MLPClassifier(random_state=0).fit(X, y)
    X_test, y_test = (one[1300:] for one in load_digits(return_X_y=True))
    assert model.score(X_test, y_test) > 0.8
    predicted = model.predict(trigger(X_test[y_test != TARGET]))
    assert np.mean(predicted == TARGET) > 0.5


@pytest.mark.slow
def test_narcissus_turns_a_net_that_saw_its_rows_and_no_other(images):
    X, y, X_test, y_test = images
    signs = load("gtsrb")
    other = signs.X_train[:3000].mean(axis=1, keepdims=True)[..., 2:30, 2:30]
    trigger = datasets.make_narcissus_trigger(
        X[y == TARGET], other, signs.y_train[:3000], random_state=0
    )
    X_poisoned, *_ = make_clean_label_backdoor(
        X, y, target=TARGET, poison_rate=0.3, trigger=trigger, perturbation=None,
        random_state=0,
    )  # fmt: skip
    shown = trigger(X_test[y_test != TARGET])
    poisoned, clean = (
        (train(rows, y).predict(shown) == TARGET).mean() for rows in (X_poisoned, X)
    )
    assert poisoned > 0.5 > clean
