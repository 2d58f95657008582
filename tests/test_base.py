import re
import sys
import warnings
from functools import cache

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_classification
from sklearn.preprocessing import StandardScaler

from sklearn_ispl import ISPLFilter
from sklearn_ispl._compatibility import Evidence
from sklearn_ispl.datasets import make_blended_trigger, make_dirty_label_backdoor
from sklearn_ispl.exceptions import (
    ClassVanishedWarning,
    MostRejectedWarning,
    UnlearnedClassWarning,
    UntestedClassWarning,
    WeakEvidenceWarning,
)
from sklearn_ispl.rules import _core
from sklearn_ispl.rules._rule import Finding


def test_self_training_is_not_of_the_default(digits):
    with_it, without = (
        ISPLFilter(self_training=one, n_repeats=1, random_state=0).fit(*digits)
        for one in (True, False)
    )
    np.testing.assert_array_equal(with_it.suspicion_, without.suspicion_)


def test_methods_share_votes(digits):
    core, paper = (
        ISPLFilter(
            method=method,
            n_repeats=1,
            n_epochs=2,
            self_training_epochs=3,
            random_state=0,
        ).fit(*digits)
        for method in ("core", "paper")
    )
    np.testing.assert_array_equal(core.predictions_, paper.predictions_)
    modal = core.votes_.max(axis=1) == core.votes_[np.arange(len(digits[1])), digits[1]]
    assert modal[core.vote_support_].all() and core.vote_support_.any()
    assert not np.array_equal(core.support_, paper.support_)


@pytest.fixture(scope="module")
def default(backdoored_digits):
    """A function of a seed: the default, fitted to the backdoor of this seed."""

    @cache
    def fit(seed):
        X, y, _, _ = backdoored_digits(seed)
        return ISPLFilter(random_state=seed).fit(X, y)

    return fit


@pytest.mark.parametrize("seed", range(4))
def test_default_finds_the_poison_and_keeps_the_rest(backdoored_digits, default, seed):
    _, _, poisoned, target = backdoored_digits(seed)
    ispl = default(seed)
    # Now and then a clean class stands out, too: the rate of false alarms is no zero.
    assert target in ispl.poisoned_classes_
    assert not (ispl.support_ & poisoned).any()
    assert ispl.support_[~poisoned].mean() > 0.97


def test_the_trigger_of_the_rejected_rows_is_shown(backdoored_digits, default):
    X, _, poisoned, _ = backdoored_digits(1)
    (trigger,) = default(1).triggers_
    painted = ~np.isnan(trigger)
    assert painted.any()
    # A trigger is completed with values that nine in ten of its rows have.
    shown = np.isclose(X[poisoned][:, painted], trigger[painted], rtol=0, atol=0.02)
    assert (shown.mean(axis=0) >= 0.9).all() and shown.mean() > 0.98


def test_noise_blended_over_images_is_found(digit_images):
    X, y = digit_images
    X, y, poisoned, _ = make_dirty_label_backdoor(
        X,
        y,
        source=9,
        target=4,
        poison_rate=0.1,
        trigger=make_blended_trigger(X, opacity=0.2, random_state=0),
        random_state=0,
    )
    ispl = ISPLFilter(random_state=0).fit(X, y)
    assert not ispl.support_[poisoned].any()
    assert ispl.support_[~poisoned].mean() > 0.99
    assert ispl.poisoned_classes_.tolist() == [4]
    assert np.isnan(ispl.triggers_).all()


def small_set(name):
    """Return a clean set of few rows, few pixels, few classes, or noisy labels."""
    if name == "noisy table":
        X, y = make_classification(
            5000, 30, n_informative=12, n_classes=5, flip_y=0.05, random_state=2
        )
        return StandardScaler().fit_transform(X), y
    X, y = load_digits(return_X_y=True)
    if name == "few rows":
        return X[:300], y[:300]
    if name == "two classes":
        return X[:400], y[:400] > 4
    images = X[:300].reshape(300, 1, 8, 8)[..., 1:7, 1:7]
    return images.reshape(300, 1, 3, 2, 3, 2).mean(axis=(3, 5)), y[:300]


