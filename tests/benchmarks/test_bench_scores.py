import sys

import numpy as np
import pytest


@pytest.fixture
def bench(import_script):
    return import_script("bench_scores")


@pytest.mark.parametrize("n_degrees", [4, 12])
def test_the_prior_of_drawn_variances_is_found(bench, n_degrees):
    rng = np.random.RandomState(0)
    n_sets, of_each = 4000, np.full(4000, 9)
    true = 0.2**2 * n_degrees / rng.chisquare(n_degrees, n_sets)
    drawn = true * rng.chisquare(of_each) / of_each
    deviation, found = bench.prior(drawn, of_each)
    assert deviation == pytest.approx(0.2, rel=0.05)
    assert found == pytest.approx(n_degrees, rel=0.2)


def test_variances_that_differ_by_chance_alone_count_for_all(bench):
    rng, of_each = np.random.RandomState(0), np.full(40, 9)
    drawn = 0.09 * np.quantile(rng.chisquare(9, 4000) / 9, np.arange(0.1, 0.9, 0.02))
    deviation, found = bench.prior(drawn, of_each)
    assert deviation == pytest.approx(0.3, rel=0.05) and found == np.inf


def test_only_sets_with_a_measure_are_asked(bench):
    assert len(bench.MANY_CLASSES) == 7 and "wine" not in bench.MANY_CLASSES
    assert "synthetic, 20 classes, 0% flipped" in bench.MANY_CLASSES


def test_scores_of_all_classes_are_recorded_for_both_questions(bench, digits):
    scores = bench.scores_of(*digits, 0)
    assert [*scores] == [bench.TAUGHT, bench.TYPICAL]
    assert all(len(of_classes) == 10 for of_classes in scores.values())


def test_what_is_missing_is_run_and_the_prior_is_printed(
    bench, tmp_path, monkeypatch, capsys
):
    def scores_of(X, y, seed):
        rng = np.random.RandomState(seed)
        return {
            question: [*rng.normal(3, 0.5, 10) ** 3]
            for question in (bench.TAUGHT, bench.TYPICAL)
        }

    monkeypatch.setattr(bench, "scores_of", scores_of)
    monkeypatch.setattr(bench, "load", lambda *args: (None,) * 4)
    path = tmp_path / "scores.jsonl"
    line = {"data": "digits", "seed": 500, "question": bench.TYPICAL}
    bench.append_json(path, {**line, "scores": [1.0, 8.0, 27.0]})
    monkeypatch.setattr(sys, "argv", ["bench_scores.py", "--out", str(path)])
    bench.main()
    seeds = [line["seed"] for line in bench.read_json(path)]
    assert seeds == [500, *np.repeat(np.arange(501, 515), 2)]
    printed = capsys.readouterr().out
    assert "digits: 3 scores, 2.00 +- 1.00" in printed
    assert "\ntypical and taught: 0.5" in printed
