from hashlib import sha256

import numpy as np
import pytest

from sklearn_ispl.datasets import (
    make_blended_trigger,
    make_dirty_label_backdoor,
    make_pixel_set_trigger,
    make_trigger,
)


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


@pytest.mark.parametrize("rate", [0.001, 0.99])
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


@pytest.mark.parametrize(
    "options, rows, digest",
    [
        ({"source": 7, "target": 4}, [171, 228, 320], "236ad1c33f5da080"),
        ({"target": 4, "poison_rate": 0.9}, [4, 14, 24], "246ffbb15b855756"),
    ],
)
def test_draws_are_those_of_the_first_version(digits, options, rows, digest):
    X_poisoned, _, poisoned, trigger = make_dirty_label_backdoor(
        *digits, random_state=0, **options
    )
    assert trigger.position == (4, 5)
    assert np.flatnonzero(poisoned)[:3].tolist() == rows
    assert sha256(X_poisoned.tobytes()).hexdigest().startswith(digest)


@pytest.mark.parametrize("source", [None, 7, [7], [1, 2]])
@pytest.mark.parametrize("poison_rate, n_poisoned", [(0.01, 4), (0.05, 18)])
def test_share_of_all_rows_is_poisoned(digits, source, poison_rate, n_poisoned):
    X, y = digits
    X_poisoned, y_poisoned, poisoned, trigger = make_dirty_label_backdoor(
        X,
        y,
        source=source,
        target=4,
        rate_of="all",
        poison_rate=poison_rate,
        random_state=0,
    )
    assert poisoned.sum() == n_poisoned
    assert (y_poisoned[poisoned] == 4).all()
    of_source = y != 4 if source is None else np.isin(y, source)
    assert of_source[poisoned].all()
    np.testing.assert_array_equal(X_poisoned[poisoned], trigger(X[poisoned]))
    np.testing.assert_array_equal(X_poisoned[~poisoned], X[~poisoned])
    np.testing.assert_array_equal(y_poisoned[~poisoned], y[~poisoned])


def test_list_of_sources_in_place_of_target_rows(digits):
    X, y = digits
    X_poisoned, _, poisoned, trigger = make_dirty_label_backdoor(
        X, y, source=[1, 2], target=4, poison_rate=0.5, random_state=0
    )
    found = {
        int(y[(trigger(X) == image).all(axis=(1, 2, 3))][0])
        for image in X_poisoned[poisoned]
    }
    assert found == {1, 2}


@pytest.mark.parametrize(
    "rate_of, cover_rate, n_covers", [("target", 0.5, 17), ("all", 0.1, 36)]
)
@pytest.mark.parametrize("cover_source", [None, 3, [3, 5, 6]])
def test_covers_keep_their_label(digits, rate_of, cover_rate, n_covers, cover_source):
    X, y = digits
    X_poisoned, y_poisoned, poisoned, trigger, covers = make_dirty_label_backdoor(
        X,
        y,
        source=[7, 8] if cover_source else None,
        target=4,
        rate_of=rate_of,
        poison_rate=0.05,
        cover_rate=cover_rate,
        cover_source=cover_source,
        return_covers=True,
        random_state=0,
    )
    assert covers.sum() == n_covers and not (covers & poisoned).any()
    np.testing.assert_array_equal(y_poisoned[covers], y[covers])
    np.testing.assert_array_equal(X_poisoned[covers], trigger(X[covers]))
    untouched = ~(covers | poisoned)
    np.testing.assert_array_equal(X_poisoned[untouched], X[untouched])
    allowed = y != 4 if cover_source is None else np.isin(y, cover_source)
    assert allowed[covers].all()


def test_covers_do_not_change_the_choice_of_poisoned_rows(digits):
    plain, covered = (
        make_dirty_label_backdoor(
            *digits, target=4, rate_of="all", cover_rate=rate, random_state=0
        )
        for rate in (0, 0.1)
    )
    np.testing.assert_array_equal(plain[2], covered[2])
    np.testing.assert_array_equal(plain[0][plain[2]], covered[0][plain[2]])


