import numpy as np
import pytest

from sklearn_ispl.datasets import make_blended_trigger, make_dirty_label_backdoor


@pytest.mark.parametrize("poison_rate, n_poisoned", [(0.05, 2), (0.1, 3), (0.5, 17)])
@pytest.mark.parametrize("seed", range(3))
def test_counts_and_labels(digits, poison_rate, n_poisoned, seed):
    X, y = digits
    X_poisoned, y_poisoned, poisoned, trigger = make_dirty_label_backdoor(
        X, y, source=7, target=4, poison_rate=poison_rate, random_state=seed
    )
    assert poisoned.sum() == n_poisoned
    np.testing.assert_array_equal(y_poisoned, y)
    assert (y_poisoned[poisoned] == 4).all()
    np.testing.assert_array_equal(X_poisoned[~poisoned], X[~poisoned])
    triggered_sources = trigger(X[y == 7])
    for image in X_poisoned[poisoned]:
        assert (triggered_sources == image).all(axis=(1, 2, 3)).any()


def test_inputs_are_not_modified(digits):
    X, y = (a.copy() for a in digits)
    make_dirty_label_backdoor(X, y, source=1, target=2, random_state=0)
    np.testing.assert_array_equal(X, digits[0])
    np.testing.assert_array_equal(y, digits[1])


def test_seed_reproduces(digits):
    first, second, other = (
        make_dirty_label_backdoor(*digits, source=1, target=2, random_state=seed)
        for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[2], second[2])
    assert not np.array_equal(first[2], other[2])


def test_string_labels_and_own_trigger(digits):
    X, y = digits[0], np.array(list("abcdefghij"))[digits[1]]
    X_poisoned, _, poisoned, trigger = make_dirty_label_backdoor(
        X, y, source="a", target="b", trigger=np.zeros_like, random_state=0
    )
    assert trigger is np.zeros_like
    assert (X_poisoned[poisoned] == 0).all()


def test_all_to_one_takes_from_every_class(digits):
    X, y = digits
    X_poisoned, _, poisoned, trigger = make_dirty_label_backdoor(
        X, y, target=4, poison_rate=0.9, random_state=0
    )
    triggered = trigger(X)
    sources = [
        set(y[(triggered == image).all(axis=(1, 2, 3))])
        for image in X_poisoned[poisoned]
    ]
    assert set().union(*sources) == set(range(10)) - {4}


def test_blended_trigger(digits):
    X, y = digits
    trigger = make_blended_trigger(X, random_state=0)
    X_poisoned, _, poisoned, same = make_dirty_label_backdoor(
        X, y, source=1, target=2, trigger=trigger, random_state=0
    )
    assert same is trigger
    for image in X_poisoned[poisoned]:
        assert (trigger(X[y == 1]) == image).all(axis=(1, 2, 3)).any()


@pytest.mark.parametrize("rate", [0.001, 1.0])
def test_rates_that_leave_nothing_are_errors(digits, rate):
    with pytest.raises(ValueError, match=f"poison_rate={rate} of .* rows of class 4"):
        make_dirty_label_backdoor(*digits, source=7, target=4, poison_rate=rate)


@pytest.mark.parametrize(
    "source, target, message",
    [(77, 4, "source=77 has no rows"), (7, 44, "target=44 has no"), (7, 7, "both 7")],
)
def test_wrong_classes_are_errors(digits, source, target, message):
    with pytest.raises(ValueError, match=message):
        make_dirty_label_backdoor(*digits, source=source, target=target)


def test_flat_images_are_an_error(digits):
    with pytest.raises(ValueError, match=r"X has 2 dimensions.*X\[:, None\]"):
        make_dirty_label_backdoor(
            digits[0].reshape(360, -1), digits[1], source=1, target=2
        )
