"""scikit-learn's own checks, over every public estimator."""

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ispl import (
    BoostedHomogeneousVoter,
    FilteredClassifier,
    InverseSelfPacedLearner,
    ISPLFilter,
    ISPLPartitioner,
    ISPLSampler,
)

# Quick rather than good.
QUICK = {"n_repeats": 1, "self_training_epochs": 20, "random_state": 0}

ESTIMATORS = [
    InverseSelfPacedLearner(random_state=0),
    ISPLPartitioner(random_state=0),
    BoostedHomogeneousVoter(random_state=0),
    ISPLFilter(**QUICK),
    ISPLSampler(**QUICK),
    FilteredClassifier(ISPLFilter(**QUICK), LogisticRegression()),
]


@parametrize_with_checks(ESTIMATORS, xfail_strict=True)
def test_estimator_checks(estimator, check):
    check(estimator)


# The suite leaves these to the author of an estimator.
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize(
    "name",
    ["check_param_validation", "check_dataframe_column_names_consistency"],
)
def test_more_checks(estimator, name):
    getattr(estimator_checks, name)(type(estimator).__name__, estimator)


@pytest.mark.parametrize(
    "name",
    [
        "check_transformer_get_feature_names_out",
        "check_transformer_get_feature_names_out_pandas",
        "check_set_output_transform",
        "check_set_output_transform_pandas",
        "check_global_output_transform_pandas",
        "check_get_feature_names_out_error",
        "check_global_set_output_transform_polars",
    ],
)
def test_filter_output_checks(name):
    getattr(estimator_checks, name)("ISPLFilter", ISPLFilter(**QUICK))
