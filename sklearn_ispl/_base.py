"""The whole procedure of B.1: what the filter and the sampler share."""

import warnings
from functools import partial
from numbers import Real

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, _fit_context
from sklearn.metrics import accuracy_score
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils._user_interface import _print_elapsed_time
from sklearn.utils.validation import check_is_fitted

from ._compatibility import CompatibilitySettings, Evidence, doubtful_groups
from ._groups import first_of_equal_rows
from ._likeness import MIN_CLASS
from ._mixins import RowsMixin, SupervisedMixin, SupportMixin, fit_anew
from ._validation import check_labels, check_training_set, constraints
from .exceptions import (
    ClassVanishedWarning,
    MostRejectedWarning,
    UnlearnedClassWarning,
    UntestedClassWarning,
    WeakEvidenceWarning,
)
from .ispl._partitioner import partition
from .ispl._voter import count_votes, predict_all
from .learners._inference import Parcel
from .learners._settings import one_thread, own_settings, room_for_workers
from .learners._tasks import carry_out
from .learners._weak_learner import draw_seed, make_learner
from .rules import RULES
from .rules._core import UNLEARNED
from .rules._rule import Case


def _one_repeat(new_learner, codes, seed, **settings):
    with one_thread():
        rng = np.random.RandomState(seed)
        labels, predictions, kept = partition(new_learner(), codes, rng=rng, **settings)
        return labels, predictions, [Parcel(learner) for learner in kept]


