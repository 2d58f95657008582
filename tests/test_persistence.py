import pickle

import numpy as np
import pytest

from sklearn_ispl import ISPLFilter

# What SECURITY.md names: nothing of it runs code from the file.
TRUSTED = [
    "functools.partial",
    "sklearn_ispl._compatibility.Evidence",
    "sklearn_ispl._filter.ISPLFilter",
    "sklearn_ispl.learners._scaling.Scaling",
    "sklearn_ispl.modules.ConvNet",
    "sklearn_ispl.modules.MLP",
    "skorch.classifier.NeuralNetClassifier",
    "skorch.dataset.Dataset",
    "skorch.history.History",
    "skorch.setter.optimizer_setter",
    "torch.utils.data.dataloader.DataLoader",
]


@pytest.fixture(scope="module", params=["images", "table"])
def fitted(request, digits):
    X, y = digits
    X = X if request.param == "images" else X.reshape(len(X), -1)
    ispl = ISPLFilter(self_training_epochs=3, device="cpu", random_state=0)
    return ispl.fit(X, y), X, y


def test_a_filter_is_loaded_by_skops_with_the_types_that_are_documented(fitted):
    skops = pytest.importorskip("skops.io")
    ispl, X, y = fitted
    saved = skops.dumps(ispl)
    assert set(skops.get_untrusted_types(data=saved)) <= set(TRUSTED)
    loaded = skops.loads(saved, trusted=TRUSTED)
    np.testing.assert_array_equal(loaded.support_, ispl.support_)
    assert loaded.score(X, y) == ispl.score(X, y)
    with pytest.raises(Exception, match="Untrusted types"):
        skops.loads(saved)


def test_a_saved_filter_holds_no_training_rows(fitted):
    ispl, X, _ = fitted
    saved = pickle.dumps(ispl)
    assert not any(row.tobytes() in saved for row in X[:50])
