import sys
from functools import partial

import pytest


@pytest.fixture
def scale(import_script):
    return import_script("paper_scale")


def test_a_run_goes_on_and_shows_medians(scale, tmp_path, monkeypatch, capsys):
    out, rst = tmp_path / "scale.jsonl", tmp_path / "scale.inc"
    once = partial(scale.ISPLFilter, n_repeats=1, self_training_epochs=5)
    monkeypatch.setattr(scale, "ISPLFilter", once)
    argv = ["paper_scale.py", "--data", "digits", "--n-rows", "300", "--out", str(out)]
    argv += ["--rates", "0.2"]
    for more in (["0"], ["0", "1"]):
        monkeypatch.setattr(sys, "argv", [*argv, "--seeds", *more])
        scale.main()
    lines = scale.read_json(out)
    assert [line["seed"] for line in lines] == [0, 1]
    assert [line["rate"] for line in lines] == [0.2, 0.2]
    for line in lines:
        assert all(sum(one) == line["n_poisoned"] for one in line["spread"])
        assert 0 <= line["left_vote"] <= line["n_poisoned"] and line["C_clean"] > 0.5
    monkeypatch.setattr(
        sys, "argv", ["paper_scale.py", "--summary", str(out), "--rst", str(rst)]
    )
    scale.main()
    assert "digits | 7 to 4 | 20" in capsys.readouterr().out.splitlines()[-1]
    assert "left by the vote" in rst.read_text()


def test_without_a_file_it_says_what_it_wants(scale, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["paper_scale.py"])
    with pytest.raises(SystemExit):
        scale.main()
    assert "give --out, or --summary" in capsys.readouterr().err


def test_the_spread_is_the_share_in_the_two_largest_components(scale):
    line = {"data": "digits", "pair": [7, 4], "rate": 0.1, "n": 99, "n_poisoned": 10}
    line |= {"spread": [[5, 3, 2, 0], [10, 0, 0, 0]], "seconds": 120.0}
    names = ["left_vote", "left_end", "clean_end", "A_none", "A_kept", "A_clean"]
    line |= dict.fromkeys([*names, "C_kept", "C_clean"], 0.5)
    header, *rows = scale.rows_of([line, {**line, "rate": 0.2}])
    assert [row[header.index("rate, %")] for row in rows] == ["10", "20"]
    assert rows[0][header.index("in two of eight components, %")] == "90"
