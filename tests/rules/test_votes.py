import numpy as np

from sklearn_ispl.rules._votes import vote_support


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
