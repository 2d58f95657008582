import io
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from imblearn.pipeline import Pipeline as ImbalancedPipeline
from joblib import parallel_config
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_iris
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from threadpoolctl import threadpool_info, threadpool_limits

from conftest import DEVICES, make_net
from sklearn_ispl import (
    BoostedHomogeneousVoter,
    FilteredClassifier,
    InverseSelfPacedLearner,
    ISPLFilter,
    ISPLPartitioner,
    ISPLSampler,
)
from sklearn_ispl._validation import check_training_set
from sklearn_ispl.exceptions import ClassVanishedWarning, SmallClassWarning
from sklearn_ispl.metrics import make_targeted_misclassification_scorer
from sklearn_ispl.modules import ConvNet
from sklearn_ispl.rules._core import find_poison


def small_filter(**params):
    """A filter that is quick rather than good."""
    defaults = {
        "n_repeats": 2,
        "n_epochs": 2,
        "beta": 1 / 4,
        "self_training_epochs": 5,
        "random_state": 0,
    }
    return ISPLFilter(**defaults | params)


def voting_filter(**params):
    """A small filter that goes by the vote of its weak learners alone."""
    return small_filter(method="paper", self_training=False, **params)


@pytest.fixture(scope="module")
def fitted_filter(digits):
    return small_filter(n_repeats=3).fit(*digits)


def test_fitted_attributes(poisoned_digits, device):
    X, y, _, _ = poisoned_digits
    ispl = small_filter(device=device).fit(X, y)
    assert ispl.predictions_.shape == (8, 360) and ispl.predictions_.dtype == np.uint8
    assert ispl.components_.shape == (2, 360)
    np.testing.assert_array_equal(np.unique(ispl.components_), range(4))
    np.testing.assert_array_equal(ispl.votes_.sum(axis=1), 8)
    np.testing.assert_allclose(ispl.agreement_, (ispl.predictions_ == y).mean(axis=0))
    assert len(ispl.estimators_) == 8
    np.testing.assert_array_equal(ispl.estimators_[5].predict(X), ispl.predictions_[5])


def test_without_self_training_support_is_the_modal_vote(poisoned_digits):
    X, y, _, _ = poisoned_digits
    ispl = voting_filter().fit(X, y)
    best = ispl.votes_.max(axis=1)
    given = ispl.votes_[np.arange(360), y]
    clear = np.sum(ispl.votes_ == best[:, None], axis=1) == 1
    np.testing.assert_array_equal(ispl.support_[clear], (given == best)[clear])
    assert not ispl.support_[given < best].any()


def test_self_training_adds_rows_only(poisoned_digits):
    X, y, _, _ = poisoned_digits
    vote = voting_filter().fit(X, y).support_
    both = small_filter(method="paper", self_training=True).fit(X, y).support_
    assert (both | ~vote).all()
    assert both.sum() > vote.sum()


def test_later_version_of_the_paper(digits):
    X, y = digits
    noisy = np.arange(360) % 10 == 0
    y = np.where(noisy, (y + 3) % 10, y)
    ispl = ISPLFilter(
        method="paper-2023", n_repeats=1, beta=1 / 3, n_epochs=4, random_state=0
    ).fit(X, y)
    own = ispl.votes_[np.arange(360), y]
    np.testing.assert_array_equal(
        ispl.vote_support_, (own >= 2) & (own == ispl.votes_.max(axis=1))
    )
    assert ispl.support_[~noisy].mean() > 0.9
    assert ispl.support_[noisy].mean() < 0.3
    assert (ispl.support_ & ~ispl.vote_support_).any()


def test_randomly_labelled_rows_are_rejected(digits):
    """Label noise is poison that nobody agrees with."""
    X, y = digits
    rng = np.random.RandomState(0)
    wrong = rng.choice(360, 36, replace=False)
    y = y.copy()
    y[wrong] = (y[wrong] + rng.randint(1, 10, size=36)) % 10
    noisy = np.isin(np.arange(360), wrong)
    ispl = small_filter(
        method="paper", n_repeats=3, n_epochs=8, self_training=False
    ).fit(X, y)
    assert ispl.support_[noisy].mean() < 0.15
    assert ispl.support_[~noisy].mean() > 0.75
    assert ispl.agreement_[noisy].mean() < 0.5 * ispl.agreement_[~noisy].mean()


