import numpy as np
import pytest

from conftest import looks_of, ten_poisoned_classes
from sklearn_ispl import ISPLFilter, _compatibility
from sklearn_ispl._compatibility import (
    TAUGHT,
    TYPICAL,
    Evidence,
    Inquiry,
    Measure,
    _parts,
    doubtful_groups,
    incompatible_groups,
    suspicion,
)
from sklearn_ispl._groups import log_odds
from sklearn_ispl._likeness import Sight, excess_classes, likeness
from sklearn_ispl._probes import contradicted_rows
from sklearn_ispl._settling import settled
from sklearn_ispl.datasets import make_dirty_label_backdoor, make_warping_trigger
from sklearn_ispl.detectors._proposers import proposals_of


def test_few_classes_are_no_measure():
    codes = np.repeat([0, 1, 2], 30)
    assert found_in(np.zeros((90, 2)), codes, np.zeros((90, 2))) == []


def test_four_classes_are_a_measure():
    rng = np.random.RandomState(0)
    codes = np.repeat(range(4), 30)
    looks = rng.normal(size=(120, 5))
    assert len(found_in(looks, codes, rng.normal(size=(120, 2)))) == 4


def found_in(
    activations, codes, features, components=None, known=None, rate=0.05, taught=1.0
):
    if components is None:
        components = np.zeros((1, len(codes)), dtype=int)
    if known is None:
        known = np.zeros(len(codes), dtype=bool)
    rng = np.random.RandomState(1)
    features, activations = (
        one if isinstance(one, list) else [one] for one in (features, activations)
    )
    sight = Sight(features, activations, np.broadcast_to(taught, len(codes)))
    like = likeness(sight, codes, known, rng)
    proposals = proposals_of(sight.all_features, components)
    return incompatible_groups(sight, like, codes, proposals, known, rng, rate)


def test_a_cluster_of_rows_of_other_classes_is_found_and_nothing_else():
    truth, codes, features, poisoned = ten_poisoned_classes()
    evidence = found_in(looks_of(truth), codes, features)
    assert [found.label for found in evidence if found.rejected] == [3]
    assert isinstance(evidence[0], Evidence) and len(evidence) == 10
    np.testing.assert_array_equal(evidence[0].rows, poisoned)
    assert evidence[0].excess > 1
    scores = [found.score for found in evidence]
    assert scores == sorted(scores, reverse=True)


def test_poison_that_is_several_groups_is_found_whole():
    """Half of the class, in two clusters, from five classes each."""
    truth, codes, features, poisoned = ten_poisoned_classes(n_poisoned=60)
    second = poisoned[truth[poisoned] > 5]
    features[second, 0] -= 30
    evidence = found_in(looks_of(truth), codes, features)
    assert [found.label for found in evidence if found.rejected] == [3]
    np.testing.assert_array_equal(evidence[0].rows, poisoned)


@pytest.mark.parametrize("n_rest", [30, 120])
def test_the_smaller_of_group_and_rest_counts(n_rest):
    """The score is that of a test of two means."""
    truth, codes, features, poisoned = ten_poisoned_classes(n_poisoned=30)
    rest = np.flatnonzero((truth == 3) & (codes == 3))
    rows = np.r_[np.flatnonzero(codes != 3), poisoned, np.resize(rest, n_rest)]
    found = found_in(looks_of(truth)[rows], codes[rows], features[rows])[0]
    weight = np.sqrt(30 * n_rest / (30 + n_rest))
    assert found.score == pytest.approx(weight * found.excess)


def test_without_poison_nothing_is_suspect():
    truth, _, features, _ = ten_poisoned_classes()
    evidence = found_in(looks_of(truth), truth, features)
    assert len(evidence) == 10 and not any(found.rejected for found in evidence)


def test_a_component_of_the_learner_is_a_group_to_test():
    """The poisoned rows are no cluster, but all of one component."""
    truth, codes, features, poisoned = ten_poisoned_classes(apart=0.7)
    components = np.isin(np.arange(600), poisoned)[None].astype(int)
    with_it = found_in(looks_of(truth), codes, features, components)
    without = found_in(looks_of(truth), codes, features)
    of_class = [{e.label: e.score for e in found}[3] for found in (with_it, without)]
    assert of_class[0] > of_class[1]


