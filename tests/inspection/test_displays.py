import matplotlib.pyplot as plt
import numpy as np
import pytest

from sklearn_ispl import ISPLFilter
from sklearn_ispl.inspection import ComponentsDisplay, VotesDisplay


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
