import numpy as np
import pandas as pd
import pytest

from sklearn_ispl.metrics import filter_quality


def test_quality_by_hand():
    y = np.array(list("aaaabbbb"))
    poisoned = np.array([0, 0, 0, 0, 1, 1, 1, 0], dtype=bool)
    support = np.array([1, 1, 1, 0, 0, 0, 1, 1], dtype=bool)
    quality = filter_quality(y, support, poisoned)
    assert quality == {
        "poison_recall": 2 / 3,
        "poison_kept": 1,
        "clean_lost": 1 / 5,
        "clean_lost_per_class": {"a": 1 / 4, "b": 0.0},
    }


def test_nothing_poisoned_has_no_recall():
    quality = filter_quality([0, 1], [1, 1], [0, 0])
    assert np.isnan(quality["poison_recall"]) and quality["clean_lost"] == 0


@pytest.mark.parametrize("short", range(3))
def test_lengths_must_match(short):
    arrays = [[0, 1], [1, 1], [0, 1]]
    arrays[short] = [1]
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        filter_quality(*arrays)


def test_only_masks_are_taken():
    with pytest.raises(ValueError, match="support is no mask.*fit_predict"):
        filter_quality([0, 1], [1, -1], [0, 1])
    with pytest.raises(ValueError, match="^poisoned is no mask"):
        filter_quality([0, 1], [1, 0], [3, 4])


@pytest.mark.filterwarnings("error")
def test_a_class_that_is_all_poison_has_lost_no_share():
    lost = filter_quality([0, 1], [1, 0], [0, 1])["clean_lost_per_class"]
    assert lost[0] == 0 and np.isnan(lost[1])


@pytest.mark.parametrize("column", [lambda a: np.c_[a], pd.DataFrame])
def test_columns_count_as_what_is_in_them(column):
    y, support, poisoned = np.array([0, 0, 1, 1]), [1, 0, 1, 0], [0, 0, 0, 1]
    expected = filter_quality(y, support, poisoned)
    for arrays in (
        (column(y), support, poisoned),
        (y, column(support), poisoned),
        (y, support, column(poisoned)),
    ):
        assert filter_quality(*arrays) == expected


@pytest.mark.parametrize(
    "y, support, message",
    [
        ([[0, 1], [1, 0]], [1, 1], "y must have one dimension"),
        ([0, 1], [[1, 0], [0, 1]], "support must have one dimension"),
    ],
)
def test_other_shapes_are_errors(y, support, message):
    with pytest.raises(ValueError, match=message):
        filter_quality(y, support, [0, 1])
