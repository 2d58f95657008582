"""The whole procedure of B.1: what the filter and the sampler share."""

import warnings
from functools import partial

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, _fit_context
from sklearn.metrics import accuracy_score
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions

from ._inference import Parcel
from ._marks import MarkSearch
from ._mixins import RowsMixin, SupervisedMixin, SupportMixin, fit_anew
from ._partitioner import partition
from ._rules import core_support, vote_support
from ._self_training import (
    Verdict,
    find_poison,
    self_train,
    self_train_repeatedly,
    whole_task,
)
from ._settings import one_thread, own_settings
from ._validation import check_labels, check_training_set, constraints
from ._voter import count_votes, predict_all
from ._weak_learner import draw_seed, make_learner
from ._window_test import are_many_images
from .exceptions import ClassVanishedWarning, UnlearnedClassWarning


# What a None stands for: epochs of an iteration, and of self-training.
N_EPOCHS = {"core": 2, "paper": 2, "paper-2023": 4}
SELF_TRAINING_EPOCHS = {"core": 20, "paper": 40, "paper-2023": 5}
PARTITION_2023 = {"first_epochs": 8, "refit_epochs": 40}


def _one_repeat(new_learner, codes, seed, **settings):
    with one_thread():
        rng = np.random.RandomState(seed)
        labels, predictions, kept = partition(new_learner(), codes, rng=rng, **settings)
        return labels, predictions, [Parcel(learner) for learner in kept]


def _one_model(new_learner, task):
    with one_thread():
        learner = new_learner()
        if task.labels is not None:
            learner.relabel(task.labels)
        learner.start(task.seed)
        n_epochs = task.n_epochs
        if task.enough_steps:
            n_epochs = learner.epochs_for(len(task.trained), n_epochs)
        learner.train(task.trained, n_epochs)
        losses, predicted = learner.score(task.judged)
        if task.probabilities:
            found = learner.probabilities(task.judged)
            return Verdict(losses, predicted, probabilities=found)
        if not task.features:
            return Verdict(losses, predicted)
        features = learner.features(task.judged)
        learner.train(task.trained, n_epochs)
        _, predicted = learner.score(task.judged)
        return Verdict(losses, predicted, features, Parcel(learner.estimator_))


