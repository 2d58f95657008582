from copy import copy

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sklearn_ispl import (
    BoostedHomogeneousVoter,
    InverseSelfPacedLearner,
    ISPLFilter,
    ISPLPartitioner,
)
from sklearn_ispl.inspection import ComponentsDisplay, TriggerDisplay, VotesDisplay


@pytest.fixture(autouse=True)
def _closed_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def fitted(poisoned_digits):
    X, y, _, _ = poisoned_digits
    params = {"n_repeats": 2, "beta": 1 / 4, "self_training": False}
    return ISPLFilter(method="paper", random_state=0, **params).fit(X, y)


@pytest.fixture(scope="module")
def voter(poisoned_digits):
    X, y, _, _ = poisoned_digits
    return BoostedHomogeneousVoter(alpha=1, n_epochs=5, random_state=0).fit(
        X, y, components=np.arange(360) % 3
    )


def test_votes_display_shows_every_row_once(fitted, poisoned_digits):
    poisoned = poisoned_digits[2]
    display = VotesDisplay.from_estimator(fitted, poisoned=poisoned)
    clean_bars, poisoned_bars = display.ax_.containers
    for bars in (clean_bars, poisoned_bars):
        assert sum(bar.get_height() for bar in bars) == pytest.approx(1)
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == [f"clean ({360 - 7} rows)", "poisoned (7 rows)"]


def test_votes_display_without_a_mask_shows_kept_and_rejected(fitted):
    figure, axes = plt.subplots()
    display = VotesDisplay.from_estimator(fitted, ax=axes)
    assert display.ax_ is axes and display.figure_ is figure
    np.testing.assert_array_equal(display.groups["kept"], fitted.support_)
    np.testing.assert_array_equal(display.groups["rejected"], ~fitted.support_)


def test_votes_display_shows_as_many_groups_as_it_is_given():
    agreement = np.linspace(0, 1, 8)
    groups = {number: np.arange(8) == number for number in range(8)}
    display = VotesDisplay(agreement, groups).plot()
    assert len(display.ax_.containers) == 8
    colors = [bars[0].get_facecolor() for bars in display.ax_.containers]
    assert len(set(colors[:3])) == 3


def test_votes_display_takes_a_voter(voter, poisoned_digits):
    display = VotesDisplay.from_estimator(voter, poisoned=poisoned_digits[2].tolist())
    np.testing.assert_array_equal(display.agreement, voter.agreement_)
    assert display.groups["poisoned"].sum() == poisoned_digits[2].sum()
    kept = VotesDisplay.from_estimator(voter).groups["kept"]
    np.testing.assert_array_equal(kept, voter.support_)


@pytest.mark.parametrize(
    ("poisoned", "message"),
    [
        ([True], "has shape .* each of 360 rows"),
        (np.arange(7), "has shape .* each of 360 rows"),
        (np.ones((360, 2)), "must have one dimension"),
        (np.tile([1, -1], 180), "is no mask.*fit_predict"),
    ],
)
def test_what_is_no_mask_of_the_rows_is_an_error(fitted, poisoned, message):
    with pytest.raises(ValueError, match=f"^poisoned {message}"):
        VotesDisplay.from_estimator(fitted, poisoned=poisoned)
    display = VotesDisplay(fitted.agreement_, {"odd": poisoned})
    with pytest.raises(ValueError, match=rf"^groups\['odd'\] {message}"):
        display.plot()


@pytest.mark.parametrize("repeat", [0, 1])
def test_components_display_counts_rows(fitted, poisoned_digits, repeat):
    poisoned = poisoned_digits[2]
    figure, axes = plt.subplots()
    display = ComponentsDisplay.from_estimator(
        fitted, poisoned, repeat=repeat, ax=axes
    )
    for component in range(4):
        rows = fitted.components_[repeat] == component
        assert display.counts[1, component] == np.sum(poisoned & rows)
        assert display.counts[:, component].sum() == rows.sum()
    assert display.ax_ is axes and display.figure_ is figure


