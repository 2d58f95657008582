import sys
from argparse import Namespace

import pytest


@pytest.fixture
def bench(import_script):
    return import_script("bench_cost")


@pytest.mark.parametrize("table, n_dims", [(False, 4), (True, 2)])
def test_both_methods_are_fitted_to_the_same_rows(bench, monkeypatch, table, n_dims):
    fitted = []

    class Filter:
        def __init__(self, method, random_state):
            self.method = method

        def fit(self, X, y):
            fitted.append((self.method, X.ndim, X.sum(), y.sum()))

    monkeypatch.setattr(bench, "ISPLFilter", Filter)
    line = bench.run(25, Namespace(n_rows=None, data_home=None, table=table))
    assert [fit[:2] for fit in fitted] == [("core", n_dims), ("paper", n_dims)]
    assert fitted[0][2:] == fitted[1][2:] and ("change" in line) == table
    assert line["data"] == "digits" and line["n"] == 1347
    assert min(line["seconds_core"], line["seconds_paper"]) >= 0


def test_it_prints_the_ratio(bench, tmp_path, monkeypatch, capsys):
    path = tmp_path / "cost.jsonl"
    line = {"seed": 3, "data": "digits", "attack": "none"}
    bench.append_json(path, line | {"seconds_core": 30.0, "seconds_paper": 20.0})
    attack = {"attack": "one", "trigger": "x", "source": 1, "target": 2}
    line |= attack | {"poison_rate": 0.1, "change": "table"}
    bench.append_json(path, line | {"seconds_core": 6.0, "seconds_paper": 4.0})
    monkeypatch.setattr(sys, "argv", ["bench_cost.py", "--summary", str(path)])
    bench.main()
    printed = capsys.readouterr().out
    assert printed == (
        "seed 3, digits, none: 30 s against 20 s, 1.50\n"
        "seed 3, digits as a table, x, 1 to 2, 10%: 6 s against 4 s, 1.50\n"
    )
    monkeypatch.setattr(sys, "argv", ["bench_cost.py"])
    with pytest.raises(SystemExit):
        bench.main()
    assert "give --out, or --summary" in capsys.readouterr().err


def test_a_run_that_was_cut_off_goes_on(bench, tmp_path, monkeypatch, capsys):
    path, ran = tmp_path / "cost.jsonl", []

    def run(seed, options):
        ran.append((seed, options.table))
        line = {"seed": seed, "data": "digits", "attack": "none"}
        line |= {"change": "table"} if options.table else {}
        return line | {"seconds_core": 3.0, "seconds_paper": 2.0}

    monkeypatch.setattr(bench, "run", run)
    for more in ["3"], ["3", "4"], ["3", "--table"], ["3", "--table"]:
        argv = ["bench_cost.py", "--out", str(path), "--seeds", *more]
        monkeypatch.setattr(sys, "argv", argv)
        bench.main()
    assert ran == [(3, False), (4, False), (3, True)]
    assert capsys.readouterr().out.count("seed 3, digits as a table, none") == 2
