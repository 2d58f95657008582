import numpy as np
import pytest

from sklearn_ispl._growth import grow, spare_class
from sklearn_ispl._self_training import Task, Verdict


def set_with_a_trigger(n_seen):
    """Return codes, features, poisoned rows of class 0, and the first few of them."""
    rng = np.random.RandomState(0)
    codes = np.repeat(np.arange(4), 60)
    poisoned = np.arange(240) < 20
    features = rng.normal(size=(240, 6)) + 5 * np.eye(6)[codes]
    # By degrees: those far from the group that is seen are much like the class.
    features[poisoned, 5] += np.linspace(9, 1, 20)
    return codes, features, poisoned, np.arange(n_seen)


def taught_examiner(poisoned, given, asked):
    """Models that give poison the label that the poison they were taught had."""

    def examine(tasks):
        for task in tasks:
            asked.append(task)
            rows = task.judged
            label = np.where(poisoned[rows], task.labels[0], given)
            chances = np.full((len(rows), 4), 0.01)
            chances[np.arange(len(rows)), label] = 0.97
            yield Verdict(None, label, probabilities=chances)

    return examine


def new_task(seed, trained, judged, labels):
    return Task(seed, trained, judged, 1, probabilities=True, labels=labels)


def grown(examine, codes, features, group, typical):
    rng = np.random.RandomState(0)
    return grow(examine, new_task, codes, features, typical, rng, group, spare=2)


@pytest.mark.parametrize("n_seen", [6, 12])
def test_a_part_of_the_poison_teaches_the_rest_and_nothing_else(n_seen):
    codes, features, poisoned, group = set_with_a_trigger(n_seen)
    examine = taught_examiner(poisoned, 2, [])
    rows = grown(examine, codes, features, group, np.full(240, 0.5))
    np.testing.assert_array_equal(rows, np.flatnonzero(poisoned))


def test_rows_that_are_typical_of_no_other_class_do_not_join():
    codes, features, poisoned, group = set_with_a_trigger(6)
    asked = []
    examine = taught_examiner(poisoned, 2, asked)
    typical = np.where(np.isin(np.arange(240), group), 0.5, 0.2)
    rows = grown(examine, codes, features, group, typical)
    np.testing.assert_array_equal(rows, group)
    assert len(asked) == 1


def test_clean_rows_are_taught_under_the_spare_label_and_the_rest_is_not_taught():
    codes, features, poisoned, group = set_with_a_trigger(6)
    asked = []
    examine = taught_examiner(poisoned, 2, asked)
    grown(examine, codes, features, group, np.full(240, 0.5))
    assert 1 < len(asked) <= 4
    for task in asked:
        of_class = task.trained[codes[task.trained] == 0]
        clean = np.setdiff1d(of_class, np.flatnonzero(poisoned))
        assert (task.labels[clean] == 2).all() and len(clean)
        assert (task.labels[group] == 0).all()
        assert (task.labels[codes != 0] == codes[codes != 0]).all()
        assert not np.isin(task.judged, task.trained).any()
        # As often as makes the group a class among others.
        assert 30 < np.sum(task.labels[task.trained] == 0) <= 90


def test_nothing_joins_where_the_model_expects_the_spare_class():
    codes, features, poisoned, group = set_with_a_trigger(6)
    examine = taught_examiner(poisoned & False, 2, [])
    rows = grown(examine, codes, features, group, np.full(240, 0.5))
    np.testing.assert_array_equal(rows, group)


def test_a_class_without_other_rows_is_the_group():
    codes = np.repeat([0, 1, 2], 20)
    features = np.random.RandomState(0).normal(size=(60, 3))
    rows = grown(None, codes, features, np.arange(20), np.full(60, 0.5))
    np.testing.assert_array_equal(rows, np.arange(20))


@pytest.mark.parametrize(
    "predicted, spare",
    [([1, 1, 2], 3), ([1, 2, 3, 3], 2), ([0, 0, 1, 2, 3], 2), ([0, 0], 2)],
)
def test_the_spare_class_is_what_fewest_are_taken_for_and_never_their_own(
    predicted, spare
):
    codes = np.array([0, 0, 1, 2, 2, 2, 3, 3])
    assert spare_class(codes, 0, np.array(predicted)) == spare