class BaseFilter(RowsMixin, SupervisedMixin, SupportMixin, BaseEstimator):
    """The procedure of B.1; the public classes are thin faces over it."""

    _parameter_constraints: dict = {
        **constraints(
            "estimator", "alpha", "beta", "momentum", "n_iter", "n_jobs", "device",
            "random_state", "verbose",
        ),
        "method": [StrOptions({"core", "paper", "paper-2023"})],
        "core_share": constraints("alpha")["alpha"],
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
        core_share=1 / 4,
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
        self.core_share = core_share
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
            or with a spread that is small beside their mean.

        y : array-like of shape (n_rows,)
            The given labels, of any type.

        Returns
        -------
        self : object
            Fitted.

        Raises
        ------
        ValueError
            If y has one class or is continuous, if X has NaN or infinite values or
            fewer rows than components, or if the weak learner does not fit the data.

        Warns
        -----
        SmallClassWarning
            If a class has a single row.

        ClassVanishedWarning
            If every row of a class was rejected, by the vote or in self-training.

        UnlearnedClassWarning
            If models know less than three in ten rows of a class (``method="core"``).

        UserWarning
            If X looks like images whose channels come last.
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
            with Parallel(n_jobs=self.n_jobs) as parallel:
                whole = self._collect_votes(parallel, new_learner, X32, codes, rng)
                self._decide(parallel, new_learner, X32, codes, rng, whole)
            self._donor_seed = draw_seed(rng)
            self._warn_of_vanished_classes(codes)
        return self

    def _collect_votes(self, parallel, new_learner, X, codes, rng):
        """Partition the rows `n_repeats` times and let every learner vote.

        Return what a model of all rows says, trained beside them; None without need.
        """
        n_classes, n_repeats = len(self.classes_), self._count_repeats(X)
        settings = {
            "alpha": self.alpha,
            "beta": self.beta,
            "momentum": self.momentum,
            "n_iter": self.n_iter,
            "n_epochs": self._vote_epochs(n_classes),
        }
        if self.method == "paper-2023":
            settings |= PARTITION_2023
        jobs = [
            delayed(_one_repeat)(
                new_learner,
                codes,
                draw_seed(rng),
                progress=self._progress(repeat, n_repeats),
                **settings,
            )
            for repeat in range(n_repeats)
        ]
        whole = None
        if self.method == "core" and self.self_training:
            task = whole_task(np.arange(len(codes)), rng, self._n_epochs())
            # It takes longest, so that it comes first.
            whole, *repeats = parallel([delayed(_one_model)(new_learner, task), *jobs])
        else:
            repeats = parallel(jobs)
        labels, predictions, estimators = zip(*repeats)
        self.components_ = np.stack(labels)
        self.predictions_ = np.concatenate(predictions)
        self.estimators_ = [one.learner for kept in estimators for one in kept]
        self.votes_ = count_votes(self.predictions_, n_classes)
        given = self.votes_[np.arange(len(codes)), codes]
        self.agreement_ = given / len(self.estimators_)
        return whole

    def _count_repeats(self, X):
        if self.n_repeats is not None:
            return self.n_repeats
        # On many images these votes decide nothing.
        for_show = self.method == "core" and self.self_training and are_many_images(X)
        return 1 if for_show else 3

    def _vote_epochs(self, n_classes):
        if self.n_epochs is not None:
            return self.n_epochs
        n_epochs = N_EPOCHS[self.method]
        if self.method == "core":
            # More classes take more steps to tell apart; twice as many at 40.
            n_epochs = max(n_epochs, round(n_epochs * np.sqrt(n_classes / 10)))
        return n_epochs

    def _n_epochs(self):
        """Return the epochs of a model in self-training."""
        return self.self_training_epochs or SELF_TRAINING_EPOCHS[self.method]

    def _decide(self, parallel, new_learner, X, codes, rng, whole):
        """Turn the votes into a verdict."""
        votes = self.predictions_, self.components_, codes, self.core_share, rng
        n_epochs = self._n_epochs()
        marks = MarkSearch(parallel, X, codes, rng)

        def examine(tasks):
            return parallel(delayed(_one_model)(new_learner, task) for task in tasks)

        if self.method == "core" and self.self_training:
            finding = find_poison(examine, marks, whole, *votes, n_epochs)
            self.support_, self.vote_support_ = finding.support, finding.core
            self.poisoned_classes_ = self.classes_[finding.poisoned]
            self.marks_ = np.full((len(finding.poisoned), *X.shape[1:]), np.nan)
            for nth, code in enumerate(finding.poisoned):
                self.marks_[nth] = finding.marks.get(code, np.nan)
            self.marks_ = self._scaling.undo(self.marks_)
            self.unlearned_classes_ = self.classes_[finding.unlearned]
            self.evidence_ = [
                found._replace(label=self.classes_[found.label])
                for found in finding.evidence
            ]
            self._warn_of_unlearned_classes()
        elif self.method == "core":
            self.support_ = self.vote_support_ = core_support(*votes)
        else:
            late = self.method == "paper-2023"
            support = vote_support(self.votes_, codes, rng, n_votes=2 if late else 0)
            self.support_ = self.vote_support_ = support
            if self.self_training:
                train = self_train_repeatedly if late else self_train
                self.support_ = train(examine, codes, support, rng, n_epochs)

    def _progress(self, repeat, n_repeats):
        if not self.verbose:
            return None
        return {"desc": f"repeat {repeat + 1}/{n_repeats}", "unit": "round"}

    def _warn_of_unlearned_classes(self):
        if len(self.unlearned_classes_):
            warnings.warn(
                "The models know less than three in ten rows of these classes: "
                f"{self.unlearned_classes_.tolist()}. They have nothing to tell of "
                "poison in these classes, which may stay. Give more rows, or an "
                "estimator that learns them faster.",
                UnlearnedClassWarning,
                stacklevel=5,
            )

    def _warn_of_vanished_classes(self, codes):
        kept = np.bincount(codes[self.support_], minlength=len(self.classes_))
        if not kept.all():
            warnings.warn(
                "Every row of these classes was rejected: "
                f"{self.classes_[kept == 0].tolist()}. Too few learners recognise "
                "them; train them longer (n_epochs) or use a larger beta.",
                ClassVanishedWarning,
                stacklevel=4,
            )

    def fit_predict(self, X, y):
        """Decide which rows to keep and return it as an outlier detector does.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Training rows, finite numbers.

        y : array-like of shape (n_rows,)
            The given labels, of any type.

        Returns
        -------
        kept : ndarray of shape (n_rows,), int
            1 for a row to keep, -1 for a row to reject.
        """
        return np.where(self.fit(X, y).support_, 1, -1)

    def score(self, X, y):
        """Return the accuracy of the weak learners' modal vote.

        On a trusted fold this tells whether the learners recognise clean rows, so that
        ``alpha`` and ``beta`` can be searched over with GridSearchCV.

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


_PARAMETERS = """Parameters
    ----------
    estimator : NeuralNetClassifier or scikit-learn classifier, default=None
        The weak learner, cloned and never modified: any skorch classifier, or any
        classifier with ``partial_fit`` and ``predict_proba``. None means an
        :class:`~sklearn_ispl.modules.MLP` for 2-D X and a
        :class:`~sklearn_ispl.modules.ConvNet` for 4-D X, trained by SGD. Of a skorch
        net, module, criterion, optimizer, lr and batch size count; callbacks, train
        split and iterators do not.

    method : {"core", "paper", "paper-2023"}, default="core"
        The rule that turns votes into a verdict. "paper" is the printed one (B.1): keep
        the rows whose label is the modal vote. "paper-2023" is that of the paper's
        later version, which takes some ten times as long: the first iteration of a
        component trains for 8 epochs on all rows left (on half of them for the first
        component), a fresh net trained for 40 epochs on the component votes, a label
        needs two votes, and self-training goes over all rows 20 times. "core" searches
        for marks: a few pixels or features, much the same in all rows that have them,
        that turn rows of other classes into theirs in the eyes of a model of all rows,
        or a faint pattern over whole images that does. Where there is none, in rows
        that are no images and in up to 5,000 images, it takes from the votes the
        `core_share` of every class that is least suspect, lets models of these rows
        judge the others, and rejects the groups of rows that nothing but themselves
        explains. Classes without a mark or group are kept whole.

    core_share : float in (0, 1], default=1/4
        Share of every class that ``method="core"`` starts from, where the votes have a
        part in the verdict. The poison must be a smaller part of a class than what it
        leaves out.

    alpha : float in (0, 1], default=1/4
        The paper's alpha: share of the current set that a learner is trained on in
        one iteration.

    beta : float in (0, 1], default=1/8
        The paper's beta: size of a component as a share of all rows. There are
        ``round(1 / beta)`` components.

    momentum : float in [0, 1), default=0.9
        The paper's eta, the smoothing of the losses.

    n_repeats : int, default=None
        How often the rows are partitioned anew. Every component of every repeat has a
        learner that votes. None means 3; 1 where the votes have no part in the verdict:
        with ``method="core"`` and self-training, of more than 5,000 images.

    n_iter : int, default=None
        Iterations per component. None means ``2 + min(3, floor(1 / p))`` for the
        target share p of the round.

    n_epochs : int, default=None
        Epochs of training in one iteration. None means 2, as printed; 4 for
        ``method="paper-2023"``; with ``method="core"`` more for more than ten classes,
        twice as many for forty. The learners must stay weak: many epochs let them learn
        a trigger from a handful of rows.

    self_training : bool, default=True
        Whether models trained beside the weak learners have the last word. With
        ``method="paper"``, a fresh model is trained on the kept rows and adds the
        rejected rows whose label it predicts; a few poisoned rows among the kept ones
        suffice to bring back all. With ``method="paper-2023"``, rows are kept whose
        label is predicted more often than not by models of the rows kept before. For
        ``method="core"`` see the Notes; False keeps the core alone.

    self_training_epochs : int, default=None
        Epochs of these models. None means 40 for ``method="paper"``, as printed, 5 for
        ``method="paper-2023"``, and 20 for ``method="core"``: the model of all rows
        trains twice as long, models of a part of them two fifths or three quarters.

    n_jobs : int, default=None
        Repeats, models of self-training, and classes searched for marks, that run at
        the same time, each in a process of one thread. The result does not depend on
        it.

    device : str, torch.device or None, default="auto"
        "auto" is the net's own device where that is not the CPU, else CUDA where there
        is one, else the CPU; None is the net's own.

    random_state : int, RandomState instance or None, default=None
        Seed of everything random. The global states of NumPy and torch are left as
        they were.

    verbose : bool or int, default=False
        Whether to show a progress bar per repeat.
    """.rstrip()

_ATTRIBUTES = """Attributes
    ----------
    support_ : ndarray of shape (n_rows,), bool
        The rows to keep.

    vote_support_ : ndarray of shape (n_rows,), bool
        The rows that were kept before self-training: the core, or those whose label is
        the modal vote.

    poisoned_classes_ : ndarray of shape (n_poisoned_classes,)
        The labels under which rows were rejected, often none. Only with
        ``method="core"`` and self-training.

    marks_ : ndarray of shape (n_poisoned_classes, ...)
        What makes the rejected rows of each of `poisoned_classes_` what their label
        says, as a row of X: the value where a mark was found, else NaN. All NaN in a
        class whose mark varies from row to row or spreads over the image, or in which
        no mark was found. Only with ``method="core"`` and self-training.

    unlearned_classes_ : ndarray of shape (n_unlearned_classes,)
        The labels of which models know less than three rows in ten, so that they have
        nothing to tell of poison in these classes. That it is empty proves nothing:
        a model may know rows by heart. Only with ``method="core"`` and self-training.

    evidence_ : list of named tuples (label, rows, excess, suspect)
        For each class, by falling excess, the group of its rows that is most typical
        of other classes: their numbers, and of how many other classes they are typical
        and the rest of the class is not, 1/2 for each class that poison came from. A
        suspect group stands out from those of the other classes. It is rejected if
        models of all other rows contradict its labels, too; then its label is in
        `poisoned_classes_`. Empty for fewer than four classes. Only with
        ``method="core"`` and self-training.

    agreement_ : ndarray of shape (n_rows,)
        Share of the learners that predict the given label, 0 to 1.

    votes_ : ndarray of shape (n_rows, n_classes), unsigned int
        Number of learners that predict each class.

    predictions_ : ndarray of shape (n_learners, n_rows), unsigned int
        The class that each learner predicts for each row, as a position in
        `classes_`, in the smallest integer type.

    components_ : ndarray of shape (n_repeats, n_rows), int
        The component of each row in each repeat.

    estimators_ : list of length n_learners
        The weak learners, in the order of `predictions_`. They take float32 rows, and
        scaled ones where X had to be scaled (see `fit`).

    classes_ : ndarray of shape (n_classes,)
        The labels.

    n_features_in_ : int
        Number of features, or of channels for 4-D X.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has names that are all strings.
    """.rstrip()

_REFERENCES = """References
    ----------
    C. Jin, M. Sun, M. Rinard, "Provable Guarantees against Data Poisoning Using
    Self-Expansion and Compatibility", arXiv:2105.03692v1, appendix B.1; for
    ``method="paper-2023"`` its later version, "Incompatibility Clustering as a Defense
    Against Backdoor Poisoning Attacks", ICLR 2023.
    """.rstrip()


def complete_docstring(cls):
    """Write what the filters share into their docstrings."""
    for name, text in {
        "{parameters}": _PARAMETERS,
        "{attributes}": _ATTRIBUTES,
        "{references}": _REFERENCES,
    }.items():
        cls.__doc__ = cls.__doc__.replace(name, text)
    return cls