@pytest.mark.parametrize(("rate", "suspect"), [(0.05, True), (1e-300, False)])
def test_the_rate_of_false_alarms_decides(rate, suspect):
    truth, codes, features, _ = ten_poisoned_classes()
    evidence = found_in(looks_of(truth), codes, features, rate=rate)
    assert evidence[0].rejected == suspect


def test_levels_are_one_at_most():
    group = np.arange(9), "clusters", TYPICAL, 1.0, 0.9
    evidence = [Evidence(label, *group, 1 + 0.01 * label) for label in range(10)]
    levels = [found.level for found in Measure(evidence, 0.05, 2).evidence]
    assert max(levels) == 1


@pytest.mark.parametrize("n_known", [14, 20])
def test_rows_that_are_known_to_be_poison_do_not_hide_the_rest(n_known):
    """Those that are not known are too few to be a group."""
    truth, codes, features, poisoned = ten_poisoned_classes()
    known = np.isin(np.arange(600), poisoned[:n_known])
    found = found_in(looks_of(truth), codes, features, known=known)[0]
    assert found.label == 3 and found.rejected
    np.testing.assert_array_equal(found.rows, poisoned)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("n_rows", [1, 2, 15])
def test_classes_of_few_rows_have_no_evidence(n_rows):
    truth, codes, features, _ = ten_poisoned_classes()
    kept = (truth != 9) | (np.arange(600) < 540 + n_rows)
    kept &= (codes == truth) | (truth != 9)
    truth, codes = truth[kept], codes[kept]
    evidence = found_in(looks_of(truth), codes, features[kept])
    assert {found.label for found in evidence} == set(range(9))
    assert evidence[0].label == 3 and evidence[0].rejected


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("n_others", [1, 2])
def test_a_class_among_others_of_next_to_no_rows_has_no_excess(n_others):
    codes = np.r_[np.zeros(60, int), np.repeat(np.arange(1, 6), n_others)]
    features = np.random.RandomState(0).normal(size=(len(codes), 3))
    evidence = found_in(features, codes, features)
    assert [found.label for found in evidence] == [0] and not evidence[0].rejected


def test_without_a_class_of_enough_rows_there_is_no_evidence():
    codes = np.repeat(np.arange(6), 15)
    assert found_in(np.zeros((90, 2)), codes, np.zeros((90, 2))) == []


def test_the_evidence_has_how_far_a_group_is_taught():
    truth, codes, features, poisoned = ten_poisoned_classes()
    taught = np.full(600, 0.5)
    taught[poisoned] = 0.9
    evidence = found_in(looks_of(truth), codes, features, taught=taught)
    assert [found.label for found in evidence if found.rejected] == [3]
    assert evidence[0].taught == pytest.approx(0.9)
    assert [found.taught for found in evidence[1:]] == pytest.approx([0.5] * 9)
    assert evidence[0].level < 0.01
    levels = [found.level for found in evidence]
    assert levels == sorted(levels)


@pytest.mark.parametrize("taught", [1.0, 0.001])
def test_rows_that_nothing_teaches_are_found_by_what_they_are_typical_of(taught):
    truth, codes, features, poisoned = ten_poisoned_classes()
    chances = np.where(np.isin(np.arange(600), poisoned), taught, 1.0)
    found = found_in(looks_of(truth), codes, features, taught=chances)
    assert found[0].label == 3
    assert found[0].question == TYPICAL or taught == 1
    np.testing.assert_array_equal(found[0].rows, poisoned)
    assert [one.label for one in found if one.rejected] == [3]