def test_components_display_takes_one_partition(voter, poisoned_digits):
    X, y, poisoned, _ = poisoned_digits
    display = ComponentsDisplay.from_estimator(voter, poisoned)
    expected = np.bincount(np.flatnonzero(poisoned) % 3, minlength=3)
    np.testing.assert_array_equal(display.counts, [120 - expected, expected])
    partitioner = ISPLPartitioner(beta=1 / 4, n_epochs=1, random_state=0).fit(X, y)
    partitioner.labels_[:5] = -1
    display = ComponentsDisplay.from_estimator(partitioner, y[:, np.newaxis])
    assert display.counts.shape == (10, 4)
    # Rows that are in no component are not counted.
    np.testing.assert_array_equal(
        display.counts.sum(axis=0), np.bincount(partitioner.labels_[5:])
    )


@pytest.mark.parametrize(
    "n_groups, repeat, message",
    [
        (360, 2, "repeat=2 is no partition of this ISPLFilter; .* from 0 to 1"),
        (360, -1, "repeat=-1 is no partition"),
        (360, 0.5, "repeat=0.5 is no partition"),
        (10, 0, "groups has 10 rows, but ISPLFilter was fitted to 360"),
        (0, 0, "groups has 0 rows"),
    ],
)
def test_components_that_are_not_there_are_errors(fitted, n_groups, repeat, message):
    with pytest.raises(ValueError, match=message):
        ComponentsDisplay.from_estimator(fitted, np.arange(n_groups), repeat=repeat)


def test_an_estimator_without_components_is_an_error(digits):
    ispl = InverseSelfPacedLearner(n_epochs=1, random_state=0).fit(*digits)
    with pytest.raises(ValueError, match="InverseSelfPacedLearner has no components_"):
        ComponentsDisplay.from_estimator(ispl, digits[1])


@pytest.mark.parametrize("n_channels", [1, 2, 3])
def test_a_trigger_of_images_is_drawn_on_grey(fitted, n_channels):
    trigger = np.full((n_channels, 8, 8), np.nan)
    trigger[:, 2:4, 5] = 255
    trigger[:, 6, 6], trigger[:, 7, 0] = 0, 51
    display = TriggerDisplay(trigger, "stop").plot()
    (picture,) = display.ax_.images
    expected = np.full((8, 8, 3), 0.5)
    expected[2:4, 5], expected[6, 6], expected[7, 0] = 1, 0, 0.2
    np.testing.assert_array_equal(picture.get_array(), expected)
    assert display.ax_.get_title() == "trigger in stop"


@pytest.mark.parametrize("names, shown", [(None, "2"), (list("abcd"), "c")])
def test_a_trigger_of_a_table_is_a_bar_for_each_feature(names, shown):
    trigger = np.array([np.nan, np.nan, -0.5, np.nan])
    display = TriggerDisplay(trigger, 1, names).plot()
    (bar,) = display.ax_.patches
    assert bar.get_width() == -0.5
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == [shown]


def test_a_class_without_a_trigger_says_so():
    display = TriggerDisplay(np.full((1, 8, 8), np.nan), 4).plot()
    assert display.ax_.get_title() == "no values shared in 4"


def test_a_trigger_is_taken_from_a_filter(fitted):
    ispl = copy(fitted)
    with pytest.raises(ValueError, match="ISPLFilter has no triggers_"):
        TriggerDisplay.from_estimator(ispl, 4)
    ispl.poisoned_classes_ = np.array([3, 4])
    ispl.triggers_ = np.arange(2 * 64.0).reshape(2, 1, 8, 8)
    figure, axes = plt.subplots()
    display = TriggerDisplay.from_estimator(ispl, 4, ax=axes)
    assert display.ax_ is axes and axes.get_title() == "trigger in 4"
    np.testing.assert_array_equal(display.trigger, ispl.triggers_[1])
    with pytest.raises(ValueError, match=r"No row labelled 5 .* has \[3, 4\]"):
        TriggerDisplay.from_estimator(ispl, 5)
