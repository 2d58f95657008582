import sys
from argparse import Namespace

import numpy as np
import pytest


@pytest.fixture
def bench(import_script):
    return import_script("bench_quality")


def result(**changed):
    return {
        "seed": 1, "data": "digits", "attack": "one", "trigger": "x",
        "source": 2, "target": 3,
        "poison_rate": 0.05, "n": 1347, "n_poisoned": 14, "poison_vote": 1,
        "poison_end": 0, "clean_end": 0.99, "A_none": 1.0, "A": 0.0, "A_clean": 0.0,
        "C": 0.97, "C_clean": 0.98, "seconds": 7.0, "method": "core", "A_plain": 0.0,
        **changed,
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


@pytest.mark.parametrize("change", ["noise", "moved", "blended", "picture"])
def test_a_change_is_of_all_images_or_of_the_mark(bench, digits, change):
    X, y = digits
    X_poisoned, _, poisoned, _, trigger = bench.poison(bench.draw(25), X, y, change)
    triggered = trigger(X[:50])
    X_clean, X_changed, after, none = bench.changed(
        change, 25, X, X_poisoned, triggered, None
    )
    assert none is None and (triggered != X[:50]).any(axis=(1, 2, 3)).all()
    for before, images in [(X, X_clean), (X_poisoned, X_changed), (triggered, after)]:
        assert (images != before).any() == (change == "noise")
        assert np.abs(images - before).max() < 0.3
    differs = np.abs(X_changed - X_clean).max(axis=(1, 2, 3))
    assert (differs[poisoned] > 0).all() and (differs[~poisoned] < 0.3).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [("none", "x, 2 to 3, 5%"), ("jpeg", "x, jpeg, 2 to 3, 5%"),
     ("blended", "blended, 2 to 3, 5%"), ("picture", "picture, 2 to 3, 5%")],
)  # fmt: skip
def test_attack_in_words(bench, change, words):
    assert bench.attack_of(result(change=change)) == words


def test_table_has_a_row_for_each_scenario_and_the_cells_of_each_method(bench):
    paper = result(method="paper", A=0.25, poison_end=9)
    del paper["A_plain"]
    rows = bench.each([result(seed=3), paper, result()])
    assert [row[0] for row in rows] == ["seed", 1, 3]
    assert {len(row) for row in rows} == {15}
    assert rows[1][2] == "x, 2 to 3, 5%"
    assert rows[1][5:] == [
        "0.0",
        "0.0",
        "1.0",
        "0 of 14",
        "99.0",
        "25.0",
        "",
        "1.0",
        "9 of 14",
        "99.0",
    ]
    assert rows[2][10:] == [""] * 5
    changed = [result(), result(change="jpeg")]
    words = [row[2] for row in bench.each(changed)[1:]]
    assert words == ["x, jpeg, 2 to 3, 5%", "x, 2 to 3, 5%"]


def test_shares_count_what_holds(bench):
    header, *rows = bench.shares(
        [
            result(),
            result(seed=2, A=0.03, A_clean=0.03),
            result(seed=3, A=0.5, data="gtsrb"),
            result(seed=4, A=None, A_none=None, clean_end=0.9),
            result(method="paper", A_plain=None),
        ]
    )
    found = {(row[0], row[1]): row[2:] for row in rows}
    assert all(len(row) == len(header) for row in rows)
    assert found["``core``", "digits"][:4] == ["1 of 2", "2 of 2", "2 of 2", "1 of 2"]
    assert found["``core``", "all but digits"][:2] == ["0 of 1", "0 of 1"]
    assert found["``core``", "all"][:2] == ["1 of 3", "2 of 3"]
    assert found["``core``", "no poison"] == ["0 of 0"] * 4 + ["1.0"] * 2 + [
        "90.0"
    ] * 2 + ["7"]
    assert found["``paper``", "all"][:4] == ["1 of 1"] * 3 + ["0 of 0"]


def test_summary_names_the_worst_first(bench, capsys):
    bench.summary([result(), result(seed=2, A=0.03), result(seed=3, A=0.5)])
    printed = capsys.readouterr().out
    assert printed.index("seed 3") < printed.index("seed 2") < printed.index("seed 1")