class BaseFilter(RowsMixin, SupervisedMixin, SupportMixin, BaseEstimator):
    """The procedure of B.1; the public classes are thin faces over it."""

    _parameter_constraints: dict = {
        **constraints(
            "estimator", "alpha", "beta", "momentum", "n_iter", "n_jobs", "device",
            "random_state", "verbose",
        ),
        "method": [StrOptions({*RULES})],
        "false_alarm_rate": [Interval(Real, 0, 1, closed="neither")],
        "n_repeats": [*constraints("n_repeats")["n_repeats"], None],
        "n_epochs": [*constraints("n_epochs")["n_epochs"], None],
        "self_training": ["boolean"],
        "self_training_epochs": [*constraints("n_epochs")["n_epochs"], None],
    }  # fmt: skip

    def __init__(
        self,
        estimator=None,
        *,
        method="core",
        false_alarm_rate=0.05,
        alpha=1 / 4,
        beta=1 / 8,
        momentum=0.9,
        n_repeats=None,
        n_iter=None,
        n_epochs=None,
        self_training=True,
        self_training_epochs=None,
        n_jobs=None,
        device="auto",
        random_state=None,
        verbose=False,
    ):
        self.estimator = estimator
        self.method = method
        self.false_alarm_rate = false_alarm_rate
        self.alpha = alpha
        self.beta = beta
        self.momentum = momentum
        self.n_repeats = n_repeats
        self.n_iter = n_iter
        self.n_epochs = n_epochs
        self.self_training = self_training
        self.self_training_epochs = self_training_epochs
        self.n_jobs = n_jobs
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Decide which rows to keep.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Training rows, finite numbers: 2-D, or images (n_rows, channels, height,
            width). Kept in memory once as float32, scaled where its values are far
            from what float32 and nets can take: beyond a million, below a thousandth,
            or with a spread that is small beside their mean. A value that is far from
            all others of its feature, or of all pixels, is taken for a nearer one.

        y : array-like of shape (n_rows,)
            The given labels: numbers, strings or booleans of one type.

        Returns
        -------
        self : object
            Fitted.

        Raises
        ------
        ValueError
            If y has one class or is continuous, if X has NaN or infinite values, rows
            that are all the same or fewer rows than components, or if the weak learner
            does not fit the data.

        OSError
            If there is no room on the disk from which worker processes read X.

        Warns
        -----
        SmallClassWarning
            If a class has a single row.

        ClassVanishedWarning
            If every row of a class was rejected.

        MostRejectedWarning
            If more than half of a class was rejected, equal rows counted once, but not
            all of it.

        UntestedClassWarning
            If there are fewer than four classes, or classes of fewer than 16 rows: in
            these only triggers that rows share are sought (``method="core"``).

        UnlearnedClassWarning
            If labels of a class have a mean probability under 0.15 to models of other
            rows (``method="core"``).

        WeakEvidenceWarning
            If a group of rows that is kept would be rejected at four times the rate of
            false alarms (``method="core"``).

        UserWarning
            If X looks like images whose channels come last, or if the device has no
            memory for a batch that is scored, and is asked for less at a time.
        """
        with fit_anew(self), own_settings():
            _, X32, codes = check_training_set(self, X, y)
            rng = check_random_state(self.random_state)
            new_learner = partial(
                make_learner,
                self.estimator,
                X32,
                codes,
                len(self.classes_),
                self.device,
            )
            # One pool for all, so that workers are handed the rows but once.
            with room_for_workers(), Parallel(n_jobs=self.n_jobs) as parallel:
                rule = RULES[self.method](self)
                with self._timed("training models and weak learners"):
                    models = self._collect_votes(
                        parallel, new_learner, codes, rule, rng
                    )
                votes = self.components_, self.votes_
                given = parallel, self._timed, new_learner, X32, codes
                finding = rule.decide(Case(*given, *votes, *models, rng))
            self._donor_seed = draw_seed(rng)
            self._tell(finding, codes)
            self._warn_of_lost_classes(X32, codes)
        return self

    def _collect_votes(self, parallel, new_learner, codes, rule, rng):
        """Partition the rows several times and let every learner vote.

        Return the tasks of the models that the rule has trained beside them, and what
        these say.
        """
        n_classes = len(self.classes_)
        settings = {
            "alpha": self.alpha,
            "beta": self.beta,
            "momentum": self.momentum,
            "n_iter": self.n_iter,
            "n_epochs": rule.vote_epochs(n_classes),
            **rule.partition,
        }
        jobs = [
            delayed(_one_repeat)(
                new_learner,
                codes,
                draw_seed(rng),
                progress=self._progress(repeat, rule.n_repeats),
                **settings,
            )
            for repeat in range(rule.n_repeats)
        ]
        tasks = rule.tasks(codes, rng)
        # They take longest, so that they come first.
        trained = [delayed(carry_out)(new_learner, task) for task in tasks]
        done = parallel([*trained, *jobs])
        verdicts, repeats = done[: len(tasks)], done[len(tasks) :]
        labels, predictions, estimators = zip(*repeats)
        self.components_ = np.stack(labels)
        self.predictions_ = np.concatenate(predictions)
        self.estimators_ = [one.learner for kept in estimators for one in kept]
        self.votes_ = count_votes(self.predictions_, n_classes)
        given = self.votes_[np.arange(len(codes)), codes]
        self.agreement_ = given / len(self.estimators_)
        return tasks, verdicts

    def _tell(self, finding, codes):
        """Make what a rule says attributes, in labels and units of the user's."""
        self.support_, self.vote_support_ = finding.support, finding.vote_support
        if finding.evidence is None:
            return
        self.suspicion_ = finding.suspicion
        self.poisoned_classes_ = self.classes_[finding.poisoned]
        self.triggers_ = np.full((len(finding.poisoned), *self._row_shape), np.nan)
        for nth, code in enumerate(finding.poisoned):
            self.triggers_[nth] = finding.triggers.get(code, np.nan)
        self.triggers_ = self._scaling.undo(self.triggers_)
        self.unlearned_classes_ = self.classes_[finding.unlearned]
        self.evidence_ = [
            one._replace(label=self.classes_[one.label]) for one in finding.evidence
        ]
        self._warn_of_untested_classes(codes)
        self._warn_of_unlearned_classes()
        self._warn_of_weak_evidence()

    def _timed(self, what):
        """Say how long something took, as a Pipeline says it of its steps."""
        message = what if self.verbose else None
        return _print_elapsed_time(type(self).__name__, message)

    def _progress(self, repeat, n_repeats):
        if not self.verbose:
            return None
        return {"desc": f"repeat {repeat + 1}/{n_repeats}", "unit": "round"}

    def _warn_of_untested_classes(self, codes):
        least = CompatibilitySettings.min_classes
        if len(self.classes_) < least:
            warnings.warn(
                f"y has {len(self.classes_)} classes. Groups of rows are compared "
                f"with those of other classes, which takes {least}, so that only "
                "triggers that rows share were sought.",
                UntestedClassWarning,
                stacklevel=5,
            )
            return
        small = np.bincount(codes) < MIN_CLASS
        if small.any():
            warnings.warn(
                f"Of classes of fewer than {MIN_CLASS} rows no groups are sought, only "
                f"triggers that rows share: {self.classes_[small].tolist()}.",
                UntestedClassWarning,
                stacklevel=5,
            )

    def _warn_of_unlearned_classes(self):
        if len(self.unlearned_classes_):
            warnings.warn(
                "To models of other rows, labels of these classes have a probability "
                f"under {UNLEARNED} in the mean: {self.unlearned_classes_.tolist()}. "
                "Such models have nothing to tell of poison in these classes, which "
                "may stay. Their labels may be noise; else give more rows, more "
                "self_training_epochs, or an estimator that learns faster.",
                UnlearnedClassWarning,
                stacklevel=5,
            )

    def _warn_of_weak_evidence(self):
        said = {*self.poisoned_classes_.tolist(), *self.unlearned_classes_.tolist()}
        doubtful = [
            f"{one.label!s} (level {one.level:.2g})"
            for one in doubtful_groups(self.evidence_, self.false_alarm_rate)
            if one.label not in said
        ]
        if doubtful:
            warnings.warn(
                "Groups of rows of these classes stand out, but not enough to be "
                f"rejected at false_alarm_rate={self.false_alarm_rate}: "
                f"{', '.join(doubtful)}. They were kept. Look at them before you train "
                "on them: evidence_ has the numbers of their rows.",
                WeakEvidenceWarning,
                stacklevel=5,
            )

    def _warn_of_lost_classes(self, X, codes):
        kept = np.bincount(codes[self.support_], minlength=len(self.classes_))
        if not kept.all():
            warnings.warn(
                "Every row of these classes was rejected: "
                f"{self.classes_[kept == 0].tolist()}. {RULES[self.method].advice}",
                ClassVanishedWarning,
                stacklevel=4,
            )
        parts = []
        for code in np.flatnonzero((kept > 0) & (kept < np.bincount(codes))):
            # A row that was written many times is one that speaks for itself.
            rows = first_of_equal_rows(X, np.flatnonzero(codes == code))
            n_lost = np.sum(~self.support_[rows])
            if 2 * n_lost > len(rows):
                parts.append(f"{self.classes_[code]!s} ({n_lost} of {len(rows)})")
        if parts:
            warnings.warn(
                "More than half of the different rows of these classes were rejected: "
                f"{', '.join(parts)}. Where most of a class is poison, it is the clean "
                "rows that stand out: look at both parts before you train on one.",
                MostRejectedWarning,
                stacklevel=4,
            )

    def fit_predict(self, X, y):
        """Decide which rows to keep and return it as an outlier detector does.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Training rows, finite numbers.

        y : array-like of shape (n_rows,)
            The given labels: numbers, strings or booleans of one type.

        Returns
        -------
        kept : ndarray of shape (n_rows,), int
            1 for a row to keep, -1 for a row to reject.
        """
        return np.where(self.fit(X, y).support_, 1, -1)

    def evidence_frame(self):
        """Return what is known of the most suspect group of each class, as a table.

        Returns
        -------
        evidence : pandas.DataFrame
            A row for each class, by rising level, with the columns of `evidence_`, but
            with the number of rows as `n_rows` in place of their numbers.

        Raises
        ------
        ImportError
            If pandas is not installed.

        AttributeError
            If there is no evidence: it comes with ``method="core"``.
        """
        check_is_fitted(self)
        if not hasattr(self, "evidence_"):
            raise AttributeError('evidence_ comes with method="core" only.')
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                'evidence_frame() needs pandas: pip install "sklearn-ispl[frames]".'
            ) from error
        frame = pd.DataFrame(self.evidence_, columns=Evidence._fields)
        frame.insert(1, "n_rows", frame.pop("rows").map(len))
        return frame

    def score(self, X, y):
        """Return the accuracy of the weak learners' modal vote.

        On a trusted fold this tells whether the learners recognise clean rows, so that
        ``alpha`` and ``beta`` can be searched over with GridSearchCV. It says nothing
        of the verdict of ``method="core"``, in which the vote has no part.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Trusted rows.

        y : array-like of shape (n_rows,)
            Their true labels.

        Returns
        -------
        accuracy : float
            Share of rows whose modal vote, the first class among equals, is the label.

        Raises
        ------
        ValueError
            If y has another length than X, or another type than the labels of the fit.
        """
        X = self._check_rows(X)
        n_classes = len(self.classes_)
        predictions = predict_all(self.estimators_, self._scaling(X), n_classes)
        votes = count_votes(predictions, n_classes)
        y, _ = check_labels(y=y, classes_=self.classes_)
        return float(accuracy_score(y, self.classes_[votes.argmax(axis=1)]))
