import sys

import numpy as np
import pytest


@pytest.fixture
def bench(import_script):
    return import_script("bench_variants")


def test_votes_are_counted_in_three_ways(bench, digits):
    X, y = digits
    seen = {}
    for name in ("the vote alone", "majority out of bag", "vote and contrast"):
        variant, params = bench.VARIANTS[name]
        seen[name] = variant(X, y, 0, n_repeats=2, n_epochs=2, **params)
    modal, majority, both = seen.values()
    assert 0 < both.sum() < modal.sum() < len(y)
    assert not (both & ~modal).any() and (majority != modal).any()
    # Half of the learners seldom agree.
    assert 0 < majority.sum() < modal.sum()


def test_twice_keeps_less_than_once(bench, digits):
    X, y = digits
    settings = {"method": "paper", "self_training": False, "n_epochs": 2}
    once = bench.filtered(X, y, 0, **settings)
    again = bench.twice(X, y, 0, **settings)
    assert again.sum() < once.sum() and not (again & ~once).any()


def test_every_variant_has_a_line_and_a_row(bench, tmp_path, monkeypatch, capsys):
    path, rst = tmp_path / "variants.jsonl", tmp_path / "variants.inc"
    ran = []

    def keep(X, y, seed):
        ran.append(seed)
        return np.arange(len(y)) % 10 > 0

    monkeypatch.setattr(bench, "VARIANTS", {"most": (keep, {}), "some": (keep, {})})
    options = ["--n-sets", "1", "--out", str(path), "--rst", str(rst)]
    for n_variants in (1, 2):
        variants = ["most", "some"][:n_variants]
        argv = ["bench_variants.py", *options, "--variants", *variants]
        monkeypatch.setattr(sys, "argv", argv)
        bench.main()
    lines = bench.read_json(path)
    assert [line["variant"] for line in lines] == ["most", "some"]
    assert len(ran) == 2 and len(set(ran)) == 1
    assert lines[0]["data"] == "digits" and lines[0]["n_poisoned"] > 0
    shown = capsys.readouterr().out.splitlines()[-1].split(" | ")
    assert shown[:2] == ["digits", "some"] and shown[2].endswith("of 1")
    assert "clean rows kept, median" in rst.read_text()
    monkeypatch.setattr(sys, "argv", ["bench_variants.py"])
    with pytest.raises(SystemExit):
        bench.main()
    assert "give --out, or --summary" in capsys.readouterr().err