def test_fit_predict_and_get_support(digits):
    ispl = small_filter()
    verdict = ispl.fit_predict(*digits)
    assert set(verdict) <= {1, -1}
    np.testing.assert_array_equal(verdict == 1, ispl.get_support())
    np.testing.assert_array_equal(
        np.flatnonzero(verdict == 1), ispl.get_support(indices=True)
    )


def test_fit_transform_replaces_rejected_rows_by_kept_ones_of_their_label(
    poisoned_digits,
):
    X, y, _, _ = poisoned_digits
    ispl = voting_filter()
    X_kept = ispl.fit_transform(X, y)
    kept = ispl.get_support()
    assert not kept.all()
    np.testing.assert_array_equal(X_kept[kept], X[kept])
    for row in np.flatnonzero(~kept):
        donors = X[kept & (y == y[row])]
        assert (donors == X_kept[row]).all(axis=(1, 2, 3)).any()


def test_fit_transform_is_not_transform(poisoned_digits):
    X, y, _, _ = poisoned_digits
    ispl = voting_filter()
    X_kept = ispl.fit_transform(X, y)
    assert not np.array_equal(X_kept, ispl.transform(X))
    np.testing.assert_array_equal(ispl.transform(X), X)
    np.testing.assert_array_equal(ispl.fit_transform(X, y), X_kept)


def test_pipeline_with_a_skorch_classifier_on_images(poisoned_digits):
    X, y, _, _ = poisoned_digits
    seen = []
    net = make_net(module__in_channels=1, module__n_classes=10, train_split=None)
    pipeline = Pipeline(
        [
            ("filter", small_filter()),
            ("spy", FunctionTransformer(lambda X: seen.append(X) or X)),
            ("clf", net.set_params(max_epochs=20)),
        ]
    ).fit(X, y)
    kept = pipeline.named_steps["filter"].get_support()
    kept_images = {image.tobytes() for image in X[kept]}
    assert all(image.tobytes() in kept_images for image in seen[0])
    assert pipeline.score(X[kept], y[kept]) > 0.8


def test_grid_search_over_a_pipeline_on_a_trusted_fold(poisoned_digits, digits):
    X, y, poisoned, trigger = poisoned_digits
    trusted = np.arange(360) >= 300
    X = np.where(trusted[:, None, None, None], digits[0], X)
    search = GridSearchCV(
        Pipeline(
            [
                ("filter", small_filter(n_repeats=1)),
                ("flat", FunctionTransformer(lambda X: X.reshape(len(X), -1))),
                ("clf", GaussianNB()),
            ]
        ),
        [{"filter__alpha": [1 / 2]}, {"filter__beta": [1 / 2]}],
        scoring={
            "C": "accuracy",
            "A": make_targeted_misclassification_scorer(trigger, source=7, target=4),
        },
        refit="C",
        cv=PredefinedSplit(np.where(trusted, 0, -1)),
        error_score="raise",
    ).fit(X, y)
    assert search.cv_results_["mean_test_C"].min() > 0.3
    assert (search.cv_results_["mean_test_A"] <= 0).all()


def test_grid_search_on_the_filter_alone_reaches_the_net(digits):
    search = GridSearchCV(
        voting_filter(estimator=make_net(), n_repeats=1),
        {"estimator__lr": [1e-6, 0.05], "estimator__module__width": [4, 8]},
        cv=2,
        error_score="raise",
    ).fit(*digits)
    assert search.best_params_["estimator__lr"] == 0.05
    kept = search.best_estimator_.estimators_[0].module_
    assert kept[1].out_channels == search.best_params_["estimator__module__width"]


@pytest.mark.slow
def test_a_search_in_processes_over_a_filter_in_processes_finds_the_same(digits):
    def search(n_jobs):
        ispl = voting_filter(n_repeats=2, n_epochs=1, n_jobs=n_jobs)
        grid = {"alpha": [1 / 8, 1 / 2]}
        found = GridSearchCV(ispl, grid, cv=2, n_jobs=n_jobs, error_score="raise")
        return found.fit(*digits).cv_results_["mean_test_score"]

    np.testing.assert_array_equal(search(2), search(1))