def test_the_default_is_told_from_clean_models_and_other_methods(bench):
    lines = [
        result(seed=1, data="gtsrb", A=0.02, A_clean=0.0, clean_end=1.0, n=1014),
        result(
            seed=2, data="gtsrb", A=0.0, A_clean=0.03, clean_end=0.98, n=1014,
            flagged=[7, 3, 5],
        ),  # fmt: skip
        result(seed=3, data="cifar10", A=0.3, A_clean=0.3, clean_end=0.999, n=1014),
        result(seed=3, data="cifar10", A=0.6, poison_end=14, method="paper"),
        result(seed=3, A=0.0, n=1014, change="jpeg"),
        result(
            seed=4, A_none=None, A=None, n_poisoned=0, clean_end=1.0, n=1000,
            flagged=[3],
        ),  # fmt: skip
        result(seed=4, A_none=None, A=None, n_poisoned=0, method="paper"),
    ]
    assert list(bench.beside(lines)) == [
        "core: honest rows lost, by seed: 2 20, 3 jpeg 10, 3 1",
        "core: honest classes listed, by seed: 2 5 7, 4 3",
        "all but digits: A under 1 % with the clean model alone in [1], with core "
        "alone in [2]; core's is higher by 0.0 in the median",
        "all but digits: core keeps all clean rows and no other in 1 of 3, and A is "
        "1 % or more in 1 of these, C lost 1.0 to 1.0",
        "core where paper was run: 0 left, none in 1 of 1, A under 5 % in 0",
    ]


def test_totals_are_of_scenarios_that_the_default_was_run_on(bench):
    lines = [
        result(data="gtsrb", A=0.03, A_plain=0.01),
        result(seed=2, A_clean=0.2, poison_end=2),
        result(seed=2, method="paper", poison_end=9, A=0.5),
        result(seed=3, method="paper", poison_end=9),
    ]
    others = "  all but digits: clean models under 1 %"
    assert list(bench.totals(lines)) == [
        "core: 2 of 28 poisoned rows left, none in 1 of 2, A under 5 % in 2",
        f"{others} in 1 of 1, the trigger adds at most 2.0",
        "paper: 9 of 14 poisoned rows left, none in 0 of 1, A under 5 % in 0",
        f"{others} in 0 of 0, the trigger adds at most ",
    ]


@pytest.mark.parametrize(
    ("change", "shape"), [("none", (1, 8, 8)), ("table", (64,))]
)  # fmt: skip
def test_the_filter_gets_images_or_a_table(bench, monkeypatch, change, shape):
    seen = []

    class Filter:
        def __init__(self, **params):
            pass

        def fit(self, X, y):
            seen.append(X.shape[1:])
            self.support_ = self.vote_support_ = np.ones(len(y), dtype=bool)
            self.components_ = np.zeros((1, len(y)), dtype=int)

    monkeypatch.setattr(bench, "ISPLFilter", Filter)
    monkeypatch.setattr(bench, "train_and_measure", lambda *args: (1.0, 1.0, 0.0))
    options = Namespace(
        change=change, n_rows=None, data_home=None, n_jobs=None, votes=None
    )
    line = bench.run(bench.draw(25), "core", None, options)
    assert seen == [shape] and line.get("change", "none") == change
    assert line["poison_end"] == line["n_poisoned"] and line["clean_end"] == 1


def test_it_asks_for_a_file(bench, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["bench_quality.py"])
    with pytest.raises(SystemExit):
        bench.main()
    assert "give --out, or --summary" in capsys.readouterr().err


def test_a_list_goes_on_and_trains_undefended_models_once(bench, tmp_path, monkeypatch):
    path = tmp_path / "out.jsonl"
    asked = []

    def run(what, method, known, options):
        asked.append((what["seed"], method, known and known["method"]))
        if what["seed"] == 1:
            return {"seed": 1, "weak": True}
        return result(seed=what["seed"], method=method)

    monkeypatch.setattr(bench, "run", run)
    options = Namespace(list="tune", n_scenarios=2, seeds=None, data=bench.DATA)
    for method in ("core", "core", "paper"):
        options.method = method
        bench.run_list(path, options)
    assert asked[:3] == [(0, "core", None), (1, "core", None), (2, "core", None)]
    assert asked[3:] == [(0, "paper", "core"), (2, "paper", "core")]
