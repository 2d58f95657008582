from contextlib import nullcontext

import numpy as np
import pytest
from joblib import Parallel

from sklearn_ispl import ISPLFilter
from sklearn_ispl.rules import RULES
from sklearn_ispl.rules._rule import Case


@pytest.mark.parametrize(
    "method, epochs",
    [
        ("core", (1, 2, 4, 20)),
        ("paper", (3, 2, 2, 40)),
        ("paper-2023", (3, 4, 4, 5)),
    ],
)
def test_what_none_stands_for_is_up_to_the_rule(method, epochs):
    ispl = ISPLFilter(method=method)
    rule = RULES[method](ispl)
    of_ten, of_forty = rule.vote_epochs(10), rule.vote_epochs(40)
    chosen = rule.n_repeats, of_ten, of_forty, rule.self_training_epochs
    assert chosen == epochs
    ispl.set_params(n_repeats=2, n_epochs=5, self_training_epochs=7)
    rule = RULES[method](ispl)
    of_ten, of_forty = rule.vote_epochs(10), rule.vote_epochs(40)
    assert (rule.n_repeats, of_ten, of_forty, rule.self_training_epochs) == (2, 5, 5, 7)


def test_few_classes_are_no_reason_for_fewer_epochs():
    assert RULES["core"](ISPLFilter()).vote_epochs(2) == 2


@pytest.mark.parametrize("method", RULES)
def test_only_the_default_has_models_trained_beside_the_learners(method):
    rule = RULES[method](ISPLFilter(method=method))
    tasks = rule.tasks(np.arange(12) % 3, np.random.RandomState(0))
    assert len(tasks) == (3 if method == "core" else 0)
    assert all(task.n_epochs == 20 for task in tasks)


class AgreesTo:
    """A learner that predicts the same class for every row."""

    def __init__(self, code):
        self.code = code

    def start(self, seed):
        pass

    def train(self, rows, n_epochs):
        pass

    def score(self, rows):
        return None, np.full(len(rows), self.code)


def case(votes, codes, code):
    return Case(
        Parallel(), lambda step: nullcontext(), lambda: AgreesTo(code), None,
        np.array(codes), None, np.array(votes), [], [], np.random.RandomState(0),
    )  # fmt: skip


@pytest.mark.parametrize(
    "method, voted, trained",
    [
        ("paper", [1, 1, 0, 0], [1, 1, 0, 1]),
        # One vote does not suffice, and rows may go again.
        ("paper-2023", [0, 1, 0, 0], [0, 0, 0, 1]),
    ],
)
@pytest.mark.parametrize("self_training", [True, False])
def test_rules_of_the_paper_go_by_the_vote_and_by_a_model(
    method, voted, trained, self_training
):
    votes, codes = [[1, 0], [2, 1], [0, 3], [2, 1]], [0, 0, 0, 1]
    rule = RULES[method](ISPLFilter(method=method, self_training=self_training))
    finding = rule.decide(case(votes, codes, code=1))
    np.testing.assert_array_equal(finding.vote_support, np.array(voted, bool))
    expected = trained if self_training else voted
    np.testing.assert_array_equal(finding.support, np.array(expected, bool))
    assert finding.evidence is None
