from copy import copy

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sklearn_ispl import ISPLFilter
from sklearn_ispl.inspection import ComponentsDisplay, MarkDisplay, VotesDisplay


@pytest.fixture(scope="module")
def fitted(poisoned_digits):
    X, y, _, _ = poisoned_digits
    return ISPLFilter(n_repeats=2, beta=1 / 4, self_training=False, random_state=0).fit(
        X, y
    )


def test_votes_display_shows_every_row_once(fitted, poisoned_digits):
    poisoned = poisoned_digits[2]
    display = VotesDisplay.from_estimator(fitted, poisoned=poisoned).plot()
    clean_bars, poisoned_bars = display.ax_.containers
    for bars in (clean_bars, poisoned_bars):
        assert sum(bar.get_height() for bar in bars) == pytest.approx(1)
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == [f"clean ({360 - 7} rows)", "poisoned (7 rows)"]
    plt.close(display.figure_)


def test_votes_display_without_a_mask_shows_kept_and_rejected(fitted):
    display = VotesDisplay.from_estimator(fitted)
    np.testing.assert_array_equal(display.groups["kept"], fitted.support_)
    np.testing.assert_array_equal(display.groups["rejected"], ~fitted.support_)


@pytest.mark.parametrize("repeat", [0, 1])
def test_components_display_counts_rows(fitted, poisoned_digits, repeat):
    poisoned = poisoned_digits[2]
    figure, axes = plt.subplots()
    display = ComponentsDisplay.from_estimator(fitted, poisoned, repeat=repeat)
    display.plot(ax=axes)
    for component in range(4):
        rows = fitted.components_[repeat] == component
        assert display.counts[1, component] == np.sum(poisoned & rows)
        assert display.counts[:, component].sum() == rows.sum()
    assert display.ax_ is axes and display.figure_ is figure
    plt.close(figure)


@pytest.mark.parametrize("n_channels", [1, 2, 3])
def test_a_mark_of_images_is_drawn_on_grey(fitted, n_channels):
    mark = np.full((n_channels, 8, 8), np.nan)
    mark[:, 2:4, 5] = 255
    mark[:, 6, 6], mark[:, 7, 0] = 0, 51
    display = MarkDisplay(mark, "stop").plot()
    (picture,) = display.ax_.images
    expected = np.full((8, 8, 3), 0.5)
    expected[2:4, 5], expected[6, 6], expected[7, 0] = 1, 0, 0.2
    np.testing.assert_array_equal(picture.get_array(), expected)
    assert display.ax_.get_title() == "mark in stop"
    plt.close(display.figure_)


@pytest.mark.parametrize("names, shown", [(None, "2"), (list("abcd"), "c")])
def test_a_mark_of_a_table_is_a_bar_for_each_feature(names, shown):
    mark = np.array([np.nan, np.nan, -0.5, np.nan])
    display = MarkDisplay(mark, 1, names).plot()
    (bar,) = display.ax_.patches
    assert bar.get_width() == -0.5
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == [shown]
    plt.close(display.figure_)


def test_a_class_without_a_mark_says_so():
    display = MarkDisplay(np.full((1, 8, 8), np.nan), 4).plot()
    assert display.ax_.get_title() == "no mark in 4"
    plt.close(display.figure_)


def test_a_mark_is_taken_from_a_filter(fitted):
    ispl = copy(fitted)
    with pytest.raises(ValueError, match="ISPLFilter has no marks_"):
        MarkDisplay.from_estimator(ispl, 4)
    ispl.poisoned_classes_ = np.array([3, 4])
    ispl.marks_ = np.arange(2 * 64.0).reshape(2, 1, 8, 8)
    display = MarkDisplay.from_estimator(ispl, 4)
    np.testing.assert_array_equal(display.mark, ispl.marks_[1])
    with pytest.raises(ValueError, match=r"No row labelled 5 .* has \[3, 4\]"):
        MarkDisplay.from_estimator(ispl, 5)
