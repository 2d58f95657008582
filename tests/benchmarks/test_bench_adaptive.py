"""The attacker who knows the rule: every attack poisons, and the table says it all."""

import numpy as np
import pytest


@pytest.fixture
def script(import_script):
    return import_script("bench_adaptive")


def test_every_attack_poisons_rows_of_the_target(script):
    rng = np.random.RandomState(0)
    X = rng.uniform(size=(500, 1, 12, 12)).astype(np.float32)
    y = rng.randint(4, size=500)
    for change, values in script.CHANGES.items():
        for recipe, rate in values.values():
            attack = recipe(X, y, 2, rate, np.random.RandomState(0))
            assert attack.poisoned.any() and attack.victims, change
            targets = {to for _, _, to in attack.victims}
            assert set(attack.y[attack.poisoned]) <= targets, change


def test_seeds_are_in_no_list_of_the_exam(script, import_script):
    exam = import_script("exam")
    listed = {s.seed for name in exam.FIRST_SEED for s in exam.scenarios(name)}
    assert not listed & {seed for _, _, seed, _ in script.attacks()}


@pytest.mark.parametrize(
    ("named", "warned", "said"),
    [([3], [], "named"), ([5], ["W"], "a clean class named"),
     ([], ["W"], "warned"), ([], [], "nothing")],
)  # fmt: skip
def test_the_table_says_what_was_said(script, named, warned, said):
    line = {"change": "covers", "value": "1", "seed": 7, "left": 2, "A": 0.1}
    line |= {"n_poisoned": 9, "fpr": 0.012, "named": named, "warned": warned}
    line |= {"A_undefended": 0.9}
    (_, row) = script.table([{**line, "targets": [3]}])
    assert row == ["covers", "1", "7", "90.0", "10.0", "2 of 9", "1.2", said]