@pytest.mark.parametrize(
    "estimator, n_epochs",
    [
        (make_net(), 3),
        (SGDClassifier(loss="log_loss"), 10),
        (MLPClassifier(hidden_layer_sizes=16, batch_size=16), 10),
    ],
    ids=["skorch", "SGD", "MLP"],
)
def test_any_weak_learner(digits, estimator, n_epochs):
    ispl = small_filter(
        estimator=estimator, n_epochs=n_epochs, self_training_epochs=10 * n_epochs
    ).fit(*digits)
    assert ispl.get_support().mean() > 0.5
    assert ispl.score(*digits) > 0.5


def test_imbalanced_pipeline_really_drops_rows(poisoned_digits):
    X, y, _, _ = poisoned_digits
    X = X.reshape(360, -1)
    params = {"n_repeats": 1, "beta": 1 / 4, "self_training": False}
    sampler = ISPLSampler(method="paper", random_state=0, **params)
    pipeline = ImbalancedPipeline([("sample", sampler), ("clf", GaussianNB())])
    pipeline.fit(X, y)
    n_kept = len(pipeline.named_steps["sample"].sample_indices_)
    assert pipeline.named_steps["clf"].class_count_.sum() == n_kept < 360
    assert pipeline.predict(X).shape == (360,)


def test_sampler_and_filter_keep_the_same_rows(digits):
    params = {"n_repeats": 1, "self_training_epochs": 2, "random_state": 1}
    sampler = ISPLSampler(**params)
    X_kept, y_kept = sampler.fit_resample(*digits)
    kept = ISPLFilter(**params).fit(*digits).get_support(indices=True)
    np.testing.assert_array_equal(sampler.sample_indices_, kept)
    np.testing.assert_array_equal(X_kept, digits[0][kept])
    np.testing.assert_array_equal(y_kept, digits[1][kept])


def test_sampler_keeps_data_frames():
    X, y = load_iris(return_X_y=True, as_frame=True)
    X.index = y.index = [f"row {i}" for i in range(len(X))]
    sampler = ISPLSampler(n_repeats=1, random_state=0)
    X_kept, y_kept = sampler.fit_resample(X, y)
    pd.testing.assert_frame_equal(X_kept, X.iloc[sampler.sample_indices_])
    pd.testing.assert_series_equal(y_kept, y.iloc[sampler.sample_indices_])


def test_filtered_classifier_trains_on_kept_rows_only(poisoned_digits):
    X, y, _, _ = poisoned_digits
    X = X.reshape(360, -1)
    model = FilteredClassifier(voting_filter(), GaussianNB()).fit(X, y)
    kept = model.filter_.get_support()
    expected = GaussianNB().fit(X[kept], y[kept])
    assert model.classifier_.class_count_.sum() == kept.sum() < 360
    np.testing.assert_array_equal(model.predict(X), expected.predict(X))
    np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))


class KeptRows(BaseEstimator):
    """A filter that has what is asked of one, and nothing else."""

    def __init__(self, kept=None):
        self.kept = kept

    def fit(self, X, y):
        return self

    def get_support(self):
        return self.kept


def test_filtered_classifier_takes_any_filter_of_rows(digits):
    X, y = digits[0].reshape(360, -1), digits[1]
    kept = np.arange(360) < 100
    model = FilteredClassifier(KeptRows(kept), GaussianNB()).fit(X, y)
    assert model.classifier_.class_count_.sum() == 100
    assert not hasattr(model, "n_features_in_")
    assert model.predict(X).shape == (360,)


def test_filtered_classifier_takes_a_small_set(digits):
    X, y = digits[0].reshape(360, -1), digits[1]
    ispl = InverseSelfPacedLearner(beta=1 / 8, n_epochs=1, random_state=0)
    model = FilteredClassifier(ispl, GaussianNB()).fit(X, y)
    assert model.classifier_.class_count_.sum() == model.filter_.support_.sum() < 90
    assert model.n_features_in_ == 64


