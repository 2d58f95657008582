"""The exam: its lists, its attacks, what a line says, and what the tables count."""

from functools import partial

import numpy as np
import pytest


@pytest.fixture
def exam(import_script):
    return import_script("exam")


@pytest.fixture
def tables(import_script):
    return import_script("render_exam")


def line(method, tpr=0.0, fpr=0.0, A_none=0.9, seed=1, **more):
    """Return a line of one set, of a method or of the undefended model."""
    what = {"data": "digits", "attack": "patch", "rate": 0.1, "seed": seed}
    what |= {"method": method, "seconds": 2.0, "n_poisoned": 10, "C": 0.9}
    what |= {"version": "a", "targets": [4], **more}
    if method == "undefended":
        return {**what, "A": A_none, "C_clean": 0.9, "A_clean": 0.01}
    what |= {"tpr": tpr, "fpr": fpr, "named": [], "warned": [], "left": 1}
    return {**what, "A": 0.02, **more}


@pytest.mark.parametrize(
    ("sizes", "warned"),
    [([20, 20, 20], []), ([20, 20, 20, 1], ["UnlearnedClassWarning"])],
)
def test_sizes_of_classes_are_no_sign_of_poison(import_script, sizes, warned):
    rng = np.random.RandomState(0)
    y = np.repeat(np.arange(len(sizes)), sizes)
    X = (y[:, None] + rng.normal(scale=0.1, size=(len(y), 4))).astype(np.float32)
    verdict = import_script("defences").DEFENCES["core"](None, X, y, None, rng)
    assert verdict.warned == warned
    assert verdict.support.shape == (len(y),)


def test_lists_share_no_seed(exam):
    seeds = [s.seed for name in exam.FIRST_SEED for s in exam.scenarios(name)]
    assert len(seeds) == len(set(seeds))


def test_the_report_has_more_rows_than_what_was_chosen_on(exam):
    for data in set(exam.DATA) - {"digits"}:
        assert exam.N_ROWS["report"][data] > exam.N_ROWS["tune"][data]
        assert exam.N_ROWS["validation"][data] == exam.N_ROWS["tune"][data]


def test_what_a_method_draws_does_not_hang_on_the_others(
    exam, import_script, monkeypatch
):
    drawn = {"flare": [], "spectral": []}
    Verdict = import_script("defences").Verdict

    def drawing(name, model, X, y, poisoned, rng):
        drawn[name].append(rng.randint(2**31))
        return Verdict(np.ones(len(y), dtype=bool))

    monkeypatch.setattr(exam, "train", lambda *_: None)
    monkeypatch.setattr(exam, "measure", lambda *_: (0.9, None))
    for name in drawn:
        monkeypatch.setitem(exam.DEFENCES, name, partial(drawing, name))
    scenario = exam.Scenario("wine", "none", 0.0, 5)
    [*exam.run(scenario, ["flare", "spectral"], {}, None)]
    [*exam.run(scenario, ["spectral"], {}, None)]
    first, second = drawn["spectral"]
    assert first == second and first not in drawn["flare"]


def test_the_report_has_every_attack_and_is_as_large_as_it_says(exam):
    report = exam.scenarios("report")
    assert {s.attack for s in report} == set(exam.ATTACKS)
    assert sum(s.attack != "none" for s in report) >= 60
    assert sum(s.attack == "none" for s in report) >= 12


def test_some_attacks_are_not_chosen_on(exam):
    tune = {s.attack for s in exam.scenarios("tune")}
    assert not tune & exam.UNSEEN
    assert exam.UNSEEN <= set(exam.ATTACKS)


def test_images_of_other_data_are_as_large_as_those_of_the_data(exam, monkeypatch):
    X, y = np.random.RandomState(0).uniform(size=(5, 3, 32, 32)), np.arange(5)
    monkeypatch.setattr(exam, "load_split", lambda *_: (X, y, None, None))
    found, labels = exam.other_images("fashion-mnist", (1, 28, 28), None)
    middle = X[:, :, 2:30, 2:30].mean(axis=1, keepdims=True)
    np.testing.assert_allclose(found, middle)
    np.testing.assert_array_equal(labels, y)
    np.testing.assert_array_equal(exam.other_images("gtsrb", (3, 32, 32), None)[0], X)