@pytest.mark.parametrize(
    ("taught", "contradicted", "n_found"),
    [(1.0, False, 40), (0.001, True, 40), (0.001, False, 20)],
)
def test_what_joins_a_group_is_like_poison_or_contradicted_still(
    taught, contradicted, n_found, monkeypatch
):
    """Half of the poison looks to the model unlike the other half."""
    truth, codes, features, poisoned = ten_poisoned_classes(n_poisoned=40)
    features[poisoned[20:], :2] += [-8, 4]
    chances = np.where(np.isin(np.arange(600), poisoned[20:]), taught, 1.0)
    # The rest of the class is not asked again.
    monkeypatch.setattr(Inquiry, "most_suspect", asked_once(Inquiry.most_suspect))
    if not contradicted:
        contradict_once(monkeypatch)

    surest = Inquiry.surest

    def as_taught(inquiry, evidence):
        evidence = [*evidence]
        taught = [one for one in evidence if one.question == TAUGHT]
        halves = [one for one in taught if len(one.rows) < 40]
        return surest(inquiry, halves or evidence)

    monkeypatch.setattr(Inquiry, "surest", as_taught)
    found = found_in(looks_of(truth), codes, features, taught=chances)[0]
    assert found.label == 3 and found.rejected
    np.testing.assert_array_equal(found.rows, poisoned[:n_found])


def test_what_joins_is_held_against_the_rest_of_the_class_alone(monkeypatch):
    truth, codes, features, poisoned = ten_poisoned_classes()
    joins = np.flatnonzero((truth == 3) & (codes == 3))[:10]
    asked = []

    def recorded(group, like):
        asked.append((group.sum(), len(group)))
        return excess_classes(group, like)

    def join(group, *_):
        monkeypatch.setattr(_compatibility, "excess_classes", recorded)
        return group | np.isin(np.flatnonzero(codes == 3), joins)

    monkeypatch.setattr(_compatibility, "completed", join)
    found_in(looks_of(truth), codes, features)
    n_rows, n_poisoned = np.sum(codes == 3), len(poisoned)
    assert asked[:2] == [(n_poisoned, n_rows), (10, n_rows - n_poisoned)]


def test_clean_rows_do_not_join_a_group(monkeypatch):
    truth, codes, features, poisoned = ten_poisoned_classes()
    clean = np.flatnonzero((truth == 3) & (codes == 3))[:10]
    clean_of_class = np.isin(np.flatnonzero(codes == 3), clean)
    monkeypatch.setattr(
        _compatibility, "completed", lambda group, *_: group | clean_of_class
    )
    found = found_in(looks_of(truth), codes, features)[0]
    assert found.rejected
    np.testing.assert_array_equal(found.rows, poisoned)


@pytest.mark.parametrize(("n_clean", "rejected"), [(0, True), (5, True), (55, False)])
def test_a_group_has_to_stand_out_with_all_that_goes_with_it(
    n_clean, rejected, monkeypatch
):
    truth, codes, features, poisoned = ten_poisoned_classes()
    clean = np.flatnonzero((truth == 3) & (codes == 3))[:n_clean]
    grown = np.isin(np.flatnonzero(codes == 3), clean)
    monkeypatch.setattr(
        Inquiry, "_with_what_joins", lambda inquiry, group, *_: group | grown
    )
    found = found_in(looks_of(truth), codes, features)[0]
    assert found.label == 3 and found.level < 0.01 and found.rejected == rejected
    assert len(found.rows) <= len(poisoned) + n_clean
    if rejected:
        np.testing.assert_array_equal(found.rows, np.union1d(poisoned, clean))


@pytest.mark.parametrize(("excess", "n_joined"), [(0.2, 10), (0.1, 0)])
def test_what_joins_is_as_like_poison_as_a_seventh_of_the_group(
    excess, n_joined, monkeypatch
):
    truth, codes, features, poisoned = ten_poisoned_classes()
    joins = np.flatnonzero((truth == 3) & (codes == 3))[:10]

    def join(group, *_):
        answers = iter([1.0, excess])
        monkeypatch.setattr(
            _compatibility, "excess_classes", lambda *_: next(answers, 2.0)
        )
        return group | np.isin(np.flatnonzero(codes == 3), joins)

    nothing = np.zeros(600, dtype=bool)
    monkeypatch.setattr(_compatibility, "contradicted_rows", lambda *_: nothing)
    monkeypatch.setattr(_compatibility, "completed", join)
    found = found_in(looks_of(truth), codes, features)[0]
    np.testing.assert_array_equal(
        np.sort(found.rows), np.union1d(poisoned, joins[:n_joined])
    )


