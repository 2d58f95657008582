import numpy as np
import pytest

from sklearn_ispl.datasets import make_all_to_all_backdoor, make_pixel_set_trigger


@pytest.mark.parametrize("poison_rate, n_poisoned", [(0.05, 18), (0.1, 36)])
def test_poisoned_rows_get_the_next_label(digits, poison_rate, n_poisoned):
    X, y = digits
    before = X.copy(), y.copy()
    X_poisoned, y_poisoned, poisoned, trigger = make_all_to_all_backdoor(
        X, y, poison_rate=poison_rate, random_state=0
    )
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])
    assert poisoned.sum() == n_poisoned
    np.testing.assert_array_equal(y_poisoned[poisoned], (y[poisoned] + 1) % 10)
    np.testing.assert_array_equal(y_poisoned[~poisoned], y[~poisoned])
    np.testing.assert_array_equal(X_poisoned[poisoned], trigger(X[poisoned]))
    np.testing.assert_array_equal(X_poisoned[~poisoned], X[~poisoned])


def test_labels_may_be_strings(digits):
    names = np.array(list("abcdefghij"))
    _, y, poisoned, _ = make_all_to_all_backdoor(
        digits[0], names[digits[1]], random_state=0
    )
    np.testing.assert_array_equal(
        y[poisoned], names[(digits[1][poisoned] + 1) % 10]
    )


def test_seed_reproduces(digits):
    first, second, other = (
        make_all_to_all_backdoor(*digits, random_state=seed) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[2], second[2])
    assert not np.array_equal(first[2], other[2])


def test_protected_rows_stay(digits):
    protected = digits[1] < 8
    X, y, poisoned, _ = make_all_to_all_backdoor(
        *digits, protected=protected, random_state=0
    )
    assert poisoned.sum() == 36 and not poisoned[protected].any()
    np.testing.assert_array_equal(X[protected], digits[0][protected])


def test_poisoned_rows_get_what_the_trigger_has_for_them(digits):
    trigger = make_pixel_set_trigger(digits[0], n_painted=1, random_state=0)
    X, _, poisoned, _ = make_all_to_all_backdoor(
        *digits, trigger=trigger, random_state=0
    )
    assert (X != digits[0])[poisoned].sum(axis=(1, 2, 3)).max() == 1


@pytest.mark.parametrize("rate", [0.001, 0.999])
def test_rates_that_leave_nothing_are_errors(digits, rate):
    with pytest.raises(ValueError, match=f"poison_rate={rate} of 360 rows in all"):
        make_all_to_all_backdoor(*digits, poison_rate=rate)


@pytest.mark.parametrize("rate", [0, 1.0, 2, "0.1"])
def test_rates_out_of_range_are_errors(digits, rate):
    with pytest.raises(ValueError, match=r"'poison_rate' .* range \(0.0, 1.0\)"):
        make_all_to_all_backdoor(*digits, poison_rate=rate)


def test_one_class_is_an_error(digits):
    with pytest.raises(ValueError, match="y has one class only"):
        make_all_to_all_backdoor(digits[0], np.zeros(360))
