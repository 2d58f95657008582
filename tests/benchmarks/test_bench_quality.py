import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import bench_quality

    yield bench_quality
    for name in ("bench_quality", "scenarios", "_common"):
        sys.modules.pop(name, None)


def result(**changed):
    return {
        "seed": 1, "data": "digits", "trigger": "x", "source": 2, "target": 3,
        "poison_rate": 0.05, "n": 1347, "n_poisoned": 14, "poison_vote": 1,
        "poison_end": 0, "clean_end": 0.99, "A_none": 1.0, "A": 0.0, "A_clean": 0.0,
        "C": 0.97, "C_clean": 0.98, "seconds": 7.0, **changed,
    }  # fmt: skip


def test_a_scenario_is_drawn_by_its_seed_alone(bench):
    assert bench.draw(5) == bench.draw(5)
    drawn = [bench.draw(seed) for seed in range(60)]
    assert {d["data"] for d in drawn} == set(bench.DATA)
    assert {d["attack"] for d in drawn} == {"one", "all", "none"}
    lists = [set(seeds) for seeds in bench.LISTS.values()]
    assert not lists[0] & lists[1]


@pytest.mark.parametrize("seed", [2, 25])
def test_poison_follows_the_draw(bench, digits, seed):
    X, y = digits
    what = bench.draw(seed)
    X_poisoned, given, poisoned, (source, target), trigger = bench.poison(what, X, y)
    changed = (X_poisoned != X).any(axis=(1, 2, 3))
    np.testing.assert_array_equal(given, y)
    assert (what["attack"] == "none") == (trigger is None) == (not poisoned.any())
    assert not changed[~poisoned].any() and (y[poisoned] == target).all()


def test_table_has_a_row_for_each_scenario_that_counts(bench):
    table = bench.rst([result(), result(seed=2, weak=True), result(seed=3, A=None)])
    assert table.count("    * -") == 3  # with the header
    assert "x, 2 to 3, 5%" in table and "0 of 14" in table


def test_summary_counts_what_holds(bench, capsys):
    bench.summary([result(), result(seed=2, A=0.03), result(seed=3, A=0.5)])
    printed = capsys.readouterr().out
    assert "3 attacked, A < 1 %: 33%, < 5 %: 67%" in printed
    assert printed.index("seed 3") < printed.index("seed 2")