def test_a_list_is_the_same_whenever_it_is_made(exam):
    assert exam.scenarios("report") == exam.scenarios("report")


def test_attacks_poison_as_many_rows_as_their_rates_say(exam, import_script):
    rng = np.random.RandomState(0)
    images = rng.uniform(size=(600, 3, 16, 16)).astype(np.float32)
    y = rng.randint(5, size=600)
    for name, (_, rates) in exam.ATTACKS.items():
        if name == "none":
            continue
        X = images[:, 0, 0] if name == "features" else images
        options = {"other": (X, y)} if name in exam.KNOW_OTHER else {}
        attack = exam.make_attack(name, X, y, rates[-1], seed=3, **options)
        again = exam.make_attack(name, X, y, rates[-1], seed=3, **options)
        of_class = name in import_script("attacks").OF_CLASS
        n_base = np.sum(y == attack.victims[0][2]) if of_class else len(y)
        assert attack.poisoned.sum() == pytest.approx(rates[-1] * n_base, abs=1), name
        assert not np.any(attack.poisoned & attack.covers), name
        np.testing.assert_array_equal(attack.X, again.X)
        np.testing.assert_array_equal(attack.y[attack.covers], y[attack.covers])


def test_a_set_whose_attack_does_not_work_is_left_out(tables):
    lines = [line("undefended", A_none=0.4), line("core", tpr=1.0)]
    attacked, clean = tables.of_sets(lines)
    assert not attacked and not clean
    assert tables.weak_sets(lines)[1:] == [["digits", "patch", "10", "40.0", "90.0"]]
    assert not tables.weak_sets([line("undefended")])[1:]


def test_the_summary_counts_sets_found_and_sets_missed_in_silence(tables):
    lines = [line("undefended"), line("core", tpr=1.0)]
    lines += [line("undefended", seed=2), line("core", tpr=0.2, seed=2)]
    lines += [line("undefended", seed=3), line("core", tpr=0.2, seed=3, named=[4])]
    header, core = tables.summary(lines)
    assert core[header.index("99 % found")] == "1 of 3"
    assert core[header.index("95 % found")] == "1 of 3"
    assert core[header.index("half left, nothing said")] == "1 of 3"
    assert tables.by_attack(lines)[1] == ["patch", "100 20 20"]


def test_what_the_default_says_is_counted_by_outcome(tables):
    lines = []
    for seed, (tpr, named, warned) in enumerate(
        [
            (0.2, [], []),
            (0.2, [], ["WeakEvidenceWarning"]),
            (0.7, [4], []),
            (1.0, [4], []),
        ]
    ):
        lines.append(line("undefended", seed=seed))
        lines.append(line("core", tpr=tpr, seed=seed, named=named, warned=warned))
    for seed, warned in (5, "MostRejectedWarning"), (6, "ClassVanishedWarning"):
        lines.append(line("undefended", seed=seed))
        said = {"named": [4], "warned": [warned]}
        lines.append(line("core", tpr=1.0, seed=seed, fpr=0.03, **said))
    lines += [line("undefended", seed=8), line("core", tpr=0.1, seed=8, named=[5])]
    lines += [line("undefended", seed=9, A_none=None)]
    lines += [line("core", seed=9, tpr=None, warned=["UnlearnedClassWarning"])]
    _, most, some, none, clean, costly = tables.sayings(lines)
    assert most[1:] == [3, 0, 1, 1, 0, 0, 1]
    assert some[1:] == [1, 1, 0, 0, 0, 0, 0]
    assert none[1:] == [3, 3, 0, 0, 0, 2, 0]
    assert clean[1:] == [1, 0, 0, 0, 1, 0, 0]
    assert costly[1:] == [2, 2, 0, 0, 0, 2, 0]
    # To name a clean class is to say nothing of the poison.
    header, core = tables.summary(lines)
    assert core[header.index("half left, nothing said")] == "2 of 7"


def test_seconds_are_held_against_training_in_the_same_run(tables):
    lines = [line("undefended"), line("core", tpr=1.0)]
    assert tables.summary(lines)[1][-1] == ""
    lines[1]["training"] = 0.5
    assert tables.summary(lines)[1][-1] == "4.0"


