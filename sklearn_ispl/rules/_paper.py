"""The rules of the paper and of its later version: a modal vote, and self-training."""

from joblib import delayed

from ..learners._weak_learner import draw_seed
from ._rule import Finding, Rule
from ._self_training import self_train, self_train_repeatedly
from ._votes import vote_support


class PaperRule(Rule):
    """Keep rows whose label is the modal vote, and what self-training adds (B.1)."""

    n_votes = 0  # that a label needs
    train = staticmethod(self_train)

    def decide(self, case):
        kept = vote_support(case.votes, case.codes, case.rng, self.n_votes)
        finding = Finding(kept, vote_support=kept)
        if not self.settings.self_training:
            return finding
        given = kept, draw_seed(case.rng), self.self_training_epochs
        job = delayed(self.train)(case.new_learner, case.codes, *given)
        with case.timed("self-training"):
            (support,) = case.parallel([job])
        return finding._replace(support=support)


class LaterPaperRule(PaperRule):
    """The same, as the later version has it (ICLR 2023)."""

    n_epochs = 4
    self_training_epochs = 5
    partition = {"first_epochs": 8, "refit_epochs": 40, "share_taken": 0.96}
    n_votes = 2
    train = staticmethod(self_train_repeatedly)