def test_trigger_does_what_it_does_to_each_role(digits):
    X, y = digits
    trigger = make_pixel_set_trigger(X, n_pixels=6, n_painted=1, random_state=0)
    X_poisoned, _, poisoned, same, covers = make_dirty_label_backdoor(
        X,
        y,
        target=4,
        rate_of="all",
        cover_rate=0.1,
        trigger=trigger,
        return_covers=True,
        random_state=0,
    )
    assert same is trigger
    for rows in (poisoned, covers):
        n_changed = (X_poisoned != X)[rows].sum(axis=(1, 2, 3))
        assert n_changed.max() == 1
    assert (trigger(X) != X).sum(axis=(1, 2, 3)).max() > 1


@pytest.mark.parametrize("targets", [(4, 4), (4, 5)])
@pytest.mark.parametrize("rate_of", ["target", "all"])
def test_attackers_one_after_the_other(digits, targets, rate_of):
    X, y = digits
    first, second = (
        {"target": target, "rate_of": rate_of, "poison_rate": 0.1, "cover_rate": 0.1}
        for target in targets
    )
    triggers = [
        make_trigger(X, "pixel", position=(0, place), color=-1) for place in (0, 7)
    ]
    X_1, y_1, poisoned_1, _, covers_1 = make_dirty_label_backdoor(
        X, y, trigger=triggers[0], return_covers=True, random_state=0, **first
    )
    taken = poisoned_1 | covers_1
    X_2, y_2, poisoned_2, _, covers_2 = make_dirty_label_backdoor(
        X_1,
        y_1,
        trigger=triggers[1],
        protected=taken,
        return_covers=True,
        random_state=1,
        **second,
    )
    assert not ((poisoned_2 | covers_2) & taken).any()
    np.testing.assert_array_equal(X_2[taken], X_1[taken])
    np.testing.assert_array_equal(y_2[taken], y_1[taken])
    # No row has both triggers: none was made from a row that has the first.
    np.testing.assert_array_equal(X_2[:, 0, 0, 0] == -1, taken)
    np.testing.assert_array_equal(X_2[:, 0, 0, 7] == -1, poisoned_2 | covers_2)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"rate_of": "rows"}, "'rate_of' parameter"),
        ({"poison_rate": 2}, r"'poison_rate' parameter .* range \(0.0, 1.0\)"),
        ({"poison_rate": 1.0}, "'poison_rate' parameter"),
        ({"poison_rate": 0}, "'poison_rate' parameter"),
        ({"poison_rate": "0.1"}, "'poison_rate' parameter"),
        ({"cover_rate": -1}, "'cover_rate' parameter"),
        ({"cover_rate": 20}, "cover_rate=20 asks for"),
        ({"cover_rate": 1e-6}, "cover_rate=1e-06 asks for 0 cover rows"),
        ({"cover_rate": 0.1, "cover_source": 4}, "cover_source and target are both 4"),
        ({"cover_rate": 0.1, "cover_source": [11]}, "cover_source=11 has no rows"),
        ({"cover_source": [3]}, r"cover_source=\[3\], but cover_rate=0 makes no cov"),
        ({"trigger": np.copy, "position": (0, 0)}, r"position=\(0, 0\) .* callable"),
        ({"trigger": np.copy, "color": 1.0}, "color=1.0 .* Leave color out"),
        ({"source": [1, 4]}, "source and target are both 4"),
        ({"source": [1, 11]}, "source=11 has no rows"),
        ({"source": []}, "source is an empty list"),
        ({"rate_of": "all", "poison_rate": 0.95}, "0.95 of 360 rows in all is 342"),
        ({"rate_of": "all", "poison_rate": 0.001}, "is 0 rows"),
        ({"protected": np.zeros(3, dtype=bool)}, "protected has shape"),
        ({"protected": np.zeros(360)}, "protected has .* dtype float64"),
        ({"protected": np.ones(360, dtype=bool)}, "0 rows can be poisoned"),
    ],
)
def test_wrong_parameters_are_errors(digits, options, message):
    with pytest.raises(ValueError, match=message):
        make_dirty_label_backdoor(*digits, target=4, **options)
