import numpy as np
import pytest

from sklearn_ispl.rules._votes import (
    contrast,
    core_support,
    out_of_bag_agreement,
    vote_support,
)


def test_vote_support_by_hand():
    votes = np.array([[3, 1], [1, 3], [2, 2], [2, 2]] * 200)
    codes = np.array([0, 0, 0, 1] * 200)
    support = vote_support(votes, codes, np.random.RandomState(0))
    assert support[0::4].all() and not support[1::4].any()
    assert 0.4 < support[2::4].mean() < 0.6
    assert 0.4 < support[3::4].mean() < 0.6
    np.testing.assert_array_equal(
        support, vote_support(votes, codes, np.random.RandomState(0))
    )


def test_a_modal_label_may_need_votes():
    votes, codes = np.array([[1, 0], [2, 0], [2, 3]]), np.zeros(3, dtype=int)
    support = vote_support(votes, codes, np.random.RandomState(0), n_votes=2)
    np.testing.assert_array_equal(support, [False, True, False])


def test_out_of_bag_agreement_by_hand():
    components = np.array([[0, 0, 1], [1, 0, 0]])
    hits = np.array([[1, 1, 0], [0, 1, 1], [0, 1, 0], [1, 0, 1]], dtype=bool)
    # Learners 0 and 1 are of the first repeat, 2 and 3 of the second.
    expected = [np.mean([0, 0]), np.mean([1, 0]), np.mean([0, 1])]
    np.testing.assert_allclose(out_of_bag_agreement(hits, components), expected)


def test_out_of_bag_agreement_is_of_the_learners_of_all_repeats():
    """Two repeats of three components: row 1 is known by its own learners alone."""
    components = np.array([[0, 1, 2], [1, 2, 0]])
    hits = np.zeros((6, 3), dtype=bool)
    hits[[1, 5], 1] = True
    # Of row 0, one learner of another component in each repeat, and of row 2 three.
    hits[[2, 5], 0] = True
    hits[[0, 1, 4], 2] = True
    agreement = out_of_bag_agreement(hits, components)
    np.testing.assert_allclose(agreement, [2 / 4, 0, 3 / 4])


@pytest.mark.parametrize("sizes", [(3, 2, 4, 3), (2, 5)])
def test_out_of_bag_agreement_finds_the_learners_of_each_repeat(sizes):
    rng = np.random.RandomState(0)
    components = np.array([rng.permutation(np.arange(40) % size) for size in sizes])
    repeat = np.repeat(np.arange(len(sizes)), sizes)
    number = np.concatenate([np.arange(size) for size in sizes])
    hits = rng.rand(sum(sizes), 40) < 0.5
    other = components[repeat] != number[:, None]
    expected = (hits & other).sum(axis=0) / other.sum(axis=0)
    np.testing.assert_allclose(out_of_bag_agreement(hits, components), expected)


def test_out_of_bag_agreement_of_single_components_counts_all():
    hits = np.array([[1, 0], [1, 1]], dtype=bool)
    agreement = out_of_bag_agreement(hits, np.zeros((2, 2), dtype=int))
    np.testing.assert_allclose(agreement, [1, 0.5])


def spread_poison(seed, n_repeats=3, n_components=8, n=1000, n_poisoned=30):
    """Votes as seen where the poison spreads: 60 % of the learners know the trigger.

    Learners recognise a clean row with the row's own probability, a poisoned row if
    they know the trigger and hardly else. Every row has class 0 of ten.
    """
    rng = np.random.RandomState(seed)
    n_learners = n_repeats * n_components
    poisoned = np.arange(n) < n_poisoned
    knows = rng.permutation(n_learners) < 0.6 * n_learners
    chance = np.where(poisoned, 0.0, rng.uniform(0.3, 1, size=n))[None, :]
    chance = np.where(knows[:, None] & poisoned, 0.97, chance)
    chance = np.where(~knows[:, None] & poisoned, 0.03, chance)
    hits = rng.uniform(size=(n_learners, n)) < chance
    predictions = np.where(hits, 0, rng.randint(1, 10, size=hits.shape))
    components = rng.randint(n_components, size=(n_repeats, n))
    components[:, -n_components:] = np.arange(n_components)
    return predictions, components, poisoned


