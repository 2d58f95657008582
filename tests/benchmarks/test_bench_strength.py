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


def test_a_run_goes_on_and_its_table_has_both_strengths(
    script, tmp_path, monkeypatch, capsys
):
    out, rst = tmp_path / "strength.jsonl", tmp_path / "strength.inc"
    monkeypatch.setattr(script, "AUTHORS", {"warping": {"strength": 0.5}})
    argv = ["bench_strength.py", "--data", "digits", "--out", str(out)]
    for _ in range(2):
        monkeypatch.setattr(sys, "argv", [*argv, "--rst", str(rst)])
        script.main()
    (line,) = script.read_json(out)
    assert 0 <= line["A_authors"] <= line["A_exam"] <= 1 and line["C_exam"] > 0.8
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("warping | 10 | strength 0.5 | ")
    assert "at the authors' setting, and at the exam's" in rst.read_text()


def test_its_seed_is_in_no_list_of_the_exam(script, import_script):
    exam = import_script("exam")
    listed = {s.seed for name in exam.FIRST_SEED for s in exam.scenarios(name)}
    assert script.SEED not in listed