@pytest.mark.parametrize(
    "filter, message",
    [
        (SelectKBest(k=20), r"filter=SelectKBest\(k=20\) has .* shape \(64,\) and"),
        (KeptRows(np.arange(20)), r"shape \(20,\) and dtype int.*each of 360 rows"),
        (KeptRows(np.ones(360)), r"shape \(360,\) and dtype float64; give a filter"),
        (KeptRows(None), r"shape \(\) and dtype object"),
        (KeptRows(np.zeros(360, dtype=bool)), "filter=KeptRows.* rejects every row"),
    ],
    ids=["features", "numbers", "floats", "nothing", "no row"],
)
def test_a_filter_without_a_mask_of_rows_is_an_error(digits, filter, message):
    X, y = digits[0].reshape(360, -1), digits[1]
    model = FilteredClassifier(filter, GaussianNB())
    with pytest.raises(ValueError, match=f"(?s){message}"):
        model.fit(X, y)
    assert not hasattr(model, "filter_")


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


def test_weights_reach_the_classifier_without_those_of_dropped_rows(
    poisoned_digits, routing
):
    X, y, _, _ = poisoned_digits
    X = X.reshape(360, -1)
    weights = np.random.RandomState(0).uniform(size=360)
    classifier = GaussianNB().set_fit_request(sample_weight=True)
    model = FilteredClassifier(voting_filter(), classifier)
    model.fit(X, y, sample_weight=weights)
    kept = model.filter_.get_support()
    assert not kept.all()
    expected = GaussianNB().fit(X[kept], y[kept], weights[kept])
    np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    pipeline = Pipeline([("model", model)]).fit(X, y, sample_weight=weights)
    np.testing.assert_array_equal(pipeline.predict_proba(X), model.predict_proba(X))


def test_weights_that_nobody_asked_for_are_an_error(digits, routing):
    X, y = digits[0].reshape(360, -1), digits[1]
    model = FilteredClassifier(small_filter(), GaussianNB())
    with pytest.raises(UnsetMetadataPassedError, match=r"\[sample_weight\] are passed"):
        model.fit(X, y, sample_weight=np.ones(360))


def test_weights_without_routing_are_an_error(digits):
    X, y = digits[0].reshape(360, -1), digits[1]
    with pytest.raises(ValueError, match="enable_metadata_routing=True"):
        FilteredClassifier().fit(X, y, sample_weight=np.ones(360))


def test_a_weight_of_the_score_is_used(poisoned_digits, routing):
    X, y = poisoned_digits[0].reshape(360, -1), poisoned_digits[1]
    classifier = GaussianNB().set_fit_request(sample_weight=False)
    model = FilteredClassifier(voting_filter(), classifier).fit(X, y)
    model.set_score_request(sample_weight=True)
    right = model.predict(X) == y
    assert not right.all()
    search = GridSearchCV(model, {}, cv=[(np.arange(360), np.arange(360))])
    search.fit(X, y, sample_weight=right.astype(float))
    assert search.best_score_ == 1


@pytest.mark.parametrize(
    "classifier, method, has",
    [
        (LogisticRegression(), "decision_function", True),
        (GaussianNB(), "decision_function", False),
        (SGDClassifier(), "predict_proba", False),
        (None, "predict_proba", True),
    ],
    ids=str,
)
def test_filtered_classifier_has_the_methods_of_its_classifier(classifier, method, has):
    assert hasattr(FilteredClassifier(None, classifier), method) == has


def test_labels_of_any_type_give_the_same_support(digits):
    X, y = digits
    expected = voting_filter(n_repeats=1).fit(X, y)
    names = np.array(list("abcdefghij"))
    for labels in (names[y], names.astype(object)[y], pd.Series(names[y]), y.tolist()):
        ispl = voting_filter(n_repeats=1).fit(X, labels)
        np.testing.assert_array_equal(ispl.support_, expected.support_)
        classes = names if labels[0] == names[0] else range(10)
        np.testing.assert_array_equal(ispl.classes_, classes)


def test_data_frame_in_and_out():
    X, y = load_iris(return_X_y=True, as_frame=True)
    ispl = ISPLFilter(n_repeats=1, random_state=0).set_output(transform="pandas")
    X_kept = ispl.fit_transform(X, y)
    assert list(X_kept.columns) == list(ispl.get_feature_names_out()) == list(X.columns)
    kept = ispl.get_support()
    pd.testing.assert_frame_equal(X_kept[kept], X[kept])