def test_the_ranking_counts_at_one_false_positive_rate(tables):
    lines = [line("undefended"), line("core", tpr=1.0, tpr_at_1=0.7)]
    lines += [line("undefended", seed=2), line("core", seed=2, tpr_at_1=0.9)]
    header, core = tables.summary(lines)
    (ranked,) = (at for at, name in enumerate(header) if "at 1 %" in name)
    assert core[ranked] == "80.0"


def test_what_is_found_is_counted_by_data_and_rate(tables):
    lines = [line("undefended"), line("core", tpr=1.0, fpr=0.03)]
    of_clean = {"named": [4, 5], "C": 0.7}
    lines += [line("undefended", seed=2), line("core", tpr=0.2, seed=2, **of_clean)]
    other = {"seed": 3, "data": "gtsrb", "rate": 0.05}
    lines += [line("undefended", **other), line("core", tpr=0.7, **other, A=0.5)]
    other = {"seed": 4, "data": "gtsrb", "rate": 0.02, "attack": "cartoon"}
    lines += [line("undefended", **other), line("core", tpr=1.0, **other)]
    # A tenth of the target class is no tenth of all rows.
    other = {"seed": 5, "data": "gtsrb", "attack": "patch, one class"}
    lines += [line("undefended", **other), line("core", tpr=1.0, **other)]
    _, digits, gtsrb, few, tenth, unseen, every = tables.by_data(lines)
    none = ["90.0", "0.0", "0.0"]
    assert digits == ["digits", 2, 1, 1, "2 of 20", 2, 1, 1, 1, "90.0", "10.0", "20.0"]
    assert gtsrb == ["gtsrb", 3, 2, 0, "3 of 30", 2, 3, 0, 0, *none]
    assert few[1:] == unseen[1:] == [1, 1, 0, "1 of 10", 1, 1, 0, 0, *none]
    assert tenth[1:] == digits[1:]
    assert every[1:] == [5, 3, 1, "5 of 50", 4, 4, 1, 1, "90.0", "0.0", "20.0"]


def test_rankings_are_compared_set_by_set(tables):
    lines = [line("undefended"), line("core", tpr_at_1=0.9)]
    lines += [line("flare", tpr_at_1=0.4)]
    lines += [line(m, seed=2, tpr_at_1=x) for m, x in (("core", 0.5), ("flare", 0.6))]
    lines += [line("undefended", seed=2), line("spectral")]
    _, core, flare = tables.ranking(lines)
    assert core == ["core", "70.0", "2 of 2"] and flare == ["flare", "50.0", "1 of 2"]


def test_a_clean_set_counts_for_rows_lost_alone(tables):
    lines = [line("undefended", A_none=None), line("core", fpr=0.03, tpr=None)]
    header, core = tables.summary(lines)
    assert core[header.index("without poison, worst")] == "3.0"
    assert core[header.index("99 % found")] == "0 of 0"
    assert tables.clean_sets(lines)[1] == ["digits", 1, "3.0"]


def test_a_run_writes_one_line_for_each_method_and_goes_on_where_it_was(
    exam, monkeypatch
):
    monkeypatch.setitem(exam.N_ROWS["tune"], "digits", 600)
    scenario = exam.Scenario("digits", "patch", 0.1, 5)
    methods = ["smaller cluster", "flare"]
    lines = list(exam.run(scenario, methods, {}, None))
    assert [r["method"] for r in lines] == ["undefended", *methods]
    assert lines[0]["A"] > 0.5 > lines[0]["A_clean"]
    assert all(0 <= r["tpr"] <= 1 and 0 <= r["fpr"] <= 1 for r in lines[1:])
    known = {r["method"]: r for r in lines[:2]}
    (rest,) = exam.run(scenario, methods, known, None)
    assert rest["method"] == "flare"


def test_rivals_judge_tables_too(exam):
    scenario = exam.Scenario("wine", "none", 0.0, 5)
    methods = ["smaller cluster", "flare"]
    first, *lines = exam.run(scenario, methods, {}, None)
    assert first["A"] is None and first["C"] > 0.5
    assert [r["method"] for r in lines] == methods
    assert all(r["tpr"] is None and 0 <= r["fpr"] <= 0.5 for r in lines)
