import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from torch.utils.data import DataLoader, TensorDataset

from sklearn_ispl import (
    BoostedHomogeneousVoter,
    FilteredClassifier,
    ISPLFilter,
    ISPLPartitioner,
)
from sklearn_ispl.metrics import expansion_error

ROWS = np.random.RandomState(0).uniform(size=(40, 3))
LABELS = np.arange(40) % 2
FEW = {"beta": 1 / 2, "n_epochs": 1, "self_training_epochs": 1, "random_state": 0}


def quick(**params):
    return ISPLPartitioner(beta=1, n_epochs=1, random_state=0, **params)


def frame(**columns):
    return pd.DataFrame(ROWS, columns=list("abc")).assign(**columns)


@pytest.mark.parametrize(
    "column",
    [
        pd.Categorical(np.where(LABELS, "b", "c")),
        pd.Timestamp("2020-01-01"),
        pd.Timedelta("1s"),
        "text",
    ],
    ids=["categorical", "date", "duration", "text"],
)
@pytest.mark.parametrize("names", [["a", "b", "c"], ["b"]])
def test_columns_that_hold_no_numbers_are_named(column, names):
    X = frame(b=column)[names]
    with pytest.raises(ValueError, match=r"hold no numbers: \['b'\]. Encode them"):
        quick().fit(X, LABELS)


def test_columns_of_polars_are_named():
    X = pl.DataFrame({"a": LABELS, "b": ["x", "y"] * 20}).with_columns(
        c=pl.col("b").cast(pl.Categorical)
    )
    with pytest.raises(ValueError, match=r"hold no numbers: \['b', 'c'\]"):
        quick().fit(X, LABELS)


def test_a_column_of_text_is_named_beside_a_missing_value():
    X = frame(a=pd.array([None] + [1] * 39, "Int64"), b="text")
    with pytest.raises(ValueError, match=r"hold no numbers: \['b'\]"):
        quick().fit(X, LABELS)


@pytest.mark.parametrize(
    "X",
    [
        frame().astype("Float32"),
        frame(a=pd.array(LABELS, "Int64"), b=pd.array(LABELS == 1, "boolean")),
        frame(b=pd.Categorical(LABELS)),
        frame(b=LABELS.astype(object)),
        pl.DataFrame(ROWS),
        torch.tensor(ROWS, requires_grad=True),
        torch.tensor(ROWS).bfloat16(),
        torch.tensor(ROWS).to_dense(),
        np.asfortranarray(ROWS),
        ROWS[:, ::-1],
        ROWS.astype(np.longdouble),
        ROWS > 0.5,
    ],
    ids=lambda X: f"{type(X).__name__} {getattr(X, 'dtype', '')}",
)
def test_numbers_of_any_type_are_taken(X):
    fitted = quick().fit(X, torch.tensor(LABELS))
    assert fitted.labels_.shape == (40,)
    assert ISPLFilter.transform(fitted_filter(), X).shape == (40, 3)


def fitted_filter():
    params = {"n_repeats": 1, "beta": 1, "n_epochs": 1, "self_training": False}
    return ISPLFilter(method="paper", random_state=0, **params).fit(ROWS, LABELS)


@pytest.mark.parametrize("X", [torch.tensor(ROWS).to("meta"), ROWS * 1j, [["a"]] * 40])
def test_what_is_no_numbers_is_an_error_that_names_x(X):
    with pytest.raises((TypeError, ValueError), match=r"\bX\b|Complex data"):
        quick().fit(X, LABELS)


@pytest.mark.parametrize("shape", [(40, 0, 8, 8), (40, 1, 0, 8), (40, 1, 8, 0)])
def test_images_without_pixels_are_an_error(shape):
    with pytest.raises(ValueError, match=r"X has shape .*its rows hold no values"):
        quick().fit(np.zeros(shape), LABELS)


@pytest.mark.parametrize("labels", [LABELS, None])
@pytest.mark.parametrize("load", [lambda data: data, DataLoader])
def test_a_data_set_is_an_error_that_says_what_to_do(labels, load):
    data = load(TensorDataset(torch.tensor(ROWS), torch.tensor(LABELS)))
    with pytest.raises(TypeError, match="X is a .*, but arrays are needed"):
        quick().fit(data, labels)
    with pytest.raises(TypeError, match="X is a .*, but arrays are needed"):
        FilteredClassifier(ISPLFilter(), LogisticRegression()).fit(data, labels)


def test_a_data_set_of_hugging_face_is_an_error_too():
    """It is known by the name of its module: the package does not import theirs."""
    theirs = type("Dataset", (), {"__module__": "datasets.arrow_dataset"})()
    with pytest.raises(TypeError, match="X is a Dataset, but arrays are needed"):
        quick().fit(theirs, LABELS)


def test_a_tensor_with_gradients_is_taken_everywhere():
    X = torch.tensor(ROWS, requires_grad=True)
    model = FilteredClassifier(ISPLFilter(**FEW), LogisticRegression())
    assert model.fit(X, torch.tensor(LABELS)).predict(ROWS).shape == (40,)
    voter = BoostedHomogeneousVoter(n_epochs=1).fit(X, LABELS, components=LABELS)
    assert voter.predict(X).shape == (40,)
    assert expansion_error(X, LABELS, n_epochs=1, n_repeats=1).value <= 1


def test_columns_of_other_names_are_an_error_that_names_x_alone():
    ispl = fitted_filter()
    ispl.fit(frame(), LABELS)
    with pytest.raises(ValueError, match="^X cannot be used: The feature names should"):
        ispl.transform(frame().rename(columns={"a": "d"}))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([np.nan, *"ab" * 19, "a"], "y has missing labels"),
        ([1, *"ab" * 19, "a"], "y mixes labels of the types int, str"),
        (np.r_[np.datetime64("NaT"), [np.datetime64("2020")] * 39], "missing labels"),
        (np.ma.array(LABELS, mask=LABELS == 1), "y has masked values"),
    ],
    ids=["NaN", "mixed", "NaT", "masked"],
)
def test_labels_that_numpy_would_take_for_others_are_refused(y, message):
    with pytest.raises((TypeError, ValueError), match=message):
        quick().fit(ROWS, y)


def test_masked_values_are_refused():
    with pytest.raises(ValueError, match="X has masked values. Fill them"):
        quick().fit(np.ma.array(ROWS, mask=ROWS > 0.5), LABELS)
    assert quick().fit(np.ma.array(ROWS), LABELS).labels_.shape == (40,)


@pytest.mark.parametrize("X", [np.ones((40, 3)), np.zeros((40, 1, 8, 8))])
def test_rows_that_are_all_the_same_are_refused(X):
    with pytest.raises(ValueError, match="All rows of X are the same"):
        quick().fit(X, LABELS)
    X[1] = 2
    assert quick().fit(X, LABELS).labels_.shape == (40,)


@pytest.mark.parametrize(
    "regressor", [LinearRegression(), make_pipeline(LinearRegression())]
)
def test_a_regressor_behind_a_filter_is_an_error(regressor):
    model = FilteredClassifier(ISPLFilter(**FEW), regressor)
    name = type(regressor).__name__
    with pytest.raises(TypeError, match=f"classifier is a regressor .{name}"):
        model.fit(ROWS, LABELS)
    assert not hasattr(model, "filter_")