@pytest.fixture(scope="module")
def fitted_to_pixels(digits):
    return small_filter().fit(np.round(digits[0] * 16), digits[1])


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.uint8])
def test_dtype_of_x_is_kept_and_does_not_matter(digits, fitted_to_pixels, dtype):
    X = np.round(digits[0] * 16).astype(dtype)
    ispl = small_filter()
    assert ispl.fit_transform(X, digits[1]).dtype == dtype
    np.testing.assert_array_equal(ispl.suspicion_, fitted_to_pixels.suspicion_)
    np.testing.assert_array_equal(ispl.support_, fitted_to_pixels.support_)


def test_clone_and_pickle(digits):
    X, y = digits
    ispl = small_filter(estimator=make_net())
    assert not hasattr(clone(ispl.fit(X, y)), "support_")
    copy = pickle.loads(pickle.dumps(ispl))
    np.testing.assert_array_equal(copy.support_, ispl.support_)
    assert copy.score(X, y) == ispl.score(X, y)


def test_fitted_filter_holds_no_rows(digits):
    X, y = (np.concatenate([a] * 8) for a in digits)
    ispl = small_filter(n_repeats=1).fit(X, y)
    assert len(pickle.dumps(ispl)) < X.nbytes


@pytest.mark.parametrize(
    "backend", ["loky", "threading", "multiprocessing", "sequential"]
)
def test_support_does_not_depend_on_jobs_or_backend(digits, fitted_filter, backend):
    with parallel_config(backend, n_jobs=2):
        ispl = clone(fitted_filter).fit(*digits)
    np.testing.assert_array_equal(ispl.predictions_, fitted_filter.predictions_)
    np.testing.assert_array_equal(ispl.suspicion_, fitted_filter.suspicion_)
    np.testing.assert_array_equal(ispl.support_, fitted_filter.support_)


def test_support_does_not_depend_on_threads_of_torch(digits, fitted_filter):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(before + 1)
        ispl = clone(fitted_filter).fit(*digits)
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(ispl.predictions_, fitted_filter.predictions_)


def test_random_state_decides_everything(digits, fitted_filter):
    # What others draw does not matter.
    np.random.rand(5)
    torch.rand(5)
    same = clone(fitted_filter).fit(*digits)
    other = clone(fitted_filter).set_params(random_state=6).fit(*digits)
    np.testing.assert_array_equal(fitted_filter.predictions_, same.predictions_)
    np.testing.assert_array_equal(fitted_filter.suspicion_, same.suspicion_)
    np.testing.assert_array_equal(fitted_filter.support_, same.support_)
    assert not np.array_equal(fitted_filter.predictions_, other.predictions_)


def test_global_random_states_are_left_alone(digits):
    torch.manual_seed(0)
    np.random.seed(0)
    states = torch.get_rng_state(), np.random.get_state()[1].copy()
    small_filter().fit_transform(*digits)
    assert torch.equal(torch.get_rng_state(), states[0])
    np.testing.assert_array_equal(np.random.get_state()[1], states[1])


def test_verbose_shows_a_bar(digits, capsys):
    small_filter(verbose=True).fit(*digits)
    shown = capsys.readouterr().err
    assert "repeat 2/2" in shown and "rows_left=" in shown and "4/4" in shown
    small_filter().fit(*digits)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        ({}, ["training", "searching for triggers", "testing groups"]),
        ({"method": "paper", "self_training": False}, ["training"]),
        ({"method": "paper"}, ["training", "self-training"]),
    ],
)
def test_verbose_says_how_long_each_step_took(digits, capsys, settings, steps):
    small_filter(verbose=True, **settings).fit(*digits)
    said = capsys.readouterr().out.splitlines()
    assert len(said) == len(steps)
    for line, step in zip(said, steps):
        assert line.startswith("[ISPLFilter]") and step in line and "total=" in line


