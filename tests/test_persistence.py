import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from sklearn_ispl import (
    BoostedHomogeneousVoter,
    FilteredClassifier,
    InverseSelfPacedLearner,
    ISPLFilter,
    ISPLPartitioner,
    ISPLSampler,
)
from sklearn_ispl.learners._default_net import default_net

# What SECURITY.md names, beside the class of the estimator itself: none of it runs
# code from the file.
TRUSTED = [
    "sklearn_ispl._compatibility.Evidence",
    "sklearn_ispl.learners._default_net.DefaultNet",
    "sklearn_ispl.learners._scaling.Scaling",
]
QUICK = {"device": "cpu", "random_state": 0}
FILTER = {"self_training_epochs": 3, **QUICK}
ESTIMATORS = [
    ISPLFilter(**FILTER),
    ISPLFilter(**FILTER, method="paper"),
    ISPLSampler(**FILTER),
    FilteredClassifier(ISPLFilter(**FILTER), LogisticRegression()),
    BoostedHomogeneousVoter(**QUICK),
    ISPLPartitioner(**QUICK),
    InverseSelfPacedLearner(**QUICK),
]


@pytest.fixture(scope="module", params=["images", "table"])
def fitted(request, digits):
    X, y = digits
    X = X if request.param == "images" else X.reshape(len(X), -1)
    return ISPLFilter(**FILTER).fit(X, y), X, y


def trusted(estimator):
    """Return what a user of an estimator has to trust."""
    own = [estimator, *vars(estimator).values()]
    names = {f"{type(one).__module__}.{type(one).__name__}" for one in own}
    return [*TRUSTED, *(name for name in names if name.startswith("sklearn_ispl."))]


def what_it_found(estimator, X):
    """Return all that a fitted estimator tells of rows."""
    found = [vars(estimator).get(name) for name in ("support_", "labels_", "losses_")]
    if hasattr(estimator, "predict"):
        found.append(estimator.predict(X))
    return [one for one in found if one is not None]


def test_a_filter_is_loaded_by_skops_with_the_types_that_are_documented(fitted):
    skops = pytest.importorskip("skops.io")
    ispl, X, y = fitted
    saved = skops.dumps(ispl)
    assert {*skops.get_untrusted_types(data=saved)} == {*trusted(ispl)}
    loaded = skops.loads(saved, trusted=trusted(ispl))
    np.testing.assert_array_equal(loaded.support_, ispl.support_)
    assert loaded.score(X, y) == ispl.score(X, y)
    with pytest.raises(Exception, match="Untrusted types"):
        skops.loads(saved)


def test_a_saved_filter_holds_no_training_rows(fitted):
    ispl, X, _ = fitted
    saved = pickle.dumps(ispl)
    assert not any(row.tobytes() in saved for row in X[:50])


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda one: type(one).__name__)
def test_every_estimator_is_saved_without_its_rows_and_loaded(estimator, digits):
    skops = pytest.importorskip("skops.io")
    X, y = digits[0].reshape(len(digits[0]), -1), digits[1]
    fitted = clone(estimator).fit(X, y)
    saved = skops.dumps(fitted, compression=zipfile.ZIP_STORED)
    as_pickle = pickle.dumps(fitted)
    for row in X[:50]:
        assert row.tobytes() not in saved and row.tobytes() not in as_pickle
    loaded = skops.loads(saved, trusted=trusted(fitted)), pickle.loads(as_pickle)
    for one in loaded:
        told, expected = what_it_found(one, X), what_it_found(fitted, X)
        assert len(told) == len(expected) > 0
        for found, wanted in zip(told, expected):
            np.testing.assert_array_equal(found, wanted)


class Evil:
    """Makes a file wherever it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_file_that_was_tampered_with_runs_no_code(fitted, tmp_path):
    """All arrays become pickles, and there is nothing else beside the schema."""
    skops = pytest.importorskip("skops.io")
    ispl, _, _ = fitted
    tampered, proof = io.BytesIO(), tmp_path / "code ran"
    with (
        zipfile.ZipFile(io.BytesIO(skops.dumps(ispl))) as saved,
        zipfile.ZipFile(tampered, "w") as changed,
    ):
        names = {*saved.namelist()} - {"schema.json"}
        assert {Path(name).suffix for name in names} == {".npy"}
        for name in saved.namelist():
            content = saved.read(name)
            evil = pickle.dumps(Evil(proof))
            changed.writestr(name, evil if name in names else content)
    with pytest.raises(ValueError, match="allow_pickle"):
        skops.loads(tampered.getvalue(), trusted=trusted(ispl))
    assert not proof.exists()


def test_a_loaded_net_predicts_as_before_and_draws_nothing(fitted):
    ispl, X, _ = fitted
    net, state = ispl.estimators_[0], torch.random.get_rng_state()
    loaded = pickle.loads(pickle.dumps(net))
    assert (state == torch.random.get_rng_state()).all()
    np.testing.assert_array_equal(loaded.predict(X), net.predict(X))
    unfitted = pickle.loads(pickle.dumps(default_net(X)))
    assert unfitted.module is net.module and not unfitted.initialized_
