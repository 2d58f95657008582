import pytest


@pytest.fixture
def bench(import_script):
    return import_script("bench_filter")


def test_every_phase_is_timed_beside_its_floor(bench, digits, capsys):
    settings = {"n_repeats": 1, "self_training_epochs": 2}
    pair = ours, floor = bench.one_pair(*digits, 0, settings)
    assert set(ours) == {*bench.PHASES, *bench.NO_FLOOR}
    assert min(ours.values()) > 0
    assert set(floor) == set(bench.PHASES) and min(floor.values()) > 0
    assert 0.2 < bench.learners_ratio(pair) < 5
    bench.report([pair, pair])
    shown = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert shown == ["phase", *bench.PHASES, "learners", *bench.NO_FLOOR, "all"]


def test_the_printed_procedure_searches_for_nothing(bench, digits):
    settings = {"method": "paper", "n_repeats": 1, "self_training_epochs": 2}
    ours, _ = bench.one_pair(*digits, 0, settings)
    assert ours["search"] == 0 and ours["self-training"] > 0
