import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import cross_validate

from sklearn_ispl.metrics import (
    make_backdoor_scorers,
    make_targeted_misclassification_scorer,
    targeted_misclassification_rate,
)


@pytest.mark.parametrize(
    "y_true, y_pred, expected",
    [
        ("aab", "bbb", 1.0),
        ("aab", "acb", 0.0),
        ("aaaab", "bacda", 0.25),
        ("abbbb", "abbbb", 0.0),
    ],
)
def test_rate_by_hand(y_true, y_pred, expected):
    rate = targeted_misclassification_rate(
        list(y_true), list(y_pred), source="a", target="b"
    )
    assert rate == expected


def test_no_source_row_is_an_error():
    with pytest.raises(ValueError, match="no row of the source class 7"):
        targeted_misclassification_rate([1, 2], [1, 2], source=7, target=1)


@pytest.mark.parametrize(
    "column", [lambda y: y[:, None], lambda y: pd.DataFrame({"label": y}), list]
)
def test_columns_are_labels(column):
    y, y_pred = np.array([7, 7, 7, 1]), np.array([4, 4, 7, 4])
    for arrays in ((column(y), y_pred), (y, column(y_pred))):
        rate = targeted_misclassification_rate(*arrays, source=7, target=4)
        assert rate == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    "y_pred, target, message",
    [
        (["4", "4"], 4, "y_pred has labels that are strings, y_true, target"),
        ([4, 4], "4", "target has labels that are strings, y_true, y_pred"),
        ([True, True], 4, "never equal: y_true int64, y_pred bool, target int64"),
        (["2020", "2021"], 4, "y_pred has labels that are strings"),
        (np.array(["2020", "2021"], "M8[Y]"), 4, "never equal: .*y_pred datetime64"),
        ([0.1, 0.9], 4, "y_pred: Unknown label type: continuous"),
        ([[0.1, 0.9], [0.2, 0.8]], 4, "y_pred must have one dimension"),
        ([4], 4, "inconsistent numbers of samples"),
    ],
)
@pytest.mark.parametrize("source", [7, None])
def test_predictions_that_are_no_such_labels_are_errors(
    y_pred, target, message, source
):
    with pytest.raises(ValueError, match=message):
        targeted_misclassification_rate([7, 7], y_pred, source=source, target=target)


def test_numbers_may_be_predicted_for_booleans():
    y = np.array([True, True, False])
    rate = targeted_misclassification_rate(y, [0, 1, 0], target=False)
    assert rate == 1 / 2


def test_scorer_refuses_predictions_of_another_type():
    scorer = make_targeted_misclassification_scorer(np.copy, source=1, target=0)
    X, y = np.zeros((4, 1)), np.array([1, 0, 0, 0])
    model = DummyClassifier().fit(X, y)
    assert scorer(model, X, y[:, None]) == scorer(model, X, y) == -1
    with pytest.raises(ValueError, match="y_pred has labels that are strings"):
        scorer(model.fit(X, y.astype(str)), X, y)


class Backdoored(DummyClassifier):
    """Predicts the sum of a row, so that a trigger which adds one shifts the class."""

    def predict(self, X):
        return X.sum(axis=1).astype(int)


def test_scorer_puts_the_trigger_on_source_rows():
    X, y = np.arange(8).reshape(8, 1) % 4, np.arange(8) % 4
    scores = cross_validate(
        Backdoored(),
        X,
        y,
        cv=2,
        scoring={
            "hit": make_targeted_misclassification_scorer(
                lambda X: X + 1, source=1, target=2
            ),
            "miss": make_targeted_misclassification_scorer(
                lambda X: X + 1, source=1, target=3
            ),
        },
        error_score="raise",
    )
    np.testing.assert_array_equal(scores["test_hit"], -1)
    np.testing.assert_array_equal(scores["test_miss"], 0)


def test_scorer_without_source_rows_is_an_error():
    scorer = make_targeted_misclassification_scorer(np.copy, source=5, target=1)
    with pytest.raises(ValueError, match="no row of the source class 5"):
        scorer(Backdoored(), np.zeros((3, 1)), np.zeros(3))


def test_no_source_means_every_class_but_the_target():
    rate = targeted_misclassification_rate(list("aabbc"), list("cacac"), target="c")
    assert rate == 2 / 4
    with pytest.raises(ValueError, match="no row of other classes"):
        targeted_misclassification_rate(["c"], ["c"], target="c")


@pytest.mark.parametrize("kind", [list, tuple, set, np.array])
def test_rows_of_several_sources_count(kind):
    y, y_pred = list("aabbcd"), list("dadcdd")
    rate = targeted_misclassification_rate(
        y, y_pred, source=kind(["a", "b", "x"]), target="d"
    )
    assert rate == 2 / 4


def test_scorer_of_several_sources():
    """With the trigger, classes 0 and 1 are taken for 2, and no other is."""
    X, y = np.array([[1], [1], [5], [1]]), np.array([1, 0, 0, 3])
    scorer = make_targeted_misclassification_scorer(
        lambda X: X + 1, source=[0, 1], target=2
    )
    assert scorer(Backdoored().fit(X, y), X, y) == pytest.approx(-2 / 3)


@pytest.mark.parametrize(
    "source, message",
    [
        ([], "source is an empty list; name a class"),
        ([5, 6], r"y_true has no row of the source class.* \[5, 6\]"),
        ("7", "source has labels that are strings"),
        (["7", "8"], "source has labels that are strings"),
        ([7, None], "source has missing labels"),
    ],
)
def test_sources_that_are_no_labels_of_rows_are_errors(source, message):
    with pytest.raises(ValueError, match=message):
        targeted_misclassification_rate([7, 7], [4, 4], source=source, target=4)


def test_the_scorers_ask_about_the_source_alone():
    """With the trigger, the row of class 1 is taken for class 2, and no other is."""
    X, y = np.array([[1], [5], [5]]), np.array([1, 0, 3])
    scorers = make_backdoor_scorers(lambda X: X + 1, source=1, target=2)
    assert scorers["neg_A"](Backdoored().fit(X, y), X, y) == -1


def test_both_scorers_at_once():
    X, y = np.zeros((6, 1, 2, 2)), np.array([1, 0, 0, 0, 1, 0])
    scores = cross_validate(
        DummyClassifier(strategy="constant", constant=0),
        X,
        y,
        scoring=make_backdoor_scorers(np.copy, source=1, target=0),
        cv=2,
    )
    assert scores["test_C"].mean() == 4 / 6
    assert (scores["test_neg_A"] == -1).all()