def test_a_part_counts_as_it_is_and_as_it_settles(monkeypatch):
    """Two thirds of the poison and some clean rows become all of it and no more."""
    truth, codes, features, poisoned = ten_poisoned_classes()
    clean = np.flatnonzero((truth == 3) & (codes == 3))
    proposed = np.union1d(poisoned[:20], clean[:5])

    def one_part(rows, rng):
        yield "by hand", np.isin(np.flatnonzero(codes == 3), proposed)
        yield "again", np.isin(np.flatnonzero(codes == 3), proposed)

    rng = np.random.RandomState(0)
    sight = Sight([features], [looks_of(truth)], np.ones(600))
    questions = {TYPICAL: likeness(sight, codes, np.zeros(600, dtype=bool), rng)}
    inquiry = Inquiry(sight, questions, codes, one_part, None, 0, 0.05)
    rows, scores = inquiry.of_class(3), []
    for grow in (lambda part, odds: part, settled):
        monkeypatch.setattr(_compatibility, "settled", grow)
        found = inquiry.most_suspect(rows, rng)[TYPICAL]
        scores.append(found.score)
        expected = proposed if grow is not settled else poisoned
        np.testing.assert_array_equal(found.rows, expected)
        assert found.proposer == "by hand"
    assert scores[0] < scores[1]


def test_parts_from_eight_rows_to_half_of_a_class_are_groups():
    def first(n_rows):
        return np.arange(30) < n_rows

    proposed = [("clusters", first(n_rows)) for n_rows in (7, 8, 15, 16)]
    groups = _parts(proposed, lambda group, over: np.where(group, 1, -1))
    assert [(by, part.sum()) for by, part in groups] == [
        ("clusters", 8),
        ("clusters", 15),
    ]


def test_no_part_of_a_class_comes_twice(monkeypatch):
    rows = np.arange(60)
    first, second, end = rows < 10, rows < 20, rows < 15
    monkeypatch.setattr(_compatibility, "settled", lambda part, odds: end)
    proposed = [("one", first), ("two", first), ("two", second), ("three", end)]
    found = [(name, part.sum()) for name, part in _parts(proposed, None)]
    assert found == [("one", 10), ("one", 15), ("two", 20)]


def test_what_is_asked_about_a_class_draws_from_a_stream_of_its_own():
    inquiry = Inquiry(None, {}, None, None, None, 7, 0.05)
    draws = {
        tuple(inquiry.rng(*place).randint(10**6, size=3))
        for place in [(0,), (1,), (1, 1), (2, 1)]
    }
    assert len(draws) == 4
    again = inquiry.rng(1, 1).randint(10**6, size=3)
    assert tuple(again) in draws


@pytest.mark.parametrize("n_views", [1, 3])
def test_the_question_that_a_group_was_found_by_is_asked_of_what_joins(
    n_views, monkeypatch
):
    """No model is taught this poison, so that only its looks tell."""
    truth, codes, features, poisoned = ten_poisoned_classes(n_poisoned=40)
    chances = np.where(np.isin(np.arange(600), poisoned), 0.001, 1.0)
    features[poisoned[20:], :2] += [-8, 4]
    contradict_once(monkeypatch)
    monkeypatch.setattr(Inquiry, "most_suspect", asked_once(Inquiry.most_suspect))
    views = [looks_of(truth)] * n_views
    found = found_in(views, codes, [features] * n_views, taught=chances)[0]
    assert found.label == 3 and found.question == TYPICAL
    np.testing.assert_array_equal(found.rows, poisoned)


def contradict_once(monkeypatch):
    """Let probes contradict what may join a group, and nothing a second time."""
    answers = []

    def once(*args):
        answers.append(contradicted_rows(*args))
        return answers[-1] & (len(answers) == 1)

    monkeypatch.setattr(_compatibility, "contradicted_rows", once)


def asked_once(most_suspect):
    classes = []

    def only_once(inquiry, rows, rng):
        label = inquiry.codes[rows[0]]
        classes.append(label)
        return most_suspect(inquiry, rows, rng) if classes.count(label) == 1 else {}

    return only_once