@pytest.mark.parametrize("seed", range(5))
def test_contrast_finds_what_counting_votes_keeps(seed):
    predictions, components, poisoned = spread_poison(seed)
    codes = np.zeros(1000, dtype=int)
    votes = np.stack([(predictions == c).sum(axis=0) for c in range(10)], axis=1)
    assert vote_support(votes, codes, np.random.RandomState(0))[poisoned].mean() > 0.9
    scores = contrast(predictions == codes)
    assert np.mean(scores[poisoned][:, None] > scores[~poisoned]) > 0.99
    rng = np.random.RandomState(0)
    core = core_support(predictions, components, codes, 1 / 2, rng)
    assert core.sum() == 500 and not core[poisoned].any()


def known_by(*learners):
    """Return the votes of four learners on rows that these of them know."""
    return np.array([[str(nth) in some for some in learners] for nth in range(4)])


@pytest.mark.parametrize(
    ("rows", "n_directions", "expected"),
    [
        # Some rows are known by two learners only, others by two other ones.
        (["01"] * 6 + ["23"] * 4 + ["0123"] * 20, 2, [1] * 10 + [0] * 20),
        # It takes a second direction to see the rows that learners 0 and 2 know.
        (["01"] * 10 + ["02"] * 6 + ["0123"] * 24, 1, [1] * 10 + [0] * 30),
        (["01"] * 10 + ["02"] * 6 + ["0123"] * 24, 2, [1] * 16 + [0] * 24),
        # Rows that all or none of them know tell learners not apart.
        (["01"] * 6 + [""] * 20 + ["0123"] * 14, 1, [1] * 6 + [0] * 34),
        # A learner that knows nothing differs from the others, but in all rows alike.
        (["0"] * 6 + ["012"] * 24, 1, [1] * 6 + [0] * 24),
        # Where most rows have the same contrast, it is nothing special.
        (["01"] * 20 + ["0123"] * 10, 1, [0] * 20 + [1] * 10),
    ],
)
def test_contrast_by_hand(rows, n_directions, expected):
    np.testing.assert_allclose(contrast(known_by(*rows), n_directions), expected)


@pytest.mark.parametrize("n_learners", [1, 4])
def test_learners_that_know_the_same_rows_make_no_contrast(n_learners):
    hits = np.tile(np.arange(20) < 12, (n_learners, 1))
    assert not contrast(hits).any()


@pytest.mark.parametrize("share", [0.25, 0.5, 1])
def test_core_is_a_share_of_every_class(share):
    rng = np.random.RandomState(0)
    codes = np.repeat([0, 1, 2], [1, 50, 101])
    predictions = rng.randint(3, size=(8, 152))
    components = np.tile(np.arange(152) % 4, (2, 1))
    core = core_support(predictions, components, codes, share, rng)
    expected = np.ceil(share * np.array([1, 50, 101]))
    np.testing.assert_array_equal(np.bincount(codes[core]), expected)


def test_core_of_unanimous_votes_is_drawn():
    """Ties are broken at random, not by the order of the rows."""
    codes = np.zeros(1000, dtype=int)
    components = np.tile(np.arange(1000) % 4, (2, 1))
    core = core_support(
        np.zeros((8, 1000), dtype=int),
        components,
        codes,
        1 / 2,
        np.random.RandomState(0),
    )
    assert 200 < core[:500].sum() < 300


def test_core_prefers_out_of_bag_agreement():
    """Rows that only their own learners recognise are left out."""
    components = np.tile(np.arange(100) % 4, (2, 1))
    codes = np.zeros(100, dtype=int)
    lonely = np.arange(100) < 40
    predictions = np.ones((8, 100), dtype=int)
    predictions[:, ~lonely] = 0
    for repeat in range(2):
        predictions[4 * repeat + components[repeat], np.arange(100)] = 0
    core = core_support(predictions, components, codes, 1 / 2, np.random.RandomState(0))
    assert not core[lonely].any()


def test_core_is_what_most_learners_know_where_nothing_tells_them_apart():
    codes, known = np.zeros(20, dtype=int), np.arange(20) % 5 < 3
    predictions = np.tile(np.where(known, 0, 1), (4, 1))
    components = np.zeros((4, 20), dtype=int)
    core = core_support(predictions, components, codes, 1 / 2, np.random.RandomState(0))
    assert core.sum() == 10 and known[core].all()