@pytest.mark.parametrize(
    "name", ["few rows", "few pixels", "two classes", "noisy table"]
)
def test_small_and_noisy_sets_without_poison_keep_their_rows(name):
    X, y = small_set(name)
    # A single fit of few rows may be a false alarm.
    seeds = range(3) if len(y) < 1000 else [0]
    kept = [ISPLFilter(random_state=seed).fit(X, y).support_.mean() for seed in seeds]
    assert np.median(kept) > 0.99


def test_nothing_is_rejected_where_there_is_no_poison(digit_images):
    ispl = ISPLFilter(random_state=0).fit(*digit_images)
    assert ispl.support_.mean() > 0.97
    assert not len(ispl.unlearned_classes_)
    assert ispl.triggers_.shape == (len(ispl.poisoned_classes_), 1, 8, 8)


def test_a_verdict_does_not_outlive_its_fit(digits):
    X, y = digits
    ispl = ISPLFilter(n_repeats=1, n_epochs=1, self_training_epochs=1, random_state=0)
    names = "poisoned_classes_", "triggers_", "unlearned_classes_"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnlearnedClassWarning)
        warnings.simplefilter("ignore", ClassVanishedWarning)
        assert all(hasattr(ispl.fit(X, y), name) for name in names)
        ispl.set_params(method="paper").fit(X, y)
    assert not any(hasattr(ispl, name) for name in names)


def test_a_class_that_cannot_be_learned_is_named(digits):
    X, y = digits
    y = np.where(np.arange(360) % 12 == 0, 99, y)
    ispl = ISPLFilter(n_repeats=1, random_state=0)
    match = r"0.15 in the mean: \[99\]"
    with pytest.warns(UnlearnedClassWarning, match=match) as caught:
        ispl.fit(X, y)
    assert caught[0].filename == __file__
    assert ispl.unlearned_classes_.tolist() == [99]