def test_to_the_probes_of_a_group_one_found_before_is_another_class(monkeypatch):
    truth, codes, features, poisoned = ten_poisoned_classes(n_poisoned=50)
    features[poisoned[30:]] -= 16
    asked = []

    def recorded(both, codes, group, *args):
        asked.append((codes, group))
        return log_odds(both, codes, group, *args)

    monkeypatch.setattr(_compatibility, "log_odds", recorded)
    found = found_in(looks_of(truth), codes, features)[0]
    np.testing.assert_array_equal(found.rows, poisoned)
    (first_codes, _), *_ = asked
    np.testing.assert_array_equal(first_codes, codes)
    second_codes = next(one for one, _ in asked if (one != codes).any())
    apart = second_codes != codes
    assert 0 < apart.sum() < 50 and not np.isin(second_codes[apart], codes).any()
    np.testing.assert_array_equal(codes[apart], 3)
    assert not any(group[apart].any() for one, group in asked if one is second_codes)


def test_what_joins_is_asked_for_when_all_groups_were_found(monkeypatch):
    truth, codes, features, poisoned = ten_poisoned_classes(n_poisoned=50)
    features[poisoned[30:]] -= 16
    asked = []

    def recorded(group, *_):
        asked.append(group)
        return group

    monkeypatch.setattr(_compatibility, "completed", recorded)
    found = found_in(looks_of(truth), codes, features)[0]
    np.testing.assert_array_equal(found.rows, poisoned)
    (group,) = asked
    np.testing.assert_array_equal(np.flatnonzero(codes == 3)[group], poisoned)


def test_evidence_is_weak_up_to_four_times_the_rate_where_a_group_is_kept():
    def at(label, level, rejected=False):
        of = label, np.arange(9), "clusters", TYPICAL
        return Evidence(*of, 0.3, 0.9, 1.0, level, rejected)

    evidence = [at(1, 0.01, True), at(2, 0.01), at(3, 0.2), at(4, 0.21)]
    assert [one.label for one in doubtful_groups(evidence, 0.05)] == [2, 3]


@pytest.mark.parametrize("n_questions", [1, 3])
def test_each_question_has_its_share_of_the_false_alarms(n_questions):
    rows = np.arange(9)
    scores = [9.0, *np.linspace(1, 2, 9)]
    evidence = [
        Evidence(nth, rows, "clusters", TYPICAL, 1.0, 0.9, score)
        for nth, score in enumerate(scores)
    ]
    alone = Measure(evidence, 0.05, 1).evidence
    asked = Measure(evidence, 0.05, n_questions)
    assert [one.label for one in asked.evidence] == [0, *range(9, 0, -1)]
    assert 0 < alone[0].level < 0.05 / 3
    assert asked.evidence[0].level == pytest.approx(n_questions * alone[0].level)
    # Held against the same usual scores as before, of one class in place of two.
    again = asked.of_another(evidence[0])
    assert again.level == pytest.approx(asked.evidence[0].level / 2)
    assert asked.of_another(evidence[1]._replace(score=0.0)).level <= 1


def test_rows_are_ranked_by_the_evidence_on_their_class_and_their_group():
    _, codes, features, poisoned = ten_poisoned_classes()
    others = np.flatnonzero(codes == 5)
    evidence = [
        Evidence(3, poisoned[:20], "clusters", "typical", 2.0, 0.9, 8.0),
        Evidence(5, others[:20], "clusters", "typical", 0.5, 0.9, 2.0),
    ]
    rejected = np.isin(np.arange(600), poisoned[:20])
    rng = np.random.RandomState(0)
    proved = np.isin(np.arange(600), np.flatnonzero(codes == 8)[:3])
    ranked = suspicion([features], codes, evidence, proved, rejected | proved, rng)
    assert (ranked[proved] == 1).all() and ranked[rejected].min() > 0.95
    assert 0.5 >= ranked[poisoned[20:]].min() > 0.45
    assert ranked[others].max() <= 0.125 and not ranked[codes == 7].any()


def test_the_ranks_of_rows_hang_on_scores_as_shares_alone():
    _, codes, features, poisoned = ten_poisoned_classes()
    none = np.zeros(600, dtype=bool)
    found = Evidence(3, poisoned, "clusters", TYPICAL, 2.0, 0.9, 8.0)
    ranked = [
        suspicion(
            [features], codes, [found._replace(score=score)], none, none,
            np.random.RandomState(0),
        )
        for score in (8.0, 0.8)
    ]  # fmt: skip
    assert ranked[0][poisoned].min() > 0.45
    np.testing.assert_array_equal(*ranked)


