"""The benchmarks at their smallest scale."""

import json

import pytest


@pytest.fixture
def scripts(import_script):
    return import_script("paper_tables"), import_script("render_tables")


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("table, n_scenarios", [(1, 3), (2, 2), (3, 6), (4, 3), (5, 1)])
def test_tables_have_their_scenarios(scripts, table, n_scenarios):
    found = scripts[0].scenarios(table, "smoke")
    assert len(found) == len({s.name for s in found}) == n_scenarios


def test_run_resume_and_render(scripts, tmp_path, capsys):
    paper_tables, render_tables = scripts
    out = tmp_path / "results.jsonl"
    run = ["--table", "1", "--limit", "1", "--out", str(out), "--defences"]
    paper_tables.main([*run, "none", "clean", "ISPLFilter"])
    results = read(out)
    assert [r["defence"] for r in results] == ["none", "clean", "ISPLFilter"]
    none, clean, ours = results
    assert none["A"] > 0.5 > clean["A"]
    assert ours["poison_recall"] >= 0 and ours["seconds"] > 0
    paper_tables.main([*run, "none", "clean", "ISPLFilter", "self-paced"])
    assert [r["defence"] for r in read(out)[3:]] == ["self-paced"]
    page, picture = tmp_path / "page.rst", tmp_path / "plot.svg"
    render_tables.main([str(out), "--rst", str(page), "--plot", str(picture)])
    assert "Table 1: Dirty label" in page.read_text()
    assert f"{100 * none['A']:.1f}" in page.read_text()
    assert picture.stat().st_size > 1000


def test_overview_counts_the_attacks_that_work(scripts, tmp_path):
    _, render_tables = scripts
    out = tmp_path / "results.jsonl"
    cells = [
        ("strong", "none", 0.9, 0.8, None),
        ("strong", "clean", 0.9, 0.01, None),
        ("strong", "ours", 0.85, 0.02, 0.1),
        ("other", "none", 0.9, 0.6, None),
        ("other", "clean", 0.8, 0.0, None),
        ("other", "ours", 0.79, 0.5, 0.2),
        ("too weak", "none", 0.9, 0.3, None),
        ("too weak", "ours", 0.1, 1.0, 1.0),
        ("no poison", "clean", 0.9, None, None),
        ("no poison", "ours", 0.7, None, 0.3),
    ]
    names = ("name", "defence", "C", "A", "clean_lost")
    lines = [{"table": 1, **dict(zip(names, cell))} for cell in cells]
    out.write_text("\n".join(map(json.dumps, lines)))
    rows = {row[0]: row[1:] for row in render_tables.overview(render_tables.read(out))}
    assert rows["ours"] == ["1 of 2", "26.0", "50.0", "5.0", "20.0", "20.0"]
    assert rows["none"][:3] == ["0 of 2", "70.0", "80.0"]


def test_grid(scripts, tmp_path, monkeypatch):
    paper_tables, _ = scripts
    monkeypatch.setattr(paper_tables, "GRID", {"filter__alpha": [1 / 4, 1 / 2]} | BETA)
    out = tmp_path / "grid.jsonl"
    for _ in range(2):  # the second run finds all there
        paper_tables.main(["--table", "6", "--out", str(out)])
    cells = read(out)
    assert [c["defence"] for c in cells] == [
        "alpha=0.25 beta=0.25",
        "alpha=0.5 beta=0.25",
    ]
    assert all(0 <= c["A"] <= 1 and 0.3 < c["C"] <= 1 for c in cells)


BETA = {"filter__beta": [1 / 4]}


@pytest.mark.parametrize(
    "defence, package",
    [
        ("Activation Clustering", "art"),
        ("Spectral Signatures, true rate", "art"),
        ("Neural Cleanse", None),
        ("cleanlab", "cleanlab"),
    ],
)
def test_rivals(scripts, tmp_path, defence, package):
    if package:
        pytest.importorskip(package, reason="an extra of the benchmarks")
    out = tmp_path / "results.jsonl"
    scripts[0].main(
        ["--table", "1", "--limit", "1", "--out", str(out), "--defences", defence]
    )
    (result,) = read(out)
    assert 0.3 < result["C"] <= 1 and 0 <= result["A"] <= 1
    assert result.get("clean_lost", 0) < 0.9


@pytest.mark.parametrize("table", [2, 3, 4, 5])
def test_every_table_runs(scripts, tmp_path, table):
    out = tmp_path / "results.jsonl"
    run = ["--table", str(table), "--limit", "1", "--out", str(out), "--defences"]
    scripts[0].main([*run, "none"])
    (result,) = read(out)
    assert result["table"] == table and result["C"] > 0.5
    assert (result["A"] is None) == (table == 5)


def test_a_line_that_was_cut_off_is_run_again(scripts, tmp_path):
    out = tmp_path / "results.jsonl"
    line = {"table": 1, "scale": "smoke", "scenario": {"seed": 0}, "defence": "none"}
    out.write_text(json.dumps(line) + "\n" + '{"table": 1, "sca')
    assert [found[0] for found in scripts[0].done(out)] == [1]
    assert read(out) == [line]
    out.write_text('{"table"')
    assert scripts[0].done(out) == set() and out.read_text() == ""


def test_tables_6_and_7_do_not_stand_in_for_each_other(scripts, tmp_path):
    out = tmp_path / "results.jsonl"
    keys = []
    for table in (6, 7):
        scenario = {"table": table, "scale": "smoke", "scenario": {}, "defence": "none"}
        out.write_text(json.dumps(scenario) + "\n")
        keys.append(scripts[0].done(out))
    assert keys[0].isdisjoint(keys[1])