@pytest.mark.parametrize(
    "poisoned, doubtful",
    [
        ([], "3 (level 0.06), 5 (level 0.2)"),
        ([3], "5 (level 0.2)"),
        ([3, 5], ""),
    ],
)
def test_a_group_that_is_kept_with_weak_evidence_is_named(
    digits, monkeypatch, poisoned, doubtful
):
    X, y = digits
    evidence = [
        Evidence(3, np.arange(9), "clusters", "typical", 2.0, 0.9, 3.0, level=0.06),
        Evidence(5, np.arange(9), "clusters", "typical", 1.9, 0.9, 2.8, level=0.2),
        Evidence(4, np.arange(9), "components", "typical", 0.4, 0.9, 0.6, level=0.21),
    ]
    none, kept = np.array([], dtype=int), np.ones(len(y), dtype=bool)
    poisoned = np.array(poisoned, int)
    finding = Finding(kept, kept, poisoned, {}, none, evidence, np.zeros(len(y)))
    monkeypatch.setattr(_core, "find_poison", lambda *args: finding)
    ispl = ISPLFilter(n_repeats=1, n_epochs=1, self_training_epochs=1, random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", WeakEvidenceWarning)
        ispl.fit(X, y)
    said = [w for w in caught if w.category is WeakEvidenceWarning]
    assert len(said) == bool(doubtful)
    assert all(f"alarm_rate=0.05: {doubtful}." in str(w.message) for w in said)
    assert all(w.filename == __file__ for w in said)


@pytest.mark.parametrize(
    "n_rejected, said", [(18, []), (19, ["5 (19 of 36)"]), (36, [])]
)
def test_a_class_of_which_most_rows_are_rejected_is_named(
    digits, monkeypatch, n_rejected, said
):
    X, y = digits
    support = np.ones(len(y), dtype=bool)
    support[np.flatnonzero(y == 5)[:n_rejected]] = False
    assert (y == 5).sum() == 36
    none = np.array([], dtype=int)
    finding = Finding(support, None, np.array([5]), {}, none, [], np.zeros(len(y)))
    monkeypatch.setattr(_core, "find_poison", lambda *args: finding)
    ispl = ISPLFilter(n_repeats=1, n_epochs=1, self_training_epochs=1, random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ispl.fit(X, y)
    lost = [w for w in caught if w.category is MostRejectedWarning]
    assert len(lost) == len(said)
    assert all(f"rejected: {said[0]}." in str(w.message) for w in lost)
    assert all(w.filename == __file__ for w in lost)
    vanished = [w for w in caught if w.category is ClassVanishedWarning]
    assert len(vanished) == (n_rejected == 36)
    assert all("[5]. Look at these rows" in str(w.message) for w in vanished)


def test_rows_that_were_written_many_times_count_once_as_what_is_kept(
    digits, monkeypatch
):
    """All clean fours go, and a seven that is labelled four a hundred times stays."""
    X, y = digits
    seven = np.flatnonzero(y == 7)[:1]
    X, y = np.concatenate([X, X[seven.repeat(100)]]), np.r_[y, [4] * 100]
    support = (y != 4) | (np.arange(len(y)) >= 360)
    none = np.array([], dtype=int)
    finding = Finding(support, None, np.array([4]), {}, none, [], np.zeros(len(y)))
    monkeypatch.setattr(_core, "find_poison", lambda *args: finding)
    ispl = ISPLFilter(n_repeats=1, n_epochs=1, self_training_epochs=1, random_state=0)
    n_fours = (digits[1] == 4).sum()
    with pytest.warns(MostRejectedWarning, match=rf"4 \({n_fours} of {n_fours + 1}\)"):
        ispl.fit(X, y)


@pytest.mark.parametrize(
    "classes, small, said",
    [
        (3, [], "y has 3 classes"),
        (4, [], None),
        (5, [1, 4], r"fewer than 16 rows no groups are sought, .* \[1, 4\]"),
    ],
)
def test_classes_that_are_not_tested_are_named(digits, classes, small, said):
    X, y = digits
    rows = [np.flatnonzero(y == c)[: 15 if c in small else 16] for c in range(classes)]
    X, y = (one[np.concatenate(rows)] for one in (X, y))
    ispl = ISPLFilter(n_repeats=1, n_epochs=1, self_training_epochs=1, random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ispl.fit(X, y)
    untested = [w for w in caught if w.category is UntestedClassWarning]
    assert len(untested) == (said is not None)
    assert all(re.search(said, str(w.message)) for w in untested)
    assert all(w.filename == __file__ for w in untested)


def test_poisoned_classes_are_labels(backdoored_digits):
    X, y, _, target = backdoored_digits(1)
    names = np.array([f"digit {i}" for i in range(10)])
    ispl = ISPLFilter(n_repeats=1, random_state=1).fit(X, names[y])
    assert ispl.poisoned_classes_.tolist() == [f"digit {target}"]


def test_evidence_is_a_table(default):
    ispl = default(0)
    frame = ispl.evidence_frame()
    assert frame.columns.tolist() == [
        "label", "n_rows", "proposer", "question", "excess", "taught", "score", "level",
        "rejected",
    ]  # fmt: skip
    assert len(frame) == 10 and frame["level"].is_monotonic_increasing
    assert frame["question"].isin(["typical", "typical and taught"]).all()
    assert frame["n_rows"].tolist() == [len(one.rows) for one in ispl.evidence_]
    assert not frame["rejected"][frame["level"] > ispl.false_alarm_rate].any()


def test_without_evidence_there_is_no_table(digits):
    ispl = ISPLFilter(method="paper", n_repeats=1, self_training=False).fit(*digits)
    with pytest.raises(AttributeError, match="comes with method"):
        ispl.evidence_frame()


def test_a_table_needs_pandas(digits, monkeypatch):
    ispl = ISPLFilter(method="paper", n_repeats=1, self_training=False).fit(*digits)
    ispl.evidence_ = []
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"sklearn-ispl\[frames\]"):
        ispl.evidence_frame()


@pytest.mark.parametrize("unit", ["datetime64[D]", "timedelta64[D]"])
def test_labels_may_be_dates(digits, unit):
    X, y = digits
    ispl = ISPLFilter(n_epochs=1, self_training_epochs=1, random_state=0)
    assert ispl.fit(X, y.astype(unit)).classes_.dtype == unit


def test_any_bit_generator_will_do(digits):
    rng = np.random.RandomState(np.random.PCG64(0))
    ispl = ISPLFilter(n_epochs=1, self_training_epochs=1, random_state=rng)
    assert ispl.fit(*digits).support_.shape == (360,)