def test_rows_with_a_trigger_are_no_rows_of_their_class_where_others_are_ranked(
    monkeypatch,
):
    _, codes, features, poisoned = ten_poisoned_classes()
    proved, asked = np.isin(np.arange(600), poisoned[:5]), []

    def recorded(both, codes, group, rng):
        asked.append(codes)
        return log_odds(both, codes, group, rng)

    monkeypatch.setattr(_compatibility, "log_odds", recorded)
    evidence = [Evidence(3, poisoned[5:], "clusters", TYPICAL, 2.0, 0.9, 8.0)]
    rng = np.random.RandomState(0)
    suspicion([features], codes, evidence, proved, proved, rng)
    assert not np.isin(asked[0][proved], codes).any()
    np.testing.assert_array_equal(asked[0][~proved], codes[~proved])


@pytest.mark.parametrize("n_proved", [0, 5, 15])
def test_rows_like_those_with_a_trigger_are_ranked_high(n_proved):
    """Of 30 poisoned rows 15 were found, some or all of them by their trigger."""
    _, codes, features, poisoned = ten_poisoned_classes()
    found, missed = np.split(poisoned, 2)
    proved, rejected = (np.isin(np.arange(600), r) for r in (found[:n_proved], found))
    evidence = [Evidence(3, found, "clusters", TYPICAL, 2.0, 0.9, 8.0, 0.01, True)]
    rng = np.random.RandomState(0)
    ranked = suspicion([features], codes, evidence, proved, rejected, rng)
    clean = np.setdiff1d(np.arange(600), poisoned)
    assert ranked[missed].min() > 0.45 > 0.1 > ranked[clean].max()


NO_SCORE = Evidence(1, np.arange(9), "clusters", "typical", 0.0, 0.9, 0)


@pytest.mark.parametrize("evidence", [[], [NO_SCORE]])
def test_without_evidence_only_proved_and_rejected_rows_are_suspicious(evidence):
    rejected = np.arange(40) < 3
    proved, codes = np.arange(40) < 1, np.zeros(40, dtype=int)
    ranked = suspicion(None, codes, evidence, proved, rejected, None)
    np.testing.assert_array_equal(ranked[:4], [1, 0.5, 0.5, 0])
    assert not ranked[4:].any()


def test_a_warped_set_is_found_by_what_it_is_incompatible_with(digit_images):
    X, y = digit_images
    trigger = make_warping_trigger(X, strength=1.0, random_state=0)
    X, y, poisoned, _ = make_dirty_label_backdoor(
        X, y, target=9, poison_rate=0.1, rate_of="all", cover_rate=0.1,
        trigger=trigger, random_state=0,
    )  # fmt: skip
    ispl = ISPLFilter(random_state=0).fit(X, y)
    assert [found.label for found in ispl.evidence_ if found.rejected] == [9]
    assert 9 in ispl.poisoned_classes_
    assert ispl.support_[poisoned].mean() < 0.35
    assert ispl.support_[~poisoned].mean() > 0.97


@pytest.mark.parametrize(
    ("levels", "excess", "question"),
    [
        ((0.04, 0.01), 1.0, TYPICAL),
        ((0.01, 0.04), 1.0, TAUGHT),
        ((0.01, 0.01), 1.0, TAUGHT),
        # What does not stand out is no rival to what does.
        ((0.04, 0.01), 0.1, TAUGHT),
        ((0.2, 0.1), 1.0, TYPICAL),
    ],
)
def test_a_group_is_taken_as_the_question_has_it_by_which_it_stands_out_more(
    levels, excess, question
):
    inquiry = Inquiry(None, {}, None, None, None, 0, 0.05)
    rows = np.arange(20)
    taught, typical = (
        Evidence(0, rows, "clusters", *one, level=level)
        for one, level in zip(
            [(TAUGHT, 1.0, 0.9, 2.0), (TYPICAL, excess, 0.9, 2.0)], levels
        )
    )
    assert inquiry.surest([taught, typical]).question == question
    assert inquiry.surest([]) is None
