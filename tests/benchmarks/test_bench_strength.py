"""Attacks at their authors' settings: weaker triggers on the same rows, and a table."""

import inspect
import sys

import numpy as np
import pytest

from sklearn_ispl import datasets


@pytest.fixture
def script(import_script):
    return import_script("bench_strength")


def test_the_authors_settings_are_the_defaults_of_the_triggers(script):
    for attack, options in script.AUTHORS.items():
        recipe = script.ATTACKS[attack][0].keywords
        maker = getattr(datasets, f"make_{recipe['trigger']}_trigger")
        defaults = inspect.signature(maker).parameters
        for name, value in options.items():
            # The trigger of pixels paints half of them where it is not told.
            assert value == (1 if name == "n_painted" else defaults[name].default)
            assert value != recipe.get(name)


@pytest.mark.parametrize("name", ["warping", "image-specific", "quantisation, plain"])
def test_images_change_less_than_in_the_exam_and_the_same_rows_do(script, name):
    rng = np.random.RandomState(0)
    X = rng.uniform(size=(200, 3, 16, 16)).astype(np.float32)
    y = rng.randint(4, size=200)
    exam = script.make_attack(name, X, y, 0.1, seed=3)
    weaker = script.make_attack(name, X, y, 0.1, seed=3, **script.AUTHORS[name])
    ((trigger, sources, target),) = exam.victims
    ((less, *rest),) = weaker.victims
    np.testing.assert_array_equal(weaker.y, exam.y)
    np.testing.assert_array_equal(rest[0], sources)
    assert rest[1] == target
    assert np.abs(less(X) - X).mean() < np.abs(trigger(X) - X).mean()


@pytest.mark.parametrize("works", [0.0, 1.1])
def test_a_run_goes_on_and_defends_what_works(
    works, script, tmp_path, monkeypatch, capsys
):
    out, rst = tmp_path / "strength.jsonl", tmp_path / "strength.inc"
    X, y, X_test, y_test = script.load("digits", 0, None)
    few = X[:400], y[:400], X_test, y_test
    monkeypatch.setattr(script, "load", lambda *_: few)
    monkeypatch.setattr(script, "AUTHORS", {"warping": {"strength": 0.5}})
    monkeypatch.setattr(script, "WORKS", works)
    argv = ["bench_strength.py", "--data", "digits", "--out", str(out)]
    for _ in range(2):
        monkeypatch.setattr(sys, "argv", [*argv, "--rst", str(rst)])
        script.main()
    first, *defended = script.read_json(out)
    assert 0 <= first["A_authors"] <= first["A_exam"] <= 1 and first["C_exam"] > 0.8
    for line in defended:
        assert line["n_poisoned"] == 40 and 0 <= line["left"] <= 40
    assert len(defended) == (works == 0)
    assert "warping | 10 | strength 0.5 | " in capsys.readouterr().out
    assert "What the default makes of the authors' setting" in rst.read_text()


def test_the_tables_have_both_strengths_and_what_is_left(script):
    first = {"data": "digits", "attack": "warping", "rate": 0.1, "A_exam": 0.9}
    first["A_authors"] = 0.6
    after = {"data": "digits", "attack": "warping", "method": "core", "A": 0.01}
    after |= {"left": 2, "n_poisoned": 40, "fpr": 0.03, "named": [4], "warned": []}
    lines = [first, {**after, "targets": [4]}]
    header, row = script.strengths(lines)
    assert header[-1] == "digits" and row[-1] == "60, 90"
    (_, row) = script.defences(lines)
    assert row == ["warping", "digits", "60.0", "1.0", "2 of 40", "3.0", "named"]


def test_its_seed_is_in_no_list_of_the_exam(script, import_script):
    exam = import_script("exam")
    listed = {s.seed for name in exam.FIRST_SEED for s in exam.scenarios(name)}
    assert script.SEED not in listed