@pytest.mark.parametrize("device", DEVICES[1:])
def test_cuda_finds_what_the_cpu_finds(poisoned_digits, device):
    X, y, _, _ = poisoned_digits
    ispl = small_filter(device=device).fit(X, y)
    on_cpu = small_filter(device="cpu").fit(X, y)
    assert np.mean(ispl.support_ == on_cpu.support_) > 0.9
    assert ispl.estimators_[0].device == device


@pytest.mark.parametrize(
    "X, y, message",
    [
        (np.zeros((20, 2)), None, "requires y to be passed"),
        (np.zeros((20, 2)), np.linspace(0, 1, 20), "Unknown label type: continuous"),
        (np.zeros((20, 2)), np.zeros(20), "y has only one class"),
        (np.zeros((20, 2)), np.arange(19) % 2, "inconsistent numbers of samples"),
        (np.full((20, 2), np.nan), np.arange(20) % 2, "contains NaN"),
        (np.full((20, 2), np.inf), np.arange(20) % 2, "contains infinity"),
        (np.eye(5, 2), np.arange(5) % 2, "X has 5 rows, fewer than the 8"),
        (np.arange(80).reshape(20, 2, 2), np.arange(20) % 2, "X has 3 dimensions"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "fit_predict", "fit_transform"])
def test_bad_training_sets_are_errors(X, y, message, method):
    with pytest.raises(ValueError, match=message):
        getattr(ISPLFilter(), method)(X, y)


def test_labels_without_an_order_are_an_error():
    y = np.array(["a", 1, "b", 2] * 5, dtype=object)
    with pytest.raises(TypeError, match="y mixes labels of the types int, str"):
        ISPLFilter().fit(np.zeros((20, 2)), y)


@pytest.mark.parametrize(
    "params, message",
    [
        ({"alpha": 0}, r"'alpha' parameter .* in the range \(0.0, 1.0\]"),
        ({"beta": 1.01}, r"'beta' parameter .* in the range \(0.0, 1.0\]"),
        ({"momentum": 1}, r"'momentum' parameter .* in the range \[0.0, 1.0\)"),
        ({"n_repeats": 0}, "'n_repeats' parameter"),
        ({"self_training": "yes"}, "'self_training' parameter"),
        ({"estimator": "net"}, "'estimator' parameter"),
        ({"device": "toaster"}, "not a torch device"),
        ({"estimator": make_net(module__n_classes=3)}, "10 classes: give its last"),
        ({"estimator": make_net(lr=1e30)}, "turned NaN"),
    ],
)
def test_bad_parameters_are_errors(digits, params, message):
    with pytest.raises(ValueError, match=message):
        ISPLFilter(**params).fit(*digits)


@pytest.mark.parametrize(
    "labels, message",
    [
        (lambda y: np.where(y == 3, None, y), "y has missing labels"),
        (lambda y: pd.Series(y, dtype="Int64").mask(y == 3), "y contains NaN"),
        (lambda y: pd.Series(y.astype(str), dtype="string").mask(y == 3), "missing"),
        (lambda y: np.c_[y, y], "y should be a 1d array"),
        (lambda y: y + 0.5, "y: Unknown label type: continuous"),
    ],
)
def test_bad_labels_are_errors_that_say_so(digits, labels, message):
    X, y = digits
    with pytest.raises(ValueError, match=message):
        small_filter().fit(X, labels(y))


@pytest.mark.parametrize("dtype", ["S", object])
def test_labels_of_bytes_are_an_error(digits, dtype):
    X, y = digits
    with pytest.raises(TypeError, match="y has labels of bytes. Decode them"):
        small_filter().fit(X, y.astype("S").astype(dtype))


@pytest.fixture(scope="module")
def fitted(digits):
    return voting_filter(n_repeats=1).fit(*digits)


@pytest.mark.parametrize(
    "column",
    [lambda y: y[:, None], lambda y: pd.DataFrame({"label": y}), list, torch.tensor],
    ids=["column", "frame", "list", "tensor"],
)
def test_score_of_a_column_is_that_of_its_labels(fitted, digits, column):
    X, y = digits
    expected = np.mean(fitted.votes_.argmax(axis=1) == y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fitted.score(X, column(y)) == pytest.approx(expected)


@pytest.mark.parametrize(
    "labels, message",
    [
        (lambda y: y[:1], "inconsistent numbers of samples"),
        (lambda y: y.astype(str), "y has labels that are strings, classes_ has others"),
        (lambda y: np.c_[y, y], "y must have one dimension"),
        (lambda y: y + 0.5, "y: Unknown label type: continuous"),
        (lambda y: None, "y must have one dimension"),
    ],
)
def test_score_takes_labels_only(fitted, digits, labels, message):
    X, y = digits
    with pytest.raises(ValueError, match=message):
        fitted.score(X, labels(y))


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
def test_missing_gpu_is_an_error(digits):
    with pytest.raises(ValueError, match="finds no CUDA device here"):
        ISPLFilter(device="cuda").fit(*digits)


def test_a_device_of_torch_will_do(digits):
    ispl = small_filter(method="paper", device=torch.device("cpu")).fit(*digits)
    assert ispl.estimators_[0].device == "cpu"


def test_class_with_one_row_warns(digits):
    X, y = digits
    y = y.copy()
    y[17] = 99
    with pytest.warns(SmallClassWarning, match=r"a single row: \[99\]") as caught:
        small_filter().fit(X, y)
    assert {w.filename for w in caught if w.category is SmallClassWarning} == {__file__}


@pytest.mark.parametrize(
    ("shape", "warns"),
    [((20, 8, 8, 1), True), ((20, 6, 6, 3), True), ((20, 1, 8, 8), False),
     ((20, 3, 8, 4), False), ((20, 8, 3, 2), False)],
)  # fmt: skip
def test_images_whose_channels_come_last_warn(shape, warns):
    X = np.random.RandomState(0).uniform(size=shape).astype(np.float32)
    y = np.repeat([0, 1], 10)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_training_set(small_filter(), X, y)
    messages = [str(w.message) for w in caught]
    assert any("give X.transpose(0, 3, 1, 2)" in m for m in messages) == warns


def test_the_warning_of_channels_names_the_line_of_the_caller(digits):
    X, y = digits
    ispl = small_filter(method="paper", estimator=GaussianNB())
    with pytest.warns(UserWarning, match="taken for images of 8 channels") as caught:
        ispl.fit(X.reshape(-1, 8, 8, 1), y)
    assert [w.filename for w in caught if "channels" in str(w.message)] == [__file__]


def test_class_that_vanishes_warns_and_cannot_be_replaced(digits):
    X, y = digits
    y = y.copy()
    y[[17, 18]] = 99
    ispl = voting_filter()
    match = r"classes was rejected: \[99\]"
    with pytest.warns(ClassVanishedWarning, match=match) as caught:
        ispl.fit(X, y)
    assert caught[0].filename == __file__
    match = "Every row labelled .*99.* was rejected.* train them longer"
    with (
        warnings.catch_warnings(),
        pytest.raises(ValueError, match=match),
    ):
        warnings.simplefilter("ignore", ClassVanishedWarning)
        ispl.fit_transform(X, y)


def test_transform_checks_its_input(fitted_filter):
    with pytest.raises(
        ValueError, match="X has 3 features, but ISPLFilter is expecting"
    ):
        fitted_filter.transform(np.zeros((2, 3, 8, 8)))


def test_a_fit_decides_on_one_thread(poisoned_digits, monkeypatch):
    X, y, _, _ = poisoned_digits
    seen = []

    def seeing(*args):
        seen.extend(one["num_threads"] for one in threadpool_info())
        return find_poison(*args)

    monkeypatch.setattr("sklearn_ispl.rules._core.find_poison", seeing)
    with threadpool_limits(2):
        small_filter().fit(X, y)
        after = [one["num_threads"] for one in threadpool_info()]
    assert set(seen) == {1} and set(after) == {2}


def test_interrupt_stops_the_fit(digits, monkeypatch):
    from sklearn_ispl.learners._weak_learner import SkorchLearner

    def interrupt(self, rows, n_epochs):
        raise KeyboardInterrupt

    monkeypatch.setattr(SkorchLearner, "train", interrupt)
    with pytest.raises(KeyboardInterrupt):
        small_filter().fit(*digits)


@pytest.mark.parametrize("device", DEVICES[1:])
def test_pickle_of_a_cuda_filter_loads_on_a_cpu(digits, device):
    ispl = small_filter(device=device, n_repeats=1).fit(*digits)
    copy = pickle.load(io.BytesIO(pickle.dumps(ispl)))
    assert copy.score(*digits) == ispl.score(*digits)


def test_rows_of_another_shape_are_an_error(digits, fitted_filter):
    with pytest.raises(
        ValueError, match=r"shape \(1, 4, 16\).*fitted to .*\(1, 8, 8\)"
    ):
        fitted_filter.transform(digits[0].reshape(-1, 1, 4, 16))


def test_filtered_classifier_says_at_once_that_images_need_a_classifier(digits):
    model = FilteredClassifier(small_filter())
    with pytest.raises(ValueError, match="X has 4 dimensions.*Pass a classifier"):
        model.fit(*digits)
    assert not hasattr(model, "filter_")


def test_a_failed_fit_leaves_an_estimator_as_it_was(fitted_estimator, digits):
    before = vars(fitted_estimator).copy()
    X, y = digits[0].reshape(360, -1), digits[1]
    fresh = clone(fitted_estimator)
    for estimator in (fresh, fitted_estimator):
        learned = [name for name in vars(estimator) if name.endswith("_")]
        for bad in ((X, y[:-1]), (X, np.zeros(360)), (np.full_like(X, np.nan), y)):
            with pytest.raises(ValueError):
                estimator.fit(*bad)
        assert [name for name in vars(estimator) if name.endswith("_")] == learned
    assert all(vars(fitted_estimator)[name] is value for name, value in before.items())


@pytest.fixture(
    params=[
        InverseSelfPacedLearner(n_epochs=1, random_state=0),
        ISPLPartitioner(n_epochs=1, random_state=0),
        BoostedHomogeneousVoter(n_epochs=1, random_state=0),
        voting_filter(n_repeats=1),
        FilteredClassifier(voting_filter(n_repeats=1)),
    ],
    ids=lambda e: type(e).__name__,
)
def fitted_estimator(request, digits):
    X = pd.DataFrame(digits[0].reshape(360, -1)).add_prefix("pixel ")
    return clone(request.param).fit(X, digits[1])


def test_a_late_failure_leaves_nothing_behind(digits):
    ispl = small_filter(estimator=make_net(lr=1e30))
    with pytest.raises(ValueError, match="turned NaN"):
        ispl.fit(*digits)
    assert not [name for name in vars(ispl) if name.endswith("_")]


def test_nothing_of_an_earlier_fit_is_left(fitted_estimator, digits):
    assert fitted_estimator.feature_names_in_[0] == "pixel 0"
    fitted_estimator.fit(digits[0].reshape(360, -1), digits[1])
    assert not hasattr(fitted_estimator, "feature_names_in_")


def test_sample_indices_are_those_of_the_last_fit(digits):
    params = {"n_repeats": 1, "self_training": False, "random_state": 0}
    sampler = ISPLSampler(method="paper", **params)
    sampler.fit_resample(*digits)
    sampler.fit(digits[0][:200], digits[1][:200])
    assert not hasattr(sampler, "sample_indices_")


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_a_frame_of_images_is_refused_before_the_fit(digits, container):
    ispl = small_filter().set_output(transform=container)
    with pytest.raises(ValueError, match="X has 4 dimensions, but set_output"):
        ispl.fit_transform(*digits)
    assert not hasattr(ispl, "support_")
    with pytest.raises(ValueError, match="X has 4 dimensions, but set_output"):
        ispl.transform(digits[0])


@pytest.mark.parametrize("method", ["core", "paper"])
def test_workers_take_a_module_made_in_a_function(digits, method):
    class Own(ConvNet):
        """As a class of a notebook: nothing can import it."""

    ispl = small_filter(estimator=make_net(module=Own), method=method, n_jobs=2)
    expected = clone(ispl).set_params(n_jobs=1).fit(*digits)
    np.testing.assert_array_equal(ispl.fit(*digits).support_, expected.support_)
    assert type(ispl.estimators_[0].module_).__name__ == "Own"
    assert ispl.score(*digits) == expected.score(*digits)
